"""What the tracker remembers of channels and calls in progress: small, mutable, private to `calls/`. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from callmon.ami import events as e
from callmon.calls.endpoints import is_local
from callmon.calls.waiting import Waiting
from callmon.facts import TransferKind


class Leg:
    """One channel."""

    __slots__ = (
        "answered", "answered_at", "bridge", "call", "channel", "dialled", "hint", "mailbox", "outside",
        "partner", "rang", "rang_at", "stopped", "uniqueid",
    )  # fmt: skip

    def __init__(self, uniqueid: str, channel: str, call: TrackedCall | None = None) -> None:
        self.uniqueid = uniqueid
        self.channel = channel
        self.call = call
        self.bridge: str | None = None
        self.partner: Leg | None = None  # the other half of a Local channel
        self.outside = self.dialled = self.rang = self.stopped = self.answered = False
        self.rang_at: datetime | None = None
        self.answered_at: datetime | None = None
        self.hint: datetime | None = None  # Newstate Ringing, for exchanges that send no DialState
        self.mailbox: str | None = None  # this leg runs VoiceMail

    @property
    def is_phone(self) -> bool:
        return not is_local(self.channel)


class Sending:
    """A caller on the way from one person to somebody else."""

    __slots__ = ("at", "by", "dialled", "kind", "taken", "to")

    def __init__(self, kind: TransferKind, by: str, to: str, at: datetime | None) -> None:
        self.kind: TransferKind = kind
        self.by, self.to, self.at = by, to, at
        self.taken = False  # something rang for the caller, refused or took the call
        self.dialled = False


class TrackedCall:
    """One call in progress: what is needed to understand its next event."""

    __slots__ = (
        "answered", "asked", "begun", "busy", "caller", "consults", "dialled", "doubtful", "held", "id",
        "inbound", "language", "language_menu", "language_told", "last_stop", "legs", "line_up",
        "maybe_voicemail", "parked", "person", "person_left", "queue", "recalled", "sent", "stopping",
        "surveyed", "thirds", "told", "unsure", "voicemail", "waiting", "withheld",
    )  # fmt: skip

    def __init__(self, caller: Leg, begun: e.Newchannel | None, language: str) -> None:
        self.id = caller.uniqueid
        self.caller = caller
        self.legs: list[Leg] = []
        self.begun = begun  # kept until the call's direction is known
        self.language = language
        self.told = False  # Arrived has been told
        self.inbound = self.answered = self.voicemail = self.dialled = self.busy = False
        self.withheld = False  # the number must not be shown
        self.asked = False  # the caller's side asked for the hang-up
        self.stopping = False  # the exchange is going down
        self.doubtful = False  # a gap began while this call was up
        self.language_menu = self.language_told = False
        self.thirds: tuple[str, ...] = ()  # who was on the line beside the person
        self.surveyed = False  # the survey has been offered
        self.line_up: datetime | bool = False  # the exchange took the line, when (if a time was given)
        self.maybe_voicemail: datetime | bool = False  # up after a dial in vain: into what, nobody said yet
        self.last_stop: datetime | None = None
        self.queue: str | None = None
        self.person: Leg | None = None  # who is on the line with the caller
        self.person_left = False  # and asked for the hang-up first
        self.sent: Sending | None = None
        self.parked = self.recalled = self.held = False
        self.consults: TrackedCall | None = None  # this one is a consultation in the service of another
        self.waiting: Waiting | None = None  # for a person, on a line, heard from the arrival on
        self.unsure: Leg | None = None  # the phone of an answer whose time is not known


class Bridges:
    """Who is in which bridge."""

    def __init__(self) -> None:
        self._members: dict[str, list[Leg]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def enter(self, leg: Leg, bridge: str) -> None:
        if leg.bridge is not None:
            self.leave(leg)
        leg.bridge = bridge
        self._members.setdefault(bridge, []).append(leg)

    def leave(self, leg: Leg) -> None:
        name = leg.bridge or ""
        members = self._members.get(name)
        leg.bridge = None
        if members is None:
            return
        if leg in members:
            members.remove(leg)
        if not members:
            del self._members[name]

    def reachable(self, start: Leg) -> Iterator[Leg]:
        """All legs whose voice reaches this one: its bridge's, and through Local channels the next bridge's."""
        seen = {start.uniqueid}
        waiting = [start]
        while waiting:
            leg = waiting.pop()
            near = list(self._members.get(leg.bridge or "", ()))
            if leg.partner is not None and leg is not start:
                near.append(leg.partner)
            for other in near:
                if other.uniqueid not in seen:
                    seen.add(other.uniqueid)
                    waiting.append(other)
                    yield other
