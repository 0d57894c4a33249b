"""The messages that are still to be published to a broker. Pure: no clock, no I/O.

    keep(topic) ─▶ the latest of each retained topic ─┐
                                                      ├─ take ─▶ in flight ─ done · failed
    tell(topic) ─▶ a queue; drops the oldest if full ─┘

The size is bounded: one state for each topic, and `max_waiting` messages. A message that was taken is dropped only
when `done` confirms that the broker has it.
"""

from collections import deque
from itertools import islice
from typing import NamedTuple

CLEARED = b""


class MqttMessage(NamedTuple):
    """One message. `since`: when it was added, in seconds of a monotonic clock."""

    topic: str
    payload: bytes
    is_retained: bool
    since: float


class MqttOutbox:
    """Retained states and a queue of messages."""

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self.lost = 0
        self.state: dict[str, bytes] = {}
        self._dirty: dict[str, float] = {}
        self._queue: deque[MqttMessage] = deque()
        self._on_its_way: list[MqttMessage] = []

    def keep(self, topic: str, payload: bytes, now: float) -> bool:
        """Set the state of a retained topic; returns whether it changed."""
        if self.state.get(topic) == payload:
            return False
        self.state[topic] = payload
        self._dirty.setdefault(topic, now)
        return True

    def clear(self, topic: str, now: float) -> None:
        """Delete a retained topic at the broker, no matter which client published it."""
        self.keep(topic, CLEARED, now)

    def tell(self, topic: str, payload: bytes, now: float) -> None:
        """Queue one message. When the queue is full, the oldest is dropped and counted in `lost`."""
        self._queue.append(MqttMessage(topic, payload, False, now))
        self._shorten()

    def anew(self, now: float) -> None:
        """The broker may have lost its state: publish every state again."""
        for topic in self.state:
            self._dirty.setdefault(topic, now)

    def is_state_published(self) -> bool:
        """Whether the broker has every state."""
        return not self._dirty and not any(message.is_retained for message in self._on_its_way)

    def take(self, most: int) -> list[MqttMessage]:
        """Take up to `most` messages, states first. Call `done` or `failed` before the next `take`."""
        topics = list(islice(self._dirty, most))  # reads only `most` of many topics
        taken = [MqttMessage(topic, self.state[topic], True, self._dirty.pop(topic)) for topic in topics]
        while self._queue and len(taken) < most:
            taken.append(self._queue.popleft())
        self._on_its_way = taken
        return taken

    def done(self) -> None:
        """The broker has all messages taken. A topic that was cleared there is removed here."""
        for message in self._on_its_way:
            if message.payload == CLEARED and self.state.get(message.topic) == CLEARED:
                del self.state[message.topic]
                self._dirty.pop(message.topic, None)
        self._on_its_way = []

    def failed(self) -> None:
        """The messages taken may not have arrived: they are queued again, first in order."""
        sent, self._on_its_way = self._on_its_way, []
        for message in sent:
            if message.topic in self.state:
                self._dirty[message.topic] = message.since
        self._queue.extendleft(message for message in reversed(sent) if not message.is_retained)
        self._shorten()

    def backlog(self) -> int:
        return len(self._dirty) + len(self._queue) + len(self._on_its_way)

    def oldest(self) -> float | None:
        """`since` of the oldest message, in monotonic seconds; None when nothing waits."""
        first = [
            *islice(self._dirty.values(), 1),
            *(m.since for m in [*islice(self._queue, 1), *self._on_its_way]),
        ]
        return min(first, default=None)

    def forget(self) -> None:
        """Drop everything: no broker is to be published to."""
        self.state.clear()
        self._dirty.clear()
        self._queue.clear()
        self._on_its_way = []

    def _shorten(self) -> None:
        while len(self._queue) > self.max_waiting:
            self._queue.popleft()
            self.lost += 1
