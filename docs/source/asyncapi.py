"""The MQTT topics as an AsyncAPI 3 document: `docs/en/reference/asyncapi.json`.

The addresses are those of `sinks/mqtt/topics.py`, the payloads those of `payloads.py`, by msgspec.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from callmon import __version__
from callmon.config.mqtt import MqttSettings
from callmon.sinks.mqtt import topics
from docs.source import payloads

SCHEMAS = "#/components/schemas/"


class Topic(NamedTuple):
    """One channel. `parameter`: the last level of its topic, where that differs. Without a payload: plain text."""

    name: str
    topic: str
    summary: str
    is_retained: bool
    payload: type[payloads.Payload] | None = None
    parameter: tuple[str, str] | None = None


TOPICS = (
    Topic("status", topics.STATUS, "Whether callmon is connected; `offline` is also its last will.", True),
    Topic(
        "line",
        topics.LINES,
        "A line now and today. `heard` false: the figures are incomplete.",
        True,
        payloads.Line,
        ("line", "Name of the line in the configuration; other characters than A-Z a-z 0-9 . _ - become _."),
    ),
    Topic(
        "callback",
        topics.CALLBACKS,
        "One callback to make. An empty message: it is closed.",
        True,
        payloads.OpenCallback,
        ("id", "Id of the callback, as in `callmon callbacks list`."),
    ),
    Topic(
        "disruption",
        topics.DISRUPTIONS,
        "A disruption, or planned work, that is not over. An empty message: it is over.",
        True,
        payloads.Disruption,
        ("id", "Id of the disruption, as in `callmon disruptions list`."),
    ),
    Topic(
        "endedCall",
        topics.ENDED,
        "One call that has ended, without caller, channels and outside numbers. It may come twice.",
        False,
        payloads.EndedCall,
    ),
)


def document() -> str:
    """The document as JSON."""
    return json.dumps(_document(), indent=2) + "\n"


def _document() -> dict[str, Any]:
    kinds = [topic.payload for topic in TOPICS if topic.payload is not None]
    _, schemas = msgspec.json.schema_components(kinds, ref_template=SCHEMAS + "{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "callmon over MQTT",
            "version": __version__,
            "description": "What callmon publishes to a message broker. Times are UTC, an unknown value is null. "
            "The setting mqtt.prefix replaces the first level. No payload has a caller's number, a channel or a "
            "name.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "broker.example:8883",
                "protocol": "secure-mqtt",
                "description": "The site's broker: the settings mqtt.host, mqtt.port and mqtt.tls.",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {f"publish{topic.name[0].upper()}{topic.name[1:]}": _operation(topic) for topic in TOPICS},
        "components": {"messages": {topic.name: _message(topic) for topic in TOPICS}, "schemas": schemas},
    }


def _channel(topic: Topic) -> Mapping[str, Any]:
    address: str = MqttSettings.model_fields["prefix"].default + topic.topic
    message = {"messages": {topic.name: {"$ref": f"#/components/messages/{topic.name}"}}}
    if topic.parameter is None:
        return {"address": address, **message}
    name, meaning = topic.parameter
    return {"address": f"{address}{{{name}}}", **message, "parameters": {name: {"description": meaning}}}


def _operation(topic: Topic) -> Mapping[str, Any]:
    channel = f"#/channels/{topic.name}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": topic.summary,
        "messages": [{"$ref": f"{channel}/messages/{topic.name}"}],
        "bindings": {"mqtt": {"qos": 1, "retain": topic.is_retained}},
    }


def _message(topic: Topic) -> Mapping[str, Any]:
    if topic.payload is None:
        said = [topics.ONLINE.decode(), topics.OFFLINE.decode()]
        return {"contentType": "text/plain", "payload": {"type": "string", "enum": said}}
    return {"payload": {"$ref": SCHEMAS + topic.payload.__name__}}
