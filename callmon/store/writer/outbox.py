"""The outbox: the numbered, encrypted, fsynced file through which every outcome goes to the database.

    record   head (`outbox_file.py`), then (encrypted) the tokens of its term and of the batch before the term, its
             number, its outcome count, its items

    waiting ──append──▶ uncommitted ──truncate──▶ emptied, when the database has every record
       ▲                     └──retire──▶ superseded by the first record of the next term
       └─────────────────────┘

A record is on the disk when `append` returns: it survives `kill -9` and a power cut. Opening the file cuts off a
record that was not written to its end, and goes on behind one that was damaged. Numbers ascend within a term,
which a new leader begins with a new token.

Invariant: the outcomes missing in the database are exactly the records numbered after the database's last batch.
While the file takes no more, or without a file, one record at a time is passed in memory, once all before it are
committed. `trouble` has the reason.

Refuses: to grow beyond its limit, to be shared by two programs, to write without a key, to touch another file.
"""

import logging
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import NamedTuple

import msgspec

from callmon.config.settings import Settings
from callmon.core.facts import AnyFact
from callmon.core.outcome import Heartbeat, Outcome
from callmon.errors import Sentence, StoreError, system_reason
from callmon.store.database import Database, beside_database, cause
from callmon.store.encryption import KeyRing
from callmon.store.writer.outbox_file import OutboxFile, head_of
from callmon.store.writer.write_lock import open_locked

log = logging.getLogger(__name__)

MAX_BATCH = 5_000  # items of a record
# A long file of which little is uncommitted is emptied before it grows on. Items wait DRAIN_SECONDS at most.
LONG = 4 << 20
LITTLE = 1 << 20
DRAIN_SECONDS = 1.0
NO_ITEMS, MOST_LOST = b"\xdd\0\0\0\0", 100_000  # of a damaged record; how many are counted in a row


class StoredOutcome(Outcome, frozen=True):
    """An outcome decoded from bytes: each fact has its own type."""

    facts: tuple[AnyFact, ...] = ()


Record = tuple[str, str, int, int, bytes]  # the encrypted part, as drawn above; the items are one array
encode_item = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(StoredOutcome | Heartbeat).decode
decode_items = msgspec.msgpack.Decoder(list[StoredOutcome | Heartbeat]).decode
_decode_record = msgspec.msgpack.Decoder(Record).decode
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


class OutboxError(StoreError):
    """The file cannot be read or written."""


class OutboxEntry(NamedTuple):
    """An uncommitted record: its encrypted part in the file (bytes), or `items` in memory."""

    number: int
    outcomes: int
    place: int
    length: int
    since: float  # monotonic seconds
    items: bytes | None = None


class Outbox:
    """The file at `path`, of at most `most` bytes; without a path one record at a time is in memory.

    `entries`: the uncommitted records, beginning with those that an earlier daemon left. `token`: of their term.
    `after`: the token of the batch that the term follows. `number`: of the last record; None between two terms.
    `size`: of the file, in bytes. `outcomes`: the uncommitted ones in the file. `trouble`: why the file takes no
    more. `damaged`: in how many places the file was when it was opened. Three threads share `lock`. Raises OSError
    when the file cannot be used, BlockingIOError when another program uses it, StoreError when it cannot be
    decrypted or is another program's.
    """

    def __init__(self, path: Path | None, ring: KeyRing, most: int = 0) -> None:
        self.path = path
        self.most = most
        self.lock = Lock()
        self.entries: deque[OutboxEntry] = deque()
        self.token: str | None = None
        self.after = ""
        self.number: int | None = None
        self.size = self.outcomes = 0
        self.damaged = 0
        self.trouble: str | None = None
        self._ring, self._is_appending = ring, False
        self._retired: set[bytes] = set()  # items of an earlier term that the file and the buffer still have
        if path is not None:
            self._file = open_locked(path)
            try:
                self._read_file()
                _fsync_folder(path.absolute().parent)
            except BaseException:
                os.close(self._file)
                raise

    def _read_file(self) -> None:
        file = OutboxFile(self._file)
        if not file.is_ours():
            raise OutboxError(
                "the file {path} in store.journal is no journal of callmon: name another file there",
                path=self.path,
            )
        for place, length in file.records():
            self._read_record(file.content(place, length), place, length)
        self.outcomes = sum(entry.outcomes for entry in self.entries)
        self.damaged = file.damaged
        if self.damaged and self.path is not None:
            copy = file.kept_aside(self.path)
            what = {"journal": str(self.path), "places": self.damaged, "copy": str(copy)}
            log.error("journal: damaged; outcomes are lost", extra=what)
        if file.end > self.size:
            what = {"journal": str(self.path), "bytes": file.end - self.size}
            log.warning("journal: truncated an incomplete record", extra=what)
            self._cut()

    def _read_record(self, encrypted: bytes, place: int, length: int) -> None:
        token, self.after, number, outcomes, _ = self._decoded(encrypted)
        if token != self.token:  # the records before are superseded
            self.entries.clear()
        elif self.entries:  # those between were damaged: the database counts records, so that each has its number
            last = self.entries[-1].number
            lost = range(last + 1, min(number, last + MOST_LOST))
            self.entries.extend(OutboxEntry(n, 0, 0, 0, monotonic(), NO_ITEMS) for n in lost)
        self.token, self.size = token, place + length
        self.entries.append(OutboxEntry(number, outcomes, place, length, monotonic()))

    def _decoded(self, encrypted: bytes) -> Record:
        try:
            record: Record = _decode_record(self._ring.decrypt_bytes(encrypted))
            return record
        except msgspec.ValidationError:
            raise OutboxError(
                "the journal {path} was written by another version of callmon: run that version until the "
                "journal is empty",
                path=self.path,
            ) from None

    def follows(self, number: int, token: str) -> bool:
        """Whether the uncommitted records continue the database, whose last batch is this one."""
        if not self.entries:
            return self.number is None
        before = self.entries[0].number - 1
        return number >= before if token == self.token else (number, token) == (before, self.after)

    def begin_term(self, number: int, after: str, token: str) -> None:
        """Begins or continues a term after the database's last batch. `append` is possible from now on."""
        if not self.entries:
            self.after = after
        self.token, self.number = token, max(number, *(entry.number for entry in self.entries), 0)

    def append(self, waiting: list[bytes], since: float) -> bool:
        """Moves encoded items from the beginning of `waiting` to a new record on the disk, if there is a term.

        No lock is held meanwhile: the committing thread never waits for this disk. False: the file takes no more,
        and not all of it is committed. `since`: when the first item was offered (monotonic seconds).
        """
        with self.lock:
            if self.number is None or self.token is None:
                return True
            # One record supersedes those of the term before, so it has all of the buffer.
            items = waiting[: None if self.size and not self.entries else MAX_BATCH]
            array = b"".join([b"\xdd", len(items).to_bytes(4, "big"), *items])
            token = self.token
            number = self.number + 1
            count = len(items)
            record = (token, self.after, number, count, array)
            self._is_appending = self.path is not None and not self._should_drain(since)
        place, length = self._write(record) if self._is_appending else (0, 0)
        with self.lock:
            self._is_appending = False
            if (self.token, self.number) != (token, number - 1):
                return True  # the term has ended meanwhile: the items are still in `waiting`
            if not length and self.entries:
                return False
            self.entries.append(OutboxEntry(number, count, place, length, since, None if length else array))
            self.outcomes += count if length else 0
            self.number = number
            self._retired.clear()
            del waiting[:count]
        return True

    def _should_drain(self, since: float) -> bool:
        """Whether to wait until all of the file is committed, so that it is emptied: it is long, and little is."""
        if self.size < LONG or not self.entries or self.size - self.entries[0].place > LITTLE:
            return False
        return monotonic() - since < DRAIN_SECONDS

    def _write(self, record: Record) -> tuple[int, int]:
        """Writes a record at the end. Returns place and length of its encrypted part; (0, 0): see `trouble`."""
        why: str | None = None
        try:
            encrypted = self._ring.encrypt_bytes(encode_item(record))
            rest, end = memoryview(head_of(encrypted) + encrypted), self.size
            if end + len(rest) > self.most:
                raise OutboxError("the journal {path} is full ({size} MiB)", path=self.path, size=self.size >> 20)
            while rest:
                written = os.pwrite(self._file, rest, end)
                rest, end = rest[written:], end + written
            os.fdatasync(self._file)
            self.size = end
        except OSError as error:
            self._cut()
            why = Sentence(
                "the journal {path} cannot be written ({why})", path=self.path, why=system_reason(error)
            )
        except StoreError as error:
            why = cause(error)
        if why is not None and why != self.trouble:
            log.error("journal: not writable; buffering outcomes in memory only", extra={"why": why})
        self.trouble = why
        return (self.size - len(encrypted), len(encrypted)) if why is None else (0, 0)

    def read(self, entry: OutboxEntry) -> bytes:
        """The items of an uncommitted record, as one array. Raises StoreError."""
        if entry.items is not None:
            return entry.items
        try:
            return self._decoded(os.pread(self._file, entry.length, entry.place))[-1]
        except OSError as error:
            why = system_reason(error)
            raise OutboxError("the journal {path} cannot be read ({why})", path=self.path, why=why) from None

    def first_entries(self, most: int) -> list[OutboxEntry]:
        """The first uncommitted records: one, and those after it while they have at most `most` outcomes."""
        with self.lock:
            entries, total = [*self.entries], 0
        for n, entry in enumerate(entries):
            total += entry.outcomes
            if n and total > most:
                return entries[:n]
        return entries

    def truncate(self, number: int) -> int:
        """Removes the records up to this number, which are committed. Returns their number of outcomes."""
        done = 0
        with self.lock:
            while self.entries and self.entries[0].number <= number:
                entry = self.entries.popleft()
                done += entry.outcomes
                self.outcomes -= entry.outcomes if entry.items is None else 0
            if done and not self.entries:
                self._empty()
        return done

    def retire(self, waiting: list[bytes]) -> int:
        """Ends the term: the uncommitted items go back to the beginning of `waiting`.

        The file keeps them until the next term's first record, or until `forget`. Returns how many are unreadable.
        """
        items: list[bytes] = []
        lost = 0
        for entry in self.entries:
            try:
                items += map(bytes, _split(self.read(entry)))
            except StoreError as error:
                lost += entry.outcomes
                log.error("journal: outcomes are lost", extra={"lost": entry.outcomes, "why": str(error)})
        self.entries.clear()
        self.number, self.outcomes = None, 0
        self._retired.update(items)
        waiting[:0] = items
        return lost

    def forget(self, waiting: list[bytes]) -> None:
        """Empties the file when `waiting`, which has all that the database may lack, has no item of it.

        Call it, and `retire` and `begin_term`, with `lock`.
        """
        self._retired.intersection_update(waiting)
        if not self._retired:
            self._empty()

    def _empty(self) -> None:
        """Empties the file, unless a record is just being appended. The next append makes this durable."""
        if self.size and not self._is_appending:
            self.size = 0
            self._cut()

    def close(self) -> None:
        if self.path is not None:
            os.close(self._file)

    def _cut(self) -> None:
        """Cuts the file to `size` bytes. If it fails, the next start finds what is torn or committed."""
        with suppress(OSError):
            os.ftruncate(self._file, self.size)


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
    except OSError as error:
        is_used = "another callmon uses it: set a different store.journal for each"
        why = is_used if isinstance(error, BlockingIOError) else error.strerror or str(error)
        log.error("journal: cannot be used", extra={"journal": str(path), "why": why})
        return Outbox(None, store.ring)
