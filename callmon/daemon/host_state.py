"""The state that an administrator maintains: clocks, certificates, disks, the journal, the database file.

`sinks/metrics/gauges.py` exports it; /healthz reports it. Refuses: to report a wrong clock or a filling disk
as trouble. Each is a remark as long as callmon works.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic

from callmon.ami.connection import ExchangeClient
from callmon.daemon import clock
from callmon.sinks.snapshot import DiskSpace, HostStatus
from callmon.store.database import Database, file_damage
from callmon.store.writer.writer import Writer

# Seconds. People notice more: two boards that differ, an opening hour that comes early.
MOST_SKEW = 5.0
MOST_SKEW_BELIEVED = clock.MOST_SKEW.total_seconds()
NOT_BELIEVED = " Until they agree, callbacks fall due only when both clocks say so."
# A record in the outbox is no remark while the database commits as fast as this.
COMMITS_WITHIN = timedelta(seconds=2)
# Between two checks of the whole database file: at least so many seconds, and so many times as long as one takes.
CHECK_EVERY, MOST_REST = 3600.0, 100


class FileCheck:
    """Checks the whole database file periodically, because queries may never touch a damaged page."""

    def __init__(self, store: Database) -> None:
        self._store, self._damage, self._is_over = store, "", False

    async def run(self) -> None:
        try:
            while True:
                began = monotonic()
                found: str | None = await asyncio.to_thread(self._look)
                self._damage = found or ""
                await asyncio.sleep(max(CHECK_EVERY, MOST_REST * (monotonic() - began)))
        finally:
            self._is_over = True  # the checking thread must not delay the shutdown

    def _look(self) -> str | None:
        return file_damage(self._store, lambda: self._is_over)

    def troubles(self) -> list[str]:
        if not self._damage:
            return []
        return [
            f"database: the file {self._store.path} is damaged ({self._damage}): stop callmon, keep the file, and "
            "restore a backup."
        ]


def host_status(
    exchanges: Mapping[str, ExchangeClient],
    database: Writer,
    disks: Mapping[str, DiskSpace],
    now: datetime,
    monotonic: float,
) -> HostStatus:
    """The state at this moment. `now` is the host's time, `monotonic` its monotonic time in seconds."""
    links = {name: exchange.link for name, exchange in exchanges.items()}
    told = {name: link.session.clock.skew(now, monotonic) for name, link in links.items() if link is not None}
    until = {name: exchange.certificate_expires for name, exchange in exchanges.items()}
    journal = database.journal()
    return HostStatus(
        {name: skew for name, skew in told.items() if skew is not None},
        {name: at for name, at in until.items() if at is not None},
        disks,
        None if journal is None else (journal.size, journal.most, journal.outcomes),
    )


def disks(database: Writer) -> Iterator[tuple[str, DiskSpace]]:
    """The free space where the database (when it is a file) and the journal are stored. Blocks."""
    journal = database.journal()
    for what, path in (("database", database.path), ("journal", None if journal is None else journal.path)):
        if path is not None:
            with suppress(OSError):
                yield what, disk_space(path.absolute().parent)


def disk_space(path: Path) -> DiskSpace:
    """Free space and size of the file system of `path`, in bytes. Raises OSError."""
    told = os.statvfs(path)
    return DiskSpace(told.f_bavail * told.f_frsize, told.f_blocks * told.f_frsize)


def host_remarks(skews: Mapping[str, float], database: Writer, is_wanted: bool) -> list[str]:
    """The remarks on clocks and journal. `is_wanted`: the configuration asks for a journal."""
    return [*_clocks(skews), *_journal(database, is_wanted)]


def _clocks(skews: Mapping[str, float]) -> Iterator[str]:
    for name, skew in skews.items():
        if abs(skew) > MOST_SKEW:
            side = "ahead of" if skew > 0 else "behind"
            yield (
                f"The clock of the exchange {name} is {abs(skew):.0f} s {side} callmon's: the times of calls "
                "and due times follow the exchange's clock. Synchronise both with a time server."
                + NOT_BELIEVED
                * (abs(skew) > MOST_SKEW_BELIEVED)
            )


def _journal(database: Writer, is_wanted: bool) -> Iterator[str]:
    state = database.journal()
    if state is None:
        if is_wanted:
            yield (
                "database: the journal cannot be used, so an outage would buffer outcomes in memory only; see "
                "the log."
            )
    elif state.outcomes and database.behind_for() > COMMITS_WITHIN:
        yield (
            f"database: {state.outcomes} outcomes are buffered in the journal {state.path} "
            f"({_mib(state.size)} of {_mib(state.most)} MiB) until the database is available."
        )


def journal_troubles(database: Writer) -> list[str]:
    """The trouble when the journal accepts no more outcomes; empty otherwise."""
    state = database.journal()
    if state is None or state.trouble is None:
        return []
    return [
        f"database: {state.trouble}: outcomes are buffered in memory. At {database.max_waiting} outcomes callmon "
        "stops reading events. Restore the database, or free disk space."
    ]


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.1f}".removesuffix(".0")
