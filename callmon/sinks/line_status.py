"""The lines as a board shows them, put together from what the daemon knows at this moment. Pure.

Asks at once and changes nothing. Refuses to say 0 for what is not known: phones that nobody watches and
callbacks without a ledger are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from callmon.core.calls.call import STATES, Wait
from callmon.core.statistics.today import Today
from callmon.sinks.metrics.exposition import Gauges
from callmon.sinks.mqtt import topics


class Now(Gauges, Protocol):
    """What the daemon tells a board: the gauges, and who waits longest."""

    def waits(self) -> Mapping[tuple[str, str], Wait]:
        """(line, state) → the longest wait, for the states ringing and queue."""


def lines(
    told: Now, today: Today, names: Iterable[str], callbacks: Mapping[str, tuple[int, int]] | None, now: datetime
) -> Iterator[topics.Line]:
    """Each of the lines called `names`. `callbacks`: open and overdue by line; None without a ledger."""
    today.forget(now)
    calls, waits, phones, hours = told.in_progress(), told.waits(), told.phones(), told.business_hours()
    exchanges = told.exchanges()
    enabled = [standard for standard, is_judged in told.enabled().items() if is_judged]
    for name in names:
        yield topics.Line(
            name=name,
            is_open=hours[name],
            is_heard=bool(exchanges) and all(x.connected and x.unheard_for is None for x in exchanges),
            states={state: calls.get((name, state), 0) for state in STATES},
            ringing=waits.get((name, "ringing")),
            queue=waits.get((name, "queue")),
            phones={state: count for (line, state), count in phones.items() if line == name},
            day=today.day(now).isoformat(),
            calls=today.calls(name, now),
            verdicts=today.verdicts(name, now, enabled),
            callbacks=None if callbacks is None else callbacks.get(name, (0, 0)),
        )
