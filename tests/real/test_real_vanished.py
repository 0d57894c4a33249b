"""A real Asterisk whose Hangups a filter keeps from callmon: no call stays open for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from callmon.store.opening import open_with_keys
from tests.lab.exchange import Asterisk
from tests.lab.listener import Listener
from tests.lab.play import play
from tests.lab.situations import named
from tests.real.test_real_exchange import until
from tests.support.daemon_process import Callmon
from tests.support.scripted_truth import pairs, public, reported

pytestmark = pytest.mark.lab


def test_calls_without_a_received_hangup_are_closed_by_channel_lists(
    fast_asterisk: Asterisk, tmp_path: Path
) -> None:
    asterisk = fast_asterisk
    with (asterisk.place / "etc" / "site" / "manager.conf").open("a") as site:
        site.write("\n[callmon](+)\neventfilter=!^Event: (Hangup|HangupRequest|SoftHangupRequest)[[:space:]]\n")
    asterisk.restart()
    callmon = Callmon(tmp_path, asterisk.ami_port, asterisk.secret)
    often = callmon.config.read_text().replace(
        'username = "callmon"', 'username = "callmon"\nlist_every = "1s"', 1
    )
    callmon.config.write_text(often)
    with Listener(asterisk.ami_port, "witness", asterisk.secrets.witness) as witness, callmon:
        calls = public(play(asterisk, named("answered_ring1", "abandon_ring1", "vm_message")))
        assert until(lambda: callmon.figure("callmon_calls_vanished_total", exchange="toronto") == len(calls))
        left = callmon.total("callmon_calls_in_progress")
        assert callmon.stop() == 0
        heard = witness.events()
    settings = callmon.settings()
    store = open_with_keys(settings)
    said = {call.situation.name: reported(store, settings, own) for call, own in pairs(calls, heard)}
    store.close()
    ends = {name: (call["outcome"], call["ended"], call["heard"]) for name, call in said.items() if call}
    assert left == 0
    assert ends == {
        "answered_ring1": ("answered", None, "partly"),
        "abandon_ring1": ("unknown", None, "partly"),
        "vm_message": ("voicemail_message", None, "partly"),
    }
