"""Two hundred calls drawn by one seed on a real Asterisk: told as people acted and as the wire received."""

from __future__ import annotations

import secrets
from collections import Counter
from pathlib import Path

import pytest

from callmon.store.opening import open_with_keys
from tests.lab.drawn import drawn
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.play import Playing
from tests.lab.tones import Tones
from tests.lab.witness import note_voicemail
from tests.support.drawn_truth import VERDICTS, by_replay, facts
from tests.support.environment import GIVEN
from tests.support.forked_daemon import WarmCallmon
from tests.support.scripted_truth import pairs
from tests.support.store_fixtures import until
from tests.support.wire_truth import stored

pytestmark = pytest.mark.lab

# The long stage draws new calls each time.
SEED = int(GIVEN.get("CALLMON_SEED") or (secrets.randbelow(1_000_000) if GIVEN.get("CALLMON_WHOLE") else 1))


def test_no_fact_of_two_hundred_drawn_calls_is_reported_wrong(
    asterisk: Asterisk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a callmon with the shipped filter; nor is a verdict of them with the filter of before."""
    witness = Listener(asterisk.ami_port, "witness", asterisk.secrets.witness)
    old = Listener(asterisk.ami_port, "callmon-old", asterisk.secret)
    with witness, old, WarmCallmon(tmp_path, asterisk.ami_port, asterisk.secret) as callmon:
        with Tones() as tones, Playing(asterisk, drawn(SEED), stagger=0.2) as playing:
            calls = playing.wait()
        tones.tell(calls)
        assert until(lambda: callmon.total("callmon_calls_in_progress") == 0)
        assert callmon.stop() == 0
    note_voicemail(calls, witness.events())
    settings = callmon.settings()
    store = open_with_keys(settings)
    said = [(call, stored(store, settings, own)) for call, own in pairs(calls, witness.events())]
    store.close()
    found = [fact for call, heard in said if heard is not None for fact in facts(call, heard)]
    by_old = [fact for fact in by_replay(calls, witness.heard(), old.heard()) if fact.fact in VERDICTS]
    wrong, unknown = Counter(fact.fact for fact in found if fact.wrong), sum(fact.unknown for fact in found)
    with capsys.disabled():
        print(f"\nCALLMON_SEED={SEED}: {len(said)} calls, {len(found)} facts")  # noqa: T201
        print(f"{unknown} unknown, wrong: {dict(wrong)}")  # noqa: T201
    assert [call.fault for call in calls if call.fault] == []
    assert [call.situation.name for call, heard in said if heard is None] == []
    assert [fact.row for fact in found if fact.wrong] == []
    assert [fact.row for fact in by_old if fact.wrong] == []
