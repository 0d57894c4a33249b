"""Polls manual commands from the database, in order, and passes each to the monitor.

Refuses: to write. The outcome of a command is stored together with the command's number, so that each command is
applied exactly once.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.errors import StoreError
from callmon.store import commands
from callmon.store.database import Database

EVERY_SECONDS = 0.5

Act = Callable[[Monitor], list[Outcome]]


class CommandQueue:
    """Polls and applies commands. `run` is a task for the daemon's lifetime. The database sink reports errors."""

    def __init__(self, store: Database, token: Callable[[str], str]) -> None:
        self._store, self._token = store, token
        self.done = self.done_of_disruptions = 0  # number of the last command applied

    def restore(self) -> None:
        """Start after the last commands that are stored as applied."""
        self.done = commands.CALLBACK_QUEUE.last_applied(self._store)
        self.done_of_disruptions = commands.DISRUPTION_QUEUE.last_applied(self._store)

    async def run(self, do: Callable[[Act], None]) -> None:
        """`do` receives each command as a function of the monitor."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                callbacks = await asyncio.to_thread(
                    commands.pending_callback_commands, self._store, self.done, self._token
                )
                disruptions = await asyncio.to_thread(
                    commands.pending_disruption_commands, self._store, self.done_of_disruptions
                )
            except StoreError:
                continue
            for command, obligation in callbacks:
                self.done = command.n
                do(partial(Monitor.apply_callback_command, command=command, stored=obligation))
            for notice, disruption in disruptions:
                self.done_of_disruptions = notice.n
                do(partial(Monitor.apply_disruption_command, command=notice, stored=disruption))
