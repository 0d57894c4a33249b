"""The wire to an exchange: how often it is asked whether it is up."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest

from callmon.ami.connection import Exchange
from callmon.exchange_settings import ExchangeSettings

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
PINGS = 10
SOON = 30.0


class Answering:
    """A quiet exchange that says yes to everything."""

    def __init__(self) -> None:
        self.pinged = asyncio.Semaphore(0)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(BANNER)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while action := await reader.readuntil(b"\r\n\r\n"):
                is_ping = action.startswith(b"Action: Ping\r\n")
                writer.write(b"Response: Success\r\n" + b"Ping: Pong\r\n" * is_ping + b"\r\n")
                if is_ping:
                    self.pinged.release()
        writer.close()


async def test_a_quiet_exchange_is_asked_as_often_as_configured_however_long_it_may_take_to_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AMI_SECRET", "s3cret")
    exchange = Answering()
    server = await asyncio.start_server(exchange, "127.0.0.1", 0)
    told = ExchangeSettings(
        host="127.0.0.1",
        port=server.sockets[0].getsockname()[1],
        login="plain",
        secret_env="AMI_SECRET",
        ping_every=timedelta(milliseconds=20),
        ping_timeout=timedelta(hours=1),
    )
    link = await Exchange("toronto", told, lambda _: None).connect()
    try:
        async with asyncio.timeout(SOON):
            for _ in range(PINGS):
                await exchange.pinged.acquire()
    finally:
        link.close()
        await link.ended
        server.close()
