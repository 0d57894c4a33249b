"""The sinks of outcomes: the database, the metrics and an MQTT broker. This module is their protocol.

A sink buffers what it cannot deliver yet. The daemon bounds that buffer: `offer` returns False when reading must
pause. Refuses: to block the caller of `offer`, and to raise into it.
"""

from datetime import timedelta
from typing import Protocol

from callmon.core.outcome import Outcome


class Sink(Protocol):
    """A destination of outcomes."""

    @property
    def name(self) -> str:
        """The sink's name in the configuration, in labels and in messages."""

    def offer(self, outcome: Outcome) -> bool:
        """Always accept the outcome. False: the buffer is full, so pause reading until `has_room()`."""

    def has_room(self) -> bool:
        """Whether reading may continue."""

    def backlog(self) -> int:
        """Number of buffered outcomes."""

    def behind_for(self) -> timedelta:
        """Age of the oldest buffered outcome."""

    def trouble(self) -> str | None:
        """Why outcomes are buffered, as a sentence for a person, or None."""

    def refused(self) -> int:
        """Number of outcomes set aside because they can never be delivered; each is logged too."""
