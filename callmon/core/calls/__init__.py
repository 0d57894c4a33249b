"""Telephony: calls, channels, rings, answers. Pure: no I/O, no clock."""
