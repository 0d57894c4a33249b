"""The pages, asked over HTTP from a real server."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import uvicorn
from blockbuster import blockbuster_ctx
from starlette.types import ASGIApp, Receive, Scope, Send

from callmon import __version__
from callmon.core.snapshot import ExchangeStatus
from callmon.sinks.metrics.exposition import Metrics
from callmon.store.writer.committed import CommittedCounters
from callmon.web.app import Pace, WebApplication
from callmon.web.health import troubles
from tests.support.store_fixtures import EXCHANGE, Daemon, seconds
from tests.unit.test_metrics import GENERAL, ONE_CALL, Waiting

MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def served(application: ASGIApp) -> AsyncIterator[int]:
    config = uvicorn.Config(application, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    socket.listen()  # who comes before the server is up waits for it
    running = asyncio.create_task(server.serve([socket]))
    try:
        yield socket.getsockname()[1]
    finally:
        server.should_exit = True
        await running
        socket.close()


async def asked(port: int, path: str, *lines: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        *lines,
        "Content-Length: 0",
        "Connection: close",
        "",
        "",
    ]
    writer.write("\r\n".join(head).encode())
    reported, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    first, *rest = reported.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split()[1]), headers, body


async def get(port: int, path: str, accept: str = "*/*") -> tuple[int, dict[str, str], str]:
    status, headers, body = await asked(port, path, f"Accept: {accept}")
    return status, headers, body.decode()


def metrics(*heard: ExchangeStatus) -> Metrics:
    return Metrics(CommittedCounters(ONE_CALL), Daemon(heard=list(heard)), [GENERAL], [], [EXCHANGE])


@pytest.mark.parametrize(
    ("accept", "content_type", "counter"),
    [
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8", "callmon_calls_total"),
        (
            "application/openmetrics-text;version=1.0.0",
            "application/openmetrics-text; version=1.0.0",
            "callmon_calls",
        ),
    ],
)
async def test_metrics_come_in_the_format_that_was_asked_for(accept: str, content_type: str, counter: str) -> None:
    async with served(WebApplication(metrics(), list).asgi()) as port:
        status, headers, body = await get(port, "/metrics", accept)
    assert (status, headers["content-type"].startswith(content_type)) == (200, True)
    assert body.splitlines()[1] == f"# TYPE {counter} counter"
    assert body.splitlines().count("# EOF") == int("openmetrics" in accept)


async def test_prometheus_gets_a_seldom_series_at_zero_a_person_its_value() -> None:
    counters = CommittedCounters(ONE_CALL)
    application = WebApplication(Metrics(counters, Daemon(), [GENERAL], [], [EXCHANGE]), list).asgi()
    figure = ("callmon_calls_total", "general", "lost", "fr", "open")
    series = 'callmon_calls_total{line="general",outcome="lost",language="fr",hours="open"} '
    async with served(application) as port:

        async def reported(*headers: str) -> str:
            _, _, body = await asked(port, "/metrics", *headers)
            return "".join(x.removeprefix(series) for x in body.decode().splitlines() if x.startswith(series))

        of_prometheus = "X-Prometheus-Scrape-Timeout-Seconds: 10"
        before = await reported(of_prometheus)
        counters.add_figures({figure: 1.0})
        after = [await reported(), await reported(of_prometheus), await reported(of_prometheus)]
    assert (before, after) == ("", ["1", "0", "1"])


async def test_a_scrape_never_blocks_the_loop() -> None:
    async with served(WebApplication(metrics(), list).asgi()) as port:
        with blockbuster_ctx():
            status, _, _ = await get(port, "/metrics")
    assert status == 200


async def test_health_is_200_while_nothing_is_wrong() -> None:
    async with served(WebApplication(metrics(), list).asgi()) as port:
        status, _, body = await get(port, "/healthz")
    assert (status, json.loads(body)) == (
        200,
        {
            "status": "ok", "role": "leader", "troubles": [], "remarks": [], "exchanges": [],
            "version": __version__,
            "figures": {"calls_today": 0, "callbacks_open": 0, "callbacks_overdue": 0, "strangers": 0},
        },
    )  # fmt: skip


async def test_health_has_the_connection_and_the_last_event_of_each_exchange() -> None:
    at = datetime(2026, 11, 24, 13, 42, 13, 217087, tzinfo=UTC)
    heard = [ExchangeStatus(EXCHANGE, True, 5, at), ExchangeStatus("ottawa", False, 0, None)]
    async with served(WebApplication(metrics(*heard), list).asgi()) as port:
        _, _, body = await get(port, "/healthz")
    assert json.loads(body)["exchanges"] == [
        {"exchange": EXCHANGE, "connected": True, "last_event": "2026-11-24T13:42:13.217087Z"},
        {"exchange": "ottawa", "connected": False, "last_event": None},
    ]


async def test_health_is_503_with_a_sentence_for_each_trouble() -> None:
    said = ["The exchange toronto has been unheard for 61 s."]
    async with served(WebApplication(metrics(), lambda: said).asgi()) as port:
        status, headers, body = await get(port, "/healthz")
    assert (status, headers["cache-control"], json.loads(body)["troubles"]) == (503, "no-store", said)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("fr-CA, en;q=0.5", "La mesure de l’autocommutateur toronto est interrompue depuis 61 s."),
        ("en", "The exchange toronto has been unheard for 61 s."),
        ("de", "The exchange toronto has been unheard for 61 s."),
    ],
)
async def test_health_is_in_french_for_a_client_that_asks_for_it(language: str, sentence: str) -> None:
    state = ExchangeStatus(EXCHANGE, True, 0, None, seconds(61.0))
    application = WebApplication(metrics(), lambda: troubles([state], [], MINUTE, MINUTE))
    async with served(application.asgi()) as port:
        _, _, body = await asked(port, "/healthz", f"Accept-Language: {language}")
    assert json.loads(body)["troubles"] == [sentence]


async def test_a_remark_leaves_health_at_200() -> None:
    async with served(WebApplication(metrics(), list, lambda: ["mqtt: the broker is away."]).asgi()) as port:
        status, _, body = await get(port, "/healthz")
    assert (status, json.loads(body)["remarks"]) == (200, ["mqtt: the broker is away."])


@pytest.mark.parametrize(
    ("encodings", "is_compressed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip; q=1.0, identity", True),
        ("", False),
        ("gzip;q=0", False),
        ("br, gzip; q=0.00", False),
        ("x-gzip-not", False),
    ],
)
async def test_metrics_are_compressed_where_that_is_asked_for(encodings: str, is_compressed: bool) -> None:
    figures = metrics()
    async with served(WebApplication(figures, list).asgi()) as port:
        status, headers, body = await asked(port, "/metrics", f"Accept-Encoding: {encodings}")
    assert (status, headers.get("content-encoding")) == (200, "gzip" if is_compressed else None)
    assert headers["vary"] == "accept, accept-encoding"
    text = (gzip.decompress(body) if is_compressed else body).decode()
    assert text.startswith("# HELP callmon_calls_total ")


@pytest.mark.parametrize(
    ("role", "status", "text"),
    [
        ("leader", 200, "callmon is ready: leader.\n"),
        ("standby", 200, "callmon is ready: standby.\n"),
        ("waiting", 503, "callmon is not ready: waiting.\n"),
    ],
)
async def test_callmon_is_ready_when_it_leads_or_stands_by(role: str, status: int, text: str) -> None:
    async with served(WebApplication(metrics(), list, role=lambda: role).asgi()) as port:
        reported = await get(port, "/-/ready")
    assert (reported[0], reported[1]["cache-control"], reported[2]) == (status, "no-store", text)


async def test_callmon_is_healthy_whatever_is_wrong_around_it() -> None:
    async with served(
        WebApplication(metrics(), lambda: ["database: away"], role=lambda: "waiting").asgi()
    ) as port:
        status, _, body = await get(port, "/-/healthy")
    assert (status, body) == (200, "callmon is healthy.\n")


async def test_a_reload_says_what_was_refused_and_needs_permission() -> None:
    refused: list[str] = []
    said = []
    async with served(WebApplication(metrics(), list, reload=lambda: refused, reloads=Pace(0.0)).asgi()) as port:
        said.append(await asked(port, "/-/reload", method="POST"))
        refused += ["web has changed: restart callmon to change it.", "lines: …"]
        said.append(await asked(port, "/-/reload", method="POST"))
        said.append(await asked(port, "/-/reload"))
    async with served(WebApplication(metrics(), list).asgi()) as port:
        said.append(await asked(port, "/-/reload", method="POST"))
    assert [(status, body.decode()) for status, _, body in said] == [
        (200, "The configuration was applied.\n"),
        (500, "web has changed: restart callmon to change it.\nlines: …\n"),
        (405, "Method Not Allowed"),
        (403, "/-/reload is off: set web.reload = true and restart callmon.\n"),
    ]


@pytest.mark.parametrize("line", ["Origin: http://localhost", "Sec-Fetch-Site: cross-site"])
async def test_no_page_of_a_browser_reloads(line: str) -> None:
    done: list[int] = []
    async with served(WebApplication(metrics(), list, reload=lambda: done.append(1) or []).asgi()) as port:
        status, _, body = await asked(port, "/-/reload", line, method="POST")
    assert (status, body, done) == (
        403, b"/-/reload is for programs: no page of a browser may ask for it.\n", [],
    )  # fmt: skip


async def test_of_many_reloads_one_a_second_is_done() -> None:
    done: list[int] = []
    clock = [0.0]
    pace = Pace(1.0, lambda: clock[0])
    application = WebApplication(metrics(), list, reload=lambda: done.append(1) or [], reloads=pace)
    async with served(application.asgi()) as port:
        statuses = [(await asked(port, "/-/reload", method="POST"))[0] for _ in range(5)]
        clock[0] = 1.0
        statuses.append((await asked(port, "/-/reload", method="POST"))[0])
    assert (statuses, len(done)) == ([200, 429, 429, 429, 429, 200], 2)


HIDDEN = (
    "1 of these. Their details are for this machine, for the users of web.config_file, and for who is signed in."
)


@pytest.mark.parametrize(
    ("peer", "own", "headers", "is_shown"),
    [
        ("127.0.0.1", "127.0.0.1", {"host": "localhost:10469"}, True),
        ("192.0.2.5", "192.0.2.5", {"host": "192.0.2.5:10469"}, True),
        ("198.51.100.7", "192.0.2.5", {"host": "192.0.2.5:10469"}, False),
        ("198.51.100.7", "192.0.2.5", {"host": "localhost"}, False),
        ("127.0.0.1", "127.0.0.1", {"host": "evil.example"}, False),
        ("127.0.0.1", "127.0.0.1", {"host": "localhost", "x-forwarded-for": "198.51.100.7"}, False),
        ("192.0.2.5", "192.0.2.5", {"host": "192.0.2.5", "via": "1.1 proxy"}, False),
    ],
)
async def test_a_stranger_reads_how_many_faults_there_are_and_not_which(
    peer: str, own: str, headers: dict[str, str], is_shown: bool
) -> None:
    figures = metrics(ExchangeStatus(EXCHANGE, True, 0, None))
    application = WebApplication(figures, lambda: ["/var/lib/callmon"], lambda: ["10.1.2.3"]).asgi()

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        await application({**scope, "server": (own, 10469)}, receive, send)

    transport = httpx.ASGITransport(listening, client=(peer, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        reported = (await client.get("/healthz")).json()
    found = (["/var/lib/callmon"], ["10.1.2.3"], 1) if is_shown else ([HIDDEN], [HIDDEN], 0)
    assert (reported["status"], reported["troubles"], reported["remarks"], len(reported["exchanges"])) == (
        "trouble",
        *found,
    )
    assert (reported["figures"] is not None) is is_shown


@pytest.mark.parametrize(
    ("unheard_for", "sentences"),
    [(None, []), (60.0, []), (60.1, ["The exchange toronto has been unheard for 60 s."])],
)
def test_an_exchange_is_trouble_once_unheard_for_longer_than_the_setting(
    unheard_for: float | None, sentences: list[str]
) -> None:
    length = None if unheard_for is None else seconds(unheard_for)
    state = ExchangeStatus(EXCHANGE, unheard_for is None, 0, None, length)
    assert troubles([state], [], MINUTE, MINUTE) == sentences


@pytest.mark.parametrize("length", [0.1, 61.0])
def test_an_exchange_never_connected_is_trouble_once(length: float) -> None:
    state = ExchangeStatus(EXCHANGE, False, 0, None, seconds(length), was_connected=False)
    assert troubles([state], [], MINUTE, MINUTE) == [
        "The exchange toronto was never connected; `callmon doctor` gives the cause."
    ]


@pytest.mark.parametrize(("limit", "behind"), [(1.5, False), (1.4, True)])
def test_a_store_that_is_behind_says_how_far_and_why(limit: float, behind: bool) -> None:
    wait = "database: 3 outcomes wait, the oldest for 2 s: the database cannot be written: disk full."
    aside = "database: 2 outcomes were rejected by the database and skipped: see the log."
    assert troubles([], [Waiting()], MINUTE, seconds(limit)) == [wait, aside][0 if behind else 1 :]
