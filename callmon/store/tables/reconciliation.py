"""The tables of the nightly comparison with the exchange's own records: a part of `__init__.py`."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from callmon.store.tables.columns import CLUSTERED, Moment


class ReconciliationRow(SQLModel, table=True):
    """How many calls of a line the exchange's own records and callmon counted on a local day (2026-11-24)."""

    __tablename__ = "reconciliation"
    __table_args__ = CLUSTERED

    exchange: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    line: str = Field(primary_key=True)
    done: datetime = Field(sa_type=Moment)
    of_exchange: int
    of_callmon: int


class ReconciliationCallRow(SQLModel, table=True):
    """A call of that day that only one side counted: "exchange" or "callmon"."""

    __tablename__ = "reconciliation_call"
    __table_args__ = CLUSTERED

    exchange: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    call: str = Field(primary_key=True)
    line: str
    arrived: datetime = Field(sa_type=Moment)
    counted_by: str
