"""What a test does where the lab cannot be had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.folder import LabUnavailable


@contextmanager
def needed(version: str) -> Iterator[None]:
    """The test is skipped with the reason; in CI Asterisk 22 must be played, and lacking it is a failure."""
    try:
        yield
    except LabUnavailable as why:
        if os.environ.get("CALLMON_LAB") == "required" and version == "22":
            pytest.fail(f"CI must play a real Asterisk 22: {why}", pytrace=False)
        pytest.skip(f"no real Asterisk {version} here: {why}")
