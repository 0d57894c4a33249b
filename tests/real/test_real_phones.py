"""A real Asterisk's phones, talking, never registered, free: counted a line, and the cause of calls missed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from callmon.store.opening import open_with_keys
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.play import Playing
from tests.lab.situation_files import situations
from tests.support.daemon_process import Callmon
from tests.support.scripted_truth import disagreements, pairs, public, reported

pytestmark = pytest.mark.lab

A, P = "answer_by_third_ring", "reach_a_person"
NUMBERS = 'numbers = ["416 327-2422"]'
SITUATIONS = situations("phones")


def phones(callmon: Callmon, line: str = "general") -> dict[str, float]:
    figures = callmon.figures()
    names = ("free", "in_use", "unreachable")
    labels = {state: frozenset({"line": line, "state": state}.items()) for state in names}
    found = {state: figures.get(("callmon_phones", labels[state])) for state in names}
    return {state: count for state, count in found.items() if count is not None}


def until_phones(callmon: Callmon, **counts: float) -> None:
    deadline = time.monotonic() + 60.0
    while phones(callmon) != counts and time.monotonic() < deadline:
        time.sleep(0.1)
    assert phones(callmon) == counts


def test_phones_are_counted_a_line_and_their_states_give_the_cause(exchange: Asterisk, tmp_path: Path) -> None:
    callmon = Callmon(tmp_path, exchange.ami_port, exchange.secret)
    plain = callmon.config.read_text()
    callmon.config.write_text(plain.replace(NUMBERS, f'{NUMBERS}\nextensions = ["101", "198", "103"]', 1))
    with Listener(exchange.ami_port, "witness", exchange.secrets.witness) as witness, callmon:
        until_phones(callmon, free=0, in_use=0, unreachable=3)  # listed; none has registered yet
        with Playing(exchange, SITUATIONS, stagger=0.0) as playing:
            until_phones(callmon, free=1, in_use=1, unreachable=1)
            assert phones(callmon, "tty") == {}
            until_phones(callmon, free=0, in_use=2, unreachable=1)
            calls = playing.wait()
        until_phones(callmon, free=2, in_use=0, unreachable=1)
        assert callmon.stop() == 0
        settings = callmon.settings()
        store = open_with_keys(settings)
        own = {
            call.situation.name: reported(store, settings, who)
            for call, who in pairs(public(calls), witness.events())
        }
        store.close()
        assert [
            wrong for call in calls if (said := own[call.situation.name]) for wrong in disagreements(call, said)
        ] == []
        causes = {name: call["cause"] for name, call in own.items() if call is not None}
        assert causes == {
            "talking": {},
            "in_vain": {A: "rang_unanswered", P: "rang_unanswered"},
            "beside": {A: "nobody_free", P: "nobody_free"},
        }
        # Without being told, it knows after a restart which phones were dialled for the line.
        # The exchange asks each minute whether a phone is there: the phones must be there to answer.
        callmon.config.write_text(plain)
        with Playing(exchange, SITUATIONS[:1]) as playing:
            callmon.start()
            until_phones(callmon, free=1, in_use=1, unreachable=0)
            playing.wait()
