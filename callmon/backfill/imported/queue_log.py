"""Extracts calls from queue_log, as Asterisk 16, 20 and 22 wrote it: the facts of each call in a queue. Pure.

    time|uniqueid|queue|member|event|data…        a file; an export of a realtime table has a head

A call counts from its first queue on: what came before the queue is not in this record. It holds the wait, who
took the call, who ended it, and the transfers by the member. After a transfer, or after the caller left the queue
for the dialplan, the record is silent: from then on the call counts as unheard.

Refuses: rings. It has seconds of a member's ringing, none of what the caller heard. It refuses to say that a
transfer was taken, unless another queue took it. A member is an extension; a name of a person is not kept.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from callmon.backfill.cel.rows import split_line
from callmon.backfill.imported.records import WHOLE, LineReader, RecordRow
from callmon.core import facts as f
from callmon.core.facts import Ender, Fact, TransferKind
from callmon.errors import Sentence

COLUMNS = ("time", "callid", "queuename", "agent", "event")
# Its table has other names, and a column that numbers the rows.
QUEUEMETRICS: Mapping[str, str] = {
    "time_id": "time", "call_id": "callid", "queue": "queuename", "verb": "event", "unique_row_count": "id",
}  # fmt: skip
DATA = ("data1", "data2", "data3", "data4", "data5")
# An event without a call has one of these in the place of the uniqueid.
NO_CALL = frozenset(("NONE", "MANAGER", "REALTIME"))
EVENT = re.compile(r"[A-Z_]{3,40}")
INTERFACE = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|DAHDI|Local|Agent)/([^@/;\s]+)", re.IGNORECASE)
ENDED_BY: Mapping[str, Ender] = {"COMPLETEAGENT": "exchange", "COMPLETECALLER": "caller", "ABANDON": "caller"}
NOBODY_KNOWN = "?"  # a member by a name
SETTLED = timedelta(hours=4)  # a call whose end is in no line may be in progress for so long


class QueueEvent(RecordRow, frozen=True):
    """One line. `data` has at least as many values as DATA."""

    queue: str
    member: str
    event: str
    data: tuple[str, ...]


class _QueueCall(msgspec.Struct):
    """One call so far. `facts` is empty until it enters a queue on a line."""

    last: datetime  # of the lines that tell something
    did: str = ""
    queue: str = ""  # the first
    facts: list[Fact] = []
    ended: f.Ended | None = None
    sent: f.Transferred | None = None  # by a member; whether anything took it is not known yet


class QueueLogReader(LineReader[QueueEvent]):
    """Reads lines, oldest first."""

    source = "queue_log"
    COLUMNS = COLUMNS
    ALIASES = QUEUEMETRICS

    def _read(self, text: str) -> QueueEvent | Sentence | None:
        if "|" in text.partition(",")[0]:
            fields = text.split("|")
        elif self._is_head(values := split_line(text)) or not values:
            return None
        else:
            fields = self._of_table(values)
        at = self.clock.time(fields[0], fields[1])[0] if len(fields) >= len(COLUMNS) else None
        if at is None or not EVENT.fullmatch(fields[4]):
            return Sentence("no line of a queue_log")
        _, call, queue, member, event, *data = fields
        return QueueEvent(at, "" if call in NO_CALL else call, queue, member, event, (*data, *[""] * len(DATA)))

    def _of_table(self, fields: Sequence[str]) -> list[str]:
        """The values of an export's row in the order of a file."""
        values = dict(zip(self._columns, fields, strict=False))
        data = values["data"].split("|") if values.get("data") else [values.get(name, "") for name in DATA]
        return [*(values.get(name, "") for name in COLUMNS), *data]

    def _facts(self, rows: Sequence[QueueEvent]) -> list[Fact]:
        call = _QueueCall(rows[0].at)
        for row in rows:
            self._tell(call, row)
        if not call.facts:
            self.without_line.update([call.queue] if call.queue else [])
        elif call.ended is None and self._now - call.last < SETTLED:
            self.unfinished += 1
        else:
            return _whole(rows[0].call, call)
        return []

    def _tell(self, call: _QueueCall, row: QueueEvent) -> None:
        """Adds what a line tells of the call. Other events tell nothing; nor does any before a queue on a line."""
        match row.event:
            case "DID":
                call.did = row.data[0]
            case "ENTERQUEUE":
                self._entered(call, row)
            case _ if not call.facts:
                return
            case "CONNECT":
                self._connected(call, row)
            case "ABANDON" | "EXITWITHTIMEOUT" | "EXITWITHKEY" | "EXITEMPTY":
                hung_up = row.event == "ABANDON"
                call.facts.append(f.QueueLeft(row.call, row.at, row.queue, hung_up=hung_up))
            case "TRANSFER" | "BLINDTRANSFER" | "ATTENDEDTRANSFER":
                self._transferred(call, row)
            case event if event not in ENDED_BY:
                return
        if row.event in ENDED_BY:
            call.ended = f.Ended(row.call, row.at, ENDED_BY[row.event])
        call.last = row.at

    def _entered(self, call: _QueueCall, row: QueueEvent) -> None:
        name, at = row.call, row.at
        call.ended, line = None, self._line(call.did, row.queue)
        call.queue = call.queue or row.queue
        if not call.facts:  # the call begins with the first queue of a line
            if line is None:
                return
            call.facts = self._beginning(name, at, line, (row.data[1], ""))
        elif call.sent is not None:  # the queue took the transfer
            call.facts.append(call.sent)
        call.sent, language = None, self._profile.queue_languages.get(row.queue)
        call.facts += [f.LanguageChosen(name, at, language)] if language else []
        call.facts.append(f.QueueEntered(name, at, row.queue, WHOLE))

    def _connected(self, call: _QueueCall, row: QueueEvent) -> None:
        name = row.call
        at = row.at
        entered = call.facts[0].at
        phone, interface = self._member(row.member)
        if _is_answered(call):
            call.facts.append(f.PersonJoined(name, at, phone, interface))
            return
        # The hold time is counted from the entry; the two lines may lie on either side of a second.
        if entered is not None and row.data[0].isdecimal() and len(row.data[0]) < 7:
            held = entered + timedelta(seconds=int(row.data[0]))
            at = held if abs(held - at) <= timedelta(seconds=1) else at
        call.facts += [f.QueueLeft(name, at, row.queue), f.Answered(name, at, phone, interface, slack=WHOLE)]

    def _transferred(self, call: _QueueCall, row: QueueEvent) -> None:
        kind: TransferKind = "attended" if row.event == "ATTENDEDTRANSFER" else "blind"
        to = row.data[0] if kind == "blind" else ""
        if to in self._profile.parking_extensions or to in self._profile.survey_extensions:
            return
        by, to = self._member(row.member)[1], self._profile.endpoints.party(to)
        call.facts.append(f.SentOff(row.call, row.at, kind, by, to))
        call.sent = f.Transferred(row.call, row.at, kind, by, to, answered=False)

    def _member(self, member: str) -> tuple[str, str]:
        """The extension of a member, and its interface; of a member by a name, neither."""
        found = INTERFACE.search(member)
        if found is None:
            return NOBODY_KNOWN, ""
        return self._profile.endpoints.party(found[1]), self._profile.endpoints.masked_name(found[0])


def _is_answered(call: _QueueCall) -> bool:
    return any(isinstance(x, f.Answered) for x in call.facts)


def _whole(name: str, call: _QueueCall) -> list[Fact]:
    """The facts with the call's end. Where no line tells of it, the rest of the call counts as unheard."""
    if call.ended is not None:
        return [*call.facts, call.ended]
    # A second transfer that perhaps nothing took is not counted: it alone would break a promise.
    is_only = sum(isinstance(x, f.SentOff) for x in call.facts) == 1
    sent = [call.sent] if call.sent is not None and is_only else []
    is_open = not _is_answered(call)
    unheard = f.Unheard(name, call.last, None, is_open, is_open)
    return [*call.facts, *sent, unheard, f.Ended(name, None, "unknown", "unheard")]
