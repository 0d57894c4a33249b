"""The stack of docker-compose.yml on a real Docker engine, tested through the ports that it publishes.

Every image is built; what a registry would give has a stand-in of Debian's packages under the same name
(tests/engine). Grafana has none: in its place something sleeps. Where dockerd does not run, its own last line
says why.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from tests.engine.engine import Engine
from tests.lab.needed import needed
from tests.support.daemon_process import ROOT, free_port
from tests.support.mqtt_subscriber import Board

pytestmark = pytest.mark.lab

BUILT = ("callmon", "asterisk", "calls")
PULLED = ("postgres", "mosquitto", "prometheus", "alertmanager")
# A call answered on its second ring, one that is transferred twice, two messages for the box that holds two.
DAY = """
0  call 4163272422 4165550122 4
0  call 4163272422 4165550179 34
0  call 4163270374 4165550102 28
0  call 4163270374 4165550103 28
70 end
"""


@dataclass
class Stack:
    """The stack as an administrator has it: a copy of what is in the repository, and its ports."""

    engine: Engine
    place: Path
    ports: dict[str, int]

    def compose(self, *arguments: str, seconds: float = 300) -> str:
        files = ["-f", "docker-compose.yml", "-f", "test.yml"]
        return self.engine.compose(self.place, *files, *arguments, seconds=seconds, environment=self.environment())

    def environment(self) -> dict[str, str]:
        return {f"{name}_PORT": str(port) for name, port in self.ports.items()}

    def secret(self, name: str) -> str:
        return (self.place / ".docker/secrets" / name).read_text()

    def page(self, name: str, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def asked(self, query: str) -> dict[str, float]:
        """What Prometheus answers, by line."""
        found = json.loads(self.page("PROMETHEUS", f"/api/v1/query?query={query}"))["data"]["result"]
        return {row["metric"].get("line", ""): float(row["value"][1]) for row in found}

    def alerts(self) -> list[tuple[str, str, str]]:
        """Those that Alertmanager has of voicemail boxes: name, box, state."""
        found = json.loads(self.page("ALERTMANAGER", "/api/v2/alerts"))
        mine = [(a["labels"]["alertname"], a["labels"].get("mailbox", ""), a["status"]["state"]) for a in found]
        return [alert for alert in mine if alert[1]]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the boards' user reads in PostgreSQL."""
        address = f"host=127.0.0.1 port={self.ports['POSTGRES']} dbname=callmon user=callmon_boards"
        with psycopg.connect(address, password=self.secret("postgres_boards")) as connection:
            return connection.execute(query.encode()).fetchall()


Found = TypeVar("Found")


def until(what: Callable[[], Found], is_so: Callable[[Found], bool], seconds: float) -> Found:
    """What it gives in the end; whoever asked compares it."""
    deadline = time.monotonic() + seconds
    while not is_so(found := what()) and time.monotonic() < deadline:
        time.sleep(1)
    return found


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with needed("engine"):
        running = Engine().__enter__()
    try:
        yield running
    finally:
        running.__exit__(None, None, None)


def copy_of_the_repository(place: Path) -> Path:
    """What git has, or would have: nothing that this machine has left there."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, check=True).stdout.decode().split("\0"):
        if name and not name.startswith("tests/") and (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return place


@pytest.fixture(scope="module")
def stack(engine: Engine, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    place = copy_of_the_repository(tmp_path_factory.mktemp("stack"))
    for folder in (place, *place.parents):  # the containers' users must come to what they are given
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    (place / "day.txt").write_text(DAY)
    (place / "test.yml").write_text(
        f"services:\n  callmon: {{build: {{additional_contexts: {{wheels: {archive.parent}/wheels}}}}}}\n"
        "  calls: {environment: {ONCE: '1'}, volumes: ['./day.txt:/calls/day.txt:ro']}\n"
        "  grafana: {image: callmon-lab/trixie, command: [sleep, infinity], healthcheck: {test: [CMD, ls]}}\n"
    )
    names = ("CALLMON", "SIP", "POSTGRES", "MQTT", "PROMETHEUS", "ALERTMANAGER", "GRAFANA")
    made = Stack(engine, place, {name: free_port() for name in names})
    subprocess.run([place / ".docker/secrets.sh"], check=True, timeout=30)
    engine.make_stand_ins(images(made))
    made.compose("--profile", "calls", "build", *BUILT, seconds=600)
    try:
        made.compose("--profile", "calls", "up", "--wait", "--no-build")
        yield made
    finally:
        made.compose("--profile", "calls", "down", "--volumes", "--timeout", "10")
        engine.docker("image", "prune", "--force")  # of this run's images those without a name


def images(stack: Stack) -> dict[str, str]:
    """What a registry would give, by the stage that stands in for it."""
    services = json.loads(stack.compose("--profile", "calls", "config", "--format", "json"))["services"]
    found = {name: services[name]["image"] for name in PULLED}
    for name, dockerfile in (("python", "Dockerfile"), ("base", "asterisk/Dockerfile")):
        text = (stack.place / dockerfile).read_text()
        found[name] = [line.split()[1] for line in text.splitlines() if line.startswith("FROM ")][-1]
    return found


def described(stack: Stack, service: str) -> dict[str, Any]:
    container = stack.compose("--profile", "calls", "ps", "-a", "-q", service).split()
    return dict(json.loads(stack.engine.docker("inspect", container[0]))[0])


@pytest.mark.parametrize("service", [*BUILT, *PULLED])
def test_a_service_has_no_more_rights_than_it_needs(stack: Stack, service: str) -> None:
    told = described(stack, service)
    host = told["HostConfig"]
    assert {
        "root": told["Config"]["User"].partition(":")[0] in ("", "0", "root"),
        "health": told["State"]["Health"]["Status"],
        "writes to its root": not host["ReadonlyRootfs"],
        "privileged": host["Privileged"],
        "rights": (host["CapAdd"], host["CapDrop"], host["SecurityOpt"]),
        "bounded": host["Memory"] > 0 and host["PidsLimit"] > 0 and host["NanoCpus"] > 0,
        "listens on": {at["HostIp"] for ports in host["PortBindings"].values() for at in ports} - {"127.0.0.1"},
        "secrets in its environment": [
            entry for entry in told["Config"]["Env"] if any(word in entry for word in known_secrets(stack))
        ],
    } == {
        "root": False,
        "health": "healthy",
        "writes to its root": False,
        "privileged": False,
        "rights": (None, ["ALL"], ["no-new-privileges:true"]),
        "bounded": True,
        "listens on": set(),
        "secrets in its environment": [],
    }  # fmt: skip


def known_secrets(stack: Stack) -> list[str]:
    return [path.read_text() for path in (stack.place / ".docker/secrets").iterdir() if path.suffix != ".conf"]


CALLS = {"general": 2.0, "poci": 2.0}


def test_scripted_calls_are_counted_wherever_somebody_looks(stack: Stack) -> None:
    query = "sum%20by%20(line)%20(callmon_calls_total)%20%3E%200"
    assert until(lambda: stack.asked(query), lambda found: found == CALLS, 120) == CALLS
    lines = [line for line in stack.page("CALLMON", "/metrics").splitlines() if line.endswith(" 2")]
    counted = 'callmon_calls_total{line="general",outcome="answered",language="unknown",hours="open"} 2'
    assert [line for line in lines if line == counted] == [counted]
    assert sorted(stack.rows("SELECT line, outcome, rings FROM boards.calls WHERE direction = 'inbound'")) == [
        ("general", "answered", 1),
        ("general", "answered", 2),
        ("poci", "voicemail_message", 5),
        ("poci", "voicemail_message", 5),
    ]
    transfers = "SELECT verdict FROM boards.verdicts WHERE standard = 'one_transfer_at_most' AND line = 'general'"
    assert sorted(stack.rows(transfers)) == [("met",), ("not_met",)]
    full = [("CallmonMailboxFull", "510", "active")]
    assert until(stack.alerts, lambda found: found == full, 90) == full
    with Board(stack.ports["MQTT"], stack.secret("mqtt_board")) as board:
        told = until(lambda: board.topics("callmon/lines/"), lambda found: len(found) == 6, 20)
        assert (told, until(lambda: board.shown.get("callmon/status"), bool, 20)) == (
            [f"callmon/lines/{name}{more}" for name in ("general", "poci", "tty") for more in ("", "-toll-free")],
            "online",
        )  # fmt: skip
        today = board.json("callmon/lines/general")["today"]
    # All of them, but for who runs this at midnight.
    of_the_day = f"SELECT count(*) FROM boards.calls WHERE line = 'general' AND day = '{today['day']}'"
    assert stack.rows(of_the_day) == [(today["calls"]["answered"],)]


def test_who_reads_boards_reads_no_table_of_callmons(stack: Stack) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stack.rows("SELECT data FROM public.call")


def test_a_board_may_not_write_to_the_broker(stack: Stack) -> None:
    with Board(stack.ports["MQTT"], stack.secret("mqtt_board"), name="writer") as board:
        board.put("callmon/status", "offline")
        time.sleep(1)
        assert until(lambda: board.shown.get("callmon/status"), bool, 20) == "online"


def test_the_image_is_carried_over_as_a_file_and_needs_no_network(stack: Stack, tmp_path: Path) -> None:
    image = json.loads(stack.compose("config", "--format", "json"))["services"]["callmon"]["image"]
    saved = tmp_path / "image.tar"
    stack.engine.docker("save", "--output", str(saved), image)
    assert stack.engine.docker("load", "--input", str(saved)) == f"Loaded image: {image}\n"
    alone = ("run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL", image)
    assert stack.engine.docker(*alone, "--version") == f"callmon, version {image.partition(':')[2]}\n"
