"""The phones' station, the trunk's far end and the desk, and their actions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

from tests.lab.board import Board
from tests.lab.clicks import fields
from tests.lab.desk import Desk
from tests.lab.exchange import Asterisk
from tests.lab.leg import UP, Leg, LineOver
from tests.lab.model import LabCaller, Phone, PlayedSituation, Step
from tests.lab.presented import identity, route, shown
from tests.lab.sipp import SECONDS_TO_START, Sipp
from tests.lab.site import HOME, PHONES_ADDED, PHONES_SHIPPED, PHONES_SILENT, TRUNK_ADDRESS
from tests.lab.station import Station

LONGEST_CALL = 150.0


class Stage:
    """Everything except sipp's callers, on one loop."""

    def __init__(self, asterisk: Asterisk, calls: Sequence[PlayedSituation]) -> None:
        exchange, ports = (HOME, asterisk.ports.sip), asterisk.ports
        self._asterisk = asterisk
        self._entries = dict(_entries(calls))
        self._board = Board()
        self._desk = Desk(self._board)
        self._phones = Station(HOME, ports.phones, exchange, asterisk.secrets.phones, self._called)
        self._trunk = Station(TRUNK_ADDRESS, ports.trunk, exchange, "", self._called)

    async def open(self) -> None:
        await self._phones.open()
        await self._trunk.open()
        await self._desk.open(self._asterisk.ami_port, self._asterisk.secrets.desk)
        for phone in (*PHONES_SHIPPED, *PHONES_ADDED, *PHONES_SILENT):
            await self._phones.register(phone)

    async def close(self) -> None:
        await self._phones.close()
        await self._trunk.close()
        await self._desk.close()

    async def perform(self, times: Iterable[tuple[float, PlayedSituation]], sipp: Sipp | None) -> None:
        lead = SECONDS_TO_START if sipp else 0.0
        async with asyncio.TaskGroup() as tasks:
            if sipp:
                tasks.create_task(sipp.perform(asyncio.get_running_loop().time() + lead), name="sipp")
            for begins, call in times:
                if call.played_by == "own":
                    tasks.create_task(self._call(call, lead + begins), name=call.caller)
                for later, other in call.situation.others:
                    tasks.create_task(self._other(call, other, lead + begins, later), name=other.dials)

    # --- callers -----------------------------------------------------------------------------------

    async def _call(self, call: PlayedSituation, after: float) -> None:
        await asyncio.sleep(after)
        call.invited = time.time()
        try:
            if call.situation.caller.by_desk:
                await self._click(call)
            else:
                await self._invite(call)
        except LineOver:
            pass
        except Exception as fault:
            call.fault = repr(fault)

    async def _invite(self, call: PlayedSituation) -> None:
        caller = call.situation.caller
        leg = self._leg(call, caller)
        call.progress = leg.progress
        try:
            await leg.station.invite(leg)
            await self._converse(leg, caller)
        finally:
            leg.quiet()
            call.answered, call.refused, call.ended = leg.answered, leg.refused, leg.ended
            call.ended_by = "caller" if leg.ended_by == "us" else leg.ended_by

    async def _click(self, call: PlayedSituation) -> None:
        caller, now = call.situation.caller, asyncio.get_running_loop().time()
        asked = fields(caller.by_desk, caller.phone or "", call.dialled)
        await self._originate(asked)
        rung = caller.phone or call.dialled.removeprefix("9")
        await asyncio.wait_for(self._board.happened(f"{rung} leaves", now), LONGEST_CALL)
        call.ended = time.time()

    async def _originate(self, asked: Mapping[str, str]) -> None:
        """Without `Async` the exchange reads nothing more on that connection until the phone is picked up."""
        if "Async" in asked:
            await self._desk.originate(asked)
            return
        own = Desk(self._board)
        await own.open(self._asterisk.ami_port, self._asterisk.secrets.desk)
        try:
            await own.originate(asked)
        finally:
            await own.close()

    async def _other(self, call: PlayedSituation, caller: LabCaller, begins: float, later: float) -> None:
        since = asyncio.get_running_loop().time() + begins  # on a busy machine the event may precede this line
        await asyncio.sleep(begins)
        assert caller.phone is not None, "the others are staff"
        try:
            if caller.when:
                await asyncio.wait_for(self._board.happened(caller.when, since), LONGEST_CALL)
            await asyncio.sleep(later)
            place = self._board.places.get(caller.when.partition(" ")[0], "")
            leg = _staff_leg(self._phones, caller.dials.format(place=place), caller.phone)
            if caller.takes:
                leg.extra.append(("replaces", self._phones.ringing(caller.takes).replaces()))
            await leg.station.invite(leg)
            await self._converse(leg, caller)
        except LineOver:
            pass
        except Exception as fault:
            call.fault = f"{caller.phone}: {fault!r}"

    async def _converse(self, leg: Leg, caller: LabCaller) -> None:
        patience = caller.gives_up or LONGEST_CALL
        if not await leg.until_final(patience):
            leg.cancel()
            await leg.until_final(5)
        elif leg.state == UP:
            await self._follow(leg, caller.steps)
        if leg.state == UP and not await leg.until_over(LONGEST_CALL):
            await leg.hang_up()
            raise TimeoutError("still up at the end of the run")

    def _leg(self, call: PlayedSituation, caller: LabCaller) -> Leg:
        if caller.phone is not None:
            return _staff_leg(self._phones, call.dialled, caller.phone)
        extra = [("x-lab-route", route(call))] if caller.route else []
        if caller.withheld:
            extra.append(("privacy", "id"))
        if asserted := identity(call):
            extra.append(("p-asserted-identity", asserted))
        return Leg.leaving(self._trunk, call.dialled, call.caller, shown(call), extra)

    # --- called phones -----------------------------------------------------------------------------

    def _part(self, leg: Leg) -> tuple[Phone, PlayedSituation | None]:
        """This phone's actions for this caller, and the call of both. An unknown phone rings without end."""
        for key in ((leg.called, leg.caller), (leg.called, "")):
            if found := self._entries.get(key):
                phone, call = found
                self._entries[key] = (phone.again or phone, call)
                return phone, call
        return Phone(), None

    async def _called(self, leg: Leg) -> None:
        phone, call = self._part(leg)
        try:
            await self._respond(leg, phone)
        except LineOver:
            raise
        except Exception as fault:
            if call is not None:
                call.fault = f"{leg.called}: {fault!r}"
            await leg.leave()
        finally:
            if call is not None and leg.answered is not None:
                call.picked_up.append(leg.answered)
            self._board.note(f"{leg.called} leaves")

    async def _respond(self, leg: Leg, phone: Phone) -> None:
        if phone.rings is not None:
            await leg.wait(phone.rings)
            leg.ring(phone.early_media, phone.without_sdp)
            self._board.note(f"{leg.called} rings")
        arrived = leg.begun_at
        if phone.refuses or phone.forwards_to:
            await _until(leg, arrived + phone.refuses_at)
            leg.refuse(phone.refuses or 302, phone.forwards_to)
        elif phone.answers is not None:
            since = await self._since(leg, phone.when) if phone.when else arrived
            await _until(leg, since + phone.answers)
            leg.answer()
            self._board.note(f"{leg.called} answers")
            await self._follow(leg, phone.steps)
        await leg.until_over(LONGEST_CALL)

    # --- actions -----------------------------------------------------------------------------------

    async def _since(self, leg: Leg, when: str) -> float:
        return await leg.until(self._board.happened(when, leg.begun_at))

    async def _follow(self, leg: Leg, steps: Iterable[Step]) -> None:
        for step in steps:
            since = await self._since(leg, step.when) if step.when else leg.up_at
            await _until(leg, since + step.at)
            await self._do(leg, step)

    async def _do(self, leg: Leg, step: Step) -> None:
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
            case "drop":
                assert leg.consultation is not None, "drop comes after consult"
                await leg.consultation.leave()
            case "desk":
                await self._desk.act(leg.name, *step.what.split())
            case "hang_up":
                await leg.hang_up()
            case _:
                raise ValueError(f"no such step: {step.do}")


Part = tuple[Phone, PlayedSituation]


def _entries(calls: Iterable[PlayedSituation]) -> Iterable[tuple[tuple[str, str], Part]]:
    """Each phone's actions, by its number and the caller's. A number outside is found by itself alone."""
    for call in calls:
        for extension, phone in call.situation.phones.items():
            called, _, by = extension.partition(" from ")
            if called == "outside":
                yield (call.dialled.removeprefix("9"), ""), (phone, call)
            elif by:
                yield (called, by.replace("anybody", "")), (phone, call)
            else:
                yield (called, call.caller), (phone, call)


async def _until(leg: Leg, when: float) -> None:
    await leg.wait(when - asyncio.get_running_loop().time())


async def _consult(leg: Leg, extension: str) -> Leg:
    second = _staff_leg(leg.station, extension, leg.name)
    await leg.station.invite(second)
    return second


def _staff_leg(station: Station, dials: str, phone: str) -> Leg:
    return Leg.leaving(station, dials, phone, f"<sip:{phone}@{station.exchange_uri}>")
