"""callmon beside a real Asterisk: what was scripted is what it stores and shows."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from callmon.core.standards import load as standards
from callmon.store.opening import open_with_keys
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import PlayedSituation
from tests.lab.play import Playing
from tests.lab.sipp import at_once
from tests.lab.situations import SITUATIONS
from tests.support.ami_builders import replayed
from tests.support.call_end import until_calls_are_over
from tests.support.daemon_process import Callmon
from tests.support.scripted_truth import as_it_went, disagreements, pairs, public, reported, unlike
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab


def test_what_callmon_shows_of_a_real_asterisk_is_what_people_did(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All situations at once, dozens of calls overlapping, true ring timings; a SIGHUP in the middle.

    Staff's own calls are not stored: they are judged from the same words, replayed. So is it that no call is
    told twice, and none that nobody made.
    """
    witness = Listener(asterisk.ami_port, "witness", asterisk.secrets.witness)
    beside = Listener(asterisk.ami_port, "callmon", asterisk.secret)
    with witness, beside, Callmon(tmp_path, asterisk.ami_port, asterisk.secret) as callmon:
        with Playing(asterisk, SITUATIONS) as playing:
            time.sleep(10)
            in_progress = callmon.total("callmon_calls_in_progress")
            callmon.signal(signal.SIGHUP)
            calls = playing.wait()
        until_calls_are_over(asterisk, callmon)
        assert until(lambda: callmon.figure("callmon_sink_backlog", sink="database") == 0)  # the last is counted
        went = {call["call"]: call for call in replayed(beside.heard(), settings=callmon.settings()).calls()}
        said = stored(callmon, calls, witness)
        shown = {
            outcome: callmon.total("callmon_calls_total", outcome=outcome)
            for outcome in {call["outcome"] for call in said.values()}
        }
        verdicts = callmon.total("callmon_verdicts_total")
        status, _ = callmon.health()
        left = callmon.total("callmon_calls_in_progress")
        assert callmon.stop() == 0
    by_sipp = [call for call in calls if call.played_by == "sipp"]
    with capsys.disabled():
        print(f"\n{sum(call.met_pause for call in calls)} of {len(calls)} calls were late with the machine")  # noqa: T201
    assert at_once(by_sipp) >= 40
    assert len({call.situation.name for call in by_sipp}) >= 20
    assert in_progress >= 40
    scripted = [script(call, went.get(said[call.number]["call"])) for call in public(calls)]
    assert [point for call in scripted for point in disagreements(call, said[call.number])] == []
    assert [call.fault for call in calls if call.fault] == []
    made = [
        (call.situation.name, own, script(call, went.get(own)).situation.expect)
        for call, own in pairs(calls, witness.events())
    ]
    assert unlike(made, went.values()) == []
    assert shown == Counter(call["outcome"] for call in said.values())
    always = [standard for standard in standards({}) if standard.needs is None and standard.kind is None]
    assert verdicts == len(always) * len(said)
    assert (status, left) == (200, 0)
    log = callmon.log.read_text()
    assert "configuration: applied" in log
    assert [secret for secret in secrets(calls) if secret in log] == []


def script(call: PlayedSituation, heard: Mapping[str, Any] | None) -> PlayedSituation:
    """What was to happen; of a call for which the machine stood still, what callmon concludes of its events."""
    return as_it_went(call, heard) if call.met_pause and heard else call


def secrets(calls: list[PlayedSituation]) -> set[str]:
    """Numbers of persons, also withheld ones, and the names that callers show."""
    named = [call.situation.caller.name for call in calls]
    names = {name for name in named if isinstance(name, str) and name}
    assert names
    return names | {call.number[-7:] for call in calls}


def stored(callmon: Callmon, calls: list[Any], witness: Listener) -> dict[str, dict[str, Any]]:
    """Every public call as it is stored, by the number that is its own."""
    settings = callmon.settings()
    store = open_with_keys(settings)
    heard = witness.events()
    said = {call.number: reported(store, settings, own) for call, own in pairs(public(calls), heard)}
    store.close()
    missing = [number for number, call in said.items() if call is None]
    assert missing == []
    return {number: call for number, call in said.items() if call is not None}
