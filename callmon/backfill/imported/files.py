"""Opens the files of an import: plain or gzip, UTF-8 or Latin-1. Reads each once before anything is written.

Refuses, each with one sentence: a folder, a file that may not be read, a gzip file that is cut off, and what is no
text. It refuses a file without a line of the record, too: an empty one, and one of another layout.
"""

import gzip
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple, cast

from callmon.backfill.imported.records import RecordLine
from callmon.errors import ConfigError, system_reason

GZIP = b"\x1f\x8b"
LONGEST_LINE = 65_536
LOOKED_AT = 200  # lines that tell whether the file is of the record


class RecordFile(NamedTuple):
    """A file that can be read to its end: its number of lines, its first and last time."""

    path: Path
    size: int
    first: datetime
    last: datetime

    def each_line(self) -> Generator[RecordLine]:
        return record_lines(self.path)


Refusal = Callable[[list[RecordLine]], None]
Moment = Callable[[RecordLine], datetime | None]


def examined(paths: Iterable[Path], kind: str, moment: Moment, refuse_other: Refusal) -> list[RecordFile]:
    """The files, oldest first. `refuse_other`: refuses the first lines of another record.

    Raises ConfigError for the first file that cannot be read, or is not of the record.
    """
    found = (_examine(path, kind, moment, refuse_other) for path in paths)
    return sorted(found, key=lambda file: (file.first, file.last))


def _examine(path: Path, kind: str, moment: Moment, refuse_other: Refusal) -> RecordFile:
    first, last = None, None
    size, some = 0, list[RecordLine]()
    with closing(record_lines(path)) as lines:
        for line in lines:
            size += 1
            if "\0" in line.text:
                raise ConfigError("{path}: is no text; name a file of {kind}.", path=path, kind=kind)
            if first is None:
                first = moment(line)
            if size <= LOOKED_AT:
                some.append(line)
            last = line
    end = None if last is None else moment(last)
    if first is None:
        raise ConfigError("{path}: has no line of {kind}; name a file that Asterisk wrote.", path=path, kind=kind)
    refuse_other(some)
    return RecordFile(path, size, first, max(first, end or first))


def record_lines(path: Path) -> Generator[RecordLine]:
    """The lines of a file. Raises ConfigError if it cannot be read to its end."""
    number = 0
    try:
        with _opened(path) as file:
            while data := file.readline(LONGEST_LINE):
                number += 1
                yield RecordLine(str(path), number, _text(data))
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ConfigError("{path}: is cut off or damaged; copy it again from the exchange.", path=path) from None
    except OSError as error:
        raise ConfigError(
            "{path}: cannot be read ({why}); name a file that this user may read.",
            path=path, why=system_reason(error),
        ) from None  # fmt: skip


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        is_compressed = file.read(len(GZIP)) == GZIP
    return cast(IO[bytes], gzip.open(path, "rb")) if is_compressed else path.open("rb")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
