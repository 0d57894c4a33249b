"""PostgreSQL's notices between pairs: a commit with contacts notifies the other pairs, which read at once.

    writer ── commit, NOTIFY with the name of its schema ──▶ ContactNotices.wait ──▶ PairReader reads that pair

Refuses: to be relied on. A notice that is lost costs only time: each pair is also read regularly.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from callmon.store.database import Database, driver_options

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CHANNEL = "callmon_contact"
TELL = f"SELECT pg_notify('{CHANNEL}', current_schema())"


class ContactNotices:
    """Listens in a session of its own. `async with` ends it."""

    def __init__(self, store: Database) -> None:
        self._store = store
        self._session: AsyncConnection | None = None

    async def __aenter__(self) -> ContactNotices:
        return self

    async def __aexit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):
                await session.close()

    async def wait(self, seconds: float) -> set[str]:
        """The schemas whose contacts were stored; empty after `seconds`, also while PostgreSQL is away."""
        try:
            if self._session is None:
                async with asyncio.timeout(seconds):
                    await self._listen()
            assert self._session is not None
            return {notice.payload async for notice in self._session.notifies(timeout=seconds, stop_after=1)}
        except Exception:  # of the driver or the network: the reader of the pairs says why they cannot be read
            await self.__aexit__()
            await asyncio.sleep(seconds)
            return set()

    async def _listen(self) -> None:
        from psycopg import AsyncConnection  # not with SQLite

        _, named = self._store.engine.dialect.create_connect_args(self._store.url)
        given = {**driver_options(self._store.url), **named, "autocommit": True}
        self._session = await AsyncConnection.connect(**given)
        await self._session.execute(f"LISTEN {CHANNEL}")
