"""Events to facts: who called, what rang, who answered, what took the call. Pure: no I/O, no clock.

    Newchannel (Ring, its own Linkedid) ─▶ Arrived ─▶ PhoneDialled ─▶ PhoneRang ─▶ Answered ─▶ Ended
                                             ├─▶ LineOpened (menu) ─▶ LanguageChosen
                                             ├─▶ QueueEntered ─▶ QueueLeft
                                             └─▶ VoicemailTook ─▶ MessageLeft

A call is its caller's channel, whose Uniqueid never changes; every leg that the exchange creates for it bears
its Linkedid, and legs born on their own (a pick-up's taker) are taken in when they are dialled into it.
Tolerated, since real exchanges do it: Newstate before DialBegin, DialEnd twice, DialEnd without DialBegin, no
DialEnd at all, no DialState at all, Hangups in any order. An answer is a person and the caller joined in a
bridge (also through Local channels): a phone that was picked up and then refused the call in a confirmation
prompt has not answered.

Refuses: to guess. What a gap hid is settled by the next listing (`listing.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from callmon.ami import events as e
from callmon.ami.clock import ClockSet
from callmon.core import facts as f
from callmon.core.calls import (
    arrival,
    availability,
    click_to_dial,
    clock_steps,
    conferences,
    dialling,
    hairpins,
    language,
    queues,
    surveys,
    transfers,
    user_events,
    voicemail,
)
from callmon.core.calls.channel_limit import CROWDED, Crowd
from callmon.core.calls.channels import NOT_HEARD, OUTSIDE, PHONE, RANG, Bridges, Leg, TrackedCall, new_call
from callmon.core.calls.endpoints import endpoint, extension, masked
from callmon.core.calls.listing import Listing
from callmon.core.calls.phone_states import Phones
from callmon.core.calls.site import Site
from callmon.core.facts import Fact

# A join follows the phone's answer within milliseconds; after longer, something stood between (a confirmation
# prompt, an announcement to the agent), and the caller has a person only from the join on.
JOINED_AT_ONCE = timedelta(seconds=0.5)
# Causes of a dial that made no channel: no route, absent, not registered, no circuit, out of order. The caller's
# cause is stale for all else, but nothing else sets these.
NO_CHANNEL = frozenset(("1", "2", "3", "20", "27", "34", "38", "42", "44", "58"))
MAX_TEXTS = 10_000
UP, RING, RINGING, BUSY = "6", "4", "5", "7"


class Tracker:
    """All calls in progress on one exchange."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.legs: dict[str, Leg] = {}
        self.calls: dict[str, TrackedCall] = {}
        self.bridges = Bridges()
        self.listing = Listing(self)
        self.phones = Phones()
        self.waiting: dict[str, TrackedCall] = {}  # callers to whom it matters how phones stand
        self.no_longer_waiting: dict[str, availability.Waiting] = {}  # by line
        self.talking: dict[str, TrackedCall] = {}  # by the endpoint of the person on the line
        self.crowd = Crowd(self)
        self._latest: e.Event | None = None  # that bears a time
        self.unborn: dict[str, e.Newchannel] = {}
        self.originations: click_to_dial.Originations = {}
        self.gone_out: hairpins.Out = {}  # dialled outside for a caller: it may come back
        self.dialplan_heard = False
        self._texts: dict[str, str] = {}
        self._out: list[Fact] = []
        self._steps = self._all_steps()

    def _all_steps(self) -> dict[type[e.Event], Callable[[Any], None]]:
        """What is done at each kind of event."""
        return {
            e.Newchannel: self._newchannel,
            e.Newstate: self._newstate,
            e.DialBegin: partial(dialling.begin, self),
            e.DialState: partial(dialling.state, self),
            e.DialEnd: partial(dialling.end, self),
            e.MusicOnHoldStart: partial(dialling.music, self),
            e.BlindTransfer: partial(transfers.blind, self),
            e.AttendedTransfer: partial(transfers.attended, self),
            e.ParkedCall: partial(transfers.parked, self),
            e.UnParkedCall: partial(transfers.retrieved, self),
            e.ParkedCallTimeOut: partial(transfers.parking_over, self),
            e.BridgeEnter: self._bridge_enter,
            e.BridgeLeave: self._bridge_leave,
            e.LocalBridge: self._local_bridge,
            e.Hangup: self._hangup,
            e.HangupRequest: self._hangup_request,
            e.SoftHangupRequest: self._soft_hangup_request,
            e.Hold: partial(transfers.hold, self),
            e.Unhold: partial(transfers.hold, self),
            e.Newexten: partial(voicemail.step, self),
            e.MessageWaiting: partial(voicemail.message_waiting, self),
            e.QueueCallerJoin: partial(queues.joined, self),
            e.QueueCallerLeave: partial(queues.left, self),
            e.UserEvent: partial(user_events.said, self),
            e.DeviceStateChange: partial(availability.changed, self),
            e.Registry: self.phones.registrations.told,
            e.FullyBooted: self.listing.booted,
            e.Presentation: partial(arrival.presentation, self),
            e.Shutdown: self.listing.stopped,
            e.ConnectionLost: self.listing.lost,
            ClockSet: partial(clock_steps.was_set, self),
            e.ListingRefused: self.listing.refused,
            e.CoreShowChannel: self.listing.entry,
            e.CoreShowChannelsComplete: self.listing.channels_complete,
            e.Status: self.listing.entry,
            e.StatusComplete: self.listing.status_complete,
        }

    def feed(self, event: e.Event) -> list[Fact]:
        """The facts that follow from one more event, in order."""
        if event.stamp:
            self._latest = event
        if len(self.legs) > CROWDED:
            self.crowd.heard(event)
        self._steps[type(event)](event)
        if not self._out:
            return []
        out, self._out = self._out, []
        return self.listing.doubted(out) if self.listing.is_unheard else out

    @property
    def clock(self) -> datetime | None:
        """The exchange's last time."""
        return self._latest.at if self._latest is not None else None

    def tell(self, fact: Fact) -> None:
        """One fact out."""
        self._out.append(fact)

    # Channels and calls come and go.

    def _newchannel(self, event: e.Newchannel) -> None:
        uniqueid = event.uniqueid
        if not uniqueid or uniqueid in self.legs:
            return
        self.crowd.make_room(event.at)
        call = self.calls.get(event.linkedid)
        leg = self.legs[uniqueid] = Leg(uniqueid, event.channel)
        if call is not None:
            call.take(leg)
        elif uniqueid == event.linkedid and event.exten and leg.flags & PHONE:
            if event.state == RING:
                if not self.gone_out or not hairpins.came_back(self, leg, event):
                    self.begin(leg, event)
            else:
                self.unborn[uniqueid] = event
        else:
            click_to_dial.born(self, leg, event)

    def begin(self, leg: Leg, event: e.Newchannel) -> None:
        """A channel that calls in: a call, whose direction may be known only when something is dialled."""
        call = self.calls[leg.uniqueid] = new_call(leg, event, self.common(event.language))
        line = arrival.line(self, leg.channel, event.exten, event.caller)
        if line is not None:
            arrival.tell(self, call, "inbound", line)

    def _hangup(self, event: e.Hangup) -> None:
        leg = self.legs.pop(event.uniqueid, None)
        self.listing.gone(event.uniqueid)
        if self.originations:
            click_to_dial.gone(self, event.uniqueid)
        if leg is None:
            return
        self.unborn.pop(event.uniqueid, None)
        if leg.bridge is not None:
            self.bridges.leave(leg)
        if leg.seldom is not None and leg.partner is not None:
            leg.partner.partner = None
        if self.gone_out:
            hairpins.forget(self, leg)
        call = leg.call
        if call is None:
            return
        if leg is call.caller:
            self._end(call, event)
            return
        if leg.is_tried:
            dialling.stop(self, call, leg, event.at, "gone")
        call.let_go(leg)

    def _end(self, call: TrackedCall, event: e.Hangup) -> None:
        at = event.at
        language.heard(self, call, event)
        arrival.settle_direction(self, call, dialled_outside=False)
        for leg in call.legs:
            dialling.rang_by_hint(self, call, leg)
        voicemail.by_place(self, call, event)
        surveys.by_place(self, call, event)
        if call.seldom is not None and call.maybe_voicemail:
            voicemail.took_by(self, call, at, None)
        if event.cause in NO_CHANNEL and not call.dialled:
            self._out.append(f.DialFailed(call.id, at))
        if event.cause == "17" and not call.line_up and not call.busy and not call.voicemail:
            availability.refused(self, call, at)
            self._out.append(f.CallerBusy(call.id, at))
        by: f.Ender = "caller" if call.asked else "unknown" if call.gone_unheard else "exchange"
        how: f.EndedHow = "stopped" if call.stopping else "hangup"
        # The caller is gone from the request on; until the Hangup the dialplan may clear up (`h`) for seconds.
        self.close(call, f.Ended(call.id, (call.asked_at if call.asked else None) or at, by, how))

    def close(self, call: TrackedCall, ended: f.Ended) -> None:
        """The call is over; legs that live on (a colleague still talking to another) are nobody's."""
        transfers.settle(self, call, ended.at)
        availability.decided(self, call, ended.at)
        if call.told:
            self._out.append(ended)
        if call.person is not None and self.talking.get(endpoint(call.person.channel)) is call:
            del self.talking[endpoint(call.person.channel)]
        self.calls.pop(call.id, None)
        self.legs.pop(call.id, None)
        click_to_dial.gone(self, call.id)
        call.take_apart()

    def _hangup_request(self, event: e.HangupRequest) -> None:
        call = self.calls.get(event.uniqueid)
        if call is None:
            dialling.asked(self, event)
        elif not call.busy and (call.answered or not call.refused_unheard):  # else our own refusal's echo
            call.asked, call.asked_at = True, event.at
            voicemail.by_place(self, call, event)
            surveys.by_place(self, call, event)

    def _soft_hangup_request(self, event: e.SoftHangupRequest) -> None:
        call = self.calls.get(event.uniqueid)
        if call is not None and event.cause == "4":
            call.stopping = True

    def take_in(self, call: TrackedCall, leg: Leg) -> None:
        """A channel born on its own (a pick-up's taker, a retriever) is a leg of the call it serves."""
        own = self.calls.get(leg.uniqueid)
        if own is not None:
            if own.told:  # a call of its own that was already told is not swallowed
                return
            del self.calls[own.id]
        elif leg.call is not None:
            leg.call.let_go(leg)
        call.take(leg)

    def absorb(self, call: TrackedCall) -> None:
        """A consultation's own account ends where its legs join the caller's call."""
        self.calls.pop(call.id, None)
        if call.told:
            self._out.append(f.Ended(call.id, self.clock, "exchange"))

    def common(self, text: str) -> str:
        """A language, a line's number: many calls have the same, and it is kept once."""
        return self._texts.setdefault(text, text) if len(self._texts) < MAX_TEXTS else text

    def phone(self, leg: Leg) -> str:
        """The name under which facts know a phone: its extension, or `outside`."""
        if leg.flags & OUTSIDE:
            return f.OUTSIDE
        if not leg.extension:
            hidden = self.site.endpoints.hides(leg.channel)
            leg.extension = f.OUTSIDE if hidden else self.common(extension(leg.channel))
        return leg.extension

    def named(self, leg: Leg) -> str:
        return masked(leg.channel) if self.phone(leg) == f.OUTSIDE else leg.channel

    # Somebody, or something, takes the call.

    def _newstate(self, event: e.Newstate) -> None:
        leg = self.legs.get(event.uniqueid)
        if leg is None:
            return
        call = leg.call
        if call is None:
            if event.state == RING and (born := self.unborn.pop(event.uniqueid, None)) is not None:
                self.begin(leg, born)
        elif leg is not call.caller:
            if event.state == RINGING and not leg.rang_at and not leg.flags & RANG:
                leg.rang_at = event.stamp
        elif event.state == UP:
            self._caller_up(call, event)
            call.flags &= ~NOT_HEARD
        elif event.state == BUSY:
            call.flags &= ~NOT_HEARD
            call.busy, call.asked = True, False  # a request that came just before was its echo
            arrival.settle_direction(self, call, dialled_outside=False)
            availability.refused(self, call, event.at)
            self._out.append(f.CallerBusy(call.id, event.at))

    def _caller_up(self, call: TrackedCall, event: e.Newstate) -> None:
        """The caller's line goes up: for a person (told by the join), for voicemail, or for the exchange."""
        language.heard(self, call, event)
        taken = call.answered or call.voicemail or any(leg.answered for leg in call.legs)
        if taken or (not call.inbound and call.dialled):
            return
        voicemail.by_place(self, call, event)
        if call.voicemail:
            return
        if call.dialled and call.gone_unheard and call.told:  # for whom, or what, may have been said in the gap
            self._out.append(f.Unheard(call.id, call.unheard_since, event.at, may_hide_answer=True))
        elif call.dialled and not self.dialplan_heard:
            call.maybe_voicemail = event.at or True
        else:
            self.open_line(call, event.at)

    def open_line(self, call: TrackedCall, at: datetime | None) -> None:
        """Tell that the exchange itself took the line."""
        if call.told and not call.line_up:
            call.line_up = at or True
            self._out.append(f.LineOpened(call.id, at))

    def not_voicemail_after_all(self, call: TrackedCall, event: e.Event) -> None:
        if call.seldom is not None and call.maybe_voicemail:
            when, call.maybe_voicemail = call.maybe_voicemail, False
            self.open_line(call, when if isinstance(when, datetime) else event.at)

    def _bridge_enter(self, event: e.BridgeEnter) -> None:
        leg = self.legs.get(event.uniqueid)
        if leg is None:
            return
        if self.bridges.enter(leg, event.bridge):
            return
        call = leg.call
        if call is not None and leg is call.caller:
            call.flags &= ~NOT_HEARD
        # It may be with a caller's leg through others, or have come to a caller by itself.
        if call is None or call.caller.bridge is None or not (call.told or call.consults):
            call = next((near.call for near in self.bridges.reachable(leg) if near.call is not None), call)
        if call is not None:
            self.join(call, event)

    def _bridge_leave(self, event: e.BridgeLeave) -> None:
        leg = self.legs.get(event.uniqueid)
        if leg is None or leg.bridge != event.bridge:
            return
        self.bridges.leave(leg)
        if leg.call is not None:
            transfers.left(self, leg.call, leg, event)

    def join(self, call: TrackedCall, event: e.Event | None) -> None:
        """Is the caller joined with a person, or with voicemail behind a Local channel?"""
        if call.caller.bridge is None:
            return
        at = event.at if event is not None else None
        near = self.bridges.reachable(call.caller)
        conferences.admit(self, call, near)
        if call.answered:
            transfers.joined(self, call, at)
            return
        for leg in near:
            if leg.mailbox is not None:
                voicemail.took(self, call, at, leg.mailbox)
            elif leg.has_person:
                arrival.settle_direction(self, call, leg.outside)
                self.answer(call, leg, *self._when_joined(leg, at))
                return

    @staticmethod
    def _when_joined(leg: Leg, at: datetime | None) -> tuple[datetime | None, timedelta, bool]:
        """When, within what time after it, and whether only a listing tells it."""
        picked_up, unheard = leg.answered_at, leg.joined_unheard
        if picked_up is not None and at is not None and at - picked_up <= JOINED_AT_ONCE:
            return picked_up, f.EXACT, False
        if unheard is None or at is None or at < unheard:
            return at, f.EXACT, False
        return unheard, at - unheard, True  # this need not have been the first time

    def answer(
        self,
        call: TrackedCall,
        leg: Leg,
        at: datetime | None,
        slack: timedelta = f.EXACT,
        found: bool = False,
    ) -> None:
        """Tell that a person answered the caller."""
        call.answered = leg.answered = True
        call.sent_unheard = found
        call.person = leg
        self.talking[endpoint(leg.channel)] = call
        call.maybe_voicemail = False  # the line went up for this person, before it was told that one answered
        leg.answered_at = None  # it has served
        rang, later = (e.moment(leg.rang_at), leg.rang_slack) if leg.rang else (None, f.EXACT)
        availability.decided(self, call, at)
        self._out.append(f.Answered(call.id, at, self.phone(leg), self.named(leg), rang, slack, found, later))

    def _local_bridge(self, event: e.LocalBridge) -> None:
        one, two = self.legs.get(event.one), self.legs.get(event.two)
        if one is not None and two is not None:
            one.partner, two.partner = two, one
