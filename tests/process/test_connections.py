"""HTTP connections that strangers open and keep: a real callmon, its server alone, and the limits alone."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from callmon.tools.demo.exchange import DemoExchange, Listener
from callmon.web import server as server_module
from callmon.web.server import (
    FEWEST,
    LEFT_FOR_OTHERS,
    MOST,
    MOST_OF_AN_ADDRESS,
    Connections,
    Exhausted,
    Server,
    listening,
    most_connections,
)
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import until

MANY = DESCRIPTORS = 4_096  # idle connections; LimitNOFILE of the systemd unit
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
GET = HALF_A_HEAD.replace(b"/healthz", b"/") + b"\r\n"
NO_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
PATIENCE = 60.0


class Toronto:
    """The demonstration's exchange, in a thread."""

    def __init__(self) -> None:
        self._loop, self._exchange = asyncio.new_event_loop(), DemoExchange()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Toronto:
        self._thread.start()
        self._do(self._exchange.__aenter__())
        self.port, self.secret = self._exchange.port, self._exchange.secret
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._exchange.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def listeners(self) -> set[Listener]:
        return set(self._exchange.listeners)

    def cut(self) -> None:
        """Every connection to it."""
        self._do(self._cut())

    async def _cut(self) -> None:
        for listener in list(self._exchange.listeners):
            listener.close()

    def _do(self, what: Coroutine[Any, Any, object]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(PATIENCE)


@contextmanager
def descriptors(most: int) -> Iterator[None]:
    """That soft limit, for processes that are started meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_connected(callmon: WarmCallmon) -> bool:
    return callmon.figure("callmon_exchange_connected", exchange="toronto") == 1.0


@pytest.mark.parametrize("begun", [b"", HALF_A_HEAD, NO_BODY], ids=["nothing", "half a head", "no body"])
def test_thousands_of_idle_connections_leave_health_exchange_and_log_alone(tmp_path: Path, begun: bytes) -> None:
    with Toronto() as toronto, ExitStack() as opened:
        callmon = WarmCallmon(tmp_path, toronto.port, toronto.secret)
        with descriptors(DESCRIPTORS):
            opened.enter_context(callmon)
        before = len(callmon.log.read_text().splitlines())
        for _ in range(MANY):
            idle = opened.enter_context(
                socket.create_connection(("127.0.0.1", callmon.web_port), timeout=PATIENCE)
            )
            idle.sendall(begun)
        assert callmon.health()[0] == 200
        assert len(os.listdir(f"/proc/{callmon.pid}/fd")) < DESCRIPTORS - 2 * MOST
        first = toronto.listeners
        toronto.cut()
        assert until(lambda: len(toronto.listeners - first) == 1 and is_connected(callmon))
        reported = callmon.log.read_text().splitlines()[before:]
    # A request without its body is answered, and closed after 5 s: a slow machine never reaches the limit.
    least = 0 if begun == NO_BODY else 1
    assert least <= len([line for line in reported if "HTTP" in line]) <= 1
    assert len(reported) < 10


WRONG = (b"nonsense\r\n\r\n", GET[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")


def test_requests_that_are_none_cause_one_line_of_log_a_minute(tmp_path: Path) -> None:
    with Toronto() as toronto, WarmCallmon(tmp_path, toronto.port, toronto.secret) as callmon:
        before = len(callmon.log.read_text().splitlines())
        for sent in WRONG * 30:
            with socket.create_connection(("127.0.0.1", callmon.web_port), timeout=PATIENCE) as wire:
                wire.sendall(sent)
                assert wire.recv(20).startswith(b"HTTP/1.1 ")
        reported = callmon.log.read_text().splitlines()[before:]
    lines = [line.partition(" ")[2] for line in reported]
    why = "Invalid HTTP request received."
    assert lines == [f'WARNING web: refused invalid HTTP requests why="{why}" count=1']


# ── the server alone ──


async def reported(_request: Request) -> Response:
    return PlainTextResponse("told")


async def taken(request: Request) -> Response:
    return Response(await request.body())


async def live(_request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"."
            await asyncio.sleep(server_module.HEAD_SECONDS / 2)

    return StreamingResponse(parts())


PAGES = [Route("/", reported), Route("/", taken, methods=["POST"]), Route("/live", live)]


@asynccontextmanager
async def served(tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    wire, server = listening("127.0.0.1:0"), Server(Starlette(routes=PAGES), (), lambda: tls)
    running = asyncio.create_task(server.serve([wire]))
    port: int = wire.getsockname()[1]
    try:
        yield port
    finally:
        server.stop()
        await running
        asyncio.get_running_loop().set_exception_handler(None)


async def rest(port: int, *sent: bytes) -> bytes:
    """All that comes until the server ends the connection; `sent` in turn, each after an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    async with asyncio.timeout(PATIENCE):
        for part in sent[:-1]:
            writer.write(part)
            got += await reader.readuntil(b"told")
        writer.write(sent[-1])
        try:
            got += await reader.read()
        except ConnectionResetError:
            got += b" reset"
    writer.close()
    return got


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server_module, "BODY_SECONDS", 0.2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("sent", [(b"",), (HALF_A_HEAD,), (NO_BODY,), (GET, HALF_A_HEAD), (GET, NO_BODY)])
async def test_a_request_that_never_becomes_whole_is_ended_at_its_time_limit(sent: tuple[bytes, ...]) -> None:
    async with served() as port:
        got = await rest(port, *sent)
    assert got.count(b"HTTP/1.1 200 OK") == len(sent) - 1


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", GET])
async def test_an_unfinished_tls_handshake_ends_at_its_time_limit(sent: bytes) -> None:
    async with served(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port:
        assert b"HTTP/1.1" not in await rest(port, sent)


@pytest.mark.usefixtures("short")
async def test_an_answer_may_last_longer_than_the_time_limits() -> None:
    async with served() as port:
        got = await rest(
            port, GET.replace(b"GET / ", b"GET /live ").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        )
    assert got.count(b"\r\n.\r\n") == 6


async def test_one_connection_serves_several_requests() -> None:
    async with served() as port:
        last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        got = await rest(port, GET, GET, last)
    assert got.count(b"HTTP/1.1 200 OK") == 3


async def test_a_lack_of_descriptors_is_logged_once_other_errors_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(Exhausted())
    for _ in range(100):
        error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        loop.call_exception_handler({"message": "socket.accept() out of system resource", "exception": error})
    for _ in range(2):
        loop.call_exception_handler({"message": "another", "exception": OSError(errno.EIO, "input")})
    loop.set_exception_handler(None)
    assert [record.getMessage().splitlines()[0] for record in caplog.records] == [
        "web: cannot accept connections",
        "another",
        "another",
    ]


# ── the limits ──


class Open:
    """A connection."""

    def __init__(self) -> None:
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


def opened(limits: Connections, address: str, count: int, is_idle: bool = True) -> list[Open]:
    """Those of `count` that were admitted."""
    made = []
    for _ in range(count):
        connection = Open()
        if limits.admit(connection, address):
            made.append(connection)
            if is_idle:
                limits.idle(connection)
    return made


def limits(most: int = MOST) -> Connections:
    return Connections(most, lambda address: address == "127.0.0.1")


def test_above_an_address_limit_its_longest_idle_connection_is_aborted() -> None:
    all_ = limits()
    others, mine = opened(all_, "192.0.2.1", 3), opened(all_, "192.0.2.7", MOST_OF_AN_ADDRESS + 2)
    assert [connection.is_aborted for connection in mine] == [True] * 2 + [False] * MOST_OF_AN_ADDRESS
    assert [connection.is_aborted for connection in others] == [False] * 3
    assert len(all_) == MOST_OF_AN_ADDRESS + 3


def test_an_answered_connection_is_not_aborted_and_a_new_one_is_refused() -> None:
    all_ = limits()
    mine = opened(all_, "192.0.2.7", MOST_OF_AN_ADDRESS + 2, is_idle=False)
    assert (len(mine), any(connection.is_aborted for connection in mine)) == (MOST_OF_AN_ADDRESS, False)
    all_.close(mine[0])
    assert len(opened(all_, "192.0.2.7", 2, is_idle=False)) == 1


def test_a_connection_that_becomes_busy_is_no_longer_idle() -> None:
    all_ = limits()
    first, second, *_ = opened(all_, "192.0.2.7", MOST_OF_AN_ADDRESS)
    all_.busy(first)
    opened(all_, "192.0.2.7", 1)
    assert (first.is_aborted, second.is_aborted) == (False, True)


def test_a_trusted_address_has_all_but_those_that_are_left_for_others() -> None:
    all_ = limits()
    assert len(opened(all_, "127.0.0.1", MOST, is_idle=False)) == MOST - LEFT_FOR_OTHERS
    assert len(opened(all_, "192.0.2.7", MOST, is_idle=False)) == MOST_OF_AN_ADDRESS


def test_above_the_total_limit_the_longest_idle_connection_is_aborted() -> None:
    all_ = limits(100)
    made = [one for host in range(60) for one in opened(all_, f"192.0.2.{host}", 2)]
    assert [one.is_aborted for one in made] == [True] * 20 + [False] * 100
    assert len(all_) == 100


@pytest.mark.parametrize(
    ("limit", "most"),
    [(resource.RLIM_INFINITY, MOST), (4_096, MOST), (1_512, MOST), (1_024, 512), (512, FEWEST), (64, FEWEST)],
)
def test_as_many_connections_are_allowed_as_leave_descriptors_for_the_rest(limit: int, most: int) -> None:
    assert most_connections(limit) == most
