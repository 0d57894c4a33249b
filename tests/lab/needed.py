"""What a test does if the lab is not available."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.folder import LabUnavailable
from tests.support.environment import GIVEN

OTHERS = {
    "booted": "systemd as the first process",
    "browser": "Chromium",
    "clickhouse": "ClickHouse (chdb)",
    "cluster": "Patroni and NATS",
    "collector": "a collector of traces (Rotel)",
    "engine": "containers",
    "kubernetes": "Kubernetes' schemas",
    "mail": "Exim",
    "make": "make",
    "mariadb": "MariaDB",
    "npm": "packages of npm",
    "openssl": "openssl",
    "pango": "Pango",
    "plain": "a Debian with nothing installed",
    "postgresql": "PostgreSQL",
    "systemd": "systemd-analyze",
}


@contextmanager
def needed(version: str) -> Iterator[None]:
    """Skips the test with the reason. In CI, which must have each of them, it fails."""
    try:
        yield
    except LabUnavailable as why:
        if GIVEN.get("CALLMON_LAB") == "required":
            pytest.fail(f"CI must have {named(version)}: {why}", pytrace=False)
        pytest.skip(f"no {named(version)} here: {why}")


def needed_program(name: str) -> str:
    """The path of a program of this machine. Without it the test is skipped; in CI it fails."""
    with needed(name):
        found = shutil.which(name)
        if found is None:
            raise LabUnavailable("it is not installed")
    return found


def named(version: str) -> str:
    return OTHERS.get(version, f"real Asterisk {version}")
