"""What an administrator runs by hand: doctor, demo, record, replay, Alertmanager's settings."""
