"""The lines of a file of a record, as Asterisk writes them, also of an export of its table.

    lines ─▶ rows of CSV, one a line ─▶ commas between the values, no NULL, and CEL without a head

Each line gives one line, so that their numbers stay true: after a row with a line break, what it took is empty.

Refuses: to guess columns. What is not separated by `|`, `,`, `;` or tabs stays as it is.
"""

import csv
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, islice
from pathlib import Path

from callmon.backfill.imported.records import RecordReader, csv_line
from callmon.backfill.job import lines_of

SAMPLE = 20  # lines that tell what separates the values, and among which the first head is
AS_WRITTEN = ("|", ",")  # what separates the values of Asterisk's own files
SEPARATORS = (*AS_WRITTEN, ";", "\t")
JOINED = 10  # lines of one row at most
NOTHING = ("NULL", "\\N")  # how an export writes that a column has no value


def record_lines(path: Path, reader: type[RecordReader]) -> Generator[str]:
    """The lines of a file of the record. Raises ConfigError if it cannot be read to its end."""
    with closing(lines_of(path)) as lines:
        first = [*islice(lines, SAMPLE)]
        counts = {x: sum(len(_values(line, x)) for line in first) for x in SEPARATORS}
        separator = max(SEPARATORS, key=lambda x: counts[x])
        yield from _csv_lines(_whole_rows(chain(first, lines), separator), separator, reader)


def _csv_lines(rows: Iterable[str], separator: str, reader: type[RecordReader]) -> Iterator[str]:
    """Each row as Asterisk writes it; below SAMPLE lines without a head, what Asterisk wrote passes as it is."""
    columns: Sequence[str] = ()  # of the last head
    for number, row in enumerate(rows):
        if separator in AS_WRITTEN and not columns and number >= SAMPLE:
            yield row
            continue
        values = _values(row, separator)
        if names := reader.names(values):
            columns = names
            yield "" if reader.LAYOUT else csv_line(names)
        elif not values or (separator in AS_WRITTEN and not columns):
            yield row
        else:
            yield csv_line(_layout_values(["" if x in NOTHING else x for x in values], columns, reader.LAYOUT))


def _layout_values(values: Sequence[str], columns: Sequence[str], layout: Sequence[str]) -> Iterable[str]:
    named = dict(zip(columns, values, strict=False))
    return [named.get(name, "") for name in layout] if columns and layout else values


def _whole_rows(lines: Iterator[str], separator: str) -> Iterator[str]:
    """A row a line. Where no quotation mark closes a row within JOINED lines, its first line stands alone."""
    ahead = deque[str]()
    while ahead or (ahead := deque(islice(lines, 1))):
        row = ahead[0]
        if row.count('"') % 2 and _is_open(row, separator):
            ahead.extend(islice(lines, JOINED - len(ahead)))
            joined = ("".join(islice(ahead, count)) for count in range(2, len(ahead) + 1))
            row = next((text for text in joined if _is_row(text, separator)), row)
        yield row
        for _ in range(taken := max(row.count("\n", 0, -1), 0) + 1):
            ahead.popleft()
        yield from [""] * (taken - 1)


def _is_open(line: str, separator: str) -> bool:
    """Whether a value begins with a quotation mark that the line does not close: a second line belongs to it."""
    rows = csv.reader([line, ""], delimiter=separator)
    try:
        next(rows, None)
    except csv.Error:
        return False
    return rows.line_num > 1


def _is_row(text: str, separator: str) -> bool:
    """Whether the text is one row of CSV, each quotation mark at an end of its value."""
    try:
        return len([*csv.reader([text], delimiter=separator, strict=True)]) == 1
    except csv.Error:
        return False


def _values(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.strip("\0\r\n")], delimiter=separator), [])
    except csv.Error:
        return []
