"""Ports of the lab: each is given to one process only, also where nobody has bound it yet."""

from __future__ import annotations

import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.lab import ports
from tests.support.daemon_process import ROOT

FIRST = 9_980  # outside the ranges of the running suite
ASKS = f"""
import socket
from tests.lab import ports
ports.FIRST, ports.LAST = {FIRST}, {FIRST} + 5
print(*sorted(ports.free_port(socket.SOCK_STREAM, "127.0.0.1") for _ in range(3)), flush=True)
input()
"""


def test_two_processes_are_never_given_the_same_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Six ports: one process takes three, so that the other is given the other three."""
    # The reservations of these two processes alone: another suite on this machine may run this test too.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ports, "_file", None)
    monkeypatch.setattr(ports, "FIRST", FIRST)
    monkeypatch.setattr(ports, "LAST", FIRST + 5)
    with subprocess.Popen(
        [sys.executable, "-c", ASKS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        theirs = [int(port) for port in other.stdout.readline().split()]
        ours = [ports.free_port(socket.SOCK_STREAM, "127.0.0.1") for _ in range(3)]
        other.communicate("\n", timeout=60)
    assert sorted([*theirs, *ours]) == list(range(FIRST, FIRST + 6))


def test_a_port_that_somebody_has_bound_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (ports.free_port(socket.SOCK_DGRAM, "127.0.0.1") for _ in range(2))
    monkeypatch.setattr(ports, "_mine", set())
    tried = iter([first, second])
    monkeypatch.setattr(secrets.SystemRandom, "randrange", lambda *_: next(tried))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", first))
        assert ports.free_port(socket.SOCK_DGRAM, "127.0.0.1") == second
