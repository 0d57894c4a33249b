"""The running daemon: exchanges, standby, restore, host and service state."""
