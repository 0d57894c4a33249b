"""The stack of docker-compose.yml on a real Docker engine, tested through the ports that it publishes.

`make calls` begins it, as an administrator would (tests/lab/stack.py). What a registry would give has a
stand-in of Debian's packages under the same name. Where dockerd does not run, its own last line says why.

Only the published images can show the rest: that their tags exist and can be pulled; that their users, paths,
volumes and shells are those of the stand-ins (PostgreSQL 999, Mosquitto 1883, Prometheus and Alertmanager 65534);
that PostgreSQL 17.6, Mosquitto 2.0, Prometheus 3.5.0 and Alertmanager 0.28 take the same configuration as Debian's
versions; and Grafana's server.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.lab.engine import Engine
from tests.lab.needed import needed
from tests.lab.stack import BUILT, LASTING, PULLED, Stack, copy_of_the_repository, until
from tests.support.mqtt_subscriber import MqttBoard
from tests.support.sign_in_app import PASSWORD
from tests.support.web_client import FIELD

pytestmark = pytest.mark.lab

# A call answered on its second ring, one that is transferred twice, two messages for the box that holds two.
DAY = """
0  call 4163272422 4165550122 4
0  call 4163272422 4165550179 34
0  call 4163270374 4165550102 28
0  call 4163270374 4165550103 28
3600 end
"""
# One call, answered on its first ring.
NEXT_DAY = "0 call 4163272422 4165550111 3\n3600 end\n"
CALLS = {"general": 2.0, "poci": 2.0}
BY_LINE = "sum%20by%20(line)%20(callmon_calls_total)%20%3E%200"
FULL, OVERDUE = "CallmonMailboxFull", "CallmonCallbackOverdue"
ALERTS = [(OVERDUE, "poci", "active"), (FULL, "510", "active")]
VOLUMES = (
    *("alertmanager", "asterisk-lib", "asterisk-log", "asterisk-spool", "callmon", "grafana", "mosquitto"),
    *("postgres", "prometheus"),
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with needed("engine"):
        running = Engine().__enter__()
    try:
        yield running
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def stack(engine: Engine, archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    made = Stack(
        engine, copy_of_the_repository(tmp_path_factory.mktemp("stack") / "callmon", archive.parent / "wheels")
    )
    (made.place / "day.txt").write_text(DAY)
    made.edit(".docker/callmon.toml", "[calendar]", '[callbacks]\nwithin = "20s"\n\n[calendar]')
    made.remove()  # what a run that was killed has left
    with made.timed("stand-ins"):
        engine.make_stand_ins(made.images())
    try:
        made.make("calls")
        yield made
    finally:
        made.remove()


@pytest.mark.parametrize("service", [*BUILT, *PULLED])
def test_a_service_has_no_more_rights_than_it_needs(stack: Stack, service: str) -> None:
    reported = stack.described(service)
    host = reported["HostConfig"]
    users = users_of_processes(stack, service)
    assert {
        "root": [
            user
            for user in (reported["Config"]["User"], *users)
            if user.partition(":")[0] in ("", "0", "root")
        ],
        "processes of root": [user for user in users if "0" in user.split()],
        "health": reported["State"]["Health"]["Status"],
        "writes to its root": not host["ReadonlyRootfs"],
        "privileged": host["Privileged"],
        "rights": (host["CapAdd"], host["CapDrop"], host["SecurityOpt"]),
        "bounded": host["Memory"] > 0 and host["PidsLimit"] > 0 and host["NanoCpus"] > 0,
        "listens on": {at["HostIp"] for ports in host["PortBindings"].values() for at in ports} - {"127.0.0.1"},
        "secrets in its environment": [
            entry for entry in reported["Config"]["Env"] if any(word in entry for word in known_secrets(stack))
        ],
    } == {
        "root": [],
        "processes of root": [],
        "health": "healthy",
        "writes to its root": False,
        "privileged": False,
        "rights": (None, ["ALL"], ["no-new-privileges:true"]),
        "bounded": True,
        "listens on": set(),
        "secrets in its environment": [],
    }  # fmt: skip


def users_of_processes(stack: Stack, service: str) -> list[str]:
    """The `Uid:` line of each process of this service.

    A health check and this very question begin as root, in runc, before they change to the user of the service.
    """
    lines = stack.inside(service, "grep -hsE '^(Name|Uid):' /proc/[0-9]*/status || true")  # some end meanwhile
    return [uid for name, uid in itertools.pairwise(lines) if uid.startswith("Uid:") and "runc:[" not in name]


def known_secrets(stack: Stack) -> list[str]:
    return [path.read_text() for path in (stack.place / ".docker/secrets").iterdir() if path.suffix != ".conf"]


def test_a_secret_is_readable_in_the_containers_of_its_services_alone(stack: Stack) -> None:
    read = "cd /run/secrets 2>/dev/null || exit 0; for name in *; do [ -r $name ] && echo $name; done"
    found = {service: stack.inside(service, read) for service in (*BUILT, *PULLED)}
    assert found == {
        "callmon": ["ami", "mqtt_callmon", "postgres_callmon"],
        "asterisk": ["asterisk_manager.conf", "asterisk_phones.conf"],
        "calls": ["phones"],
        "postgres": ["postgres", "postgres_boards", "postgres_callmon"],
        "mosquitto": ["mqtt_board", "mqtt_callmon"],
        "prometheus": [],
        "alertmanager": [],
    }


def test_the_exchanges_management_interface_is_reached_by_callmon_alone(stack: Stack) -> None:
    ask = "timeout 5 bash -c '(exec 3<>/dev/tcp/{0}/{1}) 2>/dev/null && echo {0}' || true"
    every = ("callmon", "calls", "postgres", "mosquitto")
    found = {service: stack.inside(service, ask.format("asterisk", 5038)) for service in every}
    assert found == {"callmon": ["asterisk"], "calls": [], "postgres": [], "mosquitto": []}


def test_scripted_calls_are_counted_wherever_somebody_looks(stack: Stack) -> None:
    with stack.timed("calls, until Prometheus has them"):
        assert until(lambda: stack.asked(BY_LINE), lambda found: found == CALLS, 120) == CALLS
    lines = [line for line in stack.page("CALLMON", "/metrics").splitlines() if line.endswith(" 2")]
    counted = 'callmon_calls_total{line="general",outcome="answered",language="unknown",hours="open"} 2'
    assert [line for line in lines if line == counted] == [counted]
    assert stored(stack) == [
        ("general", "answered", 1),
        ("general", "answered", 2),
        ("poci", "voicemail_message", 5),
        ("poci", "voicemail_message", 5),
    ]
    transfers = "SELECT verdict FROM boards.verdicts WHERE standard = 'one_transfer_at_most' AND line = 'general'"
    assert sorted(stack.rows(transfers)) == [("met",), ("not_met",)]
    with MqttBoard(stack.ports["MQTT"], stack.secret("mqtt_board")) as board:
        reported = until(lambda: board.topics("callmon/lines/"), lambda found: len(found) == 6, 20)
        assert (reported, until(lambda: board.shown.get("callmon/status"), bool, 20)) == (
            [f"callmon/lines/{name}{more}" for name in ("general", "poci", "tty") for more in ("", "-toll-free")],
            "online",
        )  # fmt: skip
        today = board.json("callmon/lines/general")["today"]
    # All of them, but for who runs this at midnight.
    of_the_day = f"SELECT count(*) FROM boards.calls WHERE line = 'general' AND day = '{today['day']}'"
    assert stack.rows(of_the_day) == [(today["calls"]["answered"],)]


def stored(stack: Stack) -> list[tuple[Any, ...]]:
    return sorted(stack.rows("SELECT line, outcome, rings FROM boards.calls WHERE direction = 'inbound'"))


def test_alertmanager_has_the_full_box_and_the_overdue_callbacks(stack: Stack) -> None:
    with stack.timed("until Alertmanager has them"):
        assert until(lambda: stack.alerts(FULL, OVERDUE), lambda found: found == ALERTS, 120) == ALERTS


def test_who_has_an_account_sees_the_calls_and_calls_back(stack: Stack) -> None:
    """Made with the command of the documentation; what is seen is what a browser is sent."""
    account = ("users", "add", "marie.tremblay", "--role", "viewer", "--role", "agent")
    assert stack.callmon(*account, said=f"{PASSWORD}\n") == "marie.tremblay : ajouté.\n"
    with signed_in(stack) as browser:
        (first, *_), calls = entries(stack), browser.get("/en/calls").text
        shown = browser.get("/en/callbacks").text
        assert (calls.count("voicemail, message left</td>"), calls.count("answered by a person</td>")) == (2, 2)
        number = browser.post(f"/en/callbacks/{first['id']}/number", data={"csrf": token(shown)})
        assert (number.status_code, first["number"] in number.text) == (200, True)


@contextmanager
def signed_in(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.url("CALLMON")) as browser:
        form = {"name": "marie.tremblay", "password": PASSWORD, "csrf": token(browser.get("/en/sign-in").text)}
        assert browser.post("/en/sign-in", data=form).status_code == 303
        yield browser


def token(page: str) -> str:
    found = FIELD.search(page)
    assert found is not None
    return found[1]


def entries(stack: Stack) -> list[dict[str, Any]]:
    """Callbacks to make, with the numbers: these need the key that callmon keeps beside its database."""
    return [json.loads(line) for line in stack.callmon("callbacks", "list", "--json").splitlines()]


def test_who_reads_boards_reads_no_table_of_callmons(stack: Stack) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        stack.rows("SELECT data FROM public.call")


def test_a_board_may_not_write_to_the_broker(stack: Stack) -> None:
    with MqttBoard(stack.ports["MQTT"], stack.secret("mqtt_board"), name="writer") as board:
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


# ── what an administrator lives through, in this order ──


def test_all_services_killed_at_once_come_back_and_have_lost_nothing(stack: Stack) -> None:
    before = kept(stack)
    with stack.timed("killed, until healthy"):
        stack.kill(*LASTING)
        back = dict.fromkeys(LASTING, (True, "healthy"))
        assert until(lambda: health(stack), lambda found: found == back, 120) == back
    assert until(lambda: kept(stack), lambda found: found == before, 60) == before


def health(stack: Stack) -> dict[str, tuple[bool, str]]:
    """Whether the engine has started it again, and its health."""
    reported = {service: stack.described(service) for service in LASTING}
    return {name: (one["RestartCount"] > 0, one["State"]["Health"]["Status"]) for name, one in reported.items()}


def kept(stack: Stack) -> dict[str, Any]:
    """What somebody would miss."""
    with MqttBoard(stack.ports["MQTT"], stack.secret("mqtt_board")) as board:
        topics = until(lambda: board.topics("callmon/"), lambda found: len(found) >= 9, 20)
    with signed_in(stack) as browser:
        page = browser.get("/en/callbacks").status_code
    return {
        "calls": stored(stack),
        "counted": stack.asked(BY_LINE),
        "callbacks": entries(stack),
        "topics": topics,
        "page": page,
    }


def test_make_down_ends_each_service_in_time_and_make_up_restores(stack: Stack) -> None:
    before, since = kept(stack), str(int(time.time()))
    stack.make("down")
    died = ("--filter", "event=die", "--format", "{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}")
    ended = stack.engine.docker("events", "--since", since, "--until", str(int(time.time()) + 1), *died)
    assert sorted(ended.splitlines()) == [
        *(f"callmon-{service}-1 0" for service in ("alertmanager", "asterisk", "callmon")),
        *(f"callmon-{service}-1 143" for service in ("calls", "grafana")),
        *(f"callmon-{service}-1 0" for service in ("mosquitto", "postgres", "prometheus")),
    ]
    assert stack.engine.docker("ps", "--all", "--quiet") == ""
    assert stack.engine.docker("volume", "ls", "--quiet").split() == [f"callmon_{name}" for name in VOLUMES]
    stack.make("up")
    assert until(lambda: kept(stack), lambda found: found == before, 60) == before


def test_the_next_version_takes_over_what_was_stored_and_counts_on(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    before, version = kept(stack), stack.callmon("--version").split()[-1]
    old, after = {name: stack.described(name)["Id"] for name in ("postgres", "asterisk")}, f"{version}.post1"
    stack.edit("callmon/__init__.py", f'"{version}"', f'"{after}"')
    stack.edit("pyproject.toml", f'version = "{version}"', f'version = "{after}"')
    stack.edit("docker-compose.yml", f"image: callmon:{version}", f"image: callmon:{after}")
    (stack.place / "day.txt").write_text(NEXT_DAY)
    stack.make("calls")
    assert stack.callmon("--version") == f"callmon, version {after}\n"
    assert {name: stack.described(name)["Id"] for name in old} == old
    counted = {**CALLS, "general": 3.0}
    assert until(lambda: stack.asked(BY_LINE), lambda found: found == counted, 90) == counted
    whole = {**before, "calls": sorted([*before["calls"], ("general", "answered", 1)]), "counted": counted}
    assert kept(stack) == whole
    with stack.timed("until Alertmanager has them again"):
        assert until(lambda: stack.alerts(FULL, OVERDUE), lambda found: found == ALERTS, 120) == ALERTS
    with capsys.disabled():
        print("", *(f"{step}: {seconds:.0f} s" for step, seconds in stack.seconds.items()), sep="\n")  # noqa: T201
