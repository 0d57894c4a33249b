"""In-memory index of the live obligations, which time, a call or a person may still change. Pure; no rules here.

By token of a number: one look-up. By time: a heap, whose stale entries are dropped when they reach the top. The
counts of each line and language are updated on each change. No query iterates over all obligations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from heapq import heappop, heappush

import msgspec

from callmon.core.callbacks.obligation import Key, Obligation

Group = tuple[str, str]  # line, language
COUNTS = (
    "callbacks_open", "callbacks_overdue", "callbacks_due_soon", "callbacks_no_open_hour",
    "callbacks_to_listen_to", "callbacks_in_hand", "callbacks_overdue_untaken", "complaints_open",
    "complaints_overdue",
)  # fmt: skip
FIRSTS = ("opened", "due", "actionable", "listen")


def counted(one: Obligation) -> Iterator[str]:
    """The names of `COUNTS` that include this obligation. A callback that cannot be called is counted apart."""
    if not one.is_open:
        return
    if one.kind == "callback" and not one.can_be_called:
        yield "callbacks_to_listen_to"
        return
    kind = f"{one.kind}s"
    yield f"{kind}_open"
    if one.is_overdue:
        yield f"{kind}_overdue"
    if one.kind == "callback":
        if one.is_soon and not one.is_overdue:
            yield "callbacks_due_soon"
        if one.no_open_hour:
            yield "callbacks_no_open_hour"
        if one.in_hand is not None:
            yield "callbacks_in_hand"
        elif one.is_overdue:
            yield "callbacks_overdue_untaken"


def first_of(one: Obligation, which: str) -> datetime | None:
    """The time of this obligation for the line's earliest (`FIRSTS`); None when the obligation is not included."""
    if not one.is_open or one.kind != "callback":
        return None
    if which == "listen":
        return None if one.can_be_called else one.dues.business
    if not one.can_be_called:
        return None
    return {"opened": one.opened, "due": one.due.at, "actionable": one.due.actionable}[which]


class ObligationSummary(msgspec.Struct, frozen=True):
    """An owed callback as a board shows it (`topics.Obligation`), without any data of the caller."""

    id: str
    line: str
    language: str
    opened: datetime
    due: datetime
    actionable: datetime | None
    state: str
    attempts: int
    in_hand: bool


def summary_of(one: Obligation) -> ObligationSummary | None:
    """The callback as a board shows it; None when it is not to be called back."""
    if not one.is_open or one.kind != "callback" or not one.can_be_called:
        return None
    due, state = one.due, "overdue" if one.is_overdue else "due_soon" if one.is_soon else "open"
    times, is_taken = (one.opened, due.at, due.actionable), one.in_hand is not None
    return ObligationSummary(one.id, one.line, one.language, *times, state, len(one.attempts), is_taken)


class ObligationIndex:
    def __init__(self) -> None:
        self._shown: dict[str, ObligationSummary] = {}
        self._revision = 0
        self._all: dict[Key, Obligation] = {}
        self._by_token: dict[str, tuple[Key, ...]] = {}
        self._counts: dict[str, Counter[Group]] = {name: Counter() for name in COUNTS}
        self._firsts: dict[tuple[str, str], list[tuple[datetime, Key]]] = {}

    def __len__(self) -> int:
        return len(self._all)

    # Board state (`topics.Obligations`).

    def revision(self) -> int:
        """A number that changes whenever the result of `open` changes."""
        return self._revision

    def follow(self, older: ObligationIndex) -> None:
        """Replace the older index: the revision continues above the older one's."""
        self._revision += older._revision + 1

    def open(self) -> dict[str, ObligationSummary]:
        """The owed callbacks by name. A value is replaced only when a shown field changes."""
        return self._shown

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

    def insert(self, one: Obligation) -> None:
        before = self._all.get(one.key)
        self._all[one.key] = one
        self._show(one.id, summary_of(one))
        if before is None or (before.token, before.other) != (one.token, one.other):
            self._index(before, one)
        if before is not None:
            self._count(before, -1)
        self._count(one, 1)
        for which in FIRSTS:
            at = first_of(one, which)
            if at is not None and (before is None or at != first_of(before, which)):
                heappush(self._firsts.setdefault((which, one.line), []), (at, one.key))

    def drop(self, key: Key) -> None:
        """Remove an obligation that nothing can change any more."""
        one = self._all.pop(key)
        self._show(one.id, None)
        self._count(one, -1)
        self._index(one, None)

    def _show(self, name: str, now: ObligationSummary | None) -> None:
        if self._shown.get(name) == now:
            return
        self._revision += 1
        if now is None:
            del self._shown[name]
        else:
            self._shown[name] = now

    def count(self, name: str) -> dict[Group, int]:
        """(line, language) → count; groups at 0 may be missing."""
        return {group: n for group, n in self._counts[name].items() if n}

    def first(self, which: str) -> dict[str, datetime]:
        """line → the earliest time; lines without one are missing."""
        found: dict[str, datetime] = {}
        for (what, line), heap in self._firsts.items():
            if what == which and (at := self._earliest(which, heap)) is not None:
                found[line] = at
        return found

    def _earliest(self, which: str, heap: list[tuple[datetime, Key]]) -> datetime | None:
        while heap:
            at, key = heap[0]
            one = self._all.get(key)
            if one is not None and first_of(one, which) == at:
                return at
            heappop(heap)
        return None

    def _count(self, one: Obligation, by: int) -> None:
        for name in counted(one):
            self._counts[name][one.line, one.language] += by

    def _index(self, before: Obligation | None, one: Obligation | None) -> None:
        old = () if before is None else (before.token, before.other)
        new = () if one is None else (one.token, one.other)
        for token in filter(None, old):
            left = tuple(key for key in self._by_token.get(token, ()) if before is None or key != before.key)
            if left:
                self._by_token[token] = left
            else:
                self._by_token.pop(token, None)
        for token in dict.fromkeys(filter(None, new)):
            if one is not None:
                self._by_token[token] = (*self._by_token.get(token, ()), one.key)


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
