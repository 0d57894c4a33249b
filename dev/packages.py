"""`python -m dev.packages FOLDER`: what `make dist` made, installed in fresh folders of Debian 12 and 13.

Each package is installed with apt in a Debian that systemd has booted, upgraded, removed, installed again, purged;
the wheel is installed by pipx. The exchange is a false one. Each step is printed with its seconds. The first that
fails ends it.
"""

# ruff: noqa: T201 - this is a command
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.booted import Booted
from tests.lab.folder import LabUnavailable, folder, inside, lab
from tests.lab.npm import CERTIFICATES
from tests.lab.place import Place
from tests.support.daemon_process import free_port
from tests.support.fake_exchange import FalseExchange
from tests.support.store_fixtures import until

FOLDERS = {"12": "bookworm", "13": "plain"}
APT = "apt-get -o Dpkg::Use-Pty=0 -qq -y --no-install-recommends"
UNITS = "/etc/systemd/system/*.wants/callmon*"
DATABASE, SECRET = "/var/lib/callmon/callmon.db", "/etc/callmon/ami.secret"
LEFT = f"ls -d /opt/callmon /usr/bin/callmon {UNITS} /etc/callmon/* /var/lib/callmon/callmon.db 2> /dev/null"


class Failed(Exception):  # noqa: N818 - printed, never caught but here
    """A step did not end as it must."""


class Machine:
    """A Debian that is thrown away; `run` is a command of root there."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.enter = inside(place)
        self.began = time.monotonic()

    def run(self, command: str, fails: bool = False) -> str:
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        given = [f"{name}={value}" for name, value in os.environ.items() if name.startswith("PIP_")]
        given = [reported for reported in given if not reported.startswith("PIP_FIND_LINKS=")]
        own = ["HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", path, *given]
        words = [*self.enter, "env", "-i", *own, "sh", "-c", f"cd / && {command}"]
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900)
        if done.returncode and not fails:
            raise Failed(f"{command}: {done.returncode}: {done.stdout[-800:]} {done.stderr[-1500:]}")
        return done.stdout.strip()

    def ended(self, what: str) -> None:
        print(f"    {time.monotonic() - self.began:6.1f} s  {what}", flush=True)
        self.began = time.monotonic()


@contextmanager
def fresh(release: str) -> Iterator[Machine]:
    place = Place(lab(), f"packages-{release}")
    try:
        subprocess.run(["cp", "-a", f"{folder(FOLDERS[release])}/.", str(place.path)], check=True)
        shutil.copy(f"/{CERTIFICATES}", place.path / CERTIFICATES)
        yield Machine(place.path)
    finally:
        place.leave()


def same(reported: object, wanted: object) -> None:
    if reported != wanted:
        raise Failed(f"{reported!r}, not {wanted!r}")


def installed(machine: Machine, package: str) -> None:
    machine.run(f"apt-get -qq update && {APT} install /srv/{package}")
    same(
        machine.run("systemctl is-enabled callmon; systemctl is-active callmon", fails=True), "disabled\ninactive"
    )
    same(machine.run("man -w callmon || ls /usr/share/man/man1/callmon.1.gz", fails=True)[-12:], "callmon.1.gz")
    same(machine.run("find /etc/callmon -type f"), "/etc/callmon/callmon.toml")
    machine.ended(f"apt install: {machine.run('callmon --version')}; the service waits for its configuration")


def configured(machine: Machine, port: int) -> None:
    file = machine.place / "etc/callmon/callmon.toml"
    reported = {
        "url": f'"sqlite:///{DATABASE}"',
        "listen": f'"127.0.0.1:{free_port()}"',
        "host": f'"127.0.0.1"\nport = {port}',
        "secret_file": f'"{SECRET}"',
    }
    written = file.read_text()
    for name, value in reported.items():
        written = re.sub(rf"^{name} = .*$", f"{name} = {value}", written, count=1, flags=re.MULTILINE)
    file.write_text(written)
    (machine.place / SECRET[1:]).write_text("secret\n")
    machine.run(f"chmod 600 {SECRET} && callmon check > /dev/null && systemctl enable --now callmon")


def runs(machine: Machine) -> str:
    """The process of the service, once it answers."""
    if not until(lambda: " is running: leader." in machine.run("callmon status --lang en", fails=True)):
        raise Failed(machine.run("callmon status --lang en; journalctl -u callmon -n 20", fails=True))
    asked = "systemctl show callmon --value -p MainPID -p NRestarts -p ProtectSystem -p NoNewPrivileges"
    pid, *rest = sorted(machine.run(asked).split(), key=lambda word: (not word.isdigit() or word == "0", word))
    same(rest, ["0", "strict", "yes"])
    same(machine.run(f"stat -c %U /proc/{pid}"), "callmon")
    return pid


def newer(machine: Machine, package: str) -> str:
    """The same package with a higher version, as an upgrade sees it."""
    machine.run(
        f"dpkg-deb -R /srv/{package} /srv/tree && sed -i 's/^Version: .*/&+next/' /srv/tree/DEBIAN/control"
    )
    machine.run("dpkg-deb --root-owner-group -Znone -b /srv/tree /srv/next.deb > /dev/null && rm -r /srv/tree")
    return "next.deb"


def lived(machine: Machine, package: str, port: int) -> None:
    """From the first installation to the purge."""
    installed(machine, package)
    configured(machine, port)
    first = runs(machine)
    machine.ended("configured and started: confined, as the user callmon")
    kept = machine.run(f"sha256sum /etc/callmon/*; stat -c '%i %U' {DATABASE}")
    machine.run(f"{APT} install /srv/{newer(machine, package)}")
    same(
        (runs(machine) != first, machine.run(f"sha256sum /etc/callmon/*; stat -c '%i %U' {DATABASE}")),
        (True, kept),
    )
    same(machine.run("journalctl -t callmon | grep -c all_stored=yes"), "1")
    machine.ended("upgraded: stopped with all stored, started again; configuration and database are the same")
    machine.run(f"{APT} remove callmon")
    files = ["/etc/callmon/ami.secret", "/etc/callmon/callmon.toml"]
    enabled = "/etc/systemd/system/multi-user.target.wants/callmon.service"
    same(machine.run(LEFT, fails=True).split(), sorted([*files, enabled, DATABASE]))
    machine.ended("removed: configuration, secret and database are left, nothing of the program")
    machine.run(f"{APT} install /srv/{package}")
    runs(machine)
    machine.ended("installed again: it runs with what was left")
    reported = machine.run(f"{APT} purge callmon")
    same(machine.run(LEFT, fails=True).split(), [SECRET, DATABASE])
    same([line.partition(" stays;")[0] for line in reported.splitlines() if " stays;" in line],
         ["callmon: /etc/callmon", "callmon: /var/lib/callmon"])  # fmt: skip
    machine.ended("purged: the secret and the database are left, and it says so")


def package_of(release: str, dist: Path) -> None:
    (package,) = dist.glob(f"*deb{release}_*.deb")
    with fresh(release) as machine, FalseExchange() as exchange:
        shutil.copy(package, machine.place / "srv")
        with Booted(machine.place) as system:
            machine.enter = system.enter
            machine.ended("booted")
            lived(machine, package.name, exchange.port)


def wheel_of(release: str, dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with fresh(release) as machine:
        shutil.copy(wheel, machine.place / "srv")
        machine.run(f"apt-get -qq update && {APT} install pipx && pipx install /srv/{wheel.name}")
        machine.ended(f"pipx install: {machine.run('~/.local/bin/callmon --version')}")


def main(dist: Path) -> int:
    parts: list[Callable[[str, Path], None]] = [package_of, wheel_of]
    for release in sys.argv[2:] or FOLDERS:
        print(f"Debian {release}", flush=True)
        for part in parts:
            try:
                part(release, dist)
            except (Failed, LabUnavailable) as why:
                print(f"    {part.__name__} FAILED: {why}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
