"""Whether a key chose voicemail: the one rule, for events and for CEL. Pure.

    key ─▶ a person is sought (Dial, Queue, Page, FollowMe) ─▶ box: the caller chose a person
    key ─▶ the language changes                             ─▶ box: the caller chose a language
    key ─▶ another menu asks                                ─▶ box: the last key counts
    key                                                     ─▶ box: the caller chose voicemail

The key counts wherever it is pressed: in a menu, in a queue, while Dial rings. `VoicemailTook.chosen` is the
result.

Refuses: to take time on the line for a choice (standards: *chosen*).
"""

from datetime import datetime

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls.channels import MENU_KEY, MenuState, TrackedCall
from callmon.core.calls.state import TrackerState

SEEKING = frozenset(("Dial", "Queue", "Page", "FollowMe"))  # applications


def answer_menu(
    state: TrackerState, call: TrackedCall, at: datetime | None, menu: MenuState, waits: bool = False
) -> None:
    """Emit `MenuAnswered` where it is news: a menu asks for a key, or the caller pressed one, or none."""
    before, call.menu = MENU_KEY.get(call.menu), menu
    if call.is_emitted and call.inbound and not call.answered and not call.voicemail and MENU_KEY[menu] != before:
        state.emit(f.MenuAnswered(call.id, at, MENU_KEY[menu], waits))


def leave_by_key(state: TrackerState, event: e.DialEnd | e.QueueCallerLeave) -> None:
    """The caller presses a key that leads out of the queue, or of the Dial (option `d`)."""
    call = state.calls.get(event.uniqueid) if event.priority == e.LED_OUT else None
    if call is not None and e.is_key(event.exten):
        answer_menu(state, call, event.at, "key", waits=True)


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
