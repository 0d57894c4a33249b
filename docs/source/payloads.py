"""The JSON payloads as types, and their JSON Schema by msgspec: `docs/en/reference/payloads.schema.json`.

callmon builds each payload as a plain object. `tests/unit/test_payloads.py` reads real payloads with these types
and accepts no unknown key.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from callmon.core.callbacks.entries import Caution, CloseReason, Hidden, Kind, Opening
from callmon.core.calls.call import Abandoned, Heard, OutcomeName, WaitStart
from callmon.core.disruptions.disruption import Source
from callmon.core.facts import Direction, TransferKind
from callmon.core.verdicts import Cause, Verdict
from callmon.features.webhooks import events

Work = Literal["open", "due_soon", "overdue"]


class Payload(msgspec.Struct, forbid_unknown_fields=True):
    """An object with these keys and no other."""


class Answerer(Payload):
    """The phone that answered."""

    extension: str | None
    channel: str | None


class AnswererWithoutPeople(Payload):
    """The phone that answered, as an extension of digits."""

    extension: str | None


class Transfer(Payload):
    """One transfer that counts."""

    kind: TransferKind | None
    by: str
    to: str | None
    answered: bool


class TransferWithoutPeople(Payload):
    """One transfer that counts, without the channel of the transferer."""

    kind: TransferKind | None
    to: str | None
    answered: bool


class Voicemail(Payload):
    """Voicemail took the call. `message` is null where it is not known whether one was left."""

    mailbox: str | None
    rings: int | None
    message: bool | None


class Unheard(Payload):
    """A gap within the call."""

    start: datetime | None
    end: datetime | None


class CallFacts(Payload):
    """The keys that every payload of a call has."""

    call: str
    exchange: str
    direction: Direction
    line: str | None
    dialled: str | None
    language: str | None
    in_hours: bool | None
    arrived: datetime | None
    ringing: datetime | None
    answered: datetime | None
    ended: datetime | None
    rings: int | None
    rings_estimated: bool
    heard_ringing: bool
    wait_start: WaitStart | None
    wait_seconds: float | None
    outcome: OutcomeName
    abandoned_in: Abandoned | None
    forwards: int
    parked: int
    holds: int | None
    voicemail: Voicemail | None
    heard: Heard
    gaps: list[Unheard]
    verdicts: dict[str, Verdict]
    reasons: dict[str, str]
    cause: dict[str, Cause]


class Call(CallFacts):
    """Of `callmon explain --json`, `callmon replay --json` and `callmon backfill --json`."""

    caller: str | None
    caller_channel: str
    answered_by: Answerer | None
    transfers: list[Transfer]
    test: bool | msgspec.UnsetType = msgspec.UNSET
    disruptions: list[str] | msgspec.UnsetType = msgspec.UNSET


class EndedCall(CallFacts):
    """Of the topic `callmon/calls/ended`."""

    answered_by: AnswererWithoutPeople | None
    transfers: list[TransferWithoutPeople]
    test: bool | msgspec.UnsetType = msgspec.UNSET


class InHand(Payload):
    """The person who has taken an entry."""

    by: str
    since: datetime | None


class Callback(Payload):
    """Of `callmon callbacks list --json`."""

    id: str
    exchange: str
    call: str
    kind: Kind
    opening: Opening
    line: str
    service: str
    language: str
    state: Literal["open", "due_soon", "overdue", "paid", "reached_us", "closed"]
    opened: datetime
    due: datetime
    due_by_clock: datetime | None
    due_by_business_day: datetime | None
    actionable: datetime | None
    no_open_hour: bool
    messages: int
    attempts: list[datetime]
    unattributed: datetime | None
    acknowledged: datetime | None
    settled: datetime | None
    closed_because: CloseReason | None
    in_hand: InHand | None
    message_left: bool
    cautions: list[Caution]
    not_returnable: Hidden | None
    shared: bool
    tty: bool
    number: str | None
    other_number: str | None


class ExchangeHealth(Payload):
    """One exchange. `last_event` is null where none was received."""

    exchange: str
    connected: bool
    last_event: datetime | None


class DayFigures(Payload):
    """Of today, on all lines; only of a leader. `strangers`: their calls since the start, which are no calls."""

    calls_today: int
    callbacks_open: int
    callbacks_overdue: int
    strangers: int


class Health(Payload):
    """Of `/healthz`."""

    status: Literal["ok", "trouble"]
    role: str
    troubles: list[str]
    remarks: list[str]
    exchanges: list[ExchangeHealth]
    version: str
    figures: DayFigures | None


class LineRinging(Payload):
    """The calls that ring on a line."""

    calls: int
    longest_ring: int | None
    since: datetime | None


class LineQueue(Payload):
    """The calls that wait in a queue of a line."""

    calls: int
    since: datetime | None


class LinePhones(Payload):
    """The phones of a line by their state."""

    free: int
    in_use: int
    unreachable: int


class LineToday(Payload):
    """The calls that arrived today and are over: by outcome, and the verdicts by standard."""

    day: date
    calls: dict[OutcomeName, int]
    verdicts: dict[str, dict[Verdict, int]]


class LineCallbacks(Payload):
    """The callbacks of a line."""

    open: int
    overdue: int


class Line(Payload):
    """Of the topics `callmon/lines/LINE`."""

    line: str
    open: bool
    heard: bool
    ringing: LineRinging
    queue: LineQueue
    talking: int
    phones: LinePhones | None
    today: LineToday
    callbacks: LineCallbacks


class OpenCallback(Payload):
    """Of the topics `callmon/callbacks/ID`."""

    id: str
    line: str
    language: str
    opened: datetime
    due: datetime
    actionable: datetime | None
    state: Work
    attempts: int
    unattributed: datetime | None
    in_hand: bool


class BothLanguages(Payload):
    """A text of a notice."""

    fr: str | None
    en: str | None


class Disruption(Payload):
    """Of the topics `callmon/disruptions/ID`."""

    id: str
    source: Source
    exchange: str | None
    lines: list[str]
    began: datetime
    until: datetime | None
    ended: datetime | None
    reason: BothLanguages
    alternative: BothLanguages
    missing: list[str]
    announced: datetime | None
    confirmed: bool
    work: str | None


class Translated(Payload):
    """A text in both languages."""

    fr: str
    en: str


class PublicLine(Payload):
    """A line by its name, and its titles."""

    line: str
    fr: str
    en: str


class PublicDisruption(Payload):
    """A disruption, or planned work, for the public. A text is null until it exists in both languages."""

    id: UUID
    state: Literal["going_on", "planned"]
    planned_work: bool
    lines: list[PublicLine]
    began: datetime
    until: datetime | None
    reason: Translated | None
    alternative: Translated | None


class PublicNotice(Payload):
    """Of the file `disruptions.json` of the public notice. `heard`: whether every exchange is monitored."""

    updated: datetime
    heard: bool
    disruptions: list[PublicDisruption]


PAYLOADS = (Call, EndedCall, Callback, Health, Line, OpenCallback, Disruption, PublicNotice)


def schema() -> str:
    """One JSON Schema (2020-12). Each payload is a definition by its name."""
    every = (*PAYLOADS, *events.PAYLOADS.values())
    _, components = msgspec.json.schema_components(every, ref_template="#/$defs/{name}")
    reported = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "JSON payloads of callmon"}
    return json.dumps({**reported, "$defs": components}, indent=2) + "\n"
