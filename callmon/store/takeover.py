"""What is stored, for a callmon that takes another's place (`core/takeover.py`). Blocks: ask in a thread.

All that the one before has written is read by whoever has the right to write now: nobody changes it meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import and_, select

from callmon.core.callbacks.entries import AnyEntry
from callmon.core.callbacks.ledger import Ledger
from callmon.core.outcome import Outcome
from callmon.core.takeover import CallKey, Known
from callmon.store.database import Store
from callmon.store.queries import calls as queries
from callmon.store.queries import obligations as ledger
from callmon.store.queries.calls import CALL
from callmon.store.row_mapping import entry_of
from callmon.store.writer.transaction import ASKED_AT_ONCE


def known(
    store: Store,
    exchanges: Sequence[str],
    kept: Sequence[Outcome],
    in_progress: Iterable[CallKey],
    book: Ledger,
    now: datetime,
) -> Known:
    """Of calls that are open there, in progress here, or spoken of in `kept`. `book` is empty, and taken up."""
    spoken_of = {(outcome.exchange, fact.call) for outcome in kept for fact in outcome.facts}
    owed = {written.obligation.id for outcome in kept for written in outcome.ledger}
    with ledger.trouble_told():
        # First: the leader may commit meanwhile, and what is read must hold all that was heard until then.
        heard = queries.heartbeats(store)
        ledger.take_up(store, book, exchanges, now)
        begun = {(name, call): told for name in exchanges for call, told in _begun(store, name)}
        return Known(
            heard={name: at for name, at in heard.items() if name in exchanges},
            begun=begun,
            over=_over(store, spoken_of.union(in_progress)),
            ledger=book,
            entries=_entries(store, owed),
            hand=ledger.done(store),
        )


def _begun(store: Store, exchange: str) -> Iterable[tuple[str, queries.OpenCall]]:
    return queries.open_calls(store, exchange, numbers=bool(store.ring)).items()


def _over(store: Store, calls: Iterable[CallKey]) -> frozenset[CallKey]:
    """Those of these calls that have ended there."""
    wanted, found = sorted(calls), set[CallKey]()
    with store.reading() as connection:
        for begin in range(0, len(wanted), ASKED_AT_ONCE):
            some = wanted[begin : begin + ASKED_AT_ONCE]
            question = select(CALL.c.exchange, CALL.c["call"]).where(
                CALL.c["call"].in_([call for _, call in some])
            )
            found |= {(exchange, call) for exchange, call in connection.execute(question)} & {*some}
    return frozenset(found)


def _entries(store: Store, obligations: Iterable[str]) -> frozenset[AnyEntry]:
    """All that is written of these."""
    wanted, table = sorted(obligations), ledger.LEDGER
    found: list[AnyEntry] = []
    with store.reading() as connection:
        for begin in range(0, len(wanted), ASKED_AT_ONCE):
            which = and_(table.c.obligation.in_(wanted[begin : begin + ASKED_AT_ONCE]))
            found += [entry_of(data) for (data,) in connection.execute(select(table.c.data).where(which))]
    return frozenset(found)
