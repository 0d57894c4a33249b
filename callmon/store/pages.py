"""Questions of the pages to the ledger. Each blocks: ask in a thread. Each reads a bounded number of rows."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from callmon.callbacks.obligation import Obligation
from callmon.store.engine import Store
from callmon.store.ledger import OBLIGATION, WHOLE
from callmon.store.rows import obligation_of

MOST_OWED = 300


class Worklist(NamedTuple):
    """The most urgent entries that are open, and how many there are in all."""

    entries: list[Obligation]
    whole: int


def worklist(
    store: Store, line: str | None = None, language: str | None = None, service: str | None = None
) -> Worklist:
    """What is owed, by the last moment at which a person can act; of a line, a language, a service."""
    which = and_(
        OBLIGATION.c.is_live,
        OBLIGATION.c.state == "open",
        *(
            column == value
            for column, value in (
                (OBLIGATION.c.line, line),
                (OBLIGATION.c.language, language),
                (OBLIGATION.c.service, service),
            )
            if value is not None
        ),
    )
    urgent = func.coalesce(OBLIGATION.c.actionable, OBLIGATION.c.due)
    question = select(*WHOLE).where(which).order_by(urgent, OBLIGATION.c.opened).limit(MOST_OWED)
    with store.reading() as connection:
        found = [obligation_of(*row) for row in connection.execute(question)]
        count = len(found) if len(found) < MOST_OWED else _count(connection, which)
    return Worklist(found, count)


def _count(connection: Connection, which: object) -> int:
    question = select(func.count()).select_from(OBLIGATION).where(which)  # type: ignore[arg-type]  # a condition
    return int(connection.execute(question).scalar_one())
