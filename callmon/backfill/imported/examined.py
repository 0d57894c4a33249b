"""What a file is, before anything of it is imported: its first and last time, or why it is refused.

Refuses: a file of another record, a dump of SQL, and times that it cannot read. Each refusal says what was seen.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from callmon.backfill.cel.rows import column_of
from callmon.backfill.imported.files import record_lines
from callmon.backfill.imported.records import RecordReader, Source
from callmon.core.calls.call import IMPORTED
from callmon.errors import ConfigError

LOOKED_AT = 200  # lines that tell whether a file is of the record
OF_SQL = re.compile(
    r"\s*(?:INSERT INTO|CREATE TABLE|COPY \S+ \(|-- (?:MySQL|MariaDB|PostgreSQL|phpMyAdmin)|PRAGMA )"
)
# Milliseconds since 1970; a day and a month in an order that is not certain.
OTHER_TIME = re.compile(r"(?<![\d.])(?:\d{13}(?!\d)|\d{1,2}([/.-])\d{1,2}\1\d{2,4}\b[^\",;|\t\r\n]*)")


def examined(path: Path, reader: RecordReader) -> Source:
    """The file, read once to its end. Raises ConfigError if it cannot be read, or is of another record."""
    first = None
    size = 0
    line = ""
    sample: list[str] = []
    with closing(record_lines(path, type(reader))) as lines:
        for size, line in enumerate(lines, 1):
            if first is None and size <= LOOKED_AT:
                first = reader.time_of(line)
                sample.append(line)
    if first is None:
        raise next(_refusals(path, reader, sample))
    last = max(first, reader.time_of(line) or first)
    return Source(str(path), size, first, last, partial(record_lines, path, type(reader)))


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
