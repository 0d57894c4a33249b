"""Gauges of the exchanges' CEL: gaps that wait for a backfill, and the nightly reconciliation.

A gauge is absent while no gap waits, and until a day has been reconciled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric

from callmon.core.reconciliation import SIDES, LastComparison

NOTHING: Mapping[str, datetime] = MappingProxyType({})


class BackfillStatus(NamedTuple):
    """Backfill and reconciliation. `waiting`: exchange → since when unheard time spans wait for its CEL rows."""

    waiting: Mapping[str, datetime] = NOTHING
    compared: Sequence[LastComparison] = ()


def diary(told: BackfillStatus) -> Iterator[Metric]:
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
