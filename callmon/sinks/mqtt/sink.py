"""An MQTT broker as a sink: boards see each line, each callback to make and each ended call.

    away ──connected──▶ reads retained topics ──state published──▶ `online` ──▶ publishes changes
     ▲                                                                               │
     └──────── 0.5 s … 2 s (refused: 10 s … 300 s) ◀── the connection ended ────────┘

While the broker is away, the sink buffers only the latest state of each topic and a bounded number of ended calls.
It never blocks the daemon, and an unreachable broker does not make /healthz fail. The broker publishes `offline`
as callmon's last will when the connection breaks. A standby (`lead(False)`) publishes nothing.

Refuses: to raise. An internal error here is logged and counted, and the daemon continues.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import random
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from callmon.ami.connection import tls_context
from callmon.config.mqtt import MqttSettings
from callmon.core.outcome import Outcome
from callmon.core.snapshot import DaemonSnapshot, Sink
from callmon.core.statistics.today import Today
from callmon.errors import ConfigError, Sentence, system_reason
from callmon.sinks.mqtt import topics
from callmon.sinks.mqtt.heard import HeardQueue, refuse_long_messages
from callmon.sinks.mqtt.outbox import MqttMessage, MqttOutbox

if TYPE_CHECKING:
    import aiomqtt

log = logging.getLogger(__name__)
silent = logging.getLogger("callmon.mqtt")  # for the library, kept silent: this module logs each change once
silent.setLevel(logging.CRITICAL)

FIRST_WAIT, LONGEST_WAIT = 0.5, 2.0
# NATS confirms after 4 s also what it could not retain, and forgets a request made while it elects a leader.
ANSWER_SECONDS = 3.5
# A NATS server that learned of retained messages from one that was killed tells new boards no new topic.
AGAIN_SECONDS = 60.0
REFUSED_WAIT, LONGEST_REFUSED_WAIT = 10.0, 300.0
SETTLED_SECONDS = 10.0  # a connection that lasted longer resets the back-off
KEEPALIVE_SECONDS = 15
AT_ONCE = 20  # messages in flight; as many as the library allows
GOODBYE_SECONDS = 1.5
MOST_RETAINED_HEARD = 10_000

T = TypeVar("T")


class Mqtt(Sink):
    """`run` is a task for the daemon's lifetime; call all other methods in its event loop."""

    name = "mqtt"

    def __init__(self, settings: MqttSettings, today: Today) -> None:
        self.settings, self.today = settings, today
        self._shown: dict[str, Mapping[str, Any]] = {}  # by branch and name
        self._outbox = MqttOutbox(settings.max_waiting)
        self._more, self._changed = asyncio.Event(), asyncio.Event()
        self._is_ending, self._leads = False, True
        self._is_online = False  # `online` was published on this connection
        self._said: str | None = None
        self._set_aside = 0
        self._fault = ""  # type of the last internal error, logged once

    @property
    def is_on(self) -> bool:
        """Whether a broker is configured and this instance publishes to it."""
        return self.settings.host is not None and self._leads

    # Called by the daemon for each outcome and each second: never block, never raise.

    def offer(self, outcome: Outcome) -> bool:
        """Accept the outcome; there is always room."""
        if outcome.calls or outcome.findings:
            self._safely(lambda: self._tell(outcome))
        return True

    def publish_snapshot(self, snapshot: DaemonSnapshot) -> None:
        """Once a second: publish what has changed."""
        if self.is_on:
            self._safely(lambda: self._publish(snapshot))

    def backlog(self) -> int:
        return self._outbox.backlog()

    def behind_for(self) -> timedelta:
        """Age of the oldest message that the broker has not confirmed."""
        oldest = self._outbox.oldest()
        return timedelta(0) if oldest is None else timedelta(seconds=monotonic() - oldest)

    def trouble(self) -> str | None:
        """Why messages wait, as a sentence for a person; None while the broker accepts them."""
        return self._said

    def refused(self) -> int:
        """Number of ended calls dropped, and of internal errors: never published to the broker."""
        return self._outbox.lost + self._set_aside

    def _safely(self, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:  # an internal error: the broker lacks a message, the database does not
            self._set_aside += 1
            if self._fault != type(error).__name__:
                self._fault = type(error).__name__
                log.error(
                    "mqtt: internal error; one message is not published; continuing", extra={"fault": self._fault}
                )

    def _tell(self, outcome: Outcome) -> None:
        for exchange, call, findings in self.today.record_outcome(outcome):
            if self.is_on:
                self._outbox.tell(topics.ENDED, topics.of_call(exchange, call, findings), monotonic())
                self._more.set()

    def _publish(self, snapshot: DaemonSnapshot) -> None:
        """Publish only what changed."""
        disruptions = {x.id: x for x in snapshot.disruptions}
        self._publish_changes(topics.CALLBACKS, snapshot.callbacks.visible, topics.of_callback)
        self._publish_changes(topics.DISRUPTIONS, disruptions, topics.of_disruption)
        self._publish_changes(topics.LINES, {line.name: line for line in snapshot.lines}, topics.of_line)
        if self._outbox.backlog():
            self._more.set()

    def _publish_changes(self, branch: str, after: Mapping[str, T], payload: Callable[[T], bytes]) -> None:
        now, before = monotonic(), self._shown.get(branch, {})
        for name, value in after.items():
            if before.get(name) != value:
                self._outbox.keep(topics.topic_of(branch, name), payload(value), now)
        for name in before.keys() - after.keys():
            self._outbox.clear(topics.topic_of(branch, name), now)
        self._shown[branch] = after

    # Called by the daemon: configuration, role, end.

    def configure(self, settings: MqttSettings) -> None:
        """Replace the settings. The sink reconnects only when they differ.

        A broker that could not be reached is retried at once: its password file may have been corrected.
        """
        if settings == self.settings and self._said is None:
            return
        self.settings, self._said = settings, None
        self._outbox.max_waiting = settings.max_waiting
        self._forget_unless_on()
        self._changed.set()

    def lead(self, leads: bool) -> None:
        """Set whether this instance publishes. After True, call `publish_snapshot` before the next await."""
        if leads == self._leads:
            return
        self._leads, self._said = leads, None
        self._forget_unless_on()
        self._changed.set()

    def _forget_unless_on(self) -> None:
        if not self.is_on:
            self._outbox.forget()
            self._shown = {}

    def end(self) -> None:
        """Make `run` publish `offline` and return."""
        self._is_ending = True
        self._changed.set()

    async def run(self) -> None:
        """Connect, publish and reconnect, until `end`."""
        wait, refused_wait = FIRST_WAIT, REFUSED_WAIT
        while not self._is_ending:
            self._changed.clear()
            if not self.is_on:
                await self._changed.wait()
                continue
            began = monotonic()
            error = await self._connection(self.settings)
            if monotonic() - began > SETTLED_SECONDS:
                wait, refused_wait = FIRST_WAIT, REFUSED_WAIT
            if is_refused(error):
                await self._pause(refused_wait)
                refused_wait = min(LONGEST_REFUSED_WAIT, refused_wait * 2)
            elif error is not None:
                await self._pause(wait)
                wait = min(LONGEST_WAIT, wait * 2)

    async def _pause(self, seconds: float) -> None:
        """Wait `seconds` with jitter. A change of settings or role ends the wait: the sink retries at once."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds * random.uniform(0.75, 1.25))

    async def _connection(self, settings: MqttSettings) -> Exception | None:
        """Run one connection until it ends; returns the error, None when this sink closed it."""
        try:
            async with await _client(settings) as client:
                self._said = None
                log.info("mqtt: connected to the broker", extra={"broker": f"{settings.host}:{settings.port}"})
                await self._serve(client, settings.prefix)
        except Exception as error:  # also an internal error: the daemon continues without a broker
            if not self._changed.is_set():
                self._say(sentence(settings, error))
            return error
        return None

    async def _serve(self, client: aiomqtt.Client, prefix: str) -> None:
        """Serve until the connection ends or `_changed` is set. Then publish what waits, and `offline`."""
        kept = (topics.CALLBACKS, topics.LINES, topics.DISRUPTIONS)
        subscribed = [*((prefix + topic + "+", 0) for topic in kept), (prefix + topics.STATUS, 0)]
        await client.subscribe(subscribed)
        tasks = {
            asyncio.create_task(self._hear(client, prefix), name="mqtt hears"),
            asyncio.create_task(self._deliver(client, prefix), name="mqtt tells"),
            asyncio.create_task(self._changed.wait(), name="mqtt changed"),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        if self._leads:  # otherwise another instance publishes the status now
            async with asyncio.timeout(GOODBYE_SECONDS):
                while self._outbox.backlog():
                    await self._batch(client, prefix)
                await client.publish(prefix + topics.STATUS, topics.OFFLINE, qos=1, retain=True)

    async def _hear(self, client: aiomqtt.Client, prefix: str) -> None:
        """Clear retained topics that an earlier run published and that are no longer valid.

        The last will of a former leader may arrive late: then `online` is published again.
        """
        async for message in client.messages:
            topic = str(message.topic).removeprefix(prefix)
            if topic == topics.STATUS:
                if self._is_online and message.payload == topics.OFFLINE:
                    await client.publish(prefix + topics.STATUS, topics.ONLINE, qos=1, retain=True)
                continue
            if not (message.retain and message.payload) or topic in self._outbox.state:
                continue
            self._outbox.clear(topic, monotonic())
            self._more.set()

    async def _deliver(self, client: aiomqtt.Client, prefix: str) -> None:
        """Publish the whole state, then `online`, then each change; after `AGAIN_SECONDS` all of it again."""
        self._is_online = False
        while True:
            self._outbox.anew(monotonic())
            while not self._outbox.is_state_published():
                await self._batch(client, prefix)
            await client.publish(prefix + topics.STATUS, topics.ONLINE, qos=1, retain=True)
            self._is_online, due = True, monotonic() + AGAIN_SECONDS
            while (left := due - monotonic()) > 0:
                self._more.clear()
                while self._outbox.backlog():
                    await self._batch(client, prefix)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), left)

    async def _batch(self, client: aiomqtt.Client, prefix: str) -> None:
        batch = self._outbox.take(AT_ONCE)
        try:
            await _published(client, prefix, batch)
        except BaseException:
            self._outbox.failed()
            raise
        self._outbox.done()

    def _say(self, what: str) -> None:
        if what != self._said:
            self._said = what
            log.warning(what)


async def _client(settings: MqttSettings) -> aiomqtt.Client:
    """A client that is not connected yet. A thread reads its files. Raises ConfigError, OSError, ssl.SSLError."""
    library, password, context = await asyncio.to_thread(_prepared, settings)
    client: aiomqtt.Client = library.Client(
        str(settings.host),
        settings.port,
        username=settings.username,
        password=password,
        identifier=settings.client_id,
        tls_context=context,
        keepalive=KEEPALIVE_SECONDS,
        timeout=ANSWER_SECONDS,
        will=library.Will(settings.prefix + topics.STATUS, topics.OFFLINE, qos=1, retain=True),
        max_queued_incoming_messages=MOST_RETAINED_HEARD,
        queue_type=HeardQueue,
        logger=silent,
    )
    refuse_long_messages(client)
    return client


def _prepared(settings: MqttSettings) -> tuple[ModuleType, str | None, ssl.SSLContext | None]:
    """The library (imported only when a broker is configured), the password and the TLS context."""
    return importlib.import_module("aiomqtt"), settings.password(), tls_context(settings) if settings.tls else None


async def _published(client: aiomqtt.Client, prefix: str, batch: list[MqttMessage]) -> None:
    """Publish the batch; returns when the broker has confirmed each message (QoS 1), raises the first error."""
    publications = (client.publish(prefix + m.topic, m.payload, qos=1, retain=m.is_retained) for m in batch)
    for result in await asyncio.gather(*publications, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def is_refused(error: Exception | None) -> bool:
    """Whether the broker refused the login: a retry within seconds has no chance."""
    return type(error).__name__ == "MqttConnectError"


def sentence(settings: MqttSettings, error: BaseException) -> str:
    """What went wrong with a connection, and what the administrator can do."""
    where, host = f"mqtt: {settings.host}:{settings.port}", settings.host
    why = error.__context__ if isinstance(error.__context__, OSError) else error  # the library hides the cause
    match why:
        case ConfigError():
            return why.sentences[0]
        case ssl.SSLCertVerificationError():
            return Sentence(
                "{where} shows a certificate that is not accepted for {host!r} ({why}); write host as the "
                "certificate names it, set ca_file, or renew the certificate.",
                where=where,
                host=host,
                why=why.verify_message,
            )
        case ssl.SSLError():
            return Sentence(
                "{where} speaks no TLS as it should ({why}); check port, tls and client_certificate.",
                where=where,
                why=why.reason,
            )
        case ConnectionRefusedError():
            return Sentence(
                "{where} cannot be reached: nothing listens there; check that the broker runs.", where=where
            )
        case socket.gaierror():
            return Sentence("mqtt: the host name {host!r} cannot be resolved; check host.", host=host)
        case TimeoutError():
            return Sentence("{where} does not answer; check host, port and the firewall.", where=where)
        case FileNotFoundError() | PermissionError():
            return Sentence(
                "mqtt: a file of its certificates cannot be read ({why}); check ca_file, client_certificate and "
                "client_key.",
                why=system_reason(why),
            )
        case OSError():
            return Sentence("{where} cannot be reached ({why}).", where=where, why=system_reason(why))
    return _of_library(settings, where, why)


def _of_library(settings: MqttSettings, where: str, why: BaseException) -> Sentence:
    """What an error of the MQTT library means."""
    if is_refused(why if isinstance(why, Exception) else None):
        code = str(why).partition("] ")[2] or str(why)  # `[code:135] Not authorized` → `Not authorized`
        return Sentence(
            "{where} refuses the login ({why}); check username, password and client_id.", where=where, why=code
        )
    if type(why).__name__ in ("MqttError", "MqttCodeError"):
        return Sentence(
            "{where} ended the connection; if it does so again and again, another client has the "
            "client_id {name!r}.",
            where=where,
            name=settings.client_id,
        )
    return Sentence("{where}: internal error ({why}); retrying.", where=where, why=type(why).__name__)
