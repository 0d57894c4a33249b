"""Makes situations happen: callers on the trunk (sipp) and at the lab's phones, all at the same time.

Runs in a thread with a loop of its own, so that it does not slow a listener on the exchange.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from typing import Literal

from tests.lab.exchange import Asterisk
from tests.lab.model import PlayedSituation, Situation
from tests.lab.pace import at_pace
from tests.lab.pauses import Pauses
from tests.lab.processes import real_time_thread
from tests.lab.sipp import SECONDS_TO_START, Sipp, behaviour
from tests.lab.stage import Stage

SECONDS_TO_REGISTER = 120
# 555-0100 to 555-0199 belong to no one.
AREAS = ("416", "905", "613", "519", "705", "807", "226", "249", "289", "343", "365", "437")
Callers = Literal["sipp", "own"]  # who plays the public's callers: sipp where it can, or the lab's own SIP side


def play(
    asterisk: Asterisk, situations: Iterable[Situation], stagger: float = 0.1, callers: Callers = "sipp"
) -> list[PlayedSituation]:
    """Play them together, one call every ``stagger`` seconds, until the last has ended."""
    with Playing(asterisk, situations, stagger, callers) as playing:
        return playing.wait()


class Playing:
    """The same in the background: on entry phones are registered and calls begin.

    At a faster exchange every party is faster; ``stagger`` stays the same.
    """

    def __init__(
        self,
        asterisk: Asterisk,
        situations: Iterable[Situation],
        stagger: float = 0.1,
        callers: Callers = "sipp",
    ) -> None:
        self.calls = cast(at_pace(situations, asterisk.pace))
        self._asterisk = asterisk
        self._times = [(call.situation.begins + n * stagger, call) for n, call in enumerate(self.calls)]
        by_sipp = [(at, call) for at, call in self._times if behaviour(call.situation.caller)]
        self._sipp = Sipp(asterisk.ports.sip, by_sipp) if by_sipp and callers == "sipp" else None
        self._pauses = Pauses()
        self._ready = threading.Event()
        self._fault: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._live, name="callers and phones", daemon=True)

    def __enter__(self) -> Playing:
        self._thread.start()
        if not self._ready.wait(SECONDS_TO_REGISTER):
            raise RuntimeError(f"the phones did not register within {SECONDS_TO_REGISTER} s")
        if self._fault is not None:
            raise self._fault
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive() and self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(15)

    def wait(self, seconds: float = 240.0) -> list[PlayedSituation]:
        """The calls, when all have ended."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"calls still up after {seconds:.0f} s")
        if self._fault is not None:
            raise self._fault
        for call in self.calls:
            call.met_pause = self._pauses.meet(call.invited, call.ended or time.time())
        return self.calls

    def _live(self) -> None:
        real_time_thread()
        self._pauses.start()
        try:
            asyncio.run(self._perform())
        except asyncio.CancelledError:
            pass
        except BaseException as fault:
            self._fault = fault
        finally:
            self._pauses.stop()
            self._ready.set()

    async def _perform(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        stage = Stage(self._asterisk, self.calls)
        try:
            await stage.open()
            # The test continues when the first call begins, not while sipp is still starting.
            self._loop.call_later(SECONDS_TO_START if self._sipp else 0.0, self._ready.set)
            await stage.perform(self._times, self._sipp)
        finally:
            await stage.close()


def cast(situations: Iterable[Situation]) -> list[PlayedSituation]:
    """Give every call numbers of its own, which identify it in all events of the exchange."""
    calls: list[PlayedSituation] = []
    for situation in situations:
        for _ in range(situation.copies):
            own, outside = number(2 * len(calls)), number(2 * len(calls) + 1)
            caller = situation.caller
            shown = caller.phone or ("anonymous" if caller.withheld else own)
            calls.append(PlayedSituation(situation, shown, own, caller.dials.format(outside=outside)))
    return calls


def number(n: int) -> str:
    return f"{AREAS[n // 100]}55501{n % 100:02d}"
