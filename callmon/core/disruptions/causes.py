"""What of the exchanges' state could keep a line from taking calls: the causes that a watch weighs. Pure.

    exchange   it is unheard, or has said that it stops            its lines
    trunk      every trunk over which a line's calls come is       the lines that come over these
               unreachable
    phones     every phone of a line is, while the line is open    that line

Contacts and peers that fail show in the states of their devices, which the exchange lists after a gap:
ContactStatus and PeerStatus say the same, and no list of them may be asked for. Registrations with carriers
(Registry) show nowhere else: when all of them are lost, every line of the exchange is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from callmon.config.lines import Line, Lines
from callmon.core.calls.gap import Heard as Absent
from callmon.core.calls.phone_states import State
from callmon.core.calls.tracker import Tracker
from callmon.core.disruptions.disruption import Key
from callmon.core.disruptions.entries import EndedHow
from callmon.core.disruptions.register import Book
from callmon.core.disruptions.trunks import Routes


class Cause(msgspec.Struct, frozen=True):
    """Something that may keep lines from taking calls. `holds` None: not known now.

    `at`: since when it holds, or when it ceased to. `is_certain`: it need not last first.
    """

    key: Key
    lines: tuple[str, ...]
    holds: bool | None
    at: datetime | None = None
    how: EndedHow = "over"
    is_certain: bool = False


class Heard(Protocol):
    """One exchange as it is heard."""

    @property
    def lines(self) -> Lines: ...
    @property
    def tracker(self) -> Tracker: ...
    @property
    def routes(self) -> Routes: ...
    @property
    def trunks(self) -> tuple[str, ...]:
        """Those that are known of, as the configuration names them."""

    returned: Absent | None  # the last gap, until somebody has looked at it


Exchanges = Mapping[str, Heard]


def carried(exchanges: Exchanges, name: str) -> tuple[str, ...]:
    """The lines of an exchange: all when it is the only one, else those for which calls came in there."""
    lines = [line.name for line in exchanges[name].lines]
    if len(exchanges) == 1:
        return tuple(lines)
    known = exchanges[name].routes.lines()
    return tuple(line for line in lines if line in known)


def causes(
    exchanges: Exchanges,
    lines: Mapping[str, Line],
    is_open: Callable[[str], bool],
    book: Book,
    settling: Collection[str] = (),
) -> Iterator[Cause]:
    """Every one, whether it holds or not. What an exchange that is `settling` calls unreachable may not be."""
    for name, heard in exchanges.items():
        yield _unheard(name, heard, carried(exchanges, name))
        for cause in _trunks(name, heard, carried(exchanges, name), book):
            yield _unless(name in settling, cause)
    for name, line in lines.items():
        yield _unless(bool(settling), _phones(exchanges, line, is_open(name)))


def _unless(is_settling: bool, cause: Cause) -> Cause:
    return msgspec.structs.replace(cause, holds=None) if cause.holds and is_settling else cause


def _unheard(name: str, heard: Heard, lines: tuple[str, ...]) -> Cause:
    listing = heard.tracker.listing
    key: Key = ("exchange", name, "")
    stopped = listing.absence.stopped_at
    if not heard.tracker.state.is_unheard and stopped is None:
        return Cause(key, lines, holds=False, at=heard.tracker.state.clock)
    holds = True if lines and (stopped or listing.was_heard) else None
    return Cause(key, lines, holds, stopped or listing.lost_at, is_certain=stopped is not None)


def _trunks(name: str, heard: Heard, lines: tuple[str, ...], book: Book) -> Iterator[Cause]:
    """One cause for all lines that come over the same trunks."""
    lost: Key = ("trunk", name, "registration")
    registrations = heard.tracker.state.phones.registrations
    yield Cause(lost, lines, registrations.are_lost() if lines else None, registrations.turned)
    groups = {_key(name, trunks): (trunks, of) for trunks, of in _groups(heard, lines).items()}
    for key, (trunks, _) in groups.items():
        if book.seen(key) is not None:
            heard.routes.were_down(trunks)
    phones, clock = heard.tracker.state.phones, heard.tracker.state.clock
    states = {trunk: phones.state(trunk) for trunks, _ in groups.values() for trunk in trunks}
    heard.routes.look(states)
    for key, (trunks, of) in groups.items():
        down = heard.routes.are_down(trunks, states)
        turned = [at for trunk in trunks if (at := phones.turned(trunk)) is not None]
        yield Cause(key, tuple(of), down, (max if down else min)(turned) if turned else clock)
    if heard.tracker.state.is_unheard:  # and its devices are not known
        others = (x for x in book if x.source == "trunk" and x.exchange == name and x.key not in (lost, *groups))
        yield from [Cause(one.key, one.lines, None) for one in others]


def _key(exchange: str, trunks: frozenset[str]) -> Key:
    return "trunk", exchange, ", ".join(sorted(trunks))


def _groups(heard: Heard, lines: tuple[str, ...]) -> dict[frozenset[str], list[str]]:
    """Lines by the trunks over which their calls come; those that nobody has called yet by all that are known."""
    groups: dict[frozenset[str], list[str]] = {}
    for line in lines:
        groups.setdefault(heard.routes.of(line, heard.tracker.state.clock), []).append(line)
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
    """How all the line's phones stand, when each turned so, and the latest time that was told."""
    states: set[State | None] = set()
    turned: Turned = []
    clocks: list[datetime] = []
    for heard in exchanges.values():
        phones = heard.tracker.state.phones
        states |= phones.states(line, ())
        turned += [(at, phones.state(x)) for x in phones.of(line) if (at := phones.turned(x)) is not None]
        clocks += [heard.tracker.state.clock] if heard.tracker.state.clock is not None else []
    return states, turned, max(clocks, default=None)
