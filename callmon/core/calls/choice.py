"""Whether a key chose voicemail: the one rule, for events and for CEL. Pure.

    key ─▶ a person is sought (Dial, Queue, Page, FollowMe) ─▶ box: the caller chose a person
    key ─▶ the language changes                             ─▶ box: the caller chose a language
    key ─▶ another menu asks                                ─▶ box: the last key counts
    key                                                     ─▶ box: the caller chose voicemail

`VoicemailTook.chosen` is the result. Refuses: to take time on the line for a choice (standards: *chosen*).
"""

from datetime import datetime

from callmon.core import facts as f
from callmon.core.calls.channels import TrackedCall
from callmon.core.calls.state import TrackerState

SEEKING = frozenset(("Dial", "Queue", "Page", "FollowMe"))  # applications


def seek_person(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """The dialplan seeks a person for this caller: a key before it was for that person."""
    if call.menu == "key" and call.is_emitted and not call.answered and not call.voicemail:
        call.menu = "sought"
        state.emit(f.PersonSought(call.id, at))


def try_phone(call: TrackedCall) -> None:
    """A phone, or a queue, has the caller: the person who was sought could be called."""
    if call.menu == "sought":
        call.menu = "tried"


def choose_language(call: TrackedCall) -> None:
    """The caller's language is chosen: a key before it was for that."""
    if call.menu == "key":
        call.menu = "language"


def fail_dial(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """Emit `DialFailed` where voicemail takes a caller for whom a person was sought and no phone was tried."""
    if call.menu == "sought" and not call.answered:
        state.emit(f.DialFailed(call.id, at))
