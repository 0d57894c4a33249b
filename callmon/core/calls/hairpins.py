"""A call that goes out by a trunk and comes back by one, to a number of this exchange: one call. Pure.

A site that sends a line's calls on over its carrier receives them again within seconds. The new channel has the
caller's number, dials the number just dialled for the caller, and has an id of its own. Together these identify
it. Both channels are treated as the halves of one, like those of a Local channel. So the person who answers behind
them answers the caller, on the line that was called first.

Refuses: to guess where the carrier shows another number than the caller's. Then they are two calls.
"""

from datetime import timedelta

from callmon.ami import events as e
from callmon.config.phone_numbers import e164, is_withheld
from callmon.core.calls.channels import HALF, TrackedCall, TrackedChannel
from callmon.core.calls.endpoints import number_dialled
from callmon.core.calls.state import TrackerState

# A carrier connects a call in a few seconds. Later, the same caller may have called again.
WITHIN = timedelta(seconds=10)
MAX_OUT = 100


def went_out(state: TrackerState, call: TrackedCall, leg: TrackedChannel, event: e.DialBegin) -> None:
    """A number outside is dialled for a caller from outside: it may be one of this exchange's."""
    number = number_dialled(event.dest_channel, event.dial_string)
    for key in [key for key, (out, _) in state.gone_out.items() if not out.is_tried]:
        del state.gone_out[key]
    if len(state.gone_out) < MAX_OUT:
        state.gone_out[call.number, _one_form(state, number)] = leg, event.at


def came_back(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> bool:
    """Whether this new channel is the other end of one that just went out: then it becomes a leg of that call."""
    caller = None if is_withheld(event.caller, event.caller_name) else _one_form(state, event.caller)
    out, since = state.gone_out.pop((caller, _one_form(state, event.exten)), (None, None))
    if out is None or out.call is None or not out.is_tried:
        return False
    at = event.at
    if at is not None and since is not None and at - since > WITHIN:
        return False
    out.call.adopt_channel(leg)
    out.partner, leg.partner = leg, out
    out.flags |= HALF
    leg.flags |= HALF
    return True


def forget_channel(state: TrackerState, leg: TrackedChannel) -> None:
    for key in [key for key, (out, _) in state.gone_out.items() if out is leg]:
        del state.gone_out[key]


def _one_form(state: TrackerState, number: str) -> str:
    return e164(number, state.site.region) or number
