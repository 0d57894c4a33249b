"""A callmon that stands by while no callmon leads: another session of PostgreSQL holds the right to write."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import psycopg
import pytest

from callmon.daemon.standby import LEARNS, STANDS_BY
from callmon.store.database import Database
from callmon.store.writer.write_lock import TAKE
from callmon.tools.demo.exchange import DemoExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


@contextmanager
def exchange() -> Iterator[DemoExchange]:
    """The demonstration's exchange, in a thread."""
    began: SimpleQueue[tuple[DemoExchange, asyncio.AbstractEventLoop, asyncio.Event]] = SimpleQueue()

    async def play() -> None:
        async with DemoExchange() as played:
            over = asyncio.Event()
            began.put((played, asyncio.get_running_loop(), over))
            await over.wait()

    thread = threading.Thread(target=asyncio.run, args=(play(),))
    thread.start()
    played, loop, over = began.get(timeout=120)
    try:
        yield played
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@contextmanager
def holding_the_lead(url: str) -> Iterator[tuple[int, threading.Event]]:
    """The number of a session that has the lead, and says so until it is over: a silent one would be ended."""
    other, over = psycopg.connect(url, autocommit=True, application_name="psql"), threading.Event()
    assert other.execute((TAKE % "NULL").encode()).rowcount == 1

    def talk() -> None:
        with other:
            while not over.wait(0.5):
                other.execute("SELECT 1")

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield other.info.backend_pid, over
    finally:
        over.set()
        thread.join()


def test_health_is_503_while_no_callmon_leads_and_ok_once_one_does(store: Database, tmp_path: Path) -> None:
    plain = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with holding_the_lead(plain) as (session, over), exchange() as played:
        url = store.url.render_as_string(hide_password=False)
        callmon = WarmCallmon(tmp_path, played.port, played.secret, url)
        config = callmon.config.read_text(encoding="utf-8")
        callmon.config.write_text(config.replace('behind_after = "30s"', 'behind_after = "1s"'), encoding="utf-8")
        with callmon:
            held = f"session {session} of role postgres, application psql, from 127.0.0.1"
            assert until(lambda: callmon.health()[0] == 503)
            reported = callmon.health()[1]
            remark, trouble = f" PostgreSQL names the holder of the lease: {held}.", reported["troubles"]
            assert isinstance(trouble, list)
            assert [remark in sentence for sentence in trouble] == [True]
            assert reported["remarks"] == [STANDS_BY + remark, LEARNS]
            assert callmon.figure("callmon_leader") == 0.0
            over.set()
            assert until(lambda: callmon.health()[0] == 200)
            assert until(lambda: callmon.figure("callmon_leader") == 1.0)
