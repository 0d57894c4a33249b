"""The exchange's clock was set during calls: stored times are shifted to the clock as it now is. Pure.

So the length of a wait across the step stays right to a tenth of a second. One case is ambiguous: the clock went
forward while a caller waited. Then callmon's own machine may have stood still instead (a paused virtual machine).
The wait then lies between both lengths, and a limit between the two is not judged.
"""

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from callmon.ami.clock import ClockStepped
from callmon.ami.events import stamp_time
from callmon.core import facts as f
from callmon.core.calls.channels import TrackedCall, TrackedChannel
from callmon.core.calls.state import TrackerState

# Accuracy of a measured step: the delay of an event in transit, and of bytes buffered before they are read.
UNSURE = timedelta(seconds=0.1)
# The times of a call in progress.
TIMES = ("last_stop", "line_up", "unheard_since", "hangup_requested_at", "together_at", "maybe_voicemail")

T = TypeVar("T")


def was_set(state: TrackerState, event: ClockStepped) -> None:
    """Shift the times of every channel and call in progress, and emit `ClockSet` for each call."""
    for leg in state.legs.values():
        at = stamp_time(leg.rang_at)
        leg.rang_at = None if at is None else shifted(at, event.by)
        _shift(leg, ("answered_at", "joined_unheard"), event.by)
    for call in state.calls.values():
        _shift(call, TIMES, event.by)
        if call.waiting is not None:
            call.waiting.free_since = shifted(call.waiting.free_since, event.by)
        if call.is_emitted:
            state.emit(f.ClockSet(call.id, event.at, event.by))


def shifted(value: T, by: timedelta) -> T:
    """Return the same value with every time in it shifted."""
    match value:
        case datetime():
            return _moved(value, by)  # type: ignore[return-value]  # of the same type
        case tuple():
            return tuple([shifted(item, by) for item in value])  # type: ignore[return-value]  # likewise
        case msgspec.Struct():
            changes = {name: shifted(getattr(value, name), by) for name in value.__struct_fields__}
            return msgspec.structs.replace(value, **changes)
        case _:
            return value


def _moved(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:  # an older callmon stored such a step: an event carried the year 9999
        return at


def _shift(of: TrackedChannel | TrackedCall, names: tuple[str, ...], by: timedelta) -> None:
    for name in names:
        setattr(of, name, shifted(getattr(of, name), by))
