"""The language that a caller asked for. Pure.

Asterisk says `en` from the start: before a choice the language is unknown, whatever `Language:` says (R-22). A
language other than the first one was asked for; the first one was only when a menu that offers languages (the
line's setting) had the caller before anything was dialled.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from callmon import facts as f
from callmon.calls.legs import TrackedCall

if TYPE_CHECKING:
    from callmon.calls.tracker import Tracker

# Less than this in front of a dial is no menu: a dialplan answers and waits half a second before its queue.
SHORTEST_MENU = timedelta(seconds=1)


def heard(tracker: Tracker, call: TrackedCall, language: str, at: datetime | None, chosen: bool = False) -> None:
    """The caller's channel bears this language now; `chosen`: the exchange goes on from a menu, if it was one."""
    if not language or not call.inbound:
        return
    if not call.language:  # taken up after a restart: what its channel bears first was not just chosen
        call.language = language
    changed = language != call.language
    if changed or (chosen and not call.language_told and _was_in_menu(call, at)):
        call.language, call.language_told = language, True
        tracker.tell(f.LanguageChosen(call.id, at, spoken(language)))


def spoken(language: str) -> str:
    """Asterisk's language code (`fr`, `fr_CA`, `en`) as one of fr, en, other."""
    code = language[:2].lower()
    return code if code in ("fr", "en") else "other"


def _was_in_menu(call: TrackedCall, at: datetime | None) -> bool:
    since = call.line_up
    if not call.language_menu or call.dialled or not isinstance(since, datetime) or at is None:
        return False
    return at - since >= SHORTEST_MENU
