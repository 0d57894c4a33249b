"""What a listing proves of one call that is up: its caller, its phones, and since when. Pure.

A phone leg's Uniqueid gives its start to a second. `CDR(answer,u)` on the phone's leg is the exact answer under
two conditions. `CDR(start,u)` shows that the record is the leg's first, and nothing can have stood between the
phone and the caller. In all other cases a fact has a `slack`, the time within which it happened.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from callmon.ami import events as e
from callmon.ami.events import BUSY, RINGING, UP
from callmon.core import facts as f
from callmon.core.calls import answering, arrival, called_person, dialling, voicemail
from callmon.core.calls.channels import TrackedCall, TrackedChannel, pair_halves
from callmon.core.calls.endpoints import is_local
from callmon.core.calls.state import TrackerState

# A CDR's newest record that begins later than its channel, which is up by then, is answered as it begins.
BEGINS_ANSWERED = timedelta(seconds=0.05)
# Options of Dial by which the phone that is picked up is not joined with the caller at once.
_ASKING = frozenset("ADMPUp")
SECOND = timedelta(seconds=1)  # a channel's first record begins in the second that its Uniqueid names
_QUARTER = timedelta(minutes=15)
_ARGUMENT = re.compile(r"\([^()]*\)")
_MENU = ("Read", "Background", "BackGround", "WaitExten", "Playback", "IVR")


def place(state: TrackerState, leg: TrackedChannel, entry: e.Status) -> None:
    """Enter the bridge of the entry, or leave the current one if the entry has none."""
    if entry.bridge:
        state.bridges.enter(leg, entry.bridge)
    elif leg.bridge is not None:
        state.bridges.leave(leg)


class Observing(NamedTuple):
    """One listing: the call's events were not received between `since` and `until`."""

    state: TrackerState
    applications: dict[str, str]
    since: datetime | None
    until: datetime | None

    def observe(self, call: TrackedCall, entry: e.Status, phones: list[e.Status]) -> None:
        """Emit what the caller's channel and the phones of the call do now."""
        self._refused(call, entry)
        application = self.applications.get(entry.uniqueid, "")
        self._application(call, entry, application)
        place(self.state, call.caller, entry)
        for phone in sorted(phones, key=lambda phone: phone.uniqueid):
            leg = self._leg(call, phone)
            place(self.state, leg, phone)
            self._in_box(leg, phone)
            if is_rung(phone) and not leg.rang and not call.answered:
                self._rings(call, leg, entry, phone)
        pair_halves(call.legs)
        for phone in phones:
            leg = self.state.legs[phone.uniqueid]
            if phone.state == UP and leg.is_phone:
                called_person.answered_beside(self.state, leg.uniqueid, self.since)
                self._picked_up(call, leg, entry, phone)
        self._took(call, entry)
        if call.answered:
            answering.join(self.state, call, None)  # a transfer may have been taken in the gap, at an unknown time
            is_with = call.person in self.state.bridges.reachable(call.caller)
            call.together_at = self.until if is_with else None

    def _took(self, call: TrackedCall, entry: e.Status) -> None:
        """Emit that voicemail has the caller, after the answer of a person who is on the line, too."""
        self._in_box(call.caller, entry)
        near = () if call.answered else self.state.bridges.reachable(call.caller)
        for leg in (call.caller, *near):
            if leg.mailbox is not None:
                known = call.left_queue or (call.last_stop if call.maybe_voicemail else None)
                start, slack = within(self.since, self.until) if known is None else (known, f.EXACT)
                voicemail.took(self.state, call, start, leg.mailbox, slack)

    def _in_box(self, leg: TrackedChannel, entry: e.Status) -> None:
        """The channel runs VoiceMail, perhaps as the half of a Local channel; or its person listens to a box."""
        application = self.applications.get(entry.uniqueid, "")
        if application == "VoiceMail" and not leg.mailbox:
            leg.mailbox = voicemail.named_in(entry.data) or (
                entry.exten if entry.exten in self.state.profile.mailboxes else ""
            )
        leg.opens_box = leg.opens_box or application == "VoiceMailMain"

    def _leg(self, call: TrackedCall, phone: e.Status) -> TrackedChannel:
        leg = self.state.legs.get(phone.uniqueid)
        if leg is None:
            leg = self.state.legs[phone.uniqueid] = TrackedChannel(phone.uniqueid, phone.channel)
        if leg.call is not call:
            self.state.adopt_leg(call, leg)
        if leg.call is call and not leg.dialled and not leg.answered and not phone.dialled:
            self._dialled_unheard(call, leg)
        return leg

    def _dialled_unheard(self, call: TrackedCall, leg: TrackedChannel) -> None:
        """A leg whose DialBegin was not received, perhaps not even its Newchannel."""
        state = self.state
        leg.dialled = call.dialled = True
        if leg.is_phone:
            leg.outside = state.profile.endpoints.is_outside_dialled(leg.channel, "")
            arrival.settle_direction(state, call, leg.outside)
            state.emit(f.PhoneDialled(call.id, None, *state.phone_and_channel(leg)))

    def _refused(self, call: TrackedCall, entry: e.Status) -> None:
        """Whether the caller has been given the busy signal. No listing shows a request to hang up."""
        if entry.state == BUSY and call.is_emitted and not call.busy:
            self.state.emit(f.CallerBusy(call.id, None))
        if entry.state == BUSY:
            call.busy, call.hangup_requested = True, False  # a request before was the echo of the refusal
        call.refused_unheard = False

    def _application(self, call: TrackedCall, entry: e.Status, application: str) -> None:
        """A menu, or a queue: the caller need not hear what rings there. Voicemail comes after all ringing."""
        state = self.state
        start, slack = within(self.since, self.until)
        if application == "VoiceMail":
            return
        if application == "Queue":
            call.queued_at = state.common(entry.context), state.common(entry.exten)
        if application == "Queue" and call.queue is None:
            call.queue = "?"
            if not call.answered:
                if entry.state == UP and call.inbound and not entry.bridge:
                    answering.open_line(state, call, None)
                state.emit(f.QueueEntered(call.id, start, "?", slack))
        elif application != "Queue" and call.queue is not None and not call.answered:
            state.emit(f.QueueLeft(call.id, start, call.queue, slack=slack))
            call.queue = None
        elif entry.state == UP and call.inbound and not entry.bridge and not call.answered:
            answering.open_line(state, call, self.since if application in _MENU else None)
            call.line_up = bool(call.line_up)  # this need not be the first menu, nor the one that offers languages

    def _rings(self, call: TrackedCall, leg: TrackedChannel, entry: e.Status, phone: e.Status) -> None:
        """Emit when this phone began to ring: in the gap, once its channel was created and before its answer.

        A phone that a push message wakes begins seconds after its channel. Another may have rung before it.
        """
        begun, up = e.born(phone.uniqueid), leg.answered_at or up_by(phone)
        start = begun if begun is None or self.since is None else earliest(entry, begun, self.since)
        if start is not None and up is not None and up < start:
            return  # picked up before the gap, without ringing
        start, slack = within(start, min(filter(None, (up, self.until)), default=None))
        dialling.rang(self.state, call, leg, start, slack=slack)

    def _picked_up(self, call: TrackedCall, leg: TrackedChannel, entry: e.Status, phone: e.Status) -> None:
        """A phone is picked up; it may be with the caller only from its join on."""
        if not leg.answered:
            leg.joined_unheard = max(filter(None, (e.born(phone.uniqueid), self.since)), default=None)
        leg.answered = True
        if not call.answered and call.may_be_answered_by(leg) and self._has_caller(call, leg):
            self._answered(call, leg, entry, phone)

    def _has_caller(self, call: TrackedCall, leg: TrackedChannel) -> bool:
        """In one bridge with the caller, perhaps through Local channels; or the caller waits alone in a bridge."""
        bridges = self.state.bridges
        near = bridges.reachable(call.caller)
        if leg in near or any(other.is_phone and other.call is call for other in near):
            return leg in near
        beside = bridges.beside(leg)
        return bool(call.caller.bridge and leg.bridge) and not any(
            other.channel.endswith(";2") for other in beside
        )

    def _answered(self, call: TrackedCall, leg: TrackedChannel, entry: e.Status, phone: e.Status) -> None:
        exact = up_since(phone)
        if exact is not None and is_joined_at_once(entry, phone):
            answering.answer(self.state, call, leg, exact, found=True)
            return
        call.unsure = leg
        first = max(filter(None, (e.born(phone.uniqueid), self.since, exact)), default=None)
        joined_by = moved_by(phone) if phone.begun else up_by(phone)  # before it changed its bridge
        last = min(filter(None, (joined_by, self.until)), default=None)
        start, slack = within(first, last)
        answering.answer(self.state, call, leg, start, slack, found=True)


def is_ringing(phones: list[e.Status]) -> bool:
    """Whether a phone of the call rings, or has been picked up."""
    return any(is_rung(phone) for phone in phones)


def is_rung(phone: e.Status) -> bool:
    """Whether it rings, or has been picked up. One that dialled (a pick-up, a pool's agent) never rang."""
    return phone.state in (RINGING, UP) and not phone.dialled and not is_local(phone.channel)


def rung_by(entry: e.Status) -> datetime | None:
    """The time by which a ringing phone was dialled: its Uniqueid names the second."""
    second = e.born(entry.uniqueid)
    return None if second is None else second + SECOND


def up_since(entry: e.Status) -> datetime | None:
    """When this channel went up; None where that is not known exactly.

    CDR(answer,u) is that of the channel's newest record. A channel that changes its bridge (its person consults,
    or comes back), or dials once more, gets another record, which is answered when it begins.
    """
    at, begun = up_by(entry), _begun(entry)
    return at if at is not None and begun is not None and at - begun >= BEGINS_ANSWERED else None


def up_by(entry: e.Status) -> datetime | None:
    """The time by which this channel was up: CDR(answer,u) of any record. None when it says nothing."""
    return e.instant(entry.answered)


def moved_by(entry: e.Status) -> datetime | None:
    """The time by which this channel was in its second bridge, or a later one: its record is not its first."""
    begun, own = e.instant(entry.begun), e.born(entry.uniqueid)
    if begun is None or own is None or begun - own < SECOND or up_since(entry) is not None:
        return None
    return up_by(entry)


def is_joined_at_once(caller: e.Status, phone: e.Status) -> bool:
    """Whether the phone is joined with the caller as soon as it goes up.

    Not where a confirmation, an announcement or a Local channel may stand between the two. Not where the phone was
    not dialled either: one that picks up another's call has gone up before.
    """
    if caller.application != "Dial" or caller.bridge != phone.bridge or phone.dialled:
        return False
    options = _ARGUMENT.sub("", caller.data).split(",")[2:3]
    return not _ASKING.intersection("".join(options))


def _begun(entry: e.Status) -> datetime | None:
    return e.instant(entry.begun) or _begun_before(up_by(entry), entry.begun_local)


def _begun_before(at: datetime | None, local: str) -> datetime | None:
    """The latest that this local time, in whole seconds and an unknown zone (by quarters of an hour), can be."""
    try:
        begun = datetime.fromisoformat(local).replace(tzinfo=UTC)
    except ValueError:
        return None
    if at is None:
        return None
    return min(at, at - (at - begun) % _QUARTER + SECOND)


def within(since: datetime | None, until: datetime | None) -> tuple[datetime | None, timedelta]:
    """A moment between two times, with its slack; None when one of them is not known."""
    if since is None or until is None or until < since:
        return None, f.EXACT
    return since, until - since


def earliest(entry: e.Status, dialled: datetime, since: datetime) -> datetime:
    """The time before which a gap cannot hide ringing: the gap had not begun, or a menu had the caller."""
    up = up_since(entry)
    begun = _begun(entry)
    own = e.born(entry.uniqueid)
    if up is None or begun is None or own is None or begun - own >= SECOND:
        return since  # it has been in a bridge, or something was dialled for it before
    return up if since < up <= dialled else since
