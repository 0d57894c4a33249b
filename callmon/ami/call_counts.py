"""Does callmon hear what the exchange does? Its own count of calls beside ours. Pure: no I/O, no clock.

`CoreProcessedCalls` of CoreStatus is how many calls the exchange's dialplan was run for since it started; ours is
how many channels we heard begin a call. The two are kept as they were at one answer, so that a call between two
questions is in both counts or in neither. They are not the same number: it is only asked whether they grow.
Asterisk 16 has no such count (22 has): then nothing is known.
"""

from __future__ import annotations

from typing import NamedTuple

from callmon.ami.events import Reply


class Counts(NamedTuple):
    """Since the exchange started; since callmon started."""

    processed: int
    heard: int


class Feed:
    """Told by each connection in turn. `counts` is None until the exchange was asked."""

    def __init__(self) -> None:
        self.begun = 0
        self.counts: Counts | None = None

    def answered(self, reply: Reply) -> None:
        """Any reply: those that hold the count are the answers to CoreStatus."""
        text = reply["CoreProcessedCalls"]
        if text.isascii() and text.isdigit() and len(text) < 16:
            self.counts = Counts(int(text), self.begun)
