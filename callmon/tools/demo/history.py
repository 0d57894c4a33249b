"""The demonstration's past: calls since the beginning of last month, their callbacks, and two disruptions.

    recordings ─▶ their facts, once ─▶ shifted to other times ─▶ monitor ─▶ outcomes ─▶ one batch of the writer

The code that judges and stores live calls does all of it. Facts are shifted as text: it takes a second.
Most messages are called back in time, some late, some are closed by a person; the last day's are still due.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import count, cycle
from random import Random
from typing import cast

import msgspec

from callmon.config.settings import Settings
from callmon.core.callbacks import commands
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.entries import Owed
from callmon.core.disruptions.commands import Action, DisruptionCommand
from callmon.core.disruptions.disruption import NO_NOTICE, Notice
from callmon.core.facts import Answered, AnyFact, Arrived, Ended, Parted
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.core.verdicts import Gap
from callmon.store.database import Database
from callmon.store.queries.obligations import token_function
from callmon.store.writer.transaction import BatchId, write_batch
from callmon.tools.demo.access import PEOPLE
from callmon.tools.demo.schedule import AREA_CODES, MORNING, recording
from callmon.tools.replay import Replay
from callmon.web.auth.identity import Role

EXCHANGE, SEED = "demo", 7
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
CALLBACK = "outbound_answered"  # the recording of a call to the public
WEEKDAY, WEEKEND = 30, 6  # calls a day
OPENS, CLOSES = timedelta(hours=8.5), timedelta(hours=16.5)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# How long after the message it is called back, and how often; None: a person closes it.
ANSWERS = {HOUR: 60, 20 * HOUR: 25, 30 * HOUR: 9, None: 6}
NUMBERS = [f"{area.decode()}55501{last:02d}" for area in AREA_CODES for last in range(100)]
# A time, the second within an id, a caller's number.
VALUES = re.compile(
    rb'"(?P<time>\d{4}-\d\d-\d\dT[\d:.]+Z)"|(?<!\d)(?P<second>1\d{9})(?=\.\d)|(?P<number>[2-9]\d{2}55501\d{2})'
)
PAST = Notice(
    "Panne du fournisseur téléphonique.", "Failure at the telephone carrier.",
    "Écrivez à la boîte générale du ministère.", "Write to the ministry's general mailbox.",
)  # fmt: skip
PLANNED = Notice(
    "Mise à jour du système téléphonique.", "Update of the telephone system.",
    "Les bureaux restent ouverts.", "The offices stay open.",
)  # fmt: skip

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(list[AnyFact]).decode
_datetime = msgspec.json.Decoder(datetime).decode


def seed(store: Database, settings: Settings, now: datetime) -> None:
    """Write all of it to the new database `store`, as heard without a gap until `now`."""
    items = list(History(settings, store, now).items())
    with store.writing() as connection:
        write_batch(connection, BatchId(1, "demonstration"), items, store.ring)


class History:
    def __init__(self, settings: Settings, store: Database, now: datetime) -> None:
        self._zone, self._now, self._chance = settings.timezone, now, Random(SEED)
        self._monitor = Monitor(settings, token=token_function(store))
        self.recorded = {name: facts for name in MORNING if (facts := recorded_facts(settings, name))}
        self._orders = count()
        self._numbers = cycle(self._chance.sample(NUMBERS, len(NUMBERS)))  # no caller calls again within weeks
        self._waiting: list[tuple[datetime, int, str, str, str]] = []  # what happens when; see `_add`

    def items(self) -> Iterator[Item]:
        today = self._now.astimezone(self._zone).date()
        first = (today.replace(day=1) - DAY).replace(day=1)
        since = self._midnight(first)
        yield Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, since, since),))
        yield from self._disruptions(today)
        for day in range((today - first).days + 1):
            self._add_day(first + day * DAY)
        while self._waiting and self._waiting[0][0] < self._now - 5 * MINUTE:
            at, _, name, number, entry = heappop(self._waiting)
            yield from self._monitor.tick(at)
            yield from self.by_hand(at, name, entry) if entry else self.call(at, name, number)
        yield from self._monitor.tick(self._now)
        yield Heartbeat(EXCHANGE, self._now)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self._zone).astimezone(UTC)

    def _add(self, at: datetime, name: str, number: str, entry: str = "") -> None:
        """A call of the recording `name`, from or to `number`; or what a person does about the `entry`."""
        heappush(self._waiting, (at, next(self._orders), name, number, entry))

    def _add_day(self, day: date) -> None:
        names = [name for name in MORNING if name in self.recorded and name != CALLBACK]
        for name in self._chance.choices(
            names, [MORNING[name] for name in names], k=WEEKDAY if day.weekday() < 5 else WEEKEND
        ):
            after = self._chance.triangular(OPENS.total_seconds(), CLOSES.total_seconds())
            self._add(self._midnight(day) + timedelta(seconds=int(after)), name, next(self._numbers))

    def call(self, at: datetime, name: str, number: str) -> Iterator[Outcome]:
        command = CallbackCommand(
            at=at, actor="", action="called", exchange=EXCHANGE, obligation="",
            facts=tuple(self._lengthened(shifted(self.recorded[name], at, number))),
        )  # fmt: skip
        for outcome in self._monitor.apply_callback_command(command):
            yield outcome
            for entry in (x.entry for x in outcome.ledger):
                if isinstance(entry, Owed):
                    self._answer(entry, number)

    def _answer(self, entry: Owed, number: str) -> None:
        """Plan what is done about a message. A call by TTY is not heard: a person records it."""
        (after,) = self._chance.choices([*ANSWERS], [*ANSWERS.values()])
        made = entry.at + (after or 3 * HOUR) + self._chance.random() * HOUR
        if after is None or entry.hidden is not None:
            self._add(made, "close", number, entry.obligation)
        else:
            self._add(made, *(("attempt", number, entry.obligation) if entry.tty else (CALLBACK, number)))

    def _lengthened(self, facts: list[AnyFact]) -> Iterator[AnyFact]:
        """A recorded conversation lasts seconds: too short for a callback."""
        is_answered = any(isinstance(fact, Answered) for fact in facts)
        talk = timedelta(seconds=int(self._chance.uniform(30, 300)))
        for fact in facts:
            if is_answered and isinstance(fact, Parted | Ended) and fact.at is not None:
                yield msgspec.structs.replace(fact, at=fact.at + talk)
            else:
                yield fact

    def by_hand(self, at: datetime, action: str, entry: str) -> list[Outcome]:
        command = CallbackCommand(
            at=at, actor=PEOPLE[Role.AGENT].name, action=cast(commands.Action, action),
            exchange=EXCHANGE, obligation=entry,
            reason="no_request" if action == "close" else None, result="spoke" if action == "attempt" else None,
        )  # fmt: skip
        return self._monitor.apply_callback_command(command)

    def _disruptions(self, today: date) -> Iterator[Outcome]:
        """One that is over, and work planned for tomorrow night."""
        began = self._midnight(today - 6 * DAY) + 10 * HOUR
        notice = msgspec.structs.replace(PAST, until=began + 2 * HOUR)
        for outcome in self.command("announce", began + 10 * MINUTE, lines=("tty",), start=began, notice=notice):
            yield outcome
            name = outcome.disruptions[0].disruption.id
            yield from self.command("end", began + 95 * MINUTE, disruption=name)
        night = self._midnight(today + 2 * DAY) + 2 * HOUR
        notice = msgspec.structs.replace(PLANNED, until=night + 2 * HOUR)
        lines = ("general", "general-toll-free")
        yield from self.command("plan", self._now - DAY, lines=lines, start=night, notice=notice)

    def command(
        self, action: Action, at: datetime, *, disruption: str = "", lines: tuple[str, ...] = (),
        start: datetime | None = None, notice: Notice = NO_NOTICE,
    ) -> list[Outcome]:  # fmt: skip
        command = DisruptionCommand(
            at=at, actor=PEOPLE[Role.MANAGER].name, action=action, disruption=disruption, lines=lines, start=start,
            notice=notice,
        )  # fmt: skip
        return self._monitor.apply_disruption_command(command)


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
