"""Ports on loopback, reserved on this machine for one test process while it lives.

A server that is stopped and started again needs the same port twice, so port 0 is not usable. The reservation is
a lock on one byte of a shared file: the byte at the port's own offset. The kernel drops it with the process.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import tempfile
import threading
from pathlib import Path

# Above the exchanges' RTP and RTCP ports (`asterisk/rtp.conf`), below the range that a kernel gives to clients.
FIRST = 20_002
LAST = 31_999
_mine: set[int] = set()
_turn = threading.Lock()
_file: int | None = None


def free_port(kind: socket.SocketKind, address: str) -> int:
    """A port that is unbound at this address and reserved for this process."""
    chance = secrets.SystemRandom()
    with _turn:
        while True:
            port = chance.randrange(FIRST, LAST + 1)
            if port not in _mine and _is_reserved(port) and _is_unbound(port, kind, address):
                _mine.add(port)
                return port


def _is_unbound(port: int, kind: socket.SocketKind, address: str) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True


def _is_reserved(port: int) -> bool:
    """Whether the lock was acquired; False where another process holds it."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _reservations() -> int:
    """The shared file; never closed, since closing any descriptor of it would drop this process's locks."""
    global _file
    if _file is None:
        path = Path(tempfile.gettempdir()) / f"callmon-tests-ports-{os.getuid()}.lock"
        _file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _file
