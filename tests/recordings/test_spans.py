"""Traces of recorded calls: AMI and CEL give equal ids, and no span names a person."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from datetime import timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest

from callmon.config.settings import example
from callmon.core import facts as f
from callmon.core.calls.call import Call
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.sinks.traces.otlp import request_of
from callmon.sinks.traces.sink import has_trace
from callmon.sinks.traces.spans import Span, spans_of
from callmon.tools.replay import Replay, chunks
from tests.recordings.test_cel import RECORDINGS, told_of_trace
from tests.recordings.test_traces import NAMES, recording
from tests.support.ami_builders import listener
from tests.support.store_fixtures import account, answered_call

EXCHANGE = "toronto"
# Only the event stream says when a phone rang; CEL says when it was dialled.
ONLY_HEARD = {"ring"}
# callmon connected in mid-call, or the connection was cut: the arrival or the answer was not heard.
GAPS = {"ami_connect_midcall", "ami_drop_midcall"}


def of_stream(*connections: bytes) -> list[tuple[Call, list[Span]]]:
    """The calls of the public that were heard, each with its spans."""
    replay, facts = Replay(listener(), EXCHANGE), defaultdict[str, list[Fact]](list)
    for data in connections:
        for outcome in replay.connection(chunks(io.BytesIO(data))):
            for fact in outcome.facts:
                facts[fact.call].append(fact)
    ended = [call for call in replay.ended if has_trace(call)]
    return [(x, list(spans_of(EXCHANGE, x, facts[x.call], replay.findings.get(x.call, ())))) for x in ended]


@cache
def live(name: str, kind: str = "ami") -> list[tuple[Call, list[Span]]]:
    return of_stream(*recording(name, kind))


def of_cel(name: str, call: str) -> list[Span]:
    facts = told_of_trace(name)[call]
    outcome = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, facts)
    assert outcome is not None
    return list(spans_of(EXCHANGE, outcome.calls[0], facts, outcome.findings))


def ids(spans: list[Span]) -> set[tuple[bytes, bytes, bytes, str]]:
    return {(span.trace, span.id, span.parent, span.name) for span in spans if span.name not in ONLY_HEARD}


@pytest.mark.parametrize("name", NAMES)
def test_a_backfill_gives_the_ids_of_what_was_heard(name: str) -> None:
    for call, spans in live(name):
        heard, logged = ids(spans), ids(of_cel(name, call.call))
        unheard = {name for *_, name in logged - heard}
        assert heard <= logged
        assert unheard <= ({"call", "talk"} if name in GAPS else set())


def test_the_recordings_have_every_kind_of_span() -> None:
    found = {span.name for name in NAMES for _, spans in live(name) for span in spans}
    assert found == {"call", "menu", "queue", "ring", "talk", "hold", "park", "transfer", "voicemail"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in GAPS])
def test_both_callmons_give_the_same_spans(name: str) -> None:
    """One heard all events, the other those that callmon asks for, on a connection of its own."""
    first, second = ([spans for _, spans in live(name, kind)] for kind in ("ami", "ami-callmon"))
    assert [ids(spans) for spans in first] == [ids(spans) for spans in second]
    assert [[span.name for span in spans] for spans in first] == [
        [span.name for span in spans] for spans in second
    ]


@pytest.mark.parametrize(("sent_to", "talks"), [("103", [(0, 10), (10, 20)]), ("102", [(0, 10), (10, 30)])])
def test_a_talk_ends_when_the_caller_is_sent_on_but_not_to_that_person(
    sent_to: str, talks: list[tuple[int, int]]
) -> None:
    """Asterisk joins the bridges of an attended transfer before it reports the transfer."""
    arrival, answer = (x for x in answered_call(0) if isinstance(x, f.Arrived | f.Answered))
    assert isinstance(answer, f.Answered)
    assert answer.at is not None
    at = [answer.at + timedelta(seconds=x) for x in (0, 10, 20, 30)]
    facts = [
        arrival,
        msgspec.structs.replace(answer, phone="101"),
        f.PersonJoined(answer.call, at[1], "102", "PJSIP/102-00000009"),
        f.SentOff(answer.call, at[2], "attended", answer.channel, sent_to),
        f.Ended(answer.call, at[3], "caller"),
    ]
    spans = [span for span in spans_of(EXCHANGE, account(facts), facts, ()) if span.name == "talk"]
    assert [(at.index(x.begin) * 10, at.index(x.end) * 10) for x in spans] == talks


NUMBER = re.compile(r"\d{7,}|@|/|outside")


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.ami")), ids=lambda path: path.stem)
def test_no_span_of_a_recording_has_a_number_or_a_channel(path: Path) -> None:
    spans = [span for _, found in of_stream(path.read_bytes()) for span in found]
    texts = [str(x) for span in spans for x in (span.name, *span.attributes, *span.attributes.values())]
    assert [text for text in texts if NUMBER.search(text)] == []
    assert [word for word in (b"PJSIP", b"Local/", b"416555", b"outside") if word in request_of(spans)] == []
