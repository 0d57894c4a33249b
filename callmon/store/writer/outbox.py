"""A file for what waits while the database is away: groups as the scribe would get them, sealed as a whole.

    record   length, CRC-32, then (sealed) the writer's token, the group's number, how many outcomes, its frame

One `os.write` a group, one `fdatasync` for all that are written together: what is here outlives a `kill -9` and a
power cut. A record that was not written to its end is cut off when the file is opened. Nothing is taken out: when
all that is in the file is in the database the file is emptied, and who stops before that finds out from the
database's last number which groups it has.

`Pending` holds the groups that are not known to be committed:

    add ──▶ in memory ──1 s old, or the database is away──▶ in the journal ──committed──▶ forgotten
                 └──────────────────── committed ───────────────────────────────────────────▲

The journal always holds the oldest of them, without a hole. It is read again a few groups at a time, so that
memory stays small. When the journal cannot be written, groups stay in memory, and `trouble` says why.

Refuses to grow beyond its limit, to be shared by two programs, and to write without a key.
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
from callmon.store.database import Store, own_folder, parse_url
from callmon.store.encryption import Ring

if TYPE_CHECKING:
    from callmon.config.settings import Settings

log = logging.getLogger(__name__)

HEAD = struct.Struct(">II")


class Record(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed."""

    token: str
    number: int
    outcomes: int
    frame: bytes


class Entry(NamedTuple):
    """A group in the file, and how many outcomes it holds. `place`, `length`: of what is sealed."""

    number: int
    outcomes: int
    place: int
    length: int


class JournalFullError(Exception):
    """There is no room for one more group below the limit."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Journal:
    """The file at `path`. Raises OSError when it cannot be used, KeyMissingError when it cannot be read.

    `found`: what an earlier callmon left in it; `token` marks that in the database, None when there is none.
    """

    def __init__(self, path: Path, ring: Ring, most: int) -> None:
        self.path, self.most = path, most
        self._ring = ring
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.token: str | None = None
        self.found: list[Entry] = []
        self.size = 0
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read()
            _make_known(path.absolute().parent)
        except BaseException:
            os.close(self._file)
            raise

    def add(self, token: str, groups: Sequence[tuple[int, int, bytes]]) -> list[Entry]:
        """Groups (number, count, frame) to the end of the file; on the disk when this returns.

        As many as there is room for, one at least. Raises JournalFullError or OSError, and then none is here.
        """
        entries, end = [], self.size
        try:
            for number, count, frame in groups:
                sealed = self._ring.wrap(_encode(Record(token, number, count, frame)))
                if end + HEAD.size + len(sealed) > self.most:
                    break
                end = self._write(end, sealed)
                entries.append(Entry(number, count, end - len(sealed), len(sealed)))
            if not entries:
                raise JournalFullError
            os.fdatasync(self._file)
        except OSError:
            self._cut(self.size)
            raise
        self.size = end
        return entries

    def frame(self, entry: Entry) -> bytes:
        """What is to be sent of it. Raises OSError, KeyMissingError."""
        return _decode(self._ring.unwrap(os.pread(self._file, entry.length, entry.place))).frame

    def empty(self) -> None:
        """All of it is in the database."""
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
        """What follows is no record of ours. A disk that cannot even do that has its own trouble."""
        try:
            os.ftruncate(self._file, size)
            os.fdatasync(self._file)
        except OSError as error:
            log.error("the journal cannot be cut", extra={"journal": str(self.path), "why": error.strerror})

    def _read(self) -> None:
        for entry, record in self._records():
            self.token = record.token
            self.found.append(entry)
            self.size = entry.place + entry.length
        if (torn := os.fstat(self._file).st_size - self.size) > 0:
            log.warning("cut off what was not written whole", extra={"journal": str(self.path), "bytes": torn})
            self._cut(self.size)

    def _records(self) -> Iterator[tuple[Entry, Record]]:
        """As far as they are whole."""
        place = 0
        while len(head := os.pread(self._file, HEAD.size, place)) == HEAD.size:
            length, check = HEAD.unpack(head)
            if not 0 < length <= self._left(place):
                return
            sealed = os.pread(self._file, length, place + HEAD.size)
            if crc32(sealed) != check:
                return
            record = _decode(self._ring.unwrap(sealed))
            yield Entry(record.number, record.outcomes, place + HEAD.size, length), record
            place += HEAD.size + length

    def _left(self, place: int) -> int:
        return os.fstat(self._file).st_size - place - HEAD.size


def _make_known(folder: Path) -> None:
    """That there is a file of this name outlives a power cut, too."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


SPILL_AFTER = 1.0  # seconds: a database that is well takes a tenth
AT_ONCE = 100  # groups that are written with one fdatasync
TRY_AGAIN = 5.0
# Groups out of the journal that the scribe has not yet committed.
ON_THE_WAY = 32


class Sent(msgspec.Struct):
    """A group. `since`: when its first outcome was offered; `frame` is None when it is in the journal."""

    number: int
    count: int
    since: float
    frame: bytes | None
    entry: Entry | None = None


class Pending:
    """Without a journal all stays in memory. `journaled`: how many outcomes are there, and not in memory."""

    def __init__(self, journal: Journal | None, token: str) -> None:
        self.journal, self.token = journal, token
        found = [] if journal is None else journal.found
        self._groups = deque(Sent(e.number, e.outcomes, monotonic(), None, e) for e in found)
        self._spilled = len(self._groups)
        self._posted = 0
        self._again_at = 0.0
        self.journaled = sum(entry.outcomes for entry in found)
        self.trouble: str | None = None

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def count(self) -> int:
        """Outcomes."""
        return sum(sent.count for sent in self._groups)

    @property
    def since(self) -> float | None:
        return self._groups[0].since if self._groups else None

    @property
    def is_posted(self) -> bool:
        """The scribe has been given all of it."""
        return self._posted == len(self._groups)

    @property
    def numbers(self) -> tuple[int, int] | None:
        """Of the first and the last group."""
        return (self._groups[0].number, self._groups[-1].number) if self._groups else None

    def add(self, sent: Sent) -> None:
        self._groups.append(sent)

    def rewind(self) -> None:
        """Another scribe has been given nothing yet."""
        self._posted = 0

    def to_post(self) -> Iterator[bytes]:
        """The next frames for the scribe, in their order. Raises OSError, StoreError of the journal."""
        while self._posted < len(self._groups):
            sent = self._groups[self._posted]
            if sent.frame is None and self._posted >= ON_THE_WAY:
                return
            frame = self._frame(sent)
            self._posted += 1
            yield frame

    def forget(self, number: int) -> int:
        """All up to this number is committed; how many outcomes that were."""
        done = 0
        while self._groups and self._groups[0].number <= number:
            done += self._drop_first()
        if self.journal is not None and not self._spilled:
            self.journal.empty()
        return done

    def _drop_first(self) -> int:
        sent = self._groups.popleft()
        self._posted = max(0, self._posted - 1)
        if sent.frame is None:
            self._spilled -= 1
            self.journaled -= sent.count
        return sent.count

    def take_back(self) -> tuple[list[bytes], int]:
        """Every frame, into memory, where all of it is from now on: another program writes. And how many outcomes
        could not be read again.
        """
        frames, lost = [], 0
        for sent in self._groups:
            try:
                frames.append(self._frame(sent))
            except StoreError as error:
                lost += sent.count
                log.error("outcomes are lost", extra={"lost": sent.count, "why": str(error)})
        self._groups.clear()
        self._spilled = self._posted = self.journaled = 0
        if self.journal is not None:
            self.journal.empty()
        return frames, lost

    def _frame(self, sent: Sent) -> bytes:
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
        """When (monotonic) the next group is to be written to the journal."""
        if self.journal is None or self._spilled == len(self._groups):
            return inf
        due = 0.0 if is_away else self._groups[self._spilled].since + SPILL_AFTER
        return max(due, self._again_at)

    def spill(self) -> None:
        """The next groups to the journal, and out of memory."""
        assert self.journal is not None
        groups = list(islice(self._groups, self._spilled, self._spilled + AT_ONCE))
        try:
            written = [(sent.number, sent.count, sent.frame or b"") for sent in groups]
            entries = self.journal.add(self.token, written)
        except JournalFullError:
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
        """At once, as far as the journal takes it."""
        self._again_at = 0.0
        while self.spill_due(is_away=True) == 0.0:
            self.spill()

    def _cannot(self, why: str) -> None:
        if why != self.trouble:
            log.error("outcomes wait in memory alone", extra={"why": why})
        self.trouble = why
        self._again_at = monotonic() + TRY_AGAIN

    def close(self) -> None:
        """Whatever is left is written to the journal."""
        self.spill_all()
        if self.journal is not None:
            self.journal.close()


def journal_place(settings: Settings) -> Path:
    """Where outcomes wait while the database is away."""
    if settings.store.journal is not None:
        return settings.store.journal
    url = parse_url(settings.store.url)
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}-waiting")  # SQLite's own is called -journal
    return own_folder() / "callmon.waiting"


def journal(settings: Settings, store: Store) -> Journal | None:
    """None when it cannot be used, which is told: without it callmon listens all the same. Raises StoreError when
    what is in it was sealed with a key that is not there: it would be lost.
    """
    if not settings.store.journal_limit or not store.ring:
        return None
    path = journal_place(settings)
    try:
        return Journal(path, store.ring, settings.store.journal_limit << 20)
    except BlockingIOError:
        why = "another callmon uses it: give each its own as store.journal"
    except OSError as error:
        why = error.strerror or str(error)
    log.error("the journal cannot be used", extra={"journal": str(path), "why": why})
    return None
