"""Polls manual commands from the database, in order, and passes each to the monitor.

Refuses: to write. The outcome of a command is stored together with the command's number, so that each command is
applied exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.obligation import Obligation
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import Disruption
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.errors import StoreError
from callmon.store.commands import (
    last_applied_callback_command,
    last_applied_disruption_command,
    pending_callback_commands,
    pending_disruption_commands,
)
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
        self.done = last_applied_callback_command(self._store)
        self.done_of_disruptions = last_applied_disruption_command(self._store)

    async def run(self, do: Callable[[Act], None]) -> None:
        """`do` receives each command as a function of the monitor."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                asked, others = await asyncio.to_thread(self._asked)
            except StoreError:
                continue
            for hand, stored in asked:
                self.done = hand.n
                do(partial(Monitor.hand, hand=hand, stored=stored))
            for other, one in others:
                self.done_of_disruptions = other.n
                do(partial(Monitor.hand_of_disruption, hand=other, stored=one))

    def _asked(
        self,
    ) -> tuple[list[tuple[CallbackCommand, Obligation | None]], list[tuple[DisruptionCommand, Disruption | None]]]:
        told = pending_callback_commands(self._store, self.done, self._token)
        return told, pending_disruption_commands(self._store, self.done_of_disruptions)
