"""What a file is, before anything of it is imported: its first and last time, or why it is refused.

Lines that are not in the order of time are sorted when they are read.

Refuses: a file of another record, a dump of SQL, times that it cannot read, and times of another zone. Each
refusal says what was seen.
"""

import re
import sqlite3
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from callmon.backfill.cel.rows import column_of
from callmon.backfill.imported.files import record_lines
from callmon.backfill.imported.records import LOOKED_AT, RecordReader, Source
from callmon.core.calls.call import IMPORTED
from callmon.errors import ConfigError

TIMED = 2_000  # lines whose times are all read; behind them, one in STEP
STEP = 16
FEW = 5  # lines: less do not tell of which zone they are
EARLY, LATE = timedelta(minutes=-5), timedelta(minutes=29)  # no two zones are nearer than half an hour
Lines = Callable[[], Generator[str]]
OF_SQL = re.compile(
    r"\s*(?:INSERT INTO|CREATE TABLE|COPY \S+ \(|-- (?:MySQL|MariaDB|PostgreSQL|phpMyAdmin)|PRAGMA )"
)
# Milliseconds since 1970; a day and a month in an order that is not certain.
OTHER_TIME = re.compile(r"(?<![\d.])(?:\d{13}(?!\d)|\d{1,2}([/.-])\d{1,2}\1\d{2,4}\b[^\",;|\t\r\n]*)")


def examined(path: Path, reader: RecordReader) -> Source:
    """The file, read once to its end. Raises ConfigError if it cannot be read, or is of another record."""
    read = partial(record_lines, path, type(reader))
    times: list[datetime] = []  # the first, the earliest, the latest and the last
    is_sorted = False
    size = 0
    sample: list[str] = []
    end = deque[str](maxlen=STEP)
    with closing(read()) as lines:
        for size, line in enumerate(lines, 1):
            end.append(line)
            if size <= LOOKED_AT and not times:
                sample.append(line)
            if (size <= LOOKED_AT or times) and (size <= TIMED or size % STEP == 0):
                is_sorted |= _note(times, reader.time_of(line), reader.DISORDER)
    if not times:
        raise next(_refusals(path, reader, sample))
    _note(times, next(filter(None, map(reader.time_of, reversed(end))), None), reader.DISORDER)
    first, earliest, latest, last = times
    if is_sorted:
        read = partial(sorted_lines, read, reader, is_newest_first=first > last)
    return Source(str(path), size, earliest, latest, read, is_sorted)


def _note(times: list[datetime], at: datetime | None, disorder: timedelta) -> bool:
    """Whether the line is older than one before it."""
    if at is None:
        return False
    first, earliest, latest, _ = times or [at] * 4
    times[:] = first, min(earliest, at), max(latest, at), at
    return latest - at > disorder


def sorted_lines(read: Lines, reader: RecordReader, is_newest_first: bool) -> Generator[str]:
    """The lines in the order of time, the head first. A file of its own holds them meanwhile: memory is bounded.

    Rows of equal time are in the order of their numbers; without these as they are, or turned where the newest is
    first. A line without a time stays behind the one before it.
    """
    with closing(sqlite3.connect("")) as file:
        file.execute("CREATE TABLE line (at REAL, id INTEGER, n INTEGER, text TEXT)")
        with closing(read()) as lines:
            file.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", _sort_keys(lines, reader, is_newest_first))
        for (line,) in file.execute("SELECT text FROM line ORDER BY at, id, n"):
            yield line


def _sort_keys(lines: Iterable[str], reader: RecordReader, is_newest_first: bool) -> Iterator[tuple[Any, ...]]:
    reader.clock.is_in_order = False
    last = 0.0  # a head comes before all
    for number, line in enumerate(lines):
        if (at := reader.time_of(line)) is not None:
            last = at.timestamp()
        yield last, reader.id_of(line), -number if is_newest_first else number, line


def require_zone(source: Source, reader: RecordReader, others: Mapping[str, RecordReader]) -> None:
    """Raises ConfigError where the times contradict the uniqueids, which hold the second of a channel's creation.

    `others`: by its name, a reader for each other zone that may fit.
    """
    with closing((source.sample or source.lines)()) as lines:
        sample = [*islice(lines, LOOKED_AT)]
    if _is_of_zone(sample, reader):
        return
    fields = {"file": source.place, "zone": str(reader.clock.zone)}
    if fitting := [name for name, other in others.items() if _is_of_zone(sample, other)]:
        raise ConfigError(
            "{file}: its times are not of the zone {zone}, but of {other}; add --timezone {other}.",
            **fields,
            other=fitting[0],
        )
    raise ConfigError("{file}: its times are not of the zone {zone}; name their zone with --timezone.", **fields)


def _is_of_zone(lines: Iterable[str], reader: RecordReader) -> bool:
    """Whether some lines tell of a channel that was created shortly before. True where too few tell of any."""
    ages = sorted(age for line in lines if (age := reader.age_of(line)) is not None)
    return len(ages) < FEW or EARLY <= ages[len(ages) // 10] <= LATE


def _refusals(path: Path, reader: RecordReader, lines: Sequence[str]) -> Iterator[ConfigError]:
    """Why the file with these first lines is refused; the most exact reason first."""
    kind = IMPORTED[reader.source]
    if any(map(OF_SQL.match, lines)):
        yield ConfigError("{path}: is a dump of SQL; load it into a database, and name its address.", path=path)
    for number, line in enumerate(lines, 1):
        if (found := OTHER_TIME.search(line)) is not None:
            fields = {"file": path, "line": number, "time": found[0].strip()}
            yield ConfigError(
                "{file}, line {line}: the time {time} cannot be read; write it as 2026-11-30 14:50:01.", **fields
            )
    names = {column_of(x, reader.ALIASES) for line in lines[:1] for x in re.split(r'[",;|\t\r\n]+', line)}
    lacking = [x for x in reader.COLUMNS if x not in names]
    if len(reader.COLUMNS) - len(lacking) >= 2 and lacking:
        fields = {"file": path, "column": lacking[0]}
        yield ConfigError("{file}: its head has no column {column}; export it with that column.", **fields)
    for number, what in reader.errors.first:
        yield ConfigError("{file}, line {line}: {what}.", file=path, line=number, what=what)
    yield ConfigError("{path}: has no line of {kind}; name a file that Asterisk wrote.", path=path, kind=kind)
