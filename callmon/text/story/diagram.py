"""One call as a drawing: the caller's rings, each phone, voicemail and gaps, to scale. Pure.

    caller    ▮▯ ▮▯ ▮▯ ▮…        a ring is its tone and its silence; a dashed line at the end of the third
    phone     ░░░░░░░▮▮▮▮▮▮      ringing, then a conversation
    voicemail             ▮▮▮
    gap       ///// over all     not received

All lanes have one scale. A long stretch without an event after the answer is left out, if the ringing would become
unreadable beside all that follows: a zigzag breaks all lanes and the axis, with the omitted length above it. The
beginning and the end of the stretch remain, equally long and to the same scale. The list of sentences beside the
drawing has the same content.

Refuses: to draw through a gap what was not received; to cut before the answer.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple

import msgspec

from callmon.core import facts as f
from callmon.core.facts import AnyFact
from callmon.text.story.timeline import StoryContext, in_time

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
        self.begin = begin
        self.knot = knot
        self.end = max(end, begin + timedelta(seconds=1))
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


LANE = 34
TOP = 30
THICK = 16
NEAR = 180  # axis labels that are nearer to each other would touch
FIRST_ROW, ROW = 12, 15  # vertical place of the omitted lengths: first row, row height
CHARACTER = 7  # upper limit of the average width
SHORT = 8  # a narrower ring has no number
MOST_RINGS, MOST_PHONES = 40, 12
Kind = Literal["tone", "pause", "rang", "talk", "held", "took", "gap", "limit", "rail", "axis", "mark"]


WIDE, NARROW = DiagramSheet(900, 166, 24), DiagramSheet(340, 0, 4, above=18)


class DiagramBox(msgspec.Struct, frozen=True):
    kind: Kind
    x: float
    y: float
    width: float
    height: float


class DiagramLabel(msgspec.Struct, frozen=True):
    x: float
    y: float
    text: str
    anchor: str = "start"
    quiet: bool = False


class Drawing(msgspec.Struct, frozen=True):
    """Shapes in the order of painting; cuts are last."""

    height: float
    boxes: tuple[DiagramBox, ...]
    labels: tuple[DiagramLabel, ...]
    cuts: tuple[ScaleCut, ...] = ()


def drawing(context: StoryContext, tone: timedelta, sheet: DiagramSheet = WIDE) -> Drawing | None:
    """The drawing; None if no time is known. `tone`: the length of the tone in each ring."""
    times = [fact.at for fact in context.facts if fact.at is not None]
    if not times:
        return None
    begin, end = min(times), max(times)
    knot = min(max(context.call.answered or end, begin), end)
    heard_again = [fact.until for fact in context.facts if isinstance(fact, f.Unheard) and fact.until is not None]
    return _Drawer(context, Scale(begin, knot, end, sheet, [*times, *heard_again]), tone).drawing()


class _Drawer:
    def __init__(self, context: StoryContext, scale: Scale, tone: timedelta) -> None:
        self._context = context
        self._scale = scale
        self._tone = tone
        self._sheet = scale.sheet
        self._say, self._facts = context.say, in_time(context.facts)
        self._boxes: list[DiagramBox] = []
        self._labels: list[DiagramLabel] = []
        self._left_out = list(self._rows())
        self._top = TOP + ROW * max((row for _, _, row in self._left_out), default=0)
        self._y = self._top
        self._lanes: list[float] = []

    def drawing(self) -> Drawing:
        self._caller()
        for phone in self._phones()[:MOST_PHONES]:
            self._phone(phone)
        self._voicemail()
        height = self._y + 26
        self._axis(height)
        self._limit()
        self._gaps()
        cuts = tuple(self._cuts(height))  # adds labels
        return Drawing(height, tuple(self._boxes), tuple(self._labels), cuts)

    def _lane(self, title: str, over: int = 0) -> float:
        """Add a lane and return its y. `over`: extra space below its name, if names are above the lanes."""
        sheet, above = self._sheet, self._sheet.above
        y = self._y + above + (over if above else 0)
        name = self._y + above - 5 if above else y + THICK - 3
        self._labels.append(DiagramLabel(0, name, title))
        self._boxes.append(DiagramBox("rail", sheet.labels, y + THICK / 2, sheet.drawn, 0))
        self._y = y + LANE
        self._lanes.append(y)
        return y

    def _box(self, kind: Kind, since: datetime, until: datetime, y: float) -> None:
        left, right = self._scale.x(since), self._scale.x(until)
        if right > left:
            self._boxes.append(DiagramBox(kind, left, y, round(right - left, 1), THICK))

    def _caller(self) -> None:
        """Draw the rings that the caller heard, and a mark for each transfer.

        The conversation is drawn in the lane of the phone.
        """
        y = self._lane(self._say("Caller"), over=14)
        for number, (since, tone, until) in enumerate(self._rings(), 1):
            self._box("tone", since, tone, y)
            self._box("pause", tone, until, y)
            if not self._is_unheard(since) and self._scale.x(until) - self._scale.x(since) >= SHORT:
                self._labels.append(DiagramLabel(self._scale.x(since) + 1, y - 4, str(number), quiet=True))
        for fact in self._facts:
            if isinstance(fact, f.SentOff | f.Transferred) and fact.at is not None:
                self._boxes.append(DiagramBox("mark", self._scale.x(fact.at) - 4, y + THICK / 2 - 4, 8, 8))

    def _is_unheard(self, at: datetime) -> bool:
        gaps = [x for x in self._facts if isinstance(x, f.Unheard)]
        return any((x.at or self._scale.begin) <= at < (x.until or self._scale.end) for x in gaps)

    def _rings(self) -> Iterator[tuple[datetime, datetime, datetime]]:
        begin, stop = self._context.clock, self._stop()
        if begin is None or self._context.is_by_seconds or not self._context.call.heard_ringing:
            return
        for number in range(MOST_RINGS):
            since = begin + number * self._context.call.cycle
            if since >= stop:
                return
            yield since, min(since + self._tone, stop), min(since + self._context.call.cycle, stop)

    def _stop(self) -> datetime:
        """The time at which the caller no longer heard ringing."""
        ends = [x.at for x in self._facts if isinstance(x, f.Answered | f.VoicemailTook | f.Ended) and x.at]
        return min(
            (at for at in ends if self._context.clock is None or at >= self._context.clock),
            default=self._scale.end,
        )

    def _phones(self) -> list[str]:
        named = (
            x.phone for x in self._facts if isinstance(x, f.PhoneRang | f.Answered | f.PersonJoined | f.Retrieved)
        )
        return list(dict.fromkeys(named))

    def _phone(self, phone: str) -> None:
        is_outside = phone == f.OUTSIDE
        name = (
            self._say("Outside number")
            if is_outside
            else self._say("Phone {phone}", context="diagram", phone=phone)
        )
        y = self._lane(name)
        for place, fact in enumerate(self._facts):
            if fact.at is None or getattr(fact, "phone", None) != phone:
                continue
            after = self._facts[place + 1 :]
            match fact:
                case f.PhoneRang():
                    self._box("rang", fact.at, self._rang_until(after, phone), y)
                case f.Answered() | f.PersonJoined() | f.Retrieved():
                    known = fact.at + getattr(fact, "slack", timedelta(0))  # certainly answered by then
                    self._box("talk", known, self._talked_until(after, phone), y)
                case f.Held():
                    self._box("held", fact.at, self._held_until(after, phone), y)

    def _held_until(self, after: Sequence[AnyFact], phone: str) -> datetime:
        """The time at which this phone resumed the call, or the call was sent on or taken."""
        ends = (f.SentOff, f.Transferred, f.PersonJoined, f.CameBack, f.VoicemailTook)
        return self._first(
            x for x in after if isinstance(x, ends) or (isinstance(x, f.Resumed) and x.phone == phone)
        )

    def _rang_until(self, after: Sequence[AnyFact], phone: str) -> datetime:
        ends = (f.PhoneStopped, f.Answered, f.PersonJoined)
        return self._first(x for x in after if isinstance(x, ends) and x.phone == phone)

    def _talked_until(self, after: Sequence[AnyFact], phone: str) -> datetime:
        """The time at which the call was sent on, parked, taken by voicemail or ended.

        A transfer to this phone itself does not count.
        """
        ends = (f.Transferred, f.SentOff, f.VoicemailTook, f.Parked, f.Ended)
        return self._first(x for x in after if isinstance(x, ends) and getattr(x, "to", None) != phone)

    def _first(self, facts: Iterable[AnyFact]) -> datetime:
        """The first known time of these facts; otherwise the end."""
        return next((x.at for x in facts if x.at), self._scale.end)

    def _voicemail(self) -> None:
        took = next((x.at for x in self._facts if isinstance(x, f.VoicemailTook) and x.at), None)
        if took is not None:
            self._box("took", took, self._scale.end, self._lane(self._say("Voicemail")))

    def _limit(self) -> None:
        """Draw the end of the third ring."""
        if self._context.clock is None or self._context.is_by_seconds:
            return
        limit = self._context.clock + 3 * self._context.call.cycle
        if limit <= (self._scale.knot if self._context.call.answered else self._scale.end):
            x, first = self._scale.x(limit), self._lanes[0] - 2  # below the number of the ring
            if self._sheet.above:  # a line must not cross the names
                self._boxes += [DiagramBox("limit", x, y - 2, 0, THICK + 4) for y in self._lanes]
            else:
                self._boxes.append(DiagramBox("limit", x, first, 0, self._y - first))

    def _gaps(self) -> None:
        for fact in self._facts:
            if isinstance(fact, f.Unheard):
                since, until = fact.at or self._scale.begin, fact.until or self._scale.end
                left, right = self._scale.x(since), self._scale.x(until)
                width = round(max(right - left, 3), 1)
                self._boxes.append(DiagramBox("gap", left, self._top - 10, width, self._y - self._top + 4))

    def _axis(self, height: float) -> None:
        scale, sheet = self._scale, self._sheet
        self._boxes.append(DiagramBox("axis", sheet.labels, height - 22, sheet.drawn, 0))
        is_apart = min(scale.x(scale.knot) - scale.x(scale.begin), scale.x(scale.end) - scale.x(scale.knot)) > NEAR
        times = [scale.begin, *([scale.knot] if is_apart and not sheet.above else ()), scale.end]
        for place, at in enumerate(times):
            anchor = "start" if place == 0 else "end" if at == scale.end else "middle"
            self._boxes.append(DiagramBox("axis", scale.x(at), height - 26, 0, 8))
            self._labels.append(DiagramLabel(scale.x(at), height - 6, self._context.second(at), anchor, True))

    def _cuts(self, height: float) -> Iterator[ScaleCut]:
        """The zigzags; the omitted length is added as a label above each."""
        for x, text, row in self._left_out:
            half, sheet = len(text) * CHARACTER / 2, self._sheet
            middle = min(max(x, half), sheet.width - half)
            self._labels.append(DiagramLabel(round(middle, 1), FIRST_ROW + row * ROW, text, "middle"))
            spans: list[tuple[float, float]] = [(self._top - 13, height - 19)]
            if sheet.above:  # a line must not cross the names
                spans = [*((y - 4, y + THICK + 4) for y in self._lanes), (height - 28, height - 17)]
            for top, bottom in spans:
                yield ScaleCut(round(x, 1), top, bottom)

    def _rows(self) -> Iterator[tuple[float, str, int]]:
        """The x, the omitted length as text and the row of each cut; rows are chosen so that no texts touch."""
        ends: list[float] = []
        for x, length in self._scale.cuts():
            text = self._context.typeset(_length(length))
            half = (len(text) + 1) * CHARACTER / 2
            row = next((n for n, end in enumerate(ends) if end <= x - half), len(ends))
            ends[row : row + 1] = [x + half]
            yield x, text, row


def _length(length: timedelta) -> str:
    """A length, with the same text in both languages."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"
