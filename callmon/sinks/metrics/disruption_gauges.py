"""Gauges of disruptions: how many, since when a notice to the public is missing, until when work is planned. Pure.

Every line and source has a series, 0 when there is no disruption; a time is absent when there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from callmon.core.disruptions.entries import SOURCES
from callmon.core.disruptions.register import DisruptionRegister


def disruptions(book: DisruptionRegister, lines: Sequence[str], now: datetime) -> Iterator[Metric]:
    going_on = book.going_on(now)
    counts = Counter((line, one.source) for one in going_on for line in one.lines)
    family = GaugeMetricFamily(
        "callmon_disruptions_open", "Disruptions and planned work now.", labels=("line", "source")
    )
    for line in lines:
        for source in SOURCES:
            family.add_metric((line, source), counts[line, source])
    yield family
    silent = [(line, one.began) for one in going_on if one.announced is None for line in one.lines]
    yield _times(
        "callmon_disruption_unannounced_since_timestamp_seconds",
        "Since when the first disruption without a complete notice in both languages lasts.",
        {
            line: min(at for of, at in silent if of == line)
            for line in lines
            if any(of == line for of, _ in silent)
        },
    )
    planned = [(line, one.notice.until) for one in book.work(now) for line in one.lines]
    until = {line: [at for of, at in planned if of == line and at is not None] for line in lines}
    yield _times(
        "callmon_planned_work_until_timestamp_seconds",
        "Until when work is planned; from two minutes before it begins.",
        {line: max(times) for line, times in until.items() if times},
    )


def _times(name: str, text: str, times: dict[str, datetime]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("line",))
    for line, at in times.items():
        family.add_metric((line,), at.timestamp())
    return family
