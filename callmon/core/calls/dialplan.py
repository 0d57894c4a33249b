"""Steps of the dialplan on a call: voicemail, its opening by staff, a menu, and the key pressed there. Pure.

A menu asks for a key (`BackGround`, `WaitExten`, `Read`). The dialplan then goes to the extension of that key, in
the menu's own context, or to `t` when none was pressed. A key given to `Read` has no extension. It was given where
the dialplan sets the language before `Read` could have ended in silence.

Refuses: to take time on the line for a menu, or silence in a menu for a choice.
"""

import re
from datetime import datetime, timedelta
from functools import partial

from callmon.ami import events as e
from callmon.core.calls import answering, choice, language, ringback, voicemail
from callmon.core.calls.channels import MenuState, TrackedCall
from callmon.core.calls.state import TrackerState

_IVR = re.compile(r"ivr-\d{1,9}")  # FreePBX and Issabel
_ASKING = frozenset(("BackGround", "WaitExten", "Read"))
AT_ONCE = timedelta(seconds=0.1)  # so soon ends a Read whose prompt cannot be played
LONGEST_READ = 3600.0  # seconds; a longer time-out is a mistake


def step(state: TrackerState, event: e.Newexten) -> None:
    """Newexten: one step of the dialplan, on any channel."""
    if event.priority == e.LED_OUT:
        return  # no step: the place that a key has set while the application ends
    call = state.calls.get(event.uniqueid)
    if call is not None and event.is_option and _is_of_menu(call, event.context):
        _option(state, call, event)
    elif call is not None and _ended_by_key(call, event) and language.is_set_by(event):
        choice.answer_menu(state, call, event.at, "key")
    if call is not None and event.application in choice.SEEKING:
        choice.seek_person(state, call, event.at)
    if call is not None and call.menu == "key":
        choice.follow_key(call, event)
        language.read_step(state, call, event)
    if event.application == "VoiceMail":
        voicemail.step(state, event)
    elif event.application in e.RINGBACK:
        ringback.step(state, event)
    else:
        _menu_or_box(state, call, event)


def _is_of_menu(call: TrackedCall, context: str) -> bool:
    """Whether the context is the menu's that asked. An IVR of FreePBX asks within ExecIf, which sends no event."""
    return context == call.menu_context or _IVR.fullmatch(context) is not None


def _option(state: TrackerState, call: TrackedCall, event: e.Newexten) -> None:
    """The first step of a menu's option: a key, or silence.

    Where the dialplan goes on from silence to an option, no key was pressed, or a menu asked again without a step.
    """
    menu: MenuState = "silent" if event.exten == e.TIMED_OUT else "key"
    if call.menu == "silent" and menu == "key" and _IVR.fullmatch(event.context) is None:
        menu, call.menu_context = "asked", ""  # not known, until a step asks again
    is_told = menu == "key" and event.application != ""  # CEL names no key
    choice.answer_menu(state, call, event.at, menu, key=event.exten if is_told else "")
    if is_told:
        call.next_step = (event.context, event.exten, "1")


def _ended_by_key(call: TrackedCall, event: e.Newexten) -> bool:
    """Whether only a key can have ended the `Read` that asked last: its time-out had not passed."""
    span, at = call.read_by_key, event.at
    return call.menu == "asked" and span is not None and at is not None and span[0] <= at < span[1]


def _read_by_key(event: e.Newexten) -> tuple[datetime, datetime] | None:
    """The span in which only a key ends this `Read(variable,prompts,digits,options,attempts,timeout)`.

    None: it is another application; it names no time-out, so that the channel's applies; or it may not wait at all
    (option `s`).
    """
    _, _, _, options, attempts, timeout = (event.data.split(",") + [""] * 5)[:6]
    try:
        seconds = float(timeout or 0) * max(int(attempts or 1), 1)
    except (ValueError, OverflowError):
        return None
    at = event.at
    if event.application != "Read" or at is None or "s" in options or not 0 < seconds <= LONGEST_READ:
        return None
    return at + AT_ONCE, at + timedelta(seconds=seconds)


def _menu_or_box(state: TrackerState, call: TrackedCall | None, event: e.Newexten) -> None:
    state.steps_heard = True
    if event.application == "VoiceMailMain":
        leg = state.legs.get(event.uniqueid)
        if leg is None:
            state.defer(partial(step, state, event))
        else:
            leg.opens_box = True  # who listens to messages leaves none
    if call is None:
        return
    call.left_queue = None
    answering.not_voicemail_after_all(state, call, event)
    if event.application in _ASKING:
        call.menu_context = state.common(event.context)
        call.read_by_key = _read_by_key(event)
        if event.application != "Read" and (call.dialled or call.queued):
            call.menu = "tried"  # until a key: its option's first step would be received
        else:
            choice.answer_menu(state, call, event.at, "asked")
    elif not call.menu:
        call.menu = "answered"
