"""The standby's buffer: outcomes it would have written, dropped once the leader is known to have committed them.

The buffer holds heartbeats in their order. A heartbeat states that all items of its exchange before it were
received until its time. Items before a heartbeat that the database has passed by `MARGIN` are in the database.
Outcomes stay encoded.

Refuses: all I/O.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.core.outcome import Heartbeat
from callmon.store.writer import messages

Heard = Mapping[str, datetime]

# Two instances emit outcomes that follow from time alone up to a second apart, and their clocks may differ.
MARGIN = timedelta(seconds=3)


class _OfExchange(msgspec.Struct):
    exchange: str


_item = msgspec.msgpack.Decoder(Heartbeat | _OfExchange).decode


def items_of_frames(frames: Iterable[bytes]) -> list[bytes]:
    """The items of batches that were sent and not confirmed."""
    return [item for frame in frames for item in messages.encoded_in(frame)]


def drop_committed(waiting: list[bytes], heard: Heard) -> int:
    """Drops the items that the database has, by `heard` of each exchange. Returns how many it dropped.

    Another thread may append meanwhile: one atomic step of the interpreter replaces the beginning of the list.
    """
    if not heard:
        return 0
    items = waiting[:]
    said = [_item(item) for item in items]
    last = _last_passed(said, heard)
    left = [item for n, item in enumerate(items) if n > last.get(said[n].exchange, -1)]
    waiting[: len(items)] = left
    return len(items) - len(left)


def _last_passed(said: list[Heartbeat | _OfExchange], heard: Heard) -> dict[str, int]:
    """By exchange: the index of the last heartbeat that the database has passed by `MARGIN`."""
    passed: dict[str, int] = {}
    for n, item in enumerate(said):
        until = heard.get(item.exchange)
        if isinstance(item, Heartbeat) and until is not None and item.at + MARGIN <= until:
            passed[item.exchange] = n
    return passed
