"""A real Asterisk, and a callmon that does not hear some of its calls: which they were, what became of them."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callmon.config.settings import load
from callmon.store.opening import open_with_keys
from callmon.store.queries import obligations
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.model import PlayedSituation
from tests.lab.play import play
from tests.lab.proxy import Proxy
from tests.lab.situations import named
from tests.real.test_real_exchange import until
from tests.support.call_end import until_calls_are_over
from tests.support.daemon_process import ROOT, Callmon
from tests.support.scripted_truth import pairs, reported

pytestmark = pytest.mark.lab

CALLS = named("answered_ring1", "answered_ring2", "forward_302", "blind_transfer", "pickup")
LASTS = timedelta(minutes=4)  # until the last comparison
SOURCE = '\n[exchanges.toronto.cel]\nfile = "{cel}"\n'


def compared(callmon: Callmon, cel: Path, status: int) -> dict[str, Any]:
    """What `callmon reconcile --json` says of today when the exchange's diary is this file."""
    done = asked(callmon, cel, "reconcile", "--json", today(callmon))
    assert (done.returncode, done.stderr) == (status, "")
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def asked(callmon: Callmon, cel: Path, *words: str) -> subprocess.CompletedProcess[str]:
    config = callmon.place / "with_cel.toml"
    config.write_text(callmon.config.read_text(encoding="utf-8") + SOURCE.format(cel=cel), encoding="utf-8")
    command = [sys.executable, "-m", "callmon", *words, "--config", str(config)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def today(callmon: Callmon, ahead: timedelta = timedelta()) -> str:
    return (datetime.now(UTC) + ahead).astimezone(load(callmon.config).timezone).date().isoformat()


def test_calls_hidden_from_callmon_and_from_the_diary_are_named(fast_asterisk: Asterisk, tmp_path: Path) -> None:
    asterisk = fast_asterisk
    with Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness:
        with Callmon(tmp_path, asterisk.ami_port, asterisk.secret) as callmon:
            # A comparison is of one day: shortly before midnight the calls wait for the next.
            assert until(lambda: today(callmon) == today(callmon, LASTS), 2 * LASTS.total_seconds())
            heard = play(asterisk, CALLS)
            until_calls_are_over(asterisk, callmon)
            assert callmon.stop() == 0
            hidden = play(asterisk, CALLS)
        events = witness.events()

    def ids(calls: list[PlayedSituation]) -> list[str]:
        return sorted(own for _, own in pairs(calls, events))

    assert until(lambda: set(ids(hidden)) <= over(asterisk.cel))
    said = compared(callmon, asterisk.cel, status=1)
    assert (ids_of(said, "exchange"), ids_of(said, "callmon")) == (ids(hidden), [])
    assert said["lines"]["general"] == {"exchange": 2 * len(heard), "callmon": len(heard)}
    shortened = tmp_path / "shortened.csv"
    rows = asterisk.cel.read_text(encoding="utf-8").splitlines(keepends=True)
    shortened.write_text("".join(row for row in rows if not any(f'"{own}"' in row for own in ids(heard))))
    said = compared(callmon, shortened, status=1)
    assert (ids_of(said, "exchange"), ids_of(said, "callmon")) == (ids(hidden), ids(heard))
    assert asked(callmon, asterisk.cel, "backfill", str(asterisk.cel)).returncode == 0
    said = compared(callmon, asterisk.cel, status=0)
    assert (ids_of(said, "exchange"), ids_of(said, "callmon"), said["agree"]) == ([], [], True)


def over(cel: Path) -> set[str]:
    """The channels that have gone, by the diary."""
    with cel.open(encoding="utf-8", newline="") as rows:
        return {row[14] for row in csv.reader(rows) if row[0] == "HANGUP"}


def ids_of(said: dict[str, Any], side: str) -> list[str]:
    return sorted(one["call"] for one in said[f"{side}_only"])


def messages(callmon: Callmon) -> float | None:
    return callmon.figure("callmon_mailbox_messages", exchange="toronto", mailbox="500")


def test_a_message_left_while_nobody_listened_is_known_by_its_box_and_due(
    fast_asterisk: Asterisk, tmp_path: Path
) -> None:
    """The connection is cut before the call comes, until after it is over."""
    asterisk = fast_asterisk
    source = SOURCE.format(cel=asterisk.cel) + 'wait = "3s"\n'
    with (
        Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness,
        Proxy(asterisk.ami_port) as proxy,
        Callmon(tmp_path, proxy.port, asterisk.secret, more=source) as callmon,
    ):
        assert until(lambda: messages(callmon) is not None)
        before = messages(callmon) or 0.0
        proxy.refuse()
        proxy.cut()
        calls = play(asterisk, named("busy_to_voicemail"))
        proxy.allow()
        callmon.wait_until_heard()
        assert until(lambda: callmon.total("callmon_calls_total", outcome="voicemail_message") == 1)
        after = messages(callmon)
        assert until(lambda: callmon.total("callmon_callbacks_open") == 1)
        assert callmon.stop() == 0
        ((_, own),) = pairs(calls, witness.events())
    assert after == before + 1
    store = open_with_keys(callmon.settings())
    said, (one,) = reported(store, callmon.settings(), own), obligations.obligations(store)
    store.close()
    assert said is not None
    assert (said["outcome"], said["heard"], said["voicemail"]["message"]) == ("voicemail_message", "filled", True)
    assert one.obligation.opening == "message"
