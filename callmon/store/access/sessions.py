"""Sessions of signed-in users. In the database, so that two instances share them and a command can end them.

    begin ─▶ known, known, … ─▶ end | idle for too long | too old | one too many | account changed or locked

A session's id is a hash of the cookie that the browser has.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from callmon.store.database import Database, database_errors
from callmon.store.tables import ACCOUNT, SESSION, Condition

SEEN_EVERY = timedelta(minutes=1)  # so that frequent requests do not write to the database each time


class SessionLimits(NamedTuple):
    """Limits of a session: `idle` time without a request, `longest` duration, and `most` sessions of a person."""

    idle: timedelta
    longest: timedelta
    most: int


class UserSession(NamedTuple):
    id: str
    person: str
    source: str
    roles: frozenset[str]
    made: datetime
    seen: datetime


def begin_session(store: Database, session: UserSession, terms: SessionLimits) -> None:
    """Inserts a session. Deletes all expired sessions, and the person's oldest above `terms.most`."""
    written = " ".join(sorted(session.roles))
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(SESSION).where(_is_over(session.made, terms)))
        connection.execute(insert(SESSION).values(**session._asdict() | {"roles": written}))
        theirs = and_(SESSION.c.person == session.person, SESSION.c.source == session.source)
        newest = select(SESSION.c.id).where(theirs).order_by(SESSION.c.made.desc(), SESSION.c.id).limit(terms.most)
        kept = [name for (name,) in connection.execute(newest)]
        connection.execute(delete(SESSION).where(theirs, SESSION.c.id.not_in(kept)))


def valid_session(
    store: Database, id: str, at: datetime, terms: SessionLimits, is_use: bool = True
) -> UserSession | None:
    """The session with the current roles of its account; None if it has expired or the account is locked or gone.

    Only a use (`is_use`: a user requests a page) resets the idle time.
    """
    with database_errors(store), store.reading() as connection:
        found = _found(connection, id, at, terms)
    if is_use and found is not None and at - found.seen >= SEEN_EVERY:
        with database_errors(store), store.writing() as connection:
            connection.execute(update(SESSION).where(SESSION.c.id == id).values(seen=at))
    return found


def end_session(store: Database, id: str) -> None:
    with database_errors(store), store.writing() as connection:
        connection.execute(delete(SESSION).where(SESSION.c.id == id))


def end_sessions_of(connection: Connection, person: str, source: str) -> None:
    """Ends all sessions of a person from one source."""
    connection.execute(delete(SESSION).where(SESSION.c.person == person, SESSION.c.source == source))


def _found(connection: Connection, id: str, at: datetime, terms: SessionLimits) -> UserSession | None:
    question = select(SESSION).where(SESSION.c.id == id, ~_is_over(at, terms))
    if (row := connection.execute(question).mappings().one_or_none()) is None:
        return None
    session = UserSession(*(row[name] for name in UserSession._fields))
    if session.source != "account":
        return session._replace(roles=_read(row["roles"]))
    unlocked = select(ACCOUNT.c.roles).where(ACCOUNT.c.name == session.person, ~ACCOUNT.c.is_locked)
    own = connection.scalar(unlocked)
    return None if own is None else session._replace(roles=_read(own))


def _is_over(at: datetime, terms: SessionLimits) -> Condition:
    return or_(SESSION.c.seen <= at - terms.idle, SESSION.c.made <= at - terms.longest)


def _read(roles: str) -> frozenset[str]:
    return frozenset(roles.split())
