"""pyst2's `Manager` on a stream that is connected, with bounded queues and an end.

Refuses: to connect, to read a banner, to log off.
"""

import queue

from asterisk.manager import Manager  # type: ignore[import-untyped] # pyst2 has no types

from callmon.tools.doctor.answer_stream import AnswerStream

MOST_WAITING = 1000  # messages in each of pyst2's queues
SECONDS_TO_END = 2.0


class AskingManager(Manager):  # type: ignore[misc] # pyst2 has no types
    def __init__(self, stream: AnswerStream) -> None:
        super().__init__()
        self.title = "Asterisk Call Manager"  # the banner has been read: no line is taken for one
        self._sock = stream
        self._message_queue: queue.Queue[object] = queue.Queue(MOST_WAITING)
        self._event_queue: queue.Queue[object] = queue.Queue(MOST_WAITING)
        # One always counts as waiting. Else an end between an action and its wait leaves that wait without end.
        self._reswaiting = [1]
        self._connected.set()
        self._running.set()
        self.message_thread.start()
        self.event_dispatch_thread.start()

    def __del__(self) -> None:
        """pyst2's own logs off here, and waits."""

    def ended(self) -> bool:
        """Wait for its threads, after the end of the stream. Whether they have ended."""
        threads = (self.message_thread, self.event_dispatch_thread)
        for thread in threads:
            thread.join(SECONDS_TO_END)
        return not any(thread.is_alive() for thread in threads)
