"""A real Asterisk under dozens of calls, unheard ten times for 1 to 30 s: CEL fills the gaps.

Seven times the connection is cut, three times the daemon itself is ended without warning and started again.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from callmon.findings import Gap
from callmon.store import queries
from callmon.store.keyed import opened
from callmon.store.rejudge import differences
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.play import Playing
from tests.lab.proxy import Proxy
from tests.lab.situations import UNDER_STRAIN
from tests.running import ROOT, Callmon
from tests.test_cel import as_cel_may_say
from tests.test_real_cuts import fail, silences
from tests.truth import disagreements, pairs, public, told

pytestmark = pytest.mark.lab

SEED = 5
LATE = 6.0  # seconds after a cut at which the exchange is heard again, at the latest
Span = tuple[float, float]  # seconds since 1970
LENGTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0, 12.0, 30.0)
HOW = ("fin", "kill", "reset", "mid-message", "kill", "half-open", "fin", "reset", "kill", "half-open")
SOURCE = '\n[exchanges.toronto.cel]\nfile = "{cel}"\nwait = "1s"\n'
# A phone that gives no sign at all: CEL takes it to ring.
SILENT = ("phones_silent", "phones_silent_left", "phones_silent_left_late")


def cuts() -> Iterator[tuple[float, str, float]]:
    chance = random.Random(SEED)
    lengths = list(LENGTHS)
    chance.shuffle(lengths)
    at = 4.0
    for n, length in enumerate(lengths, 1):
        yield at, HOW[len(lengths) - n], length
        at += length + chance.uniform(4, 8)


def wrongs(call: Any, heard: dict[str, Any]) -> list[str]:
    """Points in which what is stored and the script differ, less what is not in CEL."""
    if heard["heard"] == "full":
        return disagreements(call, heard)
    expect = as_cel_may_say(call.situation.expect)
    if heard["outcome"].startswith("voicemail"):
        heard = heard | {"outcome": "voicemail"}
    if call.situation.name == "withheld_but_delivered":
        expect.pop("caller", None)
    found = disagreements(replace(call, situation=replace(call.situation, expect=expect)), heard)
    rings, estimated = expect.get("rings"), heard["rings_estimated"]
    off_by_one = (
        rings is not None and heard["rings"] is not None and abs(rings - heard["rings"]) <= 1 and estimated
    )
    return [line for line in found if not (off_by_one and " rings: " in line)]


def covered(away: list[Span], gaps: list[Gap]) -> list[tuple[Gap, list[Span]]]:
    """Each gap with the times that it covers, from beginning to end."""
    return [
        (gap, [x for x in away if gap.start.timestamp() <= x[0] and x[1] <= gap.end.timestamp()]) for gap in gaps
    ]


def fits_all(within: list[Span], gap: Gap) -> bool:
    """A gap ends within 6 s; who was away again before that was away all the time."""
    late = [later[0] - earlier[1] for earlier, later in pairwise(within)]
    return max([*late, gap.end.timestamp() - within[-1][1]]) <= LATE


def backfilled(callmon: Callmon) -> str:
    """`callmon backfill`, as an administrator gives it, after the daemon has gone."""
    command = [sys.executable, "-m", "callmon", "backfill", "--config", str(callmon.config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ten_times_unheard_and_then_every_call_is_as_it_was_scripted(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = [*UNDER_STRAIN, *(replace(each, begins=each.begins + 62.0) for each in UNDER_STRAIN)]
    source = SOURCE.format(cel=asterisk.cel)
    with (
        Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness,
        Proxy(asterisk.ami_port) as proxy,
        Callmon(tmp_path, proxy.port, asterisk.secret, more=source) as callmon,
    ):
        away: list[Span] = []
        with Playing(asterisk, twice) as playing:
            begun = time.monotonic()
            for at, how, seconds in cuts():
                time.sleep(max(0.0, begun + at - time.monotonic()))
                if how == "kill":
                    callmon.kill()
                    killed = time.time()
                    time.sleep(seconds)
                    away.append((killed, time.time()))
                    callmon.start(until_heard=False)
                else:
                    fail(proxy, how, seconds)
            calls = playing.wait()
        callmon.wait_until_heard()
        time.sleep(8.0)
        corrected = callmon.total("callmon_verdicts_corrected_total")
        assert callmon.stop() == 0
    shutil.copy(asterisk.cel, tmp_path / "Master.csv")  # for whoever looks into a failure
    by_daemon = _filled(callmon)
    last = backfilled(callmon)
    assert backfilled(callmon).splitlines()[-1].endswith("Nothing changed.")
    settings = callmon.settings()
    store = opened(settings)
    said = [(call, told(store, settings, own)) for call, own in pairs(public(calls), witness.events())]
    open_calls, gaps = queries.open_calls(store, "toronto"), queries.gaps(store, "toronto")
    wrong_figures = differences(store)
    store.close()
    filled = [heard for _, heard in said if heard is not None and heard["heard"] == "filled"]
    with capsys.disabled():
        print(  # noqa: T201 - what was measured
            f"\n{len(said)} calls, {len(gaps)} gaps of {sum(gap.length.total_seconds() for gap in gaps):.0f} s; "
            f"{len(filled)} filled, {by_daemon} of them by the daemon itself; {corrected:.0f} verdicts corrected"
        )  # fmt: skip
    assert [call.situation.name for call, heard in said if heard is None] == []
    assert [
        line
        for call, heard in said
        if heard is not None and call.situation.name not in SILENT
        for line in wrongs(call, heard)
    ] == []
    assert [heard["call"] for _, heard in said if heard is not None and heard["heard"] == "partly"] == []
    assert (open_calls, wrong_figures) == ({}, [])
    away = sorted([*away, *silences(proxy.log)])
    assert len(away) == len(LENGTHS)
    by_gap = covered(away, gaps)
    assert [one for _, within in by_gap for one in within] == away  # each cut in one gap
    assert [gap for gap, within in by_gap if not within or not fits_all(within, gap)] == []
    assert len(filled) > 10, last


def _filled(callmon: Callmon) -> int:
    store = opened(callmon.settings())
    begin, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    found = [call for _, call in queries.calls(store, begin, end) if call.heard == "filled"]
    store.close()
    return len(found)
