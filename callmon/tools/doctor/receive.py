"""Receives the exchanges' events for `doctor --listen` and `--acceptance`, on callmon's own connection.

It ends when the time is over, the receiver has enough, every connection has ended, or at Ctrl-C. All bytes
received until then have been passed on. Refuses: to ask.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from callmon.ami.connection import bytes_of
from callmon.config.settings import Settings

Hear = Callable[[str, bytes], bool]


def hear(settings: Settings, heard: Hear, seconds: float | None = None) -> None:
    """Pass every exchange's bytes to `heard`, until it returns True. Raises AmiError if a connection fails."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_all(settings, heard, seconds))


async def _all(settings: Settings, heard: Hear, seconds: float | None) -> None:
    tasks = [asyncio.create_task(_receive(name, settings, heard), name=name) for name in settings.exchanges]
    try:
        async with asyncio.timeout(seconds):
            for ended in asyncio.as_completed(tasks):
                if await ended:
                    return
    except TimeoutError:
        pass
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _receive(name: str, settings: Settings, heard: Hear) -> bool:
    """True if `heard` has enough; False if the exchange hung up first."""
    async for chunk in bytes_of(name, settings.exchanges[name]):
        if heard(name, chunk):
            return True
    return False
