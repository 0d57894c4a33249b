"""The outbox: the numbered, encrypted, fsynced file through which every outcome goes to the database.

    record   length, CRC-32, then (encrypted) the tokens of its term and of the batch before the term, its number,
             its outcome count, its items

    append ──▶ uncommitted ──truncate──▶ emptied, when the database has every record
                   └──retire──▶ superseded by the first record of the next term

Each item (outcome or heartbeat) is encoded (msgpack) when it is offered; a record only concatenates them. A record
is on the disk when `append` returns: it survives `kill -9` and a power cut. Opening the file cuts off a
record that was not written to its end. Numbers ascend within a term, which a new leader begins with a new token.
Records of an earlier term are superseded, because the new leader has compared them with the database.

Invariant: the outcomes missing in the database are exactly the records numbered after the database's last batch.
While the file takes no more, or without a file, one record at a time is passed in memory, once all before it are
committed. `trouble` has the reason.

Refuses: to grow beyond its limit, to be shared by two programs, to write without a key.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import msgspec

from callmon.core.callbacks.obligation import LedgerUpdate
from callmon.core.calls.call import Call
from callmon.core.disruptions.register import DisruptionUpdate
from callmon.core.facts import AnyFact
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.errors import Sentence, StoreError, system_reason
from callmon.store.database import Database, beside_database
from callmon.store.encryption import KeyRing

if TYPE_CHECKING:
    from callmon.config.settings import Settings


class StoredOutcome(Outcome, frozen=True):
    """An outcome decoded from bytes: each fact has its own type."""

    facts: tuple[AnyFact, ...] = ()
    calls: tuple[Call, ...] = ()
    ledger: tuple[LedgerUpdate, ...] = ()
    disruptions: tuple[DisruptionUpdate, ...] = ()


encode_item = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(StoredOutcome | Heartbeat).decode
decode_items = msgspec.msgpack.Decoder(list[StoredOutcome | Heartbeat]).decode
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


def join_items(encoded: Sequence[bytes]) -> bytes:
    """One array of items that are each encoded by `encode_item`."""
    return b"".join([b"\xdd", len(encoded).to_bytes(4, "big"), *encoded])


def split_items(array: bytes) -> list[bytes]:
    """The items of an array, each still encoded."""
    return [bytes(item) for item in _split(array)]


def item_label(item: Item) -> str:
    """An item for the log: its exchange, calls and ledger IDs, none of its content."""
    if isinstance(item, Heartbeat):
        return f"heartbeat of {item.exchange}"
    named = {written.entry.obligation for written in item.ledger}
    named |= {noted.disruption.id for noted in item.disruptions}
    named |= {fact.call for fact in item.facts} | {call.call for call in item.calls}
    return f"{item.exchange} {' '.join(sorted(named))}"


log = logging.getLogger(__name__)

HEAD = struct.Struct(">II")
MAX_BATCH = 5_000  # items of a record
# A long file of which little is uncommitted is emptied before it grows on; for at most DRAIN_SECONDS.
LONG, LITTLE, DRAIN_SECONDS = 4 << 20, 1 << 20, 1.0


class OutboxError(StoreError):
    """The file cannot be read or written."""


class OutboxRecord(msgspec.Struct, frozen=True, array_like=True):
    """The encrypted part of a record."""

    token: str
    after: str
    number: int
    outcomes: int
    items: bytes


class OutboxEntry(NamedTuple):
    """An uncommitted record. `place`, `length`: of its encrypted part in the file, in bytes.

    `items` has its outcomes only when they are in memory instead. `since`: monotonic seconds.
    """

    number: int
    outcomes: int
    place: int
    length: int
    since: float
    items: bytes | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OutboxRecord).decode


class Outbox:
    """The file at `path`, of at most `most` bytes; without a path one record at a time is in memory.

    `entries`: the uncommitted records, beginning with those that an earlier daemon left. `token`: of their term,
    or None. `after`: the token of the batch that the term follows. `number`: of the last record; None between two
    terms. `size`: of the file, in bytes. `outcomes`: the uncommitted ones in the file. `trouble`: why the file
    takes no more; None: it does.

    The thread that appends, the thread that commits and `Leadership` share `lock`. Raises OSError when the file
    cannot be used, BlockingIOError when another program uses it, KeyMissingError when it cannot be decrypted.
    """

    def __init__(self, path: Path | None, ring: KeyRing, most: int = 0) -> None:
        self.path, self.most, self.lock = path, most, RLock()
        self.entries: deque[OutboxEntry] = deque()
        self.token: str | None = None
        self.after = ""
        self.number: int | None = None
        self.size = self.outcomes = 0
        self.trouble: str | None = None
        self._ring, self._file, self._draining_since = ring, -1, 0.0
        self._is_appending = False
        if path is not None:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._open()
                _fsync_folder(path.absolute().parent)
            except BaseException:
                os.close(self._file)
                raise

    @property
    def since(self) -> float | None:
        """When (monotonic seconds) the oldest uncommitted outcome was offered."""
        try:
            return self.entries[0].since
        except IndexError:  # another thread has just committed it
            return None

    def follows(self, number: int, token: str) -> bool:
        """Whether the uncommitted records continue the database, whose last batch is this one."""
        if not self.entries:
            return True
        before = self.entries[0].number - 1
        return number >= before if token == self.token else (number, token) == (before, self.after)

    def begin_term(self, number: int, after: str, token: str) -> None:
        """Begins or continues a term after the database's last batch. `append` is possible from now on."""
        with self.lock:
            if not self.entries:
                self.after = after
            self.token, self.number = token, max(number, *(entry.number for entry in self.entries), 0)

    def append(self, waiting: list[bytes], since: float) -> bool:
        """Moves encoded items from the beginning of `waiting` to a new record, as long as there is a term.

        The record is on the disk when this returns, unless `trouble` is set. No lock is held meanwhile: the
        committing thread never waits for this disk. False: the file takes no more, and not all of it is committed.
        """
        with self.lock:
            if self.number is None or self.token is None:
                return True
            # One record supersedes those of the term before, so it has all of the buffer.
            items = waiting[: None if self.size and not self.entries else MAX_BATCH]
            record = OutboxRecord(self.token, self.after, self.number + 1, len(items), join_items(items))
            self._is_appending = self.path is not None and not self._should_drain()
        place = self._write(record) if self._is_appending else None
        with self.lock:
            self._is_appending = False
            if (self.token, self.number) != (record.token, record.number - 1):
                return True  # the term has ended meanwhile: the items are still in `waiting`
            if place is None and self.entries:
                return False
            kept = None if place is not None else record.items
            self.entries.append(OutboxEntry(record.number, record.outcomes, *(place or (0, 0)), since, kept))
            self.outcomes += 0 if place is None else record.outcomes
            self.number = record.number
            del waiting[: len(items)]
        return True

    def _should_drain(self) -> bool:
        """Whether to wait until all of the file is committed, so that it is emptied: it is long, and little is."""
        if self.size < LONG or not self.entries or self.size - self.entries[0].place > LITTLE:
            self._draining_since = 0.0
            return False
        self._draining_since = self._draining_since or monotonic()
        return monotonic() - self._draining_since < DRAIN_SECONDS

    def _write(self, record: OutboxRecord) -> tuple[int, int] | None:
        """Writes a record at the end. Returns the place and the length of its encrypted part; None: `trouble`."""
        try:
            sealed = self._ring.encrypt_bytes(_encode(record))
            if self.size + HEAD.size + len(sealed) > self.most:
                full = Sentence("the journal {path} is full ({size} MiB)", path=self.path, size=self.size >> 20)
                raise OutboxError(full)
            rest, end = memoryview(HEAD.pack(len(sealed), crc32(sealed)) + sealed), self.size
            while rest:
                written = os.pwrite(self._file, rest, end)
                rest, end = rest[written:], end + written
            os.fdatasync(self._file)
        except OSError as error:
            self._cut()
            self._cannot(f"the journal {self.path} cannot be written ({error.strerror})")
            return None
        except StoreError as error:
            self._cannot(str(error))
            return None
        self.trouble, self.size = None, end
        return end - len(sealed), len(sealed)

    def _cannot(self, why: str) -> None:
        if why != self.trouble:
            log.error("journal: not writable; buffering outcomes in memory only", extra={"why": why})
        self.trouble = why

    def read(self, entry: OutboxEntry) -> bytes:
        """The items of an uncommitted record, as one array. Raises OutboxError, KeyMissingError."""
        if entry.items is not None:
            return entry.items
        try:
            return _decode(self._ring.decrypt_bytes(os.pread(self._file, entry.length, entry.place))).items
        except OSError as error:
            why = system_reason(error)
            told = Sentence("the journal {path} cannot be read ({why})", path=self.path, why=why)
            raise OutboxError(told) from None

    def truncate(self, number: int) -> int:
        """Removes the records up to this number, which are committed. Returns their number of outcomes."""
        done = 0
        with self.lock:
            while self.entries and self.entries[0].number <= number:
                entry = self.entries.popleft()
                done += entry.outcomes
                self.outcomes -= entry.outcomes if entry.items is None else 0
            if not self.entries:
                self.empty()
        return done

    def retire(self) -> tuple[list[bytes], int]:
        """Ends the term: another program writes. Its records stay in the file until the next term, or `empty`.

        Returns their items, and the number of outcomes that could not be read.
        """
        items: list[bytes] = []
        lost = 0
        for entry in self.entries:
            try:
                items += split_items(self.read(entry))
            except StoreError as error:
                lost += entry.outcomes
                log.error("journal: outcomes are lost", extra={"lost": entry.outcomes, "why": str(error)})
        self.entries.clear()
        self.number, self.outcomes = None, 0
        return items, lost

    def empty(self) -> None:
        """Empties the file, because the database has all of it, unless a record is just being appended.

        The next append makes this durable. After a power cut before it, the records are known to be committed.
        """
        if self.size and not self._is_appending:
            self.size = 0
            self._cut()

    def close(self) -> None:
        if self.path is not None:
            os.close(self._file)

    def _cut(self) -> None:
        """Cuts the file to `size` bytes; what follows is no whole record. A failure is only logged."""
        try:
            os.ftruncate(self._file, self.size)
        except OSError as error:
            log.error("journal: cannot be truncated", extra={"journal": str(self.path), "why": error.strerror})

    def _open(self) -> None:
        for record, place, length in self._records():
            if record.token != self.token:  # the records before are superseded
                self.entries.clear()
            self.token, self.after, self.size = record.token, record.after, place + length
            self.entries.append(OutboxEntry(record.number, record.outcomes, place, length, monotonic()))
        self.outcomes = sum(entry.outcomes for entry in self.entries)
        if (torn := os.fstat(self._file).st_size - self.size) > 0:
            log.warning(
                "journal: truncated an incomplete record", extra={"journal": str(self.path), "bytes": torn}
            )
            self._cut()

    def _decoded(self, sealed: bytes) -> OutboxRecord:
        try:
            return _decode(self._ring.decrypt_bytes(sealed))
        except msgspec.ValidationError:
            raise StoreError(
                "the journal {path} was written by another version of callmon: run that version until the "
                "journal is empty",
                path=self.path,
            ) from None

    def _records(self) -> Iterator[tuple[OutboxRecord, int, int]]:
        """The records up to the first that is not whole, each with the place and length of its encrypted part."""
        place, end = HEAD.size, os.fstat(self._file).st_size
        while len(head := os.pread(self._file, HEAD.size, place - HEAD.size)) == HEAD.size:
            length, check = HEAD.unpack(head)
            if not 0 < length <= end - place:
                return
            sealed = os.pread(self._file, length, place)
            if crc32(sealed) != check:
                return
            yield self._decoded(sealed), place, length
            place += length + HEAD.size


def _fsync_folder(folder: Path) -> None:
    """Fsyncs the directory, so that the file name survives a power cut."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def open_outbox(settings: Settings, store: Database) -> Outbox:
    """Opens the outbox file of the settings.

    The outbox has no file with a limit of 0, without a key, or when the file cannot be used; then the reason is
    logged. Raises StoreError when the content of the file needs a missing key: it would be lost.
    """
    if not settings.store.journal_limit or not store.ring:
        return Outbox(None, store.ring)
    # SQLite's own is called -journal.
    path = settings.store.journal or beside_database(settings.store.url, "-waiting", "callmon.waiting")
    try:
        return Outbox(path, store.ring, settings.store.journal_limit << 20)
    except BlockingIOError:
        why = "another callmon uses it: set a different store.journal for each"
    except OSError as error:
        why = error.strerror or str(error)
    log.error("journal: cannot be used", extra={"journal": str(path), "why": why})
    return Outbox(None, store.ring)
