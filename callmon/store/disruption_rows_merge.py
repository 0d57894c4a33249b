"""The book of disruptions as rows, and the way back. Pure: knows the tables' columns, no SQL and no connection."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from callmon.core.disruptions.disruption import Disruption
from callmon.core.disruptions.entries import AnyEntry
from callmon.core.disruptions.register import Noted
from callmon.store.tables import microseconds

_encode = msgspec.json.Encoder().encode
_decode_entry = msgspec.json.Decoder(AnyEntry).decode
_decode = msgspec.json.Decoder(Disruption).decode

Row = tuple[Any, ...]


class DisruptionRows:
    """What a group of outcomes holds of disruptions."""

    def __init__(self, n: int) -> None:
        self._n = n
        self.entries: list[Row] = []
        self.noted: list[Noted] = []
        self.hand = 0

    def take(self, noted: Iterable[Noted], hand: int) -> None:
        for one in noted:
            entry = one.entry
            row = (
                entry.disruption,
                self._n,
                microseconds(entry.at),
                type(entry).__name__,
                _encode(entry).decode(),
            )
            self.entries.append(row)
            self.noted.append(one)
            self._n += 1
        self.hand = max(self.hand, hand)

    def rows(self) -> list[Row]:
        """The last word on each."""
        return [_row(one) for one in {x.disruption.id: x.disruption for x in self.noted}.values()]


def _row(one: Disruption) -> Row:
    return (
        one.id, one.source, one.exchange, f" {' '.join(one.lines)} ", microseconds(one.began),
        _micro(one.notice.until), _micro(one.announced), _micro(one.ended), one.how, one.counts, one.is_live,
        _encode(one).decode(),
    )  # fmt: skip


def _micro(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def entry_of(data: str) -> AnyEntry:
    entry: AnyEntry = _decode_entry(data)
    return entry


def disruption_of(data: str) -> Disruption:
    return _decode(data)
