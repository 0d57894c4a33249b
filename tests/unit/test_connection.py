"""The wire to an exchange: how often it is asked whether it is up, and what its bytes add to /metrics."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from callmon.ami import session
from callmon.ami.connection import ExchangeClient
from callmon.ami.flight_recorder import FlightRecorder
from callmon.config.exchange import ExchangeSettings
from callmon.daemon.exchanges import ExchangeTask, always_listening
from tests.support import simulated_exchange
from tests.support.hostile_peer import HostilePeer, dripping, growth_at_most, silent

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
NEITHER_EVENT_NOR_ANSWER = b"what is this\r\n\r\n"
PINGS = 10
SOON = 30.0
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
READS = 8
PIECE = BANNER + b"Event: VarSet\r\nValue: %s\r\n\r\n" % (b"x" * 1024)
JITTER = 0.001  # of the two clocks


class Answering:
    """A quiet exchange that says yes to everything. It closes all connections but the last of so many."""

    def __init__(self, greeting: bytes = BANNER, connections: int = 1) -> None:
        self.pinged = asyncio.Semaphore(0)
        self._greeting, self._connections = greeting, connections

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections -= 1
        writer.write(self._greeting)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while action := await reader.readuntil(b"\r\n\r\n"):
                is_ping = action.startswith(b"Action: Ping\r\n")
                writer.write(b"Response: Success\r\n" + b"Ping: Pong\r\n" * is_ping + b"\r\n")
                if is_ping:
                    self.pinged.release()
                    if self._connections > 0:
                        break
        writer.close()


@asynccontextmanager
async def at_loopback(exchange: Serve, **more: Any) -> AsyncIterator[ExchangeSettings]:
    """The settings that reach it."""
    server = await asyncio.start_server(exchange, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield ExchangeSettings(host="127.0.0.1", port=port, login="plain", secret_env="AMI_SECRET", **more)
    finally:
        server.close()


async def test_a_quiet_exchange_is_asked_as_often_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMI_SECRET", "s3cret")
    exchange = Answering()
    often = {"ping_every": timedelta(milliseconds=20), "ping_timeout": timedelta(hours=1)}
    async with at_loopback(exchange, **often) as reported:
        link = await ExchangeClient("toronto", reported, lambda _: None).connect()
        try:
            async with asyncio.timeout(SOON):
                for _ in range(PINGS):
                    await exchange.pinged.acquire()
        finally:
            link.close()
            await link.ended


async def test_a_stream_is_read_at_most_forty_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMI_SECRET", "s3cret")
    received, reads = asyncio.Semaphore(0), list[tuple[int, float]]()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(READS):  # each piece is sent once the piece before was read
            writer.write(PIECE)
            await received.acquire()
        writer.close()

    def read(data: bytes, now: float) -> None:
        reads.append((len(data), now))
        received.release()

    async with at_loopback(stream) as reported, asyncio.timeout(SOON):
        link = await ExchangeClient("toronto", reported, lambda _: None, read).connect()
        await link.ended
    assert [size for size, _ in reads] == [len(PIECE)] * READS
    gaps = [later - earlier for (_, earlier), (_, later) in pairwise(reads)]
    assert min(gaps) >= 0.025 - JITTER


async def test_messages_not_understood_count_as_unusable_on_the_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AMI_SECRET", "s3cret")
    exchange = Answering(BANNER + NEITHER_EVENT_NOR_ANSWER, connections=2)
    monitor = simulated_exchange.SimulatedExchange(datetime(2026, 11, 24, 15, tzinfo=UTC)).monitor
    async with at_loopback(exchange) as reported:
        listener = ExchangeClient("toronto", reported, lambda _: None)
        task = asyncio.create_task(always_listening(listener, lambda: None))
        seen = ExchangeTask(listener, FlightRecorder(tmp_path), task)
        try:
            async with asyncio.timeout(SOON):
                for _ in range(2):  # a connection pings once it has read its greeting
                    await exchange.pinged.acquire()
            assert seen.status(monitor).unusable == {"too_large": 0, "not_understood": 2, "too_many_channels": 0}
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def letter_by_letter(wire: socket.socket) -> None:
    for letter in BANNER:
        wire.sendall(bytes([letter]))
        time.sleep(0.2)


@pytest.mark.parametrize(
    "act",
    [silent, letter_by_letter, lambda wire: (wire.sendall(BANNER), dripping(b"A")(wire))],
    ids=["silent", "slow banner", "slow answer"],
)
async def test_an_exchange_that_never_answers_the_login_is_left_in_time(
    act: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMI_SECRET", "s3cret")
    monkeypatch.setattr(session, "GREETING_TIMEOUT", 1.0)
    with HostilePeer(act) as peer:
        settings = ExchangeSettings(host="127.0.0.1", port=peer.port, login="plain", secret_env="AMI_SECRET")
        with growth_at_most():
            async with asyncio.timeout(5.0):
                link = await ExchangeClient("toronto", settings, lambda _: None).connect()
                await link.ended
    assert str(link.session.failure) == (
        "Exchange toronto did not greet or answer the login in time; check that host and port are the AMI's."
    )
