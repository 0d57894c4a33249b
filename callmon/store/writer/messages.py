"""What the listening process and the scribe say to each other: msgpack in frames, over one socket. Pure.

    listening process   ── Opening ─ Anew ─ (Group | Beat) … ─ Closing ──▶   scribe
                        ◀── Waits … ─ Standing ─ (Stored | Held | Trouble) …
                            ▲────────── another writes ──────────┘

A frame is the length of a message (four bytes) and the message. A group's outcomes were encoded one by one
when they were offered; here they are only put side by side. Group numbers ascend without a hole.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from callmon.core.callbacks.obligation import Written
from callmon.core.calls.call import Call
from callmon.core.disruptions.register import Noted
from callmon.core.facts import AnyFact
from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.statistics.counters import Figures

LENGTH = 4


class Told(Outcome, frozen=True):
    """An outcome on its way back from bytes: each fact as what it is."""

    facts: tuple[AnyFact, ...] = ()
    calls: tuple[Call, ...] = ()
    ledger: tuple[Written, ...] = ()
    disruptions: tuple[Noted, ...] = ()


class Opening(msgspec.Struct, frozen=True, tag="Opening"):
    """The database, with its password and the keys of numbers: that is why they come by this way.

    `token` marks what is written. `is_shared`: who finds another writing waits for its turn (`lease.py`).
    """

    url: str
    token: str
    keys: tuple[bytes, ...] = ()
    is_shared: bool = False


class Group(msgspec.Struct, frozen=True, tag="Group"):
    """`count` items, to be written as one transaction that bears this number."""

    number: int
    count: int
    items: msgspec.Raw


class Anew(msgspec.Struct, frozen=True, tag="Anew"):
    """The groups from here on follow what the scribe said last of how the database stands; those before do not."""


class Beat(msgspec.Struct, frozen=True, tag="Beat"):
    """Whoever sends groups lives, at this time of the machine's monotonic clock."""

    at: float


class Closing(msgspec.Struct, frozen=True, tag="Closing"):
    """Nothing more will come: try what waits once more, and end."""


class Standing(msgspec.Struct, frozen=True, tag="Standing"):
    """The scribe alone may write now. The last number committed, by whom, and every figure as it then was."""

    number: int
    token: str
    figures: Figures


class SetAside(NamedTuple):
    """An outcome that the database would never take: the error's name, and which calls it spoke of."""

    fault: str
    of: str


class Stored(msgspec.Struct, frozen=True, tag="Stored"):
    """The group is committed; `figures` is what it added."""

    number: int
    figures: Figures
    set_aside: tuple[SetAside, ...] = ()


class Waits(msgspec.Struct, frozen=True, tag="Waits"):
    """Another writes. Until when it has heard each exchange, with all that was said stored.

    `holder`: which session it is, for a person.
    """

    heard: dict[str, datetime]
    holder: str = ""


class Held(msgspec.Struct, frozen=True, tag="Held"):
    """The scribe has the right to write, by the server's word, which was asked for after this time."""

    at: float


class Trouble(msgspec.Struct, frozen=True, tag="Trouble"):
    """Why outcomes wait, for a person."""

    why: str


ToScribe = Opening | Anew | Group | Beat | Closing
FromScribe = Waits | Standing | Stored | Held | Trouble

_encode = msgspec.msgpack.Encoder().encode
to_scribe = msgspec.msgpack.Decoder(ToScribe).decode
from_scribe = msgspec.msgpack.Decoder(FromScribe).decode
_raw_items = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
items_of = msgspec.msgpack.Decoder(list[Told | Heartbeat]).decode
item_of = msgspec.msgpack.Decoder(Told | Heartbeat).decode
encode_item = _encode


def frame(message: ToScribe | FromScribe) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


def group_frame(number: int, encoded: Sequence[bytes]) -> bytes:
    """The frame of a group of these items, each as `encode_item` gave it, put together in one copy."""
    count = len(encoded)
    # With nothing for its last field a message is the beginning of itself; then msgpack's long array.
    begin = _encode(Group(number, count, msgspec.Raw(b""))) + b"\xdd" + count.to_bytes(4, "big")
    length = len(begin) + sum(map(len, encoded))
    return b"".join([length.to_bytes(LENGTH, "big"), begin, *encoded])


def encoded_in(group: bytes) -> list[bytes]:
    """The items of a group's frame, each as it was encoded."""
    message = to_scribe(group[LENGTH:])
    assert isinstance(message, Group)
    return [bytes(item) for item in _raw_items(message.items)]


class Frames:
    """Whole messages out of pieces of any size."""

    def __init__(self) -> None:
        self._data = bytearray()

    def receive(self, piece: bytes) -> list[bytes]:
        data, begin, found = self._data, 0, []
        data += piece
        while len(data) >= begin + LENGTH:
            end = begin + LENGTH + int.from_bytes(data[begin : begin + LENGTH], "big")
            if len(data) < end:
                break
            found.append(bytes(data[begin + LENGTH : end]))
            begin = end
        del data[:begin]
        return found
