"""Makes situations happen: callers on the trunk (sipp) and at phones (ours), all at the same time.

It runs in a thread with a loop of its own, so that whoever listens to the exchange is not slowed by it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Literal

from tests.lab.exchange import Asterisk
from tests.lab.leg import UP, Leg, LineOver
from tests.lab.model import Caller, Phone, Played, Situation, Step
from tests.lab.presented import identity, route, shown
from tests.lab.sipp import SECONDS_TO_START, Sipp, behaviour
from tests.lab.site import HOME, PHONES_ADDED, PHONES_SHIPPED, PHONES_SILENT, TRUNK_ADDRESS
from tests.lab.station import Station

AREAS = ("416", "905", "613", "519", "705", "807")  # 555-0100 to 555-0199 belong to nobody
LONGEST_CALL = 150.0
Callers = Literal["sipp", "own"]  # who plays the public's callers: sipp all that it can, or our own SIP side


def play(
    asterisk: Asterisk, situations: Iterable[Situation], stagger: float = 0.1, callers: Callers = "sipp"
) -> list[Played]:
    """Play them together, one call every ``stagger`` seconds, until the last has ended."""
    with Playing(asterisk, situations, stagger, callers) as playing:
        return playing.wait()


class Playing:
    """The same in the background: phones are registered on entry, calls are under way."""

    def __init__(
        self,
        asterisk: Asterisk,
        situations: Iterable[Situation],
        stagger: float = 0.1,
        callers: Callers = "sipp",
    ) -> None:
        self.calls = cast(situations)
        self._asterisk = asterisk
        self._times = [(call.situation.begins + n * stagger, call) for n, call in enumerate(self.calls)]
        by_sipp = [(at, call) for at, call in self._times if behaviour(call.situation.caller)]
        self._sipp = Sipp(asterisk.ports.sip, by_sipp) if by_sipp and callers == "sipp" else None
        self._ready = threading.Event()
        self._fault: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._live, name="callers and phones", daemon=True)

    def __enter__(self) -> Playing:
        self._thread.start()
        if not self._ready.wait(30):
            raise RuntimeError("the phones did not register within 30 s")
        if self._fault is not None:
            raise self._fault
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive() and self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(15)

    def wait(self, seconds: float = 240.0) -> list[Played]:
        """The calls, when all have ended."""
        self._thread.join(seconds)
        if self._thread.is_alive():
            raise TimeoutError(f"calls still up after {seconds:.0f} s")
        if self._fault is not None:
            raise self._fault
        return self.calls

    def _live(self) -> None:
        try:
            asyncio.run(self._perform())
        except asyncio.CancelledError:
            pass
        except BaseException as fault:
            self._fault = fault
        finally:
            self._ready.set()

    async def _perform(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        stage = Stage(self._asterisk, self.calls)
        try:
            await stage.open()
            # Whoever waits goes on when the first call begins, not while sipp is still starting.
            self._loop.call_later(SECONDS_TO_START if self._sipp else 0.0, self._ready.set)
            await stage.perform(self._times, self._sipp)
        finally:
            await stage.close()


def cast(situations: Iterable[Situation]) -> list[Played]:
    """Give every call numbers of its own: by them it is told apart in everything the exchange says."""
    calls: list[Played] = []
    for situation in situations:
        for _ in range(situation.copies):
            own, outside = number(2 * len(calls)), number(2 * len(calls) + 1)
            caller = situation.caller
            shown = caller.phone or ("anonymous" if caller.withheld else own)
            calls.append(Played(situation, shown, own, caller.dials.format(outside=outside)))
    return calls


def number(n: int) -> str:
    return f"{AREAS[n // 100]}55501{n % 100:02d}"


class Stage:
    """The phones' station and the trunk's far end, and who does what there."""

    def __init__(self, asterisk: Asterisk, calls: Sequence[Played]) -> None:
        exchange, ports = (HOME, asterisk.ports.sip), asterisk.ports
        self._book = dict(_book(calls))
        self._phones = Station(HOME, ports.phones, exchange, asterisk.secrets.phones, self._called)
        self._trunk = Station(TRUNK_ADDRESS, ports.trunk, exchange, "", self._called)

    async def open(self) -> None:
        await self._phones.open()
        await self._trunk.open()
        for phone in (*PHONES_SHIPPED, *PHONES_ADDED, *PHONES_SILENT):
            await self._phones.register(phone)

    async def close(self) -> None:
        await self._phones.close()
        await self._trunk.close()

    async def perform(self, times: Iterable[tuple[float, Played]], sipp: Sipp | None) -> None:
        lead = SECONDS_TO_START if sipp else 0.0
        async with asyncio.TaskGroup() as tasks:
            if sipp:
                tasks.create_task(sipp.perform(asyncio.get_running_loop().time() + lead), name="sipp")
            for begins, call in times:
                if call.played_by == "own":
                    tasks.create_task(self._call(call, lead + begins), name=call.caller)
                for later, other in call.situation.others:
                    tasks.create_task(self._other(other, lead + begins + later), name=other.dials)

    async def _call(self, call: Played, after: float) -> None:
        await asyncio.sleep(after)
        caller = call.situation.caller
        leg = self._leg(call, caller)
        call.invited, call.progress = time.time(), leg.progress
        try:
            await leg.station.invite(leg)
            await self._converse(leg, caller)
        except LineOver:
            pass
        except Exception as fault:
            call.fault = repr(fault)
        finally:
            leg.quiet()
            call.answered, call.refused, call.ended = leg.answered, leg.refused, leg.ended
            call.ended_by = "caller" if leg.ended_by == "us" else leg.ended_by

    async def _other(self, caller: Caller, after: float) -> None:
        await asyncio.sleep(after)
        assert caller.phone is not None, "the others are staff"
        leg = _staff_leg(self._phones, caller.dials, caller.phone)
        try:
            await leg.station.invite(leg)
            await self._converse(leg, caller)
        except LineOver:
            pass
        finally:
            leg.quiet()

    async def _converse(self, leg: Leg, caller: Caller) -> None:
        patience = caller.gives_up or LONGEST_CALL
        if not await leg.until_final(patience):
            leg.cancel()
            await leg.until_final(5)
        elif leg.state == UP:
            await follow(leg, caller.steps)
        if leg.state == UP and not await leg.until_over(LONGEST_CALL):
            await leg.hang_up()
            raise TimeoutError("still up at the end of the run")

    def _leg(self, call: Played, caller: Caller) -> Leg:
        if caller.phone is not None:
            return _staff_leg(self._phones, call.dialled, caller.phone)
        extra = [("x-lab-route", route(call))] if caller.route else []
        if caller.withheld:
            extra.append(("privacy", "id"))
        if asserted := identity(call):
            extra.append(("p-asserted-identity", asserted))
        return Leg.leaving(self._trunk, call.dialled, call.caller, shown(call), extra)

    def _phone(self, leg: Leg) -> Phone:
        for key in ((leg.called, leg.caller), (leg.called, "")):
            if phone := self._book.get(key):
                self._book[key] = phone.again or phone
                return phone
        return Phone()

    async def _called(self, leg: Leg) -> None:
        """A phone is called: it does what this caller's situation says, or else rings on and on."""
        phone = self._phone(leg)
        if phone.rings is not None:
            await leg.wait(phone.rings)
            leg.ring(phone.early_media)
        arrived = asyncio.get_running_loop().time() - (phone.rings or 0.0)
        if phone.refuses or phone.forwards_to:
            await _until(leg, arrived + phone.refuses_at)
            leg.refuse(phone.refuses or 302, phone.forwards_to)
        elif phone.answers is not None:
            await _until(leg, arrived + phone.answers)
            leg.answer()
            await follow(leg, phone.steps)
        await leg.until_over(LONGEST_CALL)


def _book(calls: Iterable[Played]) -> Iterable[tuple[tuple[str, str], Phone]]:
    """What each phone does, by its number and the caller's; a number outside answers to its own alone."""
    for call in calls:
        for extension, phone in call.situation.phones.items():
            called, _, by = extension.partition(" from ")
            if called == "outside":
                yield (call.dialled.removeprefix("9"), ""), phone
            elif by:
                yield (called, by), phone
            else:
                yield (called, call.caller), phone


async def _until(leg: Leg, when: float) -> None:
    await leg.wait(when - asyncio.get_running_loop().time())


async def follow(leg: Leg, steps: Iterable[Step]) -> None:
    for step in steps:
        await _until(leg, leg.up_at + step.at)
        await _do(leg, step)


async def _do(leg: Leg, step: Step) -> None:
    match step.do:
        case "press":
            await leg.press(step.what)
        case "speak":
            leg.speak(float(step.what))
        case "hold" | "unhold":
            await leg.hold(step.do == "hold")
        case "refer":
            await leg.refer(step.what)
        case "consult":
            leg.consultation = await _consult(leg, step.what)
        case "join":
            assert leg.consultation is not None, "join comes after consult"
            await leg.refer(leg.consultation.called, leg.consultation)
        case "hang_up":
            await leg.hang_up()
        case _:
            raise ValueError(f"no such step: {step.do}")


async def _consult(leg: Leg, extension: str) -> Leg:
    second = _staff_leg(leg.station, extension, leg.name)
    await leg.station.invite(second)
    return second


def _staff_leg(station: Station, dials: str, phone: str) -> Leg:
    return Leg.leaving(station, dials, phone, f"<sip:{phone}@{station.exchange_uri}>")
