"""A PostgreSQL that fails over: Patroni on each node, synchronous replication, and one etcd, all on loopback."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from tests.lab.folder import inside
from tests.lab.ports import free_port
from tests.lab.server import Server, ServerGroup
from tests.lab.site import HOME

NODES = 3
# Patroni accepts no shorter time to live than 20 s: so long it waits for a machine that has ended.
TIMES = {"ttl": 20, "loop_wait": 1, "retry_timeout": 3}
# Nothing here must survive a power failure; what a commit promises on a second node must be true.
PARAMETERS = {
    "dynamic_shared_memory_type": "mmap",
    "fsync": "off",
    "shared_buffers": "16MB",
    "synchronous_commit": "on",
}


class Etcd(Server):
    program = "etcd"
    debian = "cluster"

    def furnish(self) -> None:
        self._peer = f"http://{HOME}:{free_port(socket.SOCK_STREAM, HOME)}"

    def options(self) -> list[str]:
        return [
            f"--data-dir={self.inside('data')}",
            *(f"--{kind}-client-urls={self.url}" for kind in ("listen", "advertise")),
            *(f"--{kind}-urls={self._peer}" for kind in ("listen-peer", "initial-advertise-peer")),
            f"--initial-cluster=default={self._peer}",
            "--unsafe-no-fsync",
        ]

    def _is_ready(self) -> bool:
        try:
            return bool(self.get("/health")["health"] == "true")
        except (urllib.error.URLError, OSError):
            return False


class Node(Server):
    """Patroni and its PostgreSQL: one machine. `port` is Patroni's."""

    program = "patroni"
    debian = "cluster"
    ready = "/health"

    def __init__(self, number: int, etcd: Etcd) -> None:
        super().__init__()
        self.name = f"node{number}"
        self.database_port = free_port(socket.SOCK_STREAM, HOME)
        self._etcd = etcd

    def furnish(self) -> None:
        (self.place / "patroni.yml").write_text(yaml.safe_dump(self._configuration()), "utf-8")
        self.give("postgres")

    def _configuration(self) -> dict[str, Any]:
        binaries = sorted(self.folder.glob("usr/lib/postgresql/*/bin"))[-1].relative_to(self.folder)
        address = f"{HOME}:{self.database_port}"
        shared = {"use_pg_rewind": True, "parameters": PARAMETERS}
        # A crashed PostgreSQL is not waited for: another node takes over.
        promises = {"synchronous_mode": True, "primary_start_timeout": 0, "check_timeline": True}
        return {
            "scope": "callmon",
            "name": self.name,
            "restapi": {"listen": f"{HOME}:{self.port}", "connect_address": f"{HOME}:{self.port}"},
            "etcd3": {"hosts": f"{HOME}:{self._etcd.port}"},
            "bootstrap": {
                "dcs": {**TIMES, **promises, "postgresql": shared},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "no-sync"],
            },
            "postgresql": {
                "listen": address,
                "connect_address": address,
                "data_dir": self.inside("data"),
                "bin_dir": f"/{binaries}",
                "pgpass": self.inside("pgpass"),
                "authentication": {name: {"username": "postgres"} for name in ("superuser", "replication")},
                "parameters": {"unix_socket_directories": self.inside("")},
                "pg_hba": [
                    "local all all trust",
                    *(f"host {which} all {HOME}/32 trust" for which in ("all", "replication")),
                ],
            },
        }

    def options(self) -> list[str]:
        return [self.inside("patroni.yml")]

    def command(self) -> list[str]:
        """With /proc, where Patroni finds its PostgreSQL, and /dev/shm, for Python's semaphores."""
        user, group = self.owner
        shared = 'mkdir -p /dev/shm && mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"'
        as_postgres = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--pdeathsig=TERM"]
        return inside(self.folder, "sh", "-c", shared, "sh", *as_postgres, self.program, *self.options())

    def halt(self) -> None:
        """kill -9 of Patroni and its PostgreSQL, as when the machine ends. `start` starts both again."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self.crash_postgres()
            process.wait()

    def crash_postgres(self) -> None:
        """kill -9 of PostgreSQL's first process: the others end by themselves."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self._postmaster(), signal.SIGKILL)

    def _postmaster(self) -> int:
        return int((self.place / "data/postmaster.pid").read_text().split()[0])

    def receiver(self) -> list[int]:
        """The process that receives what the primary writes; none at the primary, or while not connected."""
        try:
            first = self._postmaster()
            children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
            named = {int(one): Path(f"/proc/{one}/cmdline").read_bytes() for one in children}
        except (FileNotFoundError, ProcessLookupError):
            return []
        return [one for one, name in named.items() if b"walreceiver" in name]


class Cluster(ServerGroup):
    """`with Cluster() as cluster:` has NODES nodes; a commit is on two of them before it is confirmed."""

    def start(self, stack: ExitStack) -> None:
        etcd = stack.enter_context(Etcd())
        self.nodes = [Node(number, etcd) for number in range(1, NODES + 1)]
        for node in self.nodes:  # the first makes the database, the others copy it
            stack.enter_context(node)

    def fault(self) -> str:
        return f"Patroni's nodes do not replicate: {self.members()}"

    @property
    def url(self) -> str:
        hosts = ",".join(f"{HOME}:{node.database_port}" for node in self.nodes)
        return f"postgresql+psycopg://postgres@/postgres?host={hosts}"

    def members(self) -> dict[str, tuple[str, str]]:
        """Role and state by name, as the first node that answers reports."""
        for node in self.nodes:
            with suppress(urllib.error.URLError, OSError):
                return {one["name"]: (one["role"], one["state"]) for one in node.get("/cluster")["members"]}
        return {}

    def is_whole(self) -> bool:
        """Whether every node runs, and one may take over without the loss of a commit."""
        found = sorted(self.members().values())
        expected = [
            ("leader", "running"),
            *[("replica", "streaming")] * (NODES - 2),
            ("sync_standby", "streaming"),
        ]
        return found == expected and len(self._receivers()) == NODES - 1  # Patroni's word may be old

    @contextmanager
    def nothing_replicated(self) -> Iterator[None]:
        """No replica receives anything. What the primary has sent meanwhile is lost, if it ends within."""
        receivers = self._receivers()
        for pid in receivers:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in receivers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)  # pending: the receiver ends before it reads its socket
                    os.kill(pid, signal.SIGCONT)

    def _receivers(self) -> list[int]:
        return [one for node in self.nodes for one in node.receiver()]

    def primary(self) -> Node:
        name = next(name for name, (role, _) in self.members().items() if role == "leader")
        return next(node for node in self.nodes if node.name == name)
