"""The JSON Schema of the payloads is that of real payloads: each is read by its type, which knows every key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from callmon.core.callbacks.commands import Received
from callmon.core.callbacks.index import summary_of
from callmon.core.calls.call import Call
from callmon.features.disruptions.notice.files import notice_files
from callmon.sinks.mqtt import topics
from callmon.store.queries.obligations import WorklistItem
from callmon.text.lists import obligation_as_json
from callmon.text.records import as_json
from dev.interface import answer_of
from docs.source import payloads
from tests.store.test_mqtt import changed
from tests.support.ami_builders import replayed
from tests.support.fact_builder import CALLER, Office, local
from tests.support.store_fixtures import EXCHANGE
from tests.unit.test_disruptions import WHOLE, well

T = TypeVar("T", bound=payloads.Payload)
RECORDINGS = sorted((Path(__file__).parents[1] / "recordings").glob("*.ami"))
MORNING = local("2026-11-24 10:00")


def read(kind: type[T], payload: bytes | dict[str, Any]) -> T:
    """The payload as its type: an unknown, missing or wrong key raises."""
    return msgspec.json.decode(payload if isinstance(payload, bytes) else json.dumps(payload), type=kind)


def calls() -> list[tuple[Call, dict[str, Any]]]:
    found = []
    for path in RECORDINGS:
        replay = replayed(path.read_bytes(), any_line=True)
        found += [(call, as_json(EXCHANGE, call, replay.findings.get(call.call, ()))) for call in replay.ended]
    return found


def office() -> Office:
    """Callbacks in several states, one with a withheld number, and a complaint."""
    made = Office()
    made.hear(
        made.message(MORNING, language="fr", call="1.0"), made.message(MORNING, None, "tty", withheld="withheld"),
        made.message(MORNING, "+14165550152", "poci", call="3.0"), made.call_in(MORNING, CALLER),
        made.message(MORNING, "+14165550153", call="4.0"),
    )  # fmt: skip
    received = Received("4.0", MORNING, "general", "fr")
    made.hand("complaint", MORNING, "4.0-complaint", received=received, token=CALLER)
    made.hand("take", MORNING, "3.0", actor="a.cote")
    return made


def test_every_call_of_the_recordings_is_what_the_schema_says() -> None:
    found = calls()
    read_ = [
        (read(payloads.Call, call), read(payloads.EndedCall, topics.encoded(topics.without_people(call))))
        for _, call in found
    ]
    assert len(read_) > 100
    assert [(one.call, other.call) for one, other in read_] == [(call.call, call.call) for call, _ in found]
    outcomes = {one.outcome for one, _ in read_}
    assert {"answered", "abandoned", "busy", "voicemail_message"} - outcomes == set()
    assert {one.kind for call, _ in read_ for one in call.transfers} >= {"blind", "attended"}


def test_every_callback_is_what_the_schema_says() -> None:
    kept = list(office().kept.values())
    reported = [
        read(payloads.Callback, obligation_as_json(WorklistItem(one, "+14165550152", None))) for one in kept
    ]
    assert {(one.kind, one.state, one.not_returnable) for one in reported} >= {
        ("callback", "open", None), ("callback", "open", "withheld"), ("complaint", "open", None),
    }  # fmt: skip
    assert {None if one.in_hand is None else one.in_hand.by for one in reported} == {None, "a.cote"}
    summaries = [summary for one in kept if (summary := summary_of(one)) is not None]
    assert len([read(payloads.OpenCallback, topics.of_callback(one)) for one in summaries]) >= 2


@pytest.mark.parametrize("fields", [{}, {"phones": {}, "ringing": None, "queue": None}])
def test_a_line_is_what_the_schema_says(fields: dict[str, Any]) -> None:
    reported = read(payloads.Line, topics.of_line(changed(**fields)))
    assert (reported.line, reported.phones is None) == ("tty", bool(fields))


def test_a_disruption_is_what_the_schema_says() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(60)
    reported = read(payloads.Disruption, topics.of_disruption(heard.one()))
    assert (reported.source, reported.announced) == ("phones", None)
    whole = msgspec.structs.replace(heard.one(), notice=WHOLE, announced=MORNING)
    announced = read(payloads.Disruption, topics.of_disruption(whole))
    assert (announced.announced, announced.missing) == (MORNING, [])


def test_the_public_notice_is_what_the_schema_says() -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(60)
    whole = msgspec.structs.replace(heard.one(), id="another", notice=WHOLE)
    made = notice_files(heard.settings, [heard.one(), whole], True, heard.now)
    reported = read(payloads.PublicNotice, made["disruptions.json"])
    assert (reported.heard, reported.updated, [x.state for x in reported.disruptions]) == (
        True,
        heard.now,
        ["going_on"] * 2,
    )
    assert {x.reason and x.reason.en for x in reported.disruptions} == {None, "power failure"}


def test_the_health_is_what_the_schema_says() -> None:
    reported = read(payloads.Health, asyncio.run(answer_of("/healthz")))
    assert (reported.status, [x.exchange for x in reported.exchanges]) == ("ok", [EXCHANGE])


def test_a_key_that_the_schema_does_not_know_or_does_not_find_is_refused() -> None:
    whole = json.loads(topics.of_line(changed()))
    for wrong in (whole | {"new": 1}, {name: value for name, value in whole.items() if name != "heard"}):
        with pytest.raises(msgspec.ValidationError):
            read(payloads.Line, wrong)


def test_the_schema_has_each_payload_and_is_closed() -> None:
    reported = json.loads(payloads.schema())
    assert {kind.__name__ for kind in payloads.PAYLOADS} - set(reported["$defs"]) == set()
    objects = [one for one in reported["$defs"].values() if one["type"] == "object"]
    assert [one["title"] for one in objects if one["additionalProperties"] is not False] == []
