"""Tasks of the daemon: it reads manual commands from the database, and builds missing roll-ups.

A command on this machine notifies the daemon; besides, the daemon looks once a second. Each command is passed to
the monitor in order. Refuses: to write. The outcome of a command is stored together with the command's number, so
that each command is applied exactly once.

After an upgrade the daemon builds the roll-ups of calls that are already stored, automatically and slowly. Each
transaction in the thread handles `CHUNK` calls; other writers use the pauses. 10,000 calls take about fifteen
seconds. `callmon db upgrade` does the same at full speed. Until all roll-ups exist, reports count the calls
themselves.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.errors import CallmonError, StoreError
from callmon.store import commands
from callmon.store.command_notices import CommandNotices
from callmon.store.database import Database, is_damage
from callmon.store.rollups import rebuild

GATHER_SECONDS = 0.02  # however many notices come

Act = Callable[[Monitor], list[Outcome]]


class EverySecond:
    """One timer for all tasks that look once a second: the process wakes once for them together.

    Tasks of one loop await `next`; the daemon's timer calls `pulse`.
    """

    def __init__(self) -> None:
        self._pulse = asyncio.Event()

    async def next(self) -> None:
        """Returns at the next pulse."""
        await self._pulse.wait()

    def pulse(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()


class CommandQueue:
    """Reads and applies commands. `run` is a task for the daemon's lifetime. The database sink reports errors.

    `hurry`: commits what was offered at once, since a person waits for it.
    """

    def __init__(self, store: Database, token: Callable[[str], str], hurry: Callable[[], None]) -> None:
        self._store = store
        self._token = token
        self._hurry = hurry
        self._notices = CommandNotices()
        self.done = self.done_of_disruptions = 0  # number of the last command applied

    def restore(self) -> None:
        """Start after the last commands that are stored as applied."""
        self.done = commands.CALLBACK_QUEUE.last_applied(self._store)
        self.done_of_disruptions = commands.DISRUPTION_QUEUE.last_applied(self._store)

    def look(self) -> None:
        """Once a second: reads the database soon, unless no program has written to it since the last look."""
        if self._store.may_have_changed():
            self._notices.is_due.set()

    async def run(self, do: Callable[[Act], None]) -> None:
        """`do` receives each command as a function of the monitor."""
        with self._notices.listening(self._store):
            while True:
                await self._notices.is_due.wait()
                self._notices.is_due.clear()
                with suppress(StoreError):
                    await self._apply_pending(do)
                if self._notices.is_due.is_set():
                    await asyncio.sleep(GATHER_SECONDS)

    async def _apply_pending(self, do: Callable[[Act], None]) -> None:
        newest = await asyncio.to_thread(commands.newest_commands, self._store)
        if newest[0] <= self.done and newest[1] <= self.done_of_disruptions:
            return
        callbacks, disruptions = await asyncio.to_thread(
            lambda: (
                commands.pending_callback_commands(self._store, self.done, self._token),
                commands.pending_disruption_commands(self._store, self.done_of_disruptions),
            )
        )
        for command, obligation in callbacks:
            self.done = command.n
            do(partial(Monitor.apply_callback_command, command=command, stored=obligation))
        for notice, disruption in disruptions:
            self.done_of_disruptions = notice.n
            do(partial(Monitor.apply_disruption_command, command=notice, stored=disruption))
        self._hurry()
        if callbacks or disruptions:
            self._notices.is_due.set()  # more may wait than are read at once


log = logging.getLogger(__name__)

# calls; seconds
CHUNK = 100
PAUSE = 0.1
AFTER_TROUBLE = 10.0


async def roll_up(store: Database, damaged: Callable[[], None]) -> None:
    """Build the roll-ups; returns when every call is in its roll-up. Errors are logged and the step is retried.

    `damaged` is called where a step has met a damaged page of the SQLite file.
    """
    calls = 0
    while True:
        try:
            built = await asyncio.to_thread(rebuild.rebuild_step, store, CHUNK)
        except CallmonError as error:
            log.warning("roll-ups: update failed; retrying", extra={"why": str(error)})
            if is_damage(str(error)):
                damaged()
            await asyncio.sleep(AFTER_TROUBLE)
            continue
        if built is None:
            break
        calls += built
        await asyncio.sleep(PAUSE)
    if calls:
        log.info("roll-ups: up to date", extra={"calls": calls})
