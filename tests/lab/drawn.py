"""Situations drawn by a seed: dialplan, options, where the caller is, what phones do, and what the caller does.

What people do decides the outcome, and leaves more than a second between any two things that compete. What the
caller heard is the wire's to say (`wire.py`). Each call ends in voicemail where nobody takes it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.site import PHONES_OF_RINGING
from tests.lab.situations_ringing import MOBILE, QUEUE_OF, route
from tests.lab.truths import GENERAL, inbound

QUEUE_PHONES, SHARED = PHONES_OF_RINGING[:40], PHONES_OF_RINGING[40:56]
NOBODYS = "198"
MENU_KEY, MENU_WAIT, ANSWER_WAIT = 2.2, 6.95, 0.5  # seconds from the line's going up to the dial
TALK = 5.0
APART = 1.3  # between what competes
CONFIRM = 2.0
# Where the caller is when phones ring, and how often.
PLACES = {"inbound": 6, "pause": 2, "signal": 3, "answered": 3, "menu": 4, "queue": 4, "transferred": 3}
STYLES = {
    "ringing-dial": 5,
    "ringing-sub": 4,
    "ringing-execif": 1,
    "ringing-tryexec": 1,
    "locals": 3,
    "locals-r": 1,
    "follow": 2,
    "two": 2,
}
TONE = "r(ring)"
OPTIONS = {"tk": 5, "HhTtr": 6, "tkR": 2, "tkm": 1, TONE: 1, "U(lab-nothing)": 1}
UP_BEFORE = ("answered", "menu")
DIALS = (12, 20, 24, 24, 34)  # seconds
DEVICES = {"answers": 10, "late": 4, "rings": 3, "declines": 2, "busy": 1, "silent": 2, "nobody": 2, "early": 1}


@dataclass(frozen=True)
class Device:
    """What one phone does, in seconds from its call."""

    phone: str
    does: str
    rings: float | None
    ends: float | None = None  # answers or refuses

    @property
    def answers(self) -> bool:
        return self.does in ("answers", "late", "early")

    def part(self) -> Phone:
        if self.does in ("declines", "busy"):
            return Phone(self.rings, refuses=603 if self.does == "declines" else 486, refuses_at=self.ends or 0.0)
        return Phone(self.rings, early_media=self.does == "early", answers=self.ends)


def drawn(seed: int, count: int = 200) -> list[Situation]:
    """The same situations for the same seed."""
    chance = random.Random(seed)
    queues = iter(QUEUE_PHONES)
    return [_situation(chance, queues) for _ in range(count)]


def _situation(chance: random.Random, queues: Any) -> Situation:
    place = _one(chance, PLACES)
    if place == "transferred":
        return _transferred(chance)
    if place == "queue" and (phone := next(queues, None)):
        return _queued(chance, phone)
    return _dialled(chance, "inbound" if place == "queue" else place)


def _one(chance: random.Random, weighed: dict[str, int]) -> str:
    return chance.choices(list(weighed), list(weighed.values()))[0]


def _device(chance: random.Random, phone: str, does: str) -> Device:
    """A phone that answers does so at most 26 s after its call."""
    at = round(chance.uniform(1.5, 20), 1)
    match does:
        case "answers":
            return Device(phone, does, 0.0, at)
        case "late":
            late = chance.choice((2.0, 3.0, 6.0))
            return Device(phone, does, late, round(late + chance.uniform(1.0, 18), 1))
        case "early":
            return Device(phone, does, 0.0, at)
        case "declines":
            return Device(phone, does, chance.choice((0.0, None)), round(at / 2, 1))
        case "busy":
            return Device(phone, does, None, 0.0)
        case "nobody":
            return Device(NOBODYS, does, None)
        case _:
            return Device(phone, does, None if does == "silent" else chance.choice((0.0, 0.0, 3.0)))


def _devices(chance: random.Random) -> list[Device]:
    """One or two phones; the second answers nobody."""
    first, second = chance.sample(SHARED, 2)
    devices = [_device(chance, first, _one(chance, DEVICES))]
    if chance.random() < 0.5:
        others = {name: weight for name, weight in DEVICES.items() if name not in ("answers", "late", "early")}
        devices.append(_device(chance, second, _one(chance, others)))
    return chance.sample(devices, len(devices))


def _end(devices: list[Device], seconds: float) -> tuple[float, str | None]:
    """When the dial ends, in seconds from its begin, and who answered it."""
    for device in devices:
        if device.answers and device.ends is not None and device.ends < seconds:
            return device.ends, device.phone
    if any(device.does in ("rings", "silent") or device.answers for device in devices):
        return seconds, None
    return max((device.ends or 0.0 for device in devices), default=0.0), None


# --- a dial ------------------------------------------------------------------------------------------


def _dialled(chance: random.Random, place: str) -> Situation:
    style = _one(chance, STYLES)
    if style == "follow":
        return _followed(chance, place)
    if style == "two":
        return _twice(chance)
    devices, options, seconds = _apart(chance), _one(chance, OPTIONS), chance.choice(DIALS)
    if place in UP_BEFORE and options == TONE:
        options = "tk"  # its tone is one of ringing, and Dial's options do not say so
    while abs(_end(devices, 99)[0] - seconds) < APART:
        seconds = chance.choice(DIALS)
    local = {"locals": "ringing-member", "locals-r": "ringing-member-r"}.get(style)
    numbers = (f"Local/{d.phone}@{local}/n" if local else f"PJSIP/{d.phone}" for d in devices)
    context = "ringing-group" if local else style
    asked = _Asked("&".join(numbers), options, seconds, context)
    end, by = _end(devices, min(seconds, 30) if local else seconds)
    return _called(
        chance, f"{place} {style} {options}", place, asked, {d.phone: d.part() for d in devices}, end, by
    )


def _apart(chance: random.Random) -> list[Device]:
    """Phones of which no two act at nearly the same moment."""
    while True:
        devices = _devices(chance)
        ends = [device.ends for device in devices if device.ends]
        if len(ends) < 2 or abs(ends[0] - ends[1]) > APART:
            return devices


def _followed(chance: random.Random, place: str) -> Situation:
    """The phone for 8 s, then the mobile, whose person presses 1. Not from a menu: the wire has not the join."""
    place = place if place not in UP_BEFORE else "inbound"
    phone, options = chance.choice(SHARED), _one(chance, OPTIONS)
    answers = chance.choice((round(chance.uniform(1.5, 6.5), 1), round(chance.uniform(9, 20), 1)))
    asked = _Asked(f"Local/{phone}@ringing-followed/n", options, 30, "ringing-dial")
    parts, by, end = {phone: Phone(answers=answers)}, phone, answers
    if answers > 8:
        mobile = Phone(chance.choice((0.0, 2.0)), answers=answers - 8 + 2, steps=(Step(1.5, "press", "1"),))
        parts, by, end = {phone: Phone(), MOBILE: mobile}, "outside", answers + 2 + CONFIRM
    return _called(chance, f"{place} follow {options}", place, asked, parts, end, by)


def _twice(chance: random.Random) -> Situation:
    """Two dials in a row: the first phone for 5 s, then the second."""
    first, second = chance.sample(SHARED, 2)
    options = _one(chance, OPTIONS)
    one = _device(chance, first, chance.choice(("rings", "silent", "nobody", "busy")))
    two = _device(chance, second, chance.choice(("answers", "late")))
    begin = 5.0 if one.does in ("rings", "silent") else 0.0
    asked = _Asked(f"PJSIP/{one.phone}", options, 34, "", pause=5, then=f"PJSIP/{second}")
    parts = {one.phone: one.part(), second: two.part()}
    return _called(chance, f"inbound two {options}", "two", asked, parts, begin + (two.ends or 0.0), second)


@dataclass(frozen=True)
class _Asked:
    """What the route is asked for."""

    phones: str
    options: str
    seconds: int
    context: str
    pause: float = 0
    then: str = ""


def _called(
    chance: random.Random,
    name: str,
    place: str,
    asked: _Asked,
    parts: dict[str, Phone],
    end: float,
    by: str | None,
) -> Situation:
    """A caller that waits until `end` seconds after the dial, or hangs up before."""
    pause = chance.choice((1.0, 4.0)) if place in ("pause", "signal") else asked.pause
    by_key = place == "menu" and chance.random() < 0.5
    begin = {"answered": ANSWER_WAIT, "menu": MENU_KEY if by_key else MENU_WAIT}.get(place, 0.0)
    begin += pause if place in ("pause", "signal") else 0.0
    context = PLACE.get(place, asked.context)
    then = asked.then or asked.context
    leaves = _leaves(chance, begin + end)
    steps: tuple[Step, ...] = (Step(2, "press", "1"),) if by_key else ()
    up = place in UP_BEFORE
    until = leaves if leaves and up else begin + end + TALK if up else TALK
    gives_up = None if up else leaves
    hangs_up = () if gives_up else (*steps, Step(round(until, 1), "hang_up"))
    caller = LabCaller(
        GENERAL,
        route=route(context, asked.phones, asked.options, pause, then, asked.seconds),
        steps=hangs_up,
        gives_up=gives_up,
    )
    return Situation(name, caller, parts, _expect(by, leaves is not None))


PLACE = {
    "pause": "ringing-inbound",
    "signal": "ringing-signal",
    "answered": "ringing-answered",
    "menu": "ringing-menu",
    "two": "ringing-two",
}


def _leaves(chance: random.Random, end: float) -> float | None:
    """When the caller hangs up, if it does not wait: between ring 1 and the end of the wait."""
    at = round(chance.uniform(1.0, 26.0), 1)
    return at if chance.random() < 0.35 and at < end - APART else None


def _expect(by: str | None, left: bool) -> dict[str, object]:
    if left:
        return inbound("abandoned", answered_by=None)
    if by is None:
        return inbound("voicemail_no_message", answered_by=None)
    return inbound("answered", answered_by=by)


# --- a queue, a transfer -----------------------------------------------------------------------------


def _queued(chance: random.Random, phone: str) -> Situation:
    options, answered = _one(chance, {"tk": 3, "tkr": 3, "tkR": 3}), chance.random() < 0.5
    device = _device(chance, phone, _one(chance, {"answers": 4, "late": 3, "rings": 1, "silent": 1}))
    seconds = chance.choice((12, 24))
    while device.ends and abs(device.ends - seconds) < APART:
        device = _device(chance, phone, "answers")
    end, by = _end([device], seconds)
    asked = _Asked(QUEUE_OF.format(p=phone), options, seconds, "ringing-queue")
    place = "answered" if answered else "inbound"
    return _called(chance, f"{place} queue {options}", place, asked, {phone: device.part()}, end, by)


def _transferred(chance: random.Random) -> Situation:
    """The first phone answers at once and sends the caller on: to the dial itself, or to a step before it."""
    first, second = chance.sample(SHARED, 2)
    options, extension = _one(chance, OPTIONS), chance.choice(("660", "661"))
    two = _device(chance, second, chance.choice(("answers", "late")))
    steps = (Step(2, "refer", extension),)
    ends = 2 + (two.ends or 0.0) + TALK
    asked = route("ringing-dial", f"PJSIP/{first}", "tk", "", "", 34).replace("|tk|", f"|{options}|")
    caller = LabCaller(GENERAL, route=f"{asked}|PJSIP/{second}", steps=(Step(round(ends, 1), "hang_up"),))
    moved = {"kind": "blind", "to": extension, "answered": True}
    expect = inbound("answered", answered_by=first, transfers=[moved])
    parts = {first: Phone(answers=2, steps=steps), second: two.part()}
    return Situation(f"transferred {extension} {options}", caller, parts, expect)
