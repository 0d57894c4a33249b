"""The messages between the daemon and the writer process: msgpack in frames, over one socket.

    daemon   ── OpenRequest ─ Resync ─ (Batch | KeepAlive) … ─ CloseRequest ──▶   writer process
             ◀── FollowerState … ─ DatabaseState ─ (Committed | LeaseRenewed | Trouble) …
                 ▲────────── another writes ──────────┘

A frame is the length of a message (four bytes) and the message. The outcomes of a batch (`Batch`) are encoded
one by one when they are offered; this module only concatenates them. Batch numbers ascend without a hole.

Refuses: all I/O.
"""

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


class StoredOutcome(Outcome, frozen=True):
    """An outcome decoded from bytes: each fact has its own type."""

    facts: tuple[AnyFact, ...] = ()
    calls: tuple[Call, ...] = ()
    ledger: tuple[LedgerUpdate, ...] = ()
    disruptions: tuple[DisruptionUpdate, ...] = ()


class OpenRequest(msgspec.Struct, frozen=True, tag="Opening"):
    """The database with its password and the keys of numbers, which therefore travel through the socket only.

    `token` marks this instance's batches in the database. `is_shared`: a writer process that finds another one
    writing waits for the lease (`lease.py`).
    """

    url: str
    token: str
    keys: tuple[bytes, ...] = ()
    is_shared: bool = False


class Batch(msgspec.Struct, frozen=True, tag="Group"):
    """A batch of `count` items, to be committed as one transaction with this number."""

    number: int
    count: int
    items: msgspec.Raw


class Resync(msgspec.Struct, frozen=True, tag="Anew"):
    """Resynchronise: batches after this message continue from the last `DatabaseState`; earlier ones are stale."""


class KeepAlive(msgspec.Struct, frozen=True, tag="Beat"):
    """The daemon is alive, which renews the lease. `at` is the machine's monotonic clock, in seconds."""

    at: float


class CloseRequest(msgspec.Struct, frozen=True, tag="Closing"):
    """The last message: the writer process tries the queued batches once more and exits."""


class DatabaseState(msgspec.Struct, frozen=True, tag="Standing"):
    """The state of the database: only this writer process may write now.

    `number` is the last committed batch, `token` its instance, `figures` all counters after that commit.
    """

    number: int
    token: str
    figures: Figures


class Rejected(NamedTuple):
    """An outcome that the database rejects: the error's name, and the calls that it concerns."""

    fault: str
    of: str


class Committed(msgspec.Struct, frozen=True, tag="Stored"):
    """The batch is committed; `figures` has the counters that it added."""

    number: int
    figures: Figures
    rejected: tuple[Rejected, ...] = msgspec.field(default=(), name="set_aside")


class FollowerState(msgspec.Struct, frozen=True, tag="Waits"):
    """Another instance writes.

    `heard`, by exchange: until when that instance received its events and committed all of them. `holder`: the
    database session of that instance, for an operator.
    """

    heard: dict[str, datetime]
    holder: str = ""


class LeaseRenewed(msgspec.Struct, frozen=True, tag="Held"):
    """The server confirmed the lease of the writer process. The query started after `at` (monotonic seconds)."""

    at: float


class Trouble(msgspec.Struct, frozen=True, tag="Trouble"):
    """Why outcomes are not committed, for an operator."""

    why: str


ToWriter = OpenRequest | Resync | Batch | KeepAlive | CloseRequest
FromWriter = FollowerState | DatabaseState | Committed | LeaseRenewed | Trouble

_encode = msgspec.msgpack.Encoder().encode
decode_to_writer = msgspec.msgpack.Decoder(ToWriter).decode
decode_from_writer = msgspec.msgpack.Decoder(FromWriter).decode
_raw_items = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
decode_items = msgspec.msgpack.Decoder(list[StoredOutcome | Heartbeat]).decode
decode_item = msgspec.msgpack.Decoder(StoredOutcome | Heartbeat).decode
encode_item = _encode


def frame(message: ToWriter | FromWriter) -> bytes:
    body = _encode(message)
    return len(body).to_bytes(LENGTH, "big") + body


def batch_frame(number: int, encoded: Sequence[bytes]) -> bytes:
    """The frame of a batch of these items, each encoded by `encode_item`, joined in one copy."""
    count = len(encoded)
    # A message with an empty last field is a prefix of the full message. msgpack's 32-bit array header follows.
    begin = _encode(Batch(number, count, msgspec.Raw(b""))) + b"\xdd" + count.to_bytes(4, "big")
    length = len(begin) + sum(map(len, encoded))
    return b"".join([length.to_bytes(LENGTH, "big"), begin, *encoded])


def encoded_in(group: bytes) -> list[bytes]:
    """The items of a batch's frame, each still encoded."""
    message = decode_to_writer(group[LENGTH:])
    assert isinstance(message, Batch)
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
