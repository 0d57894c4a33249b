"""Where a time lies on the drawing of a call: one scale for all, with long stretches without an event cut. Pure.

    ring ring ring | talk --//-- talk     the stretch at // is left out; its length is written there

Nothing is cut before the answer, and nothing where the ringing stays readable beside all that follows. What is
left of a stretch is its beginning and its end, equally long and to the same scale as everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec

LATER = 0.38  # the share of the drawing that is left to what follows the answer, when stretches are cut
READABLE = 3  # so many times as long as the ringing may be what follows, without a cut
LEAST = 6.0  # seconds that are left of a stretch
TOOTH = 10  # of the zigzag, about


class Sheet(NamedTuple):
    """What it is drawn on: in all, left of what is drawn, right of it. `above`: a lane's name stands over it."""

    width: int
    labels: int
    right: int
    above: int = 0


class Cut(msgspec.Struct, frozen=True):
    """A zigzag from top to bottom, where something is left out."""

    x: float
    top: float
    bottom: float

    @property
    def edges(self) -> tuple[str, str]:
        """The left edge and the right one, as points of a line."""
        teeth = max(2, round((self.bottom - self.top) / TOOTH))
        step = (self.bottom - self.top) / teeth
        left = [(round(self.x + (1 if n % 2 else -7), 1), round(self.top + n * step, 1)) for n in range(teeth + 1)]
        return tuple(" ".join(f"{x + by},{y}" for x, y in left) for by in (0, 6))  # type: ignore[return-value]  # two

    @property
    def outline(self) -> str:
        """All that it covers."""
        left, right = self.edges
        return " ".join([left, *reversed(right.split())])


class Part(NamedTuple):
    """From one event to the next. `drawn` is in seconds of the scale: less than its length where it is cut."""

    since: datetime
    until: datetime
    drawn: float

    @property
    def left_out(self) -> timedelta:
        """Nothing, where it is whole."""
        return self.until - self.since - timedelta(seconds=self.drawn)

    def place(self, at: datetime) -> float:
        """Of a time in it, in seconds of the scale from its beginning."""
        after, before_end = (at - self.since).total_seconds(), (self.until - at).total_seconds()
        if not self.left_out:
            return after
        half = self.drawn / 2
        return min(after, half) if after <= before_end else self.drawn - min(before_end, half)


class Scale:
    """From `begin` to `end`; `knot` is the answer, `events` are times that must be seen apart."""

    def __init__(
        self, begin: datetime, knot: datetime, end: datetime, sheet: Sheet, events: Iterable[datetime] = ()
    ) -> None:
        self.sheet = sheet
        self.begin, self.knot, self.end = begin, knot, max(end, begin + timedelta(seconds=1))
        times = sorted({begin, knot, self.end, *(at for at in events if begin < at < self.end)})
        stretches = list(pairwise(times))
        most = self._most([(b - a).total_seconds() for a, b in stretches if a >= knot])
        self._parts = [
            Part(a, b, most if a >= knot and (b - a).total_seconds() > 2 * most else (b - a).total_seconds())
            for a, b in stretches
        ]
        drawn = sum(part.drawn for part in self._parts)
        self._pixels = (sheet.width - sheet.labels - sheet.right) / drawn

    def _most(self, later: list[float]) -> float:
        """How long a stretch after the answer may be drawn, in seconds."""
        before, after = (self.knot - self.begin).total_seconds(), sum(later)
        if not before or after <= READABLE * before:
            return after
        room = before * LATER / (1 - LATER)
        for many in range(1, len(later) + 1):
            most = room / many
            if sum(most if length > 2 * most else length for length in later) <= room:
                break
        return max(most, LEAST)

    def x(self, at: datetime) -> float:
        at, place = min(max(at, self.begin), self.end), 0.0
        for part in self._parts:
            if at <= part.until:
                place += part.place(at)
                break
            place += part.drawn
        return round(self.sheet.labels + place * self._pixels, 1)

    def cuts(self) -> Iterator[tuple[float, timedelta]]:
        """Where something is left out, and how much."""
        for part in self._parts:
            if part.left_out:
                yield (self.x(part.since) + self.x(part.until)) / 2, part.left_out
