"""The network between callmon and a real Asterisk fails again and again: no wrong verdict, no call left open."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from callmon.store import queries
from callmon.store.keyed import opened
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.play import Playing
from tests.lab.proxy import Proxy
from tests.lab.situations import UNDER_STRAIN
from tests.running import Callmon
from tests.truth import disagreements, pairs, public, told

pytestmark = pytest.mark.lab

SEED = 20261124


def cuts(seed: int, seconds: float) -> list[tuple[float, str, float]]:
    """(when, how, for how long): at random moments, never two at once."""
    chance = random.Random(seed)
    found, at = [], chance.uniform(4, 9)
    while at < seconds:
        length = chance.choice((0.5, 1.0, 2.0, 4.0, 8.0))
        found.append((at, chance.choice(("fin", "reset", "mid-message", "half-open")), length))
        at += length + chance.uniform(8, 13)
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
        time.sleep(seconds)
    proxy.allow()


def test_a_network_cut_at_random_never_gives_a_wrong_verdict_and_leaves_no_call_open(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    with (
        Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness,
        Proxy(asterisk.ami_port) as proxy,
        Callmon(tmp_path, proxy.port, asterisk.secret) as callmon,
    ):
        with Playing(asterisk, UNDER_STRAIN) as playing:
            begun = time.monotonic()
            for at, how, seconds in cuts(SEED, 62.0):
                time.sleep(max(0.0, begun + at - time.monotonic()))
                fail(proxy, how, seconds)
            calls = playing.wait()
        callmon.wait_until_heard()
        time.sleep(6.0)
        left = callmon.total("callmon_calls_in_progress")
        unheard = callmon.figure("callmon_exchange_unheard_seconds_total", exchange="toronto") or 0.0
        assert callmon.stop() == 0
    settings = callmon.settings()
    store = opened(settings)
    open_calls, gaps = queries.open_calls(store, "toronto"), queries.gaps(store, "toronto")
    said = [(call, told(store, settings, own)) for call, own in pairs(public(calls), witness.events())]
    store.close()
    assert (left, open_calls) == (0, {})
    assert [wrong for call, heard in said if heard is not None for wrong in wrongs(call, heard)] == []
    away = silences(proxy.log)
    assert unheard == pytest.approx(sum(gap.length.total_seconds() for gap in gaps))
    assert len(gaps) == len(away)
    assert [pair for pair in zip(away, gaps, strict=True) if not fits(*pair)] == []


def wrongs(call: Any, heard: dict[str, Any]) -> list[str]:
    """Points that are neither as scripted nor honestly unknown."""
    if not disagreements(call, heard):
        return []
    assert heard["heard"] == "partly", f"{call.situation.name} was heard throughout: {disagreements(call, heard)}"
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


def fits(away: tuple[float, float], gap: Any) -> bool:
    """Unheard for at least as long as cut, and for at most 6 s more."""
    length = away[1] - away[0]
    began = datetime.fromtimestamp(away[0], UTC)
    return gap.start <= began and length <= gap.length.total_seconds() <= length + 6.0
