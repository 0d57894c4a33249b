"""The install guide, followed in a new Debian: each command pasted as root ends in a service that answers.

The Debian is booted with systemd, in a copy that is thrown away afterwards. Where systemd cannot boot, the command
of the unit's ExecStart is started alone. The exchange is a false one. Packages come from the registry that this
machine is set up for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callmon import __version__
from tests.commands.test_blocks import BLOCKS
from tests.lab.booted import Booted
from tests.lab.folder import folder, inside, lab
from tests.lab.needed import needed
from tests.lab.npm import CERTIFICATES
from tests.lab.place import Place
from tests.lab.processes import begin, end
from tests.support.daemon_process import ROOT, free_port
from tests.support.fake_exchange import FalseExchange
from tests.support.made_queue_log import made
from tests.support.store_fixtures import until
from tests.unit.test_project import text, tracked

pytestmark = pytest.mark.lab
GUIDE, RESTORE = "docs/en/how-to/install.md", "docs/en/how-to/back-up-and-restore.md"
COMMANDS = [
    block.body
    for block in BLOCKS
    if (block.file, block.kind) == (GUIDE, "sh") and block.mark in ("", "not run: downloads packages")
    if "extras" not in block.body
]
(SERVICE,) = (x.body for x in BLOCKS if x.file == GUIDE and x.mark == "not run: needs systemd and an exchange")
(STOP,) = (x.body for x in BLOCKS if (x.file, x.mark) == ("docs/en/how-to/upgrade.md", "not run: needs systemd"))
BACK_UP, PUT_BACK = (x.body for x in BLOCKS if (x.file, x.kind, x.mark) == (RESTORE, "sh", ""))
(SETTINGS,) = (tomllib.loads(block.body) for block in BLOCKS if (block.file, block.kind) == (GUIDE, "toml"))
RUNS = f"callmon {__version__} is running: leader.\nExchange toronto: connected,"


class InstalledMachine:
    """A new Debian with a copy of the repository in /srv/callmon, and the exchange at loopback."""

    def __init__(self, place: Path, exchange: FalseExchange) -> None:
        self.place, self.exchange, self.port, self.enter = place, exchange, free_port(), inside(place)
        self.configuration = place / "etc/callmon/callmon.toml"
        shutil.copy(f"/{CERTIFICATES}", place / CERTIFICATES)
        for path in tracked():
            copy = place / "srv/callmon" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)

    def command(self, where: str, *words: str) -> list[str]:
        own = ["HOME=/root", "PATH=/usr/local/bin:/usr/bin:/usr/sbin"]
        registry = {name: reported for name, reported in os.environ.items() if name.startswith("PIP_")}
        given = [f"{name}={reported}" for name, reported in registry.items() if name != "PIP_FIND_LINKS"]
        return [*self.enter, "env", "-i", *own, *given, "sh", "-c", f'cd {where} && exec "$@"', "sh", *words]

    def paste(self, block: str, where: str = "/srv/callmon") -> subprocess.CompletedProcess[str]:
        words = self.command(where, "bash", "-euo", "pipefail", "-c", block)
        return subprocess.run(words, input="secret\n", capture_output=True, text=True, timeout=900)

    def reported(self, command: str) -> str:
        """What it prints, from `/`. Its status is of no account."""
        return self.paste(f"{command} || true", "/").stdout

    def runs(self) -> bool:
        return self.reported("callmon status --lang en").startswith(RUNS)

    def shown(self, *properties: str) -> list[str]:
        """Properties of the unit, in this order."""
        return [self.reported(f"systemctl show callmon --value -p {name}").strip() for name in properties]

    def write(self) -> None:
        """What the guide says of the configuration, and the ports of this test."""
        written = text(self.configuration)
        assert f'secret_file = "{SETTINGS["exchanges"]["toronto"]["secret_file"]}"' in written
        reported = {
            "url": f'"{SETTINGS["store"]["url"]}"',
            "listen": f'"127.0.0.1:{self.port}"',
            "host": f'"127.0.0.1"\nport = {self.exchange.port}',
        }
        for name, value in reported.items():
            written = re.sub(rf"^{name} = .*$", f"{name} = {value}", written, count=1, flags=re.MULTILINE)
        self.configuration.write_text(written, encoding="utf-8")


@pytest.fixture(scope="module")
def machine() -> Iterator[InstalledMachine]:
    """After the guide's commands, up to those for systemd."""
    with needed("plain"):
        debian = folder("plain")
    place = Place(lab(), "installed")
    try:
        subprocess.run(["cp", "-a", f"{debian}/.", str(place.path)], check=True)
        with FalseExchange() as exchange:
            made = InstalledMachine(place.path, exchange)
            for block in COMMANDS:
                done = made.paste(block)
                assert done.returncode == 0, (block, done.stdout, done.stderr)
                if "callmon.example.toml" in block:
                    made.write()
            yield made
    finally:
        place.leave()


@pytest.fixture
def booted(machine: InstalledMachine) -> Iterator[InstalledMachine]:
    """With systemd, and the guide's service."""
    with needed("booted"):
        system = Booted(machine.place).__enter__()
    machine.enter = system.enter
    try:
        start, *asked = SERVICE.splitlines()
        done = machine.paste(start)
        assert (done.returncode, asked) == (0, ["callmon doctor", "callmon status"]), done.stderr
        assert until(machine.runs), machine.reported("journalctl -u callmon -n 20")
        yield machine
    finally:
        machine.enter = inside(machine.place)
        system.__exit__()


def test_the_units_command_alone_ends_in_a_service_that_answers(machine: InstalledMachine) -> None:
    assert (machine.place / "etc/callmon/ami.secret").stat().st_mode & 0o777 == 0o600
    unit = text(machine.place / "etc/systemd/system/callmon.service")
    (started,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    service = begin(machine.command("/", *started.split()))
    try:
        assert until(machine.runs), machine.reported("callmon status --lang en")
    finally:
        end(service)


def test_the_guides_service_runs_confined_and_stores_all_at_its_stop(booted: InstalledMachine) -> None:
    user, state, enabled = booted.shown("DynamicUser", "ActiveState", "UnitFileState")
    assert (user, state, enabled) == ("yes", "active", "enabled")
    stopped = booted.paste(STOP, "/")
    assert (stopped.returncode, stopped.stdout.split()[-1]) == (0, "all_stored=yes"), stopped.stderr


def restarted(machine: InstalledMachine, what: Callable[[], object]) -> int:
    """How many more restarts systemd has counted, once callmon runs again."""
    (before,) = machine.shown("NRestarts")
    what()
    assert until(lambda: machine.shown("NRestarts") != [before])
    assert until(machine.runs), machine.reported("journalctl -u callmon -n 20")
    return int(machine.shown("NRestarts")[0]) - int(before)


def test_a_service_that_was_killed_or_is_silent_is_started_again(booted: InstalledMachine) -> None:
    assert restarted(booted, lambda: booted.reported("systemctl kill -s KILL callmon")) == 1
    drop_in = (
        "d=/run/systemd/system/callmon.service.d; mkdir -p $d; printf '[Service]\\nWatchdogSec=3\\n' > $d/w.conf"
    )
    booted.reported(f"{drop_in}; systemctl daemon-reload; systemctl restart callmon")
    assert until(booted.runs)
    assert restarted(booted, lambda: booted.reported("systemctl kill -s STOP --kill-whom=main callmon")) == 1


def test_a_reload_keeps_the_process_and_a_mistake_is_not_tried_again(booted: InstalledMachine) -> None:
    before = booted.shown("MainPID")
    written = text(booted.configuration)
    booted.configuration.write_text(written + '\n[[staff]]\nextension = "102"\nlanguages = ["fr"]\n')
    assert booted.paste("systemctl reload callmon", "/").returncode == 0
    assert until(lambda: booted.reported("journalctl -t callmon -n 1").endswith("configuration: applied\n"))
    assert (booted.shown("MainPID"), booted.runs()) == (before, True)
    booted.configuration.write_text(written.replace('listen = "', "listen = 5 # "))
    booted.reported("systemctl reload callmon")
    refused = (
        "configuration: refused: /etc/callmon/callmon.toml: web.listen: 5 is no text; put it in quotation marks\n"
    )
    assert until(lambda: booted.reported("journalctl -t callmon -n 1").endswith(refused))
    assert booted.shown("MainPID", "ActiveState") == [*before, "active"]
    assert booted.paste("systemctl restart callmon", "/").returncode == 1
    booted.configuration.write_text(written)
    assert booted.shown("ActiveState", "ExecMainStatus", "NRestarts") == ["failed", "2", "0"]


def test_the_unit_of_the_months_reports_runs_beside_the_service(booted: InstalledMachine) -> None:
    start = "systemctl daemon-reload && systemctl start callmon-reports callmon-reports.timer"
    done = booted.paste(f"cp callmon/daemon/systemd/callmon-reports.* /etc/systemd/system/ && {start}")
    assert (done.returncode, booted.runs()) == (0, True), booted.reported("journalctl -u callmon-reports -n 20")


def test_a_lost_database_is_put_back_by_the_guides_commands(booted: InstalledMachine) -> None:
    assert booted.paste(BACK_UP, "/").returncode == 0
    booted.reported("systemctl stop callmon; rm /var/lib/callmon/callmon.db*")
    done = booted.paste(f"{PUT_BACK}systemctl start callmon", "/")
    assert done.returncode == 0, done.stderr
    assert until(booted.runs), booted.reported("journalctl -u callmon -n 20")


@pytest.mark.parametrize(("language", "before"), [("fr", 60), ("en", 40)])
def test_the_tutorial_of_day_one_imports_the_days_before(
    booted: InstalledMachine, language: str, before: int
) -> None:
    first = (datetime.now(UTC) - timedelta(days=before)).date()
    (booted.place / "var/log/asterisk").mkdir(parents=True, exist_ok=True)
    log, cells = made(5, 20, str(first), seed=before)
    (booted.place / "var/log/asterisk/queue_log").write_text(log)
    page, mark = f"docs/{language}/tutorials/day-one.md", "not run: needs the files of an exchange"
    look, do, show = (block.body for block in BLOCKS if (block.file, block.mark) == (page, mark))
    days = str(first), str(first + timedelta(days=4))
    show = re.sub(r"\S+ \S+\n$", f"{days[0]} {days[1]} --json\n", show)
    counted = []
    for block in (look, do.splitlines()[0]):
        done = booted.paste(block, "/")
        assert done.returncode == 0, done.stderr
        counted.append(json.loads(booted.reported(show)).get("half_hours", {}).get("all", {}))
    assert (counted, booted.runs()) == ([{}, cells], True)
