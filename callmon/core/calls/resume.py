"""A stored call becomes one that the tracker follows again, after callmon itself was away. Pure.

The call may also be followed already, with more facts stored than received: another instance received them.

Its facts contain the phones being rung, the person on the line, and whether the caller was on the way to another
party. They do not contain the ids of its legs. The next listing brings these, by the channels' names. Until then
the call is doubtful.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from callmon.core import facts as f
from callmon.core.calls import transfers
from callmon.core.calls.account import CallAccount
from callmon.core.calls.arrival import set_line
from callmon.core.calls.channels import NOWHERE, PendingTransfer, TrackedCall, TrackedChannel, new_call
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.state import TrackerState
from callmon.core.facts import Fact


def resume(state: TrackerState, account: CallAccount, facts: Sequence[Fact]) -> None:
    """Resume a call in progress from its account and the facts that made it."""
    arrival = account.arrival
    call = state.calls.get(arrival.call)
    if call is not None:
        _know(state, call, account, facts)
        if call.sent is not None and not state.is_unheard:  # the caller may be back; emitted with the next event
            transfers.joined(state, call, state.exchange_time)
        return
    if arrival.line is not None:
        state.profile.endpoints.learn(arrival.channel, outside=True)
    leg = state.legs[arrival.call] = TrackedChannel(arrival.call, arrival.channel)
    call = state.calls[arrival.call] = new_call(leg, None, _channels_language(state, facts))
    call.is_emitted, call.doubtful = True, True
    call.legs = tuple(_know(state, call, account, facts).phones.values())


def _channels_language(state: TrackerState, facts: Iterable[Fact]) -> str:
    """The language of the caller's channel, if a choice shows it.

    A language that the dialplan stated, a line's and a queue's need not be the channel's.
    """
    last = ""
    for fact in facts:
        if isinstance(fact, f.QueueEntered) and fact.queue in state.profile.queue_languages:
            return ""
        last = fact.language if isinstance(fact, f.LanguageChosen) and not fact.stated else last
    return last


def _know(state: TrackerState, call: TrackedCall, account: CallAccount, facts: Sequence[Fact]) -> _People:
    arrival = account.arrival
    _know_direction(call, arrival)
    call.answered = account.answer is not None
    call.voicemail = account.voicemail is not None
    call.message = bool(account.message)
    call.dialled = account.tried > 0
    call.rung = account.heard_ringing
    call.ringback_unknown = account.untold_from is not None
    line = state.profile.line(arrival.dialled) if arrival.line is not None else None
    if line is not None:
        set_line(call, line)
    call.language_is_known = call.language_is_known or any(isinstance(fact, f.LanguageChosen) for fact in facts)
    may_have_missed = state.is_unheard or account.is_partly_heard()
    call.line_up = bool(account.opened) if may_have_missed else account.opened  # a later menu may be missing
    call.queued = call.queued or account.queue.entered
    call.surveyed = account.handing.survey is not None
    call.last_stop = account.stopped
    call.number = arrival.caller
    call.queue = "?" if account.queue.is_in else None
    call.held = account.handing.held
    if account.handing.is_parked and call.parked_from == NOWHERE:
        call.parked, call.parked_from = True, ""
    call.parked = call.parked and account.handing.is_parked  # no fact states that the caller left the lot
    if not may_have_missed:
        _know_all(call)
    received, call.sent = call.sent, None
    people = _People(call)
    for fact in facts:
        people.record_fact(fact)
    if call.sent is not None and received is not None and received.at == call.sent.at:
        call.sent.taken = call.sent.taken or received.taken  # no fact states a refusal
    if call.person is not None:
        _find_person(state, call, call.person)
        state.talking[endpoint(call.person.channel)] = call
    return people


def _know_all(call: TrackedCall) -> None:
    """The other instance received what no event has shown here, and stated what a dial lets the caller hear."""
    call.sent_unheard = call.gone_unheard = call.refused_unheard = False
    call.ringback_unknown = call.ringback_unknown or call.dialled
    call.unheard_since = None
    for leg in call.legs:
        leg.joined_unheard = None


def _know_direction(call: TrackedCall, arrival: f.Arrived) -> None:
    call.inbound = arrival.direction == "inbound"
    call.outbound = arrival.direction == "outbound" and not arrival.person_first
    call.caller.outside = call.caller.outside or arrival.person_first


def _find_person(state: TrackerState, call: TrackedCall, person: TrackedChannel) -> None:
    """Find the channel of a person who picked up, or retrieved, the call: it may be known as a call of its own."""
    if person.uniqueid:
        return
    leg = next((leg for leg in state.legs.values() if leg.channel == person.channel), None)
    if leg is not None:
        state.adopt_visitor(call, leg)
        leg.answered, call.person = True, leg


class _People:
    """The phones being rung, the person on the line, and the person who sent the caller off."""

    def __init__(self, call: TrackedCall) -> None:
        self.call = call
        self.legs = {leg.channel: leg for leg in call.legs}
        self.phones = self.legs.copy()  # that are still tried, or with the caller
        self.ringing: set[str] = set()

    def record_fact(self, fact: Fact) -> None:
        self._record_queue(fact)
        match fact:
            case f.PhoneDialled(channel=channel):
                self._phone(channel, fact.phone).dialled = True
                if self.call.sent is not None:
                    self.call.sent.dialled = True
            case f.PhoneRang(channel=channel) if channel in self.phones:
                leg = self.phones[channel]
                leg.rang = True
                leg.rang_at = fact.at
                leg.rang_slack = fact.slack
                self.ringing.add(fact.phone)
                self._is_taken()
            case f.Answered() | f.PersonJoined():
                self.call.person = self._phone(fact.channel, fact.phone)
                self.call.person.answered = True
            case f.PhoneStopped(channel=channel):
                self.phones.pop(channel, None)
                self.ringing.discard(fact.phone)
                if fact.why == "busy":
                    self._is_taken()
            case f.SentOff():
                self.call.sent = PendingTransfer(fact.kind, fact.by, fact.to, fact.at)
                self.call.sent.unheard = fact.unheard
                self.call.sent.taken = fact.to in self.ringing
            case f.Transferred() | f.CameBack():
                self.call.sent = None
            case f.Parted():
                self.call.person, self.call.handed_on = None, self.call.outbound
            case f.Parked():
                self.call.sent = self.call.person = None
            case f.Unheard() if self.call.sent is not None:
                self.call.sent.is_unsure = True  # the next party may have answered in the gap
            case f.CallerBusy():
                self.call.busy, self.call.hangup_requested = True, False
            case f.HangupRequested():
                self.call.hangup_requested = self.call.request_emitted = True
                self.call.hangup_requested_at = fact.at
            case f.QueueEntered() | f.VoicemailTook():
                self._is_taken()

    def _record_queue(self, fact: Fact) -> None:
        """A fact from before this instance received that the caller was taken out of the queue changes nothing."""
        left = self.call.left_queue
        if left is not None and fact.at is not None and fact.at <= left:
            return
        if isinstance(fact, f.QueueLeft | f.QueueEntered | f.PhoneDialled | f.VoicemailTook):
            self.call.left_queue = fact.at if isinstance(fact, f.QueueLeft) and fact.sent_away else None

    def _phone(self, channel: str, phone: str) -> TrackedChannel:
        leg = self.phones.get(channel)
        if leg is None:
            leg = self.legs.get(channel)
            if leg is None:
                leg = self.legs[channel] = TrackedChannel("", channel, self.call)
                leg.outside = phone == f.OUTSIDE
            self.phones[channel] = leg
        return leg

    def _is_taken(self) -> None:
        if self.call.sent is not None:
            self.call.sent.taken = True
