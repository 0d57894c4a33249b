"""Where a webhook may lead: an address is checked, and the connection goes to that very address."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import repeat
from typing import Any

import httpcore
import pytest
import trustme

from callmon.features.webhooks.http import BoundedStream, DeliveryError, addresses_of, post, refuse_private
from tests.support.webhook_receiver import Receiver

REFUSED = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "2001:db8::1"),
    # IPv4 within IPv6: mapped, compatible, translated (NAT64, both blocks), 6to4, Teredo.
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b::808:808", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:808:808::1", "2001::7f00:1", "100::1"),
)
ALLOWED = ("8.8.8.8", "198.41.0.4", "172.32.0.1", "192.167.255.255", "2606:4700::1111", "2a00:1450::1")
PUBLIC = "198.41.0.4"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which a connection is asked for. Each leads to this machine."""
    found, connect = list[str](), httpcore.AnyIOBackend.connect_tcp

    async def connect_here(network: Any, host: str, *more: Any, **options: Any) -> Any:
        found.append(host)
        return await connect(network, "127.0.0.1", *more, **options)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_here)
    return found


def names(*answers: list[str]) -> Callable[[str, int], Any]:
    """A DNS that gives these answers, one after the other."""
    left = list(answers)

    async def resolve(host: str, port: int) -> list[str]:
        return left.pop(0)

    return resolve


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(DeliveryError, match=r"^private$"):
        refuse_private(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_a_public_address_is_allowed(address: str) -> None:
    refuse_private(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "0", "0177.0.0.1"]
)
async def test_this_machine_is_reached_in_no_spelling(host: str) -> None:
    with Receiver() as receiver:
        with pytest.raises(DeliveryError, match=r"^(private|no_connection)$"):
            await post(f"http://{host}:{receiver.port}/", {}, b"", False)
        assert receiver.received == []


async def test_the_connection_goes_to_the_address_that_was_checked(asked: list[str]) -> None:
    """A DNS that answers otherwise when it is asked again leads nowhere: it is asked once."""
    with Receiver() as receiver:
        url = f"http://hook.example:{receiver.port}/"
        answer = await post(url, {}, b"", False, names([PUBLIC], ["127.0.0.1"]))
        assert (answer.status, asked, len(receiver.received)) == (204, [PUBLIC], 1)
        assert receiver.received[0].headers["host"] == f"hook.example:{receiver.port}"


@pytest.mark.parametrize("answer", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC]], ids=str)
async def test_one_private_address_among_the_answers_refuses_all(answer: list[str], asked: list[str]) -> None:
    with Receiver() as receiver:
        with pytest.raises(DeliveryError, match=r"^private$"):
            await post(f"http://hook.example:{receiver.port}/", {}, b"", False, names(answer))
        assert (asked, receiver.received) == ([], [])


async def test_a_private_address_is_reached_where_it_is_allowed() -> None:
    with Receiver() as receiver:
        answer = await post(receiver.url, {}, b"x", True)
        assert (answer.status, [x.body for x in receiver.received]) == (204, [b"x"])


@pytest.mark.parametrize(("name", "given"), [("hook.example", 200), ("other.example", "certificate")])
async def test_a_certificate_must_be_of_the_name(
    name: str, given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    received = list[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", ssl=server)
    port = listening.sockets[0].getsockname()[1]
    async with listening:
        found: object
        try:
            found = (await post(f"https://{name}:{port}/x", {}, b"", True, names(["127.0.0.1"]))).status
        except DeliveryError as error:
            found = error.code
    assert (found, len(received)) == (given, given == 200)


CONTINUE, GONE = b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\nGone"


@pytest.mark.parametrize(
    ("said", "given"),
    [
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000], "not_http"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"], "not_http"),
        ([b"SSH-2.0-OpenSSH_9.6\r\n\r\n"], "not_http"),
        ([b"HTTP/1.1 200 OK\r\n"], "not_http"),
        ([], "not_http"),
        ([CONTINUE * 20 + GONE], (410, b"Gone")),
        ([CONTINUE * 20, GONE[:9], GONE[9:]], (410, b"Gone")),
        ([CONTINUE * 21 + GONE], "not_http"),
        ([CONTINUE.replace(b"\r", b"") * 21 + GONE], "not_http"),
        (repeat(CONTINUE * 1000), "not_http"),
    ],
    ids=["long", "long and whole", "other protocol", "cut off", "nothing", "20 before", "20 and parts",
         "21 before", "21 lines without a return", "no final answer"],
)  # fmt: skip
async def test_an_answer_is_bounded_and_must_be_http(said: Iterable[bytes], given: object) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            for part in said:
                writer.write(part)
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1") as listening:
        port = listening.sockets[0].getsockname()[1]
        found: object
        try:
            found = (await post(f"http://127.0.0.1:{port}/", {}, b"", True))[:2]
        except DeliveryError as error:
            found = error.code
    assert found == given


class Received(httpcore.AsyncNetworkStream):
    """Twenty heads that came at once."""

    async def read(self, *_: Any, **options: Any) -> bytes:
        return CONTINUE * 20


async def test_of_heads_that_came_at_once_each_leaves_the_event_loop_its_turn() -> None:
    turns, stream = [], BoundedStream(Received())

    async def take_turns() -> None:
        while True:
            turns.append(len(turns))
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    assert [await stream.read(99) for _ in range(20)] == [CONTINUE] * 20
    other.cancel()
    assert len(turns) == 20


async def test_a_name_is_resolved_to_each_of_its_addresses_once() -> None:
    assert "127.0.0.1" in await addresses_of("localhost", 80)
