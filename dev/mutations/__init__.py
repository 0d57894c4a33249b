"""Faults planted in a copy of callmon, each of which the tests must see: `python -m dev.mutations`.

`faults` is the table; `caught.md` says what caught each. Refuses to touch the tree it runs in.
"""
