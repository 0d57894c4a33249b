"""Calls of the record replayed under a changed rule: curves, keyed draws, events, spans. Pure.

No I/O, no clock, no random state: every drawn value is a function of its keys. Times are whole milliseconds.
"""
