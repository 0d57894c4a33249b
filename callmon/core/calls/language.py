"""The language that a caller asked for. Pure.

Asterisk reports `en` from the start, and a dialplan may set another before it greets. So before a choice the
language is unknown, whatever `Language:` says (R-22). A choice takes a menu, and a menu takes a line that has been
up for a while: a later change of language was asked for. A language that stayed was not: the caller may have
pressed nothing. It is a choice if the dialplan states it (`UserEvent(CallmonLanguage)`), or if CEL has the key. A
menu that offers languages (the line's setting) may give it another name: `en` becomes `en_CA`. A queue may be for
one language (the exchange's setting). A caller who enters it before any answer asked for that language, unless a
choice was received before it.
"""

import re
from datetime import datetime, timedelta

from callmon.ami import events as e
from callmon.core import facts as f
from callmon.core.calls import choice
from callmon.core.calls.channels import TrackedCall
from callmon.core.calls.state import TrackerState

# `Set(CHANNEL(language)=fr)`; `NoOp(Changing Channel to language: fr …)` of FreePBX's module Languages.
_SETS_LANGUAGE = re.compile(r"(?:CHANNEL\(language\)=|^Changing Channel to language: )([A-Za-z_]{2,9})")
# Less than this before a dial is no menu: a dialplan answers and waits half a second before its queue.
SHORTEST_MENU = timedelta(seconds=1)

Bearing = e.Newstate | e.DialBegin | e.Newexten | e.QueueCallerJoin | e.Hangup


def observe_language(state: TrackerState, call: TrackedCall, event: Bearing, chosen: bool = False) -> None:
    """The caller's channel has this language now; `chosen`: the exchange goes on from a menu, if it was one."""
    language = event.language
    if not language or not call.inbound:
        return
    before = call.language or language  # resumed after a restart: its first language was not just chosen
    if language != call.language:
        call.language = state.common(language)
    if before != language and spoken(before) != spoken(language):
        is_chosen = _may_have_chosen(call, event.at)
    else:
        is_chosen = chosen and before != language and _is_in_menu(call) and _was_in_menu(call, event)
    if is_chosen:
        _tell(state, call, event.at, spoken(language))


def by_queue(state: TrackerState, call: TrackedCall, event: e.QueueCallerJoin) -> None:
    """The caller enters a queue, which may be for one language."""
    language = state.profile.queue_languages.get(event.queue)
    observe_language(state, call, event, chosen=language is None)
    if language is not None and call.inbound and not call.language_is_known and not call.answered:
        _tell(state, call, event.at, language)


def stated(state: TrackerState, event: e.UserEvent, call: TrackedCall) -> None:
    """The dialplan states which language the caller chose."""
    if event.language and call.inbound and not call.answered:
        _tell(state, call, event.at, spoken(event.language), stated=True)


def is_set_by(event: e.Newexten) -> bool:
    """Whether a step of the dialplan sets the language."""
    return _SETS_LANGUAGE.search(event.data) is not None


def read_step(state: TrackerState, call: TrackedCall, event: e.Newexten) -> None:
    """After a key, the dialplan sets the language. No event follows where the channel has it already."""
    found = _SETS_LANGUAGE.search(event.data)
    if found is not None and call.inbound and not call.answered:
        call.language = state.common(found[1])
        _tell(state, call, event.at, spoken(found[1]))


def by_key(state: TrackerState, event: e.LanguageKey) -> None:
    """A key of the menu of languages, from CEL."""
    call = state.calls.get(event.uniqueid)
    if call is not None and call.inbound and call.language_menu and _is_in_menu(call):
        call.language = state.common(event.language)
        _tell(state, call, event.at, spoken(event.language))


def _is_in_menu(call: TrackedCall) -> bool:
    return not call.dialled and not call.queued


def spoken(language: str) -> str:
    """Asterisk's language code (`fr`, `fr_CA`, `en`) as one of fr, en, other."""
    code = language[:2].lower()
    return code if code in ("fr", "en") else "other"


def _tell(
    state: TrackerState, call: TrackedCall, at: datetime | None, language: str, stated: bool = False
) -> None:
    call.language_is_known = True
    choice.choose_language(call)
    state.emit(f.LanguageChosen(call.id, at, language, stated))


def _may_have_chosen(call: TrackedCall, at: datetime | None) -> bool:
    since = call.line_up
    if not isinstance(since, datetime) or at is None:
        return bool(since)
    return at - since >= SHORTEST_MENU


def _was_in_menu(call: TrackedCall, event: e.Event) -> bool:
    if not call.language_menu or call.language_is_known or not isinstance(call.line_up, datetime):
        return False
    return event.at is not None and _may_have_chosen(call, event.at)
