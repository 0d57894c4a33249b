"""A server on loopback that does not do what its protocol says: silent, slow, or without an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEGABYTE = 1 << 20
MOST_GROWTH = 20 * MEGABYTE  # of a process beside a hostile peer


class HostilePeer:
    """`with HostilePeer(act) as peer:` calls `act(wire)` for each connection to `peer.port`, in a thread."""

    def __init__(self, act: Callable[[socket.socket], None]) -> None:
        self._act = act
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = self.closed = 0
        self.is_over = threading.Event()

    def __enter__(self) -> HostilePeer:
        threading.Thread(target=self._serve, name="hostile peer", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                wire, _ = self._server.accept()
                self.connections += 1
                threading.Thread(target=self._speak, args=(wire,), name="hostile peer", daemon=True).start()

    def _speak(self, wire: socket.socket) -> None:
        with wire, suppress(OSError):
            self._act(wire)
        self.closed += 1


def silent(wire: socket.socket) -> None:
    """Reads, and never says anything."""
    while wire.recv(65536):
        pass


def dripping(said: bytes, pause: float = 0.05, seconds: float = 30.0) -> Callable[[socket.socket], None]:
    """Says a piece, again and again, with a pause shorter than any time-out."""

    def act(wire: socket.socket) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            wire.sendall(said)
            time.sleep(pause)

    return act


def flooding(wire: socket.socket, piece: bytes, megabytes: int = 64) -> None:
    """Says a piece again and again; the end is there so that a client without a limit fails, and the test ends."""
    block = piece * (MEGABYTE // len(piece) + 1)
    for _ in range(megabytes):
        wire.sendall(block)


@contextmanager
def growth_at_most(most: int = MOST_GROWTH) -> Iterator[None]:
    """Fails if this process had `most` bytes more at any moment."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = memory_of("VmRSS")
    yield
    grown = memory_of("VmHWM") - before
    assert grown <= most, f"{grown / 1e6:.0f} MB"


def memory_of(name: str, process: int | str = "self") -> int:
    """In bytes: VmRSS, what it has now; VmHWM, the most since `clear_refs` was written."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)
