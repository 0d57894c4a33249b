"""Gauges of the state that an administrator maintains: clocks, certificates, disks, the journal.

An unknown value is absent: the clock of an exchange that is not connected, the certificate of an exchange without
TLS, the disk of a PostgreSQL server on another machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

NOTHING: Mapping[Any, Any] = MappingProxyType({})


class DiskSpace(NamedTuple):
    """A file system, in bytes: the space still available to callmon, and its size."""

    free: int
    size: int


class HostStatus(NamedTuple):
    """The whole state at one moment."""

    skews: Mapping[str, float] = NOTHING  # exchange → seconds by which its clock is ahead of the host's
    certificates: Mapping[str, datetime] = NOTHING  # exchange → expiry of its certificate
    disks: Mapping[str, DiskSpace] = NOTHING  # "database", "journal" → its file system
    journal: tuple[int, int, int] | None = None  # bytes, limit in bytes, outcomes


def upkeep(told: HostStatus) -> Iterator[Metric]:
    exchange, holds = ("exchange",), ("holds",)
    skews = {(name,): seconds for name, seconds in told.skews.items()}
    text = "How far the exchange's clock is ahead of callmon's, by its answers to Ping."
    yield _gauge("callmon_exchange_clock_skew_seconds", text, exchange, skews)
    until = {(name,): at.timestamp() for name, at in told.certificates.items()}
    text = "Until when the certificate holds that the exchange's manager interface shows."
    yield _gauge("callmon_exchange_certificate_expires_timestamp_seconds", text, exchange, until)
    free = {(name,): room.free for name, room in told.disks.items()}
    text = "What may still be written to the file system of the database or the journal."
    yield _gauge("callmon_disk_free_bytes", text, holds, free)
    size = {(name,): room.size for name, room in told.disks.items()}
    yield _gauge("callmon_disk_size_bytes", "The size of that file system.", holds, size)
    if told.journal is not None:
        yield from _journal(*told.journal)


def _journal(size: int, most: int, outcomes: int) -> Iterator[Metric]:
    labels, of = ("sink",), ("database",)
    text = "The file in which outcomes wait while the database is away."
    yield _gauge("callmon_sink_journal_bytes", text, labels, {of: size})
    yield _gauge("callmon_sink_journal_limit_bytes", "The most that it may take.", labels, {of: most})
    yield _gauge("callmon_sink_journal_outcomes", "Outcomes that wait in it.", labels, {of: outcomes})


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
