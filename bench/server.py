"""An exchange of bytes: logs in every client, and sends the stream as fast as it is taken, or at a pace.

    parent                      this process                      reader
      │ ──── Order ────────────▶ │ ◀─────── connect, login ─────── │
      │                          │ ──── warm-up, then a marker ──▶ │
      │ ◀──────────────────────────────────────── "warm" ───────── │
      │ ──── "go" ─────────────▶ │ ──── stream, then a marker ───▶ │
      │ ◀─── (began, sent) ───── │

Any action is answered at once, between two pieces of the stream. Loopback only.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Event, Lock, Thread
from typing import NamedTuple

from bench.stream import Template, header, recorded
from callmon.ami.framing import END

HOME = "127.0.0.1"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
# Two events that no reader needs to look for but by their name, at the ends of what is sent.
WARM = b"Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: BenchWarm\r\nUniqueid: bench" + END
FINISH = b"Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: BenchFinish\r\nUniqueid: bench" + END
SECONDS_TO_SETTLE = 0.1
LISTINGS = {
    b"coreshowchannels": b"Event: CoreShowChannelsComplete\r\nEventList: Complete\r\nListItems: 0\r\n",
    b"status": b"Event: StatusComplete\r\nEventList: Complete\r\nItems: 0\r\n",
    b"queuestatus": b"Event: QueueStatusComplete\r\nEventList: Complete\r\nListItems: 0\r\n",
}
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 1000\r\nStatus: Fully Booted\r\n"


class Order(NamedTuple):
    """What the next reader gets: the first `warm` events of the run, then `loops` loops; or, when a rate is
    given, `events` of them at `rate` a second."""

    warm: int
    loops: int
    rate: float = 0.0
    events: int = 0


def serve(pipe: Connection, loops: int) -> None:
    """Until the parent ends us: one order, one reader."""
    template = recorded()
    blocks = [template.loop(number) for number in range(loops + 1)]
    with socket.create_server((HOME, 0)) as listening:
        pipe.send(listening.getsockname()[1])
        while True:
            order = pipe.recv()
            wire, _ = listening.accept()
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with wire:
                _attend(pipe, wire, order, template, blocks)


def _attend(pipe: Connection, wire: socket.socket, order: Order, template: Template, blocks: list[bytes]) -> None:
    answering = _Answering(wire)
    answering.logged_in.wait(20)
    time.sleep(SECONDS_TO_SETTLE)
    answering.send(b"".join(message + END for message in template.messages[: order.warm]))
    answering.send_marker(WARM)
    if pipe.recv() != "go":
        return
    began = time.monotonic()
    with suppress(OSError):  # a reader may go when it has what it wanted
        _send(answering, order, blocks)
    pipe.send((began, time.monotonic()))
    with suppress(OSError):
        answering.send_marker(FINISH)
    answering.ended.wait(60)


def _send(answering: _Answering, order: Order, blocks: list[bytes]) -> None:
    if order.rate:
        _at_pace(answering, order.rate, _some(blocks, order.events))
    else:
        for block in blocks[1 : order.loops + 1]:
            answering.send(block)


def _some(blocks: list[bytes], events: int) -> Iterator[bytes]:
    """So many events, message by message."""
    left = events
    for block in blocks[1:]:
        for message in block.split(END)[:-1][:left]:
            left -= 1
            yield message + END


def _at_pace(answering: _Answering, rate: float, events: Iterator[bytes]) -> None:
    """One write an event, at its time, as Asterisk does it; what is late is sent at once."""
    began = time.monotonic()
    for number, message in enumerate(events):
        early = began + number / rate - time.monotonic()
        if early > 0:
            time.sleep(early)
        answering.send(message)


class _Answering:
    """One reader's connection: a thread answers its actions, between the pieces of what is sent."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire, self._lock = wire, Lock()
        self._replies: deque[bytes] = deque()
        self.logged_in, self.ended = Event(), Event()
        wire.sendall(BANNER)
        Thread(target=self._answer, daemon=True).start()

    def send(self, data: bytes) -> None:
        with self._lock:
            self._wire.sendall(data)
            self._reply()

    def send_marker(self, marker: bytes) -> None:
        """The marker is the last that the reader gets for a while: it looks for it at the end of what came."""
        with self._lock:
            self._reply()
            self._wire.sendall(marker)
            time.sleep(SECONDS_TO_SETTLE)
            self._reply()

    def _reply(self) -> None:
        while self._replies:
            self._wire.sendall(self._replies.popleft())

    def _answer(self) -> None:
        waiting = b""
        with suppress(OSError):
            while data := self._wire.recv(65536):
                *actions, waiting = (waiting + data).split(END)
                for action in actions:
                    self._one(header(action, b"Action").lower(), action)
        self.ended.set()

    def _one(self, name: bytes, action: bytes) -> None:
        self._replies.append(answer_to(name, action))
        if self._lock.acquire(blocking=False):  # else whoever holds it sends the reply
            try:
                self._reply()
            finally:
                self._lock.release()
        if name == b"login":
            self.logged_in.set()


def answer_to(name: bytes, action: bytes) -> bytes:
    number = header(action, b"ActionID")
    echo = b"ActionID: " + number + b"\r\n" if number else b""
    said = b"Response: Success\r\n" + echo
    match name:
        case b"challenge":
            said += b"Challenge: 123456789\r\n"
        case b"ping":
            said += b"Ping: Pong\r\nTimestamp: %.6f\r\n" % time.time()
        case b"getvar":
            said += b"Variable: " + header(action, b"Variable") + b"\r\nValue: allowed_not_screened\r\n"
        case b"login":
            said += b"Message: Authentication accepted" + END + BOOTED
        case _ if name in LISTINGS:
            said += b"EventList: start" + END + LISTINGS[name] + echo
    return said + b"\r\n"
