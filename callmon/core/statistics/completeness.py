"""How complete the figures of a period are: calls heard, filled and partly known, and unheard time (R-31). Pure.

A share is of the calls that are known; those that came and went while nobody listened are not among them, and that
is what the unheard time says. Where no call is known there is no share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.core.calls.call import Heard

NO_TIME = timedelta(0)
Span = tuple[datetime, datetime]


class Completeness(msgspec.Struct, frozen=True):
    """One line in a period. `unheard`: for how long none, or not all, of its exchanges were heard."""

    full: int
    filled: int
    partly: int
    unheard: timedelta

    @property
    def known(self) -> int:
        return self.full + self.filled + self.partly

    @property
    def share(self) -> float | None:
        """Fully heard or filled, of those that are known."""
        return (self.full + self.filled) / self.known if self.known else None


def of(heard: Mapping[Heard, int], gaps: Iterable[Span], begin: datetime, end: datetime) -> Completeness:
    """Of a line's calls by how they were heard, and its exchanges' gaps, which may lie beyond [begin, end)."""
    unheard = sum((b - a for a, b in merged(gaps, begin, end)), NO_TIME)
    return Completeness(heard.get("full", 0), heard.get("filled", 0), heard.get("partly", 0), unheard)


def merged(gaps: Iterable[Span], begin: datetime, end: datetime) -> list[Span]:
    """What of them lies in [begin, end), each moment once."""
    told: list[Span] = []
    for a, b in sorted((max(a, begin), min(b, end)) for a, b in gaps):
        if a >= b:
            continue
        if told and a <= told[-1][1]:
            told[-1] = (told[-1][0], max(b, told[-1][1]))
        else:
            told.append((a, b))
    return told
