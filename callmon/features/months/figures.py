"""Cells → figures: which counts exist, their parts, and which figures are not available. Pure.

Every part of a closed set is present, also at 0. A figure is "not available", never 0, when no exchange was
received and no exchange's log (CEL) covers the time. The same holds for a standard that is not judged, and for a
figure whose source this version does not have yet.

A callback is counted by both clocks, 24 hours and the next business day, whichever clock its verdict uses. Its
parts add up to the callbacks opened. Called back and only attempted are separate parts (R-18). A callback is
outside the rate if the caller reached us, requested nothing or cannot be called.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from callmon.config.business_calendar import Calendar
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import IMPORTED, OUTCOMES
from callmon.core.disruptions.disruption import Disruption
from callmon.core.standards.verdict_rules import is_unattributed
from callmon.core.statistics import coverage, histogram, parity
from callmon.core.statistics.aggregates import BY_TIME, HALF_HOURS, Cell, of_finding
from callmon.core.statistics.counters import SIGNS
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import Month
from callmon.core.verdicts import CAUSES, VERDICTS, Finding
from callmon.features.months.model import WHOLE, Cut, Figure, Kind, Place, State

# Obligations opened in the month, counted in the cell of their line and language.

# The first three are in the rate, the others outside it.
FATES = ("called_back", "attempted", "late", "reached_us", "no_request", "not_returnable", "unknown", "not_due")
JUDGED = FATES[:3]
KINDS = {"callback": "callbacks_opened", "complaint": "complaints_opened"}


def of_obligation(
    cell: Cell, obligation: Obligation, findings: Iterable[Finding], now: datetime, attempt_counts: bool
) -> None:
    """Add one obligation in its current state, with its verdicts, to `cell`."""
    cell.increment(KINDS[obligation.kind])
    given = list(findings)
    for finding in given:
        of_finding(cell, finding)
    if obligation.kind == "callback":
        in_doubt = any(x.standard == "callback_within_24_hours" and x.verdict == "unknown" for x in given)
        _callback(cell, obligation, in_doubt, now, attempt_counts)


def _callback(cell: Cell, obligation: Obligation, in_doubt: bool, now: datetime, attempt_counts: bool) -> None:
    cell.increment("callback_openings", obligation.opening)
    cell.increment("callback_messages", "", obligation.count)
    by_clock = obligation.dues.clock or obligation.dues.judging.at
    by_business = obligation.dues.business or obligation.dues.judging.at
    within = fate(obligation, by_clock, in_doubt, now, attempt_counts)
    cell.increment("callbacks_24_hours", within)
    cell.increment("callbacks_business_day", fate(obligation, by_business, in_doubt, now, attempt_counts))
    cell.increment(
        "callbacks_no_open_hour", "", int(within == "late" and obligation.dues.judging.actionable is None)
    )
    if obligation.state == "paid" and obligation.settled is not None:
        cell.measure("callback_delay", obligation.settled - obligation.opened)


def fate(obligation: Obligation, due: datetime, in_doubt: bool, now: datetime, attempt_counts: bool) -> str:
    """The result of a callback at a due time, one of FATES; the order of precedence is that of its standard."""
    if obligation.hidden is not None:
        return "not_returnable"
    in_time = obligation.settled is not None and not obligation.is_open and obligation.settled <= due
    attempted = any(at <= due for at in obligation.attempts)
    if in_time and obligation.state == "paid":
        return "called_back"
    if due >= now or (
        due == obligation.dues.judging.at and not obligation.fell_due and obligation.state != "paid"
    ):
        return "not_due"
    if attempted and attempt_counts:
        return "attempted"
    if in_time and (obligation.state == "reached_us" or obligation.reason == "no_request"):
        return "reached_us" if obligation.state == "reached_us" else "no_request"
    if (
        in_doubt
        or is_unattributed(obligation, due)
        or (obligation.opening == "unheard" and obligation.state != "paid")
    ):
        return "unknown"
    return "attempted" if attempted else "late"


def last_due(obligation: Obligation) -> datetime:
    """The time after which its verdicts no longer change."""
    dues = (obligation.dues.judging, obligation.dues.answer)
    return max((x.at for x in dues if x is not None), default=obligation.opened)


# Rates, and the lengths of which median, 95th percentile and longest are reported.

Count = tuple[str, str]


class Rate(NamedTuple):
    """A rate as parts of counts.

    `of`: the numerator. `over`: the whole denominator, including the numerator. `less`: subtracted from both.
    """

    of: tuple[Count, ...]
    over: tuple[Count, ...]
    less: tuple[Count, ...] = ()


OPEN = ("hours", "open")
_VOICEMAIL = tuple(("outcomes_in_hours", x) for x in ("voicemail_message", "voicemail_no_message", "voicemail"))
# The caller hung up early, during ringing or silence: the strict reading counts these as not met.
EARLY = tuple(("answer_by_third_ring.exempt", reason) for reason in ("hung_up_early", "no_phone_reachable"))


def _parts(name: str, *parts: str) -> tuple[Count, ...]:
    return tuple((name, part) for part in parts)


def _verdicts(standard: str) -> Rate:
    return Rate(_parts(f"{standard}.verdict", "met"), _parts(f"{standard}.verdict", "met", "not_met"))


def _fates(name: str, part: str) -> Rate:
    return Rate(((name, part),), _parts(name, *JUDGED))


_THIRD = _verdicts("answer_by_third_ring")
RATES: Mapping[str, Rate] = {
    "completeness": Rate(_parts("heard", "full", "filled"), _parts("heard", "full", "filled", "partly")),
    "answer_rate": Rate((("outcomes_in_hours", "answered"),), (OPEN,)),
    "abandonment_rate": Rate((("outcomes_in_hours", "abandoned"),), (OPEN,), (("short_abandons_in_hours", ""),)),
    "voicemail_share": Rate(_VOICEMAIL, (OPEN,)),
    "answer_by_third_ring.strict_rate": Rate(_THIRD.of, (*_THIRD.over, *EARLY)),
    "redirections.rate": Rate(_parts("redirections", "0", "1"), _parts("redirections", "0", "1", "2", "3+")),
    "callbacks_24_hours.rate": _fates("callbacks_24_hours", "called_back"),
    "callbacks_24_hours.attempted_rate": _fates("callbacks_24_hours", "attempted"),
    "callbacks_business_day.rate": _fates("callbacks_business_day", "called_back"),
    "french_at_first_answer.rate": Rate(
        _parts("french_at_first_answer", "yes"), _parts("french_at_first_answer", "yes", "no", "unknown")
    ),
} | {f"{standard}.rate": _verdicts(standard) for standard in ALL_STANDARDS}


def imported_calls(cells: Iterable[Mapping[Count, int]]) -> dict[str, int]:
    """The imported calls of all cells, by the name of their record; without those of which there is none."""
    found = Counter(dict.fromkeys(IMPORTED.values(), 0))
    for counts in cells:
        found.update({name: counts.get(("imported", heard), 0) for heard, name in IMPORTED.items()})
    return {name: count for name, count in found.items() if count}


def fraction(rate: Rate, counts: Mapping[Count, int]) -> tuple[int, int]:
    """The numerator and the denominator of a rate."""
    less = sum(counts.get(x, 0) for x in rate.less)
    return sum(counts.get(x, 0) for x in rate.of) - less, sum(counts.get(x, 0) for x in rate.over) - less


LENGTHS: Mapping[str, Kind] = {
    "rings": "rings",
    "time_to_answer": "seconds",
    "time_from_arrival": "seconds",
    "early_hold": "seconds",
    "callback_delay": "seconds",
}
ENDS = ("median", "p95", "longest")

# Figures.

NOT_JUDGED = "not_judged"
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
    "ring_start": ("told", "estimated", "span", "queue", "none"),
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
    "callbacks_24_hours": FATES,
    "callbacks_business_day": FATES,
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


# Figures of a standard that are not named after it.
STANDARD_OF = {"voicemail_when": "voicemail_after_fourth_ring", "french_at_first_answer": "bilingual_person"}


class FigureTable:
    """Collects the figures cut by cut; the whole must be the first cut."""

    def __init__(self, judged: Iterable[str], minimum: int, has_data: bool) -> None:
        self.judged = frozenset(judged)
        self.minimum = minimum
        self.has_data = has_data
        self.figures: dict[Place, Figure] = {}
        self._reasons: dict[str, tuple[str, ...]] = {}

    def add_cut(self, cut: Cut, cell: Cell, counted: int) -> None:
        """Add every figure of one cut. `counted`: the database's own count of the calls."""
        counts = cell.counts
        if cut == WHOLE:
            self._reasons = {name: tuple(sorted(part for of, part in counts if of == name)) for name in REASONED}
        parts = COUNTS | CAUSED | self._reasons | BY_DAY
        if cut.kind in ("whole", "line"):
            parts |= BY_CLOCK
        for name, known in parts.items():
            for part in known:
                self._add_count(Place(name, part, cut), counts.get((name, part), 0))
        for name, rate in RATES.items():
            self._add_rate(Place(name, "", cut), *fraction(rate, counts))
        for name, kind in LENGTHS.items():
            self._add_lengths(name, cut, kind, cell.lengths.get(name, 0))
        self._add_checks(cut, cell, counted)

    def _add_checks(self, cut: Cut, cell: Cell, counted: int) -> None:
        """Add each total minus its parts. The total of the calls is the database's own count."""
        counts = cell.counts
        ended = sum(counts.get(("outcomes", x), 0) for x in OUTCOMES)
        self._add_count(Place("check", "outcomes", cut), counted - ended)
        for name, total in CHECKED.items():
            parts = sum(counts.get((name, x), 0) for x in FATES)
            self._add_count(Place("check", name, cut), counts.get((total, ""), 0) - parts)
        if cut == WHOLE:
            return
        for name in ("calls_offered", "callbacks_opened"):
            place = Place("check", f"{name}.{cut.kind}")
            left = self.figures.get(place, self.figures[Place(name)]).value
            if left is not None:
                self._add_count(place, int(left) - counts.get((name, ""), 0))

    # Figures.

    def _add(
        self,
        place: Place,
        kind: Kind,
        value: float | None,
        numerator: int | None = None,
        denominator: int | None = None,
        without: State = "not_available",
    ) -> None:
        """Add a figure. `without`: its state if there is no value."""
        state: State = "known" if value is not None else without
        self.figures[place] = Figure(place, kind, state, value, numerator, denominator)

    def _is_available(self, place: Place) -> bool:
        standard = place.name.partition(".")[0]
        standard = STANDARD_OF.get(standard, standard)
        return self.has_data and (standard not in ALL_STANDARDS or standard in self.judged)

    def _add_count(self, place: Place, count: int) -> None:
        is_available = self._is_available(place) or (count != 0 and self.has_data)
        self._add(place, "count", count if is_available else None)

    def _add_rate(self, place: Place, numerator: int, denominator: int) -> None:
        if self._is_available(place):
            value = numerator / denominator if denominator else None
            self._add(place, "rate", value, numerator, denominator, "not_applicable")
        else:
            self._add(place, "rate", None)

    def _add_lengths(self, name: str, cut: Cut, kind: Kind, total: int) -> None:
        """Add median, 95th percentile and longest; the denominator is the number of values."""
        count = sum(histogram.counts(total))
        ends = histogram.ends(total)
        for index, part in enumerate(ENDS):
            place = Place(name, part, cut)
            if not self.has_data:
                self._add(place, kind, None)
            elif ends is None:
                self._add(place, kind, None, None, 0, "not_applicable")
            else:
                value = ends[index] if kind == "rings" else histogram.step_seconds(ends[index])
                self._add(place, kind, value, None, count)

    def add_parities(self, verdicts: Mapping[tuple[str, str, str, str], int], modes: Mapping[str, str]) -> None:
        """Add the parity of TTY and voice, and of French and English: both rates and their difference."""
        for pair in parity.compare(verdicts, modes, ALL_STANDARDS, self.minimum):
            for side in (pair.one, pair.other):
                self._add_rate(Place(f"{pair.standard}.parity_{side.name}"), side.met, side.judged)
            place = Place(f"{pair.standard}.parity_{pair.kind}")
            if self._is_available(place):
                self._add(place, "difference", pair.difference, without="too_few")
            else:
                self._add(place, "difference", None)

    def add_disruptions(
        self,
        cut: Cut,
        found: Iterable[Disruption],
        lines: frozenset[str] | None,
        begin: datetime,
        end: datetime,
        is_received: bool,
    ) -> None:
        """Add the number and total hours of the disruptions that affected these lines between `begin` and `end`.

        `lines` is None for a language, for which neither figure applies. `is_received` is False when no exchange
        was received: the exchange's log (CEL) reports calls, but no disruptions.
        """
        mine = [x for x in found if x.counts and lines and lines.intersection(x.lines)]
        spans = [(max(x.began, begin), min(x.ended or end, end)) for x in mine]
        spans = [(start, stop) for start, stop in spans if start < stop]
        is_known = lines is not None and (is_received or bool(spans))
        without: State = "not_applicable" if lines is None else "not_available"
        hours = _hours(coverage.total(coverage.merge_spans(spans)))
        self._add(Place("disruptions", "", cut), "count", len(spans) if is_known else None, without=without)
        self._add(Place("disruptions_hours", "", cut), "hours", hours if is_known else None, without=without)

    def add_unheard(self, listening: Mapping[str, Coverage], month: Month, calendar: Calendar) -> None:
        """Add, for each exchange, the hours that were not received.

        Two more figures have the part of them in opening hours, and the part that its log (CEL) covers.
        """
        for name, heard in sorted(listening.items()):
            spans = heard.unheard_spans(month.begin, month.end)
            in_opening_hours = coverage.open_time(spans, calendar.open_time_between)
            covered = coverage.total(heard.covered_by_log(month.begin, month.end))
            self._add(Place("unheard_hours", name), "hours", _hours(coverage.total(spans)))
            self._add(Place("unheard_open_hours", name), "hours", _hours(in_opening_hours))
            # None: no day was compared.
            self._add(Place("unheard_known_hours", name), "hours", _hours(covered) if heard.compared else None)

    def add_reconciled(self, found: Mapping[str, int] | None) -> None:
        """Add, for the days reconciled with the exchange's own records, the calls that only one side has."""
        for name in ("exchange_only", "callmon_only", "days"):
            self._add(Place(f"reconciliation_{name}"), "count", None if found is None else found[name])

    def add_calls_in_progress(self, count: int) -> None:
        """Add the number of calls of the month that have not ended; the next run reports them in a revision."""
        self._add(Place("calls_in_progress"), "count", count)


def _hours(length: timedelta) -> float:
    return length / timedelta(hours=1)
