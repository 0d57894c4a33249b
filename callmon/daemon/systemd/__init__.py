"""The systemd unit that ships with callmon. Holds no code."""
