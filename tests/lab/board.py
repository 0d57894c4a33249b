"""The events so far, so that a step can wait for an event instead of for a time.

Recorded of every phone (and number outside), as the phone itself sees it: `NAME rings`, `NAME answers`, `NAME
leaves`. Recorded from the exchange's events: `NAME holds` (it put the other side on hold, and receives keys) and
`NAME parks`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict


class Board:
    def __init__(self) -> None:
        self._noted: dict[str, list[float]] = defaultdict(list)
        self._awaited: dict[str, list[asyncio.Future[float]]] = defaultdict(list)
        self.places: dict[str, str] = {}  # the parking space each phone used last

    def note(self, what: str) -> None:
        now = asyncio.get_running_loop().time()
        self._noted[what].append(now)
        for awaiting in self._awaited.pop(what, []):
            if not awaiting.done():
                awaiting.set_result(now)

    def happened(self, what: str, since: float) -> asyncio.Future[float]:
        """Time of its first occurrence after ``since`` (the loop's clock), already recorded or to come."""
        reported: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        before = next((at for at in self._noted[what] if at >= since), None)
        if before is not None:
            reported.set_result(before)
        else:
            self._awaited[what].append(reported)
        return reported
