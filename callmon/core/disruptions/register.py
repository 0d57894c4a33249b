"""The register of disruptions: opened, announced, ended. No I/O, no clock.

    the detector (detector.py) ───▶ open · end ─┐               ┌─▶ entries (append-only)
    a manual command ─────────────▶ do ─────────┼─ disruptions ─┼─▶ the disruption as it stands
    time ─────────────────────────▶ tick ───────┘               └─▶ (Noted, for the sinks)

A disruption detected during planned work that names its lines belongs to that work and has its notice.

Refuses: to reopen a disruption that was ended manually while its cause was still detected, until that cause has
ended once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from callmon.core.disruptions import disruption as n
from callmon.core.disruptions.commands import DisruptionCommand, validate
from callmon.core.disruptions.disruption import NO_NOTICE, Disruption, EndedHow, Key, after, opened

PLAIN = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
# Planned work is exported this long before its start, since Prometheus scrapes at intervals: callmon's own machine
# may be the first to stop.
BEFOREHAND = timedelta(minutes=2)


class DisruptionUpdate(msgspec.Struct, frozen=True):
    """One entry, the disruption after it, and whether this entry completed the notice."""

    entry: n.AnyEntry
    disruption: Disruption
    announces: bool = False


def update_by(entry: n.AnyEntry, before: Disruption | None) -> DisruptionUpdate:
    """What the entry makes of the disruption `before` it; the first entry, None, makes a new one."""
    if before is None:
        assert isinstance(entry, n.Opened | n.Planned)
        disruption = opened(entry)
    else:
        disruption = after(before, entry)
    is_first = before is None or before.announced is None
    return DisruptionUpdate(entry, disruption, is_first and disruption.announced is not None)


class DisruptionRegister:
    def __init__(self) -> None:
        self._all: dict[str, Disruption] = {}
        self._known: set[str] = set()  # ids assigned since the start: none is assigned twice
        self._out: list[DisruptionUpdate] = []

    def __iter__(self) -> Iterator[Disruption]:
        return iter(self._all.values())

    def get(self, name: str) -> Disruption | None:
        return self._all.get(name)

    def restore(self, found: Iterable[Disruption]) -> None:
        for disruption in found:
            self._keep(disruption)

    def replace_all(self, stored: Iterable[Disruption]) -> None:
        """Replace all by the stored disruptions. Unstored entries are dropped, as another instance was leader."""
        self._all.clear()
        self._out.clear()
        self.restore(stored)

    def inherit(self, older: DisruptionRegister) -> None:
        self._all = older._all
        self._known = older._known
        self._out = older._out

    def drain_updates(self) -> tuple[DisruptionUpdate, ...]:
        out, self._out = tuple(self._out), []
        return out

    # Queries.

    def seen(self, key: Key) -> Disruption | None:
        """The disruption that the detector opened for this key, as long as its cause lasts."""
        return next((x for x in self._all.values() if x.key == key and x.is_live), None)

    def going_on(self, now: datetime) -> list[Disruption]:
        return [x for x in self._all.values() if x.state(now) == "going_on"]

    def work(self, now: datetime) -> list[Disruption]:
        """Planned work that is going on, or begins within `BEFOREHAND`."""
        works = (x for x in self._all.values() if x.source == "work" and x.ended is None)
        return [x for x in works if x.began - BEFOREHAND <= now]

    def visible(self) -> tuple[Disruption, ...]:
        """Disruptions going on or planned."""
        return tuple(x for x in self._all.values() if x.ended is None)

    # Writing.

    def append_entry(self, entry: n.AnyEntry) -> Disruption:
        """Append an entry to a known disruption, or write the first entry of a new one."""
        update = update_by(entry, self._all.get(entry.disruption))
        self._keep(update.disruption)
        self._out.append(update)
        return update.disruption

    def _keep(self, disruption: Disruption) -> None:
        self._known.add(disruption.id)
        if disruption.is_live:
            self._all[disruption.id] = disruption
        else:
            self._all.pop(disruption.id, None)

    def open_detected(self, key: Key, lines: Iterable[str], at: datetime, now: datetime) -> Disruption:
        """Open a detected disruption: these lines cannot take calls since `at`."""
        source, exchange, what = key
        lines = tuple(lines)
        work = next((x for x in self.work(now) if set(lines) <= set(x.lines)), None)
        notice, name = (NO_NOTICE, None) if work is None else (work.notice, work.id)
        entry = n.Opened(self._name(what or exchange, at), at, source, exchange, what, lines, notice, name)
        return self.append_entry(entry)

    def end_detected(self, disruption: Disruption, at: datetime, how: EndedHow = "over") -> None:
        """Record that the cause is over. A manually ended disruption gets only a `CauseOver` entry."""
        if disruption.ended is None:
            self.append_entry(n.DisruptionEnded(disruption.id, at, how))
        else:
            self.append_entry(n.CauseOver(disruption.id, at))

    def _name(self, what: str, at: datetime) -> str:
        """A unique id in the form of a call's: what failed, and the second of its start."""
        base = f"{PLAIN.sub('-', what.rpartition('/')[2]).strip('-') or 'line'}-{int(at.timestamp())}"
        return next(x for x in (base, *(f"{base}-{k}" for k in range(2, 1000))) if x not in self._known)

    # Time.

    def tick(self, now: datetime) -> None:
        """End planned work at its planned end."""
        for disruption in list(self._all.values()):
            until = disruption.notice.until
            if disruption.source == "work" and disruption.ended is None and until is not None and until <= now:
                self.append_entry(n.DisruptionEnded(disruption.id, until, "time"))

    # Manual commands.

    def do(self, command: DisruptionCommand, stored: Disruption | None = None) -> None:
        """Apply a manual command. `stored`: the stored disruption, for one that has ended."""
        disruption = self._all.get(command.disruption) or stored
        at = command.at
        actor = command.actor
        why = validate(disruption, command)
        if disruption is None and (command.disruption or why is not None):
            return  # not stored; or valid when requested, and only the time since has made it invalid
        if disruption is not None and disruption.id not in self._all:
            self._all[disruption.id] = disruption
        if disruption is None:
            self._begin(command)
        elif why is not None:
            self.append_entry(n.DisruptionCommandRefused(disruption.id, at, actor, command.action, why))
        elif command.action == "end":
            self._end_by_hand(disruption, command)
        else:
            changes = command.notice, command.start, command.lines
            self.append_entry(n.Announced(disruption.id, at, actor, *changes))
            for other in [x for x in self._all.values() if x.work == disruption.id and x.ended is None]:
                self.append_entry(n.Announced(other.id, at, actor, command.notice))

    def _begin(self, command: DisruptionCommand) -> None:
        start, at = command.start or command.at, command.at
        actor = command.actor
        lines = command.lines
        notice = command.notice
        if command.action == "plan":
            self.append_entry(n.Planned(self._name("work", start), at, actor, lines, start, notice))
            return
        name = self._name(lines[0], start)
        self.append_entry(n.Opened(name, start, "staff", "", name, lines, notice, actor=actor, told=at))

    def _end_by_hand(self, disruption: Disruption, command: DisruptionCommand) -> None:
        when = command.when or command.at
        if disruption.source == "work" and when < disruption.began:
            self.append_entry(n.DisruptionEnded(disruption.id, command.at, "cancelled", command.actor))
            return
        is_seen = disruption.source in ("exchange", "trunk", "phones")
        self.append_entry(n.DisruptionEnded(disruption.id, when, "by_hand", command.actor, lasts_on=is_seen))
