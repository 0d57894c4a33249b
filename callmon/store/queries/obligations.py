"""Queries on the ledger of callbacks. Every function blocks: use a thread.

A result contains a number only where the calling code requests it.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from callmon.core.callbacks.entries import CAUTIONS, AnyEntry, CalledBack, Caution, Owed, Repeated
from callmon.core.callbacks.index import WINDOW
from callmon.core.callbacks.ledger import Ledger
from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import tag_of
from callmon.store.bulk import chunks
from callmon.store.database import Database, database_errors
from callmon.store.encryption import keyed_hash
from callmon.store.queries import calls as queries
from callmon.store.row_mapping import CALLBACK, CALLER, StoredCallKey, entry_of, obligation_of
from callmon.store.tables import LEDGER, NUMBER, OBLIGATION, same_call

WHOLE = (OBLIGATION.c.data, OBLIGATION.c.token, OBLIGATION.c.other)


class WorklistItem(NamedTuple):
    """An obligation with the numbers to call: the caller's, and the other number, if one was given (R-16)."""

    obligation: Obligation
    number: str | None
    other: str | None


def token_function(store: Database) -> Callable[[str], str]:
    """The function from a number to the ledger's token, by the newest key. `take_up` renews older tokens."""
    return store.ring.token if store.ring else keyed_hash(os.urandom(32))  # without a key no number is stored


# State that the daemon restores.


def token_renewals(store: Database) -> dict[str, str]:
    """Maps the tokens under older keys to the newest token, for all numbers of calls with an obligation."""
    if len(store.ring.names) < 2:
        return {}
    question = select(NUMBER.c.number).join(OBLIGATION, same_call(OBLIGATION, NUMBER)).distinct()
    with database_errors(store), store.reading() as connection:
        found = [store.ring.tokens(store.ring.decrypt(encrypted)) for (encrypted,) in connection.execute(question)]
    return {old: newest for newest, *older in found for old in older}


def restore_ledger(store: Database, ledger: Ledger, exchanges: Iterable[str], now: datetime) -> None:
    """Restores the ledger. Call before the calls in progress are restored."""
    renewed = token_renewals(store)
    ledger.restore(with_newest_tokens(obligation, renewed) for obligation in live_obligations(store))
    for token, known in cautions(store):
        ledger.know(renewed.get(token, token), known)
    for token, at, line in recent_messages(store, now - WINDOW):
        ledger.shared_numbers.record_call(renewed.get(token, token), ledger.terms.local_day(at), line)
    for name in exchanges:
        for gap in queries.gaps(store, name):
            ledger.gap(name, gap.start, gap.end)


def with_newest_tokens(obligation: Obligation, renewed: Mapping[str, str]) -> Obligation:
    """The obligation with the tokens of the newest key."""
    token, other = (None if x is None else renewed.get(x, x) for x in (obligation.token, obligation.other))
    return msgspec.structs.replace(obligation, token=token, other=other)


def live_obligations(store: Database) -> list[Obligation]:
    """The obligations that the passing of time, a call or a person can still change."""
    question = select(*WHOLE).where(or_(OBLIGATION.c.is_live, OBLIGATION.c.state == "open"))
    with store.reading() as connection:
        return [obligation_of(*row) for row in connection.execute(question)]


def cautions(store: Database) -> list[tuple[str, tuple[Caution, ...]]]:
    """The cautions of each number, by token. They hold for every later message from that number."""
    question = select(OBLIGATION.c.token, OBLIGATION.c.other, OBLIGATION.c.cautions)
    with store.reading() as connection:
        rows = connection.execute(question.where(OBLIGATION.c.cautions != "")).all()
    stored = [(x, names.split()) for *tokens, names in rows for x in tokens if x is not None]
    return [(token, tuple(x for x in CAUTIONS if x in names)) for token, names in stored]


def recent_messages(store: Database, since: datetime) -> Iterator[tuple[str, datetime, str]]:
    """Messages at or after `since` whose number is known: (token, time, line)."""
    joined = LEDGER.join(
        OBLIGATION, and_(LEDGER.c.obligation == OBLIGATION.c.id, LEDGER.c.exchange == OBLIGATION.c.exchange)
    )
    kinds = (tag_of(Owed), tag_of(Repeated))
    condition = and_(LEDGER.c.at >= since, LEDGER.c.kind.in_(kinds), OBLIGATION.c.token.is_not(None))
    question = select(OBLIGATION.c.token, LEDGER.c.data).select_from(joined).where(condition)
    with store.reading() as connection:
        for token, data in connection.execute(question.order_by(LEDGER.c.at)):
            entry = entry_of(data)
            assert isinstance(entry, Owed | Repeated)
            yield token, entry.at, entry.line


def callback_entries(connection: Connection) -> Iterator[CalledBack]:
    """Every callback entry of the ledger."""
    question = select(LEDGER.c.data).where(LEDGER.c.kind == tag_of(CalledBack))
    for (data,) in connection.execute(question.execution_options(yield_per=500)):
        entry = entry_of(data)
        assert isinstance(entry, CalledBack)
        yield entry


# Queries of the pages and commands.


def obligations(
    store: Database, *, state: str | None = "open", ids: Iterable[str] | None = None, numbers: bool = False
) -> list[WorklistItem]:
    """Obligations in `state` and of `ids` (None: any), by opening time. `numbers`: with their numbers."""
    question = select(*WHOLE, OBLIGATION.c["call"], OBLIGATION.c.exchange)
    if state is not None:
        question = question.where(OBLIGATION.c.state == state)
    if ids is not None:
        question = question.where(OBLIGATION.c.id.in_(list(ids)))
    with store.reading() as connection:
        rows = list(connection.execute(question.order_by(OBLIGATION.c.opened)))
        known: dict[StoredCallKey, dict[str, str]] = {}
        for some in chunks(sorted({row[3] for row in rows}) if numbers else ()):
            known |= queries.stored_numbers(connection, NUMBER.c["call"].in_(some), store.ring)
    return [_item(obligation_of(*row[:3]), known.get((row[3], row[4]), {})) for row in rows]


def obligations_named(store: Database, name: str, exchange: str | None, numbers: bool) -> list[WorklistItem]:
    """The obligation of this name at the exchange; without an exchange, each of this name."""
    found = obligations(store, state=None, ids=[name], numbers=numbers)
    return [x for x in found if exchange in (None, x.obligation.exchange)]


def _item(obligation: Obligation, numbers: Mapping[str, str]) -> WorklistItem:
    """A hidden number is not returned, even if the exchange delivered it (R-51)."""
    number = None if obligation.hidden is not None else numbers.get(CALLER)
    return WorklistItem(obligation, number, numbers.get(CALLBACK))


def ledger_entries(store: Database, call: str, exchange: str) -> list[AnyEntry]:
    """The ledger entries of all obligations that a call opened, in order."""
    names = (call, f"{call}-complaint")
    condition = and_(LEDGER.c.obligation.in_(names), LEDGER.c.exchange == exchange)
    with store.reading() as connection:
        return list(map(entry_of, connection.scalars(select(LEDGER.c.data).where(condition).order_by(LEDGER.c.n))))


def obligation_ids(store: Database, tokens: Iterable[str]) -> list[str]:
    """The ids of all obligations with one of these tokens, as the caller's number or as the other number."""
    wanted = list(tokens)
    which = or_(OBLIGATION.c.token.in_(wanted), OBLIGATION.c.other.in_(wanted))
    with store.reading() as connection:
        return list(connection.scalars(select(OBLIGATION.c.id).where(which)))


# The worklist of the pages: a bounded number of rows.

MOST_LISTED = 300


class Worklist(NamedTuple):
    """The most urgent open obligations, at most MOST_LISTED; `whole` is the number of all open ones."""

    entries: list[Obligation]
    whole: int


def worklist(
    store: Database, line: str | None = None, language: str | None = None, service: str | None = None
) -> Worklist:
    """Open obligations by the last time at which a person can act. None: any line, language, service."""
    chosen = {"line": line, "language": language, "service": service}
    filters = (OBLIGATION.c[name] == value for name, value in chosen.items() if value is not None)
    which = and_(OBLIGATION.c.is_live, OBLIGATION.c.state == "open", *filters)
    urgent = func.coalesce(OBLIGATION.c.actionable, OBLIGATION.c.due)
    question = select(*WHOLE).where(which).order_by(urgent, OBLIGATION.c.opened).limit(MOST_LISTED)
    with store.reading() as connection:
        found = [obligation_of(*row) for row in connection.execute(question)]
        count = select(func.count()).select_from(OBLIGATION).where(which)
        return Worklist(found, len(found) if len(found) < MOST_LISTED else connection.execute(count).scalar_one())
