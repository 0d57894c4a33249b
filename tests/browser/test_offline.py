"""Installing without the Internet (R-45): the archive, and what comes of it on a machine that reaches nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.folder import folder
from tests.lab.needed import needed
from tests.lab.place import Place
from tests.support.daemon_process import ROOT

pytestmark = pytest.mark.lab  # on one Python: the archive is the same whichever makes it
TOP = re.compile(r"^callmon-\d+\.\d+\.\d+-offline$")


@pytest.fixture(scope="module")
def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as packed:
        return packed.getnames()


@pytest.fixture(scope="module")
def unpacked(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as packed:
        packed.extractall(place, filter="data")
    return next(place.iterdir())


def test_the_archive_is_the_same_bytes_when_it_is_made_again(archive: Path, tmp_path: Path) -> None:
    shutil.copytree(archive.parent / "wheels", tmp_path / "wheels")
    command = [sys.executable, str(ROOT / ".ci/archive"), sys.executable, str(tmp_path)]
    again = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    assert Path(again.stdout.strip()).read_bytes() == archive.read_bytes()


def test_the_archive_tells_nothing_of_who_packed_it(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        reported = {(entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime) for entry in packed}
    assert reported == {(0, 0, "root", "root", 1_577_836_800)}


def test_it_holds_what_an_administrator_needs(names: list[str]) -> None:
    top = names[0].partition("/")[0]
    assert TOP.match(top)
    wanted = [
        "install.sh", "INSTALL.md", "UNINSTALL.md", "DESINSTALLER.md", "requirements.txt", "SHA256SUMS", "LICENSE",
        "PRIVACY.md", "README.md", "LISEZMOI.md", "docs/en/how-to/install.md", "docs/en/reference/commands.md",
        "asterisk/README.md", "asterisk/LISEZMOI.md", "asterisk/manager.conf", "asterisk/cel.conf",
        "callmon/config/callmon.example.toml", "callmon/daemon/systemd/callmon.service",
        "docs/fr/how-to/runbook.md", "docs/man/callmon.1", "site/index.html", "site/docs/fr/how-to/runbook.html",
        "dashboards/prometheus/callmon.rules.yml", "dashboards/alertmanager/alertmanager.yml",
        "dashboards/grafana/reader.sql",
    ]  # fmt: skip
    assert [name for name in wanted if f"{top}/{name}" not in names] == []


def test_to_uninstall_is_reported_in_both_languages_as_the_site_guides_do(unpacked: Path) -> None:
    for name, guide in (("UNINSTALL.md", "README.md"), ("DESINSTALLER.md", "LISEZMOI.md")):
        reported = (unpacked / name).read_text()
        assert reported.removeprefix("# ").strip() in (ROOT / "asterisk" / guide).read_text()
        assert [row for row in ("timestampevents", "eventfilter", "Master.csv") if row not in reported] == []


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_its_wheels_are_enough_for(unpacked: Path, version: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-index", "--require-hashes"]
    command += ["--find-links", str(unpacked / "wheels"), "-r", str(unpacked / "requirements.txt")]
    command += [
        "--python-version",
        version,
        "--only-binary",
        ":all:",
        "--target",
        str(tmp_path),
        "--ignore-installed",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


INSIDE = """
set -eu
ip link set lo up
cd {place}
sh {top}/install.sh {place}/opt
opt/bin/callmon check --config {top}/callmon/config/callmon.example.toml | grep '^Réglages'
opt/bin/callmon demo > demo.txt 2>&1 &
demo=$!
opt/bin/python - <<'END'
import re, time, urllib.request
for _ in range(60):
    time.sleep(1)
    try:
        page = urllib.request.urlopen("http://127.0.0.1:10469/metrics").read().decode()
    except OSError:
        continue
    if sum(float(value) for value in re.findall(r"^callmon_calls_in_progress{{.*}} (\\S+)$", page, re.MULTILINE)):
        print("calls are counted")
        break
END
kill $demo
wait $demo || true
"""


@pytest.fixture
def machine() -> Iterator[Path]:
    """A place in a small Debian with Python and its venv, and nothing of callmon's."""
    with needed("22"):
        root = folder("engine")
    place = Place(root, "offline")
    yield place.path
    place.leave()


def test_a_machine_offline_installs_checks_and_shows_the_demonstration(machine: Path, archive: Path) -> None:
    with tarfile.open(archive) as packed:
        packed.extractall(machine, filter="data")
    root = machine.parents[1]
    place, top = f"/{machine.relative_to(root)}", next(machine.iterdir()).name
    script = INSIDE.format(place=place, top=top)
    # A network of its own, in which there is nothing but loopback; /proc as any machine has it.
    enter = 'mount --make-rprivate / 2>/dev/null; mount -t proc proc "$1/proc" && exec chroot "$1" sh -c "$2"'
    command = [
        "unshare",
        "--net",
        "--mount",
        "--propagation=unchanged",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        enter,
        "sh",
        str(root),
    ]
    done = subprocess.run(
        [*command, script],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            f"callmon, version {top.split('-')[1]}",
            f"Réglages qui diffèrent de leur valeur par défaut ({top}/callmon/config/callmon.example.toml)",
            "calls are counted",
        ],
    ), done.stderr
