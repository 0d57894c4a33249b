"""The calls of callers whose numbers have a token, for the count of needs: theirs, and those to them.

Refuses: a number. The token of the ledger stands for it, and is erased with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select

from callmon.core.replay.needs import SPAN, CallerContact
from callmon.store.row_mapping import call_of
from callmon.store.tables import CALL, NUMBER, same_call

CALLBACK = timedelta(seconds=10)  # a shorter call of ours is no talk
ROLES = {"inbound": "caller", "outbound": "dialled"}


def read_contacts(
    connection: Connection, begin: datetime, end: datetime, lines: Collection[str]
) -> Iterator[CallerContact]:
    """Calls of a day before `begin` to a day after `end`: inbound ones of these lines, and all outbound ones."""
    role = or_(*(and_(CALL.c.direction == one, NUMBER.c.role == other) for one, other in ROLES.items()))
    question = (
        select(CALL.c.data, CALL.c.arrived, CALL.c.in_hours, NUMBER.c.token)
        .select_from(CALL.outerjoin(NUMBER, and_(same_call(NUMBER, CALL), role)))
        .where(CALL.c.arrived >= begin - SPAN, CALL.c.arrived < end + SPAN, ~CALL.c.is_test)
        .where(or_(CALL.c.direction == "outbound", and_(CALL.c.direction == "inbound", CALL.c.line.in_(lines))))
        .order_by(CALL.c.arrived)
    )
    for data, arrived, in_hours, token in connection.execute(question):
        call = call_of(data, {})
        outbound = call.direction == "outbound"
        yield CallerContact(
            token=None if call.relay else token,
            at=arrived,
            spoke=call.answered is not None and (not outbound or call.talk_length >= CALLBACK),
            gave_up=call.outcome == "abandoned",
            in_hours=in_hours is not False,
            outbound=outbound,
        )
