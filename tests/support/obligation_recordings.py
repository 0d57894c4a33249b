"""Recorded calls as those see them who wait to be called back: an obligation to each number, opened before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.obligation import Message, Obligation
from callmon.core.verdicts import Verdict
from callmon.tools.replay import Replay
from tests.support.ami_builders import listener

Verdicts = dict[str, tuple[Verdict, str]]  # by number: the verdict, and the key of its reason
STANDARD = "callback_within_24_hours"
HOUR = timedelta(hours=1)


def owing(numbers: Iterable[str], since: datetime, given: Settings | None = None) -> Replay:
    """A callmon that owes a callback to each of these numbers."""
    monitor = listener(given)
    for number in numbers:
        message = Message("toronto", f"open-{number}", since, "general", "en", "message")
        monitor.ledger.owe(message, "callback", f"+1{number}", None)
    monitor.ledger.drain_updates()
    return Replay(monitor, "toronto")


def heard(replay: Replay, *connections: bytes) -> dict[str, list[f.Fact]]:
    """Feeds the connections; the facts that are stored, by call."""
    stored: dict[str, list[f.Fact]] = {}
    outcomes = (outcome for data in connections for outcome in replay.connection([data]))
    for fact in (fact for outcome in outcomes for fact in outcome.facts):
        stored.setdefault(fact.call, []).append(fact)
    return stored


def restarted(replay: Replay, stored: dict[str, list[f.Fact]]) -> Replay:
    """Another callmon, which has of the first what is stored."""
    monitor = listener()
    monitor.ledger.restore(obligations(replay))
    going_on = {call: facts for call, facts in stored.items() if not isinstance(facts[-1], f.Ended)}
    if replay.last is not None:
        monitor.restore("toronto", replay.last, going_on, {})
    return Replay(monitor, "toronto")


def obligations(replay: Replay) -> list[Obligation]:
    return list(replay.monitor.ledger.index)


def when_due(replay: Replay) -> Verdicts:
    """The verdicts once every callback is due."""
    monitor = replay.monitor
    due = max(one.dues.judging.at for one in obligations(replay))
    for outcome in monitor.tick(due + HOUR):
        replay.taken(outcome)
    return given_by(replay)


def given_by(replay: Replay) -> Verdicts:
    """The verdicts so far."""
    return {
        call.removeprefix("open-"): (finding.verdict, finding.reason_key)
        for call, findings in replay.findings.items()
        for finding in findings
        if finding.standard == STANDARD
    }


def backfilled(replay: Replay, calls: Mapping[str, Iterable[f.Fact]], at: datetime) -> None:
    """Hands over outbound calls that only CEL reports, as a backfill does."""
    for call, facts in calls.items():
        about = {"at": at, "actor": "backfill", "action": "called", "exchange": "toronto", "obligation": call}
        command = msgspec.convert(about | {"facts": tuple(facts)}, CallbackCommand)
        for outcome in replay.monitor.apply_callback_command(command):
            replay.taken(outcome)
