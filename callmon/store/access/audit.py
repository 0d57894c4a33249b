"""The audit log: what users saw and changed on the pages, and sign-ins (FIPPA). Append-only.

It contains no caller's number. Accesses to a number are in `access` (`subject_access.log`), by its token only.
"""

import re
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from callmon.store.database import Database, database_errors
from callmon.store.tables import AUDIT

# Text that may be a telephone number in a page's address. A call's name (1795527733.0) does not match.
PHONE = re.compile(r"(?<!\d)\+?(?:\d{7,}|1?[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}|\d{3}[ .-]\d{4})(?!\.?\d)")
LONGEST = 200  # characters of each field, so that requests from strangers do not fill the disk


class AuditEvent(NamedTuple):
    """One action: time, actor (`who`), act, object (a call, month or account), address ("": by a command)."""

    at: datetime
    who: str
    act: str
    about: str = ""
    address: str = ""


def record_event(store: Database, deed: AuditEvent) -> None:
    with database_errors(store), store.writing() as connection:
        insert_event(connection, deed)


def insert_event(connection: Connection, deed: AuditEvent) -> None:
    """Inserts `deed` in the transaction of the action itself. Masks telephone numbers in `about`."""
    texts = {name: _clean(getattr(deed, name)) for name in ("who", "act", "about", "address")}
    texts["about"] = PHONE.sub("#", texts["about"])
    connection.execute(insert(AUDIT).values(at=deed.at, **texts))


def audit_events(store: Database, newest: int | None = None) -> list[AuditEvent]:
    """Recorded actions, oldest first; only the `newest`, if given."""
    question = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(newest)
    with database_errors(store), store.reading() as connection:
        rows = connection.execute(question).mappings().all()
    return [AuditEvent(*(row[name] for name in AuditEvent._fields)) for row in reversed(rows)]


def _clean(text: str) -> str:
    """One line of bounded length, so that no user can forge a line of the log."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST])
