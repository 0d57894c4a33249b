"""The tables. Private to `store/`: everyone else speaks facts, calls and findings.

`fact` is append-only (what happened); `call` and `finding` are derived from it and can be made again. A
figure and the rows that it counts are written in one transaction (`counter`). A person's number stands in
`number.number`, sealed (`store/encryption.py`), and nowhere else: no table can be read for it without the key.

Times are whole microseconds since 1970 in UTC: exact, they sort, and are the same number in SQLite and in
PostgreSQL. A naive datetime is refused, since nobody knows when it was.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, Index, Text, text
from sqlmodel import Field, SQLModel

from callmon.store.tables.access import AccountRow as AccountRow
from callmon.store.tables.access import AuditRow as AuditRow
from callmon.store.tables.access import SessionRow as SessionRow
from callmon.store.tables.columns import CLUSTERED
from callmon.store.tables.columns import Moment as Moment
from callmon.store.tables.columns import microseconds as microseconds
from callmon.store.tables.columns import moment as moment
from callmon.store.tables.reconciliation import ReconciliationCallRow as ReconciliationCallRow
from callmon.store.tables.reconciliation import ReconciliationRow as ReconciliationRow
from callmon.store.tables.rollups import RollupRow as RollupRow
from callmon.store.tables.rollups import RollupStateRow as RollupStateRow


class FactRow(SQLModel, table=True):
    """One fact. `n` is its place in the stream of all facts, by which a call's facts sort."""

    __tablename__ = "fact"
    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime | None = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class OpenCallRow(SQLModel, table=True):
    """A call in progress: written with its arrival, deleted with its end."""

    __tablename__ = "open_call"
    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)


class CallRow(SQLModel, table=True):
    """The account of a call that has ended; columns are what questions are asked by, `data` is all of it."""

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_line_arrived", "line", "arrived"),
        Index("ix_call_arrived", "arrived"),
        Index(
            "ix_call_test", "line", "arrived", sqlite_where=text("is_test = 1"), postgresql_where=text("is_test")
        ),
        {"sqlite_with_rowid": True},  # a row of more than a quarter of a page would take a whole one beside it
    )

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    line: str | None
    direction: str
    language: str
    in_hours: bool | None
    arrived: datetime | None = Field(sa_type=Moment)
    answered: datetime | None = Field(sa_type=Moment)
    ended: datetime | None = Field(sa_type=Moment)
    outcome: str
    rings: int | None
    rings_estimated: bool
    waited: int | None = Field(sa_type=BigInteger)
    heard: str
    data: str = Field(sa_type=Text)
    is_test: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})


class FindingRow(SQLModel, table=True):
    """A verdict, as first given."""

    __tablename__ = "finding"
    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    standard: str = Field(primary_key=True)
    at: datetime | None = Field(sa_type=Moment)
    line: str
    language: str
    in_hours: bool | None
    verdict: str
    reason_key: str
    number: int | None
    cause: str | None


class NumberRow(SQLModel, table=True):
    """A person's number, sealed: `role` is "caller", "dialled", or "callback" (another one to be called, R-16).

    The only place in which one is kept. `token` is what equal numbers have in common.
    """

    __tablename__ = "number"
    __table_args__ = (Index("ix_number_token", "token"), CLUSTERED)

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    number: str
    token: str | None = None


class NumberKeyRow(SQLModel, table=True):
    """The names of the keys with which numbers may be sealed: what the key file must hold."""

    __tablename__ = "number_key"
    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)


class AccessRow(SQLModel, table=True):
    """Somebody looked at a number: who, what for, by which command, how many calls were found.

    Kept longer than the number; `token` goes with it.
    """

    __tablename__ = "access"
    __table_args__ = (Index("ix_access_token", "token"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    purpose: str
    command: str
    found: int
    token: str | None = None


class DisposalRow(SQLModel, table=True):
    """What was disposed of, when, by whom, under which authority. Nothing about anybody; itself kept for good.

    `numbers` not used since `unused_since`, whose `uses` (calls) lay between `first_use` and `last_use`.
    """

    __tablename__ = "disposal"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    authority: str
    unused_since: datetime = Field(sa_type=Moment)
    first_use: datetime | None = Field(default=None, sa_type=Moment)
    last_use: datetime | None = Field(default=None, sa_type=Moment)
    numbers: int
    uses: int
    files: int


class GapRow(SQLModel, table=True):
    """A time in which an exchange was unheard."""

    __tablename__ = "gap"

    exchange: str = Field(primary_key=True)
    began: datetime = Field(sa_column=Column(Moment, primary_key=True, autoincrement=False))
    ended: datetime = Field(sa_type=Moment)


class HeartbeatRow(SQLModel, table=True):
    """Until when each exchange has been heard and all that it said is stored."""

    __tablename__ = "heartbeat"

    exchange: str = Field(primary_key=True)
    heard: datetime = Field(sa_type=Moment)


class CounterRow(SQLModel, table=True):
    """A counter as exposed on /metrics; `figure` is its name and label values as a JSON list."""

    __tablename__ = "counter"
    __table_args__ = CLUSTERED

    figure: str = Field(primary_key=True)
    value: float


class WriterRow(SQLModel, table=True):
    """One row: the number of the last group that was committed, and who wrote it.

    By it a writer knows whether a commit whose answer was lost had been made, and that no other program has
    written meanwhile. `session`: on PostgreSQL, the session that has the right to write (`lease.py`).
    """

    __tablename__ = "writer"

    id: int = Field(primary_key=True)
    batch: int = Field(sa_type=BigInteger)
    token: str
    session: str | None = None


class LedgerRow(SQLModel, table=True):
    """One entry of the ledger of callbacks: what happened to one obligation. Append-only."""

    __tablename__ = "ledger"
    __table_args__ = CLUSTERED

    obligation: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class ObligationRow(SQLModel, table=True):
    """What stands of an obligation, derived from its entries. `token` is a keyed hash of the number to call,
    `other` of another one (R-16); neither is in `data`. `due`, `actionable` are of what comes next.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        Index("ix_obligation_opened", "opened"),
        Index("ix_obligation_token", "token"),
        Index("ix_obligation_other", "other"),
        Index("ix_obligation_live", "is_live", "state"),
        CLUSTERED,
    )

    id: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    call: str
    kind: str
    opening: str
    line: str
    service: str
    language: str
    token: str | None
    other: str | None
    hidden: str | None
    cautions: str
    opened: datetime = Field(sa_type=Moment)
    due: datetime | None = Field(sa_type=Moment)
    due_business: datetime | None = Field(sa_type=Moment)
    actionable: datetime | None = Field(sa_type=Moment)
    settled: datetime | None = Field(sa_type=Moment)
    acknowledged: datetime | None = Field(sa_type=Moment)
    state: str
    reason: str | None
    count: int
    attempts: int
    is_soon: bool
    is_overdue: bool
    is_live: bool
    data: str = Field(sa_type=Text)


class HandRow(SQLModel, table=True):
    """What a person did by hand, in the order in which it is done. Append-only; any program writes here."""

    __tablename__ = "hand"

    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    actor: str
    action: str
    exchange: str
    obligation: str
    data: str = Field(sa_type=Text)


class DisruptionEntryRow(SQLModel, table=True):
    """One entry of the book of disruptions: what happened to one. Append-only."""

    __tablename__ = "disruption_entry"
    __table_args__ = CLUSTERED

    disruption: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class DisruptionRow(SQLModel, table=True):
    """What stands of a disruption or of planned work, derived from its entries. `counts`: it is, or was, one.

    `lines` has a space before and after each name, so that a line is found within.
    """

    __tablename__ = "disruption"
    __table_args__ = (Index("ix_disruption_began", "began"), Index("ix_disruption_live", "is_live"))

    id: str = Field(primary_key=True)
    source: str
    exchange: str
    lines: str
    began: datetime = Field(sa_type=Moment)
    until: datetime | None = Field(sa_type=Moment)
    announced: datetime | None = Field(sa_type=Moment)
    ended: datetime | None = Field(sa_type=Moment)
    how: str | None
    counts: bool
    is_live: bool
    data: str = Field(sa_type=Text)


class DisruptionHandRow(SQLModel, table=True):
    """What a person asked for about a disruption, in the order in which it is done. Append-only."""

    __tablename__ = "disruption_hand"

    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    actor: str
    action: str
    disruption: str
    data: str = Field(sa_type=Text)


class MarkRow(SQLModel, table=True):
    """How far something has come: "hand" is the number of the last row of `hand` that was done, "disruption_hand"
    that of its own table.
    """

    __tablename__ = "mark"
    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


METADATA = SQLModel.metadata


class AttestationRow(SQLModel, table=True):
    """What somebody found who tried a line, in the order in which it was said. Append-only.

    `tested` is as 2026-11-20, local.
    """

    __tablename__ = "attestation"

    id: int | None = Field(default=None, primary_key=True)
    line: str
    subject: str
    tested: str
    by: str
    is_so: bool
