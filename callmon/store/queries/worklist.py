"""Queries of the pages on the ledger. They block (call them in a thread) and read a bounded number of rows."""

from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from callmon.core.callbacks.obligation import Obligation
from callmon.core.disruptions.disruption import Disruption
from callmon.store.database import Database
from callmon.store.queries.disruptions import up_since
from callmon.store.queries.obligations import WHOLE
from callmon.store.row_mapping import obligation_of
from callmon.store.tables import CALL, OBLIGATION

MOST_OWED = 300
MOST_MET = 500  # calls of a disruption; above this the page only states that there are more
BEFORE = 300  # latest calls of a line before the disruption; those still up at its beginning are counted


class Worklist(NamedTuple):
    """The most urgent open obligations, at most MOST_OWED; `whole` is the number of all open ones."""

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
    question = select(*WHOLE).where(which).order_by(urgent, OBLIGATION.c.opened).limit(MOST_OWED)
    with store.reading() as connection:
        found = [obligation_of(*row) for row in connection.execute(question)]
        count = select(func.count()).select_from(OBLIGATION).where(which)
        return Worklist(found, len(found) if len(found) < MOST_OWED else connection.execute(count).scalar_one())


def calls_met(store: Database, disruption: Disruption) -> int:
    """As `disruptions.calls_met`, capped at MOST_MET + 1: a long disruption can meet 100,000s of calls."""
    public = and_(CALL.c.direction == "inbound", ~CALL.c.is_test)
    during = and_(CALL.c.line.in_(list(disruption.lines)), CALL.c.arrived >= disruption.began, public)
    if disruption.ended is not None:
        during = and_(during, CALL.c.arrived <= disruption.ended)
    some = select(CALL.c["call"]).where(during).limit(MOST_MET + 1).subquery()
    with store.reading() as connection:
        found = int(connection.execute(select(func.count()).select_from(some)).scalar_one())
        for line in disruption.lines if found <= MOST_MET else ():
            found += _still_up(connection, line, disruption)
    return min(found, MOST_MET + 1)


def _still_up(connection: Connection, line: str, disruption: Disruption) -> int:
    """The number of the line's latest BEFORE calls that were still up when the disruption began."""
    when = and_(CALL.c.arrived > up_since(disruption), CALL.c.arrived < disruption.began)
    latest = select(CALL.c.ended, CALL.c.direction, CALL.c.is_test).where(CALL.c.line == line, when)
    looked = latest.order_by(CALL.c.arrived.desc()).limit(BEFORE).subquery()
    which = and_(looked.c.ended > disruption.began, looked.c.direction == "inbound", ~looked.c.is_test)
    return int(connection.execute(select(func.count()).select_from(looked).where(which)).scalar_one())
