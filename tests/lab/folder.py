"""The folder of the exchange: a small Debian with Asterisk in it, made once and reused.

Nothing is installed on the host except mmdebstrap. A folder is built under another name and renamed when it is
complete, so that an interrupted build leaves nothing that looks finished.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.environment import GIVEN

DEFAULT_PLACE = "/var/cache/callmon-lab"
MINUTES_TO_BUILD = 15
DOCKERS_PACKAGE = ".".join(("docker", "io"))  # called like a registry, of which no name may be in this repository


class LabUnavailable(Exception):  # noqa: N818 - a reason to skip, not an error
    """This machine cannot run the lab; the message says why."""


@dataclass(frozen=True)
class Recipe:
    suite: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()
    name: str = ""  # of the folder, if it is not the suite's


RECIPES = {
    "22": Recipe(
        "sid",
        (
            *("asterisk", "git", "jsonnet", "mosquitto", "postgresql", "prometheus", "prometheus-alertmanager"),
            *("python3-venv", "sip-tester", "victoria-metrics"),
        ),
    ),
    # Its security suite has been archived: with that line a package is missing.
    "16": Recipe(
        "bullseye",
        ("asterisk", "asterisk-voicemail"),
        ('--setup-hook=sed -i /security/d "$1/etc/apt/sources.list"',),
    ),
    # As FreePBX stores its CEL. In a folder of its own: it needs none of the other servers.
    "mariadb": Recipe("trixie", ("mariadb-server",)),
    "mail": Recipe("trixie", ("exim4-daemon-light",), name="mail"),
    # Programs that people view callmon's pages and files with, without a screen; and Java for the HTML validator.
    "browser": Recipe(
        "trixie",
        (
            "chromium-headless-shell",
            "default-jre-headless",
            "fonts-dejavu-core",
            "fonts-liberation",
            "libreoffice-calc-nogui",
            "poppler-utils",
        ),
        name="browser",
    ),
    # As an administrator's new machine; the install guide is followed in a copy of it.
    "plain": Recipe("trixie", ("ca-certificates", "git", "python3-venv", "systemd"), name="plain"),
    # The same of Debian 12, on which FreePBX 17 stands; the packages of `make dist` are built and tried in both.
    "bookworm": Recipe("bookworm", ("ca-certificates", "python3-venv", "systemd"), name="plain-bookworm"),
    # An npm, for a machine without one; in a folder of its own, since it has 370 packages.
    "npm": Recipe("trixie", ("ca-certificates", "npm"), name="npm"),
    # What users turn to when one machine is not enough.
    "cluster": Recipe(
        "trixie", ("etcd-server", "nats-server", "patroni", "postgresql-17", "python3-etcd"), name="cluster"
    ),
    # A Docker engine, and a Python for making images; tests/lab runs it.
    "engine": Recipe(
        "trixie",
        (
            DOCKERS_PACKAGE,
            "docker-cli",
            "docker-buildx",
            "docker-compose",
            "iptables",
            "iproute2",
            "ca-certificates",
            "python3-venv",
        ),
        name="engine-trixie",
    ),
}


def folder(version: str = "22") -> Path:
    """The folder with this Asterisk, built now if it does not exist."""
    recipe = RECIPES[version]
    _refuse_unless_root()
    place = lab()
    name = recipe.name or recipe.suite
    with locked(place / f"{name}.lock"):
        target = place / name
        if not target.exists():
            _build(recipe, target)
        elif missing := _missing_packages(recipe, target):
            _install(target, missing)
    return target


def lab() -> Path:
    """The parent of all folders."""
    place = Path(GIVEN.get("CALLMON_LAB_DIR", DEFAULT_PLACE))
    place.mkdir(parents=True, exist_ok=True)
    return place


def _refuse_unless_root() -> None:
    if os.geteuid() != 0:
        raise LabUnavailable("the lab needs root: it builds a Debian folder and runs Asterisk in it by chroot")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One builder at a time. The lock is released when its process ends, however it ends."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(recipe: Recipe, target: Path) -> None:
    _have_mmdebstrap()
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    run(
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        f"--include={','.join(recipe.packages)}",
        *recipe.options,
        recipe.suite,
        str(unfinished),
    )
    unfinished.chmod(0o755)
    unfinished.rename(target)


def _have_mmdebstrap() -> None:
    if shutil.which("mmdebstrap"):
        return
    if not shutil.which("apt-get"):
        raise LabUnavailable("the lab needs mmdebstrap, and this machine has no apt-get to install it with")
    install_here("mmdebstrap")


def install_here(*packages: str) -> None:
    """Install Debian packages on this machine itself, one caller at a time: apt does not wait for its lock."""
    with locked(lab() / "apt.lock"):
        run("apt-get", "update")
        run("apt-get", "install", "-y", "--no-install-recommends", *packages)


def _missing_packages(recipe: Recipe, target: Path) -> list[str]:
    """Packages added to the recipe after the folder was built."""
    info = target / "var/lib/dpkg/info"
    return [name for name in recipe.packages if not (info / f"{name}.list").exists()]


def _install(target: Path, packages: list[str]) -> None:
    # Packages would start their servers; in this folder only the lab starts servers.
    policy = target / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    run(*inside(target, "apt-get", "update"))
    run(*inside(target, "apt-get", "install", "-y", "--no-install-recommends", *packages))


def inside(debian: Path, *command: str) -> list[str]:
    """A command inside that folder, with a /proc of its own: mounted for that process only, gone when it ends.

    If `/` is itself the root of a chroot, mounts cannot be made private: they are as private as the host's.
    """
    private = "mount --make-rprivate / 2>/dev/null || true"
    mounted = f'{private}; mount -t proc proc "{debian}/proc" && exec chroot "{debian}" "$@"'
    return ["unshare", "--mount", "--propagation=unchanged", "sh", "-c", mounted, "sh", *command]


def run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=MINUTES_TO_BUILD * 60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabUnavailable(f"{command[0]}: {error}") from error
    if done.returncode:
        last_lines = " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])
        raise LabUnavailable(f"{' '.join(command[:3])} failed ({done.returncode}): {last_lines}")
