"""The bytes of the outbox: where its whole records are, and what was damaged between them.

    record   sign, length, CRC-32 of the content, CRC-32 of these three, then the content

A record that was not written to its end is the last one: its head says more than there is, or the disk has only
zeros there. Everything else that is no record was damaged.

Refuses: a file without a record and without the sign, which is another program's.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

SIGN = b"\xc9callmon"  # also of the file: each record begins with it
HEAD, CHECKED = struct.Struct(">8sIII"), struct.Struct(">8sII")
PIECE = 1 << 20  # bytes read at a time
UNWRITTEN = 16  # zeros at the end of a content that the disk never got


class Head(NamedTuple):
    sign: bytes
    length: int
    check: int
    own: int


def head_of(content: bytes) -> bytes:
    checked = CHECKED.pack(SIGN, len(content), crc32(content))
    return checked + crc32(checked).to_bytes(4, "big")


class OutboxFile:
    """An open file. `damaged`: in how many places it was, once all `records` were read."""

    def __init__(self, file: int) -> None:
        self._file, self.damaged = file, 0
        self.end = os.fstat(file).st_size

    def content(self, place: int, length: int) -> bytes:
        return os.pread(self._file, length, place)

    def is_ours(self) -> bool:
        """Whether the file is empty, or begins with the sign (one byte may be damaged), or has a record."""
        begin = self.content(0, len(SIGN))
        alike = sum(one == other for one, other in zip(begin, SIGN, strict=False))
        return SIGN.startswith(begin) or alike == len(SIGN) - 1 or self._is_filler(0) or self._next(0) is not None

    def records(self) -> Iterator[tuple[int, int]]:
        """Place and length of the content of each whole record."""
        place = 0
        while place < self.end:
            head = self._record(place)
            if head is not None:
                yield place + HEAD.size, head.length
                place += HEAD.size + head.length
                continue
            after = self._next(place + 1)
            if after is None:
                self.damaged += not self._is_unfinished(place)
                return
            self.damaged += 1
            place = after

    def kept_aside(self, path: Path) -> Path:
        """A copy of the file as it is, beside it. An earlier copy stays."""
        copy = path.with_name(f"{path.name}-damaged")
        with suppress(OSError):
            made = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(made, "wb") as to:
                for place in range(0, self.end, PIECE):
                    to.write(self.content(place, PIECE))
        return copy

    def _head(self, place: int) -> Head | None:
        data = self.content(place, HEAD.size)
        if len(data) < HEAD.size:
            return None
        head = Head(*HEAD.unpack(data))
        return head if head.sign == SIGN and crc32(data[: CHECKED.size]) == head.own else None

    def _record(self, place: int) -> Head | None:
        head = self._head(place)
        if head is None or place + HEAD.size + head.length > self.end:
            return None
        return head if crc32(self.content(place + HEAD.size, head.length)) == head.check else None

    def _next(self, place: int) -> int | None:
        """Where the first whole record at or behind this place begins."""
        while place < self.end:
            piece = self.content(place, PIECE)
            at = piece.find(SIGN)
            if at < 0:
                place += max(1, len(piece) - len(SIGN) + 1)
            elif self._record(place + at) is not None:
                return place + at
            else:
                place += at + 1
        return None

    def _is_unfinished(self, place: int) -> bool:
        """Whether what is there is the beginning of a record, or a block that the disk never got."""
        head = self._head(place)
        if head is not None:
            is_short = place + HEAD.size + head.length > self.end
            return is_short or self.content(self.end - UNWRITTEN, UNWRITTEN) == bytes(UNWRITTEN)
        begin = self.content(place, len(SIGN))
        is_cut_head = self.end - place < HEAD.size and SIGN.startswith(begin)
        return is_cut_head or self._is_filler(place)

    def _is_filler(self, place: int) -> bool:
        filler = self.content(place, 1)
        return filler in (b"\0", b"\xff") and not any(
            self.content(at, PIECE).strip(filler) for at in range(place, self.end, PIECE)
        )
