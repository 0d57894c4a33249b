"""Where outcomes go. One module is one place: the database, the metrics, later a broker.

A sink never makes the listener wait and never raises into it. What it cannot deliver yet waits in it, bounded
by the listener's own hand: `offer` says when to stop reading.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from callmon.core.outcome import Outcome


class Sink(Protocol):
    """A place that outcomes go to."""

    @property
    def name(self) -> str:
        """Its name in the configuration, in labels and in sentences."""

    def offer(self, outcome: Outcome) -> bool:
        """Takes the outcome, always. False: enough waits here, read no further until `has_room()`."""

    def has_room(self) -> bool:
        """Whether the listener may read on."""

    def backlog(self) -> int:
        """How many outcomes wait."""

    def behind_for(self) -> timedelta:
        """How long the oldest that waits has waited."""

    def trouble(self) -> str | None:
        """Why outcomes wait, as a sentence for a person, or None."""

    def refused(self) -> int:
        """How many outcomes were set aside because they could never be delivered; told in the log too."""
