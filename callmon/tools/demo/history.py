"""The demonstration's past: calls of more than a year, their callbacks, and three disruptions.

    recordings ─▶ their facts, once ─▶ shifted to other times ─▶ monitor ─▶ outcomes ─▶ one batch of the writer

The code that judges and stores live calls does all of it. Facts are shifted as text: 6,000 calls take 2 s.
All messages are called back, in time, late, or closed by a person. What is due now is in `worklist.py`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from heapq import heappop, heappush
from itertools import count, cycle
from random import Random
from typing import Any, cast

import msgspec

from callmon.config.settings import Settings
from callmon.core.callbacks import commands
from callmon.core.callbacks.commands import CallbackCommand, Received
from callmon.core.callbacks.entries import Owed
from callmon.core.disruptions.commands import DisruptionCommand
from callmon.core.disruptions.disruption import Notice
from callmon.core.facts import Answered, AnyFact, Arrived, Ended, LanguageChosen, MessageLeft, Parted
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.core.verdicts import Gap
from callmon.store.database import Database
from callmon.store.queries.obligations import token_function
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.tools.demo import worklist
from callmon.tools.demo.access import PEOPLE
from callmon.tools.demo.schedule import AREA_CODES, FOLDER, MORNING, recording
from callmon.tools.replay import Replay
from callmon.web.auth.identity import Role

EXCHANGE, SEED = "demo", 7
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
# Recordings of a call to the public, of one that a person answers, and of one that finds all phones in use.
CALLBACK = "outbound_answered"
ANSWERED = "answered_ring2"
NOBODY_FREE = "busy_all"
# Calls a day: of the last sixty days, fewer for each month before, and the fewest; at the weekend a part. Those of
# today's weekday, with which today is compared, have as many in each half-hour.
MOST = 56
LESS = 28
FEWEST = 8
WEEKEND = 4
HALF_HOUR = 4
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CROWDED = 24  # calls of the hour in which nobody is free, most of them in vain: *Why* has a day to explain
# How long after the message it is called back, and how often; None: a person closes it.
ANSWERS = {HOUR: 60, 20 * HOUR: 25, 30 * HOUR: 9, None: 6}
SETTLED, CALM = 6 * MINUTE, 75 * MINUTE  # before now: the last callback, and the last message
NUMBERS = [f"{area.decode()}55501{last:02d}" for area in AREA_CODES for last in range(100)]
# A time, the second within an id, a caller's number.
VALUES = re.compile(
    rb'"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)"|(?<!\d)(?P<second>1\d{9})(?=\.\d)|(?P<number>[2-9]\d{2}55501\d{2})'
)
_notices = FOLDER.joinpath("notices.toml").read_bytes()
NOTICES = msgspec.toml.decode(_notices, type=dict[str, Notice])
BY_MANAGER = partial(DisruptionCommand, actor=PEOPLE[Role.MANAGER].name)

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(list[AnyFact]).decode
_datetime = msgspec.json.Decoder(datetime).decode


def seed(store: Database, settings: Settings, now: datetime, first: date) -> None:
    """Write all of it since the day `first` to the new database, as heard without a gap until `now`."""
    items = list(History(settings, store, now).items(first))
    with store.writing() as connection:
        write_batch(connection, BatchId(1, "demonstration"), items, store.ring)


def extend(store: Database, until: datetime) -> None:
    """Nothing happened since the past was written: the exchange was heard `until` this moment."""
    with store.writing() as connection:
        write_batch(connection, BatchId(2, "demonstration"), [Heartbeat(EXCHANGE, until)], store.ring)


class History:
    def __init__(self, settings: Settings, store: Database, now: datetime) -> None:
        self._settings = settings
        self._now = now
        self._chance = Random(SEED)
        self._zone, self._calendar = settings.timezone, settings.calendar()
        self._today = now.astimezone(self._zone).date()
        self._token = token_function(store)
        self.monitor = Monitor(settings, token=self._token)
        self.recorded = {name: facts for name in MORNING if (facts := recorded_facts(settings, name))}
        self._messages = {name for name, facts in self.recorded.items() if b"MessageLeft" in facts}
        self._orders = count()
        self._numbers = cycle(self._chance.sample(NUMBERS, len(NUMBERS)))  # no caller calls again within days
        self._waiting: list[tuple[datetime, int, bool, Callable[[], Iterable[Outcome]]]] = []  # see `_add`

    def items(self, first: date) -> Iterator[Item]:
        since = self._midnight(first)
        yield Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, since, since),))
        yield from self._disruptions()
        for day in range((self._today - first).days + 1):
            self._add_day(first + day * DAY)
        self._add_crowded_hour()
        for entry in worklist.entries(self._now, self._calendar):
            self._add(entry.at, partial(self._entry, entry), is_owed=True)
        while self._waiting and self._waiting[0][0] <= self._now:
            at, _, is_owed, outcomes = heappop(self._waiting)
            if is_owed:  # nothing falls due between other calls that would change them
                yield from self.monitor.tick(at)
            yield from outcomes()
        yield from self.monitor.tick(self._now)
        yield Heartbeat(EXCHANGE, self._now)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    def _add(self, at: datetime, outcomes: Callable[[], Iterable[Outcome]], is_owed: bool = False) -> None:
        """What happens at a time. `is_owed`: it concerns a callback."""
        heappush(self._waiting, (at, next(self._orders), is_owed, outcomes))

    def _add_call(self, at: datetime, name: str) -> None:
        if name in self._messages and at > self._now - CALM:
            name = ANSWERED
        if at < self._now - SETTLED:
            self._add(at, partial(self.call, at, name, next(self._numbers)), name in self._messages)

    def _add_day(self, day: date) -> None:
        """Calls of a day in its opening hours, spread evenly."""
        names = [name for name in MORNING if name in self.recorded and name != CALLBACK]
        calls = max(FEWEST, min(MOST, MOST - LESS * ((self._today - day).days // 30 - 1)))
        for opens, closes in self._calendar.spans(day)[:1]:
            if calls == MOST and day.weekday() == self._today.weekday():
                calls = HALF_HOUR * ((closes - opens) // (30 * MINUTE))
            elif day.weekday() >= 5:
                calls //= WEEKEND
            chosen = self._chance.choices(names, [MORNING[name] for name in names], k=calls)
            for place, name in enumerate(chosen):
                self._add_call(opens + (closes - opens) * ((place + self._chance.random()) / calls), name)

    def _add_crowded_hour(self) -> None:
        """The hour in which nobody is free: of today, or if the lines have just opened, of the day before."""
        begin = worklist.crowded_hour(self._now, self._calendar)
        for place in range(CROWDED):
            at = begin + HOUR * ((place + self._chance.random()) / CROWDED)
            self._add_call(at, NOBODY_FREE if place % 6 else ANSWERED)

    # What happens.

    def call(self, at: datetime, name: str, number: str, **changes: Any) -> Iterator[Outcome]:
        """A call of the recording `name`, from or to `number`; `changes`: as for `changed`."""
        facts = self._lengthened(shifted(self.recorded[name], at, number))
        if changes:
            facts = changed(facts, **changes)
        command = CallbackCommand(
            at=at, actor="", action="called", exchange=EXCHANGE, obligation="", facts=tuple(facts)
        )
        for outcome in self.monitor.apply_callback_command(command):
            yield outcome
            for entry in (x.entry for x in outcome.ledger):
                if isinstance(entry, Owed) and number not in worklist.NUMBERS:
                    self._answer(entry, number)

    def _answer(self, entry: Owed, number: str) -> None:
        """Plan what is done about a message. A call by TTY is not heard: a person records it."""
        (after,) = self._chance.choices([*ANSWERS], [*ANSWERS.values()])
        made, latest = entry.at + (after or 3 * HOUR) + self._chance.random() * HOUR, self._now - SETTLED
        if made > latest:
            made = entry.at + (latest - entry.at) * self._chance.uniform(0.4, 0.9)
        todo: Callable[[], Iterable[Outcome]]
        if after is None or entry.hidden is not None:
            todo = partial(self.by_hand, made, "close", entry.obligation, reason="no_request")
        elif entry.tty:
            todo = partial(self.by_hand, made, "attempt", entry.obligation, result="spoke")
        else:
            todo = partial(self.call, made, CALLBACK, number)
        self._add(made, todo, is_owed=True)

    def _lengthened(self, facts: list[AnyFact]) -> Iterator[AnyFact]:
        """A recorded conversation lasts seconds: too short for a callback."""
        is_answered = any(isinstance(fact, Answered) for fact in facts)
        talk = timedelta(seconds=int(self._chance.uniform(30, 300)))
        for fact in facts:
            if is_answered and isinstance(fact, Parted | Ended) and fact.at is not None:
                yield msgspec.structs.replace(fact, at=fact.at + talk)
            else:
                yield fact

    def by_hand(self, at: datetime, action: str, entry: str, **more: Any) -> list[Outcome]:
        command = CallbackCommand(
            at=at,
            actor=PEOPLE[Role.AGENT].name,
            action=cast(commands.Action, action),
            exchange=EXCHANGE,
            obligation=entry,
            **more,
        )
        return self.monitor.apply_callback_command(command)

    def _entry(self, entry: worklist.Entry) -> Iterator[Outcome]:
        """An entry of the worklist: its call, and what was done about it since."""
        is_complaint = entry.kind == "complaint"
        name = ANSWERED if is_complaint else "tty_voicemail" if entry.line == "tty" else "vm_message"
        dialled = self._settings.lines()[entry.line].numbers[0].removeprefix("+1")
        changes = {"line": entry.line, "dialled": dialled, "language": entry.language}
        begin = entry.at - message_after(self.recorded[name])
        outcomes = list(self.call(begin, name, entry.number, is_withheld=entry.kind == "to hear", **changes))
        yield from outcomes
        call = outcomes[0].facts[0].call
        if is_complaint:
            received = Received(call, entry.at, entry.line, entry.language)
            token = self._token(f"+1{entry.number}")
            yield from self.by_hand(entry.at, "complaint", f"{call}-complaint", received=received, token=token)
        if entry.kind == "not safe":
            yield from self.by_hand(entry.at, "mark", call, cautions=("no_message", "not_safe"))

    def _disruptions(self) -> Iterator[Outcome]:
        """One that is over, one that goes on, and work planned for a night."""
        apply, replace = self.monitor.apply_disruption_command, msgspec.structs.replace
        began = self._midnight(self._today - 6 * DAY) + 10 * HOUR
        notice = replace(NOTICES["past"], until=began + 2 * HOUR)
        past = BY_MANAGER(action="announce", at=began + 10 * MINUTE, lines=("tty",), start=began, notice=notice)
        for outcome in apply(past):
            yield outcome
            name = outcome.disruptions[0].disruption.id
            yield from apply(BY_MANAGER(action="end", at=began + 95 * MINUTE, disruption=name))
        night = self._midnight(self._today + 2 * DAY) + 2 * HOUR
        notice = replace(NOTICES["planned"], until=night + 2 * HOUR)
        lines = ("general", "general-toll-free")
        yield from apply(BY_MANAGER(action="plan", at=self._now - DAY, lines=lines, start=night, notice=notice))
        began = self._now - 50 * MINUTE
        notice = replace(NOTICES["present"], until=self._now + 2 * HOUR)
        at, poci = began + 10 * MINUTE, ("poci-toll-free",)
        yield from apply(BY_MANAGER(action="announce", at=at, lines=poci, start=began, notice=notice))


def recorded_facts(settings: Settings, name: str) -> bytes:
    """The facts of the call of a recording, as JSON; b"" for a call between two phones."""
    replay = Replay(Monitor(settings, EXCHANGE, every_call=True, token=str), EXCHANGE)
    heard = replay.connection([BANNER, *(message for _, message in recording(name))])
    facts = [fact for outcome in heard for fact in outcome.facts]
    is_public = any(isinstance(fact, Arrived) and fact.direction != "internal" for fact in facts)
    return _encode(facts) if is_public else b""


def shifted(facts: bytes, start: datetime, number: str) -> list[AnyFact]:
    """The facts with their first at `start`, to the second, from or to this number."""
    first = _decode(facts)[0].at
    assert first is not None
    shift = start.replace(microsecond=0) - first.replace(microsecond=0)

    def moved(found: re.Match[bytes]) -> bytes:
        if text := found["time"]:
            return _encode(_datetime(b'"%s"' % text) + shift)
        if text := found["second"]:
            return b"%d" % (int(text) + shift.total_seconds())
        return number.encode()

    return _decode(VALUES.sub(moved, facts))


def message_after(facts: bytes) -> timedelta:
    """How long after the begin of the call its message was left; 0 without a message."""
    first, *rest = _decode(facts)
    left = next((fact.at for fact in rest if isinstance(fact, MessageLeft)), None)
    return left - first.at if left and first.at else timedelta(0)


def changed(
    facts: Iterable[AnyFact], line: str = "", dialled: str = "", language: str = "", is_withheld: bool = False
) -> Iterator[AnyFact]:
    """The facts of a call to another line, in this language; `is_withheld`: without its caller's number."""
    for fact in facts:
        if isinstance(fact, Arrived) and line:
            fact = msgspec.structs.replace(fact, line=line, dialled=dialled)
        if isinstance(fact, Arrived) and is_withheld:
            fact = msgspec.structs.replace(fact, caller=None, withheld="withheld")
        yield fact
        if isinstance(fact, Arrived) and language:
            yield LanguageChosen(fact.call, fact.at, language)
