"""Disruptions of lines and planned work: the register, its states, and manual commands."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field

from callmon.store.tables.columns import CLUSTERED, Moment, StoredRow


class DisruptionEntryRow(StoredRow, table=True):
    """One entry of the register of disruptions: an event of one disruption. Append-only."""

    __table_args__ = CLUSTERED

    disruption: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class DisruptionRow(StoredRow, table=True):
    """The current state of a disruption or of planned work, derived from its entries.

    `counts`: it is, or was, a disruption. `lines` has a space before and after each name, so that LIKE finds
    one.
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
