"""The systemd unit that ships: parsed, and judged by systemd itself where there is one."""

from __future__ import annotations

import shutil
import subprocess
from configparser import RawConfigParser
from importlib.resources import as_file, files
from pathlib import Path

import pytest

UNIT = files("callmon").joinpath("systemd/callmon.service")
HIGHEST_EXPOSURE = 20  # of 100; systemd calls 20 and less OK


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
        ("ExecReload", ["/bin/kill -HUP $MAINPID"]),
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
        ("SystemCallFilter", ["@system-service", "~@privileged @resources"]),
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


def test_systemd_finds_little_exposure(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze here (Debian's package systemd)")
    with as_file(UNIT) as unit:
        done = subprocess.run(
            [analyze, "security", "--offline=true", "--no-pager", f"--threshold={HIGHEST_EXPOSURE}", str(unit)],
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(tmp_path)},
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")
