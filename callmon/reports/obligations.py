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
    if in_doubt or (obligation.opening == "unheard" and obligation.state != "paid"):
        return "unknown"
    return "attempted" if attempted else "late"


def last_due(obligation: Obligation) -> datetime:
    """The time after which its verdicts no longer change."""
    dues = (obligation.dues.judging, obligation.dues.answer)
    return max((x.at for x in dues if x is not None), default=obligation.opened)
