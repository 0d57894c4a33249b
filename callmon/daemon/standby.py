"""Leader or standby: the role of this instance when two instances share the exchanges and the database.

    standby ──the database grants the write lock──▶ gained ──the missing outcomes are known──▶ leader
       ▲                                                                                          │
       └──── frozen, cut off, or slower than another instance after a restart of the database ────┘

A standby processes the same events as the leader and buffers outcomes that may be missing in the database. It
exports no counters. After it gains the write lock, it reads the stored state and compares it with its buffer
(`core/takeover.py`). It continues from both.

Refuses: to lead before it has received as much as the former leader had written.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from callmon.core.calls.call import CallKey
from callmon.core.disruptions.disruption import Disruption
from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.statistics.counters import survey_was_heard
from callmon.core.takeover import CERTAIN, StoredState, take_over
from callmon.daemon.runtime import Runtime
from callmon.errors import CallmonError, Sentence
from callmon.store import takeover as stored
from callmon.store.commands import DISRUPTION_QUEUE
from callmon.store.database import reason
from callmon.store.queries import calls as queries
from callmon.store.queries import disruptions
from callmon.store.writer.writer import DatabaseState

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1  # while this instance does not lead
# The former leader's last write may be this much later than its last heartbeat.
AFTER_HEARTBEAT = timedelta(seconds=1.2)
# A quiet exchange sends nothing that proves that the standby has received as much: then this timeout decides.
CATCH_UP_SECONDS = 1.5
REPLAY_SECONDS = 30.0
# The leader's heartbeat does not advance between two messages of a quiet exchange (`ping_every`).
LAG = timedelta(seconds=10)
STANDS_BY = Sentence(
    "standby: another callmon is the leader of this database; this one takes over when the leader ends."
)
LEARNS = Sentence(
    "standby: its own gaps are not yet covered by the leader's stored calls. If the leader ends now, calls in "
    "those gaps are recorded as partly heard."
)


class StoredSnapshot(NamedTuple):
    """The stored state, and today's counts by line: calls by outcome, verdicts by standard."""

    known: StoredState
    calls: Mapping[tuple[str, str], int]
    verdicts: Mapping[tuple[str, str, str], int]
    now: datetime
    survey_heard: bool
    disruptions: Sequence[Disruption]  # that may still change
    disruption_command: int  # number of the last manual command applied to disruptions


class Standby:
    """Switches this instance between leader and standby. `run` is a task for the daemon's lifetime."""

    def __init__(self, runtime: Runtime, publish_status: Callable[[], None]) -> None:
        self._runtime, self._publish_status = runtime, publish_status
        self._role = ""
        self._gained_at: float | None = None
        self._why = ""
        self._settled: dict[str, int] = {}  # by exchange: own gaps that have ended, as far as checked
        self._missed: dict[str, datetime] = {}  # by exchange: end of a gap in which the leader may know more
        self._lags_since: float | None = None  # monotonic seconds: the leader stores less than is received here

    def role(self) -> str:
        writer = self._runtime.writer
        return "leader" if writer.leads else "standby" if writer.stands_by else "waiting"

    def standby_remarks(self) -> list[str]:
        if not self._runtime.writer.stands_by:
            return []
        self._note_gaps()  # a gap may just have ended
        hears_all = self._heard_here().keys() == self._runtime.exchange_tasks.keys()
        remark = Sentence("{standby}{holder}", standby=STANDS_BY, holder=self._held_by())
        return [remark] if hears_all and not self._missed else [remark, LEARNS]

    def standby_troubles(self, limit: timedelta) -> list[str]:
        """The trouble of a standby whose received events no instance has stored for longer than `limit`."""
        lags = timedelta(0) if self._lags_since is None else timedelta(seconds=monotonic() - self._lags_since)
        if lags <= limit:
            return []
        return [
            Sentence(
                "standby: for {seconds} s no callmon has committed received events, and this standby may not "
                "write.{holder} If the holder is no callmon, end it with pg_terminate_backend.",
                seconds=round(lags.total_seconds()),
                holder=self._held_by(),
            )
        ]

    def _held_by(self) -> str:
        holder = self._runtime.writer.holder
        return Sentence(" PostgreSQL names the holder of the lease: {holder}.", holder=holder) if holder else ""

    async def replay(self) -> None:
        """Write the outcomes of an earlier daemon's outbox that are missing in the database, before any restore.

        Needed when the database is not in the state in which that daemon left it.
        """
        if self._runtime.writer.gained is not None:
            await self._take_over()
            await asyncio.to_thread(self._runtime.writer.flush, REPLAY_SECONDS)

    async def run(self, next_second: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._look()
            await (next_second() if self._runtime.writer.leads else asyncio.sleep(LOOK_SECONDS))

    async def finish(self) -> None:
        """Before the daemon exits: take over, so that outcomes known only to this instance are written."""
        if self._runtime.writer.gained is not None:
            await self._take_over()

    async def _look(self) -> None:
        writer = self._runtime.writer
        self._note_gaps()
        self._note_lag()
        if writer.gained is None:
            self._gained_at = None
            await self._learn()
        elif await self._has_caught_up():
            await self._take_over()
        self._tell(self.role())

    def _tell(self, role: str) -> None:
        """Log and publish the role, once after each change."""
        if role == self._role:
            return
        if "standby" in (role, self._role):
            log.warning(
                "standby: another callmon is the leader" if role == "standby" else "leader: this callmon leads"
            )
        self._role = role
        self._runtime.mqtt.lead(role != "standby")  # "waiting" publishes too: without a database no leader does
        self._publish_status()

    def _note_gaps(self) -> None:
        heard, monitor = self._heard_here(), self._runtime.monitor
        for name in self._exchanges():
            state = monitor.exchanges.get(name)
            settled = 0 if state is None else state.tracker.listing.settled
            if name in heard and settled != self._settled.get(name, 0):
                self._settled[name], self._missed[name] = settled, heard[name]

    def _note_lag(self) -> None:
        writer = self._runtime.writer
        stored, heard = writer.heard, self._heard_here()
        lags = writer.stands_by and any(x not in stored or at > stored[x] + LAG for x, at in heard.items())
        self._lags_since = (self._lags_since or monotonic()) if lags else None

    async def _learn(self) -> None:
        """Merge what the leader received during a gap of this standby, once the leader has stored it."""
        heard = self._runtime.writer.heard
        stored = [x for x, at in self._missed.items() if x in heard and heard[x] >= at + CERTAIN]
        if not stored or not self._runtime.writer.stands_by:
            return
        monitor, kept = self._runtime.monitor, self._runtime.writer.buffered
        read = await self._asked()
        if read is not None and monitor is self._runtime.monitor and not self._runtime.writer.leads:
            self._missed = {x: at for x, at in self._missed.items() if x not in stored}
            self._runtime.commands.done = max(self._runtime.commands.done, read.known.callback_command)
            self._runtime.offer(lambda: take_over(monitor, read.known, kept())[:0])

    async def _has_caught_up(self) -> bool:
        """Whether this instance has received all that the former leader wrote, as far as that can be known."""
        now = monotonic()
        self._gained_at = self._gained_at or now
        if now - self._gained_at >= CATCH_UP_SECONDS:
            return True
        try:
            heard = await asyncio.to_thread(queries.heartbeats, self._runtime.store)
        except (CallmonError, SQLAlchemyError) as error:
            self._cannot_read(error)
            return False
        own = self._heard_here()
        return all(own[name] >= at + AFTER_HEARTBEAT for name, at in heard.items() if name in own)

    def _heard_here(self) -> dict[str, datetime]:
        """Received until, for each exchange that is not unheard, on the exchange's own clock."""
        exchanges = self._runtime.monitor.exchanges
        links = self._runtime.links().items()
        until = {x: link.heard_until() for x, link in links if not exchanges[x].tracker.state.is_unheard}
        return {name: at for name, at in until.items() if at is not None}

    def _cannot_read(self, error: Exception) -> None:
        """Log each reason once; the caller retries."""
        if self._why != reason(error):
            self._why = reason(error)
            log.error("take-over: the stored state cannot be read; retrying", extra={"why": self._why})

    async def _take_over(self) -> None:
        writer, monitor = self._runtime.writer, self._runtime.monitor
        gained = writer.gained
        read = await self._asked()
        if read is None or gained is None or writer.gained is not gained or monitor is not self._runtime.monitor:
            return  # otherwise another instance may have written after the reading
        # No await from here on: the buffer as it is now is compared with the stored state.
        self._runtime.offer(lambda: self._begin(read, gained))
        if writer.gained is gained:  # an error, logged already: a duplicate is better than a lost outcome
            writer.become_leader(writer.buffered(), gained)

    async def _asked(self) -> StoredSnapshot | None:
        here = [(x, call.call) for x in self._exchanges() for call in self._runtime.monitor.calls_in_progress(x)]
        try:
            return await asyncio.to_thread(self._read, here, datetime.now(UTC))
        except (CallmonError, SQLAlchemyError) as error:
            self._cannot_read(error)
            return None

    def _begin(self, read: StoredSnapshot, gained: DatabaseState) -> list[Outcome]:
        kept = self._runtime.writer.buffered()
        beats = {item.exchange: item for item in kept if isinstance(item, Heartbeat)}
        missing = take_over(self._runtime.monitor, read.known, kept)
        self._runtime.writer.become_leader([*missing, *beats.values()], gained)
        self._restore(read, missing)
        log.warning(
            "take-over: this callmon replaces the former leader",
            extra={"kept": len(kept), "missing": len(missing)},
        )
        return []

    def _exchanges(self) -> list[str]:
        return list(self._runtime.settings.exchanges)

    def _restore(self, read: StoredSnapshot, missing: list[Outcome]) -> None:
        """Restore what is published (disruptions, callbacks, today's counts) from the stored state."""
        runtime = self._runtime
        runtime.commands.done = max(runtime.commands.done, read.known.callback_command)
        # A lasting disruption is detected again; a command whose result is not stored is applied again.
        runtime.monitor.disruptions.register.replace_all(read.disruptions)
        runtime.commands.done_of_disruptions = read.disruption_command
        runtime.monitor.survey_heard = runtime.monitor.survey_heard or read.survey_heard
        runtime.today.clear()
        runtime.today.restore(runtime.today.local_day(read.now), read.calls, read.verdicts)
        for name in runtime.settings.exchanges:
            of_it = {
                call: begun.findings for (exchange, call), begun in read.known.begun.items() if exchange == name
            }
            runtime.today.resume(name, of_it)
        for outcome in missing:
            runtime.mqtt.offer(outcome)

    def _read(self, here: list[CallKey], now: datetime) -> StoredSnapshot:
        """Read the stored state. `here`: this instance's calls in progress. Blocks."""
        runtime = self._runtime
        kept = [item for item in runtime.writer.buffered() if isinstance(item, Outcome)]
        known = stored.stored_state(
            runtime.store, self._exchanges(), kept, here, runtime.monitor.ledger.empty(), now
        )
        begin = runtime.today.beginning(now)
        lines = [line.name for line in runtime.settings.lines()]
        calls, verdicts = queries.count_ended_calls(runtime.store, lines, begin, begin + timedelta(days=2))
        survey = survey_was_heard(queries.counters(runtime.store))
        live, done = disruptions.live_disruptions(runtime.store), DISRUPTION_QUEUE.last_applied(runtime.store)
        return StoredSnapshot(known, calls, verdicts, now, survey, live, done)
