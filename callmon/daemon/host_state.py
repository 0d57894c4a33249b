"""What whoever keeps callmon running looks after, read where it is: `sinks/upkeep` shows it, /healthz says it.

Refuses to be trouble: a clock that is wrong by a minute or a disk that fills is a remark as long as callmon does
its job.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from time import monotonic

from callmon.ami.connection import Exchange
from callmon.daemon import clock
from callmon.sinks.metrics.host_gauges import Room, Upkeep
from callmon.store.database import Store, damage
from callmon.store.writer.writer import Writer

# More is seen by people: two boards that differ, an opening hour that comes early.
MOST_SKEW = 5.0
MOST_SKEW_BELIEVED = clock.MOST_SKEW.total_seconds()
NOT_BELIEVED = " Until they agree, nothing falls due before both clocks say so."
# Between two looks at all of the database's file: an hour, and a hundred times as long as one takes.
CHECK_EVERY, MOST_REST = 3600.0, 100


class Soundness:
    """Whether the database's file is whole, looked at now and then: a damaged page may never be asked for."""

    def __init__(self, store: Store) -> None:
        self._store, self._damage, self._is_over = store, "", False

    async def run(self) -> None:
        try:
            while True:
                began = monotonic()
                found: str | None = await asyncio.to_thread(self._look)
                self._damage = found or ""
                await asyncio.sleep(max(CHECK_EVERY, MOST_REST * (monotonic() - began)))
        finally:
            self._is_over = True  # the thread that looks must not hold up the end

    def _look(self) -> str | None:
        return damage(self._store, lambda: self._is_over)

    def troubles(self) -> list[str]:
        if not self._damage:
            return []
        return [
            f"database: the file {self._store.path} is damaged ({self._damage}): stop callmon, keep the file, and "
            "put a copy back."
        ]


def upkeep(
    exchanges: Mapping[str, Exchange],
    database: Writer,
    disks: Mapping[str, Room],
    now: datetime,
    monotonic: float,
) -> Upkeep:
    """All that is known at this moment, by both of our clocks."""
    links = {name: exchange.link for name, exchange in exchanges.items()}
    told = {name: link.session.clock.skew(now, monotonic) for name, link in links.items() if link is not None}
    until = {name: exchange.certificate_expires for name, exchange in exchanges.items()}
    journal = database.journal()
    return Upkeep(
        {name: skew for name, skew in told.items() if skew is not None},
        {name: at for name, at in until.items() if at is not None},
        disks,
        None if journal is None else (journal.size, journal.most, journal.outcomes),
    )


def disks(database: Writer) -> Iterator[tuple[str, Room]]:
    """Of the database, where it is a file, and of the journal. Blocks."""
    journal = database.journal()
    for what, path in (("database", database.path), ("journal", journal and journal.path)):
        if path is not None:
            with suppress(OSError):
                yield what, room(path.absolute().parent)


def room(path: Path) -> Room:
    """Raises OSError."""
    told = os.statvfs(path)
    return Room(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize)


def remarks(skews: Mapping[str, float], database: Writer, is_wanted: bool) -> list[str]:
    """`is_wanted`: the configuration asks for a journal."""
    return [*_clocks(skews), *_journal(database, is_wanted)]


def _clocks(skews: Mapping[str, float]) -> Iterator[str]:
    for name, skew in skews.items():
        if abs(skew) > MOST_SKEW:
            side = "ahead of" if skew > 0 else "behind"
            yield (
                f"The clock of the exchange {name} is {abs(skew):.0f} s {side} callmon's: calls are told by the "
                "exchange's, and so is what is due; let both follow a time server."
                + NOT_BELIEVED
                * (abs(skew) > MOST_SKEW_BELIEVED)
            )


def _journal(database: Writer, is_wanted: bool) -> Iterator[str]:
    state = database.journal()
    if state is None:
        if is_wanted:
            yield "database: the journal cannot be used (the log says why): outcomes would wait in memory alone."
    elif state.outcomes:
        yield (
            f"database: {state.outcomes} outcomes wait in the journal {state.path} "
            f"({_mib(state.size)} of {_mib(state.most)} MiB) until the database takes them."
        )


def journal_troubles(database: Writer) -> list[str]:
    """When even the journal takes no more."""
    state = database.journal()
    if state is None or state.trouble is None:
        return []
    return [
        f"database: {state.trouble}: outcomes wait in memory, and when {database.max_waiting} do callmon reads no "
        "further; bring the database back, or make room."
    ]


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.1f}".removesuffix(".0")
