"""What a test does where the lab cannot be had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.folder import LabUnavailable

OTHERS = {
    "browser": "Chromium",
    "engine": "containers",
    "mariadb": "MariaDB",
    "pango": "Pango",
    "postgresql": "PostgreSQL",
}
MUST = {"22", "browser", "pango", "postgresql"}


@contextmanager
def needed(version: str) -> Iterator[None]:
    """The test is skipped with the reason; in CI what `MUST` names has to be there: that is a failure."""
    try:
        yield
    except LabUnavailable as why:
        if os.environ.get("CALLMON_LAB") == "required" and version in MUST:
            pytest.fail(f"CI must have {named(version)}: {why}", pytrace=False)
        pytest.skip(f"no {named(version)} here: {why}")


def named(version: str) -> str:
    return OTHERS.get(version, f"real Asterisk {version}")
