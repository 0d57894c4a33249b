"""A broker that sends what nobody asked for: messages without an end, or very many of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest

from callmon.config.mqtt import MqttSettings
from callmon.core.statistics.today import Today
from callmon.sinks.mqtt import sink as sink_module
from callmon.sinks.mqtt.sink import Mqtt
from tests.support.hostile_peer import HostilePeer, dripping, flooding, growth_at_most, silent

Act = Callable[[socket.socket], None]
TORONTO = ZoneInfo("America/Toronto")


def length(size: int) -> bytes:
    """MQTT's remaining length: seven bits a byte."""
    said = bytearray()
    while True:
        size, low = divmod(size, 128)
        said.append(low | (0x80 if size else 0))
        if not size:
            return bytes(said)


def published(topic: bytes, payload: bytes) -> bytes:
    """A retained message of quality 0."""
    body = len(topic).to_bytes(2, "big") + topic + payload
    return b"\x31" + length(len(body)) + body


def welcoming(last: Act) -> Act:
    """Accepts the client, then does what `last` does."""

    def act(wire: socket.socket) -> None:
        wire.recv(65536)
        wire.sendall(b"\x20\x02\x00\x00")
        last(wire)
        silent(wire)

    return act


def many(topic: int, payload: int, count: int) -> Act:
    def act(wire: socket.socket) -> None:
        for n in range(count):
            wire.sendall(published(b"callmon/lines/%0*d" % (topic, n), b"x" * payload))

    return act


@pytest.mark.parametrize(
    ("last", "connections"),
    [
        (lambda wire: flooding(wire, b"\x31" + length(200 << 20) + b"\0\5topic", 40), 2),
        (many(10, 60_000, 600), 1),
        (many(32_000, 1, 2000), 1),
    ],
    ids=["200 MiB", "payloads", "topics"],
)
async def test_a_message_too_long_ends_the_connection_and_saves_memory(last: Act, connections: int) -> None:
    with HostilePeer(welcoming(last)) as peer:
        settings = MqttSettings.model_validate({"host": "127.0.0.1", "port": peer.port})
        sink = Mqtt(settings, Today(TORONTO))
        with growth_at_most():
            running = asyncio.create_task(sink.run())
            async with asyncio.timeout(60):
                while peer.connections < connections:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await asyncio.sleep(2.0)
        sink.end()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@pytest.mark.parametrize(
    "act",
    [silent, lambda wire: (wire.sendall(b"\x31" + length(60_000)), dripping(b"x")(wire))],
    ids=["silent", "slow"],
)
async def test_a_broker_that_never_accepts_the_client_is_left_in_time(act: Act) -> None:
    with HostilePeer(act) as peer:
        sink = Mqtt(MqttSettings.model_validate({"host": "127.0.0.1", "port": peer.port}), Today(TORONTO))
        with growth_at_most():
            running = asyncio.create_task(sink.run())
            async with asyncio.timeout(20):
                while peer.connections < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        assert sink.trouble() == (
            f"mqtt: 127.0.0.1:{peer.port} does not answer; check host, port and the firewall."
        )
        sink.end()
        async with asyncio.timeout(2 * sink_module.ANSWER_SECONDS):
            await running
