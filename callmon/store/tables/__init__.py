"""The tables. Private to `store/`: other packages use facts, calls and findings.

`fact` is append-only: it records what happened. `call` and `finding` are derived from it and can be rebuilt. A
counter and the rows that it counts are written in one transaction (`counter`). A caller's number is stored only in
`number.number`, encrypted (`store/encryption.py`): without the key, no table reveals it.

Times are whole microseconds since 1970 in UTC: exact, sortable, and the same integer in SQLite and PostgreSQL.

Refuses: a naive datetime, since its moment is not known.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import BigInteger, Column, ColumnElement, Index, Table, Text, text
from sqlmodel import Field, SQLModel

from callmon.store.tables.access import AccountRow, AuditRow, SessionRow
from callmon.store.tables.columns import CLUSTERED
from callmon.store.tables.columns import Moment as Moment
from callmon.store.tables.columns import from_microseconds as from_microseconds
from callmon.store.tables.columns import microseconds as microseconds
from callmon.store.tables.reconciliation import ReconciliationCallRow, ReconciliationRow
from callmon.store.tables.rollups import RollupRow, RollupStateRow


class FactRow(SQLModel, table=True):
    """One fact. `n` is its position in the stream of all facts and orders the facts of a call."""

    __tablename__ = "fact"
    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime | None = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class OpenCallRow(SQLModel, table=True):
    """A call in progress: inserted with its arrival, deleted with its end."""

    __tablename__ = "open_call"
    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)


class CallRow(SQLModel, table=True):
    """The account of an ended call. `data` is the complete account; the columns serve queries."""

    __tablename__ = "call"
    __table_args__ = (
        Index("ix_call_line_arrived", "line", "arrived"),
        Index("ix_call_arrived", "arrived"),
        Index(
            "ix_call_test", "line", "arrived", sqlite_where=text("is_test = 1"), postgresql_where=text("is_test")
        ),
        {"sqlite_with_rowid": True},  # without one, a row longer than a quarter of a page takes another whole page
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
    """One verdict. A rejudgement, a backfill or a correction in the ledger replaces the row."""

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
    """A number, encrypted. `role`: "caller", "dialled", or "callback" (the number to call instead, R-16).

    No other table stores a number. Equal numbers have the same `token` under one key.
    """

    __tablename__ = "number"
    __table_args__ = (Index("ix_number_token", "token"), CLUSTERED)

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    number: str
    token: str | None = None


class NumberKeyRow(SQLModel, table=True):
    """The names of the keys under which numbers may be encrypted. The key file must contain them."""

    __tablename__ = "number_key"
    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)


class AccessRow(SQLModel, table=True):
    """One access to a number: actor (`who`), purpose, command, and how many calls it found.

    The row outlives the number. `token` is deleted with the number.
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
    """One disposal: time, actor (`who`), authority and counts. Contains no personal information; never deleted.

    `numbers` were unused since `unused_since`. Their `uses` lay between `first_use` and `last_use`.
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
    """A measurement gap: a time span in which callmon received no events from an exchange."""

    __tablename__ = "gap"

    exchange: str = Field(primary_key=True)
    began: datetime = Field(sa_column=Column(Moment, primary_key=True, autoincrement=False))
    ended: datetime = Field(sa_type=Moment)


class HeartbeatRow(SQLModel, table=True):
    """By exchange, the time up to which all its events were received and stored."""

    __tablename__ = "heartbeat"

    exchange: str = Field(primary_key=True)
    heard: datetime = Field(sa_type=Moment)


class CounterRow(SQLModel, table=True):
    """A counter as exported on /metrics. `figure` is its name and label values as a JSON list."""

    __tablename__ = "counter"
    __table_args__ = CLUSTERED

    figure: str = Field(primary_key=True)
    value: float


class WriterRow(SQLModel, table=True):
    """One row: the number of the last committed batch, and the `token` of the writer that committed it.

    A writer reads from it whether a commit succeeded whose answer was lost. It also detects the writes of another
    program. `session`: on PostgreSQL, the session that holds the lease (`store/writer/lease.py`).
    """

    __tablename__ = "writer"

    id: int = Field(primary_key=True)
    batch: int = Field(sa_type=BigInteger)
    token: str
    session: str | None = None


class LedgerRow(SQLModel, table=True):
    """One entry of the ledger of callbacks: an event of one obligation. Append-only."""

    __tablename__ = "ledger"
    __table_args__ = CLUSTERED

    obligation: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class ObligationRow(SQLModel, table=True):
    """The current state of an obligation, derived from its entries.

    `token` is a keyed hash of the number to call, `other` of the other number (R-16); neither is in `data`. `due`
    and `actionable` belong to the next step.
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
    """A manual command on an obligation; the daemon applies them by `n`. Append-only; any program may insert."""

    __tablename__ = "hand"

    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    actor: str
    action: str
    exchange: str
    obligation: str
    data: str = Field(sa_type=Text)


class DisruptionEntryRow(SQLModel, table=True):
    """One entry of the register of disruptions: an event of one disruption. Append-only."""

    __tablename__ = "disruption_entry"
    __table_args__ = CLUSTERED

    disruption: str = Field(primary_key=True)
    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class DisruptionRow(SQLModel, table=True):
    """The current state of a disruption or of planned work, derived from its entries.

    `counts`: it is, or was, a disruption. `lines` has a space before and after each name, so that LIKE finds one.
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
    """A manual command on a disruption; the daemon applies them by `n`. Append-only."""

    __tablename__ = "disruption_hand"

    n: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Moment)
    actor: str
    action: str
    disruption: str
    data: str = Field(sa_type=Text)


class MarkRow(SQLModel, table=True):
    """Progress of the queues of manual commands.

    "hand" is the number of the last row of `hand` that the daemon applied; "disruption_hand" that of its table.
    """

    __tablename__ = "mark"
    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


METADATA = SQLModel.metadata


class AttestationRow(SQLModel, table=True):
    """What a person states about a line after testing it, in the order of insertion. Append-only.

    `tested` is a local date (2026-11-20).
    """

    __tablename__ = "attestation"

    id: int | None = Field(default=None, primary_key=True)
    line: str
    subject: str
    tested: str
    by: str
    is_so: bool


Condition = ColumnElement[bool]
Which = Callable[[Table], Condition]


def _table(row: type[SQLModel]) -> Table:
    return METADATA.tables[str(row.__tablename__)]


ACCESS = _table(AccessRow)
ACCOUNT = _table(AccountRow)
ATTESTATION = _table(AttestationRow)
AUDIT = _table(AuditRow)
CALL = _table(CallRow)
COUNTER = _table(CounterRow)
DISPOSAL = _table(DisposalRow)
DISRUPTION = _table(DisruptionRow)
DISRUPTION_ENTRY = _table(DisruptionEntryRow)
DISRUPTION_HAND = _table(DisruptionHandRow)
FACT = _table(FactRow)
FINDING = _table(FindingRow)
GAP = _table(GapRow)
HAND = _table(HandRow)
HEARTBEAT = _table(HeartbeatRow)
LEDGER = _table(LedgerRow)
MARK = _table(MarkRow)
NUMBER = _table(NumberRow)
NUMBER_KEY = _table(NumberKeyRow)
OBLIGATION = _table(ObligationRow)
OPEN = _table(OpenCallRow)
RECONCILIATION = _table(ReconciliationRow)
RECONCILIATION_CALL = _table(ReconciliationCallRow)
ROLLUP = _table(RollupRow)
ROLLUP_STATE = _table(RollupStateRow)
SESSION = _table(SessionRow)
