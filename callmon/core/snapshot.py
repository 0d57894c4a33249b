"""The daemon's state at one moment: what `/metrics`, the MQTT topics and the pages show. Frozen values.

The daemon makes one a second for topics and pages, and one for each scrape (`daemon/runtime.py`). A thread may
render it. Refuses: to report 0 for an unknown value. Such a value is absent or None.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import msgspec

from callmon.ami.call_counts import CallCounts
from callmon.config.lines import Line
from callmon.core.callbacks.index import (
    COUNTS,
    FIRSTS,
    Group,
    ObligationIndex,
    ObligationSummary,
    counted,
    first_times,
    summary_of,
)
from callmon.core.calls.call import Wait
from callmon.core.disruptions.disruption import Disruption
from callmon.core.exchange import LastCalls
from callmon.core.outcome import Outcome
from callmon.core.reconciliation import LastComparison

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class ExchangeStatus(NamedTuple):
    """One exchange.

    `connected`: logged in, and its channel listing processed. `unheard_for` is None while the exchange is
    received.
    """

    name: str
    connected: bool
    events: int
    last_event: datetime | None
    unheard_for: timedelta | None = None
    unusable: Mapping[str, int] = NOTHING  # reason → messages that could not be used
    vanished: int = 0  # calls closed because the exchange no longer listed them
    is_full: bool = False  # the limit of tracked channels is reached
    keeps_ringback_back: bool = False  # no step of the dialplan says since when callers hear ringing
    was_connected: bool = True  # ever, also in an earlier run


class LineStatus(msgspec.Struct, frozen=True):
    """One public line now and today. `states` has every state. `phones` is empty when they are not monitored.

    `callbacks` is (open, overdue).
    """

    name: str
    is_open: bool
    is_heard: bool
    states: Mapping[str, int]
    ringing: Wait | None
    queue: Wait | None
    phones: Mapping[str, int]
    day: str
    calls: Mapping[str, int]
    verdicts: Mapping[str, Mapping[str, int]]
    callbacks: tuple[int, int]


class Sink(Protocol):
    """A destination of outcomes: the database or an MQTT broker. It buffers what it cannot deliver yet.

    The daemon bounds that buffer: `offer` returns False when reading must pause. Refuses: to block the caller of
    `offer`, and to raise into it.
    """

    name: str  # in the configuration, in labels and in messages

    def offer(self, outcome: Outcome) -> bool:
        """Always accept the outcome. False: the buffer is full, so pause reading until `has_room()`."""

    def has_room(self) -> bool:
        """Whether reading may continue."""
        return True

    def backlog(self) -> int:
        """Number of buffered outcomes."""

    def behind_for(self) -> timedelta:
        """Age of the oldest buffered outcome."""

    def trouble(self) -> str | None:
        """Why outcomes are buffered, as a sentence for a person, or None."""

    def refused(self) -> int:
        """Number of outcomes set aside because they can never be delivered; each is logged too."""


class SinkStatus(NamedTuple):
    """One sink: outcomes that wait, the age of the oldest, and those set aside for good."""

    name: str
    backlog: int
    behind_for: timedelta
    refused: int


class MailboxStatus(NamedTuple):
    """One voicemail box of a public line.

    `unheard`: messages not listened to for more than four hours of opening time (R-27). `capacity`: None
    when the exchange has not reported it.
    """

    exchange: str
    mailbox: str
    messages: int
    capacity: int | None
    unheard: int


class ServiceStatus(NamedTuple):
    """What alerts and boards need beside calls."""

    mailboxes: Sequence[MailboxStatus] = ()
    opening_changes: Mapping[str, datetime] = NOTHING  # line → its next opening or closing
    last_day: Mapping[tuple[str, str, str], int] = NOTHING  # standard, line, verdict → calls
    targets: Mapping[tuple[str, str], float] = NOTHING  # standard, line → share
    feeds: Mapping[str, CallCounts] = NOTHING  # exchange → its own call count and callmon's
    services: Mapping[str, tuple[str, str]] = NOTHING  # service → French title, English title
    closed_days: Mapping[str, tuple[str, str]] = NOTHING  # line → French and English name of today's closed day


class PlanningStatus(NamedTuple):
    """The figures of the questions that are on; the others are absent."""

    needs: Mapping[tuple[str, str], int] = NOTHING  # service, result → needs of this month that are over


class DiskSpace(NamedTuple):
    """A file system, in bytes: the space still available to callmon, and its size."""

    free: int
    size: int


class HostStatus(NamedTuple):
    """The state that an administrator maintains.

    Absent are the clock of an exchange that is not connected and the certificate of an exchange without TLS. The
    disk of a PostgreSQL server on another machine is absent, too.
    """

    skews: Mapping[str, float] = NOTHING  # exchange → seconds by which its clock is ahead of the host's
    certificates: Mapping[str, datetime] = NOTHING  # exchange → expiry of its certificate
    disks: Mapping[str, DiskSpace] = NOTHING  # "database", "journal" → its file system
    outbox: tuple[int, int, int] | None = None  # bytes, limit in bytes, outcomes


class LastReload(NamedTuple):
    """Whether the last reading of the configuration was applied, and when the present configuration was."""

    succeeded: bool
    at: datetime | None


class CallbackStatus(msgspec.Struct, frozen=True):
    """The callbacks and complaints: `visible` are the callbacks to make, by id. `revision` changes with them."""

    revision: int = 0
    visible: Mapping[str, ObligationSummary] = NOTHING
    by_line: Mapping[str, tuple[int, int]] = NOTHING  # line → callbacks (open, overdue)
    counts: Mapping[str, Mapping[Group, int]] = NOTHING  # name → by line and language
    firsts: Mapping[str, Mapping[str, datetime]] = NOTHING  # name → line → the earliest time
    version: object = None  # of the index

    @property
    def to_listen_to(self) -> int:
        return sum(self.counts.get("callbacks_to_listen_to", NOTHING).values())

    def of_lines(self, lines: Container[str]) -> CallbackStatus:
        """The status of these lines alone."""
        counts = {name: {x: n for x, n in groups.items() if x[0] in lines} for name, groups in self.counts.items()}
        visible = {name: x for name, x in self.visible.items() if x.line in lines}
        by_line = {line: x for line, x in self.by_line.items() if line in lines}
        return CallbackStatus(self.revision, visible, by_line, counts)

    def updated(self, index: ObligationIndex) -> CallbackStatus:
        """The status of the index now; this one when nothing has changed."""
        if index.version is self.version:
            return self
        visible: dict[str, ObligationSummary] = {}
        counts: dict[str, Counter[Group]] = {name: Counter() for name in COUNTS}
        firsts: dict[str, dict[str, datetime]] = {name: {} for name in FIRSTS}
        for obligation in index:
            group = obligation.line, obligation.language
            for name in counted(obligation):
                counts[name][group] += 1
            for name, at in first_times(obligation).items():
                if at is not None:
                    firsts[name][obligation.line] = min(at, firsts[name].get(obligation.line, at))
            if (summary := summary_of(obligation)) is not None:
                # Two exchanges may give their calls one name.
                visible[obligation.id if obligation.id not in visible else "@".join(obligation.key)] = summary
        opened = Counter(summary.line for summary in visible.values())
        overdue = Counter(summary.line for summary in visible.values() if summary.state == "overdue")
        by_line = {line: (count, overdue[line]) for line, count in opened.items()}
        revision = self.revision + (visible != self.visible)
        return CallbackStatus(revision, visible, by_line, counts, firsts, index.version)


class DaemonSnapshot(msgspec.Struct, frozen=True):
    """The whole state. `at` is by the exchanges' clocks."""

    at: datetime
    lines: tuple[LineStatus, ...] = ()
    exchanges: tuple[ExchangeStatus, ...] = ()
    callbacks: CallbackStatus = CallbackStatus()
    disruptions: tuple[Disruption, ...] = ()  # going on, or planned
    enabled: Mapping[str, bool] = NOTHING  # standard → whether it is judged
    stores: bool = True  # outcomes reach the database
    leads: bool = True
    applied_command: int = 0  # number of the last manual command that was applied
    configured: tuple[Line, ...] = ()
    waits: Mapping[tuple[str, str], Wait] = NOTHING  # (line, "ringing" or "queue") → the longest wait
    # ((service, mode), state) → phones; a phone that serves several lines of the service counts once.
    service_phones: Mapping[tuple[tuple[str, str], str], int] = NOTHING
    # Direction, or "stranger" → ended calls without a line, since the daemon's start.
    calls_other: Mapping[str, int] = NOTHING
    internal_errors: int = 0  # caught since the daemon's start
    last_reload: LastReload = LastReload(True, None)
    last_calls: LastCalls = LastCalls()
    service: ServiceStatus = ServiceStatus()
    host: HostStatus = HostStatus()
    sinks: tuple[SinkStatus, ...] = ()
    backfill_waiting: Mapping[str, datetime] = NOTHING  # exchange → since when unheard time spans wait for CEL
    compared: Sequence[LastComparison] = ()
    reports_unsent: Mapping[str, datetime] = NOTHING  # edition → since when a mail with a report is not delivered
    webhooks: Mapping[tuple[str, str], int] = NOTHING  # (webhook, "waiting" or "dead") → deliveries
    planning: PlanningStatus = PlanningStatus()

    def of_lines(self, lines: Container[str]) -> DaemonSnapshot:
        """What a page may show to a reader of these lines alone."""
        return DaemonSnapshot(
            at=self.at,
            lines=tuple(x for x in self.lines if x.name in lines),
            exchanges=self.exchanges,
            callbacks=self.callbacks.of_lines(lines),
            disruptions=tuple(x for x in (y.of_lines(lines) for y in self.disruptions) if x.lines),
            enabled=self.enabled,
            stores=self.stores,
            leads=self.leads,
            applied_command=self.applied_command,
        )

    @property
    def revision(self) -> str:
        """Changes whenever the list of callbacks may have changed."""
        return f"{self.callbacks.revision}.{self.callbacks.to_listen_to}.{self.applied_command}"

    @property
    def never_connected(self) -> list[str]:
        return [exchange.name for exchange in self.exchanges if not exchange.was_connected]

    @property
    def unheard_since(self) -> dict[str, datetime | None]:
        """Exchange → since when it is unheard; None while it is heard."""
        lengths = {exchange.name: exchange.unheard_for for exchange in self.exchanges}
        return {name: None if length is None else self.at - length for name, length in lengths.items()}

    @property
    def interrupted_since(self) -> datetime | None:
        """Since when an exchange that was connected before is unheard: the earliest of several."""
        never = self.never_connected
        since = [at for name, at in self.unheard_since.items() if at is not None and name not in never]
        return min(since, default=None)

    @property
    def is_heard(self) -> bool:
        return bool(self.exchanges) and all(exchange.unheard_for is None for exchange in self.exchanges)
