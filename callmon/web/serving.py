"""The pages' socket and server, in a loop whose signals are somebody else's."""

from __future__ import annotations

import contextlib
import os
import socket

import uvicorn

from callmon.errors import ConfigError

UNTAKEN_MILLISECONDS = 30_000


class Server(uvicorn.Server):
    """uvicorn in our loop: the signals are ours."""

    def __init__(self, application: object) -> None:
        config = uvicorn.Config(
            application,  # type: ignore[arg-type]
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,  # who may speak for others is a setting of ours: web/access
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def listening(address: str) -> socket.socket:
    """The socket for the pages, bound before anything else starts. ConfigError when it cannot be had."""
    host, _, port = address.rpartition(":")
    try:
        wire = socket.create_server((host.strip("[]"), int(port)), family=_family(host))
        # Whoever takes nothing of what was sent for so long is cut off: a live page's buffer is not kept for ever.
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MILLISECONDS)
        return wire
    except OSError as error:
        raise ConfigError(
            f"web.listen: {address} cannot be listened at ({os.strerror(error.errno or 0)})."
        ) from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
