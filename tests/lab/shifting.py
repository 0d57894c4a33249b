"""A proxy to an exchange whose clock can be set: every Timestamp that passes is moved by `ahead` seconds."""

from __future__ import annotations

import re
import selectors
import socket
import threading
from contextlib import suppress

STAMP = re.compile(rb"^(Timestamp: )(\d+\.\d+)", re.MULTILINE)


class Shifting:
    """``with Shifting(port) as wire:`` listens on `wire.port`; set `wire.ahead` at any time."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self.ahead = 0.0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]

    def __enter__(self) -> Shifting:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                exchange = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._carry, args=(client, exchange), daemon=True).start()

    def _carry(self, client: socket.socket, exchange: socket.socket) -> None:
        """Carry until either end closes. Only whole lines go to the client, so that no Timestamp is cut."""
        rest = b""
        with client, exchange, selectors.DefaultSelector() as ready, suppress(OSError):
            for end in (client, exchange):
                ready.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    piece = key.fileobj.recv(65536)  # type: ignore[union-attr]  # a socket
                    if not piece:
                        return
                    if key.fileobj is client:
                        exchange.sendall(piece)
                        continue
                    whole, found, rest = (rest + piece).rpartition(b"\r\n")
                    client.sendall(STAMP.sub(self._moved, whole + found))

    def _moved(self, stamp: re.Match[bytes]) -> bytes:
        return b"%s%.6f" % (stamp[1], float(stamp[2]) + self.ahead)
