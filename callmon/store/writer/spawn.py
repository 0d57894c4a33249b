"""The scribe as a process: started, spoken to through one socket, ended by closing it.

The database's URL, which may hold a password, goes through the socket: never in a command line, which everybody
on the machine can read, nor in the environment. Of ours the scribe gets only what Python and the databases'
drivers look for.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import callmon

PASSED_ON = frozenset(
    ("HOME", "KRB5CCNAME", "KRB5_CONFIG", "LANG", "LD_LIBRARY_PATH", "PATH", "SQLITE_TMPDIR", "TMPDIR", "TZ")
)
# libpq's own (PGPASSFILE, PGSSLROOTCERT …), Python's, the locale.
PASSED_ON_PREFIXES = ("PG", "PYTHON", "LC_", "SSL_CERT_")
# A whole group of processes gets these, from Ctrl-C or systemd; what was heard must be written after them.
BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SECONDS_TO_DIE = 5.0


class Child:
    """One scribe. `wire` does not block."""

    def __init__(self) -> None:
        self.wire, theirs = socket.socketpair()
        try:
            self._process = _started(theirs)
        except BaseException:
            self.wire.close()
            raise
        finally:
            theirs.close()
        self.wire.setblocking(False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def reap(self) -> int:
        """Takes leave of a scribe that has closed its end; its exit status, negative for a signal."""
        self.wire.close()
        try:
            return self._process.wait(SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:  # it can neither hear nor answer any more
            self._process.kill()
            return self._process.wait()


def _started(end: socket.socket) -> subprocess.Popen[bytes]:
    """Signals are blocked from its first instruction on: it is born with the mask of this thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        return subprocess.Popen(
            # -P: what lies in the working directory is no module of ours.
            [sys.executable, "-P", "-m", "callmon.store.writer.process"],
            stdin=end.fileno(),
            stdout=subprocess.DEVNULL,
            env=environment(os.environ),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in ours.items() if k in PASSED_ON or k.startswith(PASSED_ON_PREFIXES)}
    home = str(Path(callmon.__file__).parent.parent)
    path = kept.get("PYTHONPATH")
    return {**kept, "PYTHONPATH": os.pathsep.join([home, path] if path else [home])}


def told(status: int) -> str:
    """How a process ended, for a person."""
    return f"killed by signal {-status}" if status < 0 else f"status {status}"
