"""The writer process as a child process: started, controlled through one socket, ended by closing it.

The database's URL may hold a password, so it goes through the socket. From the daemon's environment the writer
process gets only what Python and the database drivers look for.

Refuses: a URL in the command line, which every user of the machine can read, or in the environment.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import callmon
from callmon import logs

PASSED_ON = frozenset(
    ("HOME", "KRB5CCNAME", "KRB5_CONFIG", "LANG", "LD_LIBRARY_PATH", "PATH", "SQLITE_TMPDIR", "TMPDIR", "TZ")
)
# libpq's own (PGPASSFILE, PGSSLROOTCERT …), Python's, the locale.
PASSED_ON_PREFIXES = ("PG", "PYTHON", "LC_", "SSL_CERT_")
# A process group gets these from Ctrl-C or systemd. The writer process must still commit what it received.
BLOCKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SECONDS_TO_DIE = 5.0


class WriterHandle:
    """One writer process. `wire` is its socket, non-blocking."""

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
        """Waits for a writer process that has closed its end, and kills it after SECONDS_TO_DIE.

        Returns its exit status, negative for a signal.
        """
        self.wire.close()
        try:
            return self._process.wait(SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:  # it can neither receive nor answer any more
            self._process.kill()
            return self._process.wait()


def _started(end: socket.socket) -> subprocess.Popen[bytes]:
    """Starts the process with the signal mask of this thread, so BLOCKED applies from its first instruction."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED)
    try:
        return subprocess.Popen(
            # -P: Python imports no module from the working directory.
            [sys.executable, "-P", "-m", "callmon.store.writer.process", *logs.ARGUMENTS],
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


def exit_reason(status: int) -> str:
    """How a process ended, for an operator."""
    return f"killed by signal {-status}" if status < 0 else f"status {status}"
