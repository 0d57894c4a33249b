"""The tracker's memory of channels and calls in progress: small, mutable, private to `calls/`. Pure.

A busy exchange has thousands up at once. The garbage collector does not track these objects (`gc=False`). A call
and its legs reference each other: the code that ends a call must call `take_apart`, or they are never freed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from callmon.ami import events as e
from callmon.config.lines import Line
from callmon.core.calls.endpoints import is_local
from callmon.core.facts import EXACT, QueueSound, TransferKind, Unheard

NOWHERE = " "

# What the dialplan's steps show: it answers the line; it asks for a key in a menu; that was pressed, or was not.
# After the key a person was sought, or a phone was tried; or the key chose the language.
MenuState = Literal["", "answered", "asked", "key", "silent", "sought", "tried", "language"]
# Whether a key was pressed in the last menu that may have chosen voicemail; None: not known.
MENU_KEY: dict[str, bool | None] = {
    "asked": None,
    "key": True,
    "silent": False,
    "sought": False,
    "tried": False,
    "language": False,
}
DialAttempts = Literal["silent", "rings", "refused", "gone"]
# What Dial lets its caller hear: ringing at once, or unless the line is up, or when a phone rings; music; a tone.
Indication = Literal["ringing", "ringing_unless_up", "phones", "music", "tone"]


class Dial(msgspec.Struct, eq=False, gc=False):
    """A Dial that the exchange reported: its AppData, and what it lets its caller hear."""

    data: str
    indicates: Indication
    phones: int = 0  # phones of it that were dialled


class TrackedChannel(msgspec.Struct, eq=False, gc=False):
    uniqueid: str
    channel: str
    call: TrackedCall | None = None
    bridge: str | None = None
    # When it began to ring. Until PhoneRang was emitted (`rang`), the hint of a Newstate, for exchanges without
    # DialState.
    rang_at: e.Stamp = None
    extension: str = ""  # of a phone that was dialled
    outside: bool = False
    dialled: bool = False
    rang: bool = False
    stopped: bool = False
    answered: bool = False
    is_phone: bool = False
    is_half: bool = False  # of a hairpin
    partner: TrackedChannel | None = None  # the other half of a Local channel, or of a hairpin
    mailbox: str | None = None  # this leg runs VoiceMail
    opens_box: bool = False  # this leg runs VoiceMailMain: its person listens to messages
    rang_slack: timedelta = EXACT  # it began to ring at `rang_at`, or up to this much later
    answered_at: datetime | None = None  # until it is joined with the caller
    joined_unheard: datetime | None = None  # picked up; joined with the caller at an unknown time, not before this
    dial: Dial | None = None  # that runs on this channel, as far as it was reported
    queue: QueueSound | None = None  # of the Queue that runs on it

    def __post_init__(self) -> None:
        self.is_phone = not is_local(self.channel)

    @property
    def is_tried(self) -> bool:
        """Dialled, and neither taken nor given up."""
        return self.dialled and not self.stopped and not self.answered

    @property
    def is_hinted(self) -> bool:
        """A phone that was dialled and rings, although no DialState reported it."""
        return self.is_phone and self.dialled and not self.rang and bool(self.rang_at)

    @property
    def has_person(self) -> bool:
        """A phone that was picked up; no half of a hairpin is one."""
        return self.is_phone and self.answered and not self.is_half


class PendingTransfer(msgspec.Struct, eq=False, gc=False):
    """A caller on the way from one person to another party."""

    kind: TransferKind
    by: str
    to: str
    at: datetime | None
    dialled: bool = False
    taken: bool = False  # a phone rang for the caller, or a party refused or took the call
    is_unsure: bool = False  # the caller may have been taken, or have come back, in a gap
    unheard: bool = False  # a gap may hide the event that says of which kind it is
    may_have_rung: bool = False  # a phone was dialled for the caller, and nothing says whether it rang

    def named_late(self, seen: PendingTransfer) -> None:
        """Take over the state of `seen`: the same sending, noticed before the exchange reported its kind."""
        self.at = seen.at or self.at
        self.taken = self.taken or seen.taken
        self.dialled = seen.dialled
        self.may_have_rung = seen.may_have_rung


class WaitState(msgspec.Struct, eq=False, gc=False):
    """The state of one caller's wait."""

    line: Line
    tried: dict[str, DialAttempts] = msgspec.field(default_factory=dict)
    best_rank: int = 0  # of those emitted
    free_since: datetime | None = None
    forwarded: bool = False  # a phone forwarded the call: a phone dialled now need not be of this line
    over: bool = False  # no better offer can come, or a gap came between

    def is_undecided(self) -> bool:
        """Whether a dialled phone has given no sign yet: then a free one cannot be ruled out."""
        return "silent" in self.tried.values()


class TrackedCall(msgspec.Struct, eq=False, gc=False):
    """One call in progress: what is needed to interpret its next event."""

    id: str
    caller: TrackedChannel
    begun: e.Newchannel | None  # stored until the call's direction is known
    language: str
    legs: tuple[TrackedChannel, ...] = ()
    is_emitted: bool = False  # Arrived has been emitted
    is_found: bool = False  # a listing showed it first
    inbound: bool = False
    answered: bool = False
    voicemail: bool = False
    unnamed_box: bool = False  # voicemail took the call, in a mailbox that is not known
    dialled: bool = False
    rung: bool = False  # the caller has heard ringing
    # The exchange has opened the sound to the caller (SIP 183): the carrier plays no ring of its own.
    early_media: bool = False
    ringback_unknown: bool = False  # RingbackUnknown has been emitted
    other_tone: bool = False  # MusicPlayed has been emitted for a tone
    line_up: datetime | bool = False  # the exchange took the line: when, or True without a time
    last_stop: datetime | None = None
    queue: str | None = None
    person: TrackedChannel | None = None  # on the line with the caller
    waiting: WaitState | None = None  # for a person, on a line, received from the arrival on
    sent: PendingTransfer | None = None
    number: str | None = None  # the caller's, as emitted
    busy: bool = False
    hangup_requested: bool = False  # the caller's side requested the hang-up
    hangup_requested_at: datetime | None = None
    request_emitted: bool = False  # HangupRequested has been emitted
    unheard_since: datetime | None = None  # the gap's start, until a phone's end is received
    doubtful: bool = False  # a gap began while this call was up
    withheld: bool = False  # the number must not be shown
    stopping: bool = False  # the exchange is going down
    language_menu: bool = False
    language_is_known: bool = False
    person_left: bool = False  # the person on the line requested the hang-up first
    parked: bool = False
    parked_from: str = NOWHERE  # the bridge at the ParkedCall, or none
    recalled: bool = False
    held: bool = False
    surveyed: bool = False  # the survey has been offered
    queued: bool = False  # was put into a queue: the time since then is no menu
    message: bool = False  # MessageLeft has been emitted
    clicked: bool = False  # the exchange rang the caller first (click-to-dial)
    outbound: bool = False  # a phone calls outside
    handed_on: bool = False  # outbound; the phone that called has left, the person outside stays
    sent_unheard: bool = False  # a gap may hide that the person sent the caller off
    together_at: datetime | None = None  # a listing showed the two in one bridge
    # What a gap may hide of a caller without an event since: the request to hang up, and a refusal.
    gone_unheard: bool = False
    refused_unheard: bool = False
    gaps_before_arrival: tuple[Unheard, ...] = ()  # emitted after Arrived
    visitor: bool = False  # found as a call of its own; its person may pick up, or retrieve, another call
    thirds: tuple[str, ...] = ()  # on the line beside the person
    menu: MenuState = ""
    menu_context: str = ""  # where a key was asked for last
    key: str = ""  # that was pressed last; empty: none, or not told
    is_box_key: bool = False  # that key certainly leads to voicemail
    next_step: tuple[str, str, str] | None = (
        None  # context, exten, priority: of that key, whatever a phone's state
    )
    voicemail_keys: tuple[str, ...] = ()  # the line's
    read_by_key: tuple[datetime, datetime] | None = None  # in this time only a key ends the Read that asks
    ending: e.Hangup | None = None  # the caller's, until voicemail behind a Local channel has hung up, too
    queued_at: tuple[str, str] | None = None  # the place of the queue in the dialplan
    left_queue: datetime | None = None  # the exchange took the caller out of a queue, for what is not reported
    maybe_voicemail: datetime | bool = False  # up after unsuccessful dials: for what is not reported yet
    consults: TrackedCall | None = None  # this one is a consultation in the service of another
    unsure: TrackedChannel | None = None  # the phone of an answer whose time is not known

    @property
    def has_left(self) -> bool:
        """Whether the caller has certainly requested the hang-up: a request around a gap may echo a refusal."""
        return self.hangup_requested and (self.answered or not self.refused_unheard)

    @property
    def is_called(self) -> bool:
        """Whether its caller is a person outside whom the exchange called (`called_person.py`)."""
        return self.caller.outside and not self.inbound and self.is_emitted

    @property
    def is_own(self) -> bool:
        """Whether this is a call in its own right: emitted, and no visitor that has dialled nothing."""
        return self.is_emitted and not (self.visitor and not self.dialled and not self.answered)

    def may_be_answered_by(self, leg: TrackedChannel) -> bool:
        """Whether a person is there. A person outside whom the exchange called is answered by its phones only."""
        return leg.has_person and not (self.is_called and leg.outside)

    def adopt_channel(self, leg: TrackedChannel) -> None:
        leg.call = self
        self.legs += (leg,)

    def take_apart(self) -> None:
        """Remove the reference cycles of a call that is over: neither it nor a leg may lead to the other."""
        for leg in self.legs:
            leg.call = None
        self.caller.call = self.person = self.consults = self.unsure = None
        self.legs = ()

    def let_go(self, leg: TrackedChannel) -> None:
        """Remove a leg. The caller of this method sets the leg's new call."""
        self.legs = tuple(other for other in self.legs if other is not leg)


def new_call(caller: TrackedChannel, begun: e.Newchannel | None, language: str) -> TrackedCall:
    call = caller.call = TrackedCall(caller.uniqueid, caller, begun, language)
    return call


def pair_halves(legs: Iterable[TrackedChannel]) -> None:
    """Pair the halves of Local channels by their common name: a gap may have hidden the LocalBridge."""
    halves = {leg.channel: leg for leg in legs if not leg.is_phone}
    for name, leg in halves.items():
        other = halves.get(f"{name[:-1]}2") if name.endswith(";1") else None
        if other is not None:
            leg.partner, other.partner = other, leg


class Origination(msgspec.Struct, eq=False):
    """One Originate. It stores the ids of channels and no leg."""

    root: str
    channels: set[str]
    agents: set[str] = msgspec.field(default_factory=set)  # dialled to reach the agent
    is_up: bool = False  # the first channel was answered
    phone: str | None = None  # the agent's, picked up
    call: str | None = None

    def reaches_agent(self, leg: TrackedChannel) -> bool:
        """Whether this channel dials to reach the agent: it is the half ;2 of a Local channel on that side."""
        dialled = leg.partner.uniqueid if leg.partner is not None else leg.uniqueid
        return dialled in self.agents or (leg.partner is not None and dialled == self.root)


class Bridges:
    def __init__(self) -> None:
        self.members: dict[str, list[TrackedChannel]] = {}

    def enter(self, leg: TrackedChannel, bridge: str) -> bool:
        """Add the channel. True if it is alone there and left no other: no channel hears another one."""
        is_alone = (
            leg.bridge is None and leg.partner is None and leg.answered_at is None and bridge not in self.members
        )
        if leg.bridge is not None:
            self.leave(leg)
        members = self.members.setdefault(bridge, [])
        leg.bridge = members[0].bridge if members else bridge  # one string for all members
        members.append(leg)
        return is_alone

    def leave(self, leg: TrackedChannel) -> None:
        name = leg.bridge or ""
        members = self.members.get(name)
        leg.bridge = None
        if members is None:
            return
        if leg in members:
            members.remove(leg)
        if not members:
            del self.members[name]

    def beside(self, leg: TrackedChannel) -> list[TrackedChannel]:
        """All channels in this leg's bridge, including itself."""
        return self.members.get(leg.bridge or "", [])

    def reachable(self, start: TrackedChannel) -> list[TrackedChannel]:
        """All legs whose voice reaches this one: its bridge's, and through Local channels the next bridge's."""
        members = self.members.get(start.bridge or "", ())
        for leg in members:
            if leg.partner is not None:
                return list(self._beyond(start))
        return [leg for leg in members if leg is not start]

    def _beyond(self, start: TrackedChannel) -> Iterator[TrackedChannel]:
        seen = {start.uniqueid}
        waiting = [start]
        while waiting:
            leg = waiting.pop()
            near = list(self.members.get(leg.bridge or "", ()))
            if leg.partner is not None and leg is not start:
                near.append(leg.partner)
            for other in near:
                if other.uniqueid not in seen:
                    seen.add(other.uniqueid)
                    waiting.append(other)
                    yield other


MAX_CHANNELS = 120_000
CROWDED = MAX_CHANNELS // 2


class ChannelLimit:
    """The limit of one exchange: each new channel replaces the one without an event for longest.

    So channels whose end is never reported cannot displace later calls. A call dropped this way is closed like one
    that vanished (`ghost_channels.make_room`). `given_up` counts the dropped channels.
    """

    def __init__(self, legs: dict[str, TrackedChannel]) -> None:
        self._legs = legs
        self.is_crowded = False  # from then on the channels are ordered by their last events
        self.given_up = 0

    @property
    def is_full(self) -> bool:
        return len(self._legs) >= MAX_CHANNELS

    def note_size(self) -> None:
        """Note whether the channels are crowded, before one is added."""
        self.is_crowded = len(self._legs) >= CROWDED

    def record_event(self, event: e.Event) -> None:
        """Move the channels of this event to the end of the order."""
        for name in ("uniqueid", "dest_uniqueid"):
            leg = self._legs.pop(getattr(event, name, ""), None)
            if leg is not None:
                self._legs[leg.uniqueid] = leg
