"""Extracts calls from Asterisk's queue_log (16 to 23): the facts of each call that entered a queue. Pure.

    time|uniqueid|queue|member|event|data…        a file; an export of a realtime table has a head

A call counts from its first queue on: what came before the queue is not in this record. It holds the wait, who
took the call, who ended it, and the transfers by the member. After a transfer, or after the caller left the queue
for the dialplan, the record is silent: from then on the call counts as unheard.

Refuses: rings. It has seconds of a member's ringing, none of what the caller heard. It refuses to say that a
transfer was taken, unless another queue took it. A member is an extension; a name of a person is not kept.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported.records import DEAD, LOOKS, WHOLE, BrokenLines, RecordLine, beginning, line_of
from callmon.core import facts as f
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact, FilledFrom, TransferKind
from callmon.errors import Sentence

COLUMNS = ("time", "callid", "queuename", "agent", "event")
DATA = ("data1", "data2", "data3", "data4", "data5")
# An event without a call has one of these in the place of the uniqueid.
NO_CALL = frozenset(("", "NONE", "MANAGER", "REALTIME"))
EVENT = re.compile(r"[A-Z_]{3,40}")
INTERFACE = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|DAHDI|Local|Agent)/([^@/;\s]+)", re.IGNORECASE)
TRANSFERS: Mapping[str, TransferKind] = {
    "TRANSFER": "blind",
    "BLINDTRANSFER": "blind",
    "ATTENDEDTRANSFER": "attended",
}
NOBODY_KNOWN = "?"  # a member by a name
SETTLED = timedelta(hours=4)  # a call whose end is in no line may be in progress for so long


class _QueueCall(msgspec.Struct):
    """One call so far. `facts` is empty until it enters a queue on a line."""

    last: datetime
    did: str = ""
    queue: str = ""
    entered: datetime | None = None
    facts: list[Fact] = []
    ended: f.Ended | None = None
    sent: f.Transferred | None = None  # by a member; whether anything took it is not known yet
    is_answered: bool = False
    transfers: int = 0
    seen: set[tuple[str, ...]] = set()


class QueueLogReader:
    """Reads lines, oldest first. `now` decides whether the last calls may still be in progress."""

    source: FilledFrom = "queue_log"

    def __init__(self, profile: ExchangeProfile, clock: CelReader, now: datetime) -> None:
        self._profile = profile
        self._clock = clock
        self._now = now
        self._columns: list[str] | None = None
        self._open: dict[str, _QueueCall] = {}
        self.lines = self.unfinished = 0
        self.broken, self.without_line = BrokenLines(), Counter[str]()

    def moment(self, line: RecordLine) -> datetime | None:
        """The time of a line; None for a head or a broken line."""
        return self._clock.time(line.text.partition("|")[0].partition(",")[0].strip('"'), "")[0]

    def whole_calls(self, lines: Iterable[RecordLine]) -> Iterator[list[Fact]]:
        """The facts of each call on a line, when no line about it can follow."""
        latest: datetime | None = None
        for line in lines:
            self.lines += 1
            at = self._read(line)
            latest = at if latest is None or (at is not None and at > latest) else latest
            if self.lines % LOOKS == 0 and latest is not None:
                yield from self._over(latest - DEAD)
        yield from self._over(None)

    def _over(self, before: datetime | None) -> Iterator[list[Fact]]:
        over = [name for name, call in self._open.items() if before is None or call.last < before]
        for name in over:
            call = self._open.pop(name)
            if call.entered is None:
                continue
            if call.ended is None and self._now - call.last < SETTLED:
                self.unfinished += 1
            elif call.facts:
                yield _whole(name, call)
            else:
                self.without_line[call.queue] += 1

    def _read(self, line: RecordLine) -> datetime | None:
        fields = self._fields(line.text)
        if fields is None:
            return None
        at = self._clock.time(fields[0], fields[1])[0] if len(fields) >= len(COLUMNS) else None
        if at is None or not EVENT.fullmatch(fields[4]):
            self.broken.add(line, Sentence("no line of a queue_log"))
            return None
        call, event = fields[1], fields[4]
        read = _READ.get(event)
        if call in NO_CALL or (read is None and event != "DID"):
            return at
        known = self._open.setdefault(call, _QueueCall(at, facts=[], seen=set()))
        if (place := tuple(fields)) in known.seen:  # a file beside its copy
            return at
        known.seen.add(place)
        known.last = at
        if read is None:
            known.did = fields[5] if len(fields) > 5 else ""
        else:
            read(self, known, at, _padded(fields))
        return at

    def _fields(self, text: str) -> list[str] | None:
        """The fields of a line in the order of COLUMNS, then the data. None for a head or an empty line."""
        text = text.strip("\r\n\0 ")
        if self._columns is None and "callid" in text and "event" in text:
            self._columns = [name.strip().lower() for name in next(csv.reader([text]))]
            return None
        if self._columns is None or "|" in text.partition(",")[0]:
            return text.split("|") if text else None
        values = dict(zip(self._columns, next(csv.reader([text]), []), strict=False))
        data = values["data"].split("|") if values.get("data") else [values.get(name, "") for name in DATA]
        return [*(values.get(name, "") for name in COLUMNS), *data]

    def _entered(self, call: _QueueCall, at: datetime, fields: list[str]) -> None:
        name = fields[1]
        queue = fields[2]
        number = fields[6]
        call.ended, line = None, line_of(self._profile, call.did, queue)
        if not call.facts:  # the call begins with the first queue of a line
            call.entered, call.queue = at, call.queue or queue
            if line is None:
                return
            call.facts = beginning(self._profile, name, at, line, (number, ""), "", self.source)
        elif call.sent is not None:  # the queue took the transfer
            call.facts.append(call.sent)
        call.sent, language = None, self._profile.queue_languages.get(queue)
        call.facts += [f.LanguageChosen(name, at, language)] if language else []
        call.facts.append(f.QueueEntered(name, at, queue, WHOLE))

    def _connected(self, call: _QueueCall, at: datetime, fields: list[str]) -> None:
        if not call.facts or call.entered is None:
            return
        name, (phone, interface) = fields[1], self._member(fields[3])
        if call.is_answered:
            call.facts.append(f.PersonJoined(name, at, phone, interface))
            return
        call.is_answered = True
        held = (
            call.entered + timedelta(seconds=int(fields[5]))
            if fields[5].isdecimal() and len(fields[5]) < 7
            else at
        )
        # The hold time is counted from the entry; the two lines may lie on either side of a second.
        at = held if abs(held - at) <= timedelta(seconds=1) else at
        call.facts += [f.QueueLeft(name, at, fields[2]), f.Answered(name, at, phone, interface, slack=WHOLE)]

    def _completed(self, call: _QueueCall, at: datetime, fields: list[str]) -> None:
        call.ended = f.Ended(fields[1], at, "caller" if fields[4] == "COMPLETECALLER" else "exchange")

    def _abandoned(self, call: _QueueCall, at: datetime, fields: list[str]) -> None:
        call.facts += [f.QueueLeft(fields[1], at, fields[2], hung_up=True)] if call.facts else []
        call.ended = f.Ended(fields[1], at, "caller")

    def _left(self, call: _QueueCall, at: datetime, fields: list[str]) -> None:
        call.facts += [f.QueueLeft(fields[1], at, fields[2])] if call.facts else []

    def _transferred(self, call: _QueueCall, at: datetime, fields: list[str]) -> None:
        to = fields[5] if TRANSFERS[fields[4]] == "blind" else ""
        if to in self._profile.parking_extensions or to in self._profile.survey_extensions:
            return
        by = self._member(fields[3])[1]
        kind = TRANSFERS[fields[4]]
        to = self._profile.endpoints.party(to)
        call.facts += [f.SentOff(fields[1], at, kind, by, to)] if call.facts else []
        call.sent = f.Transferred(fields[1], at, kind, by, to, answered=False)
        call.transfers += 1

    def _member(self, member: str) -> tuple[str, str]:
        """The extension of a member, and its interface; of a member by a name, neither."""
        found = INTERFACE.search(member)
        if found is None:
            return NOBODY_KNOWN, ""
        return self._profile.endpoints.party(found[1]), self._profile.endpoints.masked_name(found[0])


_READ: Mapping[str, Callable[[QueueLogReader, _QueueCall, datetime, list[str]], None]] = {
    "ENTERQUEUE": QueueLogReader._entered,
    "CONNECT": QueueLogReader._connected,
    "COMPLETEAGENT": QueueLogReader._completed,
    "COMPLETECALLER": QueueLogReader._completed,
    "ABANDON": QueueLogReader._abandoned,
    **dict.fromkeys(("EXITWITHTIMEOUT", "EXITWITHKEY", "EXITEMPTY"), QueueLogReader._left),
    **dict.fromkeys(TRANSFERS, QueueLogReader._transferred),
}


def _padded(fields: list[str]) -> list[str]:
    return fields + [""] * (len(COLUMNS) + len(DATA) - len(fields))


def _whole(name: str, call: _QueueCall) -> list[Fact]:
    """The facts with the call's end. Where no line tells of it, the rest of the call counts as unheard."""
    if call.ended is not None:
        return [*call.facts, call.ended]
    # A second transfer that perhaps nothing took is not counted: it alone would break a promise.
    sent = [call.sent] if call.sent is not None and call.transfers == 1 else []
    is_open = not call.is_answered
    unheard = f.Unheard(name, call.last, None, is_open, is_open)
    return [*call.facts, *sent, unheard, f.Ended(name, None, "unknown", "unheard")]
