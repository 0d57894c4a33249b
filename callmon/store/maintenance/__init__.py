"""Checks and repairs that an administrator starts."""
