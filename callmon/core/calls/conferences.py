"""A colleague who comes to the caller: into a conference, from an agents' pool, without any dial. Pure.

Both dialled in by themselves, and no DialEnd says that anybody answered: that the two are in one bridge does.
The colleague's own call, which dialled nobody and was not told, becomes a leg of the caller's, as that of
whoever picks up or retrieves a call does.
"""

from __future__ import annotations

from collections.abc import Iterable

from callmon.core.calls.channels import Leg, TrackedCall
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.state import TrackerState


def admit(state: TrackerState, call: TrackedCall, near: Iterable[Leg]) -> None:
    """Take in those near the caller who came to it by themselves."""
    if not call.inbound or call.parked:  # a parking lot is one bridge, too, and nobody in it hears another
        return
    for leg in near:
        own = leg.call
        if own is not None and own.caller is leg and _is_visit(own) and _is_colleague(state, call, leg):
            state.take_in(call, leg)
            leg.answered = True


def _is_visit(own: TrackedCall) -> bool:
    """Not told, so it dialled nobody, or as a leg of another call (a consultation)."""
    return not own.told and not own.dialled


def _is_colleague(state: TrackerState, call: TrackedCall, leg: Leg) -> bool:
    """A phone of ours; not the second line of the person who has the caller, who is about to join the two."""
    own, person = leg.call, call.person
    if own is None or own.begun is None:
        return False
    if state.site.endpoints.is_outside_caller(leg.channel, own.begun.caller):
        return False
    return person is None or call.sent is not None or endpoint(person.channel) != endpoint(leg.channel)
