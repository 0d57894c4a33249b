"""The drawing of one call: rings to scale, gaps as gaps, phones as letters for those who may not know them."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from callmon.core import facts as f
from callmon.core.facts import Fact
from callmon.store.queries.calls import StoredCall
from callmon.text.story import story_context, unnamed
from callmon.text.story.diagram import NARROW, WIDE, DiagramBox, Drawing, drawing
from tests.support.fact_builder import usual
from tests.support.store_fixtures import START, account, answered_call, seconds

WIDTH, LABELS, RIGHT = WIDE[:3]
TONE = timedelta(seconds=2)
CALL, TRUNK, PHONE = "1795500000.1", "PJSIP/trunk-00000099", "PJSIP/101-00000099"


def stored(facts: list[Fact]) -> StoredCall:
    return StoredCall("toronto", account(facts), tuple(facts), ())


def drawn(facts: list[Fact]) -> Drawing:
    found = drawing(story_context(stored(facts), usual(), "en"), TONE)
    assert found is not None
    return found


def boxes(found: Drawing, kind: str) -> list[DiagramBox]:
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


def test_a_lane_is_drawn_through_the_middle_of_its_bars() -> None:
    found = drawn(rung(24))
    tone = boxes(found, "tone")[0]
    assert tone.y + tone.height / 2 in [box.y for box in boxes(found, "rail")]


def test_each_time_has_a_mark_that_stands_upright_on_the_axis() -> None:
    (axis, *marks) = boxes(drawn(rung(24)), "axis")
    assert [(mark.x, mark.y < axis.y < mark.y + mark.height, mark.width) for mark in marks] == [
        (axis.x, True, 0),
        (axis.x + axis.width, True, 0),
    ]


def test_a_zigzag_goes_from_the_top_of_its_cut_to_the_bottom() -> None:
    (cut,) = drawn(rung(2424, f.Answered(CALL, START + seconds(24), "101", PHONE, START))).cuts
    heights = [[float(point.split(",")[1]) for point in edge.split()] for edge in cut.edges]
    assert [(edge[0], edge[-1]) for edge in heights] == [(round(cut.top, 1), round(cut.bottom, 1))] * 2


def test_a_call_that_rang_less_has_no_line_for_the_end_of_ring_three() -> None:
    assert boxes(drawn(rung(17.9)), "limit") == []


def test_a_gap_is_a_box_over_all_and_its_content_is_not_drawn_as_received() -> None:
    gap = f.Unheard(CALL, START + seconds(10), START + seconds(20))
    (box,) = boxes(drawn(rung(30, gap)), "gap")
    width = WIDTH - LABELS - RIGHT
    assert (round(box.x), round(box.width)) == (round(LABELS + width / 3), round(width / 3))


def test_a_conversation_much_longer_than_the_ringing_leaves_it_readable() -> None:
    facts = rung(4000, f.Answered(CALL, START + seconds(10), "101", PHONE, START))
    tones = boxes(drawn(facts), "tone")
    assert (len(tones), tones[0].width > 80) == (2, True)


def texts(found: Drawing) -> list[str]:
    """The lengths that are left out, as they are written; no time of the axis, number of a ring or name."""
    return [
        x.text.replace("\N{NO-BREAK SPACE}", " ") for x in found.labels if x.anchor == "middle" and not x.quiet
    ]


def transferred(times: list[float], until: float) -> list[Fact]:
    """Answered after eight seconds, and put on hold at each of these."""
    more: list[Fact] = [f.Answered(CALL, START + seconds(8), "101", PHONE, START)]
    for at in times:
        more += [f.Held(CALL, START + seconds(at), "101"), f.Resumed(CALL, START + seconds(at + 30), "101")]
    return rung(until, *more)


def test_forty_minutes_of_talk_have_the_rings_scale_with_a_marked_cut() -> None:
    found = drawn(rung(2424, f.Answered(CALL, START + seconds(24), "101", PHONE, START)))
    tones, (talk,), (cut,) = boxes(found, "tone"), boxes(found, "talk"), found.cuts
    second = tones[0].width / 2
    drawn_talk = talk.width / second
    assert texts(found) == ["39 min 45 s"]
    assert abs(drawn_talk + 39 * 60 + 45 - 2400) < 0.6  # what is drawn and what is left out are the conversation
    assert abs(cut.x - (talk.x + talk.width / 2)) < 0.2
    axis = max(box.y for box in boxes(found, "axis") if box.height == 0)
    assert (cut.top < tones[0].y, cut.bottom > axis) == (True, True)  # through all lanes, and the axis


def test_nothing_is_left_out_where_the_ringing_is_readable() -> None:
    found = drawn(rung(40, f.Answered(CALL, START + seconds(10), "101", PHONE, START)))
    (rang,), (talk,) = boxes(found, "rang"), boxes(found, "talk")
    assert (found.cuts, texts(found)) == ((), [])
    assert abs(talk.width / rang.width - 3) < 0.02


def test_between_transfers_each_long_stretch_is_cut_by_itself() -> None:
    found = drawn(transferred([300], 1900))
    assert texts(found) == ["4 min 46 s", "24 s", "26 min 04 s"]
    assert len(boxes(found, "held")) == 1
    whole = drawn(transferred([12], 1900))
    assert len(whole.cuts) == 2  # the four seconds before the hold are whole


def test_on_a_telephone_no_length_is_written_over_another() -> None:
    found = drawing(story_context(stored(transferred([300, 600, 900, 1200], 1900)), usual(), "fr"), TONE, NARROW)
    assert found is not None
    rows: dict[float, list[float]] = {}
    for label in found.labels:
        if label.anchor == "middle":
            rows.setdefault(label.y, []).append(label.x)
    apart = [b - a for row in rows.values() for a, b in pairwise(row)]
    assert (len({cut.x for cut in found.cuts}), len(rows) > 1, min(apart) >= 40) == (9, True, True)
    lanes = [box.y for box in found.boxes if box.kind == "rail"]
    assert max(rows) < min(lanes) - 30


def test_phones_are_letters_in_every_fact_and_in_the_account() -> None:
    reported = unnamed(stored(answered_call(0)))
    assert reported.account is not None
    assert [getattr(fact, "phone", None) for fact in reported.facts if hasattr(fact, "phone")] == [
        "A", "A", "A", "B", "B", "B", "B", "B",
    ]  # fmt: skip
    assert reported.account.answered_by == "B"


def test_who_takes_a_consulted_transfer_talks_and_the_first_holds_not() -> None:
    second = "PJSIP/102-00000098"
    sent = f.SentOff(CALL, START + seconds(10), "attended", PHONE, "102")
    facts = [
        *rung(4)[:2],
        f.Answered(CALL, START + seconds(2), "101", PHONE, START),
        f.Held(CALL, START + seconds(4), "101"),
        f.PersonJoined(CALL, START + seconds(10), "102", second),
        sent,
        f.Transferred(CALL, START + seconds(10), "attended", PHONE, "102", True),
        f.Ended(CALL, START + seconds(16), "exchange"),
    ]
    found = drawn(facts)
    (held,), talks = boxes(found, "held"), boxes(found, "talk")
    end = WIDTH - RIGHT
    assert round(held.x + held.width) == round(talks[-1].x)
    assert [round(box.x + box.width) for box in talks] == [round(talks[0].x + talks[0].width), end]


def test_of_an_answer_in_a_gap_only_what_is_known_of_it_is_drawn_as_talk() -> None:
    gap = f.Unheard(CALL, START + seconds(5), START + seconds(15), True)
    answer = f.Answered(CALL, START + seconds(5), "101", PHONE, START, slack=seconds(10))
    found = drawn(rung(40, gap, answer))
    (talk,), (box,) = boxes(found, "talk"), boxes(found, "gap")
    assert round(talk.x) == round(box.x + box.width)


def test_on_a_telephone_names_stand_above_and_nothing_is_wider() -> None:
    found = drawing(story_context(stored(rung(24)), usual(), "en"), TONE, NARROW)
    assert found is not None
    assert max(box.x + box.width for box in found.boxes) <= NARROW.width
    assert [label.x for label in found.labels if not label.quiet] == [0, 0]
