"""Key rotation: re-encrypts all numbers with the newest key, in bounded chunks, while the daemon writes.

    new key first in the file ─▶ callmon restarted ─▶ rotate: chunk, chunk, … ─▶ the old key's line may be removed

Rows are read and encrypted outside any lock. A row is written only if it has not changed since. Columns that refer
to a number by its token are updated in the same transaction. A key's name stays in `number_key` as long as any
number may be under that key. If the name of its key is missing, the leader inserts it again. The steps of signed
months are signed with the newest key too.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, RowMapping, bindparam, delete, func, select, tuple_, update

from callmon.store.bulk import chunks, overwrite_deleted, record_key
from callmon.store.database import Database, database_errors
from callmon.store.encryption import KeyRing
from callmon.store.queries.obligations import token_renewals
from callmon.store.sign_off import sign_again
from callmon.store.tables import NUMBER, NUMBER_KEY, OBLIGATION, Condition
from callmon.store.tables.columns import table_of
from callmon.store.tables.people import AccessRow

# Few enough that a daemon on the same SQLite file never waits long for the lock. During the pause the daemon
# acquires it: SQLite retries every 25 ms at first, later every 100 ms.
CHUNK = 500
PAUSE = 0.05
# Columns that refer to a number by its token.
BY_TOKEN = (table_of(AccessRow).c.token, OBLIGATION.c.token, OBLIGATION.c.other)


def rotate(store: Database, chunk: int = CHUNK) -> Iterator[int]:
    """Re-encrypts every number with the newest key and signs months with it, then deletes names of unused keys.

    Yields the number of rows of each chunk. Raises StoreError.
    """
    with database_errors(store), store.writing_piece() as connection:
        sign_again(
            connection, store.ring
        )  # at once: of a database over all pairs only its signed months are its own
    yield from _moved(store, ~_is_under(store.ring), chunk)
    _renew(store, chunk)
    with database_errors(store), store.writing_piece() as connection:
        _forget_keys(connection, store.ring)


def count_left(store: Database) -> int:
    """The number of rows under an older key."""
    with database_errors(store), store.reading() as connection:
        question = select(func.count()).select_from(NUMBER).where(~_is_under(store.ring))
        return int(connection.execute(question).scalar_one())


def is_done(store: Database) -> bool:
    """Whether no stored number is under an older key at this moment."""
    with database_errors(store), store.reading() as connection:
        return not _is_left(connection, store.ring)


def _renew(store: Database, chunk: int) -> None:
    """Replaces old tokens that a daemon with the old key may have written after the re-encryption."""
    for some in chunks(token_renewals(store).items(), chunk):
        with database_errors(store), store.writing_piece() as connection:
            for column in BY_TOKEN:
                _follow(connection, column, dict(some))
        time.sleep(PAUSE)


def _moved(store: Database, which: Condition, chunk: int) -> Iterator[int]:
    """Re-encrypts up to the row that is last at the start, so that it ends although the daemon inserts rows."""
    order = NUMBER.primary_key.columns
    key, page = tuple_(*order), select(NUMBER).where(which).order_by(*order).limit(chunk)
    with database_errors(store), store.reading() as connection:
        last = connection.execute(select(*order).order_by(*(column.desc() for column in order)).limit(1)).first()
    question = page = page.where(key <= tuple_(*last)) if last else page
    while last:
        with database_errors(store), store.reading() as connection:
            rows = connection.execute(page).mappings().all()
        if not rows:
            return
        changed = [_encrypted_anew(row, store.ring) for row in rows]
        with database_errors(store), store.writing_piece() as connection:
            overwrite_deleted(connection)
            _write(connection, store.ring, changed)
        time.sleep(PAUSE)
        yield len(rows)
        page = question.where(key > tuple_(*(rows[-1][column.name] for column in order)))


def _is_under(ring: KeyRing) -> Condition:
    return NUMBER.c.number.like(f"{ring.name}:%") & NUMBER.c.token.is_not(None)


def _encrypted_anew(row: RowMapping, ring: KeyRing) -> dict[str, Any]:
    number = ring.decrypt(row["number"])
    known = {f"old_{name}": value for name, value in row.items()}
    return {**known, "new_number": ring.encrypt(number), "new_token": ring.token(number)}


def _write(connection: Connection, ring: KeyRing, changed: Sequence[Mapping[str, Any]]) -> None:
    record_key(connection, ring)
    same = [column == bindparam(f"old_{column.name}") for column in (*NUMBER.primary_key.columns, NUMBER.c.number)]
    statement = update(NUMBER).where(*same).values(number=bindparam("new_number"), token=bindparam("new_token"))
    connection.execute(statement, [{k: v for k, v in row.items() if k != "old_token"} for row in changed])
    tokens = {row["old_token"]: row["new_token"] for row in changed if row["old_token"] is not None}
    for column in BY_TOKEN if tokens else ():
        _follow(connection, column, tokens)


def _follow(connection: Connection, column: Column[Any], tokens: Mapping[str, str]) -> None:
    known = select(column).where(column.in_(tokens)).distinct()
    moved = [{"old": old, "new": tokens[old]} for (old,) in connection.execute(known)]
    if moved:
        statement = update(column.table).where(column == bindparam("old")).values({column: bindparam("new")})
        connection.execute(statement, moved)


def _forget_keys(connection: Connection, ring: KeyRing) -> None:
    """Deletes unused key names. On PostgreSQL the lock waits for transactions that inserted a name uncommitted."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE number_key IN EXCLUSIVE MODE")
    sign_again(connection, ring)  # what a daemon with the old key has signed since
    if not _is_left(connection, ring):
        connection.execute(delete(NUMBER_KEY).where(NUMBER_KEY.c.name != ring.name))


def _is_left(connection: Connection, ring: KeyRing) -> bool:
    question = select(1).select_from(NUMBER).where(~_is_under(ring)).limit(1)
    return connection.execute(question).first() is not None
