"""The messages between the daemon and the writer process: msgpack in frames, over one socket.

    daemon   ── Opening ─ Anew ─ (Group | Beat) … ─ Closing ──▶   writer process
             ◀── Waits … ─ Standing ─ (Stored | Held | Trouble) …
                 ▲────────── another writes ──────────┘

A frame is the length of a message (four bytes) and the message. The outcomes of a batch (`Group`) are encoded
one by one when they are offered; this module only concatenates them. Batch numbers ascend without a hole.

Refuses: all I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from callmon.core.callbacks.obligation import LedgerUpdate
from callmon.core.calls.call import Call
from callmon.core.disruptions.register import DisruptionUpdate
from callmon.core.facts import AnyFact
from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.statistics.counters import Figures

LENGTH = 4


class Told(Outcome, frozen=True):
    """An outcome decoded from bytes: each fact has its own type."""

    facts: tuple[AnyFact, ...] = ()
    calls: tuple[Call, ...] = ()
    ledger: tuple[LedgerUpdate, ...] = ()
    disruptions: tuple[DisruptionUpdate, ...] = ()


class Opening(msgspec.Struct, frozen=True, tag="Opening"):
    """The database with its password and the keys of numbers, which therefore travel through the socket only.

    `token` marks this instance's batches in the database. `is_shared`: a writer process that finds another one
    writing waits for the lease (`lease.py`).
    """

    url: str
    token: str
    keys: tuple[bytes, ...] = ()
    is_shared: bool = False


class Group(msgspec.Struct, frozen=True, tag="Group"):
    """A batch of `count` items, to be committed as one transaction with this number."""

    number: int
    count: int
    items: msgspec.Raw


class Anew(msgspec.Struct, frozen=True, tag="Anew"):
    """Resynchronise: batches after this message continue from the last `Standing`; earlier ones are stale."""


class Beat(msgspec.Struct, frozen=True, tag="Beat"):
    """The daemon is alive, which renews the lease. `at` is the machine's monotonic clock, in seconds."""

    at: float


class Closing(msgspec.Struct, frozen=True, tag="Closing"):
    """The last message: the writer process tries the queued batches once more and exits."""


class Standing(msgspec.Struct, frozen=True, tag="Standing"):
    """The state of the database: only this writer process may write now.

    `number` is the last committed batch, `token` its instance, `figures` all counters after that commit.
    """

    number: int
    token: str
    figures: Figures


class SetAside(NamedTuple):
    """An outcome that the database rejects: the error's name, and the calls that it concerns."""

    fault: str
    of: str


class Stored(msgspec.Struct, frozen=True, tag="Stored"):
    """The batch is committed; `figures` has the counters that it added."""

    number: int
    figures: Figures
    set_aside: tuple[SetAside, ...] = ()


class Waits(msgspec.Struct, frozen=True, tag="Waits"):
    """Another instance writes.

    `heard`, by exchange: until when that instance received its events and committed all of them. `holder`: the
    database session of that instance, for an operator.
    """

    heard: dict[str, datetime]
    holder: str = ""


class Held(msgspec.Struct, frozen=True, tag="Held"):
    """The server confirmed the lease of the writer process. The query started after `at` (monotonic seconds)."""

    at: float


class Trouble(msgspec.Struct, frozen=True, tag="Trouble"):
    """Why outcomes are not committed, for an operator."""

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
    """The frame of a batch of these items, each encoded by `encode_item`, joined in one copy."""
    count = len(encoded)
    # A message with an empty last field is a prefix of the full message. msgpack's 32-bit array header follows.
    begin = _encode(Group(number, count, msgspec.Raw(b""))) + b"\xdd" + count.to_bytes(4, "big")
    length = len(begin) + sum(map(len, encoded))
    return b"".join([length.to_bytes(LENGTH, "big"), begin, *encoded])


def encoded_in(group: bytes) -> list[bytes]:
    """The items of a batch's frame, each still encoded."""
    message = to_scribe(group[LENGTH:])
    assert isinstance(message, Group)
    return [bytes(item) for item in _raw_items(message.items)]


class Frames:
    """Reassembles whole messages from pieces of any size."""

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
