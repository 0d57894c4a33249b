"""What an administrator runs manually: doctor, demo, record, replay, Alertmanager's settings."""
