"""Traces through a real collector (Rotel), and their exemplars in a real Prometheus."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from callmon.config.traces import TraceSettings
from callmon.core.outcome import Outcome
from callmon.sinks.traces.sink import Traces
from callmon.sinks.traces.spans import trace_id
from callmon.store.database import Database, open_store, upgrade
from dashboards.source import PLACE, lint
from tests.lab.needed import needed
from tests.lab.ports import free_port
from tests.lab.prometheus import Prometheus, promtool
from tests.lab.wheel import unpacked
from tests.support.collector import Collector, attributes
from tests.support.daemon_process import Callmon
from tests.support.fake_exchange import FalseExchange
from tests.support.forked_daemon import WarmCallmon
from tests.support.store_fixtures import EXCHANGE, RING, answered_call, outcomes, until, write_key_file, wrote

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
ROTEL = "322a830deed963dd5dcc460007e917eec071c5977e51c3a06029348f39e4eec9"
BUCKETS = ("callmon_rings_before_answer_bucket", "callmon_answer_wait_seconds_bucket")


class Exemplars(Prometheus):
    """A Prometheus that scrapes callmon, with or without storage for exemplars."""

    def __init__(self, callmon: Callmon, has_storage: bool) -> None:
        super().__init__(f"127.0.0.1:{callmon.web_port}", ())
        self._has_storage = has_storage

    def options(self) -> list[str]:
        return [*super().options(), *(["--enable-feature=exemplar-storage"] if self._has_storage else [])]

    def found(self, metric: str) -> list[Any]:
        now = datetime.now(UTC).timestamp()
        asked = f"query={quote(metric)}&start={now - 600}&end={now + 60}"
        answer = self.get(f"/api/v1/query_exemplars?{asked}")
        assert answer["status"] == "success"
        return [one for series in answer["data"] for one in series["exemplars"]]


@contextmanager
def rotel(target: str) -> Iterator[str]:
    """The collector's address. It passes what it receives on to `target`."""
    with needed("collector"):
        agent = unpacked("rotel==0.0.1a15", ROTEL) / "rotel" / "rotel-agent"
    agent.chmod(0o755)
    http, grpc = (f"127.0.0.1:{free_port(socket.SOCK_STREAM, '127.0.0.1')}" for _ in range(2))
    command = [
        str(agent),
        "start",
        "--otlp-http-endpoint",
        http,
        "--otlp-grpc-endpoint",
        grpc,
        "--exporter",
        "otlp",
    ]
    command += ["--otlp-exporter-endpoint", target.removesuffix("/v1/traces"), "--otlp-exporter-protocol", "http"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"http://{http}"
        finally:
            process.terminate()


def recent(count: int) -> list[Outcome]:
    """Answered calls that ended within the last minutes."""
    start = datetime.now(UTC) - timedelta(minutes=5)
    return [outcome for n in range(count) for outcome in outcomes(answered_call(n, start))]


def test_a_real_collector_takes_the_traces_and_passes_them_on(sqlite_store: Database) -> None:
    given = recent(3)
    wrote(sqlite_store, *given)
    with Collector() as behind, rotel(behind.endpoint) as endpoint:
        settings = TraceSettings(endpoint=endpoint)
        traces = Traces(lambda: settings, sqlite_store, lambda: True)
        for outcome in given:
            traces.offer(outcome)
        assert until(traces.send_all)
        assert until(lambda: len(behind.spans) == 18)
    assert behind.traces() == {trace_id(EXCHANGE, f"{1795527733 + n}.{n}") for n in range(3)}
    roots = [span for span in behind.spans if not span.parent_span_id]
    assert {(span.name, attributes(span)["callmon.outcome"], len(span.events)) for span in roots} == {
        ("call", "answered", 3)
    }


def asked_by_board() -> str:
    """What the board asks for where it shows exemplars, of every line and language."""
    board = json.loads((PLACE / "en" / "standards.json").read_text("utf-8"))
    panels = [panel for panel in lint.opened(board)["panels"] if panel.get("targets")]
    (text,) = [x["expr"] for panel in panels for x in panel["targets"] if x.get("exemplar")]
    return re.sub(r"\$(?!1)\w+", ".*", text.replace("$__interval", "1h"))


@contextmanager
def with_exemplars(place: Path) -> Iterator[Callmon]:
    """A daemon that has sent the traces of three calls to a collector."""
    database = place / "callmon.db"
    upgrade(f"sqlite:///{database}", RING).close()
    write_key_file(database)
    store = open_store(f"sqlite:///{database}", RING)
    wrote(store, *recent(3))
    store.close()
    with Collector() as collector, FalseExchange() as exchange:
        more = f'\n[traces]\nendpoint = "{collector.endpoint}"\n'
        with WarmCallmon(place, exchange.port, "secret", more=more) as callmon:
            assert until(lambda: len(collector.traces()) == 3)
            yield callmon


def test_exemplars_show_in_prometheus_where_it_stores_them(tmp_path: Path) -> None:
    traces = {trace_id(EXCHANGE, f"{1795527733 + n}.{n}").hex() for n in range(3)}
    with with_exemplars(tmp_path) as callmon:
        request = Request(f"http://127.0.0.1:{callmon.web_port}/metrics", headers={"Accept": OPENMETRICS})
        with urlopen(request) as answer:
            page = answer.read().decode()
        assert page.count("trace_id") == len(BUCKETS)
        done = promtool("check", "metrics", read=callmon.get("/metrics")[1])
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        with Exemplars(callmon, True) as storing, Exemplars(callmon, False) as plain:
            for metric in BUCKETS:
                assert until(lambda metric=metric: len(storing.found(metric)) == 1)
                assert {one["labels"]["trace_id"] for one in storing.found(metric)} <= traces
            assert storing.found(asked_by_board()) == storing.found(BUCKETS[0])
            assert until(lambda: plain.get("/api/v1/query?query=callmon_calls_total")["data"]["result"] != [])
            assert [plain.found(metric) for metric in BUCKETS] == [[], []]
