"""The tables of who may use the pages, and of what they did there: a part of `__init__.py`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from callmon.store.tables.columns import CLUSTERED, Moment


class AccountRow(SQLModel, table=True):
    """Somebody with a password of callmon's own (argon2). `roles` with blanks between."""

    __tablename__ = "account"
    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    password: str
    roles: str
    is_locked: bool
    made: datetime = Field(sa_type=Moment)
    changed: datetime = Field(sa_type=Moment)


class SessionRow(SQLModel, table=True):
    """Somebody is signed in. `id` is the hash of the cookie: whoever reads this table cannot sign in with it.

    `source`: "account", whose roles are those of the account; or "oidc", with the roles that the provider told.
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
    """What somebody saw or changed on a page, or tried to. No caller's number; append-only. Looks at a number are
    in `access`.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    act: str
    about: str
    address: str
