"""Gauges of each line's last call, and of its test calls. Pure. A time is absent when there was no such call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric

from callmon.config.lines import Line
from callmon.core.last_calls import LastCalls


def last_calls(last: LastCalls, lines: Sequence[Line]) -> Iterator[Metric]:
    yield _times("callmon_line_last_call_timestamp_seconds", "When the line was last called.", lines, last.calls)
    text = "When the line was last tested."
    yield _times("callmon_line_last_test_call_timestamp_seconds", text, lines, last.tests)
    due = {line.name: at for line in lines if (at := last.test_due(line)) is not None}
    text = "When the next test call is due; 0 where there never was one."
    yield _times("callmon_line_test_call_due_timestamp_seconds", text, lines, due)


def _times(name: str, text: str, lines: Sequence[Line], times: Mapping[str, datetime]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=("line",))
    for line in lines:
        if line.name in times:
            family.add_metric((line.name,), times[line.name].timestamp())
    return family
