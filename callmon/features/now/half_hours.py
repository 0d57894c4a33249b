"""Below *Now*: today's calls by the half-hour beside the same weekday of earlier weeks, and the causes of misses.

The half-hours of four weeks in which nobody was free are a table.

Refuses to compare unlike times. An earlier day counts when it had the same opening hours; a half-hour of it, when
every exchange was heard throughout. The days beside today are counted until the same time of day. Without ENOUGH
half-hours there is no median. A half-hour in which an exchange was unheard is never zero: its received calls are
marked as incomplete.

Read from the database at most once a minute, and when an exchange is heard again. While the database is away, the
page stands without this part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any, Literal

import msgspec

from callmon.config.settings import Settings
from callmon.core.statistics.aggregates import BY_TIME, HALF_HOURS, NOBODY_FREE
from callmon.core.statistics.coverage import Coverage
from callmon.core.verdicts import CAUSES
from callmon.store.queries.half_hours import Counts, HalfHourCounts, half_hour_counts
from callmon.web.context import AwayError, PageContext
from callmon.web.formatter import FEW, WebFormatter

WEEKS, ENOUGH = 8, 3
LATELY = 28  # days of the table of half-hours in which nobody was free
LEVELS = 4  # its shades
ENDS = dict(zip(HALF_HOURS, (*HALF_HOURS[1:], HALF_HOURS[0]), strict=True))
HALF = timedelta(minutes=30)
CAUSE = "answer_by_third_ring.cause"
# of the drawing, in its own units
LEFT = 40
TOP = 26
WIDTH = 900
HEIGHT = 190
FOOT = 26
MOST_LINES = 4  # of the grid above 0
LABEL = 330  # the width of the causes' names in their drawing


class Half(msgspec.Struct, frozen=True):
    """A half-hour of today: the ended calls that arrived in it. `nobody_free`: those without an answer, because
    every phone was in use. `usual`: the median of the calls on earlier days; None when too few of these days can
    be compared.
    """

    begin: datetime
    state: Literal["over", "now", "ahead"]
    is_open: bool
    is_heard: bool
    offered: int
    answered: int
    nobody_free: int
    usual: float | None


class Missed(msgspec.Struct, frozen=True):
    """Calls that no person answered by the third ring, by cause, on voice lines and on TTY lines."""

    cause: str
    voice: int
    tty: int


class SameTime(msgspec.Struct, frozen=True):
    """A day's calls on voice lines that arrived in the half-hours which are over today."""

    day: date
    offered: int
    answered: int
    met: int  # of the third ring's verdicts
    not_met: int


class PastDay(msgspec.Struct, frozen=True):
    """One of the last days: its half-hours on voice lines, in the order of `TodayHalfHours.names`."""

    day: date
    halves: tuple[Half, ...]


class TodayHalfHours(msgspec.Struct, frozen=True):
    """`halves`: of the voice lines, from opening to closing; of a closed day, those with calls. `before` and
    `after`: the calls outside them.

    `until`: when the last half-hour that is over ended. `beside`: today and earlier days, until that time of day.
    `lately`: the open days of four weeks, the latest first; `names`: their half-hours, as "08:30".
    """

    at: datetime
    day: date
    halves: tuple[Half, ...]
    missed: tuple[Missed, ...]
    until: datetime | None = None
    beside: tuple[SameTime, ...] = ()
    before: int = 0
    after: int = 0
    names: tuple[str, ...] = ()
    lately: tuple[PastDay, ...] = ()


def days(at: datetime, settings: Settings) -> list[date]:
    """Today, the days of the last four weeks, and the same weekday of the weeks before."""
    today = settings.calendar().local_day(at)
    ago = sorted({*range(LATELY), *(7 * (n + 1) for n in range(WEEKS))})
    return [today - timedelta(days=n) for n in ago]


def today(
    counted: HalfHourCounts, silent: Mapping[str, datetime | None], settings: Settings, at: datetime
) -> TodayHalfHours:
    """`silent`: for each exchange, since when it is unheard; None while it is heard."""
    return _Maker(counted, silent, settings, at).today()


class _Maker:
    def __init__(
        self, counted: HalfHourCounts, silent: Mapping[str, datetime | None], settings: Settings, at: datetime
    ) -> None:
        self._counted = counted
        self._at = at
        self._zone = settings.timezone
        self._days = days(at, settings)
        self._day = self._days[0]
        self._before = [self._day - timedelta(weeks=n + 1) for n in range(WEEKS)]
        self._listening = [_so_far(counted.listening.get(name), since, at) for name, since in silent.items()]
        self._voice, self._tty = (
            {line.name: settings.calendar(line) for line in settings.lines() if line.mode == mode}
            for mode in ("voice", "tty")
        )
        self._open = {
            day: [span for calendar in self._voice.values() for span in calendar.spans(day)] for day in self._days
        }

    def today(self) -> TodayHalfHours:
        alike = [day for day in self._before if self._is_alike(day)]
        counts = {day: self._total(day, self._voice) for day in (self._day, *alike)}
        halves = [self._half(name, self._day, counts) for name in HALF_HOURS]
        opening = [place for place, half in enumerate(halves) if half.is_open]
        places = opening or [place for place, half in enumerate(halves) if half.offered]
        past = [place for place in places if halves[place].state != "ahead"]
        heard = [place for place in past if halves[place].is_heard or halves[place].offered]
        places = places[places.index(heard[0]) :] if heard else places  # data starts there
        shown = tuple(halves[places[0] : places[-1] + 1]) if places else ()
        voice, tty = counts[self._day], self._total(self._day, self._tty)
        missed = [Missed(cause, voice[CAUSE, cause], tty[CAUSE, cause]) for cause in CAUSES]
        over = [name for name, half in zip(HALF_HOURS, halves, strict=True) if half.state == "over"]
        return TodayHalfHours(
            self._at,
            self._day,
            shown,
            tuple(x for x in missed if x.voice or x.tty),
            self._span(over[-1], self._day)[1] if over else None,
            tuple(self._beside(over)),
            sum(half.offered for half in halves[: places[0]]) if places else 0,
            sum(half.offered for half in halves[places[-1] + 1 :]) if places else 0,
            *self._nobody_free(),
        )

    def _nobody_free(self) -> tuple[tuple[str, ...], tuple[PastDay, ...]]:
        """The half-hours that were open, or had calls for which nobody was free, on the last days."""
        found: dict[date, list[Half]] = {}
        for day in self._days[:LATELY]:
            counts = {day: self._total(day, self._voice)}
            found[day] = [self._half(name, day, counts) for name in HALF_HOURS]
        shown = {place for some in found.values() for place, x in enumerate(some) if x.is_open or x.nobody_free}
        lately = tuple(
            PastDay(day, tuple(some[place] for place in sorted(shown)))
            for day, some in found.items()
            if any(x.is_open or x.nobody_free for x in some)
        )
        return tuple(HALF_HOURS[place] for place in sorted(shown)), lately

    def _beside(self, over: Sequence[str]) -> Iterator[SameTime]:
        """Today, the last day before it and the same weekday of last week: alike, and heard until that time."""
        if not over or not self._is_heard_until(over[-1], self._day):
            return
        lately = next(filter(self._is_alike, self._days[1:7]), None)
        last_week = next(filter(self._is_alike, self._before[:1]), None)
        for day in filter(None, (self._day, lately, last_week)):
            if self._is_heard_until(over[-1], day):
                counts = self._total(day, self._voice)
                sums = (sum(counts[f"half_hour.{what}", name] for name in over) for what in BY_TIME)
                yield SameTime(day, *sums)

    def _is_heard_until(self, last: str, day: date) -> bool:
        midnight = datetime.combine(day, time(), self._zone).astimezone(UTC)
        return self._is_heard(midnight, self._span(last, day)[1])

    def _is_alike(self, day: date) -> bool:
        return all(x.periods_on(day) == x.periods_on(self._day) for x in self._voice.values())

    def _total(self, day: date, lines: Iterable[str]) -> Counts:
        found = Counts()
        for line in lines:
            found.update(self._counted.days.get(day, {}).get(line, {}))
        return found

    def _half(self, name: str, day: date, counts: Mapping[date, Counts]) -> Half:
        """The half-hour of a day. `counts`: that day's, and those of the days that it is compared with."""
        begin, end = self._span(name, day)
        before = [x for x in counts if x != day and self._is_heard(*self._span(name, x))]
        earlier = [counts[x]["half_hour.offered", name] for x in before]
        started = max((x.since for x in self._listening if x.since is not None), default=begin)
        since = started if begin <= started < end else begin  # the first half-hour of all
        return Half(
            begin,
            "over" if end <= self._at else "now" if begin <= self._at else "ahead",
            any(start < end and begin < stop for start, stop in self._open[day]),
            self._is_heard(since, min(end, self._at)),
            counts[day]["half_hour.offered", name],
            counts[day]["half_hour.answered", name],
            counts[day][NOBODY_FREE, name],
            median(earlier) if len(earlier) >= ENOUGH else None,
        )

    def _span(self, name: str, day: date) -> tuple[datetime, datetime]:
        """Begin and end in UTC: the next begins then by wall clock, so November's repeated hour belongs to one."""
        start = datetime.combine(day, time.fromisoformat(name), self._zone)
        return start.astimezone(UTC), (start + HALF).astimezone(UTC)  # the addition is in wall-clock time

    def _is_heard(self, begin: datetime, end: datetime) -> bool:
        return not any(coverage.unheard_spans(begin, end) for coverage in self._listening)


def _so_far(stored: Coverage | None, silent_since: datetime | None, at: datetime) -> Coverage:
    """The stored coverage, extended to this moment by what the daemon knows."""
    known = stored or Coverage(None, None)
    return msgspec.structs.replace(known, since=known.since or silent_since or at, until=silent_since or at)


async def part(context: PageContext, formatter: WebFormatter) -> dict[str, Any]:
    """The values of `_half_hours.html`."""
    try:
        found = await context.each_minute("half_hours", context.seen().is_heard, lambda: _today(context))
    except AwayError:
        return {"today": None, "why": formatter.say("Not available: the database does not answer.")}
    if found is None and context.notes:
        return {"today": None, "why": formatter.say("Not available: what one pair has stored is missing.")}
    if found is None:
        return {"today": None, "why": formatter.say("Not available: the totals by day are being made anew.")}
    return view(found, formatter)


async def _today(context: PageContext) -> TodayHalfHours | None:
    """Today's half-hours; None while the roll-ups are rebuilt or of another time zone."""
    snapshot, settings = context.seen(), context.settings
    before = days(snapshot.at, settings)
    counted = await context.ask(half_hour_counts, context.reader, settings.timezone, before, snapshot.at)
    return None if counted is None else today(counted, snapshot.unheard_since, settings, snapshot.at)


def view(shown: TodayHalfHours, formatter: WebFormatter) -> dict[str, Any]:
    """The values of both drawings and both tables. Pure."""
    halves = shown.halves
    most = max([1.0, *(float(max(x.offered, x.usual or 0)) for x in halves)])
    grid = next(10**power * x for power in range(9) for x in (1, 2, 5) if most <= MOST_LINES * 10**power * x)
    ticks = range(0, grid * -int(-most // grid) + 1, grid)
    return {
        "today": shown,
        "every": 1 if len(halves) <= 30 else 2,  # hours to a label: "10 a.m." needs the room
        "most": ticks[-1],
        "ticks": ticks,
        "step": (WIDTH - LEFT) / max(1, len(halves)),
        "weeks": WEEKS,
        "few": FEW,
        "until": "" if shown.until is None else f"{shown.until.astimezone(formatter.timezone):%H:%M}",
        "most_missed": max([1, *(x.voice for x in shown.missed)]),
        "has_tty": any(line.mode == "tty" for line in formatter.settings.lines()),
        "known": any(x.usual for x in halves),
        "ends": ENDS,
        "levels": LEVELS,
        "heads": {name: formatter.clock(name) for name in shown.names},
        "sums": [
            sum(x.nobody_free for x in some) for some in zip(*(day.halves for day in shown.lately), strict=True)
        ],
        "most_busy": max([LEVELS, *(x.nobody_free for day in shown.lately for x in day.halves)]),
        "size": (WIDTH, TOP + HEIGHT + FOOT, LEFT, TOP, TOP + HEIGHT),
        "label": LABEL,
    }
