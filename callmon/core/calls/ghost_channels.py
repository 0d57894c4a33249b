"""Channels that went without a word: lost in a gap, or ghosts that a later listing of channels shows. Pure.

While the exchange is heard, callmon lists its channels every few minutes. What is not in two lists running has
gone, though no Hangup was heard: its Hangup cannot still be on the way. A call that a person answered keeps its
outcome with no end; what became of any other is unknown. This never happens where every event is heard.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from callmon.core import facts as f
from callmon.core.calls import click_to_dial, hairpins
from callmon.core.calls.channels import Leg, TrackedCall

if TYPE_CHECKING:
    from callmon.core.calls.tracker import Tracker


def drop(tracker: Tracker, leg: Leg) -> None:
    """Forget a channel that vanished unheard."""
    tracker.legs.pop(leg.uniqueid, None)
    tracker.unborn.pop(leg.uniqueid, None)
    tracker.bridges.leave(leg)
    hairpins.forget(tracker, leg)
    click_to_dial.gone(tracker, leg.uniqueid)
    if leg.partner is not None:
        leg.partner.partner = None


def drop_from(tracker: Tracker, call: TrackedCall, leg: Leg) -> None:
    """A leg of a call vanished; the call goes on."""
    call.let_go(leg)
    drop(tracker, leg)
    if leg.is_tried and leg.is_phone:
        tracker.tell(f.PhoneStopped(call.id, None, tracker.phone(leg), tracker.named(leg), "gone", leg.rang))


def forget_all(tracker: Tracker) -> None:
    """Nothing more is heard: calls and legs that are still up know each other, and no garbage collector looks."""
    for leg in tracker.legs.values():
        leg.call = leg.seldom = None
    for call in tracker.calls.values():
        call.take_apart()
    tracker.legs.clear()
    tracker.calls.clear()


class Ghosts:
    """What was missing in the last list of channels."""

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker
        self._missing: frozenset[str] = frozenset()
        self.closed = 0

    def begin_anew(self) -> None:
        """The exchange is unheard: a whole listing will settle what is missing."""
        self._missing = frozenset()

    def lay(self, listed: Collection[str], at: datetime | None) -> None:
        """A list of channels is complete, at the exchange's time `at`: close what is missing again."""
        missing = frozenset(uniqueid for uniqueid in self._tracker.legs if uniqueid not in listed)
        ghosts, self._missing = missing & self._missing, missing
        for uniqueid in sorted(ghosts):
            leg = self._tracker.legs.get(uniqueid)
            if leg is not None:
                self.give_up(leg, at)

    def give_up(self, leg: Leg, at: datetime | None) -> None:
        """Follow a channel no longer: nothing more is heard of it."""
        call = leg.call
        if call is None:
            drop(self._tracker, leg)
        elif leg is call.caller:
            self._close(call, at)
        elif leg in call.legs:
            drop_from(self._tracker, call, leg)

    def _close(self, call: TrackedCall, at: datetime | None) -> None:
        """When it ended nobody heard; nor what came between the last event and this list."""
        self.closed += 1
        self._tracker.bridges.leave(call.caller)
        if call.told:
            open_still = not call.answered and not call.voicemail
            self._tracker.tell(f.Unheard(call.id, None, at, open_still, open_still))
        self._tracker.close(call, f.Ended(call.id, None, "unknown", "unheard"))
