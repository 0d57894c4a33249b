"""How rows of CEL are written into a file: columns, what stands between them, how text is quoted. Pure.

    cel_custom                    every value quoted, quotes doubled, commas; no names
    sqlite3, psql, a spreadsheet  a first line of names in any order; commas, semicolons or bars
    mysql --batch                 a first line of names, tabs, nothing quoted, NULL
    SELECT … INTO OUTFILE         quotes behind backslashes, \\N for what is absent

Knows also what else a column, or an event, may be called.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import NamedTuple

COLUMNS = (
    *("eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context"),
    *("channame", "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield"),
    *("userdeftype", "eventextra"),
)
# What a table, or the first line of an exported one, may call them.
ALIASES: Mapping[str, str] = {
    "cidname": "cid_name", "cidnum": "cid_num", "ciddnid": "cid_dnid", "channel": "channame",
    "application": "appname", "userdefined": "userdeftype", "event": "eventtype", "time": "eventtime",
    "extra": "eventextra",
}  # fmt: skip
NEEDED = ("eventtype", "eventtime", "channame", "uniqueid", "linkedid")
ABSENT = ("NULL", "\\N")
BETWEEN = (",", "\t", ";", "|")
MARK = "\N{BYTE ORDER MARK}"
# In the order of their numbers, which cel_odbc and cel_pgsql write into a numeric column. From 1 on.
EVENTS = (
    "CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT",
    "PARK_START", "PARK_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "USER_DEFINED", "LINKEDID_END", "PICKUP",
    "FORWARD", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF",
)  # fmt: skip
OF_NUMBER = {str(number): name for number, name in enumerate(EVENTS, 1)}


class Form(NamedTuple):
    """What one file's lines look like."""

    between: str = ","
    is_quoted: bool = True

    @classmethod
    def of(cls, first: str) -> tuple[Form, str]:
        """By its first line, which is given back without the mark that some programs begin a file with."""
        first = first.removeprefix(MARK)
        for between in BETWEEN:
            form = cls(between, is_quoted=between != "\t")
            if header(form.split(first)):
                return form, first
        most = max(BETWEEN, key=lambda between: len(cls(between).split(first)))
        return cls(most, is_quoted=most != "\t" or first.startswith('"')), first

    def is_whole(self, line: str) -> bool:
        """Every quote in it is closed."""
        return not self.is_quoted or line.count('"') % 2 == 0

    def split(self, line: str) -> list[str]:
        line = line.rstrip("\r\n").replace("\0", "").replace("\r", " ").replace("\n", " ")
        if not self.is_quoted:
            return line.split(self.between)
        escaped = '\\"' in line and '""' not in line.replace(f'""{self.between}', self.between)
        try:
            if escaped:
                reader = csv.reader([line], delimiter=self.between, doublequote=False, escapechar="\\")
            else:
                reader = csv.reader([line], delimiter=self.between)
            found = next(reader, [])
        except csv.Error:
            return []
        return [x if x != "N" else "\\N" for x in found] if escaped else found


def header(fields: Sequence[str]) -> Sequence[str] | None:
    """The columns' names, when these are such."""
    names = [named(field) for field in fields]
    return names if all(name in names for name in NEEDED) else None


def lacking(fields: Sequence[str]) -> str | None:
    """The first column that a line of names lacks; None when it lacks none, or is no such line."""
    names = [named(field) for field in fields]
    is_header = "eventtype" in names and "eventtime" in names
    return next((name for name in NEEDED if name not in names), None) if is_header else None


def named(column: str) -> str:
    """A column of anybody's table by our name for it."""
    name = column.strip().lower()
    return ALIASES.get(name, name)


def event_of(text: str) -> str:
    """The event's name, also where its number is told."""
    return OF_NUMBER.get(text, text.upper())
