"""Aggregates: what a call and its verdicts add to the cell of its line and language. Pure.

A cell has counts by figure and part, and a histogram of durations for medians. Cells are stored by day and line
(`store/rollups`), so that a report need not read the calls. Each call is counted once in each figure, so that the
parts add up to their total in any sum of cells. *Unknown* is a part of its own.

Durations are truncated to the displayed tenth (`histogram.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from callmon.core.calls.call import Call
from callmon.core.standards.verdict_rules import may_hide_a_person
from callmon.core.statistics import histogram
from callmon.core.statistics.counters import FIRST, hours_label, relay_ended_early, signs
from callmon.core.verdicts import Finding

SHORT_ABANDON = timedelta(seconds=5)  # of ringing or in a queue
TONE_OVER, THIRD_OVER = timedelta(seconds=14), timedelta(seconds=18)

_VOICEMAIL = {
    "voicemail_early": "early",
    "voicemail_nothing_rang": "early",
    "voicemail_on_time": "on_time",
    "voicemail_late": "late",
}
# What the start of the wait is known from, as part of a figure.
_START = {"told": "told", "early_media": "estimated", "phone": "span", "queue": "queue", None: "none"}
_BY_SECONDS = ("answered_after_seconds", "answered_after_music")
BY_TIME = ("offered", "answered", "met", "not_met")
NOBODY_FREE = "half_hour.nobody_free"  # calls without an answer, because every phone was in use

Part = tuple[str, str]  # figure and part


class Cell:
    """The counts and durations of one line and language, or of several together."""

    __slots__ = ("counts", "lengths")

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.lengths: dict[str, int] = {}  # histograms, as `histogram.py` encodes them

    def increment(self, name: str, part: str = "", amount: int = 1) -> None:
        self.counts[name, part] += amount

    def measure(self, name: str, length: timedelta | int) -> None:
        """Count a duration or a number of rings in the histogram of `name`."""
        step = length if isinstance(length, int) else histogram.step_of(length)
        self.lengths[name] = self.lengths.get(name, 0) + histogram.once(step)

    def merge(self, other: Cell) -> None:
        """Add another cell to this one."""
        self.counts.update(other.counts)
        for name, total in other.lengths.items():
            self.lengths[name] = self.lengths.get(name, 0) + total

    def subtract(self, other: Cell) -> None:
        """Subtract another cell from this one."""
        self.counts.subtract(other.counts)
        for name, total in other.lengths.items():
            self.lengths[name] = self.lengths.get(name, 0) - total


def is_counted(call: Call) -> bool:
    """Whether the call counts as offered: inbound, on a line, ended, no test call."""
    return call.direction == "inbound" and call.line is not None and call.is_ended and not call.test


def of_call(cell: Cell, call: Call, findings: Iterable[Finding], arrived: datetime) -> None:
    """Count one ended call with its verdicts, at most one of each call standard. `arrived`: local time."""
    parts = [*_offered("partly" if call.is_imported else call.heard, call.in_hours, call.outcome)]
    third, nobody_free = None, False
    for finding in findings:
        parts += _judged(finding.standard, finding.verdict, finding.reason_key, finding.cause)
        if finding.standard == "answer_by_third_ring":
            third, nobody_free = finding.verdict, finding.cause == "nobody_free"
    is_answered = call.outcome == "answered"
    if is_answered:
        hidden = may_hide_a_person(call)
        moved = (None, None) if hidden else (len(call.transfers), call.redirections)
        parts += _of_answer(call.rings, _START[call.wait_start], *moved)
        _measure_answer(cell, call)
    half_hour = 2 * arrived.hour + (arrived.minute >= 30)
    parts += _arrived(arrived.isoweekday(), half_hour, is_answered, third)
    if nobody_free and not is_answered:
        parts.append((NOBODY_FREE, HALF_HOURS[half_hour]))
    cell.counts.update(parts)
    if call.is_imported:
        cell.increment("imported", call.heard)  # by the record; in no figure of its own
    _unanswered(cell, call)
    _beside(cell, call)


def of_finding(cell: Cell, finding: Finding) -> None:
    """Count a verdict, its reason, and the cause of a *not met*."""
    cell.counts.update(_judged(finding.standard, finding.verdict, finding.reason_key, finding.cause))


# Few different values occur: what each of them adds is made once.


@lru_cache(maxsize=256)
def _offered(heard: str, in_hours: bool | None, outcome: str) -> list[Part]:
    """What each call offered adds."""
    parts = [("calls_offered", ""), ("heard", heard), ("hours", hours_label(in_hours)), ("outcomes", outcome)]
    return [*parts, ("outcomes_in_hours", outcome)] if in_hours else parts


@lru_cache(maxsize=1024)
def _judged(standard: str, verdict: str, reason: str, cause: str | None) -> list[Part]:
    parts = [(f"{standard}.verdict", verdict)]
    if verdict != "met":
        parts.append((f"{standard}.{verdict}", reason))
    if verdict == "not_met":
        parts.append((f"{standard}.cause", cause or "other"))
    if standard == "voicemail_after_fourth_ring" and reason in _VOICEMAIL:
        parts.append(("voicemail_when", _VOICEMAIL[reason]))
    if standard == "bilingual_person" and reason in FIRST:
        parts.append(("french_at_first_answer", FIRST[reason]))
    if standard == "answer_by_third_ring" and reason in _BY_SECONDS:
        parts.append(("judged_by_seconds", ""))
    return parts


def _unanswered(cell: Cell, call: Call) -> None:
    if call.outcome == "abandoned":
        cell.increment("abandoned_in", call.abandoned_in or "silence")
        if call.waited is not None and call.waited.longest < SHORT_ABANDON:
            cell.increment("short_abandons")
            cell.increment("short_abandons_in_hours", "", int(bool(call.in_hours)))
    if call.voicemail is not None:
        message = {True: "left", False: "none", None: "unheard"}[call.voicemail.message]
        cell.increment("voicemail_messages", message)


def _measure_answer(cell: Cell, call: Call) -> None:
    if call.rings is not None:
        cell.measure("rings", call.rings)
    if call.waited is not None:
        cell.measure("time_to_answer", call.waited.longest)  # of an uncertain span, the longer end
        if TONE_OVER <= call.waited.longest < THIRD_OVER:
            cell.increment("answered_14_to_18_s")
    if call.arrived is not None and call.answered is not None:
        cell.measure("time_from_arrival", call.answered - call.arrived)


@lru_cache(maxsize=1024)
def _of_answer(rings: int | None, start: str, transfers: int | None, redirections: int | None) -> list[Part]:
    """What each answered call adds."""
    by_rings = ("rings_to_answer", _capped(rings, 5))
    moved = [("transfers", _capped(transfers, 3)), ("redirections", _capped(redirections, 3))]
    return [by_rings, ("ring_start", start), *moved]


def _capped(count: int | None, most: int) -> str:
    """The count as a label: "0", "1" … and "3+" for `most` = 3; "unknown" where a gap may hide some."""
    if count is None:
        return "unknown"
    return f"{most}+" if count >= most else str(count)


def _beside(cell: Cell, call: Call) -> None:
    if call.relay:
        cell.increment("relay_outcomes", call.outcome)
        cell.increment("relay_ended_early", "", int(relay_ended_early(call)))
    for sign in signs(call):
        cell.increment("signs", sign)
        if sign == "early_hold" and call.held_for is not None:
            cell.measure("early_hold", call.held_for)


@lru_cache(maxsize=4096)
def _arrived(weekday: int, half_hour: int, is_answered: bool, third: str | None) -> list[Part]:
    """What an arrival adds. `half_hour`: of the day, 0 is midnight. `third`: the verdict of the third ring."""
    shown = {"offered": True, "answered": is_answered, "met": third == "met", "not_met": third == "not_met"}
    of_day = [(f"weekday.{what}", str(weekday)) for what in BY_TIME if shown[what]]
    return [*of_day, *((f"half_hour.{what}", HALF_HOURS[half_hour]) for what in BY_TIME if shown[what])]


HALF_HOURS = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30))
