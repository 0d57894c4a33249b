"""The trunks of one exchange: over which the lines' calls come in, and whether to believe what is told of them.

A trunk is known to be down only when it was known to be well: many carriers never answer the question whether
they are there (OPTIONS), and such a trunk is UNAVAILABLE all day long while calls come in over it. What brings a
call while it is said to be unreachable is not believed until it is said to be free. While a call is up on it, it
is in use, whatever else is true. Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from callmon.core.calls.phone_states import State

FORGOTTEN_AFTER = timedelta(days=30)
MAX_TRUNKS = 100  # of one line
NONE: Mapping[str, datetime | None] = {}


class Routes:
    """What is known of one exchange's trunks."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, datetime | None]] = {}  # line → trunk → when it last brought a call
        self._well: set[str] = set()
        self._idle: dict[str, State] = {}  # what was last said of it while no call was up

    def learn(self, line: str, trunk: str, at: datetime | None, state: State | None = None) -> None:
        """It brought a call for this line; `state` is what is said of it at that moment."""
        known = self._of.setdefault(line, {})
        if trunk in known or len(known) < MAX_TRUNKS:
            known[trunk] = at
        if state == "unreachable" or self._idle.get(trunk) == "unreachable":
            self._well.discard(trunk)

    def lines(self) -> frozenset[str]:
        """Those for which calls came in."""
        return frozenset(self._of)

    def of(self, line: str, now: datetime | None) -> frozenset[str]:
        """The trunks over which its calls came in within thirty days."""
        known = self._of.get(line, NONE)
        return frozenset(
            trunk for trunk, at in known.items() if at is None or now is None or now - at <= FORGOTTEN_AFTER
        )

    def look(self, states: Mapping[str, State | None]) -> None:
        """How the trunks stand now."""
        for trunk, state in states.items():
            if state == "free":
                self._well.add(trunk)
            if state == "free" or state == "unreachable":
                self._idle[trunk] = state

    def were_down(self, trunks: Iterable[str]) -> None:
        """It was known so before callmon was started anew: they were believed."""
        self._well |= {trunk for trunk in trunks if trunk not in self._idle}

    def are_down(self, trunks: Iterable[str], states: Mapping[str, State | None]) -> bool | None:
        """Whether no call can come over any of these; None when too little is known."""
        told = [(states.get(trunk), trunk in self._well) for trunk in trunks]
        if any(state is not None and state != "unreachable" for state, _ in told):
            return False
        if not told or any(state is None for state, _ in told):
            return None
        return all(is_believed for _, is_believed in told)
