"""What calls in progress cost: CPU per event while many are held open, and memory per call.

One recorded call, answered by the second of three phones that ring, is begun as often as wanted and not
ended: stopped while all ring (4 legs), or while it is talked (2 legs).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from bench.server import BANNER
from bench.stream import Template, header, messages_of, recorded, used
from callmon.ami.framing import END
from callmon.ami.session import Session
from callmon.config.settings import example
from callmon.core.monitor import Monitor

CALL = Path(__file__).parents[1] / "tests" / "recordings" / "answered_ring2.ami"
PHASES = ("ringing", "talking")
CHUNK = 64 * 1024
# Later than any call held open, so that no id comes twice.
LATER = 1_000_000
ACCEPTED = b"Response: Success\r\nChallenge: 1\r\n\r\nResponse: Success\r\n\r\n"


class Listener:
    """callmon without a network: bytes go in, outcomes are let go."""

    def __init__(self) -> None:
        self._session = Session("bench", "bench", "bench", 0.0)
        self._session.receive_data(BANNER, 0.0)
        self._session.receive_data(ACCEPTED, 0.0)
        self.monitor: Monitor = Monitor(example(), "bench", token=str)

    def hear(self, data: bytes) -> None:
        for event in self._session.receive_data(data, 0.0):
            self.monitor.feed("bench", event)
        self._session.data_to_send()  # what it asks is not answered here

    def in_progress(self) -> int:
        return sum(self.monitor.count_in_progress().values())


def beginning(phase: str) -> Template:
    """The recorded call up to the moment at which it is held open."""
    messages = messages_of(CALL.read_bytes())
    return Template(messages[: _moment(messages, phase)])


def _moment(messages: list[bytes], phase: str) -> int:
    if phase == "ringing":  # before the first channel is up
        return next(n for n, m in enumerate(messages) if header(m, b"ChannelState") == b"6")
    entered = [n for n, m in enumerate(messages) if header(m, b"Event") == b"BridgeEnter"]
    left = [n for n, m in enumerate(messages) if header(m, b"Event") == b"HangupRequest"]
    return next(n for n in left if n > max(entered))


def begin(listener: Listener, call: Template, first: int, count: int) -> None:
    """Begin so many more calls, each in a second of its own."""
    for number in range(first, first + count):
        listener.hear(call.loop(number, seconds=number))


def cpu(pipe: Connection, held: int, events: int) -> None:
    """Says microseconds of CPU an event, and how many calls were up: those held, while others pass."""
    listener = Listener()
    begin(listener, beginning("ringing"), 1, held)
    passing = Template(used(recorded().messages))
    loops = max(1, events // len(passing.messages))
    data = b"".join(passing.loop(number, LATER + number * passing.seconds) for number in range(loops + 1))
    pieces = list(_pieces(data))
    warm = len(pieces) // (loops + 1)
    gc.collect()
    gc.freeze()  # as the daemon does when it has begun
    for piece in pieces[:warm]:
        listener.hear(piece)
    began = time.process_time()
    for piece in pieces[warm:]:
        listener.hear(piece)
    spent = time.process_time() - began
    count = sum(piece.count(END) for piece in pieces[warm:])
    pipe.send((spent / count * 1e6, listener.in_progress()))
    pipe.poll(None)


def _pieces(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


def memory(pipe: Connection, phase: str, steps: list[int]) -> None:
    """Says the resident size in bytes with none, and with each number of calls in progress."""
    listener, call = Listener(), beginning(phase)
    # What grows once (buffers, learned names, imports) is not the calls'.
    begin(listener, call, 1, 100)
    up = 100
    sizes = [_resident()]
    for step in steps:
        begin(listener, call, up + 1, step)
        up += step
        sizes.append(_resident())
    if listener.in_progress() != up:
        raise AssertionError(f"{listener.in_progress()} calls are up, {up} were begun")
    pipe.send(sizes)
    pipe.poll(None)


def _resident() -> int:
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096
