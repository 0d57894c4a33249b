"""Outbound calls that a backfill found: calls to a number with an open obligation become commands for the ledger.

The daemon that runs now, or the next one, applies the commands, since only the daemon writes the ledger.

Refuses: to store any data of another outbound call, in particular its number.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import cast

from sqlalchemy import Connection, and_, or_, select

from callmon.backfill.apply import ACTOR, CHUNK
from callmon.backfill.cel.extract import arrival
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.facts import AnyFact, Fact
from callmon.store.commands import insert_outbound_call
from callmon.store.database import Database, database_errors
from callmon.store.row_mapping import CALLER
from callmon.store.tables import HAND, MARK, NUMBER, OBLIGATION


def hand_over(store: Database, exchange: str, calls: Iterable[tuple[str, Sequence[Fact]]], now: datetime) -> int:
    """Inserts a command for each call (number, facts) to an open obligation. Returns their number.

    Raises StoreError.
    """
    count, rest = 0, iter(calls)
    while some := list(islice(rest, CHUNK)):
        with database_errors(store), store.writing() as connection:
            for number, facts in some:
                if _waits(connection, store.ring.tokens(number)):
                    call = arrival(facts)
                    command = CallbackCommand(
                        at=now, actor=ACTOR, action="called", exchange=exchange, obligation=call.call,
                        facts=cast("tuple[AnyFact, ...]", tuple(facts)),
                    )  # fmt: skip
                    count += insert_outbound_call(connection, store.ring, command, call.dialled)
    return count


def _waits(connection: Connection, tokens: Sequence[str]) -> bool:
    """Whether an obligation to this number is open, or a pending command will open one."""
    known = or_(OBLIGATION.c.token.in_(tokens), OBLIGATION.c.other.in_(tokens))
    owed = select(OBLIGATION.c.id).where(known, or_(OBLIGATION.c.is_live, OBLIGATION.c.state == "open")).limit(1)
    if connection.execute(owed).one_or_none() is not None:
        return True
    done = select(MARK.c.value).where(MARK.c.name == "hand").scalar_subquery()
    same = and_(NUMBER.c["call"] == HAND.c.obligation, NUMBER.c.exchange == HAND.c.exchange)
    pending = and_(HAND.c.n > done, HAND.c.action == "owe", NUMBER.c.role == CALLER, NUMBER.c.token.in_(tokens))
    question = select(HAND.c.n).select_from(HAND.join(NUMBER, same)).where(pending).limit(1)
    return connection.execute(question).one_or_none() is not None
