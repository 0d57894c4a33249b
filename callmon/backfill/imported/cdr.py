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

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from callmon.backfill.cel.rows import split_line
from callmon.backfill.imported.records import WHOLE, LineReader, RecordRow
from callmon.core import facts as f
from callmon.core.calls.endpoints import extension, is_local
from callmon.core.facts import Fact
from callmon.errors import Sentence

DISPOSITIONS = frozenset(("ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "CANCEL"))
DAY = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")
ADDRESS = re.compile("[/@]")  # between the parts of what Dial was given: PJSIP/NUMBER@TRUNK
UNIQUEID = re.compile(r"(?:\S+-)?\d{9,10}\.\d+")
BEFORE = ("channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end", "duration", "billsec")


class CdrRow(RecordRow, frozen=True):
    """One row: its times (`at`: its end), and its columns, "" where it has none."""

    start: datetime
    answer: datetime
    src: str
    clid: str
    did: str
    dst: str
    dcontext: str
    channel: str
    dstchannel: str
    lastapp: str
    lastdata: str
    disposition: str
    uniqueid: str

    @property
    def channel_id(self) -> str:
        return self.uniqueid

    @property
    def begun(self) -> datetime:
        return self.start

    @property
    def names(self) -> tuple[str, ...]:
        """What may name the line: the DID, the dialled number, a queue, the context."""
        queue = self.lastdata.partition(",")[0] if self.lastapp == "queue" else ""
        return self.did, self.dst, queue, self.dcontext


TEXTS = CdrRow.__struct_fields__[4:]  # behind the call and its times


class CdrReader(LineReader[CdrRow]):
    """Reads lines in the order of writing."""

    source = "cdr"
    DISORDER = timedelta(hours=6)  # an export is in the order of the starts, and a call is over within hours
    COLUMNS = ("start", "uniqueid", "disposition", "channel", "duration")
    ALIASES: Mapping[str, str] = {"calldate": "start", "dst_channel": "dstchannel", "cnam": "clid"}

    def _read(self, text: str) -> CdrRow | Sentence | None:
        fields = split_line(text)
        if not fields or self._is_head(fields):
            return None
        values = dict(zip(self._columns, fields, strict=False)) if self._columns else _by_content(fields)
        if values.get("disposition", "") not in DISPOSITIONS:
            return Sentence("no row of CDR")
        if not values.get("uniqueid"):
            return Sentence("no uniqueid; cdr.conf needs loguniqueid = yes")
        return self._row(values) or Sentence("its time cannot be parsed")

    def _row(self, values: Mapping[str, str]) -> CdrRow | None:
        start, answer, end = (
            self.clock.time(values.get(name, ""), values["uniqueid"])[0] for name in ("start", "answer", "end")
        )
        length = values.get("duration", "")
        if end is None and start is not None and length.isdecimal() and len(length) < 7:
            end = start + timedelta(seconds=int(length))  # FreePBX's table has no end
        if start is None or end is None:
            return None
        texts = {name: values.get(name, "") for name in TEXTS}
        texts["lastapp"] = texts["lastapp"].lower()
        call = values.get("linkedid") or values["uniqueid"]
        return CdrRow(max(start, end), call, start, answer or start, **texts)

    def _facts(self, rows: Sequence[CdrRow]) -> list[Fact]:
        rows = sorted(rows, key=lambda row: row.start)
        linked = rows[0].call
        call = linked if any(row.uniqueid == linked for row in rows) else rows[0].uniqueid
        own = [row for row in rows if row.uniqueid == call]
        first = own[0]
        if is_local(first.channel) or self._profile.endpoints.is_stranger(first.channel, first.dcontext):
            return []
        if self._profile.endpoints.is_colleague(first.channel, first.src) or extension(first.channel).isdecimal():
            return self._outbound(call, own)
        line = next((found for row in own if (found := self._line(*row.names)) is not None), None)
        if line is None:
            self.without_line[first.names[-1] or "?"] += 1  # the context: the others may be numbers
            return []
        caller = first.src, first.clid.partition("<")[0].strip('" ')
        began = self._beginning(call, first.start, line, caller, first.channel)
        return [*began, *self._outcome(call, own, {row.channel: row for row in rows})]

    def _outbound(self, call: str, own: Sequence[CdrRow]) -> list[Fact]:
        """A call of ours to a number outside, and whether it was answered; none within the exchange."""
        first, endpoints = own[0], self._profile.endpoints
        if endpoints.party(first.dst) != f.OUTSIDE or self._line(first.dst) is not None:
            return []
        channel = endpoints.masked_name(first.channel)
        found: list[Fact] = [f.Arrived(call, first.start, "outbound", None, first.dst, None, None, channel)]
        for row in own:
            if row.lastapp == "dial" and row.disposition == "ANSWERED" and row.dstchannel:
                # Answered in the second of its start, the dialplan may have answered first.
                slack = WHOLE if row.answer > row.start else row.at - row.answer + WHOLE
                name = endpoints.masked_name(row.dstchannel)
                found.append(f.Answered(call, row.answer, f.OUTSIDE, name, slack=slack))
        return [*found, f.Ended(call, max(row.at for row in own), "unknown")]

    def _outcome(self, call: str, own: Sequence[CdrRow], by_channel: Mapping[str, CdrRow]) -> list[Fact]:
        """What certainly became of the call: a person, voicemail, the busy signal, no phone, the caller left."""
        end = max(row.at for row in own)
        ended = f.Ended(call, end, "unknown", "unheard")
        spoken = [row for row in own if row.at > row.answer]  # else a phone was picked up, and gave the call up
        taken = [fact for row in spoken or own if (fact := self._taken(call, row, by_channel)) is not None]
        dispositions = {row.disposition for row in own}
        if not taken and dispositions == {"BUSY"}:
            return [f.CallerBusy(call, end), f.Ended(call, end, "exchange")]
        if not taken and dispositions <= {"FAILED", "CONGESTION"}:
            return [f.DialFailed(call, own[0].start), f.Ended(call, end, "exchange")]
        if not taken and own[-1].disposition == "CANCEL":
            ended = f.Ended(call, end, "caller")
        return [*taken, f.Unheard(call, own[0].start, end), ended]

    def _taken(self, call: str, row: CdrRow, by_channel: Mapping[str, CdrRow]) -> Fact | None:
        """A person or voicemail took the call in this row."""
        behind = by_channel.get(f"{row.dstchannel[:-1]}2") if row.dstchannel.endswith(";1") else None
        mailbox = next((x for x in (row, behind) if x is not None and x.lastapp == "voicemail"), None)
        if mailbox is not None:
            box = mailbox.lastdata.partition("@")[0].partition(",")[0]
            return f.VoicemailTook(call, row.start, box or None, WHOLE)
        if row.disposition != "ANSWERED" or row.lastapp not in ("dial", "queue") or not row.dstchannel:
            return None
        if behind is not None and behind.disposition != "ANSWERED":
            return None
        last = behind if behind is not None and behind.dstchannel else row
        name = extension(last.dstchannel)
        dialled = next((x for x in last.lastdata.partition(",")[0].split("&") if name in ADDRESS.split(x)), "")
        endpoints = self._profile.endpoints
        is_outside = endpoints.is_outside_dialled(last.dstchannel, dialled)
        phone = f.OUTSIDE if is_outside else endpoints.party(name.partition("@")[0])
        channel = endpoints.masked_name(last.dstchannel)
        return f.Answered(call, row.answer, phone, channel, slack=row.at - row.answer + WHOLE)


def _by_content(fields: Sequence[str]) -> dict[str, str]:
    """The values by column of a row of cdr_csv or cdr_custom; none if it is neither."""
    for n in range(7, len(fields) - 6):
        if fields[n + 5] in DISPOSITIONS and DAY.match(fields[n]) and DAY.match(fields[n + 2]):
            found = dict(zip(BEFORE, fields[n - 4 :], strict=False)) | {"disposition": fields[n + 5]}
            found |= {"src": fields[1], "dst": fields[2], "dcontext": fields[3]}
            found["clid"] = fields[4] if n > 8 else fields[0]
            ids = [x for x in fields[n + 7 :] if UNIQUEID.fullmatch(x)]
            return found | dict(zip(("uniqueid", "linkedid"), ids, strict=False))
    return {}
