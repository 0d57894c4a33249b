"""Whether a key chose voicemail: the one rule, for events and for CEL. Pure.

    key ─▶ a person is sought (Dial, Queue, Page, FollowMe) ─▶ box: the caller chose a person
    key ─▶ the language changes                             ─▶ box: the caller chose a language
    key ─▶ another menu asks                                ─▶ box: the last key counts
    key                                                     ─▶ box: the caller chose voicemail

The key counts wherever it is pressed: in a menu, in a queue, while Dial rings. `VoicemailTook.chosen` is the
result.

A key for a person whose dialplan keeps "do not disturb" leads to the box without a dial, too. So voicemail is
chosen for certain in three cases only; else it is not known:

* the line names the key (`voicemail_keys`);
* every step from the key's own extension to the box was received, and none of them decides (`GOES_ON`, `Goto`);
* the key's first step goes to a mailbox by FreePBX's name of one.

Refuses: to take time on the line for a choice (standards: *chosen*).
"""

import re
from datetime import datetime

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import MENU_KEY, MenuState, TrackedCall
from callmon.core.calls.state import TrackerState

SEEKING = frozenset(("Dial", "Queue", "Page", "FollowMe"))  # applications
# Applications after which the dialplan goes on with the next priority, whatever the state of a phone.
GOES_ON = frozenset(("Answer", "NoOp", "Playback", "Progress", "Ringing", "Set", "Verbose", "Wait"))
_FREEPBX_BOX = re.compile(r"ext-local,vm[bimsu]\d{1,9},1")  # busy, instructions, menu, none, unavailable


def answer_menu(
    state: TrackerState,
    call: TrackedCall,
    at: datetime | None,
    menu: MenuState,
    waits: bool = False,
    key: str = "",
) -> None:
    """Emit `MenuAnswered` where it is news: a menu asks for a key, or the caller pressed one, or none."""
    is_news = MENU_KEY[menu] != MENU_KEY.get(call.menu) or (key != call.key and key != "")
    call.menu, call.key, call.next_step = menu, key, None
    call.is_box_key = key != "" and key in call.voicemail_keys
    if is_news and call.is_emitted and call.inbound and not call.answered and not call.voicemail:
        state.emit(f.MenuAnswered(call.id, at, MENU_KEY[menu], waits, key, call.is_box_key))


def leave_by_key(state: TrackerState, event: e.DialEnd | e.QueueCallerLeave) -> None:
    """The caller presses a key that leads out of the queue, or of the Dial (option `d`)."""
    call = state.calls.get(event.uniqueid) if event.priority == e.LED_OUT else None
    if call is not None and e.is_key(event.exten):
        answer_menu(state, call, event.at, "key", waits=True, key=event.exten)
        call.next_step = (event.context, event.exten, "1")


def follow_key(call: TrackedCall, event: e.Newexten) -> None:
    """A step after a key: note whether it is the box, or where the dialplan is bound to go next."""
    place = (event.context, event.exten, event.priority)
    is_next, call.next_step = place == call.next_step, None
    if is_next and event.application == "VoiceMail":
        call.is_box_key = True
    elif is_next and event.application == "Goto":
        call.next_step = _target(event)
        call.is_box_key = call.is_box_key or _FREEPBX_BOX.fullmatch(event.data) is not None
    elif event.application == "VoiceMail" and call.key == "" and event.context == call.menu_context:
        call.is_box_key = event.exten in call.voicemail_keys  # CEL tells no key but by its extension
    elif is_next and event.application in GOES_ON and event.priority.isdecimal():
        call.next_step = (event.context, event.exten, str(int(event.priority) + 1))


def _target(event: e.Newexten) -> tuple[str, str, str]:
    """The place that `Goto([[context,]exten,]priority)` names."""
    *place, priority = event.data.split(",")
    exten = place[-1] if place else event.exten
    context = place[0] if len(place) > 1 else event.context
    return context, exten, priority


def seek_person(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The dialplan seeks a person for this caller: a key before it was for that person."""
    if call.menu == "key" and call.is_emitted and not call.answered and not call.voicemail:
        call.menu = "sought"
        state.emit(f.PersonSought(call.id, at))


def try_phone(call: TrackedCall) -> None:
    """A phone, or a queue, has the caller: the person who was sought could be called."""
    if call.menu:
        call.menu = "tried"


def choose_language(call: TrackedCall) -> None:
    """The caller's language is chosen: a key before it was for that."""
    if call.menu == "key":
        call.menu = "language"


def fail_dial(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """Emit `DialFailed` where voicemail takes a caller for whom a person was sought and no phone was tried."""
    if call.menu == "sought" and not call.answered:
        state.emit(f.DialFailed(call.id, at))


def is_chosen(call: TrackedCall, unseen: bool | None) -> bool | None:
    """Whether voicemail that takes the call now was chosen by a key. `unseen`: where no step tells of a menu."""
    chosen = MENU_KEY.get(call.menu, unseen)
    return None if chosen and not call.is_box_key else chosen
