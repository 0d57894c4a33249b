"""A colleague joins the caller without a dial: in a conference, or from an agents' pool. Pure.

Both dialled in by themselves, and no DialEnd reports an answer. That the two are in one bridge proves it. The
colleague's own call dialled no party and was not emitted. It becomes a leg of the caller's call, like that of an
agent who picks up or retrieves a call.
"""

from collections.abc import Iterable

from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.state import TrackerState


def admit(state: TrackerState, call: TrackedCall, near: Iterable[TrackedChannel]) -> None:
    """Adopt the channels near the caller that joined by themselves."""
    if not call.inbound or call.parked:  # a parking lot is one bridge, too, but its members do not hear each other
        return
    for leg in near:
        own = leg.call
        # A call that was not emitted dialled no party, or only as a leg of another call (a consultation).
        is_visit = own is not None and own.caller is leg and not own.is_emitted and not own.dialled
        if is_visit and _is_colleague(state, call, leg):
            state.adopt_leg(call, leg)
            leg.answered = True


def _is_colleague(state: TrackerState, call: TrackedCall, leg: TrackedChannel) -> bool:
    """Whether the channel is another phone of the exchange.

    The second line of the person who has the caller is none: that person is about to join the two.
    """
    own, person = leg.call, call.person
    if own is None or own.begun is None:
        return False
    if state.site.endpoints.is_outside_caller(leg.channel, own.begun.caller):
        return False
    return person is None or call.sent is not None or endpoint(person.channel) != endpoint(leg.channel)
