"""The live status of each line for boards, built from the daemon's current state. Pure.

Changes nothing but that it drops days that are over from `Today`. Refuses: to report 0 for an unknown value.
Phones that are not monitored and callbacks without a ledger are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from callmon.core.calls.call import STATES, Wait
from callmon.core.statistics.today import Today
from callmon.sinks.metrics.exposition import Gauges
from callmon.sinks.mqtt import topics


class LiveState(Gauges, Protocol):
    """The daemon's state for a board: the gauges, and the longest waits."""

    def waits(self) -> Mapping[tuple[str, str], Wait]:
        """(line, state) → the longest wait, for the states ringing and queue."""


def lines(
    told: LiveState,
    today: Today,
    names: Iterable[str],
    callbacks: Mapping[str, tuple[int, int]] | None,
    now: datetime,
) -> Iterator[topics.LineStatus]:
    """The status of each line in `names`. `callbacks`: line → (open, overdue); None without a ledger."""
    today.drop_old_days(now)
    calls, waits, phones, hours = told.in_progress(), told.waits(), told.phones(), told.business_hours()
    exchanges = told.exchanges()
    enabled = [standard for standard, is_judged in told.enabled().items() if is_judged]
    for name in names:
        yield topics.LineStatus(
            name=name,
            is_open=hours[name],
            is_heard=bool(exchanges) and all(x.connected and x.unheard_for is None for x in exchanges),
            states={state: calls.get((name, state), 0) for state in STATES},
            ringing=waits.get((name, "ringing")),
            queue=waits.get((name, "queue")),
            phones={state: count for (line, state), count in phones.items() if line == name},
            day=today.local_day(now).isoformat(),
            calls=today.outcomes(name, now),
            verdicts=today.verdicts(name, now, enabled),
            callbacks=None if callbacks is None else callbacks.get(name, (0, 0)),
        )
