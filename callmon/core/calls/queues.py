"""The caller enters a queue, and leaves it. Pure."""

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import answering, arrival, availability, dialling, language, transfers
from callmon.core.calls.state import TrackerState


def caller_joined(state: TrackerState, event: e.QueueCallerJoin) -> None:
    call = state.calls.get(event.uniqueid)
    if call is None:
        return
    language.by_queue(state, call, event)
    answering.not_voicemail_after_all(state, call, event)
    arrival.settle_direction(state, call, dialled_outside=False)
    call.queue, call.queued = event.queue, True
    call.gone_unheard = call.refused_unheard = False
    transfers.taken(call)
    state.emit(f.QueueEntered(call.id, event.at, event.queue))
    availability.queued(state, call, event.at)


def caller_left(state: TrackerState, event: e.QueueCallerLeave) -> None:
    """QueueCallerLeave. A phone that rang until now rang while the caller heard the queue."""
    call = state.calls.get(event.uniqueid)
    if call is None or call.queue is None:
        return
    for leg in call.legs:
        dialling.rang_by_hint(state, call, leg)
    call.queue = None
    state.emit(f.QueueLeft(call.id, event.at, event.queue, call.hangup_requested))
