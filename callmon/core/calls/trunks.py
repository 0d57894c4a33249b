"""The trunks of one exchange: the trunks of each line's inbound calls, and whether their states can be trusted.

A trunk counts as down only if it was known to be up. Many carriers never answer OPTIONS; such a trunk is
UNAVAILABLE all day while calls come in over it. A trunk that brings a call while it is reported unreachable is not
trusted until it is reported free. While a call is up on it, a trunk is in use, whatever else is true. Pure: no
I/O, no clock.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from callmon.core.calls.phone_states import State

FORGOTTEN_AFTER = timedelta(days=30)
MAX_TRUNKS = 100  # per line
NONE: Mapping[str, datetime | None] = {}


class Trunks:
    def __init__(self) -> None:
        self._of: dict[str, dict[str, datetime | None]] = {}  # line → trunk → when it last brought a call
        self._well: set[str] = set()
        self._idle: dict[str, State] = {}  # trunk → its last reported state while no call was up

    def learn(self, line: str, trunk: str, at: datetime | None, state: State | None = None) -> None:
        """Record a call for this line over this trunk. `state`: the trunk's reported state at that moment."""
        known = self._of.setdefault(line, {})
        if trunk in known or len(known) < MAX_TRUNKS:
            known[trunk] = at
        if state == "unreachable" or self._idle.get(trunk) == "unreachable":
            self._well.discard(trunk)

    def lines_with_calls(self) -> frozenset[str]:
        return frozenset(self._of)

    def trunks_of(self, line: str, now: datetime | None) -> frozenset[str]:
        """The trunks of the line's inbound calls within thirty days."""
        known = self._of.get(line, NONE)
        return frozenset(
            trunk for trunk, at in known.items() if at is None or now is None or now - at <= FORGOTTEN_AFTER
        )

    def record_states(self, states: Mapping[str, State | None]) -> None:
        for trunk, state in states.items():
            if state == "free":
                self._well.add(trunk)
            if state == "free" or state == "unreachable":
                self._idle[trunk] = state

    def were_down(self, trunks: Iterable[str]) -> None:
        """Trust the trunks of a disruption that was open before callmon restarted."""
        self._well |= {trunk for trunk in trunks if trunk not in self._idle}

    def are_down(self, trunks: Iterable[str], states: Mapping[str, State | None]) -> bool | None:
        """Whether no call can come in over any of these trunks; None when too little is known."""
        reported = [(states.get(trunk), trunk in self._well) for trunk in trunks]
        if any(state is not None and state != "unreachable" for state, _ in reported):
            return False
        if not reported or any(state is None for state, _ in reported):
            return None
        return all(is_believed for _, is_believed in reported)
