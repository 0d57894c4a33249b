"""Calls: their facts, accounts and verdicts, their numbers, and what callmon did not hear.

The key of a call is its name and its exchange.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text, false, text
from sqlmodel import Field

from callmon.store.tables.columns import CLUSTERED, Moment, StoredRow


class FactRow(StoredRow, table=True):
    """The facts of a call that has ended, in one row.

    `data` is their JSON, compressed (`row_mapping.pack_facts`), and `at` the time of the last one. What is
    added later is another row. `n`, its position in the stream of rows, orders them.
    """

    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime | None = Field(sa_type=Moment)
    data: bytes


class OpenCallRow(StoredRow, table=True):
    """A call in progress, with the JSON of its facts: inserted with its arrival, moved to `fact` with its end."""

    __table_args__ = CLUSTERED

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger)
    data: str = Field(sa_type=Text)


class CallRow(StoredRow, table=True):
    """The account of an ended call. `data` is the complete account; the columns serve queries."""

    __table_args__ = (
        Index("ix_call_arrived", "arrived"),
        Index("ix_call_line_arrived", "line", "arrived"),
        # On PostgreSQL `creation` creates it: an option of its dialect here would load that dialect, 2 MB.
        Index("ix_call_test", "line", "arrived", sqlite_where=text("is_test = 1")).ddl_if(dialect="sqlite"),
        # Without a rowid, a row longer than a quarter of a page takes another whole page.
        {"sqlite_with_rowid": True},
    )

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    # The columns of a fixed length come together: PostgreSQL aligns each after a text.
    arrived: datetime | None = Field(sa_type=Moment)
    answered: datetime | None = Field(sa_type=Moment)
    ended: datetime | None = Field(sa_type=Moment)
    waited: int | None = Field(sa_type=BigInteger)
    rings: int | None
    rings_estimated: bool
    in_hours: bool | None
    is_test: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    line: str | None
    direction: str
    language: str
    outcome: str
    heard: str
    data: str = Field(sa_type=Text)


class FindingRow(StoredRow, table=True):
    """One verdict. A rejudgement, a backfill or a correction in the ledger replaces the row."""

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


class NumberRow(StoredRow, table=True):
    """A number, encrypted.

    `role`: "caller", "dialled", or "callback" (the number to call instead, R-16). No other table stores a
    number. Equal numbers have the same `token` under one key.
    """

    __table_args__ = (Index("ix_number_token", "token"), CLUSTERED)

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    number: str
    token: str | None


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
