"""Counts an obligation opened in the month in the cell of its line and language. Pure.

A callback is counted by both clocks, 24 hours and the next business day, whichever clock its verdict uses. Its
parts add up to the callbacks opened. Called back and only attempted are separate parts (R-18). A callback is
outside the rate if the caller reached us, requested nothing or cannot be called.
"""

from collections.abc import Iterable
from datetime import datetime

from callmon.core.callbacks.obligation import Obligation
from callmon.core.statistics.aggregates import Cell, of_finding
from callmon.core.verdicts import Finding

# The first three are in the rate, the others outside it.
FATES = ("called_back", "attempted", "late", "reached_us", "no_request", "not_returnable", "unknown", "not_due")
JUDGED = FATES[:3]
KINDS = {"callback": "callbacks_opened", "complaint": "complaints_opened"}


def of_obligation(
    cell: Cell, one: Obligation, findings: Iterable[Finding], now: datetime, attempt_counts: bool
) -> None:
    """Add one obligation in its current state, with its verdicts, to `cell`."""
    cell.increment(KINDS[one.kind])
    given = list(findings)
    for finding in given:
        of_finding(cell, finding)
    if one.kind == "callback":
        in_doubt = any(x.standard == "callback_within_24_hours" and x.verdict == "unknown" for x in given)
        _callback(cell, one, in_doubt, now, attempt_counts)


def _callback(cell: Cell, one: Obligation, in_doubt: bool, now: datetime, attempt_counts: bool) -> None:
    cell.increment("callback_openings", one.opening)
    cell.increment("callback_messages", "", one.count)
    by_clock = one.dues.clock or one.dues.judging.at
    by_business = one.dues.business or one.dues.judging.at
    within = fate(one, by_clock, in_doubt, now, attempt_counts)
    cell.increment("callbacks_24_hours", within)
    cell.increment("callbacks_business_day", fate(one, by_business, in_doubt, now, attempt_counts))
    cell.increment("callbacks_no_open_hour", "", int(within == "late" and one.dues.judging.actionable is None))
    if one.state == "paid" and one.settled is not None:
        cell.measure("callback_delay", one.settled - one.opened)


def fate(one: Obligation, due: datetime, in_doubt: bool, now: datetime, attempt_counts: bool) -> str:
    """The result of a callback at a due time, one of FATES; the order of precedence is that of its standard."""
    if one.hidden is not None:
        return "not_returnable"
    in_time = one.settled is not None and not one.is_open and one.settled <= due
    attempted = any(at <= due for at in one.attempts)
    if in_time and one.state == "paid":
        return "called_back"
    if due >= now or (due == one.dues.judging.at and not one.fell_due and one.state != "paid"):
        return "not_due"
    if attempted and attempt_counts:
        return "attempted"
    if in_time and (one.state == "reached_us" or one.reason == "no_request"):
        return "reached_us" if one.state == "reached_us" else "no_request"
    if in_doubt or (one.opening == "unheard" and one.state != "paid"):
        return "unknown"
    return "attempted" if attempted else "late"


def last_due(one: Obligation) -> datetime:
    """The time after which its verdicts no longer change."""
    dues = (one.dues.judging, one.dues.answer)
    return max((x.at for x in dues if x is not None), default=one.opened)
