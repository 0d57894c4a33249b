"""`callmon run` forked from a process that has imported everything: the next daemon runs at once.

For every test of a daemon except those of how the command itself starts. A daemon of `daemon_process` imports for
more than a second of processor time. On a busy machine that is many seconds in which no kill can hit it.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.daemon_process import ROOT, Callmon


class Forked:
    """A child of the fork server, with the part of `subprocess.Popen` that `Callmon` uses."""

    def __init__(
        self, arguments: list[str], place: Path, environment: dict[str, str], log: Path, planted: str
    ) -> None:
        said = {"arguments": arguments, "place": str(place), "environment": environment, "log": str(log)}
        said["planted"] = planted
        self.pid: int = _ask(said)
        self._watch = os.pidfd_open(self.pid)
        self._status: int | None = None

    def poll(self) -> int | None:
        return self._status if self._status is not None or not self._has_ended(0) else self._collect()

    def wait(self, timeout: float | None = None) -> int:
        if self._status is None and not self._has_ended(timeout):
            raise subprocess.TimeoutExpired("callmon run", timeout or 0.0)
        return self._status if self._status is not None else self._collect()

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            if self._status is None:
                os.kill(self.pid, number)

    def _has_ended(self, timeout: float | None) -> bool:
        return bool(select.select([self._watch], [], [], timeout)[0])

    def _collect(self) -> int:
        self._status = _ask({"collect": self.pid})
        os.close(self._watch)
        return self._status


class WarmCallmon(Callmon):
    """The same daemon, started by a fork."""

    planted = ""  # statements that the daemon executes first: a fault in it

    def _begin(self) -> Any:
        arguments = ["run", "--config", str(self.config)]
        environment = {**self._environment, "PYTHONPATH": str(ROOT)}
        return Forked(arguments, self.place, environment, self.log, self.planted)


IMPORTED = (
    "callmon.main", "callmon.daemon.daemon", "callmon.logs",
    "callmon.store.opening", "callmon.store.creation", "phonenumbers.data.region_CA",
    "uvicorn.protocols.http.h11_impl",
)  # fmt: skip
_turn = threading.Lock()
_server: subprocess.Popen[str] | None = None


def _ask(said: dict[str, Any]) -> int:
    """One request to this process's fork server, which ends with this process."""
    global _server
    with _turn:
        if _server is None:
            _server = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forked_daemon"],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert _server.stdin is not None
        assert _server.stdout is not None
        _server.stdin.write(json.dumps(said) + "\n")
        _server.stdin.flush()
        return int(_server.stdout.readline())


def end_server() -> None:
    """Ends this process's fork server, if there is one."""
    global _server
    with _turn:
        if _server is not None:
            _server.communicate()
            _server = None


def serve() -> None:
    """The fork server. Each line names a daemon to start, or one whose exit status is wanted."""
    for module in IMPORTED:
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        if "collect" in asked:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked["collect"], 0)[1])
        elif not (answer := os.fork()):
            _become(asked)
            return
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _become(asked: dict[str, Any]) -> None:
    """Become the daemon, in the child: its own folder, environment, input and log."""
    from callmon.main import main

    with open(os.devnull) as nothing, open(asked["log"], "ab") as log:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(asked["place"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    exec(asked["planted"], {})
    main(asked["arguments"], prog_name="callmon")


if __name__ == "__main__":
    serve()
