"""Telephony: calls, legs, rings, answers. Pure: no I/O, no clock."""
