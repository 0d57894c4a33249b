"""A temporary PostgreSQL: made in the Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.lab.folder import LabUnavailable, folder
from tests.lab.server import Server
from tests.lab.site import HOME

# Nothing here must survive a power failure.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "dynamic_shared_memory_type=mmap")


class Postgres(Server):
    """``with Postgres() as server:`` `url` is that of an empty database. Its end cuts off connected clients."""

    program = user = "postgres"
    dies_by = "QUIT"
    ends_by = signal.SIGINT

    def __init__(self) -> None:
        super().__init__()
        self.url = f"postgresql+psycopg://postgres@{HOME}:{self.port}/postgres"

    def furnish(self) -> None:
        self.give(self.user)  # it refuses to run as root, and requires its directory to be its own
        data = ("-D", self.inside("data"))
        make = binary(self.folder, "initdb", *data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        made = subprocess.run(make, capture_output=True, text=True, errors="replace", timeout=60)
        if made.returncode:
            raise LabUnavailable(f"initdb failed: {made.stderr.strip()[-300:]}")

    def options(self) -> list[str]:
        options = (f"listen_addresses={HOME}", f"port={self.port}", "unix_socket_directories=", *FAST)
        return ["-D", self.inside("data"), *(word for option in options for word in ("-c", option))]

    def command(self) -> list[str]:
        return binary(self.folder, self.program, *self.options())

    def _is_ready(self) -> bool:
        ready = binary(self.folder, "pg_isready", "-q", "-h", HOME, "-p", str(self.port))
        return subprocess.run(ready, timeout=60).returncode == 0


def binary(root: Path, program: str, *arguments: str) -> list[str]:
    found = sorted(root.glob(f"usr/lib/postgresql/*/bin/{program}"))[-1].relative_to(root)
    return ["chroot", "--userspec=postgres", str(root), f"/{found}", *arguments]


def dump(url: str, *options: str) -> bytes:
    """All of a database on loopback, by pg_dump."""
    return _ran("pg_dump", *options, url=url)


def restore(url: str, dumped: bytes) -> None:
    """Restore the output of `dump(…, "--format=custom")` into an empty database."""
    _ran("pg_restore", "--exit-on-error", "--no-owner", "--dbname", url=url, given=dumped)


def _ran(program: str, *options: str, url: str, given: bytes = b"") -> bytes:
    named = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    command = binary(folder("22"), program, *options, named)
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout
