"""Situations in which one call looks like two, or like none: click-to-dial, hairpins, conferences; and a box that
does not exist.
"""

from __future__ import annotations

from tests.lab.handing import asks_by_phone, by_desk, by_phone, handed, sent, stays
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.situations_beyond import staff
from tests.lab.situations_transfers import SPEAKS_INTO_BOX
from tests.lab.situations_ways import PICKS_UP, click
from tests.lab.truths import ENDS, GENERAL, HOLDS, after, inbound

MOVED = (
    handed(
        "redirect_to_voicemail",
        "274",
        by_desk("500", "Redirect"),
        {},
        {"kind": "redirect", "answered": False},
        says=SPEAKS_INTO_BOX,
        voicemail={"mailbox": "500"},
    ),
    handed(
        "transfer_to_conference",
        "330",
        by_phone("622"),
        {},
        {"kind": "blind", "to": "622"},
        others=((0, LabCaller("622", phone="331", when="330 answers", steps=(Step(11, "hang_up"),))),),
        says=(Step(15, "hang_up"),),
    ),
    handed(
        "attended_to_voicemail",
        "332",
        asks_by_phone("500", Step(6, "join")),
        {},
        {"kind": "attended", "to": "500", "answered": False},
        says=SPEAKS_INTO_BOX,
        voicemail={"mailbox": "500"},
    ),
    handed(
        "attended_outside",
        "333",
        asks_by_phone("96475550189", Step(2, "join", when="6475550189 answers")),
        {"6475550189 from anybody": Phone(answers=2, steps=stays("333"))},
        sent("attended", "outside"),
    ),
    # The dialplan continues to a box that does not exist: nothing took the caller.
    handed("transfer_to_nobody_without_box", "320", by_phone("198"), {}, other_transfers=1),
)

CLICKED = (
    click(
        "click_outside",
        "313",
        "9{outside}",
        {"313": PICKS_UP, "outside": Phone(answers=8, steps=ENDS)},
        staff("outbound", "answered", answered_by="outside", rings=2),
    ),
    click(
        "click_outside_busy",
        "314",
        "9{outside}",
        {"314": PICKS_UP, "outside": Phone(None, refuses=486)},
        staff("outbound", "busy", rings=None),
    ),
    click(
        "click_outside_unanswered",
        "318",
        "9{outside}",
        {"318": Phone(answers=3, steps=(Step(10, "hang_up"),)), "outside": Phone()},
        staff("outbound", "no_answer", rings=2),
    ),
    click(
        "click_inside",
        "315",
        "316",
        {"315": PICKS_UP, "316": Phone(answers=3, steps=HOLDS)},
        staff("internal", "answered", answered_by="316", rings=1, holds=1),
    ),
)

HAIRPINS = (
    after("hairpin", 8, 2, "105", route="lab-hairpin"),
    after("hairpin_from_menu", 3, 1, "105", route="lab-hairpin-answered", steps=(Step(9, "hang_up"),)),
)

CONFERENCES = (
    Situation(
        "conference",
        LabCaller(GENERAL, route="lab-conference", steps=(Step(14, "hang_up"),)),
        {},
        inbound("general", "answered", None, answered_by="329", rings=None)
        | {"verdicts": {"reach_a_person": "met", "one_transfer_at_most": "met"}},
        ((5.0, LabCaller("627", phone="329", steps=(Step(7, "hang_up"),))),),
    ),
)

APART = (*MOVED, *CLICKED, *HAIRPINS, *CONFERENCES)
