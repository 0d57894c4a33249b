"""kill -9 of callmon, twenty times, under dozens of calls on a real Asterisk: nothing stored or counted twice."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from callmon.store.database import Database
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.rejudge import counter_differences
from tests.lab.exchange import Asterisk
from tests.lab.listener import Event, Listener, value
from tests.lab.play import Playing
from tests.lab.situations import UNDER_STRAIN
from tests.real.test_real_cuts import wrongs
from tests.support.call_end import until_calls_are_over
from tests.support.daemon_process import Callmon
from tests.support.scripted_truth import MOST_FORGIVEN, contradictions, pairs, public, reported, undisturbed
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab

SEED = 20
KILLS = 20
# By what callmon says itself: what ended before a gap, or after it, it has heard and stored. An answer to Ping may
# overtake an event that has been waiting to be written. A listing lacks a channel whose Hangup follows at once.
NEAR = 0.25


def test_twenty_kills_lose_no_call_that_was_over_and_count_none_twice(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)
    twice = [*UNDER_STRAIN, *(replace(each, begins=each.begins + 38.0) for each in UNDER_STRAIN)]
    callmon = Callmon(tmp_path, asterisk.ami_port, asterisk.secret)
    kills: list[float] = []
    up: list[float] = []
    with (
        Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness,
        Listener(asterisk.ami_port, "callmon", asterisk.secret) as ear,
        callmon,
    ):
        with Playing(asterisk, twice) as playing:
            time.sleep(8)
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.4, 2.2))
                up.append(callmon.total("callmon_calls_in_progress"))
                callmon.kill()
                kills.append(time.time())
                callmon.start()
            calls = playing.wait()
        until_calls_are_over(asterisk, callmon)
        assert until(lambda: callmon.figure("callmon_sink_backlog", sink="database") == 0)  # the last is counted
        shown = {key: n for key, n in callmon.figures().items() if key[0] == "callmon_calls_total"}
        assert callmon.total("callmon_calls_in_progress") == 0
        assert callmon.stop() == 0
    settings = callmon.settings()
    store = open_with_keys(settings)
    heard = witness.events()
    said = [(call, own, reported(store, settings, own)) for call, own in pairs(public(calls), heard)]
    gaps = [(gap.start.timestamp(), gap.end.timestamp()) for gap in queries.gaps(store, "toronto")]
    assert [kill for kill in kills if not any(begin <= kill <= end for begin, end in gaps)] == []
    safe, near = sorted_by_nearness(said, heard, gaps)
    stored = [(call, told_of) for call, told_of in [*safe, *near] if told_of]
    found = contradictions(stored, undisturbed(settings, ear.heard()), wrongs)
    with capsys.disabled():
        list_the_gap(kills, up, safe, near)
        sys.stdout.write(f"{found.counted()}\n")
    rows = Counter(call.outcome for _, call in queries.stream_calls(store, *whole(store)))
    assert queries.open_calls(store, "toronto") == {}
    assert [call.situation.name for call, told_of in safe if told_of is None or told_of["ended"] is None] == []
    assert not_stored_and_heard(said, heard, gaps) == []
    assert found.wrong == []
    assert len(found.forgiven) <= MOST_FORGIVEN
    assert sum(shown.values()) == sum(rows.values())
    assert outcomes(shown) == dict(rows)
    assert counter_differences(store) == []
    store.close()


Reported = tuple[Any, dict[str, Any] | None]


def times(heard: list[Event], name: str) -> dict[str | None, float]:
    """When the exchange told this event of each channel."""
    found = [event for event in heard if value(event, "Event") == name]
    return {value(event, "Uniqueid"): float(value(event, "Timestamp") or 0) for event in found}


def sorted_by_nearness(
    said: list[tuple[Any, str, dict[str, Any] | None]], heard: list[Event], gaps: list[tuple[float, float]]
) -> tuple[list[Reported], list[Reported]]:
    """Calls whose end callmon must have stored, and those that ended near a gap or in it."""
    hangups = times(heard, "Hangup")
    safe: list[Reported] = []
    near: list[Reported] = []
    for call, own, told_of in said:
        ended = hangups[own]
        is_near = any(begin - NEAR <= ended <= end + NEAR for begin, end in gaps)
        (near if is_near else safe).append((call, told_of))
    return safe, near


def not_stored_and_heard(
    said: list[tuple[Any, str, dict[str, Any] | None]], heard: list[Event], gaps: list[tuple[float, float]]
) -> list[str]:
    """Calls that are not stored although they began before a gap or ended after it."""
    begun, ended = times(heard, "Newchannel"), times(heard, "Hangup")
    return [
        call.situation.name
        for call, own, told_of in said
        if told_of is None
        and not any(begin - NEAR <= begun[own] and ended[own] <= end + NEAR for begin, end in gaps)
    ]


def whole(store: Database) -> tuple[Any, Any]:
    from datetime import UTC, datetime

    return datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def outcomes(shown: dict[Any, float]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (_, labels), number in shown.items():
        found[dict(labels)["outcome"]] += int(number)
    return {outcome: number for outcome, number in found.items() if number}


def list_the_gap(kills: list[float], up: list[float], safe: list[Reported], near: list[Reported]) -> None:
    """What the kills cost, for whoever reads the test's output."""
    missing = [call.situation.name for call, told_of in near if told_of is None]
    found = Counter(told_of["outcome"] for _, told_of in near if told_of is not None)
    sys.stdout.write(
        f"\n{len(kills)} kills with {min(up):.0f} to {max(up):.0f} calls up; {len(safe)} calls ended heard\n"
        f"ended near a kill or unheard: {len(near)}, of which stored as {dict(found)}, never heard: {missing}\n"
    )
