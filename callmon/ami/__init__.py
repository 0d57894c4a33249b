"""Asterisk's manager interface (AMI): all code that uses its terms (channel, uniqueid, linkedid, bridge)."""
