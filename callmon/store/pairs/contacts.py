"""Queries on the tables of another pair of callmon in the same PostgreSQL (`View.schema`). Each blocks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select

from callmon.core.callbacks.contact import Contact
from callmon.core.callbacks.obligation import Obligation
from callmon.core.verdicts import Gap
from callmon.errors import StoreError
from callmon.store.bulk import chunks
from callmon.store.database import Database, database_errors
from callmon.store.queries.calls import heartbeats
from callmon.store.queries.obligations import WHOLE
from callmon.store.row_mapping import contact_of, obligation_of
from callmon.store.tables import CONTACT, GAP, NUMBER_KEY, OBLIGATION

MOST_READ, MOST_GAPS = 1000, 100


class PairReading(NamedTuple):
    """What another pair has stored. `last`: the number of the last contact that was read."""

    contacts: list[Contact]
    last: int
    heard: dict[str, datetime]
    gaps: list[Gap]


def contacts_after(pair: Database, last: int) -> PairReading:
    """The next MOST_READ contacts at most; the pair's heartbeats when there are no more. Raises StoreError."""
    question = select(CONTACT.c.n, CONTACT.c.data).where(CONTACT.c.n > last).order_by(CONTACT.c.n)
    with database_errors(pair):
        heard = heartbeats(pair)  # first: the contacts until then are stored
        with pair.reading() as connection:
            rows = connection.execute(question.limit(MOST_READ)).all()
            recent = select(GAP).order_by(GAP.c.ended.desc()).limit(MOST_GAPS)
            gaps = [Gap(*row) for row in connection.execute(recent)]
    found = [contact_of(row.data) for row in rows]
    return PairReading(found, rows[-1].n if rows else last, heard if len(rows) < MOST_READ else {}, gaps)


def contacts_of(pair: Database, tokens: Iterable[str]) -> tuple[list[Contact], int]:
    """The contacts with these numbers, oldest first, and the number of the last stored contact."""
    found: list[Contact] = []
    with database_errors(pair), pair.reading() as connection:
        last = connection.execute(select(func.max(CONTACT.c.n))).scalar() or 0
        for some in chunks(tokens):
            question = select(CONTACT.c.data).where(CONTACT.c.token.in_(some), CONTACT.c.n <= last)
            found += map(contact_of, connection.scalars(question))
    return sorted(found, key=lambda contact: contact.at), last


def settled_after(store: Database, contacts: Sequence[Contact]) -> list[Obligation]:
    """This pair's settled obligations that one of these contacts may have settled earlier."""
    found: list[Obligation] = []
    with database_errors(store), store.reading() as connection:
        for some in chunks(contacts):
            tokens, first = {x.token for x in some}, min(x.at for x in some)
            which = or_(OBLIGATION.c.token.in_(tokens), OBLIGATION.c.other.in_(tokens))
            question = select(*WHOLE).where(and_(which, OBLIGATION.c.settled >= first))
            found += (obligation_of(*row) for row in connection.execute(question))
    return found


def refuse_another_key(store: Database, pair: Database) -> None:
    """Raises StoreError when the pair hashes numbers with a key that this callmon does not have."""
    if not store.ring:
        raise StoreError("numbers of two pairs can be compared only with privacy.key_file")
    with database_errors(pair), pair.reading() as connection:
        missing = {*connection.scalars(select(NUMBER_KEY.c.name))} - {*store.ring.names}
    if missing:
        raise StoreError("it has another key for numbers: both need the same privacy.key_file")
