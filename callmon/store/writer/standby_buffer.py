"""What a callmon that stands by keeps: what it would have written, until whoever writes is known to have done so.

Heartbeats are among it, in their places: each says that all before it, of its exchange, was heard until then. What
lies before a heartbeat that the database has passed by `MARGIN` is there. Outcomes as they were encoded; pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.core.outcome import Heartbeat
from callmon.store.writer import messages

Heard = Mapping[str, datetime]

# What follows from time alone is told by two callmons up to a second apart, and their clocks may differ a little.
MARGIN = timedelta(seconds=3)


class _OfExchange(msgspec.Struct):
    exchange: str


_item = msgspec.msgpack.Decoder(Heartbeat | _OfExchange).decode


def of_groups(frames: Iterable[bytes]) -> list[bytes]:
    """The items of groups that were on their way."""
    return [item for frame in frames for item in messages.encoded_in(frame)]


def forget(waiting: list[bytes], heard: Heard) -> int:
    """Takes out what is in a database that has heard the exchanges until then; how many that were.

    Another thread may append meanwhile: the beginning is replaced in one step of the interpreter.
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
    """By exchange: the place of the last heartbeat that the database has passed."""
    passed: dict[str, int] = {}
    for n, item in enumerate(said):
        until = heard.get(item.exchange)
        if isinstance(item, Heartbeat) and until is not None and item.at + MARGIN <= until:
            passed[item.exchange] = n
    return passed
