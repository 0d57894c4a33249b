"""A temporary PostgreSQL: made in the Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from types import TracebackType

from sqlalchemy.engine import make_url

from tests.lab.folder import LabUnavailable, folder
from tests.lab.place import Place
from tests.lab.ports import free_port
from tests.lab.processes import begin, end
from tests.lab.site import HOME

SECONDS_TO_START = 120
# Nothing here must survive a power failure.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "dynamic_shared_memory_type=mmap")


class Postgres:
    """``with Postgres() as url:`` gives the URL of an empty database."""

    def __enter__(self) -> str:
        self._folder = folder("22")
        self._port = free_port(socket.SOCK_STREAM, HOME)
        self._process: subprocess.Popen[bytes] | None = None
        self._home = Place(self._folder, "pg")
        self._place = self._home.path
        try:
            self._furnish()
            self._start()
        except BaseException:
            self._stop()
            raise
        return f"postgresql+psycopg://postgres@{HOME}:{self._port}/postgres"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def halt(self) -> None:
        """Stop it as at a restart of its machine: connected clients are cut off. `go_on` starts it again."""
        process, self._process = self._process, None
        end(process, by=signal.SIGINT)

    def go_on(self) -> None:
        """Start it again with the same data, on the same port."""
        data = f"/{self._place.relative_to(self._folder)}/data"
        options = [f"listen_addresses={HOME}", f"port={self._port}", "unix_socket_directories=", *FAST]
        command = self._command("postgres", "-D", data)
        command += [word for option in options for word in ("-c", option)]
        self._process = begin(command, self._place / "log", dies_by="QUIT")
        self._wait_until_it_answers()

    def _furnish(self) -> None:
        # PostgreSQL refuses to run as root, and requires its directory to be its own.
        passwd = (self._folder / "etc/passwd").read_text().splitlines()
        row = next(line.split(":") for line in passwd if line.startswith("postgres:"))
        shutil.chown(self._place, int(row[2]), int(row[3]))

    def _command(self, program: str, *arguments: str) -> list[str]:
        binaries = sorted(self._folder.glob("usr/lib/postgresql/*/bin"))[-1].relative_to(self._folder)
        return ["chroot", "--userspec=postgres", str(self._folder), f"/{binaries}/{program}", *arguments]

    def _start(self) -> None:
        data = f"/{self._place.relative_to(self._folder)}/data"
        make = self._command("initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        made = subprocess.run(make, capture_output=True, text=True, errors="replace", timeout=60)
        if made.returncode:
            raise LabUnavailable(f"initdb failed: {made.stderr.strip()[-300:]}")
        self.go_on()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        ready = self._command("pg_isready", "-q", "-h", HOME, "-p", str(self._port))
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise LabUnavailable(f"PostgreSQL ended: {(self._place / 'log').read_text()[-300:]}")
            if subprocess.run(ready, timeout=60).returncode == 0:
                return
            time.sleep(0.1)
        raise LabUnavailable(f"PostgreSQL did not answer in {SECONDS_TO_START} s")

    def _stop(self) -> None:
        process, self._process = self._process, None
        end(process, by=signal.SIGQUIT)  # at once, clients or not
        self._home.leave()


def dump(url: str, *options: str) -> bytes:
    """All of a database on loopback, by pg_dump."""
    return _client("pg_dump", *options, url=url)


def restore(url: str, dumped: bytes) -> None:
    """Restore the output of `dump(…, "--format=custom")` into an empty database."""
    _client("pg_restore", "--exit-on-error", "--no-owner", "--dbname", url=url, given=dumped)


def _client(program: str, *options: str, url: str, given: bytes = b"") -> bytes:
    address, root = make_url(url), folder("22")
    found = sorted(root.glob(f"usr/lib/postgresql/*/bin/{program}"))[-1].relative_to(root)
    named = address.set(drivername="postgresql").render_as_string(hide_password=False)
    command = ["chroot", "--userspec=postgres", str(root), f"/{found}", *options, named]
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout
