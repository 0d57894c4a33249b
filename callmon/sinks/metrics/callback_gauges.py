"""Gauges of callbacks and complaints: how many, and until when.

Every line and language has a series, 0 when nothing is open; a time is absent when nothing is open. Refuses:
numbers and names. No label can hold one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from callmon.core.callbacks.index import ObligationIndex
from callmon.core.calls.call import LANGUAGES

COUNTS: Mapping[str, str] = {
    "callmon_callbacks_open": "Callbacks to make.",
    "callmon_callbacks_due_soon": "Callbacks with little opening time left; none of these is overdue.",
    "callmon_callbacks_overdue": "Callbacks that could no longer be made in time.",
    "callmon_callbacks_no_open_hour": "Callbacks with no opening minute between message and due time.",
    "callmon_callbacks_in_hand": "Callbacks that somebody has in hand.",
    "callmon_callbacks_overdue_untaken": "Callbacks that are overdue and that nobody has in hand.",
    "callmon_complaints_open": "Complaints without an answer.",
    "callmon_complaints_overdue": "Complaints whose next due time could no longer be met.",
}
FIRSTS: Mapping[str, tuple[str, str]] = {
    "opened": (
        "callmon_callback_earliest_opened_timestamp_seconds",
        "Since when the first person waits for a callback.",
    ),
    "due": ("callmon_callback_earliest_due_timestamp_seconds", "When the first callback is due."),
    "actionable": (
        "callmon_callback_earliest_actionable_timestamp_seconds",
        "Until when the first callback can be made by a person.",
    ),
    "listen": (
        "callmon_callbacks_to_listen_to_due_timestamp_seconds",
        "End of the business day after the oldest message that only a person can listen to.",
    ),
}


def owed(shelf: ObligationIndex, lines: Sequence[str]) -> Iterator[Metric]:
    for name, text in COUNTS.items():
        counts = shelf.count(name.removeprefix("callmon_"))
        family = GaugeMetricFamily(name, text, labels=("line", "language"))
        for line in lines:
            for language in LANGUAGES:
                family.add_metric((line, language), counts.get((line, language), 0))
        yield family
    yield _to_listen_to(shelf, lines)
    for which, (name, text) in FIRSTS.items():
        family = GaugeMetricFamily(name, text, labels=("line",))
        first = shelf.first(which)
        for line in lines:
            if line in first:
                family.add_metric((line,), first[line].timestamp())
        yield family


def _to_listen_to(shelf: ObligationIndex, lines: Sequence[str]) -> Metric:
    """Messages from numbers that cannot be called back: a person must listen to them (R-48)."""
    counts = shelf.count("callbacks_to_listen_to")
    text = "Messages that nobody can call back: a person must listen to them."
    family = GaugeMetricFamily("callmon_callbacks_to_listen_to", text, labels=("line",))
    for line in lines:
        family.add_metric((line,), sum(n for (of, _), n in counts.items() if of == line))
    return family
