"""The detector: checks the exchanges once a second for causes of disruptions. No I/O, no clock.

exchanges ─▶ causes ─▶ watch ─▶ register

    cause:  unknown ── no change
            true ──(lasts for `patience`)──▶ open, since its start     (a stop that the exchange reported: at once)
            false ─────────────────────────▶ end, at its end

An unheard exchange may still work. Its uptime after the gap shows whether it had stopped. If it had not, there was
only a gap in measuring, and the disruption ends as "measuring".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from callmon.config.business_calendar import Calendar
from callmon.config.lines import Line
from callmon.core.calls.listing import ClosedGap
from callmon.core.disruptions import causes
from callmon.core.disruptions import entries as n
from callmon.core.disruptions.causes import Cause, Exchanges
from callmon.core.disruptions.disruption import Key
from callmon.core.disruptions.register import DisruptionRegister

# After its start, an exchange qualifies each trunk and phone at some moment of the first qualify period
# (qualify_frequency; 60 s in callmon's configuration). Until then it reports them as unreachable (measured on
# Asterisk 22).
SETTLING = timedelta(seconds=75)


class DisruptionDetector:
    """The detector of disruptions. `book` is the register; `tick` runs the detection."""

    def __init__(
        self,
        exchanges: Exchanges,
        lines: Iterable[Line],
        calendars: Mapping[str, Calendar],
        patience: timedelta,
    ) -> None:
        self._exchanges, self._calendars = exchanges, calendars
        self._lines = {line.name: line for line in lines}
        self.book = DisruptionRegister()
        self._watch = CauseTimers(self.book, patience)
        self._settled: dict[str, datetime] = {}  # when the device states of a restarted exchange are trusted again

    def tick(self, now: datetime) -> None:
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
        self._watch.weigh_causes(found, now)

    def _is_open(self, line: str, now: datetime) -> bool:
        calendar = self._calendars.get(line)
        return calendar is None or calendar.is_open(now)

    def adopt(self, older: DisruptionDetector) -> None:
        self.book.inherit(older.book)
        self._watch.adopt(older._watch)
        self._settled = older._settled


SEEN = frozenset(("exchange", "trunk", "phones"))


class CauseTimers:
    """Timers: since when each cause holds."""

    def __init__(self, book: DisruptionRegister, patience: timedelta) -> None:
        self.book, self.patience = book, patience
        self._seen: dict[Key, tuple[datetime, datetime]] = {}  # since when; first seen, by callmon's clock

    def adopt(self, older: CauseTimers) -> None:
        self._seen = older._seen

    def weigh_causes(self, causes: Iterable[Cause], now: datetime) -> None:
        """Open and end disruptions by the causes at this time."""
        known: set[Key] = set()
        for cause in causes:
            known.add(cause.key)
            self._weigh(cause, now)
        for one in [x for x in self.book if x.source in SEEN and x.key not in known]:
            self.book.end_detected(one, now)  # its line or exchange is no longer configured

    def _weigh(self, cause: Cause, now: datetime) -> None:
        one = self.book.seen(cause.key)
        if cause.holds is None:
            self._seen.pop(cause.key, None)
        elif not cause.holds:
            self._seen.pop(cause.key, None)
            if one is not None:
                self.book.end_detected(one, cause.at or now, cause.how)
        elif one is None:
            since, seen = self._seen.setdefault(cause.key, (cause.at or now, now))
            if cause.is_certain or now - seen >= self.patience:
                self._open(cause, since, now)
        elif cause.is_certain and one.confirmed is None:
            self.book.append_entry(n.Confirmed(one.id, cause.at or now))

    def _open(self, cause: Cause, since: datetime, now: datetime) -> None:
        self._seen.pop(cause.key, None)
        one = self.book.open_detected(cause.key, cause.lines, since, now)
        if cause.is_certain and one.confirmed is None:
            self.book.append_entry(n.Confirmed(one.id, since))

    def returned(self, exchange: str, lines: tuple[str, ...], told: ClosedGap, now: datetime) -> None:
        """Process the end of a gap: the exchange had stopped, or only callmon's connection was lost."""
        key: Key = ("exchange", exchange, "")
        self._seen.pop(key, None)
        one = self.book.seen(key)
        if one is None:
            if not told.stopped or told.away or not lines:
                return  # it did not stop, or the time of its stop is not known
            one = self.book.open_detected(key, lines, told.start, now)
        if told.stopped and one.confirmed is None:
            one = self.book.append_entry(n.Confirmed(one.id, told.end))
        if one.confirmed is None and told.stopped is False:
            self.book.end_detected(one, told.end, "measuring")
        else:
            self.book.end_detected(one, (told.booted if told.stopped else None) or told.end)
