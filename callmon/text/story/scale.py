"""The horizontal scale of the drawing of a call: one scale, with long stretches without an event cut. Pure.

    ring ring ring | talk --//-- talk     the stretch at // is left out; its length is written there

No stretch is cut if the ringing stays readable beside all that follows. The beginning and the end of a cut stretch
remain, equally long and to the same scale as everything else.

Refuses: to cut before the answer.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec

LATER = 0.38  # share of the drawing for the time after the answer, if stretches are cut
READABLE = 3  # the time after the answer may be this many times as long as the ringing without a cut
LEAST = 6.0  # seconds that at least remain of a cut stretch
TOOTH = 10  # approximate height of a tooth of the zigzag


class DiagramSheet(NamedTuple):
    """The size of a drawing: total width, margin for labels at the left, margin at the right.

    `above`: height for the name of a lane above it; 0 if names are at the left.
    """

    width: int
    labels: int
    right: int
    above: int = 0

    @property
    def drawn(self) -> int:
        """The width of the lanes."""
        return self.width - self.labels - self.right


class ScaleCut(msgspec.Struct, frozen=True):
    """A zigzag from top to bottom where a stretch is left out."""

    x: float
    top: float
    bottom: float

    @property
    def edges(self) -> tuple[str, str]:
        """The left and the right edge, as points of an SVG polyline."""
        teeth = max(2, round((self.bottom - self.top) / TOOTH))
        step = (self.bottom - self.top) / teeth
        left = [(round(self.x + (1 if n % 2 else -7), 1), round(self.top + n * step, 1)) for n in range(teeth + 1)]
        return tuple(" ".join(f"{x + by},{y}" for x, y in left) for by in (0, 6))  # type: ignore[return-value]  # two

    @property
    def outline(self) -> str:
        """The area between both edges, as points of an SVG polygon."""
        left, right = self.edges
        return " ".join([left, *reversed(right.split())])


class ScalePart(NamedTuple):
    """The time from one event to the next. `drawn`: seconds of the scale, fewer than its length if it is cut."""

    since: datetime
    until: datetime
    drawn: float

    @property
    def left_out(self) -> timedelta:
        """The omitted length; zero if the part is whole."""
        return self.until - self.since - timedelta(seconds=self.drawn)

    def place(self, at: datetime) -> float:
        """The place of a time in this part, in seconds of the scale from its beginning."""
        after, before_end = (at - self.since).total_seconds(), (self.until - at).total_seconds()
        if not self.left_out:
            return after
        half = self.drawn / 2
        return min(after, half) if after <= before_end else self.drawn - min(before_end, half)


class Scale:
    """The scale from `begin` to `end`. `knot`: the answer. `events`: times that stay distinct on it."""

    def __init__(
        self, begin: datetime, knot: datetime, end: datetime, sheet: DiagramSheet, events: Iterable[datetime] = ()
    ) -> None:
        self.sheet = sheet
        self.begin, self.knot, self.end = begin, knot, max(end, begin + timedelta(seconds=1))
        times = sorted({begin, knot, self.end, *(at for at in events if begin < at < self.end)})
        stretches = list(pairwise(times))
        most = self._most([(b - a).total_seconds() for a, b in stretches if a >= knot])
        self._parts = [
            ScalePart(a, b, most if a >= knot and (b - a).total_seconds() > 2 * most else (b - a).total_seconds())
            for a, b in stretches
        ]
        self._pixels = sheet.drawn / sum(part.drawn for part in self._parts)

    def _most(self, later: list[float]) -> float:
        """The longest drawn length of a stretch after the answer, in seconds."""
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
        """The x and the omitted length of each cut."""
        for part in self._parts:
            if part.left_out:
                yield (self.x(part.since) + self.x(part.until)) / 2, part.left_out
