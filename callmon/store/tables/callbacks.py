"""Callbacks and complaints: the ledger, its obligations, contacts, and manual commands."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field

from callmon.store.tables.columns import CLUSTERED, Moment, StoredRow


class LedgerRow(StoredRow, table=True):
    """One entry of the ledger of callbacks: an event of one obligation. Append-only."""

    __table_args__ = CLUSTERED

    obligation: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    n: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=Moment)
    kind: str
    data: str = Field(sa_type=Text)


class ObligationRow(StoredRow, table=True):
    """The current state of an obligation, derived from its entries.

    `token` is a keyed hash of the number to call, `other` of the other number (R-16); neither is in `data`.
    `due` and `actionable` belong to the next step.
    """

    __table_args__ = (
        Index("ix_obligation_live", "is_live", "state"),
        Index("ix_obligation_opened", "opened"),
        Index("ix_obligation_other", "other"),
        Index("ix_obligation_token", "token"),
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


class ContactRow(StoredRow, table=True):
    """A contact with a caller, for the other pairs on this PostgreSQL (`store.pairs`).

    The writer deletes old ones.
    """

    __table_args__ = (
        Index("ix_contact_at", "at"),
        Index("ix_contact_n", "n"),
        Index("ix_contact_token", "token"),
        CLUSTERED,
    )

    call: str = Field(primary_key=True)
    exchange: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Moment, primary_key=True)
    n: int = Field(sa_type=BigInteger)
    token: str
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


class MarkRow(StoredRow, table=True):
    """Progress. "hand" is the number of the last row of `hand` that the daemon applied; "disruption_hand" that of
    its table. "import EXCHANGE RECORD …": how far the last import of a record is (`store/imports.py`).
    """

    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)
