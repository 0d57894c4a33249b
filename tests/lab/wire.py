"""What the caller's side of the wire received, and which ring that makes: the truth about what a caller heard."""

from __future__ import annotations

from typing import NamedTuple

from tests.lab.model import PlayedSituation

RING = 6.0  # seconds
AT_ONCE = 0.2


class LabWire(NamedTuple):
    """Seconds since 1970, by this machine's clock; None: it was never received."""

    ringing: float | None  # the first 180
    early_media: float | None  # the first 183
    answered: float | None  # the 200: a person, or the exchange itself
    tone: float | None  # of an answered call: the first ringing tone in its sound
    early_tone: float | None  # the same, of the sound between the 183 and the answer


def wire(call: PlayedSituation) -> LabWire:
    return LabWire(_first(call, 180), _first(call, 183), call.answered, call.tone, call.early_tone)


def joined(call: PlayedSituation) -> float | None:
    """When a person and the caller could talk: both of their lines were up."""
    return max(min(call.picked_up), call.answered) if call.picked_up and call.answered else None


def waited_until(call: PlayedSituation) -> float | None:
    """The end of the wait: a person, voicemail, or the end of the call."""
    return joined(call) or call.boxed or call.ended


def was_up(call: PlayedSituation) -> bool:
    """Whether the exchange itself had answered while the caller waited, as a menu does."""
    end = waited_until(call)
    return call.answered is not None and end is not None and call.answered < end - AT_ONCE


def is_tone_named(call: PlayedSituation) -> bool:
    """Whether Dial names the caller's tone, as in `r(ring)`. That is no ring, whatever it sounds like."""
    return "r(" in (call.situation.caller.route or "")


def begins(call: PlayedSituation) -> float | None:
    """When the ringing of this wait began. What the exchange answered itself was another."""
    heard, end = wire(call), waited_until(call)
    told = [heard.ringing, None if is_tone_named(call) else heard.early_tone]
    moment = heard.tone if was_up(call) else min(filter(None, told), default=None)
    return moment if moment is not None and end is not None and moment < end else None


def ring(began: float, moment: float) -> int:
    """The number of the caller's ring at that moment."""
    return int((moment - began) // RING) + 1


def _first(call: PlayedSituation, code: int) -> float | None:
    return next((at for at, received in call.progress if received == code), None)
