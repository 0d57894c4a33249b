"""The systemd units that ship: parsed, and judged by systemd itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from tests.lab.needed import needed
from tests.lab.system import have

UNITS = files("callmon.daemon").joinpath("systemd")
UNIT = UNITS.joinpath("callmon.service")
HIGHEST_EXPOSURE = 20  # of 100; systemd calls 20 and less OK


@pytest.fixture(scope="module")
def analyze() -> str:
    with needed("systemd"):
        have("systemd judges its units", (), ("systemd",), ("systemd-analyze",))
    program = shutil.which("systemd-analyze")
    assert program is not None
    return program


class Repeated(dict[str, str]):
    """systemd lets a setting come again: the values add up."""

    def __setitem__(self, key: str, value: object) -> None:
        if isinstance(value, list) and key in self:
            value = [*self[key], *value]  # type: ignore[list-item]
        super().__setitem__(key, value)  # type: ignore[assignment]


def service() -> dict[str, list[str]]:
    parser = RawConfigParser(strict=False, dict_type=Repeated, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return {key: value.split("\n") for key, value in parser["Service"].items()}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("Type", ["notify"]),
        ("NotifyAccess", ["main"]),
        ("WatchdogSec", ["30"]),
        ("Restart", ["on-failure"]),
        ("RestartPreventExitStatus", ["2"]),
        ("ExecReload", ["/bin/sh -c 'kill -HUP \"$$MAINPID\"'"]),
        ("KillSignal", ["SIGTERM"]),
        ("KillMode", ["control-group"]),
        ("OOMPolicy", ["continue"]),
        ("DynamicUser", ["yes"]),
        ("StateDirectory", ["callmon"]),
        ("LoadCredential", ["ami.secret:/etc/callmon/ami.secret"]),
        ("NoNewPrivileges", ["yes"]),
        ("ProtectSystem", ["strict"]),
        ("PrivateTmp", ["yes"]),
        ("RestrictAddressFamilies", ["AF_INET AF_INET6 AF_UNIX"]),
        (
            "SystemCallFilter",
            ["@system-service", "~@privileged @resources", "setrlimit prlimit64 setpriority nice"],
        ),
        ("CapabilityBoundingSet", [""]),
    ],
)
def test_the_unit_says(setting: str, value: list[str]) -> None:
    assert service()[setting] == value


def test_the_unit_holds_no_secret() -> None:
    assert [
        key for key in service() if key.lower() in ("setcredential", "environmentfile", "passenvironment")
    ] == []


def test_stopping_may_last_longer_than_the_last_write_to_the_database() -> None:
    assert int(service()["TimeoutStopSec"][0]) == 45  # daemon.FLUSH_SECONDS is 30


@pytest.mark.lab
@pytest.mark.parametrize("name", ["callmon.service", "callmon-reports.service"])
def test_systemd_finds_little_exposure(tmp_path: Path, analyze: str, name: str) -> None:
    with as_file(UNITS.joinpath(name)) as unit:
        done = subprocess.run(
            [analyze, "security", "--offline=true", "--no-pager", f"--threshold={HIGHEST_EXPOSURE}", str(unit)],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)},
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")


def named(analyze: str, words: list[str]) -> set[str]:
    """The system calls of these names and sets, as systemd knows them."""
    found: set[str] = set()
    for word in words:
        if not word.startswith("@"):
            found.add(word)
            continue
        asked = [analyze, "syscall-filter", "--no-pager", word]
        reported = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True).stdout
        lines = [line.strip() for line in reported.splitlines()[1:]]
        found |= named(analyze, [line for line in lines if line and not line.startswith("#")])
    return found


CONFINED = """
import ctypes, os, resource, sys
from callmon.web.jobs import set_limits
seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
seccomp.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(0x00050000 | 1)))  # EPERM, but for
for name in sys.argv[1:]:
    number = seccomp.seccomp_syscall_resolve_name(name.encode())
    if number >= 0:
        assert seccomp.seccomp_rule_add(context, ctypes.c_uint32(0x7FFF0000), number, 0) == 0, name
assert seccomp.seccomp_load(context) == 0
set_limits(100, 1000)
print(resource.getrlimit(resource.RLIMIT_AS)[1] >> 20, os.getpriority(os.PRIO_PROCESS, 0))
"""


@pytest.mark.lab
def test_the_reports_process_is_bounded_by_the_units_filter(analyze: str) -> None:
    """With the kernel's own filter, made of the unit's names as systemd does."""
    allowed: set[str] = set()
    for line in service()["SystemCallFilter"]:
        words = named(analyze, line.lstrip("~").split())
        allowed = allowed - words if line.startswith("~") else allowed | words
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, *sorted(allowed)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout.split(), done.stderr) == (["1000", str(min(19, os.nice(0) + 10))], "")


@pytest.mark.lab
def test_systemd_understands_the_units_and_the_timers_ten_days(tmp_path: Path, analyze: str) -> None:
    names = ("callmon.service", "callmon-reports.service", "callmon-reports.timer")
    for name in names:  # where the program is not installed systemd would complain of that alone
        text = UNITS.joinpath(name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("/opt/callmon/bin/callmon", "/bin/true"), encoding="utf-8")
    where = {
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "SYSTEMD_UNIT_PATH": f"{tmp_path}:/usr/lib/systemd/system",
    }
    verified = [analyze, "verify", "--recursive-errors=no", "--man=no", *(str(tmp_path / name) for name in names)]
    done = subprocess.run(verified, capture_output=True, text=True, env=where, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    timer = (tmp_path / "callmon-reports.timer").read_text()
    (when,) = [line.partition("=")[2] for line in timer.splitlines() if line.startswith("OnCalendar=")]
    asked = [analyze, "calendar", "--iterations=12", "--base-time=2026-10-30", when]
    reported = subprocess.run(asked, capture_output=True, text=True, env=where, timeout=60).stdout
    days = re.findall(r"\w{3} (2026-1[12]-\d\d) 06:30:00", reported)
    expected = [f"2026-11-{day:02}" for day in range(1, 11)] + ["2026-12-01", "2026-12-02"]
    assert list(dict.fromkeys(days)) == expected


def test_the_reports_belong_to_the_databases_user_and_to_nobody_else() -> None:
    text = UNITS.joinpath("callmon-reports.service").read_text(encoding="utf-8")
    for line in ("DynamicUser=yes", "User=callmon", "StateDirectory=callmon callmon/reports", "UMask=0077"):
        assert f"\n{line}\n" in text
    assert "mail" not in text.partition("[Unit]")[2]
