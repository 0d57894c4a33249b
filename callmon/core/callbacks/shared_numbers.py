"""Numbers that many people share: a shelter, a law office, a hospital's switchboard (R-15). Pure.

Listed by the site, or known by messages on more than so many days, or on more than so many lines, within a month.
One call back cannot be known to answer all who left a message from there: each is paid by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

WINDOW = timedelta(days=30)
MANY = 200_000

Seen = tuple[tuple[date, str], ...]


class Sharing:
    """What was seen of each caller's token in the last month."""

    def __init__(self, listed: Iterable[str], days: int, lines: int) -> None:
        self._listed = frozenset(listed)
        self._days, self._lines = days, lines
        self._seen: dict[str, Seen] = {}

    def note(self, token: str, day: date, line: str) -> None:
        """A message came from there."""
        known = tuple(one for one in self._seen.get(token, ()) if one[0] > day - WINDOW)
        if (day, line) not in known:
            self._seen[token] = (*known, (day, line))
        if len(self._seen) > MANY:
            self._seen = {x: seen for x, seen in self._seen.items() if seen[-1][0] > day - WINDOW}

    def is_shared(self, token: str) -> bool:
        if token in self._listed:
            return True
        seen = self._seen.get(token, ())
        return len({day for day, _ in seen}) > self._days or len({line for _, line in seen}) > self._lines

    def forget(self, token: str) -> None:
        self._seen.pop(token, None)

    def adopt(self, older: Sharing) -> None:
        self._seen = older._seen
