"""Numbers shared by many callers: a shelter, a law office, a hospital's switchboard (R-15). Pure.

A number is shared if the site lists it. It is also shared after messages on more than a set number of days, or of
lines, within 30 days. One callback need not reach every caller of a shared number, so each obligation is paid
manually.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from callmon.config.schema import CallbackRules

WINDOW = timedelta(days=30)
MANY = 200_000

Seen = tuple[tuple[date, str], ...]


class SharedNumbers:
    """The days and lines of each token's messages in the last 30 days."""

    def __init__(self, rules: CallbackRules, token: Callable[[str], str]) -> None:
        self._listed = frozenset(map(token, rules.shared_numbers))
        self._days, self._lines = rules.shared_after_days, rules.shared_after_lines
        self._seen: dict[str, Seen] = {}

    def record_call(self, token: str, day: date, line: str) -> None:
        known = tuple(seen_on for seen_on in self._seen.get(token, ()) if seen_on[0] > day - WINDOW)
        if (day, line) not in known:
            self._seen[token] = (*known, (day, line))
        if len(self._seen) > MANY:
            self._seen = {x: seen for x, seen in self._seen.items() if seen[-1][0] > day - WINDOW}

    def is_shared(self, token: str) -> bool:
        if token in self._listed:
            return True
        seen = self._seen.get(token, ())
        return len({day for day, _ in seen}) > self._days or len({line for _, line in seen}) > self._lines

    def forget_number(self, token: str) -> None:
        self._seen.pop(token, None)

    def inherit(self, older: SharedNumbers) -> None:
        self._seen = older._seen
