"""Click-to-dial: the exchange itself begins a call (Originate), rings a phone of ours, and dials for it. Pure.

Nobody calls in: the phone's channel is born Down, its ringing and its answer are dialled by nobody, and that
first answer is our colleague's, not the other party's. The call is there once the phone was picked up and
something is dialled for it. Until then, and where nothing is dialled (a wake-up call, a conference), it is none.

The number is in that dial alone: the phone's `Exten` is `s`, or wherever the dialplan happens to be. A program
that clicks may ring the phone through a Local channel (FreePBX does): the phone that was picked up behind it is
the caller, since the Local channel may be optimised away.

Refuses: a call whose first party is outside (a dialler rings the citizen first). Who calls whom, nothing says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from callmon.ami import events as e
from callmon.calls.endpoints import extension, number_dialled
from callmon.calls.legs import Leg, new_call

if TYPE_CHECKING:
    from callmon.calls.tracker import Tracker


def rings_first(tracker: Tracker, leg: Leg, event: e.DialBegin) -> None:
    """A channel of nobody's call is dialled by nobody: how it is dialled tells whether it is a phone of ours."""
    if leg.uniqueid in tracker.unborn:
        leg.outside = tracker.site.endpoints.is_outside_dialled(leg.channel, event.dial_string)


def picked_up(source: Leg | None, phone: Leg) -> None:
    """A phone of nobody's call was picked up behind a Local channel of nobody's call."""
    if source is not None and source.call is None and not source.is_phone and phone.is_phone:
        source.picked_up = phone


def begin(tracker: Tracker, source: Leg, event: e.DialBegin) -> None:
    """A channel of nobody's call dials: for a phone that the exchange has rung?"""
    phone = source if source.is_phone else _behind(source)
    if phone is None or phone.call is not None or tracker.legs.get(phone.uniqueid) is not phone:
        return
    born = tracker.unborn.pop(phone.uniqueid, None)
    if source is phone and born is None:
        return
    own = extension(phone.channel)
    caller = born.caller if born is not None and born.caller.isdigit() else own
    if tracker.site.endpoints.is_outside_caller(phone.channel, caller):
        return
    number = number_dialled(event.dest_channel, event.dial_string)
    begun = e.Newchannel(
        event.stamp, phone.channel, "", caller, "", event.language, number, phone.uniqueid, phone.uniqueid
    )
    call = tracker.calls[phone.uniqueid] = new_call(phone, begun, tracker.common(event.language))
    for half in () if source is phone else (source, source.partner):
        if half is not None:
            call.take(half)


def _behind(source: Leg) -> Leg | None:
    return source.partner.picked_up if source.partner is not None else None
