"""The state of the service and of its host, which alerts need beside calls: `/metrics` and /healthz report it.

The service: mailboxes, opening times, verdicts of the last day, closed days. The host, which an administrator
maintains: clocks, certificates, disks, the outbox, the database file. The database is read in a thread.

Refuses: to send an exchange any action. Refuses: to report a wrong clock or a filling disk as trouble. Each is a
remark as long as callmon works.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import product
from time import monotonic

from callmon.ami.connection import ExchangeClient
from callmon.ami.mailboxes import short
from callmon.config.business_calendar import Calendar
from callmon.config.lines import Line
from callmon.config.settings import Settings
from callmon.config.standards import CALL_STANDARDS
from callmon.core.snapshot import DiskSpace, HostStatus, MailboxStatus, ServiceStatus
from callmon.core.statistics.period import midnight
from callmon.core.verdicts import VERDICTS
from callmon.daemon.exchanges import MOST_CLOCK_DIFFERENCE
from callmon.errors import CallmonError, Sentence, StoreError
from callmon.store.database import Database, database_errors, file_damage
from callmon.store.queries import calls
from callmon.store.sign_off import altered_revisions
from callmon.store.writer.writer import Writer

# Seconds. People notice more: two boards that differ, an opening hour that comes early.
MOST_SKEW = 5.0
MOST_SKEW_BELIEVED = MOST_CLOCK_DIFFERENCE.total_seconds()
NOT_BELIEVED = Sentence(" Until they agree, callbacks fall due only when both clocks say so.")
# A record in the outbox is no remark while the database commits as fast as this.
COMMITS_WITHIN = timedelta(seconds=2)
# Between two checks of the whole database file: at least so many seconds, and so many times as long as one takes.
CHECK_EVERY, MOST_REST = 3600.0, 100
HASTENED_AFTER = 10.0  # where a query has just met a damaged page


class FileCheck:
    """Checks the whole database now and then: its file, of which no query may touch a page, and its signatures."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._damage = ""
        self._is_over = False
        self._altered: list[Sentence] = []
        self._hastened = asyncio.Event()

    def hasten(self) -> None:
        """A query has met a damaged page: the next check begins at once."""
        self._hastened.set()

    async def run(self) -> None:
        try:
            while True:
                began = monotonic()
                self._hastened.clear()
                found = await asyncio.to_thread(file_damage, self._store, lambda: self._is_over)
                self._damage = found or ""
                with suppress(CallmonError):  # the sinks report a database that cannot be read
                    self._altered = await asyncio.to_thread(altered_revisions, self._store)
                await self._rest(max(CHECK_EVERY, MOST_REST * (monotonic() - began)))
        finally:
            self._is_over = True  # the checking thread must not delay the shutdown

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(HASTENED_AFTER)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hastened.wait()

    def remarks(self) -> list[str]:
        return [*self._altered]

    def troubles(self) -> list[str]:
        if not self._damage:
            return []
        return [
            Sentence(
                "database: the file {path} is damaged ({why}): stop callmon, keep the file, and restore a backup.",
                path=self._store.path,
                why=self._damage,
            )
        ]


def host_status(
    exchanges: Mapping[str, ExchangeClient],
    writer: Writer,
    disks: Mapping[str, DiskSpace],
    now: datetime,
    monotonic: float,
) -> HostStatus:
    """The state at this moment. `now` is the host's time, `monotonic` its monotonic time in seconds."""
    links = {name: exchange.link for name, exchange in exchanges.items()}
    skews = {name: link.session.clock.skew(now, monotonic) for name, link in links.items() if link is not None}
    until = {name: exchange.certificate_expires for name, exchange in exchanges.items()}
    outbox = writer.outbox
    return HostStatus(
        {name: skew for name, skew in skews.items() if skew is not None},
        {name: at for name, at in until.items() if at is not None},
        disks,
        None if outbox is None else (outbox.size, outbox.most, outbox.outcomes),
    )


def disks(writer: Writer) -> Iterator[tuple[str, DiskSpace]]:
    """The free space where the database (when it is a file) and the journal are stored. Blocks."""
    outbox = writer.outbox
    for what, path in (("database", writer.path), ("journal", None if outbox is None else outbox.path)):
        if path is not None:
            with suppress(OSError):
                found = os.statvfs(path.absolute().parent)
                yield what, DiskSpace(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)


def host_remarks(skews: Mapping[str, float], writer: Writer, is_wanted: bool) -> list[str]:
    """The remarks on clocks and journal. `is_wanted`: the configuration asks for a journal."""
    return [*_clocks(skews), *_outbox(writer, is_wanted)]


def _clocks(skews: Mapping[str, float]) -> Iterator[str]:
    for name, skew in skews.items():
        if abs(skew) > MOST_SKEW:
            yield Sentence(
                "The clock of the exchange {name} is {seconds} s {side} callmon's: the times of calls and due "
                "times follow the exchange's clock. Synchronise both with a time server.{more}",
                name=name,
                seconds=round(abs(skew)),
                side=Sentence("ahead of") if skew > 0 else Sentence("behind"),
                more=NOT_BELIEVED if abs(skew) > MOST_SKEW_BELIEVED else "",
            )


def _outbox(writer: Writer, is_wanted: bool) -> Iterator[str]:
    state = writer.outbox
    if state is None:
        if is_wanted:
            yield Sentence(
                "database: the journal cannot be used, so an outage would buffer outcomes in memory only; see "
                "the log."
            )
        return
    if state.damaged and state.path is not None:
        yield Sentence(
            "database: the journal {path} was damaged in {count} places when callmon started. The outcomes there "
            "are lost; {copy} has the file as it was.",
            path=state.path,
            count=state.damaged,
            copy=state.path.with_name(f"{state.path.name}-damaged"),
        )
    if state.outcomes and writer.behind_for() > COMMITS_WITHIN:
        yield Sentence(
            "database: {count} outcomes are buffered in the journal {path} ({used} of {most} MiB) until the "
            "database is available.",
            path=state.path,
            used=_mib(state.size),
            most=_mib(state.most),
            count=state.outcomes,
        )


def outbox_troubles(writer: Writer) -> list[str]:
    """The trouble when the journal accepts no more outcomes; empty otherwise."""
    state = writer.outbox
    if state is None or state.trouble is None:
        return []
    return [
        Sentence(
            "database: {why}: outcomes are buffered in memory. At {count} outcomes callmon stops reading events. "
            "Restore the database, or free disk space.",
            why=state.trouble,
            count=writer.max_waiting,
        )
    ]


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.1f}".removesuffix(".0")


UNHEARD_AFTER = timedelta(hours=4)  # of opening time
MESSAGES_LEFT_IN = timedelta(days=14)
READ_EVERY = timedelta(minutes=5)
LOOK_EVERY = timedelta(seconds=30)  # between two checks of the disks
LONGEST_CLOSED_DAYS = 30

ByLine = dict[tuple[str, str, str], int]  # standard, line, verdict → calls


def mailboxes(settings: Settings) -> frozenset[str]:
    """The voicemail boxes of all public lines, named as the exchange is asked for them."""
    return frozenset(short(box) for line in settings.lines() for box in line.mailboxes)


class ServiceStateTask:
    """Builds the `ServiceStatus`. `run` is a task of the daemon; the snapshot calls `status_at`."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self.disks: Mapping[str, DiskSpace] = {}
        self._days: dict[str, date] = {}
        self._last_day: ByLine = {}
        self._left: dict[tuple[str, str], list[datetime]] = {}  # by exchange and mailbox

    def restore(self, settings: Settings, now: datetime) -> None:
        """Read what was stored before the exchanges are connected. Blocks."""
        self.read_verdicts(settings, now)
        lines = [line.name for line in settings.lines() if line.mailboxes]
        for exchange, box, at in calls.messages_left(self._store, lines, now - MESSAGES_LEFT_IN):
            self._left.setdefault((exchange, short(box)), []).append(at)

    def furnish(self, exchange: ExchangeClient, settings: Settings) -> None:
        """Set the boxes that the exchange is asked for, and when messages were left in them."""
        wanted = mailboxes(settings)
        exchange.mailboxes.want(wanted)
        for box in wanted:
            exchange.mailboxes.remember(box, self._left.get((exchange.name, box), ()))

    def read_verdicts(self, settings: Settings, now: datetime) -> None:
        """Read the verdicts of each line's last opening day that is over. Blocks."""
        self._days = {line.name: day for line in settings.lines() if (day := last_day(settings, line, now))}
        found: ByLine = {}
        for day in set(self._days.values()):
            lines = [line for line, its in self._days.items() if its == day]
            begin, end = (midnight(day + timedelta(days=n), settings.timezone) for n in (0, 1))
            with database_errors(self._store):
                _, verdicts = calls.count_ended_calls(self._store, lines, begin, end)
            found |= {
                (s, line, v): verdicts.get((line, s, v), 0)
                for s, line, v in product(CALL_STANDARDS, lines, VERDICTS)
            }
        self._last_day = found

    async def run(self, settings: Callable[[], Settings], writer: Writer) -> None:
        """Read the verdicts every `READ_EVERY`: a day ends, or a backfill corrects one."""
        read_at = monotonic() + READ_EVERY.total_seconds()
        while True:
            self.disks = await asyncio.to_thread(lambda: dict(disks(writer)))
            await asyncio.sleep(LOOK_EVERY.total_seconds())
            if monotonic() >= read_at:
                read_at = monotonic() + READ_EVERY.total_seconds()
                with suppress(StoreError):
                    await asyncio.to_thread(self.read_verdicts, settings(), datetime.now(UTC))

    def status_at(
        self, now: datetime, settings: Settings, exchanges: Mapping[str, ExchangeClient]
    ) -> ServiceStatus:
        """The state at `now`."""
        lines = list(settings.lines())
        changes = {line.name: next_change(settings.calendar(line), now) for line in lines}
        known = {line.name for line in lines}
        return ServiceStatus(
            list(_mailboxes(settings, lines, exchanges, now)),
            {name: at for name, at in changes.items() if at is not None},
            {key: count for key, count in self._last_day.items() if key[1] in known},
            dict(self._targets(lines)),
            {name: exchange.feed.counts for name, exchange in exchanges.items() if exchange.feed.counts},
            services={name: (x.title_fr, x.title_en) for name, x in settings.services.items()},
            closed_days=dict(_closed_days(settings, lines, now)),
        )

    def _targets(self, lines: Iterable[Line]) -> Iterator[tuple[tuple[str, str], float]]:
        for line in lines:
            day = self._days.get(line.name)
            for standard in CALL_STANDARDS:
                target = None if day is None else line.target(standard, day)
                if target is not None:
                    yield (standard, line.name), target.percent / 100


def next_change(calendar: Calendar, now: datetime) -> datetime | None:
    """The next closing while the calendar is open, else the next opening; None when there is none."""
    return _change_after(calendar, now.replace(second=0, microsecond=0))  # hours are whole minutes


@lru_cache(maxsize=256)  # each second asks it for each line
def _change_after(calendar: Calendar, minute: datetime) -> datetime | None:
    return calendar.closes_next(minute) if calendar.is_open(minute) else calendar.opens_next(minute)


def last_day(settings: Settings, line: Line, now: datetime) -> date | None:
    """The last day before today on which the line was open."""
    calendar = settings.calendar(line)
    today = calendar.local_day(now)
    before = (today - timedelta(days=n) for n in range(1, LONGEST_CLOSED_DAYS))
    return next((day for day in before if calendar.periods_on(day)), None)


def _closed_days(
    settings: Settings, lines: Iterable[Line], now: datetime
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Line and names of today's closed day. A closed day with special hours does not count as closed."""
    for line in lines:
        calendar = settings.calendar(line)
        today = calendar.local_day(now)
        closed = calendar.closed.on(today)
        if closed is not None and not calendar.periods_on(today):
            yield line.name, (closed.name_fr, closed.name_en)


def _mailboxes(
    settings: Settings, lines: Iterable[Line], exchanges: Mapping[str, ExchangeClient], now: datetime
) -> Iterator[MailboxStatus]:
    """The state of each box. A box of several lines follows the hours of the first."""
    owners: dict[str, Line] = {}
    for line in lines:
        for written in line.mailboxes:
            owners.setdefault(short(written), line)
    for mailbox, line in owners.items():
        limit = settings.calendar(line).open_hours_before(now, UNHEARD_AFTER)
        for name, exchange in exchanges.items():
            box = exchange.mailboxes.known.get(mailbox)
            if box is not None:
                unheard = 0 if limit is None else box.unheard_since(limit)
                yield MailboxStatus(name, mailbox, box.messages, box.capacity, unheard)
