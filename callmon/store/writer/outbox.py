"""The outbox: batches that are not known to be committed, in memory and in an encrypted file (`Outbox`).

    record   length, CRC-32, then (encrypted) the instance's token, the batch number, its outcome count, its frame

A batch takes one `os.pwrite`, and all batches written together take one `fdatasync`. The file survives `kill -9`
and a power cut. Opening the file cuts off a record that was not written to its end. No record is removed alone:
the file is emptied when the database has all of it. If the daemon exits before that, the next one learns from the
database's last batch number which records the database has.

`PendingBatches` holds the batches that are not known to be committed:

    add ──▶ in memory ──1 s old, or database unavailable──▶ in the journal ──committed──▶ released
                 └──────────────────── committed ──────────────────────────────────────────▲

The journal always holds the oldest batches, without a hole. The supervisor reads it a few batches at a time, so
that memory stays small. When the journal cannot be written, batches stay in memory, and `trouble` has the reason.

Refuses: to grow beyond its limit, to be shared by two programs, to write without a key.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from math import inf
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import msgspec

from callmon.errors import StoreError
from callmon.store.database import Database, own_folder, parse_url
from callmon.store.encryption import KeyRing

if TYPE_CHECKING:
    from callmon.config.settings import Settings

log = logging.getLogger(__name__)

HEAD = struct.Struct(">II")


class OutboxRecord(msgspec.Struct, frozen=True, array_like=True):
    """The encrypted part of a record."""

    token: str
    number: int
    outcomes: int
    frame: bytes


class OutboxEntry(NamedTuple):
    """A batch in the file and its number of outcomes. `place`, `length`: bytes, of the encrypted part."""

    number: int
    outcomes: int
    place: int
    length: int


class OutboxFullError(Exception):
    """The limit leaves no room for one more batch."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(OutboxRecord).decode


class Outbox:
    """The outbox file at `path`, of at most `most` bytes.

    `found`: the batches that an earlier daemon left in it. `token` marks those in the database; None without any.
    Raises OSError when the file cannot be used, BlockingIOError when another program uses it, KeyMissingError when
    it cannot be decrypted.
    """

    def __init__(self, path: Path, ring: KeyRing, most: int) -> None:
        self.path, self.most = path, most
        self._ring = ring
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.token: str | None = None
        self.found: list[OutboxEntry] = []
        self.size = 0
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
            _make_known(path.absolute().parent)
        except BaseException:
            os.close(self._file)
            raise

    def append(self, token: str, groups: Sequence[tuple[int, int, bytes]]) -> list[OutboxEntry]:
        """Appends batches (number, count, frame) to the file; they are on the disk when this returns.

        It appends as many as fit, at least one. Raises OutboxFullError or OSError; then it appended none.
        """
        entries, end = [], self.size
        try:
            for number, count, frame in groups:
                sealed = self._ring.encrypt_bytes(_encode(OutboxRecord(token, number, count, frame)))
                if end + HEAD.size + len(sealed) > self.most:
                    break
                end = self._write(end, sealed)
                entries.append(OutboxEntry(number, count, end - len(sealed), len(sealed)))
            if not entries:
                raise OutboxFullError
            os.fdatasync(self._file)
        except OSError:
            self._cut(self.size)
            raise
        self.size = end
        return entries

    def frame(self, entry: OutboxEntry) -> bytes:
        """The batch's frame, decrypted. Raises OSError, KeyMissingError."""
        return _decode(self._ring.decrypt_bytes(os.pread(self._file, entry.length, entry.place))).frame

    def empty(self) -> None:
        """Empties the file: the database has all of it."""
        if self.size:
            self.size = 0
            self._cut(0)

    def close(self) -> None:
        os.close(self._file)

    def _write(self, place: int, sealed: bytes) -> int:
        record = memoryview(HEAD.pack(len(sealed), crc32(sealed)) + sealed)
        while record:
            written = os.pwrite(self._file, record, place)
            record, place = record[written:], place + written
        return place

    def _cut(self, size: int) -> None:
        """Cuts the file to `size` bytes; what follows is no whole record. A failure is only logged."""
        try:
            os.ftruncate(self._file, size)
            os.fdatasync(self._file)
        except OSError as error:
            log.error("journal: cannot be truncated", extra={"journal": str(self.path), "why": error.strerror})

    def _read(self) -> None:
        for entry, record in self._records():
            self.token = record.token
            self.found.append(entry)
            self.size = entry.place + entry.length
        if (torn := os.fstat(self._file).st_size - self.size) > 0:
            log.warning(
                "journal: truncated an incomplete record", extra={"journal": str(self.path), "bytes": torn}
            )
            self._cut(self.size)

    def _records(self) -> Iterator[tuple[OutboxEntry, OutboxRecord]]:
        """The records up to the first that is not whole."""
        place = 0
        while len(head := os.pread(self._file, HEAD.size, place)) == HEAD.size:
            length, check = HEAD.unpack(head)
            if not 0 < length <= self._left(place):
                return
            sealed = os.pread(self._file, length, place + HEAD.size)
            if crc32(sealed) != check:
                return
            record = _decode(self._ring.decrypt_bytes(sealed))
            yield OutboxEntry(record.number, record.outcomes, place + HEAD.size, length), record
            place += HEAD.size + length

    def _left(self, place: int) -> int:
        return os.fstat(self._file).st_size - place - HEAD.size


def _make_known(folder: Path) -> None:
    """Fsyncs the directory, so that the file name survives a power cut."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


SPILL_AFTER = 1.0  # seconds; a healthy database commits within a tenth of a second
AT_ONCE = 100  # batches per fdatasync
TRY_AGAIN = 5.0
# The most batches sent from the journal that the writer process has not yet committed.
ON_THE_WAY = 32


class PendingBatch(msgspec.Struct):
    """A batch. `since` (monotonic seconds): when its first outcome was offered. `frame`: None in the journal."""

    number: int
    count: int
    since: float
    frame: bytes | None
    entry: OutboxEntry | None = None


class PendingBatches:
    """The batches that are not known to be committed; without a journal all of them stay in memory.

    `journaled`: the number of outcomes that are in the journal and not in memory.
    """

    def __init__(self, journal: Outbox | None, token: str) -> None:
        self.journal, self.token = journal, token
        found = [] if journal is None else journal.found
        self._groups = deque(PendingBatch(e.number, e.outcomes, monotonic(), None, e) for e in found)
        self._spilled = len(self._groups)
        self._sent = 0
        self._again_at = 0.0
        self.journaled = sum(entry.outcomes for entry in found)
        self.trouble: str | None = None

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def count(self) -> int:
        """The number of outcomes."""
        return sum(sent.count for sent in self._groups)

    @property
    def since(self) -> float | None:
        return self._groups[0].since if self._groups else None

    @property
    def are_all_sent(self) -> bool:
        """Whether all batches were sent to the writer process."""
        return self._sent == len(self._groups)

    @property
    def numbers(self) -> tuple[int, int] | None:
        """The numbers of the first and the last batch."""
        return (self._groups[0].number, self._groups[-1].number) if self._groups else None

    def append(self, sent: PendingBatch) -> None:
        self._groups.append(sent)

    def rewind(self) -> None:
        """Starts from the first batch again, for a new writer process."""
        self._sent = 0

    def frames_to_send(self) -> Iterator[bytes]:
        """The next frames for the writer process, in order. Raises StoreError when the journal cannot be read."""
        while self._sent < len(self._groups):
            sent = self._groups[self._sent]
            if sent.frame is None and self._sent >= ON_THE_WAY:
                return
            frame = self._frame(sent)
            self._sent += 1
            yield frame

    def release(self, number: int) -> int:
        """Releases the batches up to this number, which are committed. Returns their number of outcomes."""
        done = 0
        while self._groups and self._groups[0].number <= number:
            done += self._drop_first()
        if self.journal is not None and not self._spilled:
            self.journal.empty()
        return done

    def _drop_first(self) -> int:
        sent = self._groups.popleft()
        self._sent = max(0, self._sent - 1)
        if sent.frame is None:
            self._spilled -= 1
            self.journaled -= sent.count
        return sent.count

    def take_all(self) -> tuple[list[bytes], int]:
        """Removes every batch from the outbox and the journal, because another program writes.

        Returns their frames, and the number of outcomes that could not be read from the journal.
        """
        frames, lost = [], 0
        for sent in self._groups:
            try:
                frames.append(self._frame(sent))
            except StoreError as error:
                lost += sent.count
                log.error("journal: outcomes are lost", extra={"lost": sent.count, "why": str(error)})
        self._groups.clear()
        self._spilled = self._sent = self.journaled = 0
        if self.journal is not None:
            self.journal.empty()
        return frames, lost

    def _frame(self, sent: PendingBatch) -> bytes:
        if sent.frame is not None:
            return sent.frame
        assert self.journal is not None
        assert sent.entry is not None
        try:
            return self.journal.frame(sent.entry)
        except OSError as error:
            raise StoreError(f"the journal {self.journal.path} cannot be read ({error.strerror})") from None

    # To the journal.

    def spill_due(self, is_away: bool) -> float:
        """When (monotonic seconds) the next batch is to be written to the journal; infinity: none."""
        if self.journal is None or self._spilled == len(self._groups):
            return inf
        due = 0.0 if is_away else self._groups[self._spilled].since + SPILL_AFTER
        return max(due, self._again_at)

    def spill(self) -> None:
        """Moves the next batches from memory to the journal."""
        assert self.journal is not None
        groups = list(islice(self._groups, self._spilled, self._spilled + AT_ONCE))
        try:
            written = [(sent.number, sent.count, sent.frame or b"") for sent in groups]
            entries = self.journal.append(self.token, written)
        except OutboxFullError:
            self._cannot(f"the journal {self.journal.path} is full ({self.journal.size >> 20} MiB)")
            return
        except (OSError, StoreError) as error:
            why = getattr(error, "strerror", None) or error
            self._cannot(f"the journal {self.journal.path} cannot be written ({why})")
            return
        self.trouble = None
        for sent, entry in zip(groups, entries, strict=False):
            sent.frame, sent.entry = None, entry
            self.journaled += sent.count
            self._spilled += 1

    def spill_all(self) -> None:
        """Moves all batches to the journal at once, as far as they fit."""
        self._again_at = 0.0
        while self.spill_due(is_away=True) == 0.0:
            self.spill()

    def _cannot(self, why: str) -> None:
        if why != self.trouble:
            log.error("journal: not writable; buffering outcomes in memory only", extra={"why": why})
        self.trouble = why
        self._again_at = monotonic() + TRY_AGAIN

    def close(self) -> None:
        """Writes all remaining batches to the journal and closes it."""
        self.spill_all()
        if self.journal is not None:
            self.journal.close()


def outbox_path(settings: Settings) -> Path:
    """The path of the outbox file."""
    if settings.store.journal is not None:
        return settings.store.journal
    url = parse_url(settings.store.url)
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}-waiting")  # SQLite's own is called -journal
    return own_folder() / "callmon.waiting"


def open_outbox(settings: Settings, store: Database) -> Outbox | None:
    """Opens the outbox file of the settings.

    Returns None when the file cannot be used; the reason is logged and the daemon runs without it. Also None
    with a limit of 0 or without a key. Raises StoreError when its content needs a missing key: it would be lost.
    """
    if not settings.store.journal_limit or not store.ring:
        return None
    path = outbox_path(settings)
    try:
        return Outbox(path, store.ring, settings.store.journal_limit << 20)
    except BlockingIOError:
        why = "another callmon uses it: set a different store.journal for each"
    except OSError as error:
        why = error.strerror or str(error)
    log.error("journal: cannot be used", extra={"journal": str(path), "why": why})
    return None
