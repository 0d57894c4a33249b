"""A real Asterisk whose clock is set by an hour, forward and back, under dozens of calls."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from callmon.store.opening import open_with_keys
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.play import Playing
from tests.lab.shifting import Shifting
from tests.lab.situations import UNDER_STRAIN
from tests.real.test_real_exchange import until
from tests.support.ami_builders import replayed
from tests.support.call_end import until_calls_are_over
from tests.support.daemon_process import Callmon
from tests.support.scripted_truth import reported

pytestmark = pytest.mark.lab

STEPS = ((14.0, 3600.0), (26.0, 0.0), (38.0, -3600.0), (50.0, 1.5))  # seconds since the beginning, ahead
# What does not depend on how long anything lasted.
ALWAYS = ("outcome", "answered_by", "transfers", "line", "language", "heard")


def test_waits_over_a_step_of_the_clock_are_right_or_unknown(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside = Listener(asterisk.ami_port, "callmon", asterisk.secret)
    with beside, Shifting(asterisk.ami_port) as wire, Callmon(tmp_path, wire.port, asterisk.secret) as callmon:
        steps = []
        with Playing(asterisk, UNDER_STRAIN) as playing:
            begun = time.monotonic()
            for at, ahead in STEPS:
                time.sleep(max(0.0, begun + at - time.monotonic()))
                wire.ahead = ahead
                steps.append(time.time())
            playing.wait()
        until_calls_are_over(asterisk, callmon)
        assert until(lambda: skew(callmon) == pytest.approx(1.5, abs=0.2))
        unheard = callmon.figure("callmon_exchange_unheard_seconds_total", exchange="toronto")
        _, health = callmon.health()
        wire.ahead = 3600.0
        assert until(lambda: bool(callmon.health()[1].get("remarks")))
        _, ahead = callmon.health()
        settings = callmon.settings()
        assert callmon.stop() == 0
    store = open_with_keys(settings)
    expected = [
        call for call in replayed(beside.heard(), settings=settings).calls() if call["line"] and call["ended"]
    ]
    said = {call["call"]: reported(store, settings, call["call"]) or {} for call in expected}
    store.close()
    over = [call for call in expected if any(up(call, step) for step in steps)]
    beside_it = [call for call in expected if call not in over]
    assert (len(over) >= 10, len(beside_it) >= 3) == (True, True)
    assert [unlike for call in expected for unlike in differences(call, said[call["call"]], ALWAYS)] == []
    whole = (*ALWAYS, "rings", "wait_seconds", "verdicts")
    assert [unlike for call in beside_it for unlike in differences(call, said[call["call"]], whole)] == []
    assert [wrong for call in over for wrong in contradictions(call, said[call["call"]])] == []
    unknown = [call for call in over if "unknown" in said[call["call"]]["verdicts"].values()]
    assert len(unknown) < len(over)
    assert unheard == pytest.approx(0.0, abs=1.0)
    assert (health["remarks"], [remark[:52] for remark in ahead["remarks"]]) == (
        [],
        ["The clock of the exchange toronto is 3600 s ahead of"],
    )
    with capsys.disabled():
        print(f"\n{len(over)} calls up at a step, {len(unknown)} of them with a verdict not known")  # noqa: T201


def skew(callmon: Callmon) -> float | None:
    """Asked again with each Ping: on a busy machine one may have waited."""
    return callmon.figure("callmon_exchange_clock_skew_seconds", exchange="toronto")


def up(call: dict[str, Any], step: float) -> bool:
    return moment(call["arrived"]) < step < moment(call["ended"])


def moment(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def differences(call: dict[str, Any], said: dict[str, Any], points: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return [(call["call"], x, call[x], said.get(x)) for x in points if call[x] != said.get(x)]


def contradictions(call: dict[str, Any], said: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Verdicts and rings that are neither as they are nor said to be unknown."""
    verdicts = [
        (call["call"], standard, verdict, said["verdicts"].get(standard))
        for standard, verdict in call["verdicts"].items()
        if said["verdicts"].get(standard) not in (verdict, "unknown")
    ]
    rings = [] if said["rings"] in (call["rings"], None) else [(call["call"], call["rings"], said["rings"])]
    return [*verdicts, *rings]
