"""Numbers moved to the newest key, a bounded piece at a time, while the daemon writes.

    new key first in the file ─▶ callmon restarted ─▶ rotate: piece, piece, … ─▶ the old key's line may go

Rows are read and sealed outside any lock and written only if nobody changed them meanwhile; what refers to a
number by its token is moved in the same transaction. A key's name stays in `number_key` as long as any number may
be under it: the process that writes puts back the one that it uses.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    delete,
    not_,
    select,
    tuple_,
    update,
)

from callmon.store import tables
from callmon.store.database import Store, _told
from callmon.store.encryption import Ring
from callmon.store.queries.calls import NUMBER
from callmon.store.writer.transaction import Writing

# Few enough that a daemon on the same SQLite file never waits long for the lock, and a pause in which it gets it:
# who waits for it looks every 25 ms, and later every 100.
CHUNK = 500
PAUSE = 0.05
ACCESS, NUMBER_KEY, OBLIGATION = (
    tables.METADATA.tables[str(row.__tablename__)]
    for row in (tables.AccessRow, tables.NumberKeyRow, tables.ObligationRow)
)
# Where a number is known by its token alone.
BY_TOKEN = (ACCESS.c.token, OBLIGATION.c.token, OBLIGATION.c.other)


def rotate(store: Store, chunk: int = CHUNK) -> Iterator[int]:
    """Seals every number with the newest key: how many, piece by piece. Then forgets keys that no number needs."""
    yield from _moved(store, ~_is_under(store.ring), chunk)
    _renew(store, chunk)
    with _told(store), store.writing_piece() as connection:
        _forget_keys(connection, store.ring)


def is_done(store: Store) -> bool:
    """Whether all numbers are under the newest key, as far as is known."""
    with _told(store), store.reading() as connection:
        return not _is_left(connection, store.ring)


def renewals(store: Store) -> dict[str, str]:
    """The tokens under older keys of all numbers that the ledger may know, each with the newest of that number."""
    if len(store.ring.names) < 2:
        return {}
    here = and_(OBLIGATION.c["call"] == NUMBER.c["call"], OBLIGATION.c.exchange == NUMBER.c.exchange)
    question = select(NUMBER.c.number).join(OBLIGATION, here).distinct()
    with _told(store), store.reading() as connection:
        found = [store.ring.tokens(store.ring.open(sealed)) for (sealed,) in connection.execute(question)]
    return {old: newest for newest, *older in found for old in older}


def _renew(store: Store, chunk: int) -> None:
    """A daemon that had the old key may have put an old token back since its number was moved."""
    left = iter(renewals(store).items())
    while some := dict(islice(left, chunk)):
        with _told(store), store.writing_piece() as connection:
            for column in BY_TOKEN:
                _follow(connection, column, some)
        time.sleep(PAUSE)


def _moved(store: Store, which: ColumnElement[bool], chunk: int) -> Iterator[int]:
    """Up to the row that is the last one now: a daemon that writes on cannot keep this from ending."""
    order = NUMBER.primary_key.columns
    key, page = tuple_(*order), select(NUMBER).where(which).order_by(*order).limit(chunk)
    with _told(store), store.reading() as connection:
        last = connection.execute(select(*order).order_by(*(column.desc() for column in order)).limit(1)).first()
    question = page = page.where(key <= tuple_(*last)) if last else page
    while last:
        with _told(store), store.reading() as connection:
            rows = connection.execute(page).mappings().all()
        if not rows:
            return
        changed = [_sealed_anew(row, store.ring) for row in rows]
        with _told(store), store.writing_piece() as connection:
            overwrite(connection)
            _write(connection, store.ring, changed)
        time.sleep(PAUSE)
        yield len(rows)
        page = question.where(key > tuple_(*(rows[-1][column.name] for column in order)))


def _is_under(ring: Ring) -> ColumnElement[bool]:
    return NUMBER.c.number.like(f"{ring.name}:%") & NUMBER.c.token.is_not(None)


def _sealed_anew(row: RowMapping, ring: Ring) -> dict[str, Any]:
    number = ring.open(row["number"])
    known = {f"old_{name}": value for name, value in row.items()}
    return {**known, "new_number": ring.seal(number), "new_token": ring.token(number)}


def _write(connection: Connection, ring: Ring, changed: Sequence[Mapping[str, Any]]) -> None:
    note_key(connection, ring)
    same = [column == bindparam(f"old_{column.name}") for column in (*NUMBER.primary_key.columns, NUMBER.c.number)]
    statement = update(NUMBER).where(*same).values(number=bindparam("new_number"), token=bindparam("new_token"))
    connection.execute(statement, [{k: v for k, v in row.items() if k != "old_token"} for row in changed])
    tokens = {row["old_token"]: row["new_token"] for row in changed if row["old_token"] is not None}
    for column in BY_TOKEN if tokens else ():
        _follow(connection, column, tokens)


def note_key(connection: Connection, ring: Ring) -> None:
    """A number has been sealed with the newest key: it must be in the file from now on."""
    Writing(connection).insert(tables.NumberKeyRow, [(ring.name,)], "ON CONFLICT DO NOTHING")


def _follow(connection: Connection, column: Column[Any], tokens: Mapping[str, str]) -> None:
    known = select(column).where(column.in_(tokens)).distinct()
    moved = [{"old": old, "new": tokens[old]} for (old,) in connection.execute(known)]
    if moved:
        statement = update(column.table).where(column == bindparam("old")).values({column: bindparam("new")})
        connection.execute(statement, moved)


def _forget_keys(connection: Connection, ring: Ring) -> None:
    """Nobody writes numbers meanwhile: PostgreSQL waits for who has put a key's name and not committed yet."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE number_key IN EXCLUSIVE MODE")
    if not _is_left(connection, ring):
        connection.execute(delete(NUMBER_KEY).where(NUMBER_KEY.c.name != ring.name))


def _is_left(connection: Connection, ring: Ring) -> bool:
    question = select(1).select_from(NUMBER).where(not_(_is_under(ring))).limit(1)
    return connection.execute(question).first() is not None


def overwrite(connection: Connection) -> None:
    """What is deleted or replaced from now on is written over in SQLite's file, not merely let go."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
