"""Figures: counters, roll-ups, the writer's batches, and comparisons with the exchange's records."""

from datetime import datetime

from sqlalchemy import BigInteger, Text
from sqlmodel import Field

from callmon.store.tables.columns import CLUSTERED, Moment, StoredRow


class CounterRow(StoredRow, table=True):
    """A counter as exported on /metrics. `figure` is its name and label values as a JSON list."""

    __table_args__ = CLUSTERED

    figure: str = Field(primary_key=True)
    value: float


class WriterRow(StoredRow, table=True):
    """One row: the number of the last committed batch, and the `token` of the writer that committed it.

    A writer reads from it whether a commit succeeded whose answer was lost. It also detects the writes of
    another program. `session`: on PostgreSQL, the session that holds the lease (`store/writer/write_lock.py`).
    """

    id: int | None = Field(default=None, primary_key=True)
    batch: int = Field(sa_type=BigInteger)
    token: str
    session: str | None


class RollupRow(StoredRow, table=True):
    """Aggregates of the ended calls of one local day, line, language and exchange (`store/rollups/update.py`).

    `day` is as 2026-10-31. `stored` counts all calls of the key, `calls` the public's inbound calls. Calls on
    no line have an empty line and language. `seal` is the sum of their rows' fingerprints in hexadecimal.
    `cell` is the counts and durations of `core/statistics/aggregates.py` as JSON.
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

    `zone` is the time zone of its days, `version` the VERSION that built them. Calls that arrived before
    `until` (microseconds) are included.
    """

    id: int | None = Field(default=None, primary_key=True)
    zone: str
    version: int = Field(sa_type=BigInteger)
    until: int = Field(sa_type=BigInteger)


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
