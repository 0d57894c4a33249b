"""Extracts calls from CDR: the facts of each call on a public line that the rows certainly show. Pure.

The layout of a row is found by its content: three times, the disposition and the flag follow each other in every
file of cdr_csv and cdr_custom. An export of a table has a head with the names of its columns, in any order. Rows
without `linkedid` belong together by `uniqueid`. Rows without `uniqueid` cannot be told apart and are left out.

What CDR is known to state wrongly is not taken from it:
    one row for each phone and stage      the rows of a call are one call
    the time of an answer                 a menu or a queue answers first: a person did so later, within the row
    NO ANSWER                             the caller left, or the exchange gave up: it is not known which
    ANSWERED through a Local channel      voicemail may have answered behind it: its own row tells
    the end of a transferred call         transfers are not in CDR: from the answer on the call counts as unheard

Refuses: rings, waits, transfers, and who ended a call.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported.records import DEAD, LOOKS, WHOLE, BrokenLines, RecordLine, beginning, line_of
from callmon.core import facts as f
from callmon.core.calls.endpoints import extension, is_local
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact, FilledFrom
from callmon.errors import Sentence

DISPOSITIONS = frozenset(("ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "CANCEL"))
DAY = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
UNIQUEID = re.compile(r"(?:\S+-)?\d{9,10}\.\d+")
BEFORE = ("channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end", "duration", "billsec")
ALIASES = {"calldate": "start", "dst_channel": "dstchannel", "cnam": "clid"}
NAME = re.compile(r'"?([^"<]*)')


class CdrRow(msgspec.Struct, frozen=True, gc=False):
    """One row. `names`: what may name the line: the DID, the dialled number, a queue, the context."""

    start: datetime
    answer: datetime
    end: datetime
    src: str
    name: str
    names: tuple[str, ...]
    channel: str
    dstchannel: str
    app: str
    data: str
    disposition: str
    uniqueid: str
    linkedid: str


class CdrReader:
    """Reads lines in the order of writing."""

    source: FilledFrom = "cdr"

    def __init__(self, profile: ExchangeProfile, clock: CelReader, now: datetime) -> None:
        self._profile, self._clock = profile, clock
        self._columns: list[str] | None = None
        self._open: dict[str, list[CdrRow]] = {}
        self.lines = self.unfinished = 0
        self.broken, self.without_line = BrokenLines(), Counter[str]()

    def moment(self, line: RecordLine) -> datetime | None:
        """The first time in a line; None for a head or a broken line."""
        found = DAY.search(line.text)
        return self._clock.time(found[0], "")[0] if found else None

    def whole_calls(self, lines: Iterable[RecordLine]) -> Iterator[list[Fact]]:
        """The facts of each call on a line, when no row of it can follow."""
        for line in lines:
            self.lines += 1
            if (row := self._read(line)) is None:
                continue
            self._open.setdefault(row.linkedid, []).append(row)
            if self.lines % LOOKS == 0:
                yield from self._over(row.end - DEAD)
        yield from self._over(None)

    def _over(self, before: datetime | None) -> Iterator[list[Fact]]:
        over = [name for name, rows in self._open.items() if before is None or rows[-1].end < before]
        for name in over:
            rows = list(dict.fromkeys(self._open.pop(name)))  # a file beside its copy
            rows.sort(key=lambda row: row.start)
            if facts := self._call(name, rows):
                yield facts

    def _read(self, line: RecordLine) -> CdrRow | None:
        text = line.text.replace("\0", "").strip()
        if not text:
            return None
        fields = next(csv.reader([text]), [])
        if self._columns is None and {"uniqueid", "disposition"} <= {x.strip().lower() for x in fields}:
            self._columns = [ALIASES.get(x.strip().lower(), x.strip().lower()) for x in fields]
            return None
        values = (
            self._by_content(fields) if self._columns is None else dict(zip(self._columns, fields, strict=False))
        )
        if values is None or values.get("disposition", "") not in DISPOSITIONS:
            self.broken.add(line, Sentence("no row of CDR"))
        elif not (uniqueid := values.get("uniqueid", "")):
            self.broken.add(line, Sentence("no uniqueid; cdr.conf needs loguniqueid = yes"))
        elif (row := self._row(values, uniqueid)) is not None:
            return row
        else:
            self.broken.add(line, Sentence("its time cannot be parsed"))
        return None

    def _by_content(self, fields: Sequence[str]) -> dict[str, str] | None:
        """The values by column of a row of cdr_csv or cdr_custom; None if it is neither."""
        for n in range(7, len(fields) - 6):
            if fields[n + 5] in DISPOSITIONS and DAY.match(fields[n]) and DAY.match(fields[n + 2]):
                found = dict(zip(BEFORE, fields[n - 4 :], strict=False)) | {"disposition": fields[n + 5]}
                found |= {"src": fields[1], "dst": fields[2], "dcontext": fields[3]}
                found["clid"] = fields[4] if n > 8 else fields[0]
                ids = [x for x in fields[n + 7 :] if UNIQUEID.fullmatch(x)]
                return found | dict(zip(("uniqueid", "linkedid"), ids, strict=False))
        return None

    def _row(self, values: Mapping[str, str], uniqueid: str) -> CdrRow | None:
        start, end = (self._clock.time(values.get(name, ""), uniqueid)[0] for name in ("start", "end"))
        length = values.get("duration", "")
        if end is None and start is not None and length.isdecimal() and len(length) < 7:
            end = start + timedelta(seconds=int(length))  # FreePBX's table has no end
        answer = self._clock.time(values.get("answer", ""), uniqueid)[0]
        if start is None or end is None:
            return None
        app, data = values.get("lastapp", ""), values.get("lastdata", "")
        queue = data.partition(",")[0] if app == "Queue" else ""
        names = (values.get("did", ""), values.get("dst", ""), queue, values.get("dcontext", ""))
        name = NAME.match(values.get("clid", ""))
        return CdrRow(
            start,
            answer or start,
            max(start, end),
            values.get("src", ""),
            name[1].strip() if name else "",
            names,
            values.get("channel", ""),
            values.get("dstchannel", ""),
            app.lower(),
            data,
            values["disposition"],
            uniqueid,
            values.get("linkedid") or uniqueid,
        )

    def _call(self, linkedid: str, rows: Sequence[CdrRow]) -> list[Fact]:
        """The facts of a call; none if it is on no public line."""
        call = linkedid if any(row.uniqueid == linkedid for row in rows) else rows[0].uniqueid
        own = [row for row in rows if row.uniqueid == call]
        first, caller = own[0], (own[0].src, own[0].name)
        if is_local(first.channel) or self._profile.endpoints.is_colleague(first.channel, first.src):
            return []
        line = next((found for row in own if (found := line_of(self._profile, *row.names)) is not None), None)
        if line is None:
            self.without_line[first.names[-1] or "?"] += 1  # the context: the others may be numbers
            return []
        began = beginning(self._profile, call, first.start, line, caller, first.channel, self.source)
        return [*began, *self._outcome(call, own, {row.channel: row for row in rows})]

    def _outcome(self, call: str, own: Sequence[CdrRow], by_channel: Mapping[str, CdrRow]) -> list[Fact]:
        """What certainly became of the call: a person, voicemail, the busy signal, no phone, the caller left."""
        end = max(row.end for row in own)
        unheard = f.Ended(call, end, "unknown", "unheard")
        spoken = [row for row in own if row.end > row.answer]  # else a phone was picked up, and gave the call up
        taken = [fact for row in spoken or own if (fact := self._taken(call, row, by_channel)) is not None]
        if taken:
            return [*taken, f.Unheard(call, own[0].start, end), unheard]
        last = own[-1].disposition
        if last == "CANCEL":
            return [f.Unheard(call, own[0].start, end), f.Ended(call, end, "caller")]
        if all(row.disposition == "BUSY" for row in own):
            return [f.CallerBusy(call, end), f.Ended(call, end, "exchange")]
        if all(row.disposition in ("FAILED", "CONGESTION") for row in own):
            return [f.DialFailed(call, own[0].start), f.Ended(call, end, "exchange")]
        return [f.Unheard(call, own[0].start, end), unheard]

    def _taken(self, call: str, row: CdrRow, by_channel: Mapping[str, CdrRow]) -> Fact | None:
        """A person or voicemail took the call in this row."""
        behind = by_channel.get(f"{row.dstchannel[:-1]}2") if row.dstchannel.endswith(";1") else None
        if row.app == "voicemail" or (behind is not None and behind.app == "voicemail"):
            box = (row if row.app == "voicemail" else behind or row).data.partition("@")[0].partition(",")[0]
            return f.VoicemailTook(call, row.start, box or None, WHOLE)
        if row.disposition != "ANSWERED" or row.app not in ("dial", "queue") or not row.dstchannel:
            return None
        if behind is not None and behind.disposition != "ANSWERED":
            return None
        channel = behind.dstchannel if behind is not None and behind.dstchannel else row.dstchannel
        phone = self._profile.endpoints.party(extension(channel).partition("@")[0])
        name = self._profile.endpoints.masked_name(channel)
        return f.Answered(call, row.answer, phone, name, slack=row.end - row.answer + WHOLE)
