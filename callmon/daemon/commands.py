"""What people ask for by a command is read from the database, in order, and given to whoever does it.

Writes nothing: what follows is stored with the number of what was done, so that it is done exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from callmon.core.callbacks.commands import Hand
from callmon.core.callbacks.obligation import Obligation
from callmon.core.disruptions.commands import Hand as DisruptionHand
from callmon.core.disruptions.disruption import Disruption
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.errors import StoreError
from callmon.store.database import Store
from callmon.store.queries import disruptions, obligations

EVERY_SECONDS = 0.5

Act = Callable[[Monitor], list[Outcome]]


class Hands:
    """`run` is a task for as long as the daemon lives. The database's trouble is told by its sink."""

    def __init__(self, store: Store, token: Callable[[str], str]) -> None:
        self._store, self._token = store, token
        self.done = self.done_of_disruptions = 0  # the last that was done

    def restore(self) -> None:
        """Begin behind what was done before."""
        self.done = obligations.done(self._store)
        self.done_of_disruptions = disruptions.done(self._store)

    async def run(self, do: Callable[[Act], None]) -> None:
        """`do` is given what the monitor is to be asked, each time."""
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
    ) -> tuple[list[tuple[Hand, Obligation | None]], list[tuple[DisruptionHand, Disruption | None]]]:
        told = obligations.asked(self._store, self.done, self._token)
        return told, disruptions.asked(self._store, self.done_of_disruptions)
