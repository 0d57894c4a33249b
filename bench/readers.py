"""Those who read the stream, each in a process of its own.

A reader says "warm" when it has read the warm-up, and ``("end", time, count)`` when it has read the last event.
Then it waits for its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from bench.server import FINISH, HOME, WARM
from callmon.ami import events as e
from callmon.ami.connection import Transport
from callmon.ami.framing import END, Framer
from callmon.ami.session import Session
from callmon.config.settings import example
from callmon.core.monitor import Monitor

BUFFER = 256 * 1024
# A reader that the machine kept waiting finds the replies to all that it asked behind a marker.
AFTER_A_MARKER = 16 * 1024
LOGIN = b"Action: Login\r\nUsername: bench\r\nSecret: bench\r\n\r\n"
USER, SECRET = "bench", "bench"


class Marks:
    """Finds the two markers in bytes, however the network cut them, at the price of a look at their end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._tail = b""
        self.is_warm = False

    def seen(self, data: bytes, count: int = 0) -> bool:
        """Whether that was all."""
        self._tail = end = self._tail[-256:] + data[-AFTER_A_MARKER:]
        if not self.is_warm and WARM in end:
            self.is_warm = True
            self._pipe.send("warm")
        if FINISH not in end:
            return False
        self._pipe.send(("end", time.monotonic(), count))
        return True


class Names:
    """Counts events as a library hands them over, and finds the markers among them."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.count = 0

    def heard(self, event: Any) -> None:
        self.count += 1
        if event["Event"] == "UserEvent":
            self._marked(event["UserEvent"])

    def _marked(self, name: str) -> None:
        if name == "BenchWarm":
            self.count = 0
            self._pipe.send("warm")
        elif name == "BenchFinish":
            self._pipe.send(("end", time.monotonic(), self.count - 1))


def bare(pipe: Connection, port: int) -> None:
    """Receives, and counts the ends of messages. Nothing in Python that reads AMI can be faster."""
    marks, buffer, count = Marks(pipe), bytearray(BUFFER), 0
    view = memoryview(buffer)
    with socket.create_connection((HOME, port)) as wire:
        wire.sendall(LOGIN)
        while size := wire.recv_into(view):
            data = bytes(view[:size])
            count += data.count(END)
            if marks.seen(data, count):
                break
        pipe.poll(None)


def messages(pipe: Connection, port: int) -> None:
    """callmon's framing alone: bytes to whole messages."""
    marks, framer, buffer, count = Marks(pipe), Framer(), bytearray(BUFFER), 0
    view = memoryview(buffer)
    with socket.create_connection((HOME, port)) as wire:
        wire.sendall(LOGIN)
        while size := wire.recv_into(view):
            data = bytes(view[:size])
            count += len(framer.receive(data))
            if marks.seen(data, count):
                break
        pipe.poll(None)


def facts(pipe: Connection, port: int) -> None:
    """callmon's connection, session and monitor: bytes to facts and findings, kept nowhere."""
    monitor, marks, calls = Monitor(example(), "bench", token=str), Marks(pipe), 0

    def hear(events: list[e.Event]) -> None:
        nonlocal calls
        for event in events:
            outcome = monitor.feed("bench", event)
            if outcome is not None:
                calls += len(outcome.calls)

    async def listen() -> None:
        loop = asyncio.get_running_loop()
        link: Transport | None = None

        def look(data: bytes, now: float) -> None:
            # Before these bytes are read: so the end is told on the next turn of the loop, after them.
            loop.call_soon(lambda: marks.seen(data, calls))

        def fresh() -> Transport:
            nonlocal link
            link = Transport(Session("bench", USER, SECRET, time.monotonic()), hear, look)
            return link

        await loop.create_connection(fresh, HOME, port)
        assert link is not None
        await link.ended

    asyncio.run(listen())
    pipe.poll(None)


def panoramisk(pipe: Connection, port: int) -> None:
    """panoramisk's Manager with one handler for every event."""
    from panoramisk import Manager

    names, loop = Names(pipe), asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    manager = Manager(loop=loop, host=HOME, port=port, username=USER, secret=SECRET, log=_silent())
    manager.register_event("*", lambda manager, event: names.heard(event))
    manager.connect()
    loop.run_forever()


def cacofonisk(pipe: Connection, port: int) -> None:
    """cacofonisk's runner and handler, which follow calls, with a reporter that does nothing."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # its runner asks for the current one
    from cacofonisk import EventHandler
    from cacofonisk.reporters import BaseReporter
    from cacofonisk.runners.ami_runner import AmiRunner

    names = Names(pipe)

    class Nothing(BaseReporter):  # type: ignore[misc]
        def on_event(self, event: Any) -> None:
            names.heard(event)

    class Surviving(EventHandler):  # type: ignore[misc]
        """As it is, it ends at an AttendedTransfer without TransferTarget fields, which Asterisk 22 sends."""

        def _on_attended_transfer(self, event: Any) -> None:
            with contextlib.suppress(KeyError):
                super()._on_attended_transfer(event)

    AmiRunner([f"tcp://{USER}:{SECRET}@{HOME}:{port}"], Nothing(), Surviving, _silent()).run()


def pyst2(pipe: Connection, port: int, seconds: float) -> None:
    """pyst2's Manager for a few seconds of the stream; it would take minutes for all of it."""
    from asterisk.manager import Manager

    warm, count = threading.Event(), 0

    def heard(event: Any, manager: Any) -> None:
        nonlocal count
        count += 1
        if event.name == "UserEvent":
            warm.set()

    manager = Manager()
    manager.register_event("*", heard)
    manager.connect(HOME, port)
    manager.login(USER, SECRET)
    warm.wait(30)
    pipe.send("warm")
    time.sleep(0.5)
    before = count
    began = time.monotonic()
    time.sleep(seconds)
    pipe.send(("sample", count - before, time.monotonic() - began))
    pipe.poll(None)
    os._exit(0)  # its threads would not end


def _silent() -> logging.Logger:
    log = logging.getLogger("peer")
    log.setLevel(logging.CRITICAL)
    return log
