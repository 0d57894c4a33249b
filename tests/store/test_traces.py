"""What a collector receives of the ended calls, and what happens while it is away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import parse_headers
from pathlib import Path
from socket import create_server
from threading import Thread
from time import sleep, thread_time
from typing import Any, Protocol

import msgspec
import pytest

from callmon.config.settings import example_text, parse
from callmon.config.traces import TraceSettings
from callmon.core import facts as f
from callmon.core.outcome import Outcome
from callmon.daemon.runtime import Runtime
from callmon.errors import ConfigError
from callmon.sinks.traces import otlp
from callmon.sinks.traces import sink as module
from callmon.sinks.traces.sink import Traces
from callmon.sinks.traces.spans import trace_id
from callmon.store.database import Database
from callmon.store.tables import FACT
from callmon.tools.check_remarks import check_remarks
from tests.support.collector import Collector, attributes
from tests.support.store_fixtures import (
    EXCHANGE,
    SOON,
    STANDARDS,
    START,
    answered_call,
    of_calls,
    outcomes,
    until,
    wrote,
)

NOBODY = "http://127.0.0.1:9/v1/traces"
TEN_MINUTES = 600


def sink(store: Database, endpoint: str, **more: Any) -> Traces:
    settings = TraceSettings(endpoint=endpoint, **more)
    return Traces(lambda: settings, store, lambda: True)


def offered(traces: Traces, given: Iterable[Outcome]) -> Traces:
    for outcome in given:
        assert traces.offer(outcome)
    return traces


def sent(store: Database, collector: Collector, given: list[Outcome], **more: Any) -> Traces:
    wrote(store, *given)
    traces = offered(sink(store, collector.endpoint, **more), given)
    traces.send_all()
    return traces


class Running(Protocol):
    def __call__(self, endpoint: str, leads: bool = True) -> AbstractContextManager[Traces]: ...


@pytest.fixture
def fast(store: Database, monkeypatch: pytest.MonkeyPatch) -> Running:
    """The sink with its thread, whose pauses are a thousandth."""
    monkeypatch.setattr(module, "EVERY_SECONDS", module.EVERY_SECONDS / 1000)
    monkeypatch.setattr(module, "LONGEST_WAIT", module.LONGEST_WAIT / 1000)

    @contextmanager
    def running(endpoint: str, leads: bool = True) -> Iterator[Traces]:
        settings = [TraceSettings(endpoint=endpoint)]
        traces = Traces(lambda: settings[0], store, lambda: leads)
        traces.start_thread()
        yield traces
        settings[0] = TraceSettings()  # the thread ends
        assert traces._thread is not None
        traces._thread.join(SOON)

    return running


def test_a_call_is_one_trace_with_its_parts(store: Database) -> None:
    with Collector() as collector:
        traces = sent(store, collector, outcomes(answered_call(0)))
    (root, *parts) = collector.spans
    assert (root.name, root.kind, root.parent_span_id) == ("call", 2, b"")
    assert [(x.name, (x.start_time_unix_nano - root.start_time_unix_nano) / 1e9) for x in parts] == [
        *(("menu", 0.1), ("ring", 4.0), ("ring", 8.2), ("talk", 12.4), ("hold", 20.0)),
    ]
    assert {(x.trace_id, x.parent_span_id) for x in parts} == {(root.trace_id, root.span_id)}
    assert len({x.span_id for x in collector.spans}) == len(collector.spans)
    assert root.trace_id == trace_id(EXCHANGE, "1795527733.0")
    assert root.start_time_unix_nano == 1795527733217087000
    assert (traces.backlog(), traces.refused(), traces.trouble()) == (0, 0, None)


def test_the_call_says_how_it_ended_and_its_verdicts(store: Database) -> None:
    with Collector() as collector:
        sent(store, collector, outcomes(answered_call(0)))
    root = collector.spans[0]
    assert attributes(root) == {
        "callmon.exchange": "toronto",
        "callmon.line": "general",
        "callmon.outcome": "answered",
        "callmon.heard": "full",
        "callmon.language": "fr",
        "callmon.in_hours": True,
        "callmon.rings": 2,
        **{f"callmon.verdict.{standard}": "met" for standard in STANDARDS},
    }
    said = {"callmon.verdict": "met", "callmon.reason": "answered_on_ring"}
    assert {x.name: attributes(x) for x in root.events} == dict.fromkeys(STANDARDS, said)


def test_a_phone_has_a_place_and_no_name(store: Database) -> None:
    with Collector() as collector:
        sent(store, collector, outcomes(answered_call(0)))
    rings = [attributes(span) for span in collector.spans if span.name == "ring"]
    assert rings == [
        {"callmon.phone": 1, "callmon.answered": False},
        {"callmon.phone": 2, "callmon.answered": True},
    ]
    assert [
        word for word in (b"PJSIP", b"101", b"102", b"4165550101", b"4163272422") if word in collector.bodies[0]
    ] == []


def test_the_dialplans_sip_call_id_is_on_the_call(store: Database) -> None:
    facts = answered_call(0)
    given = f.SipCallIdGiven(facts[0].call, START, "a84b4c76e66710@192.0.2.10")
    with Collector() as collector:
        sent(store, collector, outcomes([facts[0], given, *facts[1:]]))
    assert attributes(collector.spans[0])["sip.call_id"] == "a84b4c76e66710@192.0.2.10"


def test_a_gap_leaves_out_what_it_may_hide_and_the_call_says_so(store: Database) -> None:
    facts = answered_call(0)
    gap = f.Unheard(facts[0].call, START + timedelta(seconds=25), START + timedelta(seconds=27))
    with Collector() as collector:
        sent(store, collector, outcomes([*facts[:10], gap, *facts[10:]]))
    assert collector.names() == ["call", "menu", "ring", "ring"]  # neither the talk nor the hold
    assert attributes(collector.spans[0])["callmon.heard"] == "partly"


def test_an_end_that_was_not_heard_is_not_invented(store: Database) -> None:
    facts = [*answered_call(0)[:-1], f.Ended("1795527733.0", None, "unknown", "unheard")]
    with Collector() as collector:
        sent(store, collector, outcomes(facts))
    assert collector.names() == []


def test_what_lies_before_a_jump_of_the_clock_is_left_out(store: Database) -> None:
    facts = answered_call(0)
    jump = f.ClockSet(facts[0].call, START + timedelta(seconds=15), timedelta(seconds=2))
    with Collector() as collector:
        sent(store, collector, outcomes([*facts[:9], jump, *facts[9:]]))
    assert collector.names() == ["call", "hold"]


def test_an_arrival_that_is_only_known_as_a_length_of_time_is_none(store: Database) -> None:
    arrival, *rest = answered_call(0)
    found = msgspec.structs.replace(arrival, found=True, slack=timedelta(seconds=1))
    with Collector() as collector:
        sent(store, collector, outcomes([found, *rest]))
    assert collector.names() == ["menu", "ring", "ring", "talk", "hold"]


def test_only_calls_of_the_public_have_a_trace(store: Database) -> None:
    arrival, *rest = answered_call(0)
    inside = [f.Arrived(arrival.call, START, "internal", None, "102", None, None, "PJSIP/101-00000001"), *rest]
    with Collector() as collector:
        traces = sent(store, collector, outcomes(inside))
    assert (collector.requests, traces.backlog()) == ([], 0)


def test_a_collector_away_for_ten_minutes_loses_no_call_and_is_logged_once(
    store: Database, fast: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """One call a second. The sink's clock runs a thousand times faster: its pauses are 5 to 60 ms."""
    given = of_calls(TEN_MINUTES)
    wrote(store, *given)
    with Collector(status=503) as collector, fast(collector.endpoint) as traces:
        for outcome in given:
            traces.offer(outcome)
            sleep(0.001 * len(outcome.calls))
        assert (traces.backlog(), collector.spans) == (TEN_MINUTES, [])
        assert until(lambda: traces.trouble() is not None)
        collector.status = 200
        assert until(lambda: traces.backlog() == 0)
    assert collector.traces() == {trace_id(EXCHANGE, f"{1795527733 + n}.{n}") for n in range(TEN_MINUTES)}
    assert (traces.refused(), traces.trouble()) == (0, None)
    assert [message.partition(" (")[0] for message in caplog.messages] == [
        f"traces: {collector.endpoint} takes no traces"
    ]


def test_over_the_bound_the_oldest_are_dropped_and_counted(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = of_calls(5)
    wrote(store, *given)
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    traces = offered(sink(store, NOBODY), given)
    traces.send_all()
    assert (traces.backlog(), traces.refused()) == (3, 2)
    assert traces.trouble() == (
        "traces: http://127.0.0.1:9/v1/traces takes no traces (Connection refused). Check endpoint and "
        "header_file, and install callmon[traces]."
    )


def test_a_call_of_which_no_trace_can_be_made_keeps_back_no_other(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    given = of_calls(3)
    wrote(store, *given)
    with store.writing() as connection:
        connection.execute(FACT.delete().where(FACT.c["call"] == "1795527734.1"))
    with Collector() as collector:
        traces = offered(sink(store, collector.endpoint), given)
        assert traces.send_all()
    assert (len(collector.traces()), traces.backlog(), traces.refused()) == (2, 0, 1)
    assert caplog.messages == ["traces: internal error in a call; continuing"]


def test_a_call_that_the_database_does_not_have_yet_waits(store: Database) -> None:
    first, second = outcomes(answered_call(0)), outcomes(answered_call(1))
    wrote(store, *first)
    with Collector() as collector:
        traces = offered(sink(store, collector.endpoint), [*first, *second])
        traces.send_all()
        assert (len(collector.traces()), traces.backlog()) == (1, 1)
        wrote(store, *second)
        traces.send_all()
    assert (len(collector.traces()), traces.backlog(), traces.refused()) == (2, 0, 0)


@pytest.mark.parametrize(
    ("status", "left", "refused"), [(400, 0, 1), (413, 0, 1), (401, 1, 0), (429, 1, 0), (302, 1, 0), (503, 1, 0)]
)
def test_what_the_collector_will_never_take_is_not_sent_again(
    store: Database, status: int, left: int, refused: int
) -> None:
    with Collector(status) as collector:
        traces = sent(store, collector, outcomes(answered_call(0)))
    assert (traces.backlog(), traces.refused()) == (left, refused)


@pytest.mark.parametrize(("rejected", "counted"), [(2, 2), (-5, 0), (2**62, 6)])
def test_spans_that_the_collector_rejects_are_counted(store: Database, rejected: int, counted: int) -> None:
    with Collector(rejected=rejected) as collector:
        traces = sent(store, collector, outcomes(answered_call(0)))
    assert (len(collector.spans), traces.backlog(), traces.refused()) == (6, 0, counted)


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(said: Iterable[bytes]) -> Iterator[str]:
    """The endpoint of a collector that answers one request with these bytes, as long as its client listens."""

    def answer() -> None:
        wire, _ = listening.accept()
        with wire, wire.makefile("rb") as request, suppress(OSError):
            request.readline()
            head = parse_headers(request)
            # What has not been read when a socket closes resets the connection.
            request.read(int(head["Content-Length"]))
            for part in said:
                sleep(0.01 if part is SLOW else 0)
                wire.sendall(part)

    with create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1/traces"
        thread.join()


LONG_TRAILER = b"X: %b\r\n" % (b"x" * 60_000)  # Python 3.14 reads no more than a hundred
SLOW = b"x"  # the collector waits before it: its head is whole after thirty times as long as it has here


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([*[CONTINUE] * 20, TAKEN], None),
        ([*[CONTINUE] * 21, TAKEN], "HTTPException too many informational answers"),
        ([CONTINUE] * 99_999, "HTTPException too many informational answers"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", *[LONG_TRAILER] * 999],
         "HTTPException the answer is too long"),
        ([b"HTTP/1.1 200 OK\r\nX: ", *[SLOW] * 450, b"\r\nContent-Length: 0\r\n\r\n"], "timed out"),
    ],
    ids=["20 answers before", "21 answers before", "no final answer", "no last line", "drips"],
)  # fmt: skip
def test_an_answer_without_an_end_is_given_up_and_said(
    store: Database, said: Iterable[bytes], why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "timed out":
        monkeypatch.setattr(otlp, "SECONDS", otlp.SECONDS / 100)
    given = outcomes(answered_call(0))
    wrote(store, *given)
    with answering(said) as endpoint:
        traces = offered(sink(store, endpoint), given)
        traces.send_all()
    found = (traces.trouble() or "").partition(" takes no traces (")[2].partition("). ")[0]
    assert (found or None, traces.backlog()) == (why, 0 if why is None else 1)


def test_the_header_of_the_file_is_sent(store: Database, tmp_path: Path) -> None:
    file = tmp_path / "header"
    file.write_text("Authorization: Bearer of-a-test\n")
    with Collector() as collector:
        sent(store, collector, outcomes(answered_call(0)), header_file=file)
    ((path, headers),) = collector.requests
    assert (path, headers["Authorization"]) == ("/v1/traces", "Bearer of-a-test")
    assert headers["Content-Type"] == "application/x-protobuf"


def test_a_new_leader_sends_recent_calls_again_with_the_same_ids(store: Database) -> None:
    """The former leader may have been killed before it sent them."""
    now = datetime.now(UTC)
    recent, old = now - timedelta(minutes=5), now - timedelta(minutes=40)
    given = [*outcomes(answered_call(0, recent)), *outcomes(answered_call(1, old))]
    with Collector() as collector:
        sent(store, collector, given[:12])
        wrote(store, *given[12:])
        before = [span.SerializeToString() for span in collector.spans]
        sink(store, collector.endpoint).send_all(is_new_leader=True)
    assert [span.SerializeToString() for span in collector.spans] == before * 2


def test_a_standby_keeps_nothing_and_sends_once_it_leads(store: Database, fast: Running) -> None:
    given = of_calls(2)
    wrote(store, *given)
    with Collector() as collector, fast(collector.endpoint, leads=False) as traces:
        offered(traces, given)
        assert until(lambda: traces.backlog() == 0)
        assert (collector.requests, traces.refused()) == ([], 0)
        traces._leads = lambda: True
        offered(traces, given)
        assert until(lambda: len(collector.traces()) == 2)


def test_without_a_collector_nothing_is_kept_and_no_library_is_loaded(store: Database) -> None:
    settings = TraceSettings()
    traces = offered(Traces(lambda: settings, store, lambda: True), of_calls(2))
    traces.send_all()
    assert (traces.backlog(), traces.trouble()) == (0, None)
    code = (
        "import sys; import callmon.main, callmon.daemon.daemon; "
        "print([x for x in sys.modules if x.startswith(('opentelemetry', 'google')) or x.endswith('traces.otlp')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_call_takes_at_most_20_microseconds_of_the_event_loop(store: Database) -> None:
    given = of_calls(1000)
    traces = sink(store, NOBODY)
    began = thread_time()
    offered(traces, given)
    assert (thread_time() - began) / 1000 < 20e-6
    assert traces.backlog() == 1000


async def test_the_series_of_traces_exist_only_where_they_are_on(store: Database, tmp_path: Path) -> None:
    shown, example = [], example_text().replace("sqlite:///callmon.db", f"sqlite:///{tmp_path}/other.db")
    for more in ("", '\n[traces]\nendpoint = "http://127.0.0.1:9"\n'):
        runtime = Runtime(parse(example + more), store)
        shown.append([sink.name for sink in runtime.snapshot().sinks])
        runtime.writer.close(SOON)
    assert shown == [["database"], ["database", "traces"]]


def test_check_says_when_the_header_cannot_be_read(tmp_path: Path) -> None:
    more = f'\n[traces]\nendpoint = "http://127.0.0.1:9"\nheader_file = "{tmp_path}/none"\n'
    said = [remark for remark in check_remarks(parse(example_text() + more)) if remark.startswith("traces")]
    assert said == [f"traces: file {tmp_path}/none cannot be read here."]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://collector.example:4318", "https://collector.example:4318/v1/traces"),
        ("https://collector.example/otlp/v1/traces", "https://collector.example/otlp/v1/traces"),
        ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
    ],
)
def test_an_address_without_a_path_gets_the_usual_one(written: str, address: str) -> None:
    assert TraceSettings(endpoint=written).endpoint == address


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            'endpoint = "http://collector.example:4318"',
            'traces.endpoint: "http://collector.example:4318" is no https address; write it as '
            '"https://collector.example:4318" (http only on this machine)',
        ),
        ('ca_file = "ca.pem"', "traces.endpoint: is missing; name the collector, or leave [traces] out"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(table: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"[traces]\n{table}\n")
    assert [str(x) for x in refused.value.sentences if "traces" in str(x)] == [f"configuration: {sentence}"]
