"""The HTTP socket and server, in the daemon's event loop. The daemon handles the signals.

Limits how long a request may take to arrive, and how many connections may be open:

    accepted ─▶ (TLS) head ──10 s──▶ body ──30 s──▶ answer (a live stream stays here) ─▶ head …
                 └────────┬───────────┘ idle: aborted at its time limit, or where a new connection finds no room
                          ▼
                       aborted

The first head's limit includes the TLS handshake. A new connection over a limit takes the place of the longest
idle one; where none is idle, it is aborted itself. Never logs more than one line a minute about either.
"""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from email.utils import formatdate
from functools import partial
from typing import Any, Protocol

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from callmon.config.web import Network
from callmon.errors import ConfigError, Sentence
from callmon.logs import Seldom
from callmon.web.auth.client import is_loopback, is_one_of

log = logging.getLogger(__name__)

UNTAKEN_MILLISECONDS = 30_000
EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
HEAD_SECONDS, BODY_SECONDS = 10.0, 30.0
MOST, MOST_OF_AN_ADDRESS = 1_000, 50
LEFT_FOR_OTHERS = 100  # connections that a trusted address may not take
FEWEST = 50
# asyncio accepts this many before it counts one. In a flood with a longer queue, /healthz waits for a second.
BACKLOG = 128
# For the exchanges, the database, the log, files, and connections that are not counted yet.
RESERVED_DESCRIPTORS = 512


def most_connections(limit: int) -> int:
    """The connections for which a process with `limit` descriptors has room, beside the reserved ones."""
    room = MOST if limit == resource.RLIM_INFINITY else limit - RESERVED_DESCRIPTORS
    return min(MOST, max(FEWEST, room))


class Idle(Protocol):
    def abort(self) -> None: ...


class Connections:
    """The open connections by address. `is_trusted`: a proxy or this machine, which connects for many."""

    def __init__(self, most: int, is_trusted: Callable[[str], bool]) -> None:
        self._most, self._is_trusted = most, is_trusted
        self._open: dict[Idle, str] = {}
        self._idle: dict[Idle, str] = {}  # with their addresses, the longest idle first
        self._full = Seldom(log, "web: too many HTTP connections; closing idle or new ones")
        self.unencrypted = Seldom(log, "web: TLS handshakes failed")

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Idle, address: str) -> bool:
        """Whether the connection has room. Where necessary, the longest idle connection is aborted."""
        if sum(origin == address for origin in self._open.values()) >= self._most_of(address):
            is_admitted = self._make_room(address, (x for x, origin in self._idle.items() if origin == address))
        elif len(self._open) >= self._most:
            is_admitted = self._make_room(address, self._idle)
        else:
            is_admitted = True
        if is_admitted:
            self._open[connection] = address
        return is_admitted

    def idle(self, connection: Idle) -> None:
        if connection in self._open:
            self._idle[connection] = self._open[connection]

    def busy(self, connection: Idle) -> None:
        self._idle.pop(connection, None)

    def close(self, connection: Idle) -> None:
        self.busy(connection)
        self._open.pop(connection, None)

    def _most_of(self, address: str) -> int:
        return max(1, self._most - LEFT_FOR_OTHERS) if self._is_trusted(address) else MOST_OF_AN_ADDRESS

    def _make_room(self, address: str, idle: Iterable[Idle]) -> bool:
        self._full(address=address, open=len(self._open))
        oldest = next(iter(idle), None)
        if oldest is None:
            return False
        self.close(oldest)
        oldest.abort()
        return True


REQUESTS = logging.getLogger(f"{__name__}.requests")


class _Counted(logging.Filter):
    """Limits uvicorn's warnings about clients' requests to one a minute; its errors about the application pass."""

    def __init__(self) -> None:
        super().__init__()
        self._refused = Seldom(log, "web: refused invalid HTTP requests")

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno == logging.WARNING:
            self._refused(why=record.getMessage())
        return record.levelno > logging.WARNING


REQUESTS.addFilter(_Counted())


class Connection(H11Protocol):
    """uvicorn's protocol with the limits, by h11's state after each event. `tls`: the TLS context now, or None."""

    def __init__(
        self, connections: Connections, tls: Callable[[], ssl.SSLContext | None] = lambda: None, **given: Any
    ) -> None:
        super().__init__(**given)
        self.logger = REQUESTS
        self._all, self._tls = connections, tls
        self._handshake: asyncio.Task[None] | None = None
        self._early = b""  # what the client sent right behind its handshake
        self._awaited = ""  # "head", "body", or "" while an answer is made
        self._timer: asyncio.TimerHandle | None = None
        self._is_admitted = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        peer = transport.get_extra_info("peername")
        self._is_admitted = self._all.admit(self, peer[0] if peer else "")
        if not self._is_admitted:
            transport.abort()
            return
        context = self._tls()
        if context is None:
            self._begin(transport)
        else:
            transport.pause_reading()  # the first bytes are the handshake's
            self.transport = transport
            self._await("head")
            self._handshake = self.loop.create_task(self._encrypt(transport, context))

    async def _encrypt(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        encrypted = None
        try:
            encrypted = await self.loop.start_tls(transport, self, context, server_side=True)
        except OSError as error:  # a client without TLS, without the right certificate, or gone
            self._all.unencrypted(why=str(error))
        if encrypted is None:
            self._end()
        else:
            self._begin(encrypted)

    def _begin(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._look()
        if self._early:
            self.data_received(self._early)
            self._early = b""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._is_admitted:
            self._end()
            if self.flow is not None:  # it has begun
                super().connection_lost(exc)

    def _end(self) -> None:
        self._all.close(self)
        self._wait_for("")

    def data_received(self, data: bytes) -> None:
        if self.flow is None:  # asyncio passes data on before `start_tls` returns
            self._early += data
            return
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def abort(self) -> None:
        self.transport.abort()

    def _look(self) -> None:
        """Reads what the connection waits for; a time limit begins when that changes."""
        state = self.conn.their_state
        awaited = "head" if state is h11.IDLE else "body" if state is h11.SEND_BODY else ""
        if awaited != self._awaited:
            self._await(awaited)

    def _await(self, awaited: str) -> None:
        self._wait_for(awaited)
        (self._all.idle if awaited else self._all.busy)(self)

    def _wait_for(self, awaited: str) -> None:
        self._awaited = awaited
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if awaited:
            seconds = HEAD_SECONDS if awaited == "head" else BODY_SECONDS
            self._timer = self.loop.call_later(seconds, self._expired)

    def _expired(self) -> None:
        if self.transport.get_write_buffer_size():
            self._wait_for(self._awaited)  # an answer is still being sent: TCP_USER_TIMEOUT limits that
        else:
            self.abort()


class Server(uvicorn.Server):
    """uvicorn in the daemon's loop, without signal handlers. `proxies` may open more connections than others."""

    def __init__(
        self,
        application: object,
        proxies: Sequence[Network] = (),
        tls: Callable[[], ssl.SSLContext | None] = lambda: None,
    ) -> None:
        most = most_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        open_ = Connections(most, lambda address: is_loopback(address) or is_one_of(address, proxies))
        config = uvicorn.Config(
            application,  # type: ignore[arg-type]
            http=partial(Connection, open_, tls),  # type: ignore[arg-type]  # uvicorn only calls it
            ws="none",
            backlog=BACKLOG,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # the trusted proxies are a setting of callmon: web/auth/client
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self._stopped = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(Exhausted())
        await super().serve(sockets)

    async def main_loop(self) -> None:
        """Waits for `stop`: uvicorn's own loop wakes ten times a second. Each connection renews the date."""
        await self._stopped.wait()

    def stop(self) -> None:
        """Ends `serve`, within `timeout_graceful_shutdown`."""
        self.should_exit = True
        self._stopped.set()

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


class Exhausted:
    """The loop's exception handler. It logs once a minute that no descriptor is left for a connection."""

    def __init__(self) -> None:
        self._exhausted = Seldom(log, "web: cannot accept connections")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and error.errno in EXHAUSTED:
            self._exhausted(why=os.strerror(error.errno))
        else:
            loop.default_exception_handler(context)


class NotBoundError(ConfigError):
    """Nothing can listen at the configured address. `what`: the address, and the system's reason."""

    def __init__(self, what: Sentence) -> None:
        super().__init__(Sentence("web.listen: {what}; choose another address.", what=what))
        self.what = what


def listening(address: str) -> socket.socket:
    """The listening socket, bound before anything else starts. Raises NotBoundError when it cannot be bound."""
    host, _, port = address.rpartition(":")
    try:
        wire = socket.create_server(
            (host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        # A client that accepts no data for so long is cut off, so that a live page's buffer is not held for ever.
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MILLISECONDS)
        return wire
    except OSError as error:
        why = Sentence(os.strerror(error.errno or 0))
        raise NotBoundError(Sentence("{address} cannot be bound ({why})", address=address, why=why)) from None
