"""Settles what a gap hid, as far as the next listing of channels proves it. Pure.

From `ConnectionLost` on, every call in progress is doubtful. After the reconnect the exchange lists its channels
(`CoreShowChannels`, then `Status`). The listing is complete when `StatusComplete` has come after
`CoreShowChannelsComplete`. Doubtful calls that are not listed have then ended unheard, or were stopped when the
exchange restarted. Listed ones are completed. Calls whose beginning was not received are found in progress.

Refuses: to emit more than the listing proves (`listing_call.py`).
"""

from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from callmon.ami import events as e
from callmon.ami.events import RING, UP
from callmon.core import facts as f
from callmon.core.calls import answering, arrival, availability, called_person, click_to_dial
from callmon.core.calls.channels import TrackedCall, TrackedChannel, new_call
from callmon.core.calls.endpoints import is_local
from callmon.core.calls.ghost_channels import drop, drop_from, give_up
from callmon.core.calls.listing_call import Observing, is_joined_at_once, is_ringing, place, rung_by, up_since
from callmon.core.calls.rings import soon
from callmon.core.calls.state import TrackerState
from callmon.core.facts import Fact

SECOND = timedelta(seconds=1)
# Uptimes are whole seconds, and network delay separates them from the clock that they are compared with.
UPTIME_TOLERANCE = timedelta(seconds=5)
MAX_ENTRIES = 100_000


class ClosedGap(NamedTuple):
    """A gap that a listing ended."""

    start: datetime
    end: datetime
    stopped: bool | None = None  # whether the exchange stopped in it; None if it did not report its uptime
    booted: datetime | None = None  # when the exchange started again
    away: bool = False  # callmon itself did not run when the gap began


class GapState(msgspec.Struct):
    """What is known of the gap in progress, besides its start."""

    stopped_at: datetime | None = None  # the exchange announced its shutdown
    stopped: bool = False
    stopped_later: bool = False  # after the reconnect: the shutdown did not begin the gap
    restarted: bool = False
    booted: datetime | None = None  # by the uptime that the exchange reports at login
    away: bool = False


class Listing:
    """The listing in progress of one exchange, and the gap that it ends."""

    def __init__(self, state: TrackerState) -> None:
        self._state = state
        self._entries: dict[str, e.CoreShowChannel | e.Status] = {}
        self._applications: dict[str, str] = {}
        self._gone: set[str] = set()
        self._channels_done = False
        self.since: datetime | None = None  # the time of the last event before the gap
        self.absence = GapState()
        self._uptime = timedelta(0)
        self._heard_from: datetime | None = None
        self.settled = 0  # how often a listing has ended a gap
        self._gap: ClosedGap | None = None
        self._missing: frozenset[str] = frozenset()  # in the last listing, while the exchange is received
        # Calls without Unheard yet; whether the gap may hide an answer (also by `0` in a greeting), and ringing.
        self._untold: dict[str, tuple[bool, bool]] = {}

    # The gap begins.

    def lost(self, event: e.ConnectionLost) -> None:
        """The connection is lost: from now on the exchange is unheard."""
        if self.since is None:
            self.since = event.at or self._state.exchange_time
        availability.begin_gap(self._state)
        self._state.is_unheard = True
        self._doubt()
        self._channels_done = False
        self._missing = frozenset()  # the next complete listing settles it
        self._forget()

    def _doubt(self) -> None:
        for call in self._state.calls.values():
            call.doubtful = True
            call.gone_unheard = call.refused_unheard = True
            call.unheard_since = call.unheard_since or self.since
            call.sent_unheard = True
            if call.sent is not None:
                call.sent.is_unsure = True
            for leg in call.legs:
                if leg.answered and not call.answered:  # it may be joined with the caller in the gap
                    leg.joined_unheard = leg.joined_unheard or leg.answered_at or self.since
            call.line_up = bool(call.line_up)  # the next event need not come straight from the menu
            self._untold[call.id] = not call.answered, not call.answered and not call.voicemail

    def doubted(self, facts: list[Fact]) -> list[Fact]:
        """Insert the gap before each call's first fact received before the listing: it may hide anything."""
        if not self._untold:
            return facts
        emitted: list[Fact] = []
        for fact in facts:
            hidden = self._untold.pop(fact.call, None)
            if hidden is not None:
                answer, ringing = hidden
                answer = answer and (ringing or not isinstance(fact, f.MessageLeft))  # still in voicemail
                gap = f.Unheard(fact.call, self.since, self._state.exchange_time, answer, ringing)
                emitted += (fact, gap) if isinstance(fact, f.Arrived) else (gap, fact)
            else:
                emitted.append(fact)
        return emitted

    def stopped(self, event: e.Shutdown) -> None:
        """The exchange announces its shutdown: what is still up when it comes back is gone."""
        self.absence.stopped, self.absence.stopped_at = True, event.at or self._state.exchange_time
        self.absence.stopped_later = self._state.is_unheard

    @property
    def lost_at(self) -> datetime | None:
        """When the connection was lost; None when callmon did not run then."""
        return None if self.absence.away else self.since

    def booted(self, event: e.FullyBooted) -> None:
        """At login: detect a restart since the last event. Without one, the uptime has grown meanwhile."""
        try:
            uptime = timedelta(seconds=int(event.uptime))
        except (ValueError, OverflowError):
            return
        self.absence.booted = None if event.at is None else event.at - uptime
        clock, started = self._state.exchange_time, self._heard_from
        heard = clock - started if clock is not None and started is not None else timedelta(0)
        late = event.at is not None and self.since is not None and event.at - uptime > self.since + SECOND
        if late or (self._uptime and uptime + UPTIME_TOLERANCE < self._uptime + heard):
            self.absence.restarted = True
        # Without a time of its own (a recording), the clock is from before the gap: the listing sets it.
        self._uptime, self._heard_from = uptime, event.at

    # The listing arrives.

    def entry(self, event: e.CoreShowChannel | e.Status) -> None:
        """Store one channel. `Status` says more and comes later, so it wins; the application may be in either."""
        if len(self._entries) < MAX_ENTRIES and event.uniqueid:
            self._entries[event.uniqueid] = event
            if event.application:
                self._applications[event.uniqueid] = event.application

    def channels_complete(self, event: e.CoreShowChannelsComplete) -> None:
        self._channels_done = True
        if not self._state.is_unheard:
            self._close_ghosts(event.at)
            self._forget()

    def _close_ghosts(self, at: datetime | None) -> None:
        """Close the channels that are missing for the second time (`ghost_channels.py`)."""
        missing = frozenset(self._state.legs.keys() - self._entries.keys())
        ghosts, self._missing = missing & self._missing, missing
        for uniqueid in sorted(ghosts):
            leg = self._state.legs.get(uniqueid)
            if leg is not None:
                give_up(self._state, leg, at)

    def status_complete(self, event: e.StatusComplete) -> None:
        """The listing is complete: settle what it proves."""
        if not self._channels_done:
            return
        until = event.at
        listed = {u: x for u, x in self._entries.items() if isinstance(x, e.Status) and u not in self._gone}
        self._settle(click_to_dial.rewritten(self._state, listed), until)
        early = list(self._state.deferred)
        self._finish(until)
        for step in early:
            step()

    def listing_refused(self, event: e.ListingRefused) -> None:
        """No listing will come: give up the calls from before the gap, with an unknown end."""
        for call in [call for call in self._state.calls.values() if call.doubtful]:
            self._over(call, event.at)
        self._finish(event.at)

    def _finish(self, until: datetime | None) -> None:
        if self.since is not None and until is not None:
            gap = self.absence
            stopped = True if gap.restarted or gap.stopped else None if gap.booted is None else False
            self._gap = ClosedGap(self.since, until, stopped, gap.booted if stopped else None, gap.away)
        self.absence = GapState()
        self.since, self._state.is_unheard = None, False
        self.settled += 1
        self._heard_from = self._heard_from or until
        self._untold.clear()
        self._forget()

    def drain_gap(self) -> ClosedGap | None:
        """Return the gap that the last listing ended, once."""
        gap, self._gap = self._gap, None
        return gap

    def resume(self, heard_until: datetime | None) -> None:
        """callmon itself was not running: its last event was at this time."""
        self.since = heard_until
        self._state.is_unheard = True
        self.absence.away = True
        self._doubt()

    def gone(self, uniqueid: str) -> None:
        """A Hangup received during the listing: that channel's entry is out of date."""
        if self._entries and len(self._gone) < MAX_ENTRIES:
            self._gone.add(uniqueid)

    def _forget(self) -> None:
        self._entries.clear()
        self._applications.clear()
        self._gone.clear()
        self._state.deferred.clear()

    # What the listing proves.

    def _settle(self, listed: dict[str, e.Status], until: datetime | None) -> None:
        state = self._state
        legs: dict[str, list[e.Status]] = {}
        for entry in listed.values():
            if entry.uniqueid != entry.linkedid:
                legs.setdefault(entry.linkedid, []).append(entry)
        for call in [call for call in state.calls.values() if call.doubtful]:
            call.doubtful = False
            own = legs.get(call.id, [])
            caller = called_person.listed(state, call, listed, own)
            if caller is None or self.absence.restarted:
                self._over(call, until)
            else:
                phones = [entry for entry in own if entry is not caller]
                self._still_there(call, caller, phones + _taken_in(call, listed), until)
        for entry in listed.values():
            if _is_own(entry, listed) and entry.uniqueid not in state.legs:
                self._found(entry, legs.get(entry.linkedid, []), until)
        for call in [call for call in state.calls.values() if call.unsure is not None]:
            self._answered_when(call, listed)
        self._orphans(listed)

    def _answered_when(self, call: TrackedCall, listed: dict[str, e.Status]) -> None:
        """An answer without a known time: a later listing may show it."""
        leg, caller = call.unsure, listed.get(call.id)
        phone = listed.get(leg.uniqueid) if leg is not None else None
        if leg is None or caller is None or phone is None or not is_joined_at_once(caller, phone):
            return
        at = up_since(phone)
        if at is not None:
            call.unsure = None
            answering.answer(self._state, call, leg, at, found=True)

    def _orphans(self, listed: dict[str, e.Status]) -> None:
        """Forget legs of no call that vanished in a gap."""
        if self.since is not None:
            for uniqueid in [u for u, leg in self._state.legs.items() if leg.call is None and u not in listed]:
                drop(self._state, self._state.legs[uniqueid])

    def _over(self, call: TrackedCall, until: datetime | None) -> None:
        state = self._state
        state.bridges.leave(call.caller)
        if not call.is_emitted:  # of no line, and nothing known of it
            answering.close_call(state, call, f.Ended(call.id, None, "unknown", "unheard"))
            return
        gap = self.absence
        how: f.EndedHow = "stopped" if gap.restarted or gap.stopped else "unheard"
        # When the exchange stopped, that began the gap: no person answered in between.
        answer = not call.answered and (how != "stopped" or gap.stopped_later)
        self._tell_gap(call, until, answer, not call.answered and not call.voicemail)
        for leg in call.legs:
            drop(state, leg)
        if call.sent is not None and call.sent.kind == "blonde":
            call.sent = None  # the caller may have come back in the gap: no transfer is certain
        answering.close_call(
            state, call, f.Ended(call.id, None, "exchange" if how == "stopped" else "unknown", how)
        )

    def _tell_gap(self, call: TrackedCall, until: datetime | None, answer: bool, ringing: bool) -> None:
        """Emit the gap once per call: a fact since the reconnect may have triggered it already (`doubted`)."""
        if call.id in self._untold:
            gap = f.Unheard(call.id, self.since, until, answer, ringing)
            if call.is_emitted:
                self._state.emit(gap)
            else:
                call.gaps_before_arrival += (gap,)

    def _still_there(
        self, call: TrackedCall, entry: e.Status, phones: list[e.Status], until: datetime | None
    ) -> None:
        state = self._state
        in_box = call.voicemail and "VoiceMail" in map(
            self._applications.get, (call.id, *(x.uniqueid for x in phones))
        )
        may_hide = not call.answered and not in_box and entry.state != RING
        silent = not call.answered and not call.voicemail and not is_ringing(phones)
        self._tell_gap(call, until, may_hide, silent)
        called_person.after_gap(state, call, entry, self.since, until)
        phones = called_person.apart(state, call, phones)
        self._recognise(call, phones)
        here = {phone.uniqueid for phone in phones}
        for leg in [leg for leg in call.legs if leg.uniqueid not in here]:
            drop_from(state, call, leg)
        Observing(state, self._applications, self.since, until).observe(call, entry, phones)

    def _recognise(self, call: TrackedCall, phones: list[e.Status]) -> None:
        """Match phones to their ids: after a restart of callmon they are known by their channels only."""
        nameless = {leg.channel: leg for leg in call.legs if not leg.uniqueid}
        for phone in phones:
            leg = nameless.get(phone.channel)
            if leg is not None and phone.uniqueid not in self._state.legs:
                leg.uniqueid = phone.uniqueid
                self._state.legs[phone.uniqueid] = leg

    def _found(self, entry: e.Status, phones: list[e.Status], until: datetime | None) -> None:
        state = self._state
        if is_local(entry.channel):
            return
        arrived = e.born(entry.uniqueid)
        leg = state.legs[entry.uniqueid] = TrackedChannel(entry.uniqueid, entry.channel)
        if not entry.dialled:  # rung by the exchange itself, to call a phone back: its join shows for which call
            leg.answered = entry.state == UP
            place(state, leg, entry)
            return
        call = state.calls[leg.uniqueid] = new_call(leg, None, entry.language)
        line = arrival.line(state, leg.channel, entry.context, entry.dialled, entry.caller)
        call.gone_unheard = True
        if line is None and entry.state == RING and all(is_local(phone.channel) for phone in phones):
            call.begun, call.is_found = as_arriving(entry), True  # no phone is dialled: its direction is not known
            Observing(state, self._applications, arrived, until).observe(call, entry, phones)
            return
        direction = "inbound" if line is not None else self._direction(entry, phones)
        # While a phone that was rung at once still rings, no person has answered.
        rung = (phone for phone in phones if phone.state != UP and not is_local(phone.channel))
        may_hide = entry.state == UP and not any(soon(arrived, rung_by(phone)) for phone in rung)
        silent = not is_ringing(phones)
        seen = {"at": arrived, "may_hide_answer": may_hide, "may_hide_ringing": silent}
        arrival.emit_found_call(state, call, entry, direction, line, **seen)
        call.unheard_since, call.sent_unheard = arrived, True
        call.visitor = not call.inbound  # a pick-up's taker has an id of its own
        if call.visitor and entry.state == UP:
            leg.answered, leg.joined_unheard = True, arrived
        Observing(state, self._applications, arrived, until).observe(call, entry, phones)

    def _direction(self, entry: e.Status, phones: list[e.Status]) -> f.Direction:
        ends = self._state.profile.endpoints
        if any(ends.is_outside_dialled(phone.channel, "") for phone in phones):
            return "outbound"
        return "inbound" if ends.is_outside_caller(entry.channel, entry.caller) else "internal"


def as_arriving(entry: e.Status) -> e.Newchannel:
    born = e.born(entry.uniqueid)
    about = entry.channel, entry.state, entry.caller, entry.caller_name, entry.language
    return e.Newchannel(born, *about, entry.context, entry.dialled, entry.uniqueid, entry.uniqueid)


def _is_own(entry: e.Status, listed: dict[str, e.Status]) -> bool:
    """Whether it is a call of its own: an agent of a pool keeps the Linkedid of a caller who has left."""
    return entry.uniqueid == entry.linkedid or (bool(entry.dialled) and entry.linkedid not in listed)


def _taken_in(call: TrackedCall, listed: dict[str, e.Status]) -> list[e.Status]:
    """Legs that were created on their own, and are not in a bridge with the caller yet."""
    legs = (listed.get(leg.uniqueid) for leg in call.legs)
    return [entry for entry in legs if entry is not None and entry.linkedid != call.id]
