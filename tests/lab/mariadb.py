"""A temporary MariaDB, as on FreePBX: made in a Debian folder, on loopback, deleted at the end."""

from __future__ import annotations

import subprocess

from tests.lab.folder import LabUnavailable
from tests.lab.server import Server, in_folder
from tests.lab.site import HOME

READER, WRITER, PASSWORD = "callmon", "asterisk", "of-the-lab-alone"
USERS = (
    "CREATE DATABASE asteriskcdrdb; CREATE TABLE asteriskcdrdb.cel (id INT); "  # rights need the table
    f"CREATE USER '{WRITER}'@'%' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON asteriskcdrdb.* TO '{WRITER}'@'%'; "
    f"CREATE USER '{READER}'@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON asteriskcdrdb.cel TO '{READER}'@'%';"
)


class MariaDb(Server):
    """``with MariaDb() as server``: `url` is the writing user's; `READER` may only read."""

    program, debian = "mariadbd", "mariadb"

    def __init__(self) -> None:
        super().__init__()
        self.address = f"{HOME}:{self.port}/asteriskcdrdb"
        self.url = f"mysql+pymysql://{WRITER}:{PASSWORD}@{self.address}"

    def furnish(self) -> None:
        self.give("mysql")
        options = ("--user=mysql", f"--datadir={self.inside('data')}", "--force")
        make = in_folder(self.folder, "mariadb-install-db", *options)
        made = subprocess.run(make, capture_output=True, text=True, errors="replace", timeout=60)
        if made.returncode:
            raise LabUnavailable(f"mariadb-install-db failed: {made.stderr.strip()[-300:]}")
        (self.place / "init.sql").write_text(USERS.replace("; ", ";\n"))  # a statement a line

    def options(self) -> list[str]:
        return [
            *("--no-defaults", "--user=mysql", f"--datadir={self.inside('data')}", f"--bind-address={HOME}"),
            *(f"--port={self.port}", f"--socket={self.inside('socket')}", f"--pid-file={self.inside('pid')}"),
            *(f"--init-file={self.inside('init.sql')}", "--skip-name-resolve", "--innodb-flush-method=fsync"),
        ]

    def _is_ready(self) -> bool:
        return "ready for connections" in self.log
