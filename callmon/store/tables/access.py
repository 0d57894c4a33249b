"""The tables of accounts, sessions and the audit log of the pages: a part of `__init__.py`."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from callmon.store.tables.columns import CLUSTERED, Moment


class AccountRow(SQLModel, table=True):
    """A local account with a password hash (argon2). `roles` are separated by blanks."""

    __tablename__ = "account"
    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    password: str
    roles: str
    is_locked: bool
    made: datetime = Field(sa_type=Moment)
    changed: datetime = Field(sa_type=Moment)


class SessionRow(SQLModel, table=True):
    """A session of a user. `id` is the hash of the cookie, so that a reader of this table cannot sign in.

    `source`: "account" takes the roles of the account; "oidc" the roles that the provider sent.
    """

    __tablename__ = "session"
    __table_args__ = (
        Index("ix_session_person", "person", "source"),
        Index("ix_session_made", "made"),
        CLUSTERED,
    )

    id: str = Field(primary_key=True)
    person: str
    source: str
    roles: str
    made: datetime = Field(sa_type=Moment)
    seen: datetime = Field(sa_type=Moment)


class AuditRow(SQLModel, table=True):
    """What a user saw or changed on a page, or tried to. Append-only, without a caller's number.

    Accesses to a number are in `access`.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    act: str
    about: str
    address: str
