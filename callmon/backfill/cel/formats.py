"""File formats of CEL rows: columns, separators, quoting. Pure.

    cel_custom                    every value quoted, quotes doubled, commas; no header
    sqlite3, psql, a spreadsheet  a header in any order; commas, semicolons or bars
    mysql --batch                 a header, tabs, nothing quoted, NULL
    SELECT … INTO OUTFILE         quotes escaped by backslashes, \\N for an absent value

Contains the alternative names of columns and events as well.
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
# Alternative column names in tables and in headers of exports.
ALIASES: Mapping[str, str] = {
    "cidname": "cid_name", "cidnum": "cid_num", "ciddnid": "cid_dnid", "channel": "channame",
    "application": "appname", "userdefined": "userdeftype", "event": "eventtype", "time": "eventtime",
    "extra": "eventextra",
}  # fmt: skip
NEEDED = ("eventtype", "eventtime", "channame", "uniqueid", "linkedid")
ABSENT = ("NULL", "\\N")
BETWEEN = (",", "\t", ";", "|")
MARK = "\N{BYTE ORDER MARK}"
# In the order of their numbers, from 1 on: cel_odbc and cel_pgsql write these into a numeric column.
EVENTS = (
    "CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT",
    "PARK_START", "PARK_END", "BLINDTRANSFER", "ATTENDEDTRANSFER", "USER_DEFINED", "LINKEDID_END", "PICKUP",
    "FORWARD", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "STREAM_BEGIN", "STREAM_END", "DTMF",
)  # fmt: skip
OF_NUMBER = {str(number): name for number, name in enumerate(EVENTS, 1)}


class Form(NamedTuple):
    """The format of one file: separator and quoting."""

    between: str = ","
    is_quoted: bool = True

    @classmethod
    def detect(cls, first: str) -> tuple[Form, str]:
        """Detects the format from the first line. Returns both; the line without a byte order mark."""
        first = first.removeprefix(MARK)
        for between in BETWEEN:
            form = cls(between, is_quoted=between != "\t")
            if header(form.split(first)):
                return form, first
        most = max(BETWEEN, key=lambda between: len(cls(between).split(first)))
        return cls(most, is_quoted=most != "\t" or first.startswith('"')), first

    def is_whole(self, line: str) -> bool:
        """Whether every quotation mark in the line is closed."""
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
    """The column names, if these fields are a header; else None."""
    names = [column_name(field) for field in fields]
    return names if "eventtype" in names and "eventtime" in names else None


def column_name(column: str) -> str:
    """callmon's name of a column."""
    name = column.strip().lower()
    return ALIASES.get(name, name)


def event_of(text: str) -> str:
    """The event's name, from its name or number."""
    return OF_NUMBER.get(text, text.upper())
