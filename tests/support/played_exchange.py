"""An exchange that plays a recorded run again and again, each time as new calls, several runs at once.

The recording is the benchmark's (`bench/stream.py`): 71 s of a real Asterisk with 81 calls at once at most.
A run begins every few seconds. Each message is sent at its own time, moved to the present.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from itertools import count

from bench.stream import Template, header, recorded, used
from callmon.ami.framing import END
from tests.support.fake_exchange import FalseExchange

EVERY = 16  # seconds between the beginnings of two runs


class PlayedExchange(FalseExchange):
    """`play()` begins; `end()` lets the runs that have begun come to their end. `most`: calls at once."""

    secret = "secret"
    pace = 1

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self._up: set[bytes] = set()
        self._is_ending = threading.Event()
        self._playing = threading.Thread(target=self._play, daemon=True)

    @property
    def ami_port(self) -> int:
        return self.port

    def play(self) -> None:
        self._playing.start()

    def end(self) -> None:
        self._is_ending.set()
        self._playing.join()

    def _play(self) -> None:
        template = Template(used(recorded().messages))
        began = int(time.time()) + 2
        waiting: list[tuple[float, int, bytes]] = []
        runs = self._runs(template, began)
        begins, run = next(runs)
        while waiting or run:
            if run and (not waiting or begins <= waiting[0][0]):
                waiting = list(heapq.merge(waiting, run))
                begins, run = next(runs)
            else:
                at, _, message = waiting.pop(0)
                time.sleep(max(0.0, at - time.time()))
                self._count(message)
                self.send(message + END)
            if self._is_ending.is_set():
                run = []

    @staticmethod
    def _runs(template: Template, began: int) -> Iterator[tuple[float, list[tuple[float, int, bytes]]]]:
        """When each run begins, and its messages with their times."""
        first = int(float(header(template.messages[0], b"Timestamp")))
        for number in count():
            begins = began + number * EVERY
            messages = template.loop(number, begins - first).split(END)[:-1]
            times = [float(header(message, b"Timestamp")) for message in messages]
            yield begins, [(at, number, message) for at, message in zip(times, messages, strict=True)]

    def _count(self, message: bytes) -> None:
        own = header(message, b"Uniqueid")
        if own != header(message, b"Linkedid"):
            return
        match header(message, b"Event"):
            case b"Newchannel":
                self._up.add(own)
                self.most = max(self.most, len(self._up))
            case b"Hangup":
                self._up.discard(own)
