"""What a person asks to be done to an entry of the ledger, by a command or on a page: one set of rules for both.

The results and reasons that can be chosen, how a time and a text are read, and the asking itself. Pure;
`hand.refusal` rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from callmon.core.callbacks.commands import Action, Hand, refusal
from callmon.core.callbacks.due_dates import Rules
from callmon.core.callbacks.entries import CloseReason, Refusal, Result
from callmon.core.callbacks.obligation import Obligation

RESULTS: dict[str, Result] = {"spoke": "spoke", "message-left": "message_left", "no-answer": "no_answer"}
REASONS: dict[str, CloseReason] = {
    "no-request": "no_request",
    "unreachable": "unreachable",
    "listened": "listened",
    "answered": "answered",
    "otherwise": "otherwise",
}
LONGEST_TEXT, LONGEST_NAME = 500, 100
FORMS = ("%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")
YEARS = range(1990, 2200)  # another year is a slip of the finger, and may be no moment in UTC
# Control characters but for tab and line feed, the two other line ends, marks that turn the direction of a text,
# halves of a character.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def asked(
    one: Obligation,
    actor: str,
    action: Action,
    now: datetime,
    rules: Rules,
    day: Callable[[datetime], date],
    **more: Any,
) -> Hand | Refusal:
    """What is asked for, if it can be done to this entry; else why it cannot. `day` is the calendar's."""
    hand = Hand(at=now, actor=actor, action=action, exchange=one.exchange, obligation=one.id, **more)
    return refusal(one, hand, rules, day) or hand


def local_moment(text: str, zone: tzinfo, today: date) -> datetime | None:
    """ "10:12" (today) or "2026-11-24 10:12" on the ministry's clocks; None when neither, or not of YEARS."""
    for form in FORMS:
        try:
            read = datetime.strptime(text.strip(), form)  # noqa: DTZ007  the ministry's zone follows
        except ValueError:
            continue
        day = today if form == "%H:%M" else read.date()
        return datetime.combine(day, read.time(), zone).astimezone(UTC) if day.year in YEARS else None
    return None


def plain(text: str) -> str:
    """What a person wrote, without control characters: no page, log, view or database needs to withstand them."""
    return CONTROL.sub("", text)
