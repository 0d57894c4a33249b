"""The detector: checks the exchanges once a second for causes of disruptions. No I/O, no clock.

exchanges ─▶ causes ─▶ detector ─▶ register

    cause:  unknown ── no change
            true ──(lasts for `patience`)──▶ open, since its start     (a stop that the exchange reported: at once)
            false ─────────────────────────▶ end, at its end

An unheard exchange may still work. Its uptime after the gap shows whether it had stopped. If it had not, there was
only a gap in measuring, and the disruption ends as "measuring". The causes:

    exchange   it is unheard, or has reported that it stops        its lines
    trunk      every trunk that carries a line's calls is          the lines carried by these
               unreachable
    phones     every phone of a line is unreachable, while         that line
               the line is open

Failed contacts and peers show in the states of their devices, which the exchange lists after a gap. ContactStatus
and PeerStatus report the same, but callmon may not request a list of them. Registrations with carriers (Registry)
show nowhere else: when all are lost, every line of the exchange is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

import msgspec

from callmon.config.lines import Line
from callmon.config.settings import Settings
from callmon.core.calls.listing import ClosedGap
from callmon.core.calls.phone_states import State
from callmon.core.disruptions import disruption as n
from callmon.core.disruptions.disruption import Disruption, Key
from callmon.core.disruptions.register import DisruptionRegister
from callmon.core.exchange import ExchangeState

# After its start, an exchange qualifies each trunk and phone at some moment of the first qualify period
# (qualify_frequency; 60 s in callmon's configuration). Until then it reports them as unreachable (measured on
# Asterisk 22).
SETTLING = timedelta(seconds=75)


Exchanges = Mapping[str, ExchangeState]
SEEN = frozenset(("exchange", "trunk", "phones"))


class Cause(msgspec.Struct, frozen=True):
    """A possible reason why lines cannot take calls."""

    key: Key
    lines: tuple[str, ...]
    holds: bool | None  # None: not known now
    at: datetime | None = None  # since when it holds, or when it ended
    how: n.EndedHow = "over"
    is_certain: bool = False  # it opens a disruption without lasting first


class DisruptionDetector:
    """The detector of disruptions. `register` is the register; `tick` runs the detection."""

    def __init__(self, exchanges: Exchanges, settings: Settings) -> None:
        self._exchanges, self._calendars = exchanges, settings.calendars
        self._patience = settings.disruptions.after
        self._lines = {line.name: line for line in settings.lines()}
        self.register = DisruptionRegister()
        self._seen: dict[Key, tuple[datetime, datetime]] = {}  # since when; first seen, by callmon's clock
        self._settled: dict[str, datetime] = {}  # when the device states of a restarted exchange are trusted again

    def adopt(self, older: DisruptionDetector) -> None:
        self.register.inherit(older.register)
        self._seen, self._settled = older._seen, older._settled

    def tick(self, now: datetime) -> None:
        """Open and end disruptions by the causes at this time."""
        self.register.tick(now)
        for name, exchange in self._exchanges.items():
            if exchange.returned is not None:
                gap, exchange.returned = exchange.returned, None
                self._returned(name, gap, now)
                if gap.stopped is not False:
                    self._settled[name] = now + SETTLING
        settling = frozenset(name for name, at in self._settled.items() if now < at)
        known: set[Key] = set()
        for cause in _causes(self._exchanges, self._lines, partial(self._is_open, now), self.register, settling):
            known.add(cause.key)
            self._weigh(cause, now)
        for disruption in [x for x in self.register if x.source in SEEN and x.key not in known]:
            self.register.end_detected(disruption, now)  # its line or exchange is no longer configured

    def _is_open(self, now: datetime, line: str) -> bool:
        calendar = self._calendars.get(line)
        return calendar is None or calendar.is_open(now)

    def _weigh(self, cause: Cause, now: datetime) -> None:
        disruption = self.register.seen(cause.key)
        if cause.holds is None:
            self._seen.pop(cause.key, None)
        elif not cause.holds:
            self._seen.pop(cause.key, None)
            if disruption is not None:
                self.register.end_detected(disruption, cause.at or now, cause.how)
        elif disruption is None:
            since, seen = self._seen.setdefault(cause.key, (cause.at or now, now))
            if cause.is_certain or now - seen >= self._patience:
                self._seen.pop(cause.key)
                self._confirm(cause, self.register.open_detected(cause.key, cause.lines, since, now), since)
        else:
            self._confirm(cause, disruption, cause.at or now)

    def _confirm(self, cause: Cause, disruption: Disruption, at: datetime) -> None:
        if cause.is_certain and disruption.confirmed is None:
            self.register.append_entry(n.Confirmed(disruption.id, at))

    def _returned(self, exchange: str, gap: ClosedGap, now: datetime) -> None:
        """Process the end of a gap: the exchange had stopped, or only callmon's connection was lost."""
        key: Key = ("exchange", exchange, "")
        self._seen.pop(key, None)
        disruption, lines = self.register.seen(key), _carried(self._exchanges, exchange)
        if disruption is None:
            if not gap.stopped or gap.away or not lines:
                return  # it did not stop, or the time of its stop is not known
            disruption = self.register.open_detected(key, lines, gap.start, now)
        if gap.stopped and disruption.confirmed is None:
            disruption = self.register.append_entry(n.Confirmed(disruption.id, gap.end))
        if disruption.confirmed is None and gap.stopped is False:
            self.register.end_detected(disruption, gap.end, "measuring")
        else:
            self.register.end_detected(disruption, (gap.booted if gap.stopped else None) or gap.end)


def _carried(exchanges: Exchanges, name: str) -> tuple[str, ...]:
    """The lines of an exchange: all when it is the only exchange, else those that received calls there."""
    lines = [line.name for line in exchanges[name].profile.lines]
    if len(exchanges) == 1:
        return tuple(lines)
    known = exchanges[name].routes.lines_with_calls()
    return tuple(line for line in lines if line in known)


def _causes(
    exchanges: Exchanges,
    lines: Mapping[str, Line],
    is_open: Callable[[str], bool],
    register: DisruptionRegister,
    settling: Collection[str] = (),
) -> Iterator[Cause]:
    """Every cause, whether it holds or not. `settling`: exchanges whose "unreachable" is not trusted yet."""
    for name, heard in exchanges.items():
        yield _unheard(name, heard, _carried(exchanges, name))
        for cause in _trunks(name, heard, _carried(exchanges, name), register):
            yield _unless(name in settling, cause)
    for name, line in lines.items():
        yield _unless(bool(settling), _phones(exchanges, line, is_open(name)))


def _unless(is_settling: bool, cause: Cause) -> Cause:
    return msgspec.structs.replace(cause, holds=None) if cause.holds and is_settling else cause


def _unheard(name: str, heard: ExchangeState, lines: tuple[str, ...]) -> Cause:
    listing = heard.tracker.listing
    key: Key = ("exchange", name, "")
    stopped = listing.absence.stopped_at
    if not heard.tracker.state.is_unheard and stopped is None:
        return Cause(key, lines, holds=False, at=heard.tracker.state.exchange_time)
    holds = True if lines and (stopped or listing.since is not None) else None
    return Cause(key, lines, holds, stopped or listing.lost_at, is_certain=stopped is not None)


def _trunks(
    name: str, heard: ExchangeState, lines: tuple[str, ...], register: DisruptionRegister
) -> Iterator[Cause]:
    lost: Key = ("trunk", name, "registration")
    registrations = heard.tracker.state.phones.registrations
    yield Cause(lost, lines, registrations.are_lost() if lines else None, registrations.turned)
    groups = {_key(name, trunks): (trunks, of) for trunks, of in _groups(heard, lines).items()}
    for key, (trunks, _) in groups.items():
        if register.seen(key) is not None:
            heard.routes.were_down(trunks)
    phones, clock = heard.tracker.state.phones, heard.tracker.state.exchange_time
    states = {trunk: phones.phone_state(trunk) for trunks, _ in groups.values() for trunk in trunks}
    heard.routes.record_states(states)
    for key, (trunks, of) in groups.items():
        down = heard.routes.are_down(trunks, states)
        turned = [at for trunk in trunks if (at := phones.turned(trunk)) is not None]
        yield Cause(key, tuple(of), down, (max if down else min)(turned) if turned else clock)
    if heard.tracker.state.is_unheard:  # its device states are not known
        others = (
            x for x in register if x.source == "trunk" and x.exchange == name and x.key not in (lost, *groups)
        )
        yield from [Cause(disruption.key, disruption.lines, None) for disruption in others]


def _key(exchange: str, trunks: frozenset[str]) -> Key:
    return "trunk", exchange, ", ".join(sorted(trunks))


def _groups(heard: ExchangeState, lines: tuple[str, ...]) -> dict[frozenset[str], list[str]]:
    """Lines by the trunks that carry their calls. A line without calls yet is grouped under all known trunks."""
    groups: dict[frozenset[str], list[str]] = {}
    for line in lines:
        groups.setdefault(heard.routes.trunks_of(line, heard.tracker.state.exchange_time), []).append(line)
    if (unused := groups.pop(frozenset(), None)) is not None and (known := frozenset(heard.trunks)):
        groups.setdefault(known, []).extend(unused)
    return groups


def _phones(exchanges: Exchanges, line: Line, is_open: bool) -> Cause:
    key: Key = ("phones", "", line.name)
    if not is_open:
        return Cause(key, (line.name,), holds=False, how="closed")
    states, turned, clock = _states(exchanges, line)
    if states & {"free", "in_use", "ringing"}:
        back = [at for at, state in turned if state != "unreachable"]
        return Cause(key, (line.name,), holds=False, at=min(back, default=clock))
    if states != {"unreachable"}:
        return Cause(key, (line.name,), holds=None)
    return Cause(key, (line.name,), holds=True, at=max((at for at, _ in turned), default=clock))


Turned = list[tuple[datetime, State | None]]


def _states(exchanges: Exchanges, line: Line) -> tuple[set[State | None], Turned, datetime | None]:
    """The states of the line's phones, when each changed, and the latest clock of the exchanges."""
    states: set[State | None] = set()
    turned: Turned = []
    clocks: list[datetime] = []
    for heard in exchanges.values():
        phones = heard.tracker.state.phones
        states |= phones.states(line, ())
        turned += [
            (at, phones.phone_state(x)) for x in phones.phones_of(line) if (at := phones.turned(x)) is not None
        ]
        clocks += [heard.tracker.state.exchange_time] if heard.tracker.state.exchange_time is not None else []
    return states, turned, max(clocks, default=None)
