"""The HTTP socket and server, in the daemon's event loop. The daemon handles the signals."""

import asyncio
import contextlib
import errno
import logging
import os
import resource
import socket
import ssl
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import uvicorn

from callmon.config.web import Network
from callmon.errors import ConfigError
from callmon.logs import Seldom
from callmon.web.auth.client import is_loopback, is_one_of
from callmon.web.connections import BACKLOG, Connection, Connections, most_connections

log = logging.getLogger(__name__)

UNTAKEN_MILLISECONDS = 30_000
EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Server(uvicorn.Server):
    """uvicorn in the daemon's loop, without signal handlers. `proxies` may open more connections than others.

    `tls` gives each new connection its TLS context, or None.
    """

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

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(Exhausted())
        await super().serve(sockets)

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


def listening(address: str) -> socket.socket:
    """The listening socket, bound before anything else starts. Raises ConfigError when it cannot be bound."""
    host, _, port = address.rpartition(":")
    try:
        wire = socket.create_server(
            (host.strip("[]"), int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        # A client that accepts no data for so long is cut off, so that a live page's buffer is not held for ever.
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MILLISECONDS)
        return wire
    except OSError as error:
        raise ConfigError(f"web.listen: {address} cannot be bound ({os.strerror(error.errno or 0)}).") from None
