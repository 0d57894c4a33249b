"""A Debian folder that is booted: systemd is the first process of it, with namespaces and a cgroup of its own.

The network is the host's. It needs root, and a cgroup of version 2. What the machine refuses is in LabUnavailable.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.lab.folder import LabUnavailable
from tests.lab.processes import begin, end
from tests.support.store_fixtures import until

# A unit's credentials are a mount that must propagate: hence rshared.
BOOT = Path(__file__).with_name("boot.sh").read_text("utf-8")
CGROUP = "callmon-lab-"  # then the name of the folder's place
POWER_OFF = signal.SIGRTMIN + 4


class Booted:
    """``with Booted(folder) as machine:``; `machine.enter` begins a command that runs in it."""

    def __init__(self, place: Path) -> None:
        self._place, self._log = place, place.with_name(f"{place.name}.log")

    def __enter__(self) -> Booted:
        cgroups = _cgroups()
        for left in cgroups.glob(f"{CGROUP}*"):
            if not self._place.with_name(left.name.removeprefix(CGROUP)).exists():
                _remove(left)  # of a killed run
        self._cgroup = cgroups / f"{CGROUP}{self._place.name}"
        self._cgroup.mkdir()
        self._process = begin(["sh", "-c", BOOT, "sh", str(self._place), str(self._cgroup)], self._log, "KILL")
        if until(lambda: self._process.poll() is not None or self._is_up()) and self._first():
            return self
        reported = self._log.read_text(errors="replace")[-300:]
        self.__exit__()
        raise LabUnavailable(f"systemd does not boot in a folder: {reported}")

    def __exit__(self, *_: object) -> None:
        for pid in self._first():
            os.kill(pid, POWER_OFF)
        end(self._process, signal.SIGCONT)
        self._log.unlink()
        until(self._is_gone)

    @property
    def enter(self) -> list[str]:
        (pid,) = self._first()
        return ["nsenter", "-t", str(pid), "-p", "-m", "-u", "-i", "-C"]

    def _first(self) -> list[int]:
        """The process number of systemd here; none before it is begun, or when it has ended."""
        pid = self._process.pid
        with suppress(OSError):
            return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []

    def _is_up(self) -> bool:
        """Before the folder is the root, `systemctl` would be the host's: hence /run/lab."""
        asked = "test -e /run/lab && systemctl is-system-running --wait"
        if not self._first():
            return False
        done = subprocess.run([*self.enter, "sh", "-c", asked], capture_output=True, text=True)
        return done.stdout in ("running\n", "degraded\n")  # no kernel modules can be loaded from a folder

    def _is_gone(self) -> bool:
        """The cgroup is busy until the kernel has taken the last process away."""
        _remove(self._cgroup)
        return not self._cgroup.exists()


def _remove(cgroup: Path) -> None:
    """Removes it and all below it, unless a process is in it."""
    with suppress(OSError):
        folders = sorted((x for x in cgroup.rglob("*") if x.is_dir()), reverse=True)
        for folder in (*folders, cgroup):
            folder.rmdir()


def _cgroups() -> Path:
    """Where cgroups of version 2 are mounted."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2" and os.access(place, os.W_OK):
            return Path(place)
    raise LabUnavailable("systemd does not boot in a folder: no cgroup of version 2 can be written here")
