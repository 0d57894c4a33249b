"""The network between callmon and a real Asterisk fails again and again: no wrong verdict, no call left open."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from callmon.core.verdicts import Gap
from callmon.store.opening import open_with_keys
from callmon.store.queries import calls as queries
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import PlayedSituation
from tests.lab.play import Playing
from tests.lab.proxy import Proxy
from tests.lab.situations import UNDER_STRAIN
from tests.support.daemon_process import Callmon
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

SEED = 20261124


def cuts(seed: int, seconds: float) -> list[tuple[float, str, float]]:
    """(how long after the one before, how, for how long): at random moments, never two at once."""
    chance = random.Random(seed)
    found, pause, at = [], chance.uniform(4, 9), 0.0
    while (at := at + pause) < seconds:
        length = chance.choice((0.5, 1.0, 2.0, 4.0, 8.0))
        found.append((pause, chance.choice(("fin", "reset", "mid-message", "half-open")), length))
        at, pause = at + length, chance.uniform(8, 13)
    return found


def fail(proxy: Proxy, how: str, seconds: float) -> None:
    """One failure of the network, from its beginning to its end."""
    if how == "half-open":
        proxy.freeze()
        time.sleep(seconds)
        proxy.cut(reset=True)
    else:
        proxy.refuse()
        proxy.cut(reset=how == "reset", after_bytes=700 if how == "mid-message" else None)
        if not until(lambda: not proxy.is_about_to_cut):  # nobody says anything
            proxy.cut()
        time.sleep(seconds)
    proxy.allow()


def fail_and_come_back(proxy: Proxy, callmon: Callmon, how: str, seconds: float) -> float:
    """The same; when callmon heard the exchange again (seconds since 1970)."""
    before = proxy.connections
    fail(proxy, how, seconds)
    assert until(lambda: proxy.connections > before, 60.0), callmon.log.read_text()
    callmon.wait_until_heard()
    return time.time()


def test_random_network_cuts_give_no_wrong_verdict_and_no_open_call(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness,
        Listener(asterisk.ami_port, "callmon", asterisk.secret) as ear,
        Proxy(asterisk.ami_port) as proxy,
        Callmon(tmp_path, proxy.port, asterisk.secret) as callmon,
    ):
        back = []
        with Playing(asterisk, UNDER_STRAIN) as playing:
            for pause, how, seconds in cuts(SEED, 62.0):
                time.sleep(pause)
                back.append(fail_and_come_back(proxy, callmon, how, seconds))
            calls = playing.wait()
        until(lambda: callmon.total("callmon_calls_in_progress") == 0)
        left = callmon.total("callmon_calls_in_progress")
        unheard = callmon.figure("callmon_exchange_unheard_seconds_total", exchange="toronto") or 0.0
        assert callmon.stop() == 0
    settings = callmon.settings()
    store = open_with_keys(settings)
    open_calls, gaps = queries.open_calls(store, "toronto"), queries.gaps(store, "toronto")
    said = [(call, reported(store, settings, own)) for call, own in pairs(public(calls), witness.events())]
    store.close()
    one = undisturbed(settings, ear.heard())
    assert (left, open_calls) == (0, {})
    found = contradictions([(call, heard) for call, heard in said if heard], one, wrongs)
    with capsys.disabled():
        print(f"\n{len(said)} calls, {len(gaps)} gaps; {found.counted()}")  # noqa: T201 - what was measured
    assert found.wrong == []
    assert len(found.forgiven) <= MOST_FORGIVEN
    assert unheard == pytest.approx(sum(gap.length.total_seconds() for gap in gaps))
    assert [len(gaps), len(back)] == [len(silences(proxy.log))] * 2
    assert [each for each in zip(silences(proxy.log), gaps, back, strict=True) if not fits(*each)] == []


def wrongs(call: PlayedSituation, heard: dict[str, Any]) -> list[str]:
    """Points that are neither as scripted nor honestly unknown."""
    if heard["heard"] != "partly" or not disagreements(call, heard):
        return disagreements(call, heard)
    name, expect = call.situation.name, call.situation.expect
    found = []
    if heard["outcome"] not in {expect["outcome"], "unknown", *without_message(expect)}:
        found.append(f"{name}: outcome {heard['outcome']}, not {expect['outcome']}")
    if "rings" in expect and heard["rings"] not in {expect["rings"], None}:
        found.append(f"{name}: rings {heard['rings']}, not {expect.get('rings')}")
    for standard, verdict in heard["verdicts"].items():
        wanted = expect.get("verdicts", {}).get(standard, verdict)
        if verdict not in {wanted, "unknown"}:
            found.append(f"{name}: {standard} {verdict}, not {wanted}")
    return found


def without_message(expect: dict[str, Any]) -> set[str]:
    """Voicemail was heard to take the call, and whether a message was left was not."""
    return {"voicemail"} if expect["outcome"].startswith("voicemail") else set()


def silences(log: list[tuple[float, str]]) -> list[tuple[float, float]]:
    """From each last byte to the moment when the network was well again (seconds since 1970)."""
    found: list[tuple[float, float]] = []
    began: float | None = None
    for at, what in log:
        if what == "allow" and began is not None:
            found.append((began, at))
            began = None
        elif what in ("cut", "freeze") and began is None:
            began = at
    return found


def fits(away: tuple[float, float], gap: Gap, back: float) -> bool:
    """Unheard from before the cut until the network was well again, and no longer than until it was heard."""
    began, well = away
    return gap.start.timestamp() <= began and well <= gap.end.timestamp() <= back
