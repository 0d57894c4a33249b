"""Opening hours, closed days, "24 hours after", "two business days after", and until when a person can act. Pure.

Calculates with instants: every `at` is an aware datetime, every result is in UTC, and every length is elapsed
time. The two days a year on which the clocks change therefore have 23 and 25 hours. No function reads a clock.

The policy gives the telephone « heures normales de bureau » and no times; 8:30 to 17:00, Monday to Friday, is
what Annexe 1 gives the counters. It ships as an assumption, and `callmon check` prints it as one.

Refuses: naive datetimes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callmon.config.closed_days import ClosedDay, ClosedDays
from callmon.errors import RefusedValueError

MIDNIGHT = timedelta(0)
DAY = timedelta(days=1)
FRIDAY = 4
# Days to search for an opening: longer than any posted closure, and short enough that a calendar that never opens
# is detected at once.
HORIZON_DAYS = 800


class OpenPeriod(NamedTuple):
    """Open from `opens` (included) to `closes` (not included): local clock times, as time since midnight."""

    opens: timedelta
    closes: timedelta


Periods = tuple[OpenPeriod, ...]
Span = tuple[datetime, datetime]
CLOSED: Periods = ()


def periods(*pairs: tuple[timedelta, timedelta]) -> Periods:
    """The periods of one day, in order. Raises ValueError when one is empty, overlaps or leaves the day."""
    ordered = tuple(sorted(OpenPeriod(opens, closes) for opens, closes in pairs))
    if any(not MIDNIGHT <= p.opens < p.closes <= DAY for p in ordered):
        raise RefusedValueError("a period must close after it opens, between 00:00 and 24:00")
    if any(after.opens < before.closes for before, after in pairwise(ordered)):
        raise RefusedValueError("two periods of one day overlap")
    return ordered


def wall_time(hours: int, minutes: int = 0) -> timedelta:
    """A local clock time as time since midnight."""
    return timedelta(hours=hours, minutes=minutes)


@dataclass(frozen=True, slots=True)
class Hours:
    """A week's opening hours: the periods of Monday to Sunday, in this order."""

    week: tuple[Periods, Periods, Periods, Periods, Periods, Periods, Periods]

    def on(self, day: date) -> Periods:
        return self.week[day.weekday()]


_OFFICE = periods((wall_time(8, 30), wall_time(17)))
DEFAULT_HOURS = Hours((_OFFICE, _OFFICE, _OFFICE, _OFFICE, _OFFICE, CLOSED, CLOSED))


class SpecialHours(dict[date, Periods]):
    """The periods of single days (24 and 31 December): they override the week and closed days. Never changed."""

    def __hash__(self) -> int:  # type: ignore[override]  # a calendar is a value
        return hash(frozenset(self.items()))


@dataclass(frozen=True)
class Calendar:
    """When one line (or the ministry) is open. `timezone` is that of its local clock."""

    timezone: ZoneInfo
    hours: Hours = DEFAULT_HOURS
    closed: ClosedDays = field(default_factory=ClosedDays)
    special_hours: SpecialHours = field(default_factory=SpecialHours)

    # ── days ──

    def local_day(self, at: datetime) -> date:
        """The local date of the line at that instant."""
        return _utc(at).astimezone(self.timezone).date()

    def periods_on(self, day: date) -> Periods:
        """The opening periods of one date: special hours, else none on a closed day, else the week's."""
        if (special := self.special_hours.get(day)) is not None:
            return special
        return CLOSED if self.closed.on(day) else self.hours.on(day)

    def spans(self, day: date) -> tuple[Span, ...]:
        """The opening periods of one date as UTC instants."""
        return _spans(self.timezone, day, self.periods_on(day))

    def closed_days(self, first: date, last: date) -> list[ClosedDay]:
        """Closed days from `first` to `last`, both included: (day, French name, English name) (R-49)."""
        days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
        return [closed for day in days if (closed := self.closed.on(day)) is not None]

    def business_day(self, day: date) -> bool:
        """« jour ouvrable »: Monday to Friday, no closed day, and the office opens on it.

        Special hours on a Saturday or on a holiday open the telephone; they do not make it a business day.
        """
        return day.weekday() <= FRIDAY and not self.closed.on(day) and bool(self.periods_on(day))

    # ── instants ──

    def is_open(self, at: datetime) -> bool:
        """Whether `at` lies in opening hours. The opening instant does, the closing instant does not."""
        at = _utc(at)
        return any(opens <= at < closes for opens, closes in self.spans(self.local_day(at)))

    def opens_next(self, at: datetime) -> datetime | None:
        """`at` itself when open, else the next opening; None when there is none in `HORIZON_DAYS`."""
        at = _utc(at)
        return next((max(at, opens) for opens, closes in self._from(at) if at < closes), None)

    def closes_next(self, at: datetime) -> datetime | None:
        """The end of the opening that contains `at`, or of the next one.

        Adjacent periods count as one, also over midnight. None when the calendar never closes, or never opens.
        """
        at, end = _utc(at), None
        for opens, closes in self._from(at):
            if closes <= at:
                continue
            if end is not None and opens > end:
                return end
            end = closes
        return None if end is None or self.is_open(end) else end

    def clock_due(self, at: datetime, after: timedelta) -> datetime:
        """`at` plus `after` of elapsed time: "24 hours" is 24 times 3,600 s, also over a change of the clocks."""
        return _utc(at) + after

    def business_days_after(self, at: datetime, days: int) -> datetime:
        """Closing of the n-th business day after the day of receipt (Annexe 1, « deux jours ouvrables »).

        Day 0 is the day of receipt. A receipt at or after closing, or on no business day, counts as received on
        the next business day. Raises ValueError when `days` is negative, or exceeds the business days in the
        horizon.
        """
        if days < 0:
            raise ValueError("days must not be negative")
        at = _utc(at)
        ahead = _days(self.local_day(at), HORIZON_DAYS + 7 * days)
        closings = (self.spans(day)[-1][1] for day in ahead if self.business_day(day))
        due = next(islice((closing for closing in closings if closing > at), days, None), None)
        if due is None:
            raise ValueError("this calendar has no business day to reckon with")
        return due

    def open_time_between(self, start: datetime, end: datetime) -> timedelta:
        """The opening time from `start` to `end`; zero when `end` is not later."""
        start, end = _utc(start), _utc(end)
        total = timedelta(0)
        for opens, closes in self._from(start, until=end):
            total += max(timedelta(0), min(end, closes) - max(start, opens))
        return total

    def open_hours_before(self, at: datetime, length: timedelta) -> datetime | None:
        """The latest instant from which `length` of opening time is left until `at` (due soon: R-07).

        None when the `HORIZON_DAYS` before `at` have less opening time.
        """
        at, left = _utc(at), length
        if left <= timedelta(0):
            return at
        for opens, closes in self._back_from(at):
            usable = min(closes, at) - opens
            if usable >= left:
                return min(closes, at) - left
            left -= max(timedelta(0), usable)
        return None

    def actionable(self, due: datetime, opened: datetime) -> datetime | None:
        """Until when a person can act on an obligation that is due at `due` (R-07).

        `due` itself when it is in opening hours, else the end of the last opening period before it. None
        (`no_open_hour`) when there is no opening time between `opened` and `due`.
        """
        due, opened = _utc(due), _utc(opened)
        last = next(((o, c) for o, c in self._back_from(due) if o < due), None)
        if last is None or min(last[1], due) <= opened:
            return None
        # When `due` is the instant of opening, nobody could act since the last closing. The deadline is still
        # `due`, because the line is open then.
        return due if self.is_open(due) else last[1]

    # ── iteration over spans ──

    def _from(self, at: datetime, until: datetime | None = None) -> Iterator[Span]:
        """Opening spans in order, from the first one on the local day of `at`."""
        first = self.local_day(at)
        count = HORIZON_DAYS if until is None else max(0, (self.local_day(until) - first).days + 1)
        for day in _days(first, count):
            yield from self.spans(day)

    def _back_from(self, at: datetime) -> Iterator[Span]:
        """Opening spans that began at or before `at`, latest first."""
        for day in _days(self.local_day(at), -HORIZON_DAYS):
            yield from (span for span in reversed(self.spans(day)) if span[0] <= at)


def _utc(at: datetime) -> datetime:
    """`at` in UTC: arithmetic on local datetimes is wall-clock arithmetic. Raises ValueError when naive."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None:
        raise ValueError("a time without a zone: callmon reckons with aware datetimes only")
    return at.astimezone(UTC)


@lru_cache(maxsize=4096)
def _spans(zone: ZoneInfo, day: date, opening: Periods) -> tuple[Span, ...]:
    """A day's periods as UTC instants, in order; adjacent or overlapping ones are merged.

    A period begins at the first instant at which the local clock shows its start. It ends at the last instant at
    which the clock shows its end. A time skipped in spring is an hour later. Two periods can overlap only in the
    hour that the local clock shows twice.
    """
    merged: list[Span] = []
    for period in opening:
        opens = _instant(zone, day, period.opens, fold=0)
        closes = max(_instant(zone, day, period.closes, fold) for fold in (0, 1))
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
        else:
            merged.append((opens, closes))
    return tuple(merged)


def _instant(zone: ZoneInfo, day: date, wall: timedelta, fold: int) -> datetime:
    local = datetime(day.year, day.month, day.day) + wall  # noqa: DTZ001  what the wall shows; the zone follows
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def _days(first: date, count: int) -> Iterator[date]:
    """`count` days, the first included; a negative count goes back."""
    last = max(date.min.toordinal() + 1, min(first.toordinal() + count, date.max.toordinal() - 1))
    return map(date.fromordinal, range(first.toordinal(), last, 1 if count > 0 else -1))
