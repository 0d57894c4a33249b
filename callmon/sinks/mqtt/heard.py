"""What a broker sends, bounded: a long message ends the connection, and of others little is kept.

callmon reads its own retained topics and `status`; a broker may send anything. aiomqtt has no limit of its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from callmon.sinks.mqtt import topics

if TYPE_CHECKING:
    import aiomqtt

# Bytes of a message, and characters of its topic. callmon's own, which come back, are shorter.
LONGEST_HEARD, LONGEST_TOPIC = 32 << 10, 500


class HeardQueue(asyncio.Queue[Any]):
    """What the broker says, without what nobody reads of it."""

    def put_nowait(self, item: Any) -> None:
        if len(str(item.topic)) <= LONGEST_TOPIC:
            item.payload = bytes(item.payload)[: len(topics.OFFLINE) + 1] if item.payload else b""
            super().put_nowait(item)


def refuse_long_messages(client: aiomqtt.Client) -> None:
    """The library reads a message of any length into memory, up to 256 MiB. A longer one ends the connection."""
    inner: Any = client._client
    read = inner._sock_recv  # it is asked for all that is left of a message

    def read_at_most(size: int) -> bytes:
        if size > LONGEST_HEARD:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        found: bytes = read(size)
        return found

    inner._sock_recv = read_at_most
    inner._on_message_filtered = _NoFilters()


class _NoFilters:
    """callmon has no callback for single topics. paho's search for one leaves garbage of each topic's size."""

    def iter_match(self, _topic: str) -> Iterator[Any]:
        return iter(())
