"""Items as bytes: the form in which outcomes and heartbeats stand in the outbox (msgpack).

Each item is encoded when it is offered; a record only concatenates them. Refuses: all I/O.
"""

from collections.abc import Sequence

import msgspec

from callmon.core.callbacks.obligation import LedgerUpdate
from callmon.core.calls.call import Call
from callmon.core.disruptions.register import DisruptionUpdate
from callmon.core.facts import AnyFact
from callmon.core.outcome import Heartbeat, Item, Outcome


class StoredOutcome(Outcome, frozen=True):
    """An outcome decoded from bytes: each fact has its own type."""

    facts: tuple[AnyFact, ...] = ()
    calls: tuple[Call, ...] = ()
    ledger: tuple[LedgerUpdate, ...] = ()
    disruptions: tuple[DisruptionUpdate, ...] = ()


encode_item = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(StoredOutcome | Heartbeat).decode
decode_items = msgspec.msgpack.Decoder(list[StoredOutcome | Heartbeat]).decode
_split = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode


def join_items(encoded: Sequence[bytes]) -> bytes:
    """One array of items that are each encoded by `encode_item`."""
    return b"".join([b"\xdd", len(encoded).to_bytes(4, "big"), *encoded])


def split_items(array: bytes) -> list[bytes]:
    """The items of an array, each still encoded."""
    return [bytes(item) for item in _split(array)]


def item_label(item: Item) -> str:
    """An item for the log: its exchange, calls and ledger IDs, none of its content."""
    if isinstance(item, Heartbeat):
        return f"heartbeat of {item.exchange}"
    named = {written.entry.obligation for written in item.ledger}
    named |= {noted.disruption.id for noted in item.disruptions}
    named |= {fact.call for fact in item.facts} | {call.call for call in item.calls}
    return f"{item.exchange} {' '.join(sorted(named))}"
