"""The stored state that a new leader reads (`core/takeover.py`). Blocks: call it in a thread.

A new leader holds the write lock, so no other daemon commits while it reads. A standby also reads this state, to
learn what the leader received; then the leader may commit meanwhile.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select

from callmon.core.callbacks.entries import AnyEntry
from callmon.core.callbacks.ledger import Ledger
from callmon.core.calls.call import CallKey
from callmon.core.outcome import Outcome
from callmon.core.takeover import StoredState
from callmon.store.bulk import chunks
from callmon.store.commands import CALLBACK_QUEUE
from callmon.store.database import Database, database_errors
from callmon.store.queries import calls as queries
from callmon.store.queries import obligations
from callmon.store.row_mapping import entry_of
from callmon.store.tables import CALL, LEDGER


def stored_state(
    store: Database,
    exchanges: Sequence[str],
    kept: Sequence[Outcome],
    in_progress: Iterable[CallKey],
    ledger: Ledger,
    now: datetime,
) -> StoredState:
    """The stored state of calls that are open in the database, in progress here, or named in `kept`.

    `kept` is the standby's buffer. `ledger` is empty; it is filled from the database.
    """
    spoken_of = {(outcome.exchange, fact.call) for outcome in kept for fact in outcome.facts}
    obligation_ids = {written.obligation.id for outcome in kept for written in outcome.ledger}
    with database_errors(store):
        # First: the leader may commit meanwhile, and the state must have all that was received until a heartbeat.
        heard = queries.heartbeats(store)
        obligations.restore_ledger(store, ledger, exchanges, now)
        begun = {
            (name, call): stored
            for name in exchanges
            for call, stored in queries.open_calls(store, name, numbers=bool(store.ring)).items()
        }
        return StoredState(
            heard={name: at for name, at in heard.items() if name in exchanges},
            begun=begun,
            over=_over(store, spoken_of.union(in_progress)),
            ledger=ledger,
            entries=_entries(store, obligation_ids),
            callback_command=CALLBACK_QUEUE.last_applied(store),
        )


def _over(store: Database, calls: Iterable[CallKey]) -> frozenset[CallKey]:
    """The calls among `calls` that have ended in the database."""
    found = set[CallKey]()
    with store.reading() as connection:
        for some in chunks(sorted(calls)):
            named = CALL.c["call"].in_([call for _, call in some])
            question = select(CALL.c.exchange, CALL.c["call"]).where(named)
            found |= {(exchange, call) for exchange, call in connection.execute(question)} & {*some}
    return frozenset(found)


def _entries(store: Database, obligations: Iterable[str]) -> frozenset[AnyEntry]:
    """All stored entries of these obligations."""
    found = set[AnyEntry]()
    with store.reading() as connection:
        for some in chunks(sorted(obligations)):
            question = select(LEDGER.c.data).where(LEDGER.c.obligation.in_(some))
            found |= {entry_of(data) for data in connection.scalars(question)}
    return frozenset(found)
