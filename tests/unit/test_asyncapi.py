"""The AsyncAPI document of the MQTT topics: its channels are the topics, its schemas accept what is published."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from callmon.core.callbacks.index import summary_of
from callmon.sinks.mqtt import topics
from docs.source import asyncapi
from tests.store.test_mqtt import changed
from tests.unit.test_disruptions import well
from tests.unit.test_payloads import calls, office

DOCUMENT: dict[str, Any] = json.loads(asyncapi.document())


def published() -> dict[str, bytes]:
    """A payload of each channel."""
    summary = next(x for x in map(summary_of, office().kept.values()) if x is not None)
    disruption = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(60).one()
    return {
        "line": topics.of_line(changed()),
        "callback": topics.of_callback(summary),
        "disruption": topics.of_disruption(disruption),
        "endedCall": topics.encoded(topics.without_people(calls()[0][1])),
    }


def refusals(channel: str, payload: object) -> list[str]:
    """What the schema of the channel's message does not accept."""
    (message,) = DOCUMENT["channels"][channel]["messages"].values()
    _, _, name = message["$ref"].rpartition("/")
    schema = DOCUMENT["components"]["messages"][name]["payload"] | {"components": DOCUMENT["components"]}
    return [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(payload)]


def test_the_channels_are_the_topics_of_the_sink() -> None:
    assert {name: channel["address"] for name, channel in DOCUMENT["channels"].items()} == {
        "status": "callmon/status",
        "line": "callmon/lines/{line}",
        "callback": "callmon/callbacks/{id}",
        "disruption": "callmon/disruptions/{id}",
        "endedCall": "callmon/calls/ended",
    }


def test_only_an_ended_call_is_not_retained() -> None:
    bindings = {name: one["bindings"]["mqtt"] for name, one in DOCUMENT["operations"].items()}
    assert {name for name, binding in bindings.items() if not binding["retain"]} == {"publishEndedCall"}
    assert {(one["action"], one["bindings"]["mqtt"]["qos"]) for one in DOCUMENT["operations"].values()} == {
        ("send", 1)
    }


@pytest.mark.parametrize("channel", ["line", "callback", "disruption", "endedCall"])
def test_what_is_published_is_what_the_document_says(channel: str) -> None:
    payload = json.loads(published()[channel])
    assert refusals(channel, payload) == []
    assert len(refusals(channel, payload | {"new": 1})) == 1


def test_the_status_is_one_of_two_words() -> None:
    assert [refusals("status", word) for word in ("online", "offline")] == [[], []]
    assert refusals("status", "away") == ["'away' is not one of ['online', 'offline']"]
