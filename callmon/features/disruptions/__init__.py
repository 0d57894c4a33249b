"""Disruptions of lines: the page, `callmon disruptions` and the public notice."""
