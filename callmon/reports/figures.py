"""Cells → figures: which counts exist, their parts, and which figures are not available. Pure.

Every part of a closed set is present, also at 0. A figure is "not available", never 0, when no exchange was
received and no exchange's log (CEL) covers the time. The same holds for a standard that is not judged, and for a
figure whose source this version does not have yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from callmon.config.business_calendar import Calendar
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.calls.call import OUTCOMES
from callmon.core.disruptions.disruption import Disruption
from callmon.core.statistics import coverage, histogram, parity
from callmon.core.statistics.aggregates import BY_TIME, HALF_HOURS, Cell
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.integrity import SIGNS
from callmon.core.statistics.period import Month
from callmon.core.verdicts import CAUSES, VERDICTS
from callmon.reports import obligations, rates
from callmon.reports.model import WHOLE, Cut, Figure, Kind, Place

NOT_JUDGED = "not_judged"
GIVEN = VERDICTS
OWED_TOTALS = {
    "callback_within_24_hours": "callbacks_opened",
    "callback_in_french": "callbacks_opened",
    "complaint_within_2_business_days": "complaints_opened",
    "complaint_answered_within_15_business_days": "complaints_opened",
}
# The total that the verdicts of each standard add up to.
TOTALS: Mapping[str, str] = dict.fromkeys(CALL_STANDARDS, "calls_offered") | OWED_TOTALS

_ONE = ("",)
COUNTS: dict[str, tuple[str, ...]] = {
    "calls_offered": _ONE,
    "hours": ("open", "closed", "unknown"),
    "outcomes": OUTCOMES,
    "outcomes_in_hours": OUTCOMES,
    "heard": ("full", "filled", "partly"),
    "abandoned_in": ("ringing", "menu", "queue", "silence"),
    "short_abandons": _ONE,
    "short_abandons_in_hours": _ONE,
    "rings_to_answer": ("1", "2", "3", "4", "5+", "unknown"),
    "answered_14_to_18_s": _ONE,
    "judged_by_seconds": _ONE,
    "voicemail_when": ("early", "on_time", "late"),
    "voicemail_messages": ("left", "none", "unheard"),
    "transfers": ("0", "1", "2", "3+", "unknown"),
    "redirections": ("0", "1", "2", "3+", "unknown"),
    "french_at_first_answer": ("yes", "no", "unknown"),
    "relay_outcomes": OUTCOMES,
    "relay_ended_early": _ONE,
    "signs": SIGNS,
    "callbacks_opened": _ONE,
    "callback_openings": ("message", "request", "abandoned", "unheard"),
    "callback_messages": _ONE,
    "callbacks_24_hours": obligations.FATES,
    "callbacks_business_day": obligations.FATES,
    "callbacks_no_open_hour": _ONE,
    "complaints_opened": _ONE,
    "test_calls": _ONE,
} | {f"{standard}.verdict": (*VERDICTS, NOT_JUDGED) for standard in ALL_STANDARDS}
CAUSED: dict[str, tuple[str, ...]] = {f"{standard}.cause": CAUSES for standard in CALL_STANDARDS}
BY_DAY: dict[str, tuple[str, ...]] = {f"weekday.{what}": tuple("1234567") for what in BY_TIME}
BY_CLOCK: dict[str, tuple[str, ...]] = {f"half_hour.{what}": HALF_HOURS for what in BY_TIME}
REASONED = tuple(f"{standard}.{verdict}" for standard in ALL_STANDARDS for verdict in VERDICTS[1:])
# The parts of these add up to a total; a check line reports any difference.
CHECKED = {"callbacks_24_hours": "callbacks_opened", "callbacks_business_day": "callbacks_opened"}


class FigureTable:
    """Collects the figures cut by cut; the whole must be the first cut."""

    def __init__(self, judged: Iterable[str], minimum: int, told: bool) -> None:
        self.judged, self.minimum, self.told = frozenset(judged), minimum, told
        self.figures: dict[Place, Figure] = {}
        self._reasons: dict[str, tuple[str, ...]] = {}

    def cut(self, cut: Cut, cell: Cell, counted: int) -> None:
        """Add every figure of one cut. `counted`: the database's own count of the calls."""
        counts = cell.counts
        if cut == WHOLE:
            self._reasons = {name: tuple(sorted(part for of, part in counts if of == name)) for name in REASONED}
        parts = COUNTS | CAUSED | self._reasons | BY_DAY
        if cut.kind in ("whole", "line"):
            parts |= BY_CLOCK
        for name, known in parts.items():
            for part in known:
                self._count(Place(name, part, cut), counts.get((name, part), 0))
        for name, rate in rates.RATES.items():
            self._rate(Place(name, "", cut), *rates.fraction(rate, counts))
        for name, kind in rates.LENGTHS.items():
            self._ends(name, cut, "rings" if kind == "rings" else "seconds", cell.lengths.get(name, 0))
        self._check(cut, cell, counted)

    def _check(self, cut: Cut, cell: Cell, counted: int) -> None:
        """Add each total minus its parts. The total of the calls is the database's own count."""
        counts = cell.counts
        ended = sum(counts.get(("outcomes", x), 0) for x in OUTCOMES)
        self._count(Place("check", "outcomes", cut), counted - ended)
        for name, total in CHECKED.items():
            parts = sum(counts.get((name, x), 0) for x in obligations.FATES)
            self._count(Place("check", name, cut), counts.get((total, ""), 0) - parts)
        if cut == WHOLE:
            return
        for name in ("calls_offered", "callbacks_opened"):
            place = Place("check", f"{name}.{cut.kind}")
            left = self.figures[place].value if place in self.figures else self.figures[Place(name)].value
            if left is not None:
                self._count(place, int(left) - counts.get((name, ""), 0))

    # Figures.

    def _is_said(self, place: Place) -> bool:
        standard = place.name.partition(".")[0]
        if standard == "voicemail_when":
            standard = "voicemail_after_fourth_ring"
        if standard == "french_at_first_answer":
            standard = "bilingual_person"
        return self.told and (standard not in ALL_STANDARDS or standard in self.judged)

    def _not_available(self, place: Place, kind: Kind) -> None:
        self.figures[place] = Figure(place, kind, "not_available")

    def _count(self, place: Place, count: int) -> None:
        said = self._is_said(place) or (count != 0 and self.told)
        self.figures[place] = Figure(place, "count", "known", count) if said else Figure(
            place, "count", "not_available"
        )  # fmt: skip

    def _rate(self, place: Place, numerator: int, denominator: int) -> None:
        if not self._is_said(place):
            self._not_available(place, "rate")
        elif denominator == 0:
            self.figures[place] = Figure(place, "rate", "not_applicable", None, numerator, denominator)
        else:
            value = numerator / denominator
            self.figures[place] = Figure(place, "rate", "known", value, numerator, denominator)

    def _ends(self, name: str, cut: Cut, kind: Kind, total: int) -> None:
        """Add median, 95th percentile and longest; the denominator is the number of values."""
        count = sum(histogram.counts(total))
        found = histogram.ends(total)
        for index, part in enumerate(rates.ENDS):
            place = Place(name, part, cut)
            if not self.told:
                self._not_available(place, kind)
            elif found is None:
                self.figures[place] = Figure(place, kind, "not_applicable", None, None, 0)
            else:
                value = found[index] if kind == "rings" else histogram.step_seconds(found[index])
                self.figures[place] = Figure(place, kind, "known", value, None, count)

    def parities(self, verdicts: Mapping[tuple[str, str, str, str], int], modes: Mapping[str, str]) -> None:
        """Add the parity of TTY and voice, and of French and English: both rates and their difference."""
        for one in parity.compare(verdicts, modes, ALL_STANDARDS, self.minimum):
            for side in (one.one, one.other):
                place = Place(f"{one.standard}.parity_{side.name}")
                self._rate(place, side.met, side.judged)
            place = Place(f"{one.standard}.parity_{one.kind}")
            if not self._is_said(place):
                self._not_available(place, "difference")
            elif one.difference is None:
                self.figures[place] = Figure(place, "difference", "too_few")
            else:
                self.figures[place] = Figure(place, "difference", "known", one.difference)

    def disruptions(
        self,
        cut: Cut,
        found: Iterable[Disruption],
        lines: frozenset[str] | None,
        begin: datetime,
        end: datetime,
        heard: bool,
    ) -> None:
        """Add the number and total hours of the disruptions that affected these lines between `begin` and `end`.

        `lines` is None for a language, for which neither figure applies. `heard` is False when no exchange was
        received: the exchange's log (CEL) reports calls, but no disruptions.
        """
        count, hours = Place("disruptions", "", cut), Place("disruptions_hours", "", cut)
        if lines is None:
            self.figures[count] = Figure(count, "count", "not_applicable")
            self.figures[hours] = Figure(hours, "hours", "not_applicable")
            return
        mine = [x for x in found if x.counts and lines.intersection(x.lines)]
        spans = [(max(x.began, begin), min(x.ended or end, end)) for x in mine]
        spans = [(start, stop) for start, stop in spans if start < stop]
        if not heard and not spans:
            self._not_available(count, "count")
            self._not_available(hours, "hours")
            return
        self.figures[count] = Figure(count, "count", "known", len(spans))
        self._hours(hours, coverage.total(coverage.merge_spans(spans)))

    def unheard(self, listening: Mapping[str, Coverage], month: Month, calendar: Calendar) -> None:
        """Add, for each exchange, the hours that were not received.

        Two more figures have the part of them in opening hours, and the part that its log (CEL) covers.
        """
        for name, one in sorted(listening.items()):
            spans = one.unheard_spans(month.begin, month.end)
            self._hours(Place("unheard_hours", name), coverage.total(spans))
            self._hours(Place("unheard_open_hours", name), coverage.open_time(spans, calendar.open_time_between))
            known = Place("unheard_known_hours", name)
            if one.told:
                self._hours(known, coverage.total(one.covered_by_log(month.begin, month.end)))
            else:  # no day was compared
                self._not_available(known, "hours")

    def reconciled(self, found: Mapping[str, int] | None) -> None:
        """Add, for the days reconciled with the exchange's own records, the calls that only one side has."""
        for name in ("exchange_only", "callmon_only", "days"):
            place = Place(f"reconciliation_{name}")
            if found is None:
                self._not_available(place, "count")
            else:
                self.figures[place] = Figure(place, "count", "known", found[name])

    def _hours(self, place: Place, length: timedelta) -> None:
        self.figures[place] = Figure(place, "hours", "known", length / timedelta(hours=1))

    def in_progress(self, count: int) -> None:
        """Add the number of calls of the month that have not ended; the next run reports them in a revision."""
        place = Place("calls_in_progress")
        self.figures[place] = Figure(place, "count", "known", count)
