"""The lab's catalogue: every situation has phones of its own, and `lab/SITUATIONS.md` tells of each."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.lab import sip, wire
from tests.lab.board import Board
from tests.lab.model import LabCaller, PlayedSituation, Situation
from tests.lab.site import PHONES_SHIPPED, PHONES_SILENT
from tests.lab.situations import PLAIN, SITUATIONS
from tests.lab.situations_ringing import route

SHARED = {*PHONES_SHIPPED, *PHONES_SILENT}  # the public's lines ring at these; callers tell their calls apart


def phones(situation: Situation) -> set[str]:
    called = {name.partition(" from ")[0] for name in situation.phones}
    callers = {caller.phone for caller in (situation.caller, *(other for _, other in situation.others))}
    return {name for name in called | callers if name and re.fullmatch(r"\d{3}", name)}


def test_no_two_situations_have_one_name() -> None:
    assert [name for name, n in Counter(each.name for each in SITUATIONS).items() if n > 1] == []


def test_no_phone_serves_two_situations() -> None:
    used = Counter(phone for situation in SITUATIONS for phone in phones(situation) - SHARED)
    assert [phone for phone, n in used.items() if n > 1] == []


def test_the_readme_tells_of_every_way_to_travel() -> None:
    text = (Path(__file__).parents[1] / "lab/SITUATIONS.md").read_text(encoding="utf-8")
    written = set(re.findall(r"`([a-z0-9_]+)`", text.partition("| | by the phone")[2]))
    ways = {each.name for each in SITUATIONS} - {each.name for each in PLAIN}
    assert (ways - written, written - {each.name for each in SITUATIONS}) == (set(), set())


def test_a_step_may_wait_for_what_has_happened_and_for_what_has_not() -> None:
    async def waited() -> tuple[bool, bool, bool]:
        board, loop = Board(), asyncio.get_running_loop()
        board.note("153 rings")
        before = board.happened("153 rings", 0.0).done()
        later = board.happened("153 rings", loop.time() + 0.001)
        await asyncio.sleep(0.01)
        too_early = later.done()
        board.note("153 rings")
        return before, too_early, later.done()

    assert asyncio.run(waited()) == (True, False, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [("SIP/2.0 100 Trying\r\n", 100), ("SIP/2.0 486 Busy Here", 486), ("Messages-Waiting: yes\r\n", 0), ("", 0)],
)
def test_a_phone_reads_what_became_of_its_transfer(body: str, code: int) -> None:
    assert sip.outcome_of_refer(body) == code


@pytest.mark.parametrize(("options", "begins"), [("tk", 0.5), ("tkr", 0.5), ("tkr(ring)", None)])
def test_a_tone_before_the_answer_is_a_ring_unless_dial_names_it(options: str, begins: float | None) -> None:
    caller = LabCaller("", route=route("ringing-dial", "PJSIP/856", options))
    call = PlayedSituation(Situation("", caller), "", "", "", progress=[(0.1, 183)], early_tone=0.5, ended=9.0)
    assert wire.begins(call) == begins
