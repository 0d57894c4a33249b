"""The snapshot of the daemon for the pages: frozen values, made in the daemon's loop once a second. Pure.

A page reads the `Snapshot` and the database, never the monitor. Between two snapshots none of its values
can change, so that a thread may render it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from callmon.config.settings import Settings
from callmon.core.callbacks.index import ObligationIndex, ObligationSummary
from callmon.core.disruptions.disruption import Disruption
from callmon.core.statistics.today import Today
from callmon.sinks import line_status
from callmon.sinks.metrics.exposition import ExchangeStatus
from callmon.sinks.mqtt import topics
from callmon.store.writer.writer import Writer


class AppliedCommands(Protocol):
    """The queue of manual commands; `done` is the number of the last that was applied."""

    done: int


class DaemonState(line_status.LiveState, Protocol):
    """The daemon's state that the snapshot is made of."""

    settings: Settings
    today: Today
    database: Writer

    @property
    def hands(self) -> AppliedCommands: ...


class ExchangeView(msgspec.Struct, frozen=True):
    """An exchange: `unheard_since` is None while it is heard."""

    name: str
    unheard_since: datetime | None


class CallbackView(msgspec.Struct, frozen=True):
    """The open callbacks at one revision of the ledger."""

    revision: int
    shown: tuple[ObligationSummary, ...] = ()
    to_listen_to: int = 0

    def by_line(self) -> dict[str, tuple[int, int]]:
        """Line → (open, overdue)."""
        opened = Counter(one.line for one in self.shown)
        overdue = Counter(one.line for one in self.shown if one.state == "overdue")
        return {line: (count, overdue[line]) for line, count in opened.items()}


class Snapshot(msgspec.Struct, frozen=True):
    """The snapshot of one moment. `stores`: outcomes reach the database."""

    at: datetime
    lines: tuple[topics.LineStatus, ...]
    exchanges: tuple[ExchangeView, ...]
    owed: CallbackView
    disruptions: tuple[Disruption, ...]
    stores: bool
    leads: bool
    enabled: frozenset[str] = frozenset()  # the standards that give verdicts
    asked: int = 0  # number of the last manual command that was applied

    @property
    def revision(self) -> str:
        """Changes whenever the list of callbacks may have changed."""
        return f"{self.owed.revision}.{self.owed.to_listen_to}.{self.asked}"

    @property
    def is_heard(self) -> bool:
        return bool(self.exchanges) and all(one.unheard_since is None for one in self.exchanges)


NOTHING_OWED = CallbackView(-1)


def open_callbacks(shelf: ObligationIndex, before: CallbackView) -> CallbackView:
    """The open callbacks of the index (`ObligationIndex`); `before` itself for as long as nothing changed."""
    if shelf.revision() == before.revision:
        return before
    listen = sum(shelf.count("callbacks_to_listen_to").values())
    return CallbackView(shelf.revision(), tuple(shelf.open().values()), listen)


def take_snapshot(told: DaemonState, before: CallbackView, now: datetime) -> Snapshot:
    """The snapshot at `now`."""
    due = open_callbacks(told.owed(), before)
    names = [line.name for line in told.settings.lines()]
    return Snapshot(
        now,
        tuple(line_status.lines(told, told.today, names, due.by_line(), now)),
        tuple(_heard(told.exchanges(), now)),
        due,
        tuple(told.service().book.shown().values()),
        told.database.trouble() is None,
        told.leads(),
        frozenset(name for name, is_judged in told.enabled().items() if is_judged),
        told.hands.done,
    )


def _heard(states: Iterable[ExchangeStatus], now: datetime) -> Iterable[ExchangeView]:
    for state in states:
        yield ExchangeView(state.name, None if state.unheard_for is None else now - state.unheard_for)


def total(tables: Iterable[Mapping[str, int]]) -> Counter[str]:
    """The sum of several tables of counts."""
    found: Counter[str] = Counter()
    for table in tables:
        found.update(table)
    return found
