"""The exchange's own registrations with carriers: without any, no call of theirs comes in. Pure: no I/O, no clock.

No device shows them, and no listing that callmon may request. But each is reported again at every renewal, so what
was received before a gap stands. A call that comes in proves that calls can, whatever was reported.
"""

from datetime import datetime

from callmon.ami import events as e

LOST = frozenset(("Unregistered", "Rejected", "Failed", "Timeout", "Stopped", "No Authentication"))
MAX_KNOWN = 1_000


class Registrations:
    def __init__(self) -> None:
        self._lost: dict[tuple[str, ...], datetime | None] = {}  # since when
        self._well: set[tuple[str, ...]] = set()
        self.call_came = False  # a call came in over a trunk
        self.turned: datetime | None = None  # when one was last lost, or restored

    def record_registry(self, event: e.Registry) -> None:
        """Registry. An intermediate state (a request was sent) says nothing."""
        key = event.technology, event.username, event.domain
        if event.status == "Registered":
            if self._lost.pop(key, None) is not None or not self._well:
                self.turned = event.at
            if len(self._well) < MAX_KNOWN:
                self._well.add(key)
        elif event.status in LOST and key in self._well:
            self._well.discard(key)
            self._lost[key] = self.turned = event.at
            self.call_came = False

    def are_lost(self) -> bool | None:
        """Whether every registration that once stood is lost, and no call came since; None when none is known."""
        if self.call_came or self._well:
            return False
        return True if self._lost else None
