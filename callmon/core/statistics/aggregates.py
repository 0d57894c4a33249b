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
from zoneinfo import ZoneInfo

from callmon.core.calls.call import Call
from callmon.core.standards._common import may_hide_a_person
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
_BY_SECONDS = ("answered_after_seconds", "answered_after_music")
BY_TIME = ("offered", "answered", "met", "not_met")


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


def of_call(cell: Cell, call: Call, findings: Iterable[Finding], zone: ZoneInfo) -> None:
    """Count one ended call with its verdicts of the call standards."""
    cell.increment("calls_offered")
    cell.increment("heard", call.heard)
    cell.increment("hours", hours_label(call.in_hours))
    cell.increment("outcomes", call.outcome)
    if call.in_hours:
        cell.increment("outcomes_in_hours", call.outcome)
    given = {finding.standard: finding for finding in findings}
    for finding in given.values():
        of_finding(cell, finding)
    _unanswered(cell, call)
    if call.outcome == "answered":
        _answered(cell, call)
    _beside(cell, call)
    third = given.get("answer_by_third_ring")
    _when(cell, call, None if third is None else third.verdict, zone)


def of_finding(cell: Cell, finding: Finding) -> None:
    """Count a verdict, its reason, and the cause of a *not met*."""
    standard, verdict = finding.standard, finding.verdict
    cell.increment(f"{standard}.verdict", verdict)
    if verdict != "met":
        cell.increment(f"{standard}.{verdict}", finding.reason_key)
    if verdict == "not_met":
        cell.increment(f"{standard}.cause", finding.cause or "other")
    if standard == "voicemail_after_fourth_ring" and finding.reason_key in _VOICEMAIL:
        cell.increment("voicemail_when", _VOICEMAIL[finding.reason_key])
    if standard == "bilingual_person" and finding.reason_key in FIRST:
        cell.increment("french_at_first_answer", FIRST[finding.reason_key])
    if standard == "answer_by_third_ring" and finding.reason_key in _BY_SECONDS:
        cell.increment("judged_by_seconds")


def _unanswered(cell: Cell, call: Call) -> None:
    if call.outcome == "abandoned":
        cell.increment("abandoned_in", call.abandoned_in or "silence")
        if call.waited is not None and call.waited.longest < SHORT_ABANDON:
            cell.increment("short_abandons")
            cell.increment("short_abandons_in_hours", "", int(bool(call.in_hours)))
    if call.voicemail is not None:
        message = {True: "left", False: "none", None: "unheard"}[call.voicemail.message]
        cell.increment("voicemail_messages", message)


def _answered(cell: Cell, call: Call) -> None:
    cell.increment("rings_to_answer", _capped(call.rings, 5))
    hidden = may_hide_a_person(call)
    cell.increment("transfers", _capped(None if hidden else len(call.transfers), 3))
    cell.increment("redirections", _capped(None if hidden else call.redirections, 3))
    if call.rings is not None:
        cell.measure("rings", call.rings)
    if call.waited is not None:
        cell.measure("time_to_answer", call.waited.longest)  # of an uncertain span, the longer end
        if TONE_OVER <= call.waited.longest < THIRD_OVER:
            cell.increment("answered_14_to_18_s")
    if call.arrived is not None and call.answered is not None:
        cell.measure("time_from_arrival", call.answered - call.arrived)


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


def _when(cell: Cell, call: Call, third: str | None, zone: ZoneInfo) -> None:
    assert call.arrived is not None  # the arrival assigns a call to its month
    local = call.arrived.astimezone(zone)
    shown = {"offered": True, "answered": call.outcome == "answered", "met": third == "met"}
    shown["not_met"] = third == "not_met"
    for what in BY_TIME:
        if shown[what]:
            cell.increment(f"weekday.{what}", str(local.isoweekday()))
            cell.increment(f"half_hour.{what}", half_hour(local))


def half_hour(local: datetime) -> str:
    """The start of the half-hour that contains this local time, as "08:30"."""
    return f"{local.hour:02}:{local.minute // 30 * 30:02}"


HALF_HOURS = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30))
