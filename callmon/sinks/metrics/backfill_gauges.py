"""Gauges of the exchanges' own diaries: gaps that wait to be filled from them, and the nightly comparison.

Absent where nothing waits, and until a day was compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from callmon.core.reconciliation import SIDES, Compared

NOTHING: Mapping[str, datetime] = MappingProxyType({})


class Diary(NamedTuple):
    """`waiting`: by exchange, since when times that were unheard wait for its rows."""

    waiting: Mapping[str, datetime] = NOTHING
    compared: Sequence[Compared] = ()


def diary(told: Diary) -> Iterator[Metric]:
    text = "Since when times that were unheard wait to be filled from the exchange's diary; absent when none does."
    waiting = GaugeMetricFamily("callmon_backfill_waiting_since_timestamp_seconds", text, labels=("exchange",))
    for exchange, since in told.waiting.items():
        waiting.add_metric((exchange,), since.timestamp())
    text = "Calls of the last day compared that only this side counted: the exchange, or callmon."
    calls = GaugeMetricFamily("callmon_reconciliation_calls", text, labels=("exchange", "side"))
    text = "When a day was last compared with the exchange's own records."
    done = GaugeMetricFamily("callmon_reconciliation_timestamp_seconds", text, labels=("exchange",))
    for one in told.compared:
        done.add_metric((one.exchange,), one.done.timestamp())
        for side in SIDES:
            calls.add_metric((one.exchange, side), one.only[side])
    yield from (waiting, calls, done)
