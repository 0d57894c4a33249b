"""The Docker engine of the tests: what is told where it does not run, and what it leaves behind."""

from __future__ import annotations

import subprocess

import pytest

from tests.lab.engine import Engine, EngineUnavailable
from tests.lab.needed import needed

pytestmark = pytest.mark.lab


def bridges() -> list[str]:
    """The host's network interfaces that an engine would have made."""
    reported = subprocess.run(["cat", "/proc/net/dev"], capture_output=True, text=True, check=True).stdout
    return [
        line.partition(":")[0].strip()
        for line in reported.splitlines()
        if line.strip().startswith(("docker", "br-"))
    ]


def test_an_engine_that_is_down_is_reported_in_its_own_last_line() -> None:
    with needed("engine"), pytest.raises(EngineUnavailable) as reported, Engine("--storage-driver=no-such-driver"):
        pass
    assert str(reported.value).startswith("dockerd ended: ")
    assert "no-such-driver" in str(reported.value)


def test_an_engine_leaves_no_bridge_behind() -> None:
    before = bridges()
    with needed("engine"), Engine() as engine:
        assert engine.docker("version", "--format", "{{.Server.Os}}") == "linux\n"
    assert bridges() == before
