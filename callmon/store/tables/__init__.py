"""The tables. Private to `store/`: other packages use facts, calls and findings.

`fact` is append-only: it records what happened. `call` and `finding` are derived from it and can be rebuilt. A
counter and the rows that it counts are written in one transaction (`counter`). A caller's number is stored only in
`number.number`, encrypted (`store/encryption.py`): without the key, no table reveals it.

Times are whole microseconds since 1970 in UTC: exact, sortable, and the same integer in SQLite and PostgreSQL.

Refuses: a naive datetime, since its moment is not known.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import BigInteger, ColumnElement, Index, Table, Text, false, text
from sqlmodel import Field, SQLModel

from callmon.store.tables.access import AccessRow, AccountRow, AuditRow, DisposalRow, SessionRow
from callmon.store.tables.columns import CLUSTERED, StoredRow
from callmon.store.tables.columns import Moment as Moment
from callmon.store.tables.columns import from_microseconds as from_microseconds
from callmon.store.tables.columns import microseconds as microseconds


class CallColumns(StoredRow):
    """The key of a call."""

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)


class FactRow(CallColumns, table=True):
    """One fact. `n` is its position in the stream of all facts and orders the facts of a call."""

    __table_args__ = CLUSTERED

    n: int = Field(sa_type=BigInteger, primary_key=True)
    at: datetime | None = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class OpenCallRow(CallColumns, table=True):
    """A call in progress: inserted with its arrival, deleted with its end."""

    __table_args__ = CLUSTERED


class CallRow(CallColumns, table=True):
    """The account of an ended call. `data` is the complete account; the columns serve queries."""

    __table_args__ = (
        Index("ix_call_line_arrived", "line", "arrived"),
        Index("ix_call_arrived", "arrived"),
        Index(
            "ix_call_test", "line", "arrived", sqlite_where=text("is_test = 1"), postgresql_where=text("is_test")
        ),
        {"sqlite_with_rowid": True},  # without one, a row longer than a quarter of a page takes another whole page
    )

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
    is_test: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class FindingRow(CallColumns, table=True):
    """One verdict. A rejudgement, a backfill or a correction in the ledger replaces the row."""

    __table_args__ = CLUSTERED

    standard: str = Field(primary_key=True)
    at: datetime | None = Field(sa_type=Moment)
    line: str
    language: str
    in_hours: bool | None
    verdict: str
    reason_key: str
    number: int | None
    cause: str | None


class NumberRow(CallColumns, table=True):
    """A number, encrypted. `role`: "caller", "dialled", or "callback" (the number to call instead, R-16).

    No other table stores a number. Equal numbers have the same `token` under one key.
    """

    __table_args__ = (Index("ix_number_token", "token"), CLUSTERED)

    role: str = Field(primary_key=True)
    number: str
    token: str | None = None


class NumberKeyRow(StoredRow, table=True):
    """The names of the keys under which numbers may be encrypted. The key file must contain them."""

    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)


class GapRow(StoredRow, table=True):
    """A measurement gap: a time span in which callmon received no events from an exchange."""

    exchange: str = Field(primary_key=True)
    began: datetime = Field(sa_type=Moment, primary_key=True)
    ended: datetime = Field(sa_type=Moment)


class HeartbeatRow(StoredRow, table=True):
    """By exchange, the time up to which all its events were received and stored."""

    exchange: str = Field(primary_key=True)
    heard: datetime = Field(sa_type=Moment)


class CounterRow(StoredRow, table=True):
    """A counter as exported on /metrics. `figure` is its name and label values as a JSON list."""

    __table_args__ = CLUSTERED

    figure: str = Field(primary_key=True)
    value: float


class WriterRow(StoredRow, table=True):
    """One row: the number of the last committed batch, and the `token` of the writer that committed it.

    A writer reads from it whether a commit succeeded whose answer was lost. It also detects the writes of another
    program. `session`: on PostgreSQL, the session that holds the lease (`store/writer/lease.py`).
    """

    id: int = Field(primary_key=True)
    batch: int = Field(sa_type=BigInteger)
    token: str
    session: str | None = None


class LedgerRow(StoredRow, table=True):
    """One entry of the ledger of callbacks: an event of one obligation. Append-only."""

    __table_args__ = CLUSTERED

    obligation: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class ObligationRow(StoredRow, table=True):
    """The current state of an obligation, derived from its entries.

    `token` is a keyed hash of the number to call, `other` of the other number (R-16); neither is in `data`. `due`
    and `actionable` belong to the next step.
    """

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


class HandRow(StoredRow, table=True):
    """A manual command on an obligation; the daemon applies them by `n`. Append-only; any program may insert."""

    n: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Moment)
    actor: str
    action: str
    exchange: str
    obligation: str
    data: str = Field(sa_type=Text)


class DisruptionEntryRow(StoredRow, table=True):
    """One entry of the register of disruptions: an event of one disruption. Append-only."""

    __table_args__ = CLUSTERED

    disruption: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class DisruptionRow(StoredRow, table=True):
    """The current state of a disruption or of planned work, derived from its entries.

    `counts`: it is, or was, a disruption. `lines` has a space before and after each name, so that LIKE finds one.
    """

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


class DisruptionHandRow(StoredRow, table=True):
    """A manual command on a disruption; the daemon applies them by `n`. Append-only."""

    n: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Moment)
    actor: str
    action: str
    disruption: str
    data: str = Field(sa_type=Text)


class MarkRow(StoredRow, table=True):
    """Progress of the queues of manual commands.

    "hand" is the number of the last row of `hand` that the daemon applied; "disruption_hand" that of its table.
    """

    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


class AttestationRow(StoredRow, table=True):
    """What a person states about a line after testing it, in the order of insertion. Append-only.

    `tested` is a local date (2026-11-20).
    """

    id: int | None = Field(default=None, primary_key=True)
    line: str
    subject: str
    tested: str
    by: str
    is_so: bool


class ReconciliationRow(StoredRow, table=True):
    """How many calls of a line the exchange's own records and callmon counted on a local day (2026-11-24)."""

    __table_args__ = CLUSTERED

    exchange: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    line: str = Field(primary_key=True)
    done: datetime = Field(sa_type=Moment)
    of_exchange: int
    of_callmon: int


class ReconciliationCallRow(StoredRow, table=True):
    """A call of that day that only one side counted: "exchange" or "callmon"."""

    __table_args__ = CLUSTERED

    exchange: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    call: str = Field(primary_key=True)
    line: str
    arrived: datetime = Field(sa_type=Moment)
    counted_by: str


class RollupRow(StoredRow, table=True):
    """Aggregates of the ended calls of one local day, line, language and exchange (`store/rollups/update.py`).

    `day` is as 2026-10-31. `stored` counts all calls of the key, `calls` the public's inbound calls. Calls on no
    line have an empty line and language. `seal` is the sum of their rows' fingerprints in hexadecimal. `cell` is
    the counts and durations of `core/statistics/aggregates.py` as JSON.
    """

    day: str = Field(primary_key=True)
    line: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    stored: int = Field(sa_type=BigInteger)
    calls: int = Field(sa_type=BigInteger)
    seal: str
    cell: str = Field(sa_type=Text)


class RollupStateRow(StoredRow, table=True):
    """One row: the state of `rollup`.

    `zone` is the time zone of its days, `version` the VERSION that built them. Calls that arrived before `until`
    (microseconds) are included.
    """

    id: int = Field(primary_key=True)
    zone: str
    version: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger)


METADATA = SQLModel.metadata
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
