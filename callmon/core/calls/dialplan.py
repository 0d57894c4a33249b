"""Steps of the dialplan on a call: voicemail, its opening by staff, a menu, and the key pressed there. Pure.

A menu asks for a key (`BackGround`, `WaitExten`, `Read`). The dialplan then goes to the extension of that key, in
the menu's own context, or to `t` when none was pressed. A key given to `Read` has no extension.

Refuses: to take time on the line for a menu, or silence in a menu for a choice.
"""

import re
from functools import partial

from callmon.ami import events as e
from callmon.core.calls import answering, choice, language, ringback, voicemail
from callmon.core.calls.channels import TrackedCall
from callmon.core.calls.state import TrackerState

_IVR = re.compile(r"ivr-\d{1,9}")  # FreePBX and Issabel
_ASKING = frozenset(("BackGround", "WaitExten", "Read"))


def step(state: TrackerState, event: e.Newexten) -> None:
    """Newexten: one step of the dialplan, on any channel."""
    if event.priority == e.LED_OUT:
        return  # no step: the place that a key has set while the application ends
    call = state.calls.get(event.uniqueid)
    if call is not None and event.is_option and _is_of_menu(call, event.context):
        choice.answer_menu(state, call, event.at, "silent" if event.exten == e.TIMED_OUT else "key")
    if call is not None and event.application in choice.SEEKING:
        choice.seek_person(state, call, event.at)
    if call is not None and call.menu == "key":
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
        if event.application != "Read" and (call.dialled or call.queued):
            call.menu = "tried"  # until a key: its option's first step would be received
        else:
            choice.answer_menu(state, call, event.at, "asked")
    elif not call.menu:
        call.menu = "answered"
