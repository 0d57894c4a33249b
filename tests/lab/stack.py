"""The stack of docker-compose.yml as an administrator has it: a copy of the repository, `make calls`, its ports.

What a registry would give has a stand-in of Debian's packages under the same name (stand-ins.Dockerfile). Grafana
has none: in its place something sleeps. `test.yml` says that, and has health looked at more often. The repository
is as somebody has it who cloned it with umask 077.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from tests.lab.engine import Engine
from tests.support.daemon_process import ROOT, free_port

BUILT = ("callmon", "asterisk", "calls")
PULLED = ("postgres", "mosquitto", "prometheus", "alertmanager")
LASTING = ("callmon", "asterisk", *PULLED)  # all but what plays calls, and what makes the views and ends
PORTS = ("CALLMON", "SIP", "POSTGRES", "MQTT", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
SECONDS_TO_MAKE = 600
TEST = """services:
  callmon:
    build: {{additional_contexts: {{wheels: {wheels}}}}}
    healthcheck: {{interval: 3s}}
  asterisk: {{healthcheck: {{interval: 3s}}}}
  mosquitto: {{healthcheck: {{interval: 3s}}}}
  prometheus: {{healthcheck: {{interval: 3s}}}}
  alertmanager: {{healthcheck: {{interval: 3s}}}}
  calls: {{healthcheck: {{interval: 3s}}, volumes: ['./day.txt:/calls/day.txt:ro']}}
  grafana:
    image: callmon-lab/trixie
    init: true
    command: [sleep, infinity]
    healthcheck: {{test: [CMD, ls], interval: 3s}}
"""
Found = TypeVar("Found")


@dataclass
class Stack:
    engine: Engine
    place: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in PORTS})
    seconds: dict[str, float] = field(default_factory=dict)  # of each step

    def edit(self, path: str, before: str, after: str) -> None:
        """A change that an administrator makes, or the next version brings."""
        text = (self.place / path).read_text()
        assert text.count(before) == 1
        (self.place / path).write_text(text.replace(before, after))

    def make(self, target: str) -> None:
        """`make calls` and so on, as the Makefile has it."""
        with self.timed(f"make {target}"):
            self._make(target)

    def _make(self, target: str) -> None:
        command = self.engine.command(self.place.parent / "bin")
        environment = {**os.environ, **self.environment(), "PATH": f"{command.parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["make", target],
            cwd=self.place,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_MAKE,
        )
        assert done.returncode == 0, f"make {target}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"

    def compose(self, *arguments: str, said: str = "") -> str:
        reported = self.environment() | {"COMPOSE_PROFILES": "calls"}
        return self.engine.compose(self.place, *arguments, environment=reported, said=said)

    def remove(self) -> None:
        """Containers, networks, what they kept, and images without a name. Other images stay for the next run."""
        self.compose("down", "--volumes", "--timeout", "10")
        self.engine.docker("image", "prune", "--force")
        self.engine.docker("volume", "prune", "--all", "--force")

    def environment(self) -> dict[str, str]:
        ports = {f"{name}_PORT": str(port) for name, port in self.ports.items()}
        return ports | {"COMPOSE_FILE": "docker-compose.yml:test.yml"}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        again = sum(name.startswith(step) for name in self.seconds)
        self.seconds[f"{step} again" if again else step] = time.monotonic() - began

    def secret(self, name: str) -> str:
        return (self.place / ".docker/secrets" / name).read_text()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def page(self, name: str, path: str) -> str:
        with urllib.request.urlopen(f"{self.url(name)}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def asked(self, query: str) -> dict[str, float]:
        """What Prometheus answers, by line."""
        found = json.loads(self.page("PROMETHEUS", f"/api/v1/query?query={query}"))["data"]["result"]
        return {row["metric"].get("line", ""): float(row["value"][1]) for row in found}

    def alerts(self, *names: str) -> list[tuple[str, str, str]]:
        """Those that Alertmanager has of these names: name, mailbox or line, state."""
        found = [
            (reported["labels"], reported["status"]["state"])
            for reported in json.loads(self.page("ALERTMANAGER", "/api/v2/alerts"))
        ]
        return sorted(
            (labels["alertname"], labels.get("mailbox") or labels["line"], state)
            for labels, state in found
            if labels["alertname"] in names
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the boards' user reads in PostgreSQL."""
        address = f"host=127.0.0.1 port={self.ports['POSTGRES']} dbname=callmon user=callmon_boards"
        with psycopg.connect(address, password=self.secret("postgres_boards")) as connection:
            return connection.execute(query.encode()).fetchall()

    def described(self, service: str) -> dict[str, Any]:
        container = self.compose("ps", "-a", "-q", service).split()
        return dict(json.loads(self.engine.docker("inspect", container[0]))[0])

    def kill(self, *services: str) -> None:
        """SIGKILL for the first process of each, as the kernel sends when memory runs out."""
        for process in [self.described(service)["State"]["Pid"] for service in services]:
            os.kill(process, signal.SIGKILL)

    def inside(self, service: str, command: str) -> list[str]:
        """The lines that a shell in this service's container prints."""
        return self.compose("exec", "-T", service, "sh", "-c", command).splitlines()

    def callmon(self, *arguments: str, said: str = "") -> str:
        """callmon's own command line, as the documentation has it."""
        return self.compose("exec", "-T", "callmon", "callmon", *arguments, said=said)

    def images(self) -> dict[str, str]:
        """What a registry would give, by the stage that stands in for it."""
        services = json.loads(self.compose("config", "--format", "json"))["services"]
        found = {name: services[name]["image"] for name in PULLED}
        for name, dockerfile in (("python", "Dockerfile"), ("base", "asterisk/Dockerfile")):
            text = (self.place / dockerfile).read_text()
            found[name] = [line.split()[1] for line in text.splitlines() if line.startswith("FROM ")][-1]
        return found


def until(what: Callable[[], Found], is_so: Callable[[Found], bool], seconds: float) -> Found:
    """Return the first value that `is_so` accepts, or the last one at the time limit; the caller compares it."""
    deadline = time.monotonic() + seconds
    while not is_so(found := what()) and time.monotonic() < deadline:
        time.sleep(1)
    return found


def copy_of_the_repository(place: Path, wheels: Path) -> Path:
    """What git has, or would have: nothing that this machine has left there."""
    place.mkdir()
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, check=True).stdout.decode().split("\0"):
        if name and not name.startswith("tests/") and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    (place / "test.yml").write_text(TEST.format(wheels=wheels))
    subprocess.run(["chmod", "-R", "go=", place], check=True, timeout=30)
    return place
