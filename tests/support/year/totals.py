"""The required figures of a month of `tests/support/year`: counted in plain Python from the events.

Uses nothing of the product except the names of its figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from math import ceil
from typing import Any

from tests.support.year import LINES, Owing, YearTruth

Counted = tuple[str, str]  # a figure, and its part
RATE_NAMES = ("met", "not_met")
CUTS: dict[str, Callable[[Any, str], bool]] = {
    "whole": lambda x, of: True,
    "service": lambda x, of: LINES[x.line][1] == of,
    "mode": lambda x, of: LINES[x.line][2] == of,
    "line": lambda x, of: x.line == of,
    "language": lambda x, of: x.language == of,
}
CALL = (
    "answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person", "one_transfer_at_most",
    "bilingual_person", "feedback_offered",
)  # fmt: skip
OWED = (
    "callback_within_24_hours", "callback_in_french", "complaint_within_2_business_days",
    "complaint_answered_within_15_business_days",
)  # fmt: skip
OUTCOMES = (
    "answered", "voicemail_message", "voicemail_no_message", "voicemail", "lost", "unknown", "busy", "abandoned",
    "announcement", "no_answer", "failed",
)  # fmt: skip
IN_RATE = ("called_back", "attempted", "late")


class Totals:
    """`counts`, `rates` (numerator, denominator) and `lengths` (in seconds, or rings) of one cut."""

    def __init__(self, calls: Iterable[YearTruth], obligations: Iterable[Owing]) -> None:
        self.calls, self.obligations = list(calls), list(obligations)
        self.counts: Counter[Counted] = Counter()
        self.rates: dict[str, tuple[int, int]] = {}
        self.lengths: dict[str, list[float]] = {}
        for call in self.calls:
            self._call(call)
        for one in self.obligations:
            self._due(one)
        self._rates()
        for name in CALL:
            given = sum(self.counts[f"{name}.verdict", x] for x in ("met", "not_met", "exempt", "unknown"))
            self.counts[f"{name}.verdict", "not_judged"] = len(self.calls) - given
        for name in OWED:
            total = self.counts["complaints_opened" if "complaint" in name else "callbacks_opened", ""]
            given = sum(self.counts[f"{name}.verdict", x] for x in ("met", "not_met", "exempt", "unknown"))
            self.counts[f"{name}.verdict", "not_judged"] = total - given

    def add(self, name: str, part: str = "", amount: int = 1) -> None:
        self.counts[name, part] += amount

    def measure(self, name: str, value: float) -> None:
        self.lengths.setdefault(name, []).append(value)

    def _call(self, x: YearTruth) -> None:
        self.add("calls_offered")
        self.add("hours", "open" if x.in_hours else "closed")
        self.add("outcomes", x.outcome)
        self.add("outcomes_in_hours", x.outcome, int(x.in_hours))
        self.add("heard", x.heard)
        for standard, (verdict, reason, cause) in x.verdicts.items():
            self.add(f"{standard}.verdict", verdict)
            if verdict != "met":
                self.add(f"{standard}.{verdict}", reason)
            if verdict == "not_met":
                self.add(f"{standard}.cause", cause)
        if x.outcome == "abandoned":
            self.add("abandoned_in", x.abandoned_in)
            if x.waited is not None and x.waited < 5:
                self.add("short_abandons")
                self.add("short_abandons_in_hours", "", int(x.in_hours))
        if x.message:
            self.add("voicemail_messages", x.message)
        if x.voicemail_when:
            self.add("voicemail_when", x.voicemail_when)
        if x.answered:
            self._answered(x)
        if x.relay:
            self.add("relay_outcomes", x.outcome)
            self.add("relay_ended_early", "", int(x.relay_early))
        self._when(x)

    def _answered(self, x: YearTruth) -> None:
        assert x.ring is not None
        assert x.waited is not None
        assert x.from_arrival is not None
        self.add("rings_to_answer", str(x.ring) if x.ring < 5 else "5+")
        self.add("judged_by_seconds", "", int(x.by_seconds))
        self.add("ring_start", x.start)
        self.add("answered_14_to_18_s", "", int(14 <= x.waited < 18))
        for name, count in (("transfers", x.transfers), ("redirections", x.strict)):
            self.add(name, "unknown" if count is None else str(count) if count < 3 else "3+")
        self.measure("rings", x.ring)
        self.measure("time_to_answer", x.waited)
        self.measure("time_from_arrival", x.from_arrival)
        if x.first_french:
            self.add("french_at_first_answer", x.first_french)
        for sign in x.signs:
            self.add("signs", sign)
        if x.hold is not None:
            self.measure("early_hold", x.hold)

    def _when(self, x: YearTruth) -> None:
        third = x.verdicts["answer_by_third_ring"][0]
        half = f"{x.local.hour:02}:{'00' if x.local.minute < 30 else '30'}"
        shown = {"offered": True, "answered": x.answered, "met": third == "met", "not_met": third == "not_met"}
        for what, counts in shown.items():
            self.add(f"weekday.{what}", str(x.local.isoweekday()), int(counts))
            self.add(f"half_hour.{what}", half, int(counts))

    def _due(self, x: Owing) -> None:
        self.add(f"{x.kind}s_opened")
        for standard, (verdict, reason) in x.verdicts.items():
            self.add(f"{standard}.verdict", verdict)
            if verdict != "met":
                self.add(f"{standard}.{verdict}", reason)
        if x.kind == "callback":
            self.add("callback_openings", x.opening)
            self.add("callback_messages", "", x.count)
            self.add("callbacks_24_hours", x.fate)
            self.add("callbacks_business_day", x.business)
            self.add("callbacks_no_open_hour", "", int(x.no_open_hour))
            if x.delay is not None:
                self.measure("callback_delay", x.delay)

    def _rates(self) -> None:
        count = self.counts

        def of(name: str, *parts: str) -> int:
            return sum(count[name, part] for part in parts)

        open_calls = count["hours", "open"]
        short = count["short_abandons_in_hours", ""]
        third = "answer_by_third_ring"
        met = count[f"{third}.verdict", "met"]
        missed = count[f"{third}.verdict", "not_met"]
        early = of(f"{third}.exempt", "hung_up_early", "no_phone_reachable")
        voicemail = of("outcomes_in_hours", "voicemail_message", "voicemail_no_message", "voicemail")
        self.rates = {
            "completeness": (count["heard", "full"], len(self.calls)),
            "answer_rate": (count["outcomes_in_hours", "answered"], open_calls),
            "abandonment_rate": (count["outcomes_in_hours", "abandoned"] - short, open_calls - short),
            "voicemail_share": (voicemail, open_calls),
            f"{third}.strict_rate": (met, met + missed + early),
            "redirections.rate": (of("redirections", "0", "1"), of("redirections", "0", "1", "2", "3+")),
            "french_at_first_answer.rate": (
                count["french_at_first_answer", "yes"], of("french_at_first_answer", "yes", "no", "unknown")
            ),
        }  # fmt: skip
        for name in ("callbacks_24_hours", "callbacks_business_day"):
            self.rates[f"{name}.rate"] = (count[name, "called_back"], of(name, *IN_RATE))
        self.rates["callbacks_24_hours.attempted_rate"] = (
            count["callbacks_24_hours", "attempted"], of("callbacks_24_hours", *IN_RATE)
        )  # fmt: skip
        for name in (*CALL, *OWED):
            verdicts = f"{name}.verdict"
            self.rates[f"{name}.rate"] = (count[verdicts, "met"], of(verdicts, *RATE_NAMES))

    def end(self, name: str, part: str) -> float | None:
        """Median, 95th percentile, longest, by nearest rank; truncated to the tenth that is shown."""
        values = sorted(x if name == "rings" else _cut(x) for x in self.lengths.get(name, []))
        if not values:
            return None
        share = {"median": 0.5, "p95": 0.95, "longest": 1.0}[part]
        return values[ceil(len(values) * share - 1e-9) - 1]


def _cut(length: float) -> float:
    """Truncated to a tenth of a second; of a minute from 2 minutes on, of an hour from 2 hours on."""
    micro = round(length * 1_000_000)  # a float's error must not remove a tenth
    step = 100_000 if length < 120 else 6_000_000 if length < 7200 else 360_000_000
    return micro // step * step / 1_000_000


def of_month(
    calls: Iterable[YearTruth], obligations: Iterable[Owing], first: date, after: date
) -> tuple[list[YearTruth], list[Owing]]:
    """Those of the local month."""
    from tests.support.year import TORONTO

    return (
        [x for x in calls if first <= x.local.date() < after],
        [x for x in obligations if first <= x.opened.astimezone(TORONTO).date() < after],
    )
