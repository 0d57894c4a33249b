"""Click-to-dial: the exchange itself begins a call (Originate), rings a phone of ours, and dials for it. Pure.

    first channel, dialled by nobody ── itself a phone ─────────────┐                 the first channel dials
                                     └─ Local channels ── a phone ──┴─ picked up ──▶ ── Local channels ── number

Nobody calls in: the first channel is born Down, its ringing and its answer are dialled by nobody, and that first
answer is our colleague's, not the other party's. All channels of an Originate bear the first one's id. The call is
there once the phone was picked up and something is dialled for it; that phone's channel is the caller, since Local
channels may be optimised away. Until then, and where nothing is dialled (a wake-up call, a conference), it is none.

The number is in what is dialled last, outside: the phone's own `Exten` is `s`, a Local channel's is the dialplan's.

Refuses: a call whose first party is outside (a dialler rings the citizen first), since who calls whom, nothing
says; and one that dials before any phone was picked up (voicemail has taken the agent's side).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from callmon.ami import events as e
from callmon.calls.endpoints import extension, is_local, is_number, number_dialled
from callmon.calls.legs import Leg, TrackedCall, new_call

if TYPE_CHECKING:
    from callmon.calls.tracker import Tracker


class Origination:
    """What is known of one Originate. Channels are known by their ids: nothing leads from here to a leg."""

    __slots__ = ("agents", "call", "channels", "is_up", "phone", "root")

    def __init__(self, root: str) -> None:
        self.root = root
        self.channels = {root}
        self.agents: set[str] = set()  # dialled to reach the agent
        self.is_up = False  # the first channel was answered
        self.phone: str | None = None  # the agent's, picked up
        self.call: str | None = None

    def reaches_agent(self, leg: Leg) -> bool:
        """Whether this channel dials on the agent's side: the other half of a Local channel dialled there."""
        dialled = leg.partner.uniqueid if leg.partner is not None else leg.uniqueid
        return dialled in self.agents or (leg.partner is not None and dialled == self.root)


# By the id of each channel, and of the first one for as long as any is there.
Originations = dict[str, Origination]


def born(tracker: Tracker, leg: Leg, event: e.Newchannel) -> None:
    """A channel of nobody's call, which nobody dialled on a line: the first of an Originate, or one of its others."""
    one = tracker.originations.get(event.linkedid)
    if one is None:
        if leg.uniqueid != event.linkedid or not is_local(leg.channel):
            return
        one = Origination(leg.uniqueid)
    one.channels.add(leg.uniqueid)
    tracker.originations[leg.uniqueid] = one
    call = tracker.calls.get(one.call) if one.call is not None else None
    if call is not None:
        call.take(leg)


def gone(tracker: Tracker, uniqueid: str) -> None:
    """This channel is gone."""
    one = tracker.originations.get(uniqueid)
    if one is None:
        return
    one.channels.discard(uniqueid)
    if uniqueid != one.root:
        del tracker.originations[uniqueid]
    if not one.channels:
        tracker.originations.pop(one.root, None)


def rings(tracker: Tracker, source: Leg | None, leg: Leg, event: e.DialBegin) -> None:
    """A channel of nobody's call is dialled: by nobody, when it is an Originate's first."""
    if source is None and leg.uniqueid in tracker.unborn:
        tracker.originations.setdefault(leg.uniqueid, Origination(leg.uniqueid))
    if leg.is_phone and leg.uniqueid in tracker.originations:
        leg.outside = tracker.site.endpoints.is_outside_dialled(leg.channel, event.dial_string)


def answered(tracker: Tracker, source: Leg | None, leg: Leg) -> None:
    """A channel of nobody's call was answered: the first one, or the phone behind it."""
    one = tracker.originations.get(leg.uniqueid)
    if one is None:
        return
    if leg.is_phone and (not one.is_up or source is None or one.reaches_agent(source)):
        one.phone = leg.uniqueid
    one.is_up = one.is_up or leg.uniqueid == one.root


def begin(tracker: Tracker, source: Leg, event: e.DialBegin) -> None:
    """A channel of nobody's call dials: for a phone that the exchange has rung?"""
    if source.uniqueid in tracker.unborn:  # it runs the dialplan, so it was picked up
        one = tracker.originations.setdefault(source.uniqueid, Origination(source.uniqueid))
        one.is_up, one.phone = True, source.uniqueid
    found = tracker.originations.get(source.uniqueid)
    if found is None:
        return
    if found.reaches_agent(source):
        found.agents.add(event.dest_uniqueid)
        return
    phone = tracker.legs.get(found.phone) if found.is_up and found.phone is not None else None
    if phone is not None and phone.call is None:
        _begin(tracker, found, phone, event)


def _begin(tracker: Tracker, one: Origination, phone: Leg, event: e.DialBegin) -> None:
    birth, own = tracker.unborn.pop(phone.uniqueid, None), extension(phone.channel)
    # What the agent's display shows may be the number outside.
    caller = birth.caller if birth is not None and birth.caller.isdigit() and not is_number(birth.caller) else own
    if phone.outside or tracker.site.endpoints.is_outside_caller(phone.channel, caller):
        return
    number = number_dialled(event.dest_channel, event.dial_string)
    begun = e.Newchannel(
        event.stamp, phone.channel, "", caller, "", event.language, number, phone.uniqueid, phone.uniqueid
    )
    call = tracker.calls[phone.uniqueid] = new_call(phone, begun, tracker.common(event.language))
    one.call, call.clicked = call.id, True
    for leg in [tracker.legs[uniqueid] for uniqueid in sorted(one.channels) if uniqueid in tracker.legs]:
        if leg.call is None:
            call.take(leg)


def dials_outside(call: TrackedCall, event: e.DialBegin) -> None:
    """The number that is dialled in the end, if it says one: before, it was a Local channel's extension."""
    number = number_dialled(event.dest_channel, event.dial_string)
    if call.clicked and call.begun is not None and number.removeprefix("+").isdigit():
        call.begun = msgspec.structs.replace(call.begun, exten=number)
