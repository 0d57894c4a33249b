"""The gaps that may hide a callback: of the exchanges, and calls of which a gap hid the number. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

MANY = 1000


class CallbackGaps:
    """The latest gaps. `least`: a shorter one hides no callback."""

    def __init__(self, least: timedelta) -> None:
        self._least = least
        self._gaps: list[tuple[str, datetime, datetime]] = []

    def record_gap(self, exchange: str, start: datetime, end: datetime) -> None:
        if end - start >= self._least:
            self._gaps = [*self._gaps[-MANY:], (exchange, start, end)]

    def may_hide(self, since: datetime, due: datetime, quiet: Iterable[datetime]) -> bool:
        """Whether a callback between the two times may be hidden. `quiet`: the starts of gaps in progress."""
        spans = [*((start, due) for start in quiet), *((start, end) for _, start, end in self._gaps)]
        return any(min(end, due) - max(start, since) >= self._least for start, end in spans)
