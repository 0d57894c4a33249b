"""Call search of the pages: the calls of a span of arrivals, latest first, one bounded part per query.

Each query reads a bounded range of an index, independent of the number of stored calls. A part starts after a
cursor: the arrival and name of the last call that was shown. A query examines at most SCAN calls.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, or_, select

from callmon.store.database import Database
from callmon.store.row_mapping import StoredCallKey
from callmon.store.tables import CALL, FINDING, from_microseconds, microseconds, same_call

SHOWN, SCAN = 50, 300
CAUSED = "answer_by_third_ring"
Cursor = tuple[datetime, str]


class CallFilter(msgspec.Struct, frozen=True):
    """The filter: inbound calls that arrived in [begin, end); None matches every value.

    `lines`: those of the mode that was chosen.
    """

    begin: datetime
    end: datetime
    line: str | None = None
    outcome: str | None = None
    standard: str | None = None
    verdict: str | None = None
    lines: tuple[str, ...] | None = None
    cause: str | None = None


class CallSummary(msgspec.Struct, frozen=True):
    """One call of the list."""

    call: str
    exchange: str
    line: str | None
    arrived: datetime
    outcome: str
    language: str
    rings: int | None
    heard: str
    is_test: bool


class ResultPage(msgspec.Struct, frozen=True):
    """One part of the result. `next`: the cursor of the next part; None after the last part.

    `verdicts`: of each of its calls, by standard. `causes`: of *not met* on the standard that was chosen, else
    on `CAUSED`.
    """

    calls: list[CallSummary]
    next: str | None
    verdicts: dict[StoredCallKey, dict[str, str]] = {}
    causes: dict[StoredCallKey, str] = {}


def search_calls(store: Database, wanted: CallFilter, after: str | None, most: int = SHOWN) -> ResultPage:
    """At most `most` calls after the cursor `after`. If that is None or malformed, starts at the latest call."""
    with store.reading() as connection:
        page = _page(connection, wanted, _cursor(after), most)
        return _with_verdicts(connection, page, wanted.standard or CAUSED)


def _with_verdicts(connection: Connection, page: ResultPage, caused: str) -> ResultPage:
    columns = (FINDING.c["call"], FINDING.c.exchange, FINDING.c.standard, FINDING.c.verdict, FINDING.c.cause)
    verdicts: dict[StoredCallKey, dict[str, str]] = {(x.call, x.exchange): {} for x in page.calls}
    causes: dict[StoredCallKey, str] = {}
    for call, exchange, standard, verdict, cause in connection.execute(
        select(*columns).where(FINDING.c["call"].in_([x.call for x in page.calls]))
    ):
        verdicts.get((call, exchange), {})[standard] = verdict
        if standard == caused and cause is not None:
            causes[call, exchange] = cause
    return msgspec.structs.replace(page, verdicts=verdicts, causes=causes)


def _page(connection: Connection, wanted: CallFilter, cursor: Cursor | None, most: int) -> ResultPage:
    """The matching calls among the next SCAN calls; without a filter, the next `most` calls."""
    is_any = wanted.outcome is None and wanted.standard is None
    looked = _looked_at(wanted, cursor, most + 1 if is_any else SCAN).subquery("looked")
    question = select(*(looked.c[name] for name in CallSummary.__struct_fields__))
    if wanted.outcome is not None:
        question = question.where(looked.c.outcome == wanted.outcome)
    if wanted.standard is not None:
        question = question.where(_judged(looked, wanted))
    latest_first = (looked.c.arrived.desc(), looked.c["call"].desc())
    calls = [CallSummary(*row) for row in connection.execute(question.order_by(*latest_first).limit(most + 1))]
    if len(calls) > most:
        return ResultPage(calls[:most], _written(calls[most - 1].arrived, calls[most - 1].call))
    if is_any:
        return ResultPage(calls, None)
    last = select(looked.c.arrived, looked.c["call"]).order_by(*latest_first).offset(SCAN - 1).limit(1)
    found = connection.execute(last).one_or_none()
    return ResultPage(calls, None if found is None else _written(*found))


def _looked_at(wanted: CallFilter, cursor: Cursor | None, most: int) -> Select[Any]:
    """At most `most` calls, latest first."""
    conditions = [CALL.c.arrived >= wanted.begin, CALL.c.arrived < wanted.end, CALL.c.direction == "inbound"]
    if wanted.line is not None:
        conditions.append(CALL.c.line == wanted.line)
    if wanted.lines is not None:
        conditions.append(CALL.c.line.in_(wanted.lines))
    if cursor is not None:
        at, name = cursor
        conditions += [CALL.c.arrived <= at, or_(CALL.c.arrived < at, CALL.c["call"] < name)]
    columns = [CALL.c[name] for name in CallSummary.__struct_fields__]
    return select(*columns).where(*conditions).order_by(CALL.c.arrived.desc(), CALL.c["call"].desc()).limit(most)


def _judged(looked: Any, wanted: CallFilter) -> Any:
    which = [same_call(FINDING, looked), FINDING.c.standard == wanted.standard]
    if wanted.verdict is not None:
        which.append(FINDING.c.verdict == wanted.verdict)
    if wanted.cause is not None:
        which.append(FINDING.c.cause == wanted.cause)
    return select(FINDING.c["call"]).where(and_(*which)).exists()


def _cursor(after: str | None) -> Cursor | None:
    """ "1795527733000000-1795527733.0" (microseconds, call name); None if malformed."""
    stamp, _, name = (after or "").partition("-")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 17):
        return None
    try:
        return from_microseconds(int(stamp)), name[:100]
    except OverflowError:
        return None


def _written(at: datetime, name: str) -> str:
    return f"{microseconds(at)}-{name}"
