"""The TCP or TLS connection to one exchange, with endless reconnects. All I/O of `ami/` is here.

Only `pause` stops reading (a sink is full). Bytes are gathered for some milliseconds, because at a real site the
wake-up is the cost, not the parsing. A failed connection is retried within a second for a minute, then every few
seconds, with jitter, without end. A refused login is retried after minutes, because fail2ban on a PBX bans clients
that retry fast. Each change is logged once, as a sentence that names the exchange and what to do.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic

from callmon.ami import events as e
from callmon.ami.call_counts import CallCountMonitor
from callmon.ami.mailboxes import Mailboxes
from callmon.ami.session import Session, SessionState
from callmon.config.exchange import ExchangeSettings
from callmon.config.mqtt import MqttSettings
from callmon.errors import AmiError, ConfigError, Sentence

log = logging.getLogger(__name__)

BUFFER = 256 * 1024
# How long bytes are gathered after a read of fewer than STREAM bytes, of more, and (not at all) of FLOOD: Asterisk
# closes a connection that takes no byte for 100 ms (`writetimeout`), and a new one has room for 100 KB.
GATHER_SECONDS = 0.005
STREAM = 1024
GATHER_STREAM_SECONDS = 0.05
FLOOD = 64 * 1024
# Events missed during a wait cannot be received later: in the first minute of an outage the waits are short.
FIRST_WAIT = 0.25
EAGER_WAIT = 0.75
LONGEST_WAIT = 4.0
EAGER_SECONDS = 60.0
REFUSED_WAIT, LONGEST_REFUSED_WAIT = 60.0, 600.0
CONNECT_TIMEOUT = 10.0
# The kernel drops a peer that acknowledges nothing after this time; its default is minutes.
USER_TIMEOUT_MS = 10_000

OnEvents = Callable[[list[e.Event]], None]
OnBytes = Callable[[bytes, float], None]


class Transport(asyncio.BufferedProtocol):
    """One connection: passes the socket's bytes to the session, and the session's events to `on_events`."""

    def __init__(self, session: Session, on_events: OnEvents, on_bytes: OnBytes | None = None) -> None:
        self.session = session
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.fault: Exception | None = None  # an internal error that ended the connection
        self._on_events, self._on_bytes = on_events, on_bytes
        self._view = memoryview(bytearray(BUFFER))
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0.0  # when the timer fires, in monotonic seconds
        self._resume: asyncio.TimerHandle | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        raw = transport.get_extra_info("socket")
        if raw is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        self._arm()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._view  # of a bytearray, TLS would fill a copy

    def buffer_updated(self, nbytes: int) -> None:
        data, now = bytes(self._view[:nbytes]), monotonic()
        if self._on_bytes is not None:
            self._on_bytes(data, now)
        with self._reporting_faults():
            events = self.session.receive_data(data, now)
            if events:
                self._on_events(events)
            self._answer()
        if self.fault is None and nbytes < FLOOD and self._resume is None and not self._paused:
            self._gather(GATHER_STREAM_SECONDS if nbytes >= STREAM else GATHER_SECONDS)

    def connection_lost(self, error: Exception | None) -> None:
        for timer in (self._timer, self._resume):
            if timer is not None:
                timer.cancel()
        if not self.ended.done():
            self.ended.set_result(None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Stop reading: a sink is full. The exchange will close the connection, which is recorded as a gap."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def heard_until(self) -> datetime | None:
        """`Session.heard_until`; an internal error ends the connection."""
        with self._reporting_faults():
            return self.session.heard_until()
        return None

    def hasten_ping(self) -> None:
        """`Session.hasten_ping`; an internal error ends the connection."""
        with self._reporting_faults():
            self.session.hasten_ping(monotonic())
            self._answer()

    def exchange_time(self) -> datetime | None:
        """The exchange's own time now; an internal error ends the connection."""
        with self._reporting_faults():
            return self.session.exchange_time(monotonic())
        return None

    @contextmanager
    def _reporting_faults(self) -> Iterator[None]:
        """An internal error ends this connection; `ExchangeClient.listen` raises it."""
        try:
            yield
        except Exception as error:
            self.fault = self.fault or error
            self.close()

    def _gather(self, seconds: float) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            self._resume = asyncio.get_running_loop().call_later(seconds, self._read_on)

    def _read_on(self) -> None:
        self._resume = None
        if self._transport is not None and not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def _answer(self) -> None:
        """Write the session's pending data. Close the connection if the session has failed, else set the timer."""
        data = self.session.data_to_send()
        if data and self._transport is not None:
            self._transport.write(data)
        if self.session.state is SessionState.FAILED:
            self.close()
        else:
            self._arm()

    def _arm(self) -> None:
        """Set the timer for the session's deadline. An earlier timer stays, since input defers most deadlines."""
        deadline = self.session.next_deadline()
        if self._timer is not None:
            if self._armed <= deadline:
                return
            self._timer.cancel()
        self._armed = deadline
        wait = max(0.0, deadline - monotonic())
        self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._timer = None
        with self._reporting_faults():
            self.session.tick(monotonic())
            self._answer()


class ExchangeClient:
    """One exchange, connected again and again until the task that runs `listen` is cancelled."""

    def __init__(
        self, name: str, settings: ExchangeSettings, on_events: OnEvents, on_bytes: OnBytes | None = None
    ) -> None:
        self.name, self.settings = name, settings
        self.link: Transport | None = None
        self.certificate_expires: datetime | None = None  # of the last connection, None without TLS
        self.events = self.dropped = self.unusable = 0  # counts of the connections that have ended
        self.mailboxes, self.feed = Mailboxes(), CallCountMonitor()
        self.was_connected = False  # ever; the daemon knows of earlier runs
        self._on_events, self._on_bytes = on_events, on_bytes
        self._said: str | None = ""

    @property
    def is_connected(self) -> bool:
        """Logged in and listening."""
        return self.link is not None and self.link.session.state is SessionState.LISTENING

    async def listen(self) -> None:
        """Connect, receive until the connection ends, emit the gap, wait, and repeat. Raises an internal error."""
        wait = FIRST_WAIT
        refused_wait = REFUSED_WAIT
        since = monotonic()
        while True:
            link = await self._connected()
            if link is not None and link.exchange_time() is not None:
                wait, since = FIRST_WAIT, monotonic()  # the exchange was received: reset the back-off
            if link is not None and link.session.is_refused:
                await asyncio.sleep(refused_wait * random.uniform(0.9, 1.1))
                refused_wait = min(LONGEST_REFUSED_WAIT, refused_wait * 2)
            else:
                await asyncio.sleep(wait * random.uniform(0.75, 1.25))
                longest = EAGER_WAIT if monotonic() - since < EAGER_SECONDS else LONGEST_WAIT
                wait, refused_wait = min(longest, wait * 2), REFUSED_WAIT

    async def _connected(self) -> Transport | None:
        """Run one connection until it ends; None when it could not be opened. Raises the link's internal error."""
        try:
            link = await self.connect()
        except (TimeoutError, OSError, ConfigError) as error:
            self._say(sentence(self.name, self.settings, error))
            return None
        self.link = link
        try:
            await link.ended
        except asyncio.CancelledError:
            link.close()
            raise
        self._over(link)
        if link.fault is not None:
            raise link.fault
        return link

    async def connect(self) -> Transport:
        """Open a connection. Raises OSError, TimeoutError, or ConfigError when the secret cannot be read."""
        s = self.settings
        secret = s.secret()
        loop = asyncio.get_running_loop()

        def new_transport() -> Transport:
            session = Session(
                self.name,
                s.username,
                secret,
                monotonic(),
                md5=s.login == "md5",
                ping_every=s.ping_every.total_seconds(),
                ping_timeout=s.ping_timeout.total_seconds(),
                list_every=s.list_every.total_seconds(),
                mailboxes=self.mailboxes,
                feed=self.feed,
            )
            return Transport(session, self._events_received, self._on_bytes)

        context, name = (tls_context(s), s.server_name or s.host) if s.tls else (None, None)
        async with asyncio.timeout(CONNECT_TIMEOUT):
            opening = loop.create_connection(new_transport, s.host, s.port, ssl=context, server_hostname=name)
            transport, link = await opening
        self.certificate_expires = _certificate_expires(transport)
        return link

    def _events_received(self, events: list[e.Event]) -> None:
        if self._said is not None and self.is_connected:
            log.info("exchange: connected", extra={"exchange": self.name})
            self._said, self.was_connected = None, True
        self._on_events(events)

    def _over(self, link: Transport) -> None:
        """The connection ended: log the reason, and emit `ConnectionLost` to the core."""
        link.close()
        self.link = None
        self.events += link.session.received
        self.dropped += link.session.framer.dropped
        self.unusable += link.session.unusable
        failure = link.session.failure or AmiError(
            Sentence("Exchange {name} closed the connection.", name=self.name)
        )
        if link.fault is None:
            self._say(str(failure))
        if link.exchange_time() is not None:
            self._on_events([*link.session.odd(), link.session.lost()])

    def _say(self, what: str) -> None:
        if what != self._said:
            self._said = what
            never = {} if self.was_connected else {"ever_connected": "no"}
            log.warning(what, extra={"exchange": self.name} | never)


def tls_context(settings: ExchangeSettings | MqttSettings) -> ssl.SSLContext:
    """Certificate and host name are always verified; a client certificate is sent when one is configured."""
    context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    if settings.client_certificate is not None:
        key = str(settings.client_key) if settings.client_key else None
        context.load_cert_chain(str(settings.client_certificate), key)
    return context


def _certificate_expires(transport: asyncio.BaseTransport) -> datetime | None:
    wire = transport.get_extra_info("ssl_object")
    until = wire and wire.getpeercert().get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if until else None


def sentence(name: str, settings: ExchangeSettings, error: BaseException) -> str:
    """What went wrong with a connection, and what the administrator can do."""
    known: dict[str, object] = {"name": name, "where": f"{settings.host}:{settings.port}"}
    match error:
        case ConfigError():
            return error.sentences[0]
        case ssl.SSLCertVerificationError():
            return Sentence(
                "Exchange {name}: the certificate of {where} is not accepted for {host!r} ({why}); set "
                "server_name or ca_file, or renew the certificate.",
                **known,
                host=settings.server_name or settings.host,
                why=error.verify_message,
            )
        case ssl.SSLError():
            return Sentence(
                "Exchange {name}: {where} speaks no TLS ({why}); check port, tls and manager.conf.",
                **known,
                why=error.reason,
            )
        case ConnectionRefusedError():
            return Sentence(
                "Exchange {name}: nothing listens at {where}; check that Asterisk runs, with enabled=yes in "
                "manager.conf.",
                **known,
            )
        case socket.gaierror():
            return Sentence(
                "Exchange {name}: the host name {host!r} cannot be resolved; check host.",
                **known,
                host=settings.host,
            )
        case TimeoutError():
            return Sentence(
                "Exchange {name}: {where} does not answer; check host, port and the firewall.", **known
            )
        case _:
            return Sentence("Exchange {name}: {where} cannot be reached ({why}).", **known, why=str(error))


async def bytes_of(name: str, settings: ExchangeSettings) -> AsyncIterator[bytes]:
    """One connection's bytes, from the banner on. Raises AmiError, or ConfigError (the secret cannot be read)."""
    chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
    exchange = ExchangeClient(name, settings, lambda events: None, lambda data, now: chunks.put_nowait(data))
    try:
        link = await exchange.connect()
    except (TimeoutError, OSError) as error:
        raise AmiError(sentence(name, settings, error)) from None
    link.ended.add_done_callback(lambda _: chunks.put_nowait(None))
    try:
        while (chunk := await chunks.get()) is not None:
            yield chunk
    finally:
        link.close()
    if link.session.failure is not None:
        raise link.session.failure
