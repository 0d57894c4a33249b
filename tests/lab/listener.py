"""An AMI client beside callmon: one connection that stores every byte and answers questions about them.

Uses plain sockets in a thread, and none of callmon's code: its findings are evidence about callmon.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path

from tests.lab.processes import real_time_thread
from tests.lab.site import HOME

Event = list[tuple[str, str]]


class Listener:
    """Logs in on entry and listens until exit. ``path`` receives the bytes as they arrive."""

    def __init__(self, port: int, user: str, secret: str, path: Path | None = None) -> None:
        self._login = f"Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\n\r\n".encode()
        self._port, self._path = port, path
        self._lock = threading.Lock()
        self._heard = bytearray()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._listen, name=f"AMI listener {user}", daemon=True)

    def __enter__(self) -> Listener:
        self._socket = socket.create_connection((HOME, self._port), timeout=10)
        self._socket.sendall(self._login)
        self._socket.settimeout(None)
        self._thread.start()
        self.wait_for(b"Message: Authentication accepted", 10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._socket is not None
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()
        if self._path is not None:
            self._path.write_bytes(self.heard())

    def send(self, action: str, **fields: str) -> None:
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in fields.items())]
        assert self._socket is not None
        self._socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")

    def heard(self) -> bytes:
        with self._lock:
            return bytes(self._heard)

    def wait_for(self, text: bytes, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.heard():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text!r} not heard in {seconds} s")
            time.sleep(0.02)

    def events(self) -> list[Event]:
        return messages(self.heard())

    def _listen(self) -> None:
        real_time_thread()
        assert self._socket is not None
        with contextlib.suppress(OSError):
            while data := self._socket.recv(65536):
                with self._lock:
                    self._heard += data


def messages(stream: bytes) -> list[Event]:
    """The messages of a stream, without the banner; keys may repeat."""
    _, _, rest = stream.partition(b"\r\n")
    return [_fields(block) for block in rest.split(b"\r\n\r\n") if block.strip()]


def _fields(block: bytes) -> Event:
    lines = block.strip().decode("utf-8", "replace").split("\r\n")
    return [(name, text) for name, _, text in (line.partition(": ") for line in lines)]


def value(event: Event, name: str) -> str | None:
    return next((text for key, text in event if key == name), None)
