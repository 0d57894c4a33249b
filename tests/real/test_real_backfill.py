"""A real Asterisk under dozens of calls, unheard ten times for 1 to 30 s: CEL fills the gaps.

Seven times the connection is cut, three times the daemon itself is ended without warning and started again.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from callmon.store.rejudge import counter_differences
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import PlayedSituation
from tests.lab.play import Playing
from tests.lab.proxy import Proxy
from tests.lab.situations import UNDER_STRAIN
from tests.real.test_real_cuts import fail_and_come_back, fits, silences
from tests.recordings.test_cel import as_cel_may_say, vouched
from tests.support.daemon_process import ROOT, Callmon
from tests.support.environment import GIVEN
from tests.support.scripted_truth import (
    MOST_FORGIVEN,
    contradictions,
    disagreements,
    pairs,
    public,
    reported,
    undisturbed,
)
from tests.support.store_fixtures import until

pytestmark = pytest.mark.lab

SEED = int(GIVEN.get("CALLMON_SEED", "5"))
Span = tuple[float, float]  # seconds since 1970
LENGTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 30.0)
HOW = ("fin", "kill", "reset", "mid-message", "kill", "half-open", "fin", "reset", "kill", "half-open")
SOURCE = '\n[exchanges.toronto.cel]\nfile = "{cel}"\nwait = "1s"\n'
# A phone that gives no sign at all: CEL takes it to ring.
SILENT = ("phones_silent", "phones_silent_left", "phones_silent_left_late")
# What CEL alone says: it does not tell where a key leads, and has no UserEvent that asks for a callback.
BY_CEL = {
    "menu_two_digits_to_the_box": {"answer_by_third_ring": "unknown", "voicemail_after_fourth_ring": "unknown"},
    "menu_chosen_voicemail": {"answer_by_third_ring": "unknown", "voicemail_after_fourth_ring": "unknown"},
    "queue_asks_for_callback": {"answer_by_third_ring": "not_met", "reach_a_person": "not_met"},
}


def of_desk_phones(callmon: Callmon) -> Callmon:
    """The same daemon, of a site that vouches for its phones: the lab's ring as soon as they are dialled."""
    callmon.config.write_text(vouched(callmon.config.read_text(encoding="utf-8")), encoding="utf-8")
    return callmon


def cuts() -> Iterator[tuple[float, str, float]]:
    """(how long after the one before, how, for how long)."""
    chance = random.Random(SEED)
    lengths = list(LENGTHS)
    chance.shuffle(lengths)
    for how, length in zip(reversed(HOW), lengths, strict=True):
        yield chance.uniform(4, 8), how, length


def wrongs(call: PlayedSituation, heard: dict[str, Any]) -> list[str]:
    """Points in which what is stored and the script differ, less what is not in CEL."""
    if heard["heard"] == "full":
        return disagreements(call, heard)
    expect = as_cel_may_say(call.situation.expect)
    if heard["outcome"].startswith("voicemail"):
        heard = heard | {"outcome": "voicemail"}
    if call.situation.name == "withheld_but_delivered":
        expect.pop("caller", None)
    by_cel, judged = BY_CEL.get(call.situation.name, {}), expect.get("verdicts", {})
    expect["verdicts"] = {
        of: was for of, was in judged.items() if heard["verdicts"].get(of) != by_cel.get(of, was)
    }
    found = disagreements(replace(call, situation=replace(call.situation, expect=expect)), heard)
    rings, estimated = expect.get("rings"), heard["rings_estimated"]
    off_by_one = (
        rings is not None and heard["rings"] is not None and abs(rings - heard["rings"]) <= 1 and estimated
    )
    return [line for line in found if not (off_by_one and " rings: " in line)]


def backfilled(callmon: Callmon) -> str:
    """`callmon backfill`, as an administrator gives it, after the daemon has gone."""
    command = [sys.executable, "-m", "callmon", "backfill", "--config", str(callmon.config)]
    english = os.environ | {"LC_ALL": "en_CA.UTF-8"}
    done = subprocess.run(command, cwd=ROOT, env=english, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ten_times_unheard_and_then_every_call_is_as_it_was_scripted(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = [*UNDER_STRAIN, *(replace(each, begins=each.begins + 62.0) for each in UNDER_STRAIN)]
    source = SOURCE.format(cel=asterisk.cel)
    with (
        Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness,
        Listener(asterisk.ami_port, "callmon", asterisk.secret) as ear,
        Proxy(asterisk.ami_port) as proxy,
        of_desk_phones(Callmon(tmp_path, proxy.port, asterisk.secret, more=source)) as callmon,
    ):
        away: list[Span] = []
        back: list[float] = []
        with Playing(asterisk, twice) as playing:
            for pause, how, seconds in cuts():
                time.sleep(pause)
                if how == "kill":
                    away.append(kill(callmon, seconds))
                    callmon.wait_until_heard()
                    back.append(time.time())
                else:
                    back.append(fail_and_come_back(proxy, callmon, how, seconds))
            calls = playing.wait()
        until(lambda: callmon.total("callmon_calls_in_progress") == 0)
        time.sleep(8.0)
        corrected = callmon.total("callmon_verdicts_corrected_total")
        assert callmon.stop() == 0
    shutil.copy(asterisk.cel, tmp_path / "Master.csv")  # for whoever looks into a failure
    by_daemon = _filled(callmon)
    last = backfilled(callmon)
    assert backfilled(callmon).splitlines()[-1].endswith("Nothing changed.")
    settings = callmon.settings()
    store = open_with_keys(settings)
    said = [(call, reported(store, settings, own)) for call, own in pairs(public(calls), witness.events())]
    one = undisturbed(settings, ear.heard())
    open_calls, gaps = queries.open_calls(store, "toronto"), queries.gaps(store, "toronto")
    wrong_figures = counter_differences(store)
    store.close()
    filled = [heard for _, heard in said if heard is not None and heard["heard"] == "filled"]
    compared = [(call, heard) for call, heard in said if heard and call.situation.name not in SILENT]
    found = contradictions(compared, one, wrongs)
    with capsys.disabled():
        print(  # noqa: T201 - what was measured
            f"\n{len(said)} calls, {len(gaps)} gaps of {sum(gap.length.total_seconds() for gap in gaps):.0f} s; "
            f"{len(filled)} filled, {by_daemon} of them by the daemon itself; {corrected:.0f} verdicts corrected\n"
            f"{found.counted()}"
        )  # fmt: skip
    assert [call.situation.name for call, heard in said if heard is None] == []
    assert found.wrong == []
    assert len(found.forgiven) <= MOST_FORGIVEN
    assert [heard["call"] for _, heard in said if heard is not None and heard["heard"] == "partly"] == []
    assert (open_calls, wrong_figures) == ({}, [])
    away = sorted([*away, *silences(proxy.log)])
    assert [len(away), len(back), len(gaps)] == [len(LENGTHS)] * 3
    assert [each for each in zip(away, gaps, back, strict=True) if not fits(*each)] == []
    assert len(filled) > 10, last


def kill(callmon: Callmon, seconds: float) -> Span:
    """The daemon ended without warning, and started again so long after; from when until when it was away."""
    callmon.kill()
    killed = time.time()
    time.sleep(seconds)
    started = time.time()
    callmon.start(until_heard=False)
    return killed, started


def _filled(callmon: Callmon) -> int:
    store = open_with_keys(callmon.settings())
    begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    found = [call for _, call in queries.stream_calls(store, begin, end) if call.heard == "filled"]
    store.close()
    return len(found)
