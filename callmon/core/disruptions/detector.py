"""The detector: checks the exchanges once a second for causes of disruptions. No I/O, no clock.

exchanges ─▶ causes ─▶ detector ─▶ register

    cause:  unknown ── no change
            true ──(lasts for `patience`)──▶ open, since its start     (a stop that the exchange reported: at once)
            false ─────────────────────────▶ end, at its end

An unheard exchange may still work. Its uptime after the gap shows whether it had stopped. If it had not, there was
only a gap in measuring, and the disruption ends as "measuring".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from callmon.config.settings import Settings
from callmon.core.calls.listing import ClosedGap
from callmon.core.disruptions import causes
from callmon.core.disruptions import entries as n
from callmon.core.disruptions.causes import Cause, Exchanges
from callmon.core.disruptions.disruption import Disruption, Key
from callmon.core.disruptions.register import DisruptionRegister

# After its start, an exchange qualifies each trunk and phone at some moment of the first qualify period
# (qualify_frequency; 60 s in callmon's configuration). Until then it reports them as unreachable (measured on
# Asterisk 22).
SETTLING = timedelta(seconds=75)


SEEN = frozenset(("exchange", "trunk", "phones"))


class DisruptionDetector:
    """The detector of disruptions. `book` is the register; `tick` runs the detection."""

    def __init__(self, exchanges: Exchanges, settings: Settings) -> None:
        self._exchanges, self._calendars = exchanges, settings.calendars
        self._patience = settings.disruptions.after
        self._lines = {line.name: line for line in settings.lines()}
        self.book = DisruptionRegister()
        self._seen: dict[Key, tuple[datetime, datetime]] = {}  # since when; first seen, by callmon's clock
        self._settled: dict[str, datetime] = {}  # when the device states of a restarted exchange are trusted again

    def adopt(self, older: DisruptionDetector) -> None:
        self.book.inherit(older.book)
        self._seen, self._settled = older._seen, older._settled

    def tick(self, now: datetime) -> None:
        """Open and end disruptions by the causes at this time."""
        self.book.tick(now)
        for name, exchange in self._exchanges.items():
            if exchange.returned is not None:
                gap, exchange.returned = exchange.returned, None
                self._returned(name, gap, now)
                if gap.stopped is not False:
                    self._settled[name] = now + SETTLING
        settling = frozenset(name for name, at in self._settled.items() if now < at)
        known: set[Key] = set()
        for cause in causes.causes(self._exchanges, self._lines, partial(self._is_open, now), self.book, settling):
            known.add(cause.key)
            self._weigh(cause, now)
        for disruption in [x for x in self.book if x.source in SEEN and x.key not in known]:
            self.book.end_detected(disruption, now)  # its line or exchange is no longer configured

    def _is_open(self, now: datetime, line: str) -> bool:
        calendar = self._calendars.get(line)
        return calendar is None or calendar.is_open(now)

    def _weigh(self, cause: Cause, now: datetime) -> None:
        disruption = self.book.seen(cause.key)
        if cause.holds is None:
            self._seen.pop(cause.key, None)
        elif not cause.holds:
            self._seen.pop(cause.key, None)
            if disruption is not None:
                self.book.end_detected(disruption, cause.at or now, cause.how)
        elif disruption is None:
            since, seen = self._seen.setdefault(cause.key, (cause.at or now, now))
            if cause.is_certain or now - seen >= self._patience:
                self._seen.pop(cause.key)
                self._confirm(cause, self.book.open_detected(cause.key, cause.lines, since, now), since)
        else:
            self._confirm(cause, disruption, cause.at or now)

    def _confirm(self, cause: Cause, disruption: Disruption, at: datetime) -> None:
        if cause.is_certain and disruption.confirmed is None:
            self.book.append_entry(n.Confirmed(disruption.id, at))

    def _returned(self, exchange: str, gap: ClosedGap, now: datetime) -> None:
        """Process the end of a gap: the exchange had stopped, or only callmon's connection was lost."""
        key: Key = ("exchange", exchange, "")
        self._seen.pop(key, None)
        disruption, lines = self.book.seen(key), causes.carried(self._exchanges, exchange)
        if disruption is None:
            if not gap.stopped or gap.away or not lines:
                return  # it did not stop, or the time of its stop is not known
            disruption = self.book.open_detected(key, lines, gap.start, now)
        if gap.stopped and disruption.confirmed is None:
            disruption = self.book.append_entry(n.Confirmed(disruption.id, gap.end))
        if disruption.confirmed is None and gap.stopped is False:
            self.book.end_detected(disruption, gap.end, "measuring")
        else:
            self.book.end_detected(disruption, (gap.booted if gap.stopped else None) or gap.end)
