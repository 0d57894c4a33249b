"""Calls that the event stream did not carry: read from CEL, merged, reconciled each night."""
