"""The install guide, followed in a new Debian: each command pasted as root ends in a service that answers.

systemd cannot run in a folder: the command of the unit's ExecStart is started instead. The copy of the Debian is
thrown away afterwards. Packages come from the registry that this machine is set up for.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon import __version__
from tests.commands.test_blocks import BLOCKS
from tests.lab.folder import folder, inside, lab
from tests.lab.needed import needed
from tests.lab.npm import CERTIFICATES
from tests.lab.processes import begin, end
from tests.support.daemon_process import ROOT, free_port
from tests.support.store_fixtures import until
from tests.unit.test_project import text, tracked

pytestmark = pytest.mark.lab
GUIDE = "docs/en/how-to/install.md"
COMMANDS = [
    block.body
    for block in BLOCKS
    if (block.file, block.kind) == (GUIDE, "sh") and block.mark in ("", "not run: downloads packages")
    if "extras" not in block.body
]
(SETTINGS,) = (tomllib.loads(block.body) for block in BLOCKS if (block.file, block.kind) == (GUIDE, "toml"))


class Machine:
    """A new Debian with a copy of the repository in /srv/callmon."""

    def __init__(self, place: Path) -> None:
        self.place, self.port = place, free_port()
        shutil.copy(f"/{CERTIFICATES}", place / CERTIFICATES)
        for path in tracked():
            copy = place / "srv/callmon" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)

    def command(self, where: str, *words: str) -> list[str]:
        own = [
            f"CALLMON_WEB__LISTEN=127.0.0.1:{self.port}",
            "HOME=/root",
            "PATH=/usr/local/bin:/usr/bin:/usr/sbin",
        ]
        registry = {name: told for name, told in os.environ.items() if name.startswith("PIP_")}
        given = [f"{name}={told}" for name, told in registry.items() if name != "PIP_FIND_LINKS"]
        return inside(self.place, "env", "-i", *own, *given, "sh", "-c", f'cd {where} && exec "$@"', "sh", *words)

    def paste(self, block: str, where: str = "/srv/callmon") -> subprocess.CompletedProcess[str]:
        words = self.command(where, "bash", "-euo", "pipefail", "-c", block)
        return subprocess.run(words, input="secret\n", capture_output=True, text=True, timeout=900)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with needed("plain"):
        debian = folder("plain")
    place = lab() / f"installed-{os.getpid()}"
    subprocess.run(["cp", "-a", str(debian), str(place)], check=True)
    try:
        yield Machine(place)
    finally:
        shutil.rmtree(place)


def test_the_guides_commands_pasted_as_root_end_in_a_service_that_answers(machine: Machine) -> None:
    configuration = machine.place / "etc/callmon/callmon.toml"
    for block in COMMANDS:
        done = machine.paste(block)
        assert done.returncode == 0, (block, done.stdout, done.stderr)
        if "callmon.example.toml" in block:
            url = SETTINGS["store"]["url"]
            written = re.sub(r'^url = "[^"]+"', f'url = "{url}"', text(configuration), count=1, flags=re.MULTILINE)
            configuration.write_text(written, encoding="utf-8")
            assert f'secret_file = "{SETTINGS["exchanges"]["toronto"]["secret_file"]}"' in written
    assert (machine.place / "etc/callmon/ami.secret").stat().st_mode & 0o777 == 0o600
    unit = text(machine.place / "etc/systemd/system/callmon.service")
    (started,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    service = begin(machine.command("/", *started.split()))
    try:
        assert until(lambda: told(machine) == f"callmon {__version__} is running: leader."), told(machine)
    finally:
        end(service)


def told(machine: Machine) -> str:
    return machine.paste("callmon status --lang en || true", "/").stdout.partition("\n")[0]
