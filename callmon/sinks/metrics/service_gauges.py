"""Gauges for alerts and boards beside calls: voicemail boxes, hours, internal targets, the last day, names.

Refuses: to export 0 for an unknown value. Absent are: a box or a capacity that the exchange has not reported, a
missing internal target, a day that has not been read yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from callmon.ami.call_counts import CallCounts
from callmon.core.calls import rings
from callmon.core.calls.call import Wait
from callmon.sinks.metrics.host_gauges import HostStatus, upkeep
from callmon.text.labels import STANDARDS, label

NOTHING: Mapping[Any, Any] = MappingProxyType({})


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
    """The whole state at one moment."""

    mailboxes: Sequence[MailboxStatus] = ()
    opening_changes: Mapping[str, datetime] = NOTHING  # line → its next opening or closing
    last_day: Mapping[tuple[str, str, str], int] = NOTHING  # standard, line, verdict → calls
    targets: Mapping[tuple[str, str], float] = NOTHING  # standard, line → share
    feeds: Mapping[str, CallCounts] = NOTHING  # exchange → its own call count and callmon's
    waits: Mapping[tuple[str, str], Wait] = NOTHING  # line, "ringing" or "queue" → the longest wait now
    services: Mapping[str, tuple[str, str]] = NOTHING  # service → French title, English title
    closed_days: Mapping[str, tuple[str, str]] = NOTHING  # line → French and English name of today's closed day
    upkeep: HostStatus = HostStatus()


def outlook(told: ServiceStatus) -> Iterator[Metric]:
    yield from _mailboxes(told.mailboxes)
    changes = {(line,): at.timestamp() for line, at in told.opening_changes.items()}
    text = "When the line opens, or (while it is open) closes."
    yield _gauge("callmon_opening_change_timestamp_seconds", text, ("line",), changes)
    text = "Verdicts on the calls of the line's last opening day that is over."
    yield _gauge("callmon_last_day_verdicts", text, ("standard", "line", "verdict"), told.last_day)
    text = "The internal target in force on that day; absent without one."
    yield _gauge("callmon_target_ratio", text, ("standard", "line"), told.targets)
    names = {(name, label("standard", name, "fr"), label("standard", name, "en")): 1 for name in STANDARDS}
    yield _gauge("callmon_standard_info", "The service standards.", ("standard", "title_fr", "title_en"), names)
    yield from _feeds(told.feeds)
    yield from upkeep(told.upkeep)
    yield from _waits(told.waits)
    services = {(name, *titles): 1 for name, titles in told.services.items()}
    yield _gauge("callmon_service_info", "The services.", ("service", "name_fr", "name_en"), services)
    days = {(line, *names): 1 for line, names in told.closed_days.items()}
    text = "The closed day that today is for the line; absent on other days."
    yield _gauge("callmon_closed_day_info", text, ("line", "name_fr", "name_en"), days)


def _mailboxes(boxes: Sequence[MailboxStatus]) -> Iterator[Metric]:
    labels = ("exchange", "mailbox")
    messages = {(box.exchange, box.mailbox): box.messages for box in boxes}
    text = "New messages in a public line's voicemail box."
    yield _gauge("callmon_mailbox_messages", text, labels, messages)
    most = {(box.exchange, box.mailbox): box.capacity for box in boxes if box.capacity is not None}
    yield _gauge("callmon_mailbox_capacity", "New messages that the box can hold.", labels, most)
    unheard = {(box.exchange, box.mailbox): box.unheard for box in boxes}
    text = "Of these: nobody has listened to them for more than four opening hours."
    yield _gauge("callmon_mailbox_messages_unheard", text, labels, unheard)


def _feeds(feeds: Mapping[str, CallCounts]) -> Iterator[Metric]:
    processed = CounterMetricFamily(
        "callmon_exchange_calls_processed_total",
        "Calls that the exchange says it has handled since it started.",
        labels=("exchange",),
    )
    heard = CounterMetricFamily(
        "callmon_exchange_calls_heard_total",
        "Calls of any kind whose beginning was heard, as of the same question.",
        labels=("exchange",),
    )
    for exchange, counts in feeds.items():
        processed.add_metric((exchange,), counts.processed)
        heard.add_metric((exchange,), counts.heard)
    yield from (processed, heard)


def _waits(waits: Mapping[tuple[str, str], Wait]) -> Iterator[Metric]:
    exactly = {key: (wait.waited, wait.cycle) for key, wait in waits.items() if wait.waited is not None}
    begun = {key: rings.begun(waited, cycle) for key, (waited, cycle) in exactly.items()}
    text = "The ring that the caller who waits longest hears; in a queue, as many as would have rung."
    yield _gauge("callmon_longest_wait_rings", text, ("line", "state"), begun)
    seconds = {key: waited.total_seconds() for key, (waited, _) in exactly.items()}
    yield _gauge("callmon_longest_wait_seconds", "How long that caller has waited.", ("line", "state"), seconds)


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
