"""What callmon sees becomes disruptions: opened once a cause has lasted, ended when it is over. Pure; no clock.

    cause:  unknown ── stays as it was
            true ──(lasts for `patience`)──▶ open, since it began      (a stop that the exchange told of: at once)
            false ─────────────────────────▶ end, when it did

An exchange that is unheard may still work: whether it had stopped is known when it is heard again, by its uptime.
If it had not, there was no disruption but a gap in measuring, and that is how it ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from callmon.core.calls.gap import Heard
from callmon.core.disruptions import entries as n
from callmon.core.disruptions.disruption import Key
from callmon.core.disruptions.entries import EndedHow
from callmon.core.disruptions.register import Book

SEEN = frozenset(("exchange", "trunk", "phones"))


class Cause(msgspec.Struct, frozen=True):
    """Something that may keep lines from taking calls. `holds` None: not known now.

    `at`: since when it holds, or when it ceased to. `is_certain`: it need not last first.
    """

    key: Key
    lines: tuple[str, ...]
    holds: bool | None
    at: datetime | None = None
    how: EndedHow = "over"
    is_certain: bool = False


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
