"""A file for what waits while the database is away: groups as the scribe would get them, sealed as a whole.

    record   length, CRC-32, then (sealed) the writer's token, the group's number, how many outcomes, its frame

One `os.write` a group, one `fdatasync` for all that are written together: what is here outlives a `kill -9` and a
power cut. A record that was not written to its end is cut off when the file is opened. Nothing is taken out: when
all that is in the file is in the database the file is emptied, and who stops before that finds out from the
database's last number which groups it has.

Refuses to grow beyond its limit, to be shared by two programs, and to write without a key.
"""

from __future__ import annotations

import fcntl
import logging
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import msgspec

from callmon.store.encryption import Ring

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
