"""A call that goes out by a trunk and comes back by one, to a number of ours: one call, not two. Pure.

A site that sends a line's calls on over its carrier has its own exchange called by it, within seconds: the new
channel bears the caller's number, dials the number that was just dialled for the caller, and has an id of its
own. Together these are as good as a name: both channels are taken for the two halves of one (as those of a
Local channel are), so that whoever answers behind them answers the caller, on the line that was called first.

Refuses to guess where the carrier shows another number than the caller's: then they are two calls.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from callmon.ami import events as e
from callmon.config.phone_numbers import e164, is_withheld
from callmon.core.calls.channels import HALF, Leg, TrackedCall
from callmon.core.calls.endpoints import number_dialled

if TYPE_CHECKING:
    from callmon.core.calls.tracker import Tracker

# A carrier connects a call in a few seconds; later, the same caller may well call again.
WITHIN = timedelta(seconds=10)
MAX_OUT = 100

Key = tuple[str | None, str]
Out = dict[Key, tuple[Leg, datetime | None]]


def went_out(tracker: Tracker, call: TrackedCall, leg: Leg, event: e.DialBegin) -> None:
    """A number outside is dialled for a caller from outside: it may be one of ours."""
    number = number_dialled(event.dest_channel, event.dial_string)
    for key in [key for key, (out, _) in tracker.gone_out.items() if not out.is_tried]:
        del tracker.gone_out[key]
    if len(tracker.gone_out) < MAX_OUT:
        tracker.gone_out[call.number, _one_form(tracker, number)] = leg, event.at


def came_back(tracker: Tracker, leg: Leg, event: e.Newchannel) -> bool:
    """Is this new channel the other end of one that just went out? Then it is a leg of that call."""
    caller = None if is_withheld(event.caller, event.caller_name) else _one_form(tracker, event.caller)
    out, since = tracker.gone_out.pop((caller, _one_form(tracker, event.exten)), (None, None))
    if out is None or out.call is None or not out.is_tried:
        return False
    at = event.at
    if at is not None and since is not None and at - since > WITHIN:
        return False
    out.call.take(leg)
    out.partner, leg.partner = leg, out
    out.flags |= HALF
    leg.flags |= HALF
    return True


def forget(tracker: Tracker, leg: Leg) -> None:
    """This channel is gone."""
    for key in [key for key, (out, _) in tracker.gone_out.items() if out is leg]:
        del tracker.gone_out[key]


def _one_form(tracker: Tracker, number: str) -> str:
    return e164(number, tracker.site.region) or number
