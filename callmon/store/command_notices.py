"""A person's command notifies the daemon on the same machine, which reads the database at once.

    actions ── commit, an empty datagram ──▶ abstract Unix socket ──▶ CommandNotices ──▶ CommandQueue

The name of the socket is made from that of the database. Refuses: to be relied on. A datagram that is lost, or
whose daemon is elsewhere, costs only time: the daemon also looks once a second.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256

from callmon.store.database import Database


def notify_daemon(store: Database) -> None:
    """Notifies the daemon of this database, if one runs on this machine. Never blocks."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as wire:
        wire.sendto(b"", _address(store))


def _address(store: Database) -> bytes:
    name = str(store) if store.path is None else str(store.path.resolve())
    return b"\0callmon-" + sha256(name.encode(errors="surrogateescape")).hexdigest()[:32].encode()


class CommandNotices:
    """The daemon's end. `is_due` is set by each notice, and by the daemon where nothing sends one."""

    def __init__(self) -> None:
        self.is_due = asyncio.Event()

    @contextmanager
    def listening(self, store: Database) -> Iterator[None]:
        """Without effect where another program has the address."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as wire:
            loop = asyncio.get_running_loop()
            with suppress(OSError):
                wire.bind(_address(store))
                loop.add_reader(wire, self._read, wire)
            try:
                yield
            finally:
                loop.remove_reader(wire)

    def _read(self, wire: socket.socket) -> None:
        with suppress(OSError):
            wire.recv(1)
        self.is_due.set()
