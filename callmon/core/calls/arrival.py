"""A call arrives: on which line, from which number, in which direction. Pure.

Only the first Newchannel (or the listing's DNID) has the number dialled: from the first Goto on, `Exten` is `s`. A
call on a public line is emitted at once. Any other call is emitted when it dials. Only then is it known to go
outward, to come from a trunk to a number that is not monitored, or to stay inside.
"""

from datetime import timedelta
from typing import Any

from callmon.ami import events as e
from callmon.config.lines import Line
from callmon.config.phone_numbers import e164, is_withheld
from callmon.core import facts as f
from callmon.core.calls.channels import TrackedCall, TrackedChannel, WaitState, new_call
from callmon.core.calls.endpoints import endpoint
from callmon.core.calls.state import TrackerState

# Of a call that a listing showed first, before anything was dialled for it, or after that was over.
FOUND: dict[str, Any] = {"found": True, "slack": timedelta(seconds=1), "may_hide_ringing": True}
RESTRICTED = "prohib"  # prohib_not_screened, prohib_passed_screen, …


def line(state: TrackerState, channel: str, context: str, dialled: str, caller: str) -> Line | None:
    """The public line that this channel dialled; with `any_line` every number dialled from outside is one."""
    profile = state.profile
    if profile.endpoints.is_stranger(channel, context):
        return None
    if profile.endpoints.is_colleague(channel, caller) and caller not in profile.relay_numbers:
        return None  # a colleague dialling the site's public number is no member of the public
    if profile.any_line and not profile.endpoints.is_outside_caller(channel, caller):
        return None
    return profile.line(dialled)


def begin_call(state: TrackerState, leg: TrackedChannel, event: e.Newchannel) -> None:
    """Create a call for a channel that calls in. Its direction may be known only when it dials."""
    call = state.calls[leg.uniqueid] = new_call(leg, event, state.common(event.language))
    known = line(state, leg.channel, event.context, event.exten, event.caller)
    if known is not None:
        emit_arrival(state, call, "inbound", known)


def emit_arrival(state: TrackerState, call: TrackedCall, direction: f.Direction, line: Line | None = None) -> None:
    """Emit `Arrived`, once the call's direction is known."""
    event, beside = call.begun, call.consults is not None
    if call.is_emitted or event is None:
        return
    if line is not None:
        call.waiting = WaitState(line)
    found = FOUND if call.is_found else {}
    _emit(state, call, event, event.exten, direction, line, call.withheld, at=event.at, beside=beside, **found)


def emit_found_call(
    state: TrackerState, call: TrackedCall, entry: e.Status, direction: f.Direction, line: Line | None, **more: Any
) -> None:
    """Emit `Arrived` for a call found in a listing. It arrived in the second that its Uniqueid names."""
    is_restricted, more["slack"] = entry.presentation.startswith(RESTRICTED), timedelta(seconds=1)
    _emit(state, call, entry, entry.dialled, direction, line, is_restricted, found=True, **more)


def _emit(
    state: TrackerState,
    call: TrackedCall,
    event: e.Newchannel | e.Status,
    dialled: str,
    direction: f.Direction,
    line: Line | None,
    is_restricted: bool,
    **more: Any,
) -> None:
    is_stranger = state.profile.endpoints.is_stranger(call.caller.channel, event.context)
    direction = "inbound" if is_stranger else direction  # a stranger may show the number of an extension
    call.is_emitted = True
    call.inbound = direction == "inbound"
    call.begun = None
    is_forwarded = state.profile.endpoints.is_outside_caller(call.caller.channel, event.caller)
    call.outbound = direction == "outbound" and not is_forwarded
    call.caller.outside = call.inbound
    if line is not None:
        set_line(call, line)
        state.profile.endpoints.learn(call.caller.channel, outside=True)
    withheld = "withheld" if is_restricted else is_withheld(event.caller, event.caller_name)
    caller = call.number = None if withheld else e164(event.caller, state.profile.region) or event.caller
    state.emit(
        f.Arrived(
            call=call.id,
            direction=direction,
            line=line.name if line else None,
            dialled=state.common(dialled) if line else dialled,
            caller=caller,
            withheld=withheld,
            channel=state.profile.endpoints.masked_name(call.caller.channel),
            relay=caller in state.profile.relay_numbers,
            test=line is not None and caller in state.profile.test_callers,
            stranger=is_stranger,
            **more,
        )
    )
    for gap in call.gaps_before_arrival:
        state.emit(gap)


def presentation(state: TrackerState, event: e.Presentation) -> None:
    """The exchange reports whether the caller's number may be shown."""
    call = state.calls.get(event.uniqueid)
    if call is None or not event.value.startswith(RESTRICTED):
        return
    if call.is_emitted:
        state.emit(f.NumberWithheld(call.id, event.at))
    else:
        call.withheld = True


def settle_direction(state: TrackerState, call: TrackedCall, dialled_outside: bool) -> None:
    """Settle the direction of a call on no line: outbound, inbound to an unmonitored number, or internal."""
    event = call.begun
    if call.is_emitted or event is None or call.consults is not None:
        return
    served = state.talking.get(endpoint(call.caller.channel))
    # A person with a caller on hold consults another party, here or outside: a leg of that caller's call. Such a
    # person may also call somebody back.
    if served is not None and served.held and served.person is not None and not served.person.outside:
        call.consults = served
        if dialled_outside:
            emit_arrival(state, call, "outbound")
            call.begun = event
    elif dialled_outside:
        emit_arrival(state, call, "outbound")
    elif state.profile.endpoints.is_outside_caller(call.caller.channel, event.caller):
        emit_arrival(state, call, "inbound")
    else:
        emit_arrival(state, call, "internal")


def set_line(call: TrackedCall, line: Line) -> None:
    """The call is on this public line: its language, its menu of languages and its keys for voicemail apply."""
    call.voicemail_keys = line.voicemail_keys
    call.language_menu = line.language_menu and line.language is None
    call.language_is_known = line.language is not None
