"""Channels that went without a word: lost in a gap, or ghosts that a later listing of channels shows. Pure.

While the exchange is heard, callmon lists its channels every few minutes. What is not in two lists running has
gone, though no Hangup was heard: its Hangup cannot still be on the way. A call that a person answered keeps its
outcome with no end; what became of any other is unknown. This never happens where every event is heard.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from callmon.core import facts as f
from callmon.core.calls import answering, click_to_dial, hairpins
from callmon.core.calls.channels import Leg, TrackedCall
from callmon.core.calls.state import TrackerState


def drop(state: TrackerState, leg: Leg) -> None:
    """Forget a channel that vanished unheard."""
    state.legs.pop(leg.uniqueid, None)
    state.unborn.pop(leg.uniqueid, None)
    state.bridges.leave(leg)
    hairpins.forget(state, leg)
    click_to_dial.gone(state, leg.uniqueid)
    if leg.partner is not None:
        leg.partner.partner = None


def drop_from(state: TrackerState, call: TrackedCall, leg: Leg) -> None:
    """A leg of a call vanished; the call goes on."""
    call.let_go(leg)
    drop(state, leg)
    if leg.is_tried and leg.is_phone:
        state.tell(f.PhoneStopped(call.id, None, state.phone(leg), state.named(leg), "gone", leg.rang))


def forget_all(state: TrackerState) -> None:
    """Nothing more is heard: calls and legs that are still up know each other, and no garbage collector looks."""
    for leg in state.legs.values():
        leg.call = leg.seldom = None
    for call in state.calls.values():
        call.take_apart()
    state.legs.clear()
    state.calls.clear()


def give_up(state: TrackerState, leg: Leg, at: datetime | None) -> None:
    """Follow a channel no longer: nothing more is heard of it."""
    call = leg.call
    if call is None:
        drop(state, leg)
    elif leg is call.caller:
        _close(state, call, at)
    elif leg in call.legs:
        drop_from(state, call, leg)


def _close(state: TrackerState, call: TrackedCall, at: datetime | None) -> None:
    """When it ended nobody heard; nor what came between the last event and this list."""
    state.ghosts_closed += 1
    state.bridges.leave(call.caller)
    if call.told:
        open_still = not call.answered and not call.voicemail
        state.tell(f.Unheard(call.id, None, at, open_still, open_still))
    answering.close_call(state, call, f.Ended(call.id, None, "unknown", "unheard"))


def make_room(state: TrackerState, at: datetime | None) -> None:
    """For one channel more: where there are too many, give up those without an event for longest."""
    limit = state.limit
    while limit.is_full:
        leg = limit.longest_silent()
        give_up(state, leg, at)
        state.legs.pop(leg.uniqueid, None)
        limit.given_up += 1


class Ghosts:
    """What was missing in the last list of channels."""

    def __init__(self, state: TrackerState) -> None:
        self._state = state
        self._missing: frozenset[str] = frozenset()

    def begin_anew(self) -> None:
        """The exchange is unheard: a whole listing will settle what is missing."""
        self._missing = frozenset()

    def lay(self, listed: Collection[str], at: datetime | None) -> None:
        """A list of channels is complete, at the exchange's time `at`: close what is missing again."""
        missing = frozenset(uniqueid for uniqueid in self._state.legs if uniqueid not in listed)
        ghosts, self._missing = missing & self._missing, missing
        for uniqueid in sorted(ghosts):
            leg = self._state.legs.get(uniqueid)
            if leg is not None:
                give_up(self._state, leg, at)
