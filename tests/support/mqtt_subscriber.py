"""A wall board of the tests, as a subscriber of a broker; and a ledger with the tests' own callbacks."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from callmon.core.snapshot import CallbackStatus, DaemonSnapshot, LineStatus
from tests.support.store_fixtures import START


class MqttBoard:
    """``with Board(port) as board:`` subscribes to all. `shown`: each topic's latest payload; "" if deleted."""

    def __init__(
        self,
        port: int,
        password: str | None = None,
        context: ssl.SSLContext | None = None,
        name: str = "board",
        qos: int = 1,
    ) -> None:
        self.shown: dict[str, str] = {}
        self.heard: list[tuple[str, str, bool, int]] = []  # topic, payload, retained, QoS
        self._lock = Lock()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        if password is not None:
            self._client.username_pw_set("board", password)
        if context is not None:
            self._client.tls_set_context(context)
        self._client.on_message = self._hear
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos)
        self._subscribed = Event()
        self._client.on_subscribe = self._answered
        self._client.reconnect_delay_set(1, 1)
        self._port, self._qos = port, qos

    def __enter__(self) -> MqttBoard:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        assert self._subscribed.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def put(self, topic: str, payload: str) -> None:
        """Publish a retained message to the broker."""
        self._client.publish(topic, payload, qos=1, retain=True).wait_for_publish(10)

    def json(self, topic: str) -> dict[str, Any]:
        reported: dict[str, Any] = json.loads(self.shown[topic])
        return reported

    def all_of(self, topic: str) -> list[dict[str, Any]]:
        with self._lock:
            return [json.loads(payload) for reported, payload, _, _ in self.heard if reported == topic]

    def topics(self, below: str) -> list[str]:
        with self._lock:
            return sorted(topic for topic, payload in self.shown.items() if topic.startswith(below) and payload)

    def _answered(
        self, client: paho.Client, _data: object, _id: int, codes: list[ReasonCode], _more: object
    ) -> None:
        """A cluster of brokers that elects a leader may refuse for some seconds."""
        if any(code.is_failure for code in codes):
            client.subscribe("#", self._qos)
        else:
            self._subscribed.set()

    def _hear(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        with self._lock:
            reported = message.payload.decode()
            self.shown[message.topic] = reported
            self.heard.append((message.topic, reported, message.retain, message.qos))


@dataclass
class LedgerRow:
    """An open callback."""

    id: str
    state: str = "open"
    attempts: int = 0
    unattributed: datetime | None = None
    in_hand: bool = False
    line: str = "general"
    language: str | None = "fr"
    opened: datetime = START
    due: datetime | None = START + timedelta(hours=24)
    actionable: datetime | None = None


class Ledger:
    def __init__(self, *callbacks: LedgerRow) -> None:
        self.entries = {entry.id: entry for entry in callbacks}

    def change(self, callback: LedgerRow) -> None:
        self.entries[callback.id] = callback

    def close(self, name: str) -> None:
        del self.entries[name]

    def snapshot(self, *lines: LineStatus) -> DaemonSnapshot:
        return DaemonSnapshot(START, lines, callbacks=CallbackStatus(visible=dict(self.entries)))
