"""callmon itself, run as by an administrator: `python -m callmon run`, in a process of its own."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPException
from pathlib import Path

from callmon.config.closed_days import ontario
from callmon.config.settings import Settings, load
from tests.lab import ports

ROOT = Path(__file__).parents[2]
ROUND_THE_CLOCK = "00:00-24:00"
OK = 200
LONGEST_START = 180.0  # seconds; 2 on an idle machine
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def free_port() -> int:
    return ports.free_port(socket.SOCK_STREAM, "127.0.0.1")


def configuration(ami_port: int, web_port: int, store: str, more: str = "") -> str:
    """The shipped example, for one exchange on loopback, open at any hour of any day: every call is judged."""
    example = (ROOT / "callmon" / "config" / "callmon.example.toml").read_text(encoding="utf-8")
    text = example.replace('url = "sqlite:///callmon.db"', f'url = "{store}"', 1)
    text = text.replace('listen = "127.0.0.1:10469"', f'listen = "127.0.0.1:{web_port}"', 1)
    text = text.replace('secret_file = "/etc/callmon/ami.secret"', 'secret_env = "LAB_SECRET"', 1)
    text = text.replace('username = "callmon"', f'username = "callmon"\nport = {ami_port}', 1)
    return text.replace("closed_days_remove = []\n", round_the_clock(), 1) + more


def round_the_clock() -> str:
    """Of the table `calendar`: open at any hour, on closed days too."""
    hours = ", ".join(f'{day} = "{ROUND_THE_CLOCK}"' for day in WEEK)
    holidays = ", ".join(map(str, closed_days_around(datetime.now(UTC))))
    return f"hours = {{ {hours} }}\nclosed_days_remove = [{holidays}]\n"


def closed_days_around(now: datetime) -> list[date]:
    """Ontario's closed days of the ten days before and after: a test whose site is open removes them."""
    days = (now.date() + timedelta(days=n) for n in range(-10, 11))
    return [day for day in days if day in ontario(day.year)]


class Callmon:
    """One `callmon run`, its configuration, and its output."""

    def __init__(self, place: Path, ami_port: int, secret: str, store: str | None = None, more: str = "") -> None:
        self.place = place
        self.web_port = free_port()
        self.store = store or f"sqlite:///{place}/callmon.db"
        self.config = place / "callmon.toml"
        self.config.write_text(configuration(ami_port, self.web_port, self.store, more), encoding="utf-8")
        self.log = place / "callmon.log"
        self.command = [sys.executable, "-m", "callmon"]
        self._environment = {**os.environ, "LAB_SECRET": secret}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Callmon:
        try:
            self.start()
        except BaseException:
            self.end_everything()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave no daemon behind, even after an error."""
        try:
            self.stop()
        finally:
            self.end_everything()

    def settings(self) -> Settings:
        return load(self.config)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, until_heard: bool = True) -> None:
        self._process = self._begin()
        if until_heard:
            self.wait_until_heard()

    def _begin(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.command, "run", "--config", str(self.config)],
                cwd=self.place,
                env={**self._environment, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )

    def wait_until_heard(self, seconds: float = LONGEST_START) -> None:
        """Wait until the exchange is connected and its listing has been processed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            if self.figure("callmon_exchange_connected", exchange="toronto") == 1.0:
                return
            time.sleep(0.05)
        raise AssertionError(f"callmon did not hear the exchange:\n{self.log.read_text()}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end_everything(self) -> None:
        """kill -9 of a daemon that is still running."""
        if self._process is not None:
            self.kill()

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self) -> int:
        """Send SIGTERM; return the exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            status = self._process.wait(120)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None
        return status

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; status 0 if no server listens, or if a kill cut the page off."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()
        except (OSError, HTTPException):
            return 0, ""

    def figures(self, name: str = "") -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of /metrics whose name begins with `name`, by name and labels."""
        from prometheus_client.parser import text_string_to_metric_families

        _, page = self.get("/metrics")
        lines = "".join(line for line in page.splitlines(keepends=True) if line.startswith(name))
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(lines)
            for sample in family.samples
        }

    def figure(self, name: str, **labels: str) -> float | None:
        return self.figures(name).get((name, frozenset(labels.items())))

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples of that name with these labels; NaN while /metrics does not answer."""
        wanted, shown = set(labels.items()), self.figures(name)
        if not shown and self.get("/metrics")[0] != OK:
            return math.nan
        return sum(value for (metric, has), value in shown.items() if metric == name and wanted <= has)

    def health(self) -> tuple[int, Mapping[str, object]]:
        status, body = self.get("/healthz")
        return status, json.loads(body or "{}")
