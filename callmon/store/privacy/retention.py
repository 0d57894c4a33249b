"""Disposal of callers' numbers at the end of their retention (R-01), with the record that the law requires.

A number's last use is the end of its last call, or the last action on an obligation to call it. A number that is
unused since a given time is due for disposal:

    due (query, changes nothing) ─▶ purge: chunk, chunk, … each with its share of the one disposal record

Calls, facts, findings, the ledger's entries and counters stay unchanged. Only the number is deleted, and the token
that links the access log and the ledger to it. The daemon deletes the ledger's token, as a manual command.

Refuses: a number whose call is in progress, whose callback is open, or whose last use cannot be dated.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import sqlmodel
from sqlalchemy import (
    Column,
    Connection,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlmodel import col

from callmon.ami.events import born
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.facts import tag_of
from callmon.errors import StoreError
from callmon.store import tables
from callmon.store.bulk import chunks, overwrite_deleted
from callmon.store.commands import insert_callback_command
from callmon.store.database import Database, database_errors
from callmon.store.encryption import KeyRing
from callmon.store.instances import found_rows, insert_rows
from callmon.store.privacy import key_rotation
from callmon.store.tables import CALL, FACT, LEDGER, NUMBER, OBLIGATION, OPEN, same_call
from callmon.store.tables.people import AccessRow, DisposalRow

CHUNK = 200
# Entries that the ledger writes by itself are no use of a number.
NO_USE = tuple(
    tag_of(x) for x in (n.DueSoon, n.Overdue, n.FellDue, n.Refused, n.Erased, n.ConcludedByImport, n.NumberHidden)
)


class DisposalTerms(NamedTuple):
    """The conditions of a disposal: time, limit of the last use, actor (`who`), legal authority."""

    at: datetime
    unused_since: datetime
    who: str
    authority: str


class Disposal(msgspec.Struct, frozen=True):
    """Counts of what is due, or was disposed of. Contains no personal information."""

    numbers: int = 0
    uses: int = 0
    first_use: datetime | None = None
    last_use: datetime | None = None
    files: int = 0

    def plus(self, uses: Sequence[datetime]) -> Disposal:
        """The counts with one more number and its uses."""
        first, last = min(self.first_use or uses[0], *uses), max(self.last_use or uses[0], *uses)
        return Disposal(self.numbers + 1, self.uses + len(uses), first, last, self.files)


def count_due(store: Database, unused_since: datetime) -> Disposal:
    """What `purge` would dispose of. Raises StoreError while numbers are under two keys."""
    _refuse_halfway(store)
    total = Disposal()
    for tokens in _candidates(store, unused_since, CHUNK):
        with database_errors(store), store.reading() as connection:
            for uses in _due(connection, tokens, unused_since).values():
                total = total.plus(uses)
    return total


def purge(store: Database, terms: DisposalTerms, files: Iterable[Path] = (), chunk: int = CHUNK) -> Disposal:
    """Deletes the numbers that are due, and `files`. Each chunk updates the record. Raises StoreError."""
    _refuse_halfway(store)
    record, total = _begun(store, terms), Disposal()
    for tokens in _candidates(store, terms.unused_since, chunk):
        with database_errors(store), store.writing_piece() as connection:
            for uses in _erased(connection, store.ring, tokens, terms).values():
                total = total.plus(uses)
            _keep(connection, record, total)
        time.sleep(key_rotation.PAUSE)
    for path in files:
        with database_errors(store), store.writing_piece() as connection:
            total = msgspec.structs.replace(total, files=total.files + 1)
            _keep(connection, record, total)
            path.unlink(missing_ok=True)
    _tidy(store)
    return total


def disposals(store: Database) -> list[DisposalRow]:
    """All disposals, oldest first."""
    with database_errors(store), store.reading() as connection:
        return found_rows(connection, sqlmodel.select(DisposalRow).order_by(col(DisposalRow.id)))


def _refuse_halfway(store: Database) -> None:
    """Raises StoreError during a key rotation: a number's last use may be under its other token."""
    if not key_rotation.is_done(store):
        raise StoreError("some numbers use an older key: run `callmon privacy rotate` first")


def _uses() -> Subquery:
    """All uses of numbers: token, call, time, whether the use goes on, whether the number is stored."""
    parts = [_in_calls(), *(_in_the_ledger(column) for column in (OBLIGATION.c.token, OBLIGATION.c.other))]
    return union_all(*parts).subquery()


def _in_calls() -> Select[Any]:
    heard = select(func.max(FACT.c.at)).where(same_call(FACT, NUMBER)).correlate(NUMBER).scalar_subquery()
    used = func.coalesce(CALL.c.ended, CALL.c.arrived, heard, type_=tables.Moment()).label("used")
    calls, going_on = (same_call(of, NUMBER) for of in (CALL, OPEN))
    columns = (NUMBER.c.token, NUMBER.c["call"].label("name"), used, OPEN.c["call"].label("going_on"))
    return select(*columns, literal(1).label("is_kept")).outerjoin(CALL, calls).outerjoin(OPEN, going_on)


def _in_the_ledger(token: Column[Any]) -> Select[Any]:
    here = and_(LEDGER.c.obligation == OBLIGATION.c.id, LEDGER.c.exchange == OBLIGATION.c.exchange)
    open_call = case((OBLIGATION.c.state == "open", OBLIGATION.c["call"])).label("going_on")
    columns = (token.label("token"), OBLIGATION.c["call"].label("name"), LEDGER.c.at.label("used"), open_call)
    return (
        select(*columns, literal(0).label("is_kept"))
        .join(LEDGER, here)
        .where(token.is_not(None), LEDGER.c.kind.not_in(NO_USE))
    )


def _candidates(store: Database, unused_since: datetime, chunk: int) -> Iterator[list[str]]:
    """Tokens that may be due, in chunks."""
    uses = _uses()
    last = func.max(uses.c.used, type_=tables.Moment())
    no_more = and_(func.count(uses.c.going_on) == 0, func.sum(uses.c.is_kept) > 0)
    question = select(uses.c.token).group_by(uses.c.token)
    question = question.having(and_(no_more, or_(last.is_(None), last < unused_since)))
    with database_errors(store), store.reading() as connection:
        found = connection.scalars(question).all()
    yield from chunks(found, chunk)


def _due(connection: Connection, tokens: Sequence[str], unused_since: datetime) -> dict[str, list[datetime]]:
    """The tokens that are due, with all their uses. Reads again, since a caller may have called meanwhile."""
    known: dict[str, list[datetime | None]] = {}
    uses = _uses()
    for token, name, used, going_on, _ in connection.execute(select(uses).where(uses.c.token.in_(tokens))):
        known.setdefault(token, []).append(None if going_on else used or born(name))
    dated = {token: [at for at in uses if at is not None] for token, uses in known.items()}
    return {
        token: uses for token, uses in dated.items() if len(uses) == len(known[token]) and max(uses) < unused_since
    }


def _erased(
    connection: Connection, ring: KeyRing, tokens: Sequence[str], terms: DisposalTerms
) -> dict[str, list[datetime]]:
    overwrite_deleted(connection)
    if connection.dialect.name == "postgresql":  # a new call's number is either visible, or waits for this commit
        connection.exec_driver_sql("LOCK TABLE number IN SHARE ROW EXCLUSIVE MODE")
    gone = _due(connection, tokens, terms.unused_since)
    if gone:
        connection.execute(NUMBER.delete().where(NUMBER.c.token.in_(gone)))
        connection.execute(tables.CONTACT.delete().where(tables.CONTACT.c.token.in_(gone)))
        connection.execute(update(AccessRow).where(col(AccessRow.token).in_(gone)).values(token=None))
        _erase_debts(connection, ring, gone, terms)
    return gone


def _erase_debts(connection: Connection, ring: KeyRing, gone: Collection[str], terms: DisposalTerms) -> None:
    known = or_(OBLIGATION.c.token.in_(gone), OBLIGATION.c.other.in_(gone))
    for exchange, name in connection.execute(select(OBLIGATION.c.exchange, OBLIGATION.c.id).where(known)).all():
        command = CallbackCommand(at=terms.at, actor=terms.who, action="erase", exchange=exchange, obligation=name)
        insert_callback_command(connection, ring, command)


def _begun(store: Database, terms: DisposalTerms) -> int:
    nothing = DisposalRow(**terms._asdict(), numbers=0, uses=0, files=0)
    with database_errors(store), store.writing_piece() as connection:
        (begun,) = insert_rows(connection, nothing)
        return begun.id or 0


def _keep(connection: Connection, record: int, total: Disposal) -> None:
    kept = update(DisposalRow).where(col(DisposalRow.id) == record)
    connection.execute(kept.values(**msgspec.structs.asdict(total)))


def _tidy(store: Database) -> None:
    """Truncates SQLite's write-ahead log, which still contains overwritten numbers, once it has no reader."""
    if store.path is not None:
        with database_errors(store), store.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
