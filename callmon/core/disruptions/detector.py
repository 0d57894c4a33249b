"""The exchanges, looked at once a second for what keeps lines from taking calls. No I/O, no clock.

hearings ─▶ sights (causes) ─▶ watch ─▶ book
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from callmon.config.business_calendar import Calendar
from callmon.config.lines import Line
from callmon.core.disruptions import causes
from callmon.core.disruptions.causes import Exchanges
from callmon.core.disruptions.register import Book
from callmon.core.disruptions.watch_merge import Watch

# An exchange that has booted asks each trunk and phone at some moment of the time after which it asks them again
# (qualify_frequency, 60 s as we ship it); until then it says that they are unreachable (measured on 22).
SETTLING = timedelta(seconds=75)


class Seeing:
    """`book` has the disruptions; `tick` looks."""

    def __init__(
        self,
        exchanges: Exchanges,
        lines: Iterable[Line],
        calendars: Mapping[str, Calendar],
        patience: timedelta,
    ) -> None:
        self._exchanges, self._calendars = exchanges, calendars
        self._lines = {line.name: line for line in lines}
        self.book = Book()
        self._watch = Watch(self.book, patience)
        self._settled: dict[
            str, datetime
        ] = {}  # when an exchange that has booted knows again how its devices stand

    def tick(self, now: datetime) -> None:
        """How things stand now."""
        self.book.tick(now)
        for name, heard in self._exchanges.items():
            if heard.returned is not None:
                told, heard.returned = heard.returned, None
                self._watch.returned(name, causes.carried(self._exchanges, name), told, now)
                if told.stopped is not False:
                    self._settled[name] = now + SETTLING
        settling = frozenset(name for name, at in self._settled.items() if now < at)
        found = causes.causes(
            self._exchanges, self._lines, lambda line: self._is_open(line, now), self.book, settling
        )
        self._watch.look(found, now)

    def _is_open(self, line: str, now: datetime) -> bool:
        calendar = self._calendars.get(line)
        return calendar is None or calendar.is_open(now)

    def adopt(self, older: Seeing) -> None:
        """Take over what was known under the configuration before (SIGHUP)."""
        self.book.adopt(older.book)
        self._watch.adopt(older._watch)
        self._settled = older._settled
