"""What a broker has still to be told. Pure: neither a clock nor a wire.

    keep(topic) ─▶ the latest of each retained topic ─┐
                                                      ├─ take ─▶ on its way ─ done · failed
    tell(topic) ─▶ a queue; its oldest go when full ──┘

Bounded by itself: as many states as there are topics, as many messages as `max_waiting` says. What is taken
is forgotten only when `done` says that the broker has it.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

CLEARED = b""


class Message(NamedTuple):
    """`since`: when it was put here (any clock that only goes forward)."""

    topic: str
    payload: bytes
    is_retained: bool
    since: float


class Outbox:
    """Retained states and a queue of messages."""

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self.lost = 0
        self.state: dict[str, bytes] = {}
        self._dirty: dict[str, float] = {}
        self._queue: deque[Message] = deque()
        self._on_its_way: list[Message] = []

    def keep(self, topic: str, payload: bytes, now: float) -> bool:
        """The state of a retained topic; whether that is news."""
        if self.state.get(topic) == payload:
            return False
        self.state[topic] = payload
        self._dirty.setdefault(topic, now)
        return True

    def clear(self, topic: str, now: float) -> None:
        """A retained topic is to be gone at the broker, whoever put it there."""
        self.keep(topic, CLEARED, now)

    def tell(self, topic: str, payload: bytes, now: float) -> None:
        """One message more; the oldest is lost, and counted, where there is no room."""
        self._queue.append(Message(topic, payload, False, now))
        self._shorten()

    def anew(self, now: float) -> None:
        """The broker may know nothing: every state is to be told again."""
        for topic in self.state:
            self._dirty.setdefault(topic, now)

    def is_state_told(self) -> bool:
        """Whether the broker has every state."""
        return not self._dirty and not any(message.is_retained for message in self._on_its_way)

    def take(self, most: int) -> list[Message]:
        """Some of what waits, states first. Say `done` or `failed` before the next."""
        topics = list(islice(self._dirty, most))  # of many, not all are looked at
        taken = [Message(topic, self.state[topic], True, self._dirty.pop(topic)) for topic in topics]
        while self._queue and len(taken) < most:
            taken.append(self._queue.popleft())
        self._on_its_way = taken
        return taken

    def done(self) -> None:
        """The broker has what was taken. A topic that is cleared there is forgotten here."""
        for message in self._on_its_way:
            if message.payload == CLEARED and self.state.get(message.topic) == CLEARED:
                del self.state[message.topic]
                self._dirty.pop(message.topic, None)
        self._on_its_way = []

    def failed(self) -> None:
        """What was taken may not have arrived: it waits again, as the first."""
        sent, self._on_its_way = self._on_its_way, []
        for message in sent:
            if message.topic in self.state:
                self._dirty[message.topic] = message.since
        self._queue.extendleft(message for message in reversed(sent) if not message.is_retained)
        self._shorten()

    def backlog(self) -> int:
        return len(self._dirty) + len(self._queue) + len(self._on_its_way)

    def oldest(self) -> float | None:
        """Since when the oldest waits."""
        first = [
            *islice(self._dirty.values(), 1),
            *(m.since for m in [*islice(self._queue, 1), *self._on_its_way]),
        ]
        return min(first, default=None)

    def forget(self) -> None:
        """No broker is told any more."""
        self.state.clear()
        self._dirty.clear()
        self._queue.clear()
        self._on_its_way = []

    def _shorten(self) -> None:
        while len(self._queue) > self.max_waiting:
            self._queue.popleft()
            self.lost += 1
