"""After an upgrade the daemon builds the roll-ups of calls that are already stored, automatically and slowly.

Each transaction in the thread handles `CHUNK` calls; other writers use the pauses. 10,000 calls take about fifteen
seconds. `callmon db upgrade` does the same at full speed. Until all roll-ups exist, reports count the calls
themselves.
"""

import asyncio
import logging

from callmon.errors import CallmonError
from callmon.store.database import Database
from callmon.store.rollups import rebuild

log = logging.getLogger(__name__)

CHUNK, PAUSE, AFTER_TROUBLE = 100, 0.1, 10.0  # calls; seconds


async def roll_up(store: Database) -> None:
    """Build the roll-ups; returns when every call is in its roll-up. Errors are logged and the step is retried."""
    calls = 0
    while True:
        try:
            built = await asyncio.to_thread(rebuild.rebuild_step, store, CHUNK)
        except CallmonError as error:
            log.warning("roll-ups: update failed; retrying", extra={"why": str(error)})
            await asyncio.sleep(AFTER_TROUBLE)
            continue
        if built is None:
            break
        calls += built.calls
        await asyncio.sleep(PAUSE)
    if calls:
        log.info("roll-ups: up to date", extra={"calls": calls})
