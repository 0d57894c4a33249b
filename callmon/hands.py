"""What people ask for by a command is read from the database, in order, and given to whoever does it.

Writes nothing: what follows is stored with the number of what was done, so that it is done exactly once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from callmon.callbacks.hand import Hand
from callmon.callbacks.obligation import Obligation
from callmon.errors import StoreError
from callmon.store import ledger
from callmon.store.engine import Store

EVERY_SECONDS = 0.5


class Hands:
    """`run` is a task for as long as the daemon lives. The database's trouble is told by its sink."""

    def __init__(self, store: Store, token: Callable[[str], str]) -> None:
        self._store, self._token = store, token
        self.done = 0  # the last that was done

    def restore(self) -> None:
        """Begin behind what was done before."""
        self.done = ledger.done(self._store)

    async def run(self, do: Callable[[Hand, Obligation | None], None]) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            try:
                asked = await asyncio.to_thread(ledger.asked, self._store, self.done, self._token)
            except StoreError:
                continue
            for hand, stored in asked:
                self.done = hand.n
                do(hand, stored)
