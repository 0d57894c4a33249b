"""Workers of `callmon.web.jobs` forked from a process that has imported everything: an answer begins at once.

For tests of what the pages show of an answer. A worker that starts as the daemon starts it imports for half a
second of processor time: `report/test_report_child.py` tests those.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.daemon_process import ROOT

IMPORTED = (
    "callmon.features.questions.job", "callmon.features.questions.needs",
    "callmon.features.questions.staffing", "callmon.features.questions.what_if", "callmon.features.questions.why",
    "callmon.store.opening", "callmon.web.jobs",
)  # fmt: skip
# What a job starts in place of Python: it hands its input and output to the server, and ends like its worker.
CLIENT = """#!{python} -IS
import os, socket
server = socket.socket(socket.AF_UNIX)
server.connect({place!r})
socket.send_fds(server, [b"."], [0, 1, 2])
os._exit(0 if server.recv(1) else 1)
"""


@contextmanager
def warm_jobs(folder: Path) -> Iterator[None]:
    """Within it, each job's worker is a fork of one process."""
    client, place = folder / "worker", folder / "workers"
    client.write_text(CLIENT.format(python=sys.executable, place=str(place)), encoding="utf-8")
    client.chmod(0o755)
    with socket.create_server(str(place), family=socket.AF_UNIX) as listening:
        command = [sys.executable, "-m", "tests.support.warm_jobs", str(listening.fileno())]
        server = subprocess.Popen(command, cwd=ROOT, pass_fds=[listening.fileno()])
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("callmon.web.jobs.sys", SimpleNamespace(executable=str(client)))
            yield
    finally:
        server.kill()
        server.wait()


def serve(listening: socket.socket) -> None:
    """The server: one fork a connection."""
    for module in IMPORTED:
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listening.accept()
        _, (given, answer, errors), _, _ = socket.recv_fds(connection, 1, 3)
        if not os.fork():
            _become(connection, given, answer, errors)
        for one in (given, answer, errors):
            os.close(one)
        connection.close()


def _become(connection: socket.socket, given: int, answer: int, errors: int) -> None:
    """Become the worker, in the child."""
    from callmon.web.jobs import main

    for place, own in enumerate((given, answer, errors)):
        os.dup2(own, place)
        os.close(own)
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    try:
        main()
        connection.send(b".")
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(0)


def _end_with(connection: socket.socket) -> None:
    """A worker whose client was killed ends too."""
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
