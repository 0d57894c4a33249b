"""Callbacks in every way on a real Asterisk, through the daemon and its database: what each entry comes to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from callmon.store.opening import open_with_keys
from callmon.store.rejudge import counter_differences
from tests.lab.exchange import Asterisk
from tests.lab.play import Playing, number
from tests.lab.situations_callbacks import CALLBACKS, CALLED_BACK, MADE, TOO_SHORT
from tests.real.test_real_callbacks import listed
from tests.real.test_real_clicks import ClickedCallback, stands, wait_for_callbacks
from tests.real.test_real_exchange import until
from tests.support.daemon_process import Callmon

pytestmark = pytest.mark.lab

BY_NUMBER = tuple(x for x in CALLBACKS if x.caller.dials == "9{outside}")
COMES_TO = {CALLED_BACK: ("paid", 0), TOO_SHORT: ("open", 1)}


def to_callers() -> list[ClickedCallback]:
    """Each situation, with the caller at its place in the list as the person outside."""
    made = []
    for place, situation in enumerate(BY_NUMBER):
        dials = situation.caller.dials.format(outside=number(2 * place))
        own = replace(situation, caller=replace(situation.caller, dials=dials), begins=13.0)
        expect = COMES_TO.get(MADE[situation.name], ("open", 0))
        made.append(ClickedCallback(place, situation.caller.by_desk, situation.name, own, expect))
    return made


def test_every_way_to_call_somebody_back_comes_to_what_people_did(asterisk: Asterisk, tmp_path: Path) -> None:
    made = to_callers()
    with Callmon(tmp_path, asterisk.ami_port, asterisk.secret) as callmon:
        wait_for_callbacks(asterisk, callmon, made)
        with Playing(asterisk, [x.situation for x in made]) as playing:
            faults = [call.fault for call in playing.wait() if call.fault]
        paid = sum(x.expect[0] == "paid" for x in made)
        assert until(lambda: callmon.total("callmon_callbacks_open") == len(made) - paid)
        entries = {str(x["number"]).removeprefix("+1"): x for x in listed(callmon)}
        assert callmon.stop() == 0
    assert faults == []
    assert {x.ending: stands(entries[x.number]) for x in made} == {x.ending: x.expect for x in made}
    assert counter_differences(open_with_keys(callmon.settings())) == []
