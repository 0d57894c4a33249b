"""The calls of callers whose numbers have a token, for the count of needs: theirs, and those to them.

Refuses: a number. The token of the ledger stands for it, and is erased with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select

from callmon.core.replay.needs import SPAN, CallerContact
from callmon.store.encryption import KeyRing
from callmon.store.row_mapping import call_of
from callmon.store.tables import CALL, NUMBER, same_call

CALLBACK = timedelta(seconds=10)  # a shorter call of ours is no talk
BEFORE = 7 * SPAN  # a need of an earlier day decides which call begins the next one
ROLES = {"inbound": "caller", "outbound": "dialled"}


def shared_tokens(ring: KeyRing, numbers: Iterable[str]) -> frozenset[str]:
    """The tokens of numbers that several people share, under all keys."""
    return frozenset(token for number in numbers for token in ring.tokens(number))


def read_contacts(
    connection: Connection,
    begin: datetime,
    end: datetime,
    lines: Collection[str],
    shared: Collection[str] = (),
) -> Iterator[CallerContact]:
    """Calls of a week before `begin` to a day after `end`: inbound ones of these lines, and all outbound ones.

    Calls of the relay service and of shared numbers have no token: which of them are one caller's is not known.
    """
    role = or_(*(and_(CALL.c.direction == one, NUMBER.c.role == other) for one, other in ROLES.items()))
    question = (
        select(CALL.c.data, CALL.c.arrived, CALL.c.in_hours, NUMBER.c.token)
        .select_from(CALL.outerjoin(NUMBER, and_(same_call(NUMBER, CALL), role)))
        .where(CALL.c.arrived >= begin - BEFORE, CALL.c.arrived < end + SPAN, ~CALL.c.is_test)
        .where(or_(CALL.c.direction == "outbound", and_(CALL.c.direction == "inbound", CALL.c.line.in_(lines))))
        .order_by(CALL.c.arrived)
    )
    for data, arrived, in_hours, token in connection.execute(question):
        call = call_of(data, {})
        outbound = call.direction == "outbound"
        yield CallerContact(
            token=None if call.relay or token in shared else token,
            at=arrived,
            spoke=call.answered is not None and (not outbound or call.talk_length >= CALLBACK),
            gave_up=call.outcome == "abandoned",
            in_hours=in_hours is not False,
            outbound=outbound,
        )
