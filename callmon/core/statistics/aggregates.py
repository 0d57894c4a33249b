"""What a call and its verdicts add to the cell of its line and language. Pure.

A cell holds counts by figure and part, and how often each length came, for medians: cells are kept by day and
line (`store/rollups`), so that no report reads the calls. Each call is counted once in each figure, so that parts
add up to their total whichever cells are put together. What is not known is a part of its own.

Lengths are cut to the tenth that people are shown (`lengths`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callmon.core.calls.call import Call
from callmon.core.standards._common import may_hide_a_person
from callmon.core.statistics import histogram, integrity
from callmon.core.statistics.counters import FIRST, hours_label
from callmon.core.verdicts import Finding

SHORT_ABANDON = timedelta(seconds=5)  # of ringing, or in a queue
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
    """The counts and lengths of one line and language, or of several together."""

    __slots__ = ("counts", "lengths")

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.lengths: dict[str, int] = {}  # how often each came, as `lengths` has it

    def add(self, name: str, part: str = "", amount: int = 1) -> None:
        self.counts[name, part] += amount

    def measure(self, name: str, length: timedelta | int) -> None:
        """A length, or a number of rings."""
        step = length if isinstance(length, int) else histogram.step_of(length)
        self.lengths[name] = self.lengths.get(name, 0) + histogram.once(step)

    def put(self, other: Cell) -> None:
        """All that is in another."""
        self.counts.update(other.counts)
        for name, total in other.lengths.items():
            self.lengths[name] = self.lengths.get(name, 0) + total

    def take(self, other: Cell) -> None:
        """All that is in another goes from here."""
        self.counts.subtract(other.counts)
        for name, total in other.lengths.items():
            self.lengths[name] = self.lengths.get(name, 0) - total


def is_counted(call: Call) -> bool:
    """The public's calls on a line; whatever else is stored is no call offered."""
    return call.direction == "inbound" and call.line is not None and call.is_ended and not call.test


def of_call(cell: Cell, call: Call, findings: Iterable[Finding], zone: ZoneInfo) -> None:
    """One call that is over, with the verdicts of the call standards on it."""
    cell.add("calls_offered")
    cell.add("heard", call.heard)
    cell.add("hours", hours_label(call.in_hours))
    cell.add("outcomes", call.outcome)
    if call.in_hours:
        cell.add("outcomes_in_hours", call.outcome)
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
    """Its verdict; why; and of a promise not kept, the cause."""
    standard, verdict = finding.standard, finding.verdict
    cell.add(f"{standard}.verdict", verdict)
    if verdict != "met":
        cell.add(f"{standard}.{verdict}", finding.reason_key)
    if verdict == "not_met":
        cell.add(f"{standard}.cause", finding.cause or "other")
    if standard == "voicemail_after_fourth_ring" and finding.reason_key in _VOICEMAIL:
        cell.add("voicemail_when", _VOICEMAIL[finding.reason_key])
    if standard == "bilingual_person" and finding.reason_key in FIRST:
        cell.add("french_at_first_answer", FIRST[finding.reason_key])
    if standard == "answer_by_third_ring" and finding.reason_key in _BY_SECONDS:
        cell.add("judged_by_seconds")


def _unanswered(cell: Cell, call: Call) -> None:
    if call.outcome == "abandoned":
        cell.add("abandoned_in", call.abandoned_in or "silence")
        if call.waited is not None and call.waited.longest < SHORT_ABANDON:
            cell.add("short_abandons")
            cell.add("short_abandons_in_hours", "", int(bool(call.in_hours)))
    if call.voicemail is not None:
        message = {True: "left", False: "none", None: "unheard"}[call.voicemail.message]
        cell.add("voicemail_messages", message)


def _answered(cell: Cell, call: Call) -> None:
    cell.add("rings_to_answer", _capped(call.rings, 5))
    hidden = may_hide_a_person(call)
    cell.add("transfers", _capped(None if hidden else len(call.transfers), 3))
    cell.add("redirections", _capped(None if hidden else call.redirections, 3))
    if call.rings is not None:
        cell.measure("rings", call.rings)
    if call.waited is not None:
        cell.measure("time_to_answer", call.waited.longest)  # where only a span is known, its longer end
        if TONE_OVER <= call.waited.longest < THIRD_OVER:
            cell.add("answered_14_to_18_s")
    if call.arrived is not None and call.answered is not None:
        cell.measure("time_from_arrival", call.answered - call.arrived)


def _capped(count: int | None, most: int) -> str:
    """ "0", "1" … and "3+"; "unknown" where a gap may hide some."""
    if count is None:
        return "unknown"
    return f"{most}+" if count >= most else str(count)


def _beside(cell: Cell, call: Call) -> None:
    """The relay service, and signs that are no verdicts."""
    if call.relay:
        cell.add("relay_outcomes", call.outcome)
        cell.add("relay_ended_early", "", int(integrity.relay_ended_early(call)))
    for sign in integrity.signs(call):
        cell.add("signs", sign)
        if sign == "early_hold" and call.held_for is not None:
            cell.measure("early_hold", call.held_for)


def _when(cell: Cell, call: Call, third: str | None, zone: ZoneInfo) -> None:
    assert call.arrived is not None  # it belongs to the month by that
    local = call.arrived.astimezone(zone)
    shown = {"offered": True, "answered": call.outcome == "answered", "met": third == "met"}
    shown["not_met"] = third == "not_met"
    for what in BY_TIME:
        if shown[what]:
            cell.add(f"weekday.{what}", str(local.isoweekday()))
            cell.add(f"half_hour.{what}", half_hour(local))


def half_hour(local: datetime) -> str:
    """ "08:30": the half-hour of the clock in which that is."""
    return f"{local.hour:02}:{local.minute // 30 * 30:02}"


HALF_HOURS = tuple(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30))
