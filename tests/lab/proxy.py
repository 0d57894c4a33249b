"""The network between callmon and the exchange, which can fail: a TCP proxy on loopback.

``cut`` ends the connections that are up. ``refuse`` refuses new connections. ``freeze`` leaves connections
half-open: no byte, no end, like a firewall that lost its state. ``allow`` restores normal operation. ``log`` has
the time of each.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time

from tests.lab.ports import free_port
from tests.lab.site import HOME

PIECE = 4096
END = b"\r\n\r\n"
LINGER_ZERO = struct.pack("ii", 1, 0)  # closing then sends RST instead of FIN


class Proxy:
    """Listens on ``.port`` for the exchange's AMI port, from entry to exit."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self.port = free_port(socket.SOCK_STREAM, HOME)  # it is closed and opened again
        self._door = self._open_door(self.port)
        self.log: list[tuple[float, str]] = []
        self.connections = 0
        self.events = 0  # of the exchange, passed on completely
        self.last_said = 0.0  # when the exchange's last byte was passed on, seconds since 1970
        self._tails: dict[socket.socket, bytes] = {}  # bytes of incomplete messages
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._frozen = self._refusing = self._closing = False
        self._bytes_left: int | None = None
        self._reset = False
        self._lock = threading.RLock()
        self._thread = threading.Thread(target=self._carry, name="AMI proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing = True
        self._thread.join(5)
        with self._lock:
            self._end_all(reset=False)
            self._door.close()

    def cut(self, reset: bool = False, after_bytes: int | None = None) -> None:
        """End every connection now, with FIN or RST; or after so many more bytes: in mid-message."""
        with self._lock:
            if after_bytes is None:
                self._bytes_left = None
                self._end_all(reset)
                self._note("cut")
            else:
                self._bytes_left, self._reset = after_bytes, reset

    @property
    def is_about_to_cut(self) -> bool:
        """Whether a cut is pending: not all bytes before it have passed."""
        return self._bytes_left is not None

    def refuse(self, seconds: float | None = None) -> None:
        """Refuse new connections, as if the exchange were down. Existing connections stay."""
        with self._lock:
            self._refusing = True
            self._door.close()
            self._note("refuse")
        if seconds is not None:
            timer = threading.Timer(seconds, self.allow)
            timer.daemon = True
            timer.start()

    def freeze(self) -> None:
        """Carry no byte, end nothing. New connections are accepted and receive nothing."""
        with self._lock:
            self._frozen = True
            self._note("freeze")

    def allow(self) -> None:
        with self._lock:
            if self._closing:
                return
            if self._refusing:
                self._door = self._open_door(self.port)
            self._frozen = self._refusing = False
            self._note("allow")

    def _open_door(self, port: int) -> socket.socket:
        door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((HOME, port))
        door.listen(16)
        door.setblocking(False)
        return door

    def _note(self, what: str) -> None:
        self.log.append((time.time(), what))

    def _carry(self) -> None:
        while not self._closing:
            with self._lock:
                ready = self._readable()
                for sock in ready:
                    self._serve(sock)
            time.sleep(0.001 if ready else 0.005)

    def _readable(self) -> list[socket.socket]:
        if self._frozen:
            return []
        with selectors.DefaultSelector() as selector:
            if not self._refusing:
                selector.register(self._door, selectors.EVENT_READ)
            for sock in self._pairs:
                selector.register(sock, selectors.EVENT_READ)
            if not selector.get_map():
                return []
            return [key.fileobj for key, _ in selector.select(0) if isinstance(key.fileobj, socket.socket)]

    def _serve(self, sock: socket.socket) -> None:
        if sock is self._door:
            self._let_in()
        elif sock in self._pairs:  # its partner may have ended it a moment ago
            self._pass_on(sock)

    def _let_in(self) -> None:
        inner, _ = self._door.accept()
        try:
            outer = socket.create_connection((HOME, self._target), timeout=5)
        except OSError:
            inner.close()
            return
        self.connections += 1
        for sock in (inner, outer):
            sock.settimeout(5)
        self._pairs[inner], self._pairs[outer] = outer, inner

    def _pass_on(self, sock: socket.socket) -> None:
        partner = self._pairs[sock]
        from_exchange = self._is_of_exchange(sock)
        limit = PIECE if self._bytes_left is None or not from_exchange else min(PIECE, self._bytes_left)
        try:
            data = sock.recv(limit) if limit else b""
            partner.sendall(data)
        except OSError:
            data = b""
        if not data:
            self._end(sock, reset=self._reset and self._bytes_left == 0)
        if from_exchange:
            self._count(sock, data)
        if from_exchange and self._bytes_left is not None:
            self._count_down(len(data))

    def _count(self, sock: socket.socket, data: bytes) -> None:
        self.last_said = time.time() if data else self.last_said
        *messages, self._tails[sock] = (self._tails.get(sock, b"") + data).split(END)
        self.events += sum(message.startswith(b"Event: ") for message in messages)

    def _is_of_exchange(self, sock: socket.socket) -> bool:
        try:
            return bool(sock.getpeername()[1] == self._target)
        except OSError:  # the connection has just been ended
            return False

    def _count_down(self, passed: int) -> None:
        assert self._bytes_left is not None
        self._bytes_left -= passed
        if self._bytes_left <= 0:
            self._bytes_left = None
            self._end_all(self._reset)
            self._note("cut")

    def _end_all(self, reset: bool) -> None:
        for sock in list(self._pairs):
            if sock in self._pairs:
                self._end(sock, reset)

    def _end(self, sock: socket.socket, reset: bool) -> None:
        partner = self._pairs.pop(sock)
        self._pairs.pop(partner, None)
        for end in (sock, partner):
            with contextlib.suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
                end.close()
