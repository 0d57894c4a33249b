"""The caller enters a queue, and leaves it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import arrival, availability, dialling, language, transfers
from callmon.core.calls.channels import NOT_HEARD

if TYPE_CHECKING:
    from callmon.core.calls.tracker import Tracker


def joined(tracker: Tracker, event: e.QueueCallerJoin) -> None:
    """QueueCallerJoin."""
    call = tracker.calls.get(event.uniqueid)
    if call is None:
        return
    language.by_queue(tracker, call, event)
    tracker.not_voicemail_after_all(call, event)
    arrival.settle_direction(tracker, call, dialled_outside=False)
    call.queue, call.queued = event.queue, True
    call.flags &= ~NOT_HEARD
    transfers.taken(call)
    tracker.tell(f.QueueEntered(call.id, event.at, event.queue))
    availability.queued(tracker, call, event.at)


def left(tracker: Tracker, event: e.QueueCallerLeave) -> None:
    """QueueCallerLeave. What rang until now, rang while the caller heard the queue."""
    call = tracker.calls.get(event.uniqueid)
    if call is None or call.queue is None:
        return
    for leg in call.legs:
        dialling.rang_by_hint(tracker, call, leg)
    call.queue = None
    tracker.tell(f.QueueLeft(call.id, event.at, event.queue, call.asked))
