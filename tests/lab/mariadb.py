"""A temporary MariaDB, as on FreePBX: made in a Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from types import TracebackType

from tests.lab.folder import LabUnavailable, folder
from tests.lab.place import Place
from tests.lab.ports import free_port
from tests.lab.processes import begin, end
from tests.lab.site import HOME

SECONDS_TO_START = 120
READER, WRITER, PASSWORD = "callmon", "asterisk", "of-the-lab-alone"
USERS = (
    "CREATE DATABASE asteriskcdrdb; CREATE TABLE asteriskcdrdb.cel (id INT); "  # rights need the table
    f"CREATE USER '{WRITER}'@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON asteriskcdrdb.* TO '{WRITER}'@'%'; "
    f"CREATE USER '{READER}'@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON asteriskcdrdb.cel TO '{READER}'@'%';"
)


class MariaDb:
    """``with MariaDb() as server``: `url` is the writing user's; `READER` may only read."""

    def __enter__(self) -> MariaDb:
        self._folder = folder("mariadb")
        self.port = free_port(socket.SOCK_STREAM, HOME)
        self._process: subprocess.Popen[bytes] | None = None
        self._home = Place(self._folder, "my")
        try:
            self._furnish()
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def address(self) -> str:
        return f"{HOME}:{self.port}/asteriskcdrdb"

    @property
    def url(self) -> str:
        return f"mysql+pymysql://{WRITER}:{PASSWORD}@{self.address}"

    def _furnish(self) -> None:
        place = self._home.path
        passwd = (self._folder / "etc/passwd").read_text().splitlines()
        row = next(line.split(":") for line in passwd if line.startswith("mysql:"))
        shutil.chown(place, int(row[2]), int(row[3]))
        self._inside = f"/{place.relative_to(self._folder)}"
        made = self._run("mariadb-install-db", "--user=mysql", f"--datadir={self._inside}/data", "--force")
        if made.returncode:
            raise LabUnavailable(f"mariadb-install-db failed: {made.stderr.strip()[-300:]}")
        (place / "init.sql").write_text(USERS.replace("; ", ";\n"))  # a statement a line

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["chroot", str(self._folder), "/usr/bin/env", program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)

    def _start(self) -> None:
        options = [
            *("--no-defaults", "--user=mysql", f"--datadir={self._inside}/data", f"--bind-address={HOME}"),
            *(f"--port={self.port}", f"--socket={self._inside}/socket", f"--pid-file={self._inside}/pid"),
            *(f"--init-file={self._inside}/init.sql", "--skip-name-resolve", "--innodb-flush-method=fsync"),
        ]
        command = ["chroot", str(self._folder), "/usr/sbin/mariadbd", *options]
        log = self._home.path / "log"
        self._process = begin(command, log, dies_by="KILL")
        deadline = time.monotonic() + SECONDS_TO_START
        while b"ready for connections" not in log.read_bytes():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise LabUnavailable(f"MariaDB does not answer: {log.read_text()[-300:]}")
            time.sleep(0.1)

    def _stop(self) -> None:
        process, self._process = self._process, None
        end(process)
        self._home.leave()
