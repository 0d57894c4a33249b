"""The known channels, bridges and calls of one exchange, and how a fact is emitted. Pure.

Every situation (`dialling`, `transfers`, `voicemail` …) takes a `TrackerState` and changes it. None knows the
tracker, which only chooses the situation by the kind of the event.
"""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import Bridges, ChannelLimit, Origination, TrackedCall, TrackedChannel, WaitState
from callmon.core.calls.endpoints import extension, masked
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.calls.phone_states import Phones
from callmon.core.facts import Fact

MAX_TEXTS = 10_000
MAX_DEFERRED = 1_000


class TrackerState:
    """All channels and calls in progress on one exchange."""

    def __init__(self, profile: ExchangeProfile) -> None:
        self.profile = profile
        self.legs: dict[str, TrackedChannel] = {}
        self.calls: dict[str, TrackedCall] = {}
        self.bridges = Bridges()
        self.phones = Phones()
        self.limit = ChannelLimit(self.legs)
        self.waiting: dict[str, TrackedCall] = {}  # callers for whom the states of phones matter
        self.no_longer_waiting: dict[str, WaitState] = {}  # by line
        self.talking: dict[str, TrackedCall] = {}  # by the endpoint of the person on the line
        self.unborn: dict[str, e.Newchannel] = {}
        # Originates, by the id of each channel, and by the first one's for as long as any channel is left.
        self.originations: dict[str, Origination] = {}
        # Dialled outside for a caller, by the caller's number and the number dialled: it may come back.
        self.gone_out: dict[tuple[str | None, str], tuple[TrackedChannel, datetime | None]] = {}
        self.newest_legs: deque[TrackedChannel] = deque(maxlen=8)  # one of them may just be on its way out
        # Persons outside, dialled within another call; whether they have answered.
        self.beside: dict[str, bool] = {}
        self.early: list[e.Event] = []  # a return before its DialBegin, and what was received since
        self.dialplan_heard = False  # steps of VoiceMail are received
        self.voicemail_contexts: set[str] = set()  # where
        self.steps_heard = False  # and other steps: a menu before voicemail would have been reported
        self.rings_told = True  # each phone that rings says so; CEL names only those that are dialled
        self.ringback_heard = False  # the exchange reports the steps that make the caller hear ringing
        self.ringback_missed = False  # a caller's phones were dialled without such a step
        self.is_unheard = True  # until a listing is complete
        self.deferred: list[Callable[[], None]] = []  # until then
        self.ghosts_closed = 0  # calls closed without their caller's Hangup: it vanished, or was over the limit
        self.latest: e.Event | None = None  # the last one with a time
        self.emitted: list[Fact] = []  # since the last event
        self.emit: Callable[[Fact], None] = self.emitted.append
        self._texts: dict[str, str] = {}

    @property
    def exchange_time(self) -> datetime | None:
        """The exchange's last time."""
        return self.latest.at if self.latest is not None else None

    def defer(self, step: Callable[[], None]) -> None:
        """Run `step` once the listing is complete: the event concerns a channel that the listing may contain."""
        if self.is_unheard and len(self.deferred) < MAX_DEFERRED:
            self.deferred.append(step)

    def adopt_leg(self, call: TrackedCall, leg: TrackedChannel) -> None:
        """Make a channel created on its own (a pick-up's taker, a retriever) a leg of the call it serves."""
        own = self.calls.get(leg.uniqueid)
        if own is not None:
            if own.is_own:
                return
            self.absorb(own)
        elif leg.call is not None:
            leg.call.let_go(leg)
        call.adopt_channel(leg)

    def adopt_visitor(self, call: TrackedCall, leg: TrackedChannel) -> None:
        """Adopt the channel of a person whose own call a listing showed, before the two were joined."""
        own = leg.call
        if own is not None and own is not call and own.visitor and own.caller is leg:
            self.adopt_leg(call, leg)

    def absorb(self, call: TrackedCall) -> None:
        """The account of a consultation or a visitor ends where its legs join the caller's call."""
        self.calls.pop(call.id, None)
        if call.is_emitted:
            self.emit(f.Ended(call.id, self.exchange_time, "exchange"))

    def common(self, text: str) -> str:
        """Return the shared copy of a text: many calls have the same language or line number."""
        return self._texts.setdefault(text, text) if len(self._texts) < MAX_TEXTS else text

    def phone(self, leg: TrackedChannel) -> str:
        """The name of a phone in facts: its extension, or `outside`."""
        if leg.outside:
            return f.OUTSIDE
        if not leg.extension:
            hidden = self.profile.endpoints.hides(leg.channel)
            leg.extension = f.OUTSIDE if hidden else self.common(extension(leg.channel))
        return leg.extension

    def phone_and_channel(self, leg: TrackedChannel) -> tuple[str, str]:
        """The name of a phone in facts, and its channel's name without a telephone number in it."""
        phone = self.phone(leg)
        return phone, masked(leg.channel) if phone == f.OUTSIDE else leg.channel
