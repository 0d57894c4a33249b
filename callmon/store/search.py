"""Ended calls found by day, line, language, outcome and verdict; and what each day adds up to. Each blocks.

Newest first, some at a time, each page from where the last one ended. Roll-ups tell which days hold what is
looked for, so that a rare verdict among ten million calls costs the days in between and one day's calls. Numbers
are in no answer; who needs one asks for the call by its name (`queries.call`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, and_, exists, literal, select, tuple_

from callmon.calls.call import Call
from callmon.reports.month import midnight
from callmon.store import rolled, rollups
from callmon.store.engine import Store
from callmon.store.queries import CALL, FINDING, Condition
from callmon.store.rollups import ROLLUP, Key, Rollup
from callmon.store.rows import call_of
from callmon.store.tables import Moment

DAY = timedelta(days=1)


class DayFigures(NamedTuple):
    """The public's calls of one local day, line and language. `counts` are the cells of `reports/tally`:
    ("outcomes", "answered"), ("answer_by_third_ring.verdict", "met") …
    """

    day: date
    line: str
    language: str
    offered: int
    counts: Mapping[tuple[str, str], int]


def figures(store: Store, zone: ZoneInfo, first: date, after: date) -> list[DayFigures]:
    """Those of each day from `first` to the one before `after`, of every line and language that had a call."""
    total: dict[tuple[str, str, str], Rollup] = {}
    with store.reading() as connection:
        for (day, line, language, _), rollup in _rollups(connection, zone, first, after):
            if line:
                total.setdefault((day, line, language), Rollup()).put(rollup)
    return [
        DayFigures(date.fromisoformat(day), line, language, one.calls, one.cell.counts)
        for (day, line, language), one in sorted(total.items())
    ]


def _rollups(connection: Connection, zone: ZoneInfo, first: date, after: date) -> list[tuple[Key, Rollup]]:
    if rollups.state(connection).is_whole(zone):
        days = and_(ROLLUP.c.day >= first.isoformat(), ROLLUP.c.day < after.isoformat())
        return [rollups.of_row(row) for row in connection.execute(select(ROLLUP).where(days))]
    cells: dict[Key, Rollup] = {}
    when = and_(CALL.c.arrived >= midnight(first, zone), CALL.c.arrived < midnight(after, zone))
    rolled.count(connection, when, zone, cells)
    return list(cells.items())


class Asked(msgspec.Struct, frozen=True):
    """Which of the public's calls: of local days from `first` to the one before `after`, with all that is said.

    A `verdict` needs its `standard`; `lines` are names, none means every one.
    """

    first: date
    after: date
    lines: tuple[str, ...] = ()
    language: str | None = None
    outcome: str | None = None
    standard: str | None = None
    verdict: str | None = None


class Place(NamedTuple):
    """Where a page ended: its last call."""

    arrived: datetime
    call: str
    exchange: str


class Page(NamedTuple):
    """Calls with their exchange, newest first; `rest` is where the next page begins, None when there is none."""

    calls: list[tuple[str, Call]]
    rest: Place | None


def found(store: Store, zone: ZoneInfo, asked: Asked, after: Place | None = None, limit: int = 50) -> Page:
    """At most `limit` of the calls asked for, those that come behind the place `after`."""
    calls: list[tuple[str, Call]] = []
    with store.reading() as connection:
        for begin, end in _spans(connection, zone, asked, after):
            calls += _within(connection, _condition(asked, begin, end, after), limit + 1 - len(calls))
            if len(calls) > limit:
                exchange, last = calls[limit - 1]
                assert last.arrived is not None  # it was found by that
                return Page(calls[:limit], Place(last.arrived, last.call, exchange))
    return Page(calls, None)


def _spans(
    connection: Connection, zone: ZoneInfo, asked: Asked, after: Place | None
) -> Iterator[tuple[datetime, datetime]]:
    """The times in which there may be some, the latest first: days, by what is rolled up of each."""
    if not rollups.state(connection).is_whole(zone):
        yield midnight(asked.first, zone), midnight(asked.after, zone)
        return
    which = and_(
        ROLLUP.c.day >= asked.first.isoformat(), ROLLUP.c.day < asked.after.isoformat(), ROLLUP.c.calls > 0
    )
    if after is not None:
        which = and_(which, ROLLUP.c.day <= after.arrived.astimezone(zone).date().isoformat())
    days = select(ROLLUP.c.day).where(which).distinct().order_by(ROLLUP.c.day.desc())
    for name in connection.scalars(days).all():
        day = date.fromisoformat(name)
        if _has_any(connection, asked, name):
            yield midnight(day, zone), midnight(day + DAY, zone)


def _has_any(connection: Connection, asked: Asked, day: str) -> bool:
    which = ROLLUP.c.day == day
    if asked.lines:
        which = and_(which, ROLLUP.c.line.in_(asked.lines))
    if asked.language is not None:
        which = and_(which, ROLLUP.c.language == asked.language)
    wanted = _wanted(asked)
    if not wanted:
        return connection.execute(select(ROLLUP.c.day).where(which).limit(1)).first() is not None
    cells = connection.scalars(select(ROLLUP.c.cell).where(which))
    return any(all(counts[x] for x in wanted) for counts in (rollups.read(cell).counts for cell in cells))


def _wanted(asked: Asked) -> Collection[tuple[str, str]]:
    """The counts that are not 0 where there is such a call."""
    wanted = []
    if asked.outcome is not None:
        wanted.append(("outcomes", asked.outcome))
    if asked.standard is not None and asked.verdict is not None:
        wanted.append((f"{asked.standard}.verdict", asked.verdict))
    return wanted


def _condition(asked: Asked, begin: datetime, end: datetime, after: Place | None) -> Condition:
    which = and_(CALL.c.arrived >= begin, CALL.c.arrived < end, CALL.c.direction == "inbound", ~CALL.c.is_test)
    if len(asked.lines) == 1:
        which = and_(which, CALL.c.line == asked.lines[0])  # in the order of its index
    else:
        which = and_(which, CALL.c.line.in_(asked.lines) if asked.lines else CALL.c.line.is_not(None))
    for column, value in ((CALL.c.language, asked.language), (CALL.c.outcome, asked.outcome)):
        if value is not None:
            which = and_(which, column == value)
    if asked.standard is not None and asked.verdict is not None:
        of_call = and_(FINDING.c["call"] == CALL.c["call"], FINDING.c.exchange == CALL.c.exchange)
        said = and_(FINDING.c.standard == asked.standard, FINDING.c.verdict == asked.verdict)
        which = and_(which, exists().where(of_call, said))
    if after is not None:
        place = tuple_(CALL.c.arrived, CALL.c["call"], CALL.c.exchange)
        which = and_(which, place < tuple_(literal(after.arrived, Moment()), after.call, after.exchange))
    return which


def _within(connection: Connection, which: Condition, limit: int) -> list[tuple[str, Call]]:
    newest = (CALL.c.arrived.desc(), CALL.c["call"].desc(), CALL.c.exchange.desc())
    question = select(CALL.c.exchange, CALL.c.data).where(which).order_by(*newest).limit(limit)
    return [(exchange, call_of(data, {})) for exchange, data in connection.execute(question)]
