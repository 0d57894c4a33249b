"""In-memory index of the live obligations, which time, a call or a person may still change. Pure; no rules here.

By token of a number: one look-up. By time: a heap, whose stale entries are dropped when they reach the top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from heapq import heappop, heappush

import msgspec

from callmon.config.schema import CallbackRules
from callmon.core.callbacks.obligation import Key, Obligation

Group = tuple[str, str]  # line, language
COUNTS = (
    "callbacks_open", "callbacks_overdue", "callbacks_due_soon", "callbacks_no_open_hour",
    "callbacks_to_listen_to", "callbacks_in_hand", "callbacks_overdue_untaken", "complaints_open",
    "complaints_overdue",
)  # fmt: skip
# Numbers shared by many callers.
WINDOW = timedelta(days=30)
MANY_NUMBERS = 200_000
SeenOn = tuple[tuple[date, str], ...]
FIRSTS = ("opened", "due", "actionable", "listen")


def counted(obligation: Obligation) -> Iterator[str]:
    """The names of `COUNTS` that include this obligation. A callback that cannot be called is counted apart."""
    if not obligation.is_open:
        return
    if obligation.kind == "callback" and not obligation.can_be_called:
        yield "callbacks_to_listen_to"
        return
    kind = f"{obligation.kind}s"
    yield f"{kind}_open"
    if obligation.is_overdue:
        yield f"{kind}_overdue"
    if obligation.kind == "callback":
        if obligation.is_soon and not obligation.is_overdue:
            yield "callbacks_due_soon"
        if obligation.no_open_hour:
            yield "callbacks_no_open_hour"
        if obligation.in_hand is not None:
            yield "callbacks_in_hand"
        elif obligation.is_overdue:
            yield "callbacks_overdue_untaken"


def first_times(obligation: Obligation) -> dict[str, datetime | None]:
    """The times of this obligation for the line's earliest, by the names in `FIRSTS`."""
    if not obligation.is_open or obligation.kind != "callback":
        return {}
    if not obligation.can_be_called:
        return {"listen": obligation.dues.business}
    due = obligation.due
    return {"opened": obligation.opened, "due": due.at, "actionable": due.actionable}


class ObligationSummary(msgspec.Struct, frozen=True):
    """An open callback as a board shows it (`topics.Obligation`), without any data of the caller."""

    id: str
    line: str
    language: str
    opened: datetime
    due: datetime
    actionable: datetime | None
    state: str
    attempts: int
    unattributed: datetime | None  # a call to the number that callmon cannot attribute
    in_hand: bool


def summary_of(obligation: Obligation) -> ObligationSummary | None:
    """The callback as a board shows it; None when it is not to be called back."""
    if not obligation.is_open or obligation.kind != "callback" or not obligation.can_be_called:
        return None
    due = obligation.due
    attempts = len(obligation.attempts)
    is_taken = obligation.in_hand is not None
    state = "overdue" if obligation.is_overdue else "due_soon" if obligation.is_soon else "open"
    about = obligation.id, obligation.line, obligation.language, obligation.opened, due.at, due.actionable
    return ObligationSummary(*about, state, attempts, obligation.unattributed, is_taken)


class ObligationIndex:
    """`version` is another object after each change."""

    def __init__(self) -> None:
        self.version = object()
        self._all: dict[Key, Obligation] = {}
        self._by_token: dict[str, tuple[Key, ...]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Obligation]:
        return iter(self._all.values())

    def get(self, key: Key) -> Obligation | None:
        return self._all.get(key)

    def has_token(self, token: str) -> bool:
        return token in self._by_token

    def of_token(self, token: str | None) -> list[Obligation]:
        """The obligations of one number, in the order in which they were indexed by it."""
        if token is None:
            return []
        return [self._all[key] for key in self._by_token.get(token, ())]

    def insert(self, obligation: Obligation) -> None:
        before, self.version = self._all.get(obligation.key), object()
        self._all[obligation.key] = obligation
        if before is None or (before.token, before.other) != (obligation.token, obligation.other):
            self._index(before, obligation)

    def drop(self, key: Key) -> None:
        """Remove an obligation that nothing can change any more."""
        self.version = object()
        self._index(self._all.pop(key), None)

    def _index(self, before: Obligation | None, obligation: Obligation | None) -> None:
        old = () if before is None else (before.token, before.other)
        new = () if obligation is None else (obligation.token, obligation.other)
        for token in filter(None, old):
            left = tuple(key for key in self._by_token.get(token, ()) if before is None or key != before.key)
            if left:
                self._by_token[token] = left
            else:
                self._by_token.pop(token, None)
        for token in dict.fromkeys(filter(None, new)):
            if obligation is not None:
                self._by_token[token] = (*self._by_token.get(token, ()), obligation.key)


class Timers:
    def __init__(self) -> None:
        self._heap: list[tuple[datetime, Key]] = []

    def schedule(self, at: datetime, key: Key) -> None:
        heappush(self._heap, (at, key))

    def first(self) -> datetime | None:
        return self._heap[0][0] if self._heap else None

    def drain_due(self, until: datetime) -> Iterator[Key]:
        """Remove and yield the keys with a time before `until`, earliest first, also those added meanwhile."""
        while self._heap and self._heap[0][0] < until:
            yield heappop(self._heap)[1]


class SharedNumbers:
    """Numbers shared by many callers: a shelter, a law office, a hospital's switchboard (R-15).

    A number is shared if the site lists it. It is also shared after messages on more than a set number of days, or
    of lines, within 30 days. One callback need not reach every caller of a shared number, so each obligation is
    paid manually.
    """

    def __init__(self, rules: CallbackRules, token: Callable[[str], str]) -> None:
        self._listed = frozenset(map(token, rules.shared_numbers))
        self._days, self._lines = rules.shared_after_days, rules.shared_after_lines
        self._seen: dict[str, SeenOn] = {}

    def record_call(self, token: str, day: date, line: str) -> None:
        known = tuple(seen_on for seen_on in self._seen.get(token, ()) if seen_on[0] > day - WINDOW)
        if (day, line) not in known:
            self._seen[token] = (*known, (day, line))
        if len(self._seen) > MANY_NUMBERS:
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
