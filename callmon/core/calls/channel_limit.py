"""Limits the number of channels: each new one replaces the one without an event for longest. Pure.

So channels whose end is never reported cannot displace later calls, and memory stays bounded. A call dropped this
way is closed like one that vanished (`ghost_channels.make_room`): its end is not known.
"""

from __future__ import annotations

from callmon.ami import events as e
from callmon.core.calls.channels import Channel

MAX_CHANNELS = 120_000
CROWDED = MAX_CHANNELS // 2  # from here on the channels are ordered by their last events


class ChannelLimit:
    """The limit of one exchange. `given_up` counts the dropped channels."""

    def __init__(self, legs: dict[str, Channel]) -> None:
        self._legs = legs
        self.given_up = 0

    @property
    def is_full(self) -> bool:
        return len(self._legs) >= MAX_CHANNELS

    def record_event(self, event: e.Event) -> None:
        """Move the channels of this event to the end of the order."""
        for name in ("uniqueid", "dest_uniqueid"):
            leg = self._legs.pop(getattr(event, name, ""), None)
            if leg is not None:
                self._legs[leg.uniqueid] = leg

    def longest_silent(self) -> Channel:
        """The channel without an event for longest."""
        return next(iter(self._legs.values()))
