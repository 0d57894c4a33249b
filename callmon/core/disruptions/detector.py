"""The exchanges, looked at once a second for what keeps lines from taking calls. No I/O, no clock.

exchanges ─▶ causes ─▶ watch ─▶ register

    cause:  unknown ── stays as it was
            true ──(lasts for `patience`)──▶ open, since it began      (a stop that the exchange told of: at once)
            false ─────────────────────────▶ end, when it did

An exchange that is unheard may still work: its uptime tells, when it is heard again, whether it had stopped.
If it had not, there was no disruption but a gap in measuring, and that is how it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from callmon.config.business_calendar import Calendar
from callmon.config.lines import Line
from callmon.core.calls.gap import Heard
from callmon.core.disruptions import causes
from callmon.core.disruptions import entries as n
from callmon.core.disruptions.causes import Cause, Exchanges
from callmon.core.disruptions.disruption import Key
from callmon.core.disruptions.register import Book

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


SEEN = frozenset(("exchange", "trunk", "phones"))


class Watch:
    """Remembers since when each cause was seen."""

    def __init__(self, book: Book, patience: timedelta) -> None:
        self.book, self.patience = book, patience
        self._seen: dict[Key, tuple[datetime, datetime]] = {}  # since when it holds; seen first, by our clock

    def adopt(self, older: Watch) -> None:
        """Take over since when each cause was seen."""
        self._seen = older._seen

    def look(self, causes: Iterable[Cause], now: datetime) -> None:
        """How things stand now."""
        known: set[Key] = set()
        for cause in causes:
            known.add(cause.key)
            self._weigh(cause, now)
        for one in [x for x in self.book if x.source in SEEN and x.key not in known]:
            self.book.end(one, now)  # of a line, or an exchange, that is configured no longer

    def _weigh(self, cause: Cause, now: datetime) -> None:
        one = self.book.seen(cause.key)
        if cause.holds is None:
            self._seen.pop(cause.key, None)
        elif not cause.holds:
            self._seen.pop(cause.key, None)
            if one is not None:
                self.book.end(one, cause.at or now, cause.how)
        elif one is None:
            since, seen = self._seen.setdefault(cause.key, (cause.at or now, now))
            if cause.is_certain or now - seen >= self.patience:
                self._open(cause, since, now)
        elif cause.is_certain and one.confirmed is None:
            self.book.write(n.Confirmed(one.id, cause.at or now))

    def _open(self, cause: Cause, since: datetime, now: datetime) -> None:
        self._seen.pop(cause.key, None)
        one = self.book.open(cause.key, cause.lines, since, now)
        if cause.is_certain and one.confirmed is None:
            self.book.write(n.Confirmed(one.id, since))

    def returned(self, exchange: str, lines: tuple[str, ...], told: Heard, now: datetime) -> None:
        """An exchange is heard again: had it stopped, or had only callmon not heard it?"""
        key: Key = ("exchange", exchange, "")
        self._seen.pop(key, None)
        one = self.book.seen(key)
        if one is None:
            if not told.stopped or told.away or not lines:
                return  # when it stopped is not known, or it did not
            one = self.book.open(key, lines, told.start, now)
        if told.stopped and one.confirmed is None:
            one = self.book.write(n.Confirmed(one.id, told.end))
        if one.confirmed is None and told.stopped is False:
            self.book.end(one, told.end, "measuring")
        else:
            self.book.end(one, (told.booted if told.stopped else None) or told.end)
