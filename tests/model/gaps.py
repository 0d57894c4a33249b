"""What may be said of a call that the exchange was unheard under: the truth, or less, never something else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.model.truth import Truth

GREETING = 5_000  # the shortest, in milliseconds


class Gap(NamedTuple):
    """Nothing was heard from `start` to `end` (milliseconds of the history, both unheard)."""

    start: int
    end: int


def untouched(reported: Truth, gaps: Iterable[Gap]) -> bool:
    """The call was over before, or began after."""
    return all(reported.gone < gap.start or reported.begun > gap.end for gap in gaps)


def disagreements(said: dict[str, Any], reported: Truth, gaps: list[Gap], hears_steps: bool) -> list[str]:
    """In what the account of a touched call says something that is not so, or forgets what was heard."""
    true = reported.conclusion()
    found = [
        f"{key}: {said[key]!r}, in truth {true[key]!r}" for key in true if not _may_say(said, true, reported, key)
    ]
    for key in _settled(reported, true, gaps, hears_steps):
        if _value(said, key) != _value(true, key):
            found.append(f"{key} was heard: {_value(true, key)!r}, not {_value(said, key)!r}")
    return found


def _value(call: dict[str, Any], key: str) -> Any:
    return call[key] if key in call else call["verdicts"].get(key)


def _may_say(said: dict[str, Any], true: dict[str, Any], reported: Truth, key: str) -> bool:
    value, real = said[key], true[key]
    match key:
        case "verdicts":
            return set(value) == set(real) and all(word in ("unknown", real[name]) for name, word in value.items())
        case "outcome":
            # Voicemail was heard to take the call, whether a message was left perhaps was not. Where a person may
            # have answered unheard, nothing is claimed: an answer wins.
            box = reported.voicemail is not None and reported.answered is None
            return value in (real, "unknown") or (box and value == "voicemail")
        case "answered_by":
            return value is None or value in reported.persons
        case "transfers":
            return len(value) <= len(real)
        case "forwards" | "parked" | "holds":
            return bool(value <= real)
        case "heard_ringing":
            return value in (False, real) or reported.music  # a list does not show what a queue plays
        case "language":
            return value is None or value in reported.languages()
        case "voicemail":
            return value is None or (real is not None and all(value[k] in (None, real[k]) for k in real))
        case "direction" if reported.first.phone:  # found before it dialled anything, where it goes is not known
            return value in ("internal", "outbound")
        case "rings" | "abandoned_in":
            return value in (None, real)
    return bool(value == real)


def _settled(reported: Truth, true: dict[str, Any], gaps: list[Gap], hears_steps: bool) -> list[str]:
    """What was heard before the first gap stands. Without steps, since when the caller heard ringing is not heard,
    nor voicemail on a line already up.
    """
    first = min(gap.start for gap in gaps)
    inbound = ["answer_by_third_ring", "reach_a_person", "voicemail_after_fourth_ring"] * bool(true["verdicts"])
    if reported.answered is not None and reported.answered < first:
        return ["outcome", "answered_by", "heard_ringing", *(["rings", *inbound] if hears_steps else [])]
    took = reported.voicemail
    if took is None or reported.answered is not None:
        return []
    if reported.menu and not reported.tried and not reported.queued:
        return []  # a dial that reached nobody is only told by the hang-up: was it chosen?
    if took["at"] >= first or not hears_steps:
        return []
    if first <= reported.ended and reported.gone - took["at"] < GREETING:
        return ["rings", *inbound[:1]]  # whether the caller hung up in the greeting, or there is no such mailbox
    return ["rings", *(name for name in inbound if name != "reach_a_person")]
