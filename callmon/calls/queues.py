"""The caller enters a queue, and leaves it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callmon import facts as f
from callmon.ami import events as e
from callmon.calls import arrival, language, transfers, waiting

if TYPE_CHECKING:
    from callmon.calls.tracker import Tracker


def joined(tracker: Tracker, event: e.QueueCallerJoin) -> None:
    """QueueCallerJoin."""
    call = tracker.calls.get(event.uniqueid)
    if call is None:
        return
    language.by_queue(tracker, call, event)
    tracker.not_voicemail_after_all(call, event)
    arrival.settle_direction(tracker, call, dialled_outside=False)
    call.queue, call.queued = event.queue, True
    transfers.taken(call)
    tracker.tell(f.QueueEntered(call.id, event.at, event.queue))
    waiting.queued(tracker, call, event.at)


def left(tracker: Tracker, event: e.QueueCallerLeave) -> None:
    """QueueCallerLeave."""
    call = tracker.calls.get(event.uniqueid)
    if call is not None and call.queue is not None:
        call.queue = None
        tracker.tell(f.QueueLeft(call.id, event.at, event.queue, call.asked))
