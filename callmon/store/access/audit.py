"""The record of what people saw and changed on the pages, and of sign-ins (FIPPA). Append-only.

No caller's number is in it: a look at one is in `access` (`people.log`), which knows it by its token alone.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from callmon.store import tables
from callmon.store.database import Store, _told

AUDIT = tables.METADATA.tables[str(tables.AuditRow.__tablename__)]
# What could be a telephone number, typed into a page's address; a call's name (1795527733.0) is none.
PHONE = re.compile(r"(?<!\d)\+?(?:\d{7,}|1?[ .-]?\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}|\d{3}[ .-]\d{4})(?!\.?\d)")
LONGEST = 200  # characters of any part: what a stranger sends does not fill the disk


class Deed(NamedTuple):
    """Who did what, when, about what (a call, a month, an account), from which address ("": by a command)."""

    at: datetime
    who: str
    act: str
    about: str = ""
    address: str = ""


def note(store: Store, deed: Deed) -> None:
    with _told(store), store.writing() as connection:
        put(connection, deed)


def put(connection: Connection, deed: Deed) -> None:
    """In the transaction of what was done."""
    texts = {name: _clean(getattr(deed, name)) for name in ("who", "act", "about", "address")}
    texts["about"] = PHONE.sub("#", texts["about"])
    connection.execute(insert(AUDIT).values(at=deed.at, **texts))


def deeds(store: Store, newest: int | None = None) -> list[Deed]:
    """Oldest first; the `newest` alone when a number of them is asked for."""
    question = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(newest)
    with _told(store), store.reading() as connection:
        rows = connection.execute(question).mappings().all()
    return [Deed(*(row[name] for name in Deed._fields)) for row in reversed(rows)]


def _clean(text: str) -> str:
    """One line, of bounded length: nobody writes a line into the record that seems another's."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST])
