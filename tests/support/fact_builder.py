"""An office with public lines, as facts for callmon: messages, calls out, calls in, closings, restarts.

Facts go to a real monitor in order of time. Everything that a store would store is stored as bytes, so that
callmon can be stopped and restarted at any moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.entries import LedgerEntry
from callmon.core.callbacks.obligation import Key, Obligation
from callmon.core.facts import OUTSIDE, Fact
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.verdicts import Finding
from callmon.store.writer.outbox import decode_items, encode_item
from tests.support.ami_builders import settings

TORONTO = ZoneInfo("America/Toronto")
CALLER, OTHER = "+14165550101", "+14165550102"
CALLBACKS, SETTING = "[callbacks]\n", '# within = "24h"'
Timed = tuple[datetime, Fact]


def local(text: str) -> datetime:
    """A time in Toronto: "2026-11-24 10:00". The result is an instant, so that adding hours adds elapsed time."""
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO).astimezone(ZoneInfo("UTC"))


@cache
def usual(more: str = "", **replaced: str) -> Settings:
    if more.startswith(CALLBACKS):  # the example already has that table
        replaced, more = {**replaced, SETTING: more.removeprefix(CALLBACKS) + "\n" + SETTING}, ""
    return settings(dict(replaced), more)


class Office:
    """One exchange, one callmon."""

    def __init__(self, given: Settings | None = None) -> None:
        self.settings = given or usual()
        self.monitor = Monitor(self.settings, "toronto", token=str)
        self.outcomes: list[Outcome] = []
        self.entries: list[LedgerEntry] = []
        self.findings: list[Finding] = []
        self.corrections: list[Finding] = []
        self.kept: dict[Key, Obligation] = {}
        self.reported: dict[str, list[Fact]] = {}
        self.ended: set[str] = set()
        self._n = self._hands = 0

    # Calls, as lists of timed facts.

    def call(self) -> str:
        self._n += 1
        return f"{1_700_000_000 + self._n}.0"

    def arrival(
        self, call: str, at: datetime, line: str | None, caller: str | None = CALLER, **more: Any
    ) -> Timed:
        dialled = "" if line is None else self.settings.lines()[line].numbers[0]
        return at, f.Arrived(
            call, at, "inbound", line, dialled.removeprefix("+1"), caller, more.pop("withheld", None),
            "PJSIP/trunk-00000001", **more,
        )  # fmt: skip

    def message(
        self, at: datetime, caller: str | None = CALLER, line: str = "general", language: str | None = None,
        call: str | None = None, **more: Any,
    ) -> list[Timed]:  # fmt: skip
        """A caller leaves a message, received at `at`."""
        call, began = call or self.call(), at - timedelta(seconds=40)
        chosen = [(began, f.LanguageChosen(call, began, language))] if language else []
        took = at - timedelta(seconds=15)
        return [
            self.arrival(call, began, line, caller, **more), *chosen, (took, f.VoicemailTook(call, took, "500")),
            (at, f.MessageLeft(call, at, "500")), (at, f.Ended(call, at, "caller")),
        ]  # fmt: skip

    def call_out(
        self, answered: datetime | None, talked: float = 60, number: str = "9" + CALLER[2:], phone: str = "102",
        rang_at: datetime | None = None, rang: float = 5, call: str | None = None, ended: bool = True,
    ) -> list[Timed]:  # fmt: skip
        """A phone calls a number; with `answered` None it is unanswered and rings from `rang_at` for `rang`."""
        call = call or self.call()
        begin = rang_at if answered is None else answered - timedelta(seconds=rang)
        assert begin is not None
        channel, trunk = f"PJSIP/{phone}-00000007", "PJSIP/trunk-00000008"
        facts: list[Timed] = [
            (begin, f.Arrived(call, begin, "outbound", None, number, phone, None, channel)),
            (begin, f.PhoneDialled(call, begin, OUTSIDE, trunk)),
            (begin, f.PhoneRang(call, begin, OUTSIDE, trunk)),
        ]
        over = begin + timedelta(seconds=rang) if answered is None else answered + timedelta(seconds=talked)
        if answered is None:
            facts.append((over, f.PhoneStopped(call, over, OUTSIDE, trunk, "no_answer", True)))
        else:
            facts.append((answered, f.Answered(call, answered, OUTSIDE, trunk, begin)))
        return [*facts, (over, f.Ended(call, over, "caller"))] if ended else facts

    def call_in(self, answered: datetime, caller: str | None = CALLER, line: str = "general") -> list[Timed]:
        """A caller calls and speaks to a person."""
        call, began, over = self.call(), answered - timedelta(seconds=3), answered + timedelta(seconds=12)
        return [
            self.arrival(call, began, line, caller),
            (answered, f.Answered(call, answered, "101", "PJSIP/101-00000002", began)),
            (over, f.Ended(call, over, "caller")),
        ]

    # The result in callmon.

    def hear(self, *calls: Iterable[Timed]) -> Office:
        """Feed all these facts, in order of time."""
        for _, fact in sorted((one for call in calls for one in call), key=lambda one: one[0]):
            self.hear_fact(fact)
        return self

    def hear_fact(self, fact: Fact) -> None:
        exchange = self.monitor.exchanges["toronto"]
        self._keep(self.monitor._conclude("toronto", exchange, [fact], None))

    def tick(self, now: datetime, heard: dict[str, datetime] | None = None, silent: Iterable[str] = ()) -> Office:
        for outcome in self.monitor.tick(now, heard, list(silent)):
            self._keep(outcome)
        return self

    def hand(self, action: str, at: datetime, obligation: str | None = None, **more: Any) -> Office:
        """A person's action; on the only obligation if none is named."""
        key = next(iter(self.kept)) if obligation is None and self.kept else ("toronto", obligation or "")
        self._hands += 1
        actor, more = more.get("actor", "m.tremblay"), {k: v for k, v in more.items() if k != "actor"}
        more |= {"exchange": key[0], "obligation": key[1]}
        hand = CallbackCommand(n=self._hands, at=at, actor=actor, action=action, **more)  # type: ignore[arg-type]
        for outcome in self.monitor.apply_callback_command(hand, self.kept.get(key)):
            self._keep(outcome)
        return self

    def _keep(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.outcomes.append(outcome)
        (reported,) = decode_items(b"\xdd\x00\x00\x00\x01" + encode_item(outcome))  # as the writer has it
        assert isinstance(reported, Outcome)
        for written in reported.ledger:
            self.entries.append(written.entry)
            self.findings += written.findings
            self.corrections += written.corrections
            self.kept[written.obligation.key] = written.obligation
        for fact in reported.facts:
            self.reported.setdefault(fact.call, []).append(fact)
            if isinstance(fact, f.Ended):
                self.ended.add(fact.call)

    def restart(self) -> Office:
        """callmon is stopped and restarted, with what was stored."""
        self.monitor = Monitor(self.settings, "toronto", token=str)
        self.monitor.ledger.restore(one for one in self.kept.values())
        calls = {call: facts for call, facts in self.reported.items() if call not in self.ended}
        self.monitor.restore("toronto", None, calls, {})
        return self

    # Queries.

    def one(self) -> Obligation:
        (found,) = self.kept.values()
        return found

    def verdicts(self, standard: str = "callback_within_24_hours") -> list[tuple[str, str]]:
        return [(x.verdict, x.reason_key) for x in self.findings if x.standard == standard]

    def story(self) -> list[str]:
        return [type(entry).__name__ for entry in self.entries]
