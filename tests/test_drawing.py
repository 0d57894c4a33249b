"""The drawing of one call: rings to scale, gaps as gaps, phones as letters for those who may not know them."""

from __future__ import annotations

from datetime import timedelta

from callmon import facts as f
from callmon.explain import tale_of
from callmon.explain.drawing import WIDE, Box, Drawing, drawing
from callmon.explain.unnamed import unnamed
from callmon.facts import Fact
from callmon.store.queries import StoredCall
from tests.office import usual
from tests.store_fixtures import START, account, answered_call, seconds

WIDTH, LABELS, RIGHT = WIDE[:3]
TONE = timedelta(seconds=2)
CALL, TRUNK, PHONE = "1795500000.1", "PJSIP/trunk-00000099", "PJSIP/101-00000099"


def stored(facts: list[Fact]) -> StoredCall:
    return StoredCall("toronto", account(facts), tuple(facts), ())


def drawn(facts: list[Fact]) -> Drawing:
    found = drawing(tale_of(stored(facts), usual(), "en"), TONE)
    assert found is not None
    return found


def boxes(found: Drawing, kind: str) -> list[Box]:
    return [box for box in found.boxes if box.kind == kind]


def rung(until: float, *more: Fact) -> list[Fact]:
    """A phone rings so long, and the caller gives up."""
    at = START
    return [
        f.Arrived(CALL, at, "inbound", "general", "4163272422", None, None, TRUNK),
        f.PhoneRang(CALL, at, "101", PHONE),
        *more,
        f.Ended(CALL, at + seconds(until), "caller"),
    ]


def test_each_ring_is_as_wide_as_the_next_and_its_tone_a_third_of_it() -> None:
    found = drawn(rung(24))
    tones, width = boxes(found, "tone"), WIDTH - LABELS - RIGHT
    assert [round(box.x) for box in tones] == [round(LABELS + n * width / 4) for n in range(4)]
    assert {round(box.width) for box in tones} == {round(width / 12)}
    (limit,) = boxes(found, "limit")
    assert round(limit.x) == round(tones[3].x)


def test_a_call_that_rang_less_has_no_line_where_the_third_ring_would_be_over() -> None:
    assert boxes(drawn(rung(17.9)), "limit") == []


def test_a_gap_is_a_box_over_all_and_what_is_in_it_is_not_drawn_as_heard() -> None:
    gap = f.Unheard(CALL, START + seconds(10), START + seconds(20))
    (box,) = boxes(drawn(rung(30, gap)), "gap")
    width = WIDTH - LABELS - RIGHT
    assert (round(box.x), round(box.width)) == (round(LABELS + width / 3), round(width / 3))


def test_a_conversation_much_longer_than_the_ringing_leaves_it_readable() -> None:
    facts = rung(4000, f.Answered(CALL, START + seconds(10), "101", PHONE, START))
    tones = boxes(drawn(facts), "tone")
    assert (len(tones), tones[0].width > 80) == (2, True)


def test_phones_are_letters_in_every_fact_and_in_the_account() -> None:
    told = unnamed(stored(answered_call(0)))
    assert told.account is not None
    assert [getattr(fact, "phone", None) for fact in told.facts if hasattr(fact, "phone")] == [
        "A", "A", "A", "B", "B", "B", "B", "B",
    ]  # fmt: skip
    assert told.account.answered_by == "B"
