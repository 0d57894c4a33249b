"""What tells the caller "ringing": Dial's options, Ringing(), a queue's options, a Local channel. Pure.

The first ring is the caller's: SIP 180, or the tone that Asterisk makes on an answered line. A phone's RINGING
reaches the caller only where the running Dial passes it on. Dial with `r` tells "ringing" as soon as a phone is
dialled; with `R` it does so by SIP 180 alone, or where it dials several phones. `m` plays music and
`r(tone)` another tone: neither is a ring that can be counted. A queue plays music; with `r` it tells "ringing" at
the entry, with `R` while a member's phone rings (app_dial.c, app_queue.c). After Progress() or PlayTones() the
carrier plays no ring of its own: the exchange makes the tone itself (`in_band`), and stops it with each dial.

The application and its options are in Newexten alone. An inner application of ExecIf sends none. After an async
goto, Newexten names the application before, with its AppData: a dialled phone is then not in it. In both cases the
caller may have heard ringing from the dial on (`RingbackUnknown`).
"""

import re
from datetime import datetime
from functools import lru_cache

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import Dial, Indication, TrackedCall, TrackedChannel
from callmon.core.calls.state import TrackerState

_ARGUMENT = re.compile(r"\([^()]*\)")
REMEMBERED = 256  # AppData of a dialplan's steps: the same ones come again
_HAS_ARGUMENT = "\0"  # stands behind an option instead of its argument


@lru_cache(maxsize=REMEMBERED)
def dial_indication(data: str) -> Indication:
    """What Dial with this AppData lets the caller hear: `PJSIP/101&PJSIP/102,24,HhTtrb(func^s^1,(x))`."""
    options = _options(data, 2)
    if "m" in options:
        return "music"
    if "r" + _HAS_ARGUMENT in options:
        return "tone"
    if "r" in options:
        return "ringing"
    return "ringing_unless_up" if "R" in options else "phones"


@lru_cache(maxsize=REMEMBERED)
def queue_indication(data: str) -> f.QueueSound:
    """What Queue with this AppData lets the caller hear: `NAME,OPTIONS,…`."""
    options = _options(data, 1)
    if "r" in options:
        return "ringing"
    return "phones" if "R" in options else "music"


def _options(data: str, place: int) -> str:
    """The options at this place of AppData, without their arguments, which may have commas and brackets."""
    bare = data.replace("()", "")
    while (shorter := _ARGUMENT.sub(_HAS_ARGUMENT, bare)) != bare:
        bare = shorter
    return "".join(bare.split(",")[place : place + 1])


def step(state: TrackerState, event: e.Newexten) -> None:
    """Newexten of Dial, Queue, Ringing, Progress, PlayTones or StopPlayTones."""
    state.ringback_heard = True
    leg = state.legs.get(event.uniqueid)
    if leg is None:
        return
    before = leg.dial
    leg.dial = None
    leg.queue = None
    if event.application == "Dial":
        # The same data again: after an async goto, it is the step before.
        is_new = before is None or before.data != event.data
        leg.dial = Dial(event.data, dial_indication(event.data)) if is_new else None
    elif event.application == "Queue":
        leg.queue = queue_indication(event.data)
    elif leg.call is not None and leg is leg.call.caller:
        _sound(state, leg.call, event)


def _sound(state: TrackerState, call: TrackedCall, event: e.Newexten) -> None:
    """The dialplan itself makes the caller hear something, or stops it."""
    match event.application:
        case "Ringing":
            _begin(state, call, event.at, "application")
        case "Progress":
            call.early_media = True
        case "PlayTones":
            call.early_media = True
            if event.data.strip().lower() == "ring":
                _begin(state, call, event.at, "application")
        case "StopPlayTones" if call.rung and not call.dialled:
            call.rung = False
            state.emit(f.RingbackEnded(call.id, event.at))


def _begin(state: TrackerState, call: TrackedCall, at: datetime | None, by: f.RingbackBy) -> None:
    """Emit `RingbackBegan`: the exchange tells the caller "ringing"."""
    if _may_begin(call):
        call.rung = True
        state.emit(f.RingbackBegan(call.id, at, by, is_in_band(call)))


def _may_begin(call: TrackedCall) -> bool:
    is_waiting = call.is_emitted and call.inbound and not call.answered and not call.voicemail
    return is_waiting and not call.rung


def dialled(state: TrackerState, call: TrackedCall, source: TrackedChannel | None, event: e.DialBegin) -> None:
    """A phone or a Local channel is dialled: with `r` the caller hears ringing from now on."""
    if source is not call.caller or call.queue is not None or not _may_begin(call):
        return
    makes_tones = call.early_media or call.line_up
    match _reported(source, event):
        case "phones":
            return
        case "ringing":
            _begin(state, call, event.at, "dial")
        case "ringing_unless_up" if not makes_tones or (source.dial is not None and source.dial.phones > 1):
            _begin(state, call, event.at, "dial")
        case "tone" if not call.other_tone:
            call.other_tone = True
            state.emit(f.MusicPlayed(call.id, event.at))
        case None:
            state.ringback_missed = True
            _unknown(state, call, event.at)


def rings(state: TrackerState, call: TrackedCall, leg: TrackedChannel) -> None:
    """A phone rings for the caller. Where a gap hides its dial, the caller may have heard ringing from that on."""
    if call.caller.dial is None and call.queue is None and _may_begin(call):
        _unknown(state, call, e.born(leg.uniqueid))
    call.rung = call.rung or is_heard(call)


def queued(state: TrackerState, call: TrackedCall, event: e.QueueCallerJoin) -> None:
    """The caller enters a queue. Where no step is reported, the dialplan may have told "ringing" before it."""
    if call.caller.queue is None and not state.ringback_heard and not call.line_up and _may_begin(call):
        _unknown(state, call, event.at)
    call.rung = call.rung or call.caller.queue == "ringing"


def _unknown(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    if call.ringback_unknown:
        return
    call.ringback_unknown = True
    is_reported = state.ringback_heard or bool(call.line_up)
    state.emit(f.RingbackUnknown(call.id, at, from_arrival=not is_reported))


def _reported(source: TrackedChannel, event: e.DialBegin) -> Indication | None:
    """What the Dial that dials this phone lets the caller hear; None if another Dial was reported, or none."""
    dial = source.dial
    if dial is None or not (dial.phones or event.dial_string in dial.data):
        source.dial = None
        return None
    dial.phones += 1
    return dial.indicates


def dial_ended(call: TrackedCall) -> None:
    """A phone is tried no longer. After the last one the Dial is over: the next one has options of its own."""
    if call.caller.dial is not None and not any(leg.is_tried for leg in call.legs):
        call.caller.dial = None


def passed_on(state: TrackerState, call: TrackedCall, event: e.DialState) -> None:
    """A Local channel's RINGING, which the caller's own Dial passes on; perhaps no phone rings yet."""
    if event.uniqueid == call.caller.uniqueid and call.queue is None and is_heard(call):
        _begin(state, call, event.at, "local")


def is_in_band(call: TrackedCall) -> bool:
    """Whether the exchange plays the ringing itself, on a line that nothing has answered."""
    return call.early_media and not call.line_up


def is_heard(call: TrackedCall) -> bool:
    """Whether the caller hears it when a phone rings."""
    if call.queue is not None:
        return call.caller.queue == "phones"
    dial = call.caller.dial
    return dial is None or dial.indicates not in ("music", "tone")
