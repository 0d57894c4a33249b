"""Too many channels at once: for each new one, the one without an event for longest is followed no longer. Pure.

So channels whose end is never told cannot keep later calls from being followed, and memory stays bounded. A call
that is given up so is closed like one that vanished: its end is not known.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from callmon.ami import events as e

if TYPE_CHECKING:
    from callmon.core.calls.tracker import Tracker

MAX_LEGS = 120_000
CROWDED = MAX_LEGS // 2  # from here on the channels are kept in the order of their last events


class Crowd:
    """One exchange's. `given_up` counts the channels."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self.given_up = 0

    @property
    def is_full(self) -> bool:
        return len(self._tracker.legs) >= MAX_LEGS

    def heard(self, event: e.Event) -> None:
        """The channels of this event come last in the order."""
        legs = self._tracker.legs
        for name in ("uniqueid", "dest_uniqueid"):
            leg = legs.pop(getattr(event, name, ""), None)
            if leg is not None:
                legs[leg.uniqueid] = leg

    def make_room(self, at: datetime | None) -> None:
        """For one channel more."""
        legs = self._tracker.legs
        while len(legs) >= MAX_LEGS:
            leg = next(iter(legs.values()))
            self._tracker.listing.ghosts.give_up(leg, at)
            legs.pop(leg.uniqueid, None)
            self.given_up += 1
