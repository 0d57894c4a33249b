"""People: accounts, sessions, what they saw and changed, and the disposal of numbers."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from callmon.store.tables.columns import CLUSTERED, Moment, StoredRow, Words


class AccountRow(StoredRow, table=True):
    """A local account with a password hash (argon2). `roles` stand in one text, separated by blanks."""

    __table_args__ = CLUSTERED

    name: str = Field(primary_key=True)
    password: str
    roles: frozenset[str] = Field(sa_type=Words)
    is_locked: bool
    made: datetime = Field(sa_type=Moment)
    changed: datetime = Field(sa_type=Moment)


class SessionRow(StoredRow, table=True):
    """A session of a user.

    `id` is the hash of the cookie, so that a reader of this table cannot sign in. `source`: "account" takes the
    roles of the account; "oidc" the roles that the provider sent.
    """

    __table_args__ = (Index("ix_session_made", "made"), Index("ix_session_person", "person", "source"), CLUSTERED)

    id: str = Field(primary_key=True)
    person: str
    source: str
    roles: frozenset[str] = Field(sa_type=Words)
    made: datetime = Field(sa_type=Moment)
    seen: datetime = Field(sa_type=Moment)


class TokenRow(StoredRow, table=True):
    """A token with which a program reads the API.

    `id` is the hash of the token, so that a reader of this table cannot use it. `used`: its last use, to a minute.
    """

    __table_args__ = (Index("ix_token_name", "name", unique=True), CLUSTERED)

    id: str = Field(primary_key=True)
    name: str
    roles: frozenset[str] = Field(sa_type=Words)
    made: datetime = Field(sa_type=Moment)
    expires: datetime = Field(sa_type=Moment)
    used: datetime | None = Field(default=None, sa_type=Moment)


class AuditRow(StoredRow, table=True):
    """What a user (`who`) saw or changed on a page, or tried to.

    `about`: a call, month or account. `address`: "" for a command. Append-only, without a caller's number.
    Accesses to a number are in `access`.
    """

    __table_args__ = (Index("ix_audit_at", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    act: str
    about: str = ""
    address: str = ""


class AccessRow(StoredRow, table=True):
    """One access to a number: actor (`who`), purpose, command, and how many calls it found.

    The row outlives the number. `token` is deleted with the number.
    """

    __table_args__ = (Index("ix_access_token", "token"),)

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=Moment)
    who: str
    purpose: str
    command: str
    found: int
    token: str | None


class DisposalRow(StoredRow, table=True):
    """One disposal: time, actor (`who`), authority and counts.

    Contains no personal information; never deleted. `numbers` were unused since `unused_since`. Their `uses`
    lay between `first_use` and `last_use`.
    """

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
