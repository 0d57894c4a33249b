"""`callmon run` as the operating system sees it, and a daemon in this process at the end of a gap."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callmon.ami import events as e
from callmon.config.settings import parse
from callmon.daemon.daemon import Daemon
from callmon.site import FEATURES
from callmon.store import opening
from callmon.store.database import upgrade
from callmon.web.app import COMPRESSION
from tests.support.daemon_process import ROOT, Callmon, configuration, free_port
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import database, until


@pytest.fixture
def command(tmp_path: Path) -> Callmon:
    """The command, ready to be started; no exchange listens at its port."""
    return Callmon(tmp_path, free_port(), "secret")


@pytest.fixture
def callmon(tmp_path: Path) -> WarmCallmon:
    """The same daemon, started by a fork."""
    return WarmCallmon(tmp_path, free_port(), "secret")


def started(callmon: Callmon) -> None:
    """Until its pages are there."""
    callmon.start(until_heard=False)
    assert until(lambda: callmon.get("/")[0] == 200), callmon.log.read_text()


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signalled_daemon_stores_everything_and_ends_well(command: Callmon, number: signal.Signals) -> None:
    started(command)
    command.signal(number)
    assert command.stop() == 0
    assert command.log.read_text().splitlines()[-1].endswith("daemon: stopping all_stored=yes")


def test_a_start_that_is_refused_leaves_its_database_free(callmon: WarmCallmon) -> None:
    started(callmon)
    other = callmon.place / "other.toml"
    text = callmon.config.read_text(encoding="utf-8").replace("callmon.db", "other.db")
    other.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "callmon", "run", "--config", str(other)],
        cwd=callmon.place,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAB_SECRET": "secret"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert callmon.stop() == 0
    why = "ne peut pas être ouvert à l’écoute (adresse déjà prise); choisissez une autre adresse."
    sentence = f"web.listen : 127.0.0.1:{callmon.web_port} {why}"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, sentence)
    free = upgrade(f"sqlite:///{callmon.place}/other.db")
    with database(free):
        pass
    free.close()


def test_a_test_that_fails_leaves_no_daemon_behind(callmon: WarmCallmon) -> None:
    started(callmon)
    daemon = callmon.pid
    os.kill(daemon, signal.SIGSTOP)  # it cannot even be asked to stop
    callmon.end_everything()
    assert is_gone(daemon)


@pytest.mark.parametrize(("chosen", "series"), [("slim", 0), ("all", 48)])
def test_a_daemon_with_the_slim_series_shows_no_others(callmon: WarmCallmon, chosen: str, series: int) -> None:
    text = callmon.config.read_text(encoding="utf-8")
    assert text.count('# series = "slim"') == 1
    text = text.replace('# series = "slim"', f'series = "{chosen}"')
    callmon.config.write_text(text, encoding="utf-8")
    started(callmon)
    assert until(lambda: len(callmon.figures("callmon_calls_total")) == 168)
    assert len(callmon.figures("callmon_redirections_per_call")) == series
    assert callmon.stop() == 0


def test_the_page_for_prometheus_of_six_lines_stays_small(callmon: WarmCallmon) -> None:
    started(callmon)
    assert until(lambda: len(callmon.figures("callmon_calls_total")) == 168)
    page = callmon.get("/metrics")[1].encode()
    assert (len(page) <= 150_000, len(gzip.compress(page, COMPRESSION)) <= 15_000) == (True, True), len(page)
    assert callmon.stop() == 0


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[Daemon]:
    """A daemon in this process, connected to an exchange that says nothing."""
    with FalseExchange() as exchange:
        (folder / "secret").write_text("secret", encoding="utf-8")
        text = configuration(exchange.port, free_port(), f"sqlite:///{folder}/callmon.db")
        settings = parse(text.replace('secret_env = "LAB_SECRET"', f'secret_file = "{folder}/secret"'))
        store = await asyncio.to_thread(opening.open_for_writing, settings)
        daemon = Daemon(settings, store, FEATURES)
        running = asyncio.create_task(daemon.run())
        async with asyncio.timeout(60):
            while not any(one.connected for one in daemon.runtime.snapshot().exchanges):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield daemon
        daemon.stop()
        await running
        store.close()


async def test_no_snapshot_has_a_received_exchange_beside_its_gaps_disruption(tmp_path: Path) -> None:
    async with connected(tmp_path) as daemon:
        found = []
        lost = datetime.now(UTC)
        daemon.on_events("toronto", [e.ConnectionLost(lost)])
        for seconds in (1, 20):
            daemon.runtime.monitor.tick(lost + timedelta(seconds=seconds))
            found.append(seen(daemon))
        back = lost + timedelta(seconds=21)
        daemon.on_events("toronto", [e.CoreShowChannelsComplete(back), e.StatusComplete(back)])
        found.append(seen(daemon))
    assert found == [(False, []), (False, ["exchange"]), (True, [])]


async def test_an_internal_error_is_logged_once_a_minute_with_its_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(tmp_path) as daemon:
        daemon.on_events("toronto", ["no event", "no event", e.ConnectionLost(datetime.now(UTC))])  # type: ignore[list-item]
    reported = [record.__dict__ for record in caplog.records if "internal error" in record.message]
    assert [(line["exchange"], line["event"], line["count"]) for line in reported] == [("toronto", "str", 1)]
    assert daemon.runtime.internal_errors == 2


def seen(daemon: Daemon) -> tuple[bool, list[str]]:
    """Whether the exchange is received, and what disrupts its lines."""
    snapshot = daemon.runtime.snapshot()
    return snapshot.exchanges[0].connected, [one.source for one in snapshot.disruptions]
