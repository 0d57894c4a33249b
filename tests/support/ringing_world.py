"""Seeded days of a line whose phones ring, simulated from known patience, pick-up, absences and shifts.

Each value is drawn by its keys: under another rule it is the same world, so what the rule changes is known.
It knows nothing of `callmon.core.replay.run`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from heapq import heappop, heappush
from math import log

import msgspec
from msgspec.structs import replace

from callmon.core.replay.presence import there
from callmon.core.replay.record import Rule, SeenCall, SeenDay, Span, Try

HOUR = 3_600_000
OPENS, CLOSES = 9 * HOUR, 17 * HOUR


class RingingSite(msgspec.Struct, frozen=True, kw_only=True):
    """What the people of this world do. Times in seconds."""

    seed: int
    days: int = 20
    calls_a_day: float = 15
    phones: int = 3
    rule: Rule = Rule(strategy="hunt", ring=15_000, voicemail=24_000)
    patience: float = 60  # mean; a tenth of callers give up within the first seconds
    pickup: float = 7
    slow: float = 0.0  # by how much each further phone is slower
    talk: float = 200
    absent: float = 0.0  # share of the time in which a phone there is not picked up
    speed: float = 1.0  # multiplies pick-up times: a change of the world, not of the rule
    added: int = 0  # phones more all day
    gone: int | None = None  # the phone that is not there
    breaks: bool = False  # lunches, pauses, meetings, early and late shifts: a phone that is away does not ring
    plan: dict[int, int] = {}  # by half-hour, how many of the phones are there; others: all
    again: float = 0.0  # share of those who gave up that call again within ten minutes


def draws(site: RingingSite, *keys: object) -> random.Random:
    return random.Random(f"{site.seed} {keys}")


def simulated(site: RingingSite) -> list[SeenDay]:
    days, key = [], 0
    for day in range(site.days):
        arrivals = list(_arrivals(site, day))
        calls = _Day(site, day, arrivals, key).run()
        key += 10 * len(arrivals) + 10
        phones = dict.fromkeys(_phones(site), ((OPENS - HOUR, CLOSES + HOUR),))
        days.append(SeenDay(f"day {day}", calls, there(calls) if site.breaks else phones))
    return days


def _phones(site: RingingSite) -> list[int]:
    return [phone for phone in range(site.phones + site.added) if phone != site.gone]


def _breaks(site: RingingSite, day: int, phone: int) -> list[Span]:
    """When the phone is away. One that the site has in addition is there all day."""
    if not site.breaks or phone >= site.phones:
        return []
    rng, hour = draws(site, "breaks", day, phone), HOUR
    begin, end = ((OPENS, CLOSES - hour), (OPENS + hour, CLOSES))[phone % 2]  # early and late shift
    lunch = int((11.5 + phone % 3 * 0.75) * hour) + rng.randrange(600_000)
    pauses = [int(at * hour) + rng.randrange(2_400_000) for at in (10.1, 14.3)]
    found = [(0, begin), (lunch, lunch + 2_700_000), *((at, at + 900_000) for at in pauses), (end, 24 * hour)]
    if day % 5 == 2 and phone % 2:
        found.append((int(14.75 * hour), int(15.75 * hour)))  # a meeting
    return found


def _arrivals(site: RingingSite, day: int) -> Iterator[int]:
    """More callers at eleven than in the morning and the evening."""
    rng, at = draws(site, "arrivals", day), float(OPENS)
    most = 1.5 * site.calls_a_day / 8 / HOUR
    while (at := at + rng.expovariate(most)) < CLOSES:
        if rng.random() < (1 if 10.5 * HOUR < at < 13 * HOUR else 0.52):
            yield int(at)


class _Day:
    def __init__(self, site: RingingSite, day: int, arrivals: list[int], first: int) -> None:
        self.site, self.day, self.first = site, day, first
        self.heap: list[tuple[int, int, str, int, int, int]] = []
        self.order = 0
        self.busy: dict[int, bool] = dict.fromkeys(_phones(site), False)
        self.calls: dict[int, dict] = {}
        self.waiting: list[int] = []
        self.away = {phone: self._absences(phone) for phone in _phones(site)}
        self.breaks = {phone: _breaks(site, day, phone) for phone in _phones(site)}
        for number, at in enumerate(arrivals):
            self.push(at, "arrives", number)
        for phone, spans in self.breaks.items():
            for _, end in spans:
                self.push(end, "comes", 0, phone)

    def _absences(self, phone: int) -> list[tuple[float, float]]:
        rng, spans, at = draws(self.site, "away", self.day, phone), [], float(OPENS)
        if self.site.absent:
            while at < CLOSES:
                at += rng.expovariate(self.site.absent / (1 - self.site.absent) / 600_000)
                spans.append((at, at := at + rng.expovariate(1 / 600_000)))
        return spans

    def push(self, at: int, what: str, call: int, phone: int = 0, attempt: int = 0) -> None:
        self.order += 1
        heappush(self.heap, (at, self.order, what, call, phone, attempt))

    def run(self) -> tuple[SeenCall, ...]:
        while self.heap:
            at, _, what, call, phone, attempt = heappop(self.heap)
            getattr(self, what)(at, call, phone, attempt)
        return tuple(self.seen(number) for number in sorted(self.calls, key=lambda n: self.calls[n]["at"]))

    def arrives(self, at: int, number: int, *_: int) -> None:
        rng = draws(self.site, "call", self.day, number)
        soon, long = rng.expovariate(1 / 6000), rng.expovariate(1 / 1000 / self.site.patience)
        patience = 1 + int(soon if rng.random() < 0.1 else long)
        talk = int(1000 * self.site.talk * (0.2 + 0.8 * rng.expovariate(1)))
        self.calls[number] = {
            "at": at,
            "talk": talk,
            "tries": [],
            "ringing": {},
            "paused": False,
            "end": None,
            "again": rng.random(),
        }
        self.waiting.append(number)
        self.push(at + min(patience, self.site.rule.voicemail or patience), "leaves", number, int(
            patience > (self.site.rule.voicemail or patience)))  # fmt: skip
        self.seek(at, number)

    def is_there(self, phone: int, at: int) -> bool:
        planned = phone < self.site.plan.get(at // (HOUR // 2), phone + 1)
        return planned and not any(begin <= at < end for begin, end in self.breaks[phone])

    def comes(self, at: int, _: int, phone: int, *__: int) -> None:
        if not self.busy[phone]:
            self.hangs(at, 0, phone)

    def seek(self, at: int, number: int) -> None:
        call = self.calls[number]
        free = [phone for phone in self.busy if not self.busy[phone] and self.is_there(phone, at)]
        if self.site.rule.strategy == "ringall":
            for phone in free:
                self.ring(at, number, phone)
        elif free and not call["ringing"] and not call["paused"]:
            rung = [tried.phone for tried in call["tries"]]
            self.ring(at, number, min(free, key=lambda phone: (rung.count(phone), phone)))

    def ring(self, at: int, number: int, phone: int) -> None:
        call = self.calls[number]
        attempt = sum(tried.phone == phone for tried in call["tries"])
        self.busy[phone] = True
        call["ringing"][phone] = at
        rng = draws(self.site, "pickup", self.day, number, phone, attempt)
        mean = 1000 * self.site.pickup * self.site.speed * (1 + self.site.slow * phone)
        needed = int(mean * (0.25 - 0.75 * log(rng.random())))
        limit = self.site.rule.ring or 10**9
        away = any(begin <= at < end for begin, end in self.away[phone])
        if needed <= limit and not away:
            self.push(at + needed, "picks", number, phone, at)
        else:
            self.push(at + limit, "stops", number, phone, at)

    def picks(self, at: int, number: int, phone: int, begun: int) -> None:
        call = self.calls[number]
        if call["ringing"].get(phone) == begun:
            self.push(at + call["talk"], "hangs", number, phone)
            self.end(at, number, "answered", phone)

    def stops(self, at: int, number: int, phone: int, begun: int) -> None:
        call = self.calls[number]
        if call["ringing"].get(phone) == begun:
            call["paused"] = True
            self.release(at, number, phone)
            self.push(at + self.site.rule.gap, "resumes", number)

    def resumes(self, at: int, number: int, *_: int) -> None:
        call = self.calls[number]
        call["paused"] = False
        if call["end"] is None:
            self.seek(at, number)

    def leaves(self, at: int, number: int, box: int, _: int) -> None:
        call = self.calls[number]
        if call["end"] is None:
            self.end(at, number, "voicemail" if box else "abandoned", None)
            if not box and call["again"] < self.site.again:
                self.push(at + int(call["again"] / self.site.again * 600_000), "arrives", 10_000 + number)

    def end(self, at: int, number: int, outcome: str, phone: int | None) -> None:
        call = self.calls[number]
        call["end"], call["outcome"] = at, outcome
        self.waiting.remove(number)
        for other in list(call["ringing"]):
            self.release(at, number, other, took=other == phone)

    def release(self, at: int, number: int, phone: int, took: bool = False) -> None:
        call = self.calls[number]
        begun = call["ringing"].pop(phone)
        call["tries"].append(Try(phone, begun - call["at"], at - begun, took))
        if not took:
            self.hangs(at, number, phone)

    def hangs(self, at: int, _: int, phone: int, *__: int) -> None:
        self.busy[phone] = False
        if not self.is_there(phone, at):
            return
        for number in list(self.waiting):
            call = self.calls[number]
            if not call["paused"] and (self.site.rule.strategy == "ringall" or not call["ringing"]):
                self.ring(at, number, phone)
                return

    def seen(self, number: int) -> SeenCall:
        call = self.calls[number]
        wait = call["end"] - call["at"]
        answered = call["outcome"] == "answered"
        tries = tuple(sorted(call["tries"], key=lambda tried: (tried.start, tried.phone)))
        return SeenCall(
            key=self.first + number, at=call["at"], outcome=call["outcome"], wait=wait, tries=tries,
            talk=call["talk"] if answered else 0, met=answered and wait < 18_000,
        )  # fmt: skip


def declined(day: SeenDay) -> SeenDay:
    """The day on which, from ten to one, each phone declines each call at once. No cause of *why* tells that."""
    tries = tuple(Try(phone, 500 * n, 500) for n, phone in enumerate(day.phones))
    given_up = {"met": False, "outcome": "abandoned", "tries": tries, "wait": 30_000, "talk": 0}
    return replace(day, calls=tuple(replace(x, **given_up) if 10 <= x.at / HOUR < 13 else x for x in day.calls))


def counts(days: list[SeenDay]) -> dict[str, int]:
    calls = [call for day in days for call in day.calls]
    found = {
        outcome: sum(call.outcome == outcome for call in calls)
        for outcome in ("answered", "abandoned", "voicemail")
    }
    return {"calls": len(calls), "third_ring": sum(call.met for call in calls), **found}
