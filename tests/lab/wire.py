"""What the caller's side of the wire received, and which ring that makes: the truth about what a caller heard."""

from __future__ import annotations

from typing import NamedTuple

from tests.lab.model import Played

RING = 6.0  # seconds


class Wire(NamedTuple):
    """Seconds since 1970, by this machine's clock; None: it was never received."""

    ringing: float | None  # the first 180
    early_media: float | None  # the first 183
    answered: float | None  # the 200: a person, or the exchange itself
    tone: float | None  # of an answered call: the first ringing tone in its sound

    @property
    def begins(self) -> float | None:
        """When the ringing began that a person answered: what the exchange answered itself had been another."""
        return self.tone or self.ringing


def joined(call: Played) -> float | None:
    """When a person and the caller could talk: both of their lines were up."""
    return max(min(call.picked_up), call.answered) if call.picked_up and call.answered else None


def wire(call: Played) -> Wire:
    return Wire(_first(call, 180), _first(call, 183), call.answered, call.tone)


def ring(begins: float, moment: float) -> int:
    """The number of the caller's ring at that moment."""
    return int((moment - begins) // RING) + 1


def _first(call: Played, code: int) -> float | None:
    return next((at for at, received in call.progress if received == code), None)
