"""The stored state that a new leader reads (`core/takeover.py`). Blocks: call it in a thread.

A new leader holds the write lock, so no other daemon commits while it reads. A standby also reads this state, to
learn what the leader received; then the leader may commit meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, select

from callmon.core.callbacks.entries import AnyEntry
from callmon.core.callbacks.ledger import Ledger
from callmon.core.calls.call import CallKey
from callmon.core.outcome import Outcome
from callmon.core.takeover import StoredState
from callmon.store.bulk import ASKED_AT_ONCE
from callmon.store.commands import last_applied_callback_command
from callmon.store.database import Database, read_errors
from callmon.store.queries import calls as queries
from callmon.store.queries import obligations as ledger
from callmon.store.row_mapping import entry_of
from callmon.store.tables import CALL, LEDGER


def stored_state(
    store: Database,
    exchanges: Sequence[str],
    kept: Sequence[Outcome],
    in_progress: Iterable[CallKey],
    book: Ledger,
    now: datetime,
) -> StoredState:
    """The stored state of calls that are open in the database, in progress here, or named in `kept`.

    `kept` is the standby's buffer. `book` is an empty ledger; it is filled from the database.
    """
    spoken_of = {(outcome.exchange, fact.call) for outcome in kept for fact in outcome.facts}
    owed = {written.obligation.id for outcome in kept for written in outcome.ledger}
    with read_errors():
        # First: the leader may commit meanwhile, and the state must have all that was received until a heartbeat.
        heard = queries.heartbeats(store)
        ledger.restore_ledger(store, book, exchanges, now)
        begun = {(name, call): told for name in exchanges for call, told in _begun(store, name)}
        return StoredState(
            heard={name: at for name, at in heard.items() if name in exchanges},
            begun=begun,
            over=_over(store, spoken_of.union(in_progress)),
            ledger=book,
            entries=_entries(store, owed),
            hand=last_applied_callback_command(store),
        )


def _begun(store: Database, exchange: str) -> Iterable[tuple[str, queries.OpenCall]]:
    return queries.open_calls(store, exchange, numbers=bool(store.ring)).items()


def _over(store: Database, calls: Iterable[CallKey]) -> frozenset[CallKey]:
    """The calls among `calls` that have ended in the database."""
    wanted, found = sorted(calls), set[CallKey]()
    with store.reading() as connection:
        for begin in range(0, len(wanted), ASKED_AT_ONCE):
            some = wanted[begin : begin + ASKED_AT_ONCE]
            question = select(CALL.c.exchange, CALL.c["call"]).where(
                CALL.c["call"].in_([call for _, call in some])
            )
            found |= {(exchange, call) for exchange, call in connection.execute(question)} & {*some}
    return frozenset(found)


def _entries(store: Database, obligations: Iterable[str]) -> frozenset[AnyEntry]:
    """All stored entries of these obligations."""
    wanted, table = sorted(obligations), LEDGER
    found: list[AnyEntry] = []
    with store.reading() as connection:
        for begin in range(0, len(wanted), ASKED_AT_ONCE):
            which = and_(table.c.obligation.in_(wanted[begin : begin + ASKED_AT_ONCE]))
            found += [entry_of(data) for (data,) in connection.execute(select(table.c.data).where(which))]
    return frozenset(found)
