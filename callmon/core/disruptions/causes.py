"""Possible causes of a disruption in the state of the exchanges, for the detector. Pure.

    exchange   it is unheard, or has reported that it stops        its lines
    trunk      every trunk that carries a line's calls is          the lines carried by these
               unreachable
    phones     every phone of a line is unreachable, while         that line
               the line is open

Failed contacts and peers show in the states of their devices, which the exchange lists after a gap. ContactStatus
and PeerStatus report the same, but callmon may not request a list of them. Registrations with carriers (Registry)
show nowhere else: when all are lost, every line of the exchange is.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

import msgspec

from callmon.config.lines import Line
from callmon.core.calls.phone_states import State
from callmon.core.disruptions.disruption import Key
from callmon.core.disruptions.entries import EndedHow
from callmon.core.disruptions.register import DisruptionRegister
from callmon.core.exchange import ExchangeState


class Cause(msgspec.Struct, frozen=True):
    """A possible reason why lines cannot take calls. `holds` None: not known now.

    `at`: since when it holds, or when it ended. `is_certain`: it opens a disruption without lasting first.
    """

    key: Key
    lines: tuple[str, ...]
    holds: bool | None
    at: datetime | None = None
    how: EndedHow = "over"
    is_certain: bool = False


Exchanges = Mapping[str, ExchangeState]


def carried(exchanges: Exchanges, name: str) -> tuple[str, ...]:
    """The lines of an exchange: all when it is the only exchange, else those that received calls there."""
    lines = [line.name for line in exchanges[name].site.lines]
    if len(exchanges) == 1:
        return tuple(lines)
    known = exchanges[name].routes.lines_with_calls()
    return tuple(line for line in lines if line in known)


def causes(
    exchanges: Exchanges,
    lines: Mapping[str, Line],
    is_open: Callable[[str], bool],
    book: DisruptionRegister,
    settling: Collection[str] = (),
) -> Iterator[Cause]:
    """Every cause, whether it holds or not. `settling`: exchanges whose "unreachable" is not trusted yet."""
    for name, heard in exchanges.items():
        yield _unheard(name, heard, carried(exchanges, name))
        for cause in _trunks(name, heard, carried(exchanges, name), book):
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


def _trunks(name: str, heard: ExchangeState, lines: tuple[str, ...], book: DisruptionRegister) -> Iterator[Cause]:
    """One cause for all lines that use the same trunks."""
    lost: Key = ("trunk", name, "registration")
    registrations = heard.tracker.state.phones.registrations
    yield Cause(lost, lines, registrations.are_lost() if lines else None, registrations.turned)
    groups = {_key(name, trunks): (trunks, of) for trunks, of in _groups(heard, lines).items()}
    for key, (trunks, _) in groups.items():
        if book.seen(key) is not None:
            heard.routes.were_down(trunks)
    phones, clock = heard.tracker.state.phones, heard.tracker.state.exchange_time
    states = {trunk: phones.phone_state(trunk) for trunks, _ in groups.values() for trunk in trunks}
    heard.routes.record_states(states)
    for key, (trunks, of) in groups.items():
        down = heard.routes.are_down(trunks, states)
        turned = [at for trunk in trunks if (at := phones.turned(trunk)) is not None]
        yield Cause(key, tuple(of), down, (max if down else min)(turned) if turned else clock)
    if heard.tracker.state.is_unheard:  # its device states are not known
        others = (x for x in book if x.source == "trunk" and x.exchange == name and x.key not in (lost, *groups))
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
