"""What each local half-hour of a span of days holds, by line: offered calls and what became of them. It blocks.

A call counts in the half-hour in which it arrived. Its wait is from the arrival to the answer of a person, in
whole seconds. The local hour that occurs twice in autumn is one hour with the calls of both.

Refuses: calls in progress, test calls, and calls on no public line, as all figures do.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from callmon.store.database import Database
from callmon.store.tables import CALL

ALL = "all"
WITHIN = 20  # seconds; an answer after exactly that is within it
SECOND = timedelta(seconds=1)


class HalfHourRecord(msgspec.Struct):
    """The counts of one half-hour. `wait_seconds`: of the answered calls together."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    voicemail: int = 0
    within_20: int = 0
    wait_seconds: int = 0
    transferred: int = 0

    def count(self, outcome: str, wait: int | None, is_transferred: bool) -> None:
        self.offered += 1
        self.abandoned += outcome == "abandoned"
        self.voicemail += outcome.startswith("voicemail")
        if outcome == "answered":
            self.answered += 1
            self.transferred += is_transferred
        if outcome == "answered" and wait is not None:
            self.within_20 += wait <= WITHIN
            self.wait_seconds += wait


HalfHours = dict[str, dict[str, HalfHourRecord]]  # by line or ALL, then by local time: 2026-03-02 11:30


class _Transfers(msgspec.Struct):
    """What the columns of a call do not have."""

    transfers: tuple[msgspec.Raw, ...] = ()


_transfers = msgspec.json.Decoder(_Transfers).decode


def half_hours(store: Database, begin: datetime, end: datetime, zone: ZoneInfo, lines: Iterable[str]) -> HalfHours:
    """The half-hours with calls of these lines, and of them together, that arrived in [begin, end)."""
    found: HalfHours = {name: {} for name in (*lines, ALL)}
    columns = (CALL.c.line, CALL.c.arrived, CALL.c.answered, CALL.c.outcome, CALL.c.data)
    question = select(*columns).where(
        CALL.c.arrived >= begin,
        CALL.c.arrived < end,
        CALL.c.direction == "inbound",
        CALL.c.line.in_(list(found)),
        CALL.c.is_test.is_(False),
    )
    with store.reading() as connection:
        rows = connection.execution_options(yield_per=1_000).execute(question.order_by(CALL.c.arrived))
        for line, arrived, answered, outcome, data in rows:
            slot = _slot(arrived.astimezone(zone))
            wait = None if answered is None else (answered - arrived) // SECOND
            for name in {line, ALL}:
                found[name].setdefault(slot, HalfHourRecord()).count(
                    outcome, wait, bool(_transfers(data).transfers)
                )
    return found


def _slot(local: datetime) -> str:
    return f"{local:%Y-%m-%d %H}:{'30' if local.minute >= 30 else '00'}"
