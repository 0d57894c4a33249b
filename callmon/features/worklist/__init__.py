"""Callbacks and complaints: the page and `callmon callbacks`."""
