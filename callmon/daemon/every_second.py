"""One timer for all tasks that look once a second: the process wakes once for them together."""

import asyncio


class EverySecond:
    """Tasks of one loop await `next`; the daemon's timer calls `pulse`."""

    def __init__(self) -> None:
        self._pulse = asyncio.Event()

    async def next(self) -> None:
        """Returns at the next pulse."""
        await self._pulse.wait()

    def pulse(self) -> None:
        self._pulse.set()
        self._pulse = asyncio.Event()
