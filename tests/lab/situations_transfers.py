"""Unannounced (blind) transfers of the caller: to whom, how often, and those that fail.

Every phone serves one situation alone.
"""

from __future__ import annotations

from tests.lab.handing import asks_by_phone, by_desk, by_keys, by_phone, handed, sent, sent_on
from tests.lab.model import Phone, Step
from tests.lab.truths import HOLDS, TAKES

SPEAKS_INTO_BOX = (Step(0, "speak", "30"), Step(23, "hang_up"))

BLIND = (
    sent_on("blind_transfer", "140", "141", by_phone("141")),
    sent_on("blind_transfer_by_keys", "142", "143", by_keys("142", "143")),
    handed(
        "blind_transfer_by_desk",
        "200",
        by_desk("201"),
        {"201": Phone(answers=3, steps=HOLDS)},
        sent("blind", "201"),
        holds=1,
    ),
    sent_on("blind_transfer_withheld", "321", "322", by_phone("322"), withheld=True),
    handed(
        "transfer_refused", "156", by_phone("157"), {"157": Phone(None, refuses=486)}, sent("blind", "157", False)
    ),
    handed(
        "transfer_busy_by_keys",
        "225",
        by_keys("225", "226"),
        {"226": Phone(None, refuses=486)},
        sent("blind", "226", False),
    ),
    handed(
        "transfer_declined",
        "221",
        by_phone("222"),
        {"222": Phone(refuses=603, refuses_at=2)},
        sent("blind", "222", False),
    ),
    handed(
        "transfer_declined_at_once_by_keys",
        "223",
        by_keys("223", "224"),
        {"224": Phone(None, refuses=603)},
        sent("blind", "224", False),
    ),
    handed("transfer_unanswered", "229", by_phone("230"), {}, sent("blind", "230", False)),
    handed(
        "transfer_left_while_ringing",
        "231",
        by_desk("232"),
        {},
        sent("blind", "232", False),
        says=(Step(12, "hang_up"),),
    ),
)

BEYOND_PHONES = (
    handed(
        "transfer_to_voicemail", "144", by_phone("500"), {}, {"kind": "blind", "to": "500"}, says=SPEAKS_INTO_BOX,
        voicemail={"mailbox": "500", "message": True},
    ),
    handed(
        "transfer_to_voicemail_by_keys", "202", by_keys("202", "500"), {}, sent("blind", "500", False),
        says=SPEAKS_INTO_BOX, voicemail={"mailbox": "500"},
    ),
    handed(
        "transfer_to_a_phones_voicemail", "203", by_desk("280"), {}, sent("blind", "280", False),
        says=(Step(0, "speak", "60"), Step(48, "hang_up")), voicemail={"mailbox": "280", "message": True},
    ),
    handed(
        "transfer_to_queue", "204", by_phone("600"), {"205": Phone(answers=3, steps=HOLDS)}, sent("blind", "600"),
        holds=1,
    ),
    handed("transfer_to_queue_by_desk", "206", by_desk("601"), {"207": TAKES}, sent("blind", "601")),
    handed("transfer_to_queue_in_vain", "227", by_keys("227", "603"), {}, sent("blind", "603", False)),
    handed("transfer_to_menu", "208", by_phone("610"), {"209": TAKES}, sent("blind", "610")),
    handed(
        "transfer_to_menu_by_keys", "210", by_keys("210", "611"), {}, sent("blind", "611", False),
        says=(Step(14, "hang_up"),),
    ),
    handed(
        "transfer_outside", "211", by_phone("96475550192"), {"6475550192 from anybody": TAKES},
        sent("blind", "outside"),
    ),
    handed(
        "transfer_outside_by_keys", "212", by_keys("212", "96475550193"), {"6475550193 from anybody": TAKES},
        sent("blind", "outside"),
    ),
    handed(
        "transfer_outside_by_desk", "213", by_desk("96475550194"),
        {"6475550194 from anybody": Phone(refuses=486, refuses_at=3)}, sent("blind", "outside", False),
    ),
)  # fmt: skip

# No such extension, or no phone there: the caller reached nothing.
IN_VAIN = (
    handed("transfer_nowhere", "214", (*by_phone("888"), Step(5, "hang_up")), {}),
    handed("transfer_nowhere_by_keys", "215", (*by_keys("215", "888"), Step(14, "hang_up")), {}),
    handed("transfer_nowhere_by_desk", "216", by_desk("888"), {}, other_transfers=1),
    handed("redirect_nowhere", "217", by_desk("888", "Redirect"), {}),
    handed("transfer_to_nobody", "218", by_phone("199"), {}, other_transfers=1),
    handed("transfer_to_nobody_by_keys", "219", by_keys("219", "199"), {}, other_transfers=1),
    handed("redirect_to_nobody", "220", by_desk("199", "Redirect"), {}),
)

MORE_THAN_ONCE = (
    handed(
        "two_transfers",
        "145",
        by_phone("146"),
        {"146": Phone(answers=2, steps=by_phone("147")), "147": TAKES},
        sent("blind", "146"),
        sent("blind", "147"),
    ),
    handed(
        "two_transfers_by_keys",
        "233",
        by_keys("233", "234"),
        {"234": Phone(answers=2, steps=by_keys("234", "235")), "235": TAKES},
        sent("blind", "234"),
        sent("blind", "235"),
    ),
    handed(
        "two_transfers_by_desk",
        "236",
        by_desk("237"),
        {"237": Phone(answers=2, steps=by_desk("238", "Redirect")), "238": TAKES},
        sent("blind", "237"),
        sent("redirect", "238"),
    ),
    handed(
        "attended_then_blind",
        "239",
        asks_by_phone("240", Step(2, "join", when="240 answers")),
        {"240 from 239": Phone(answers=2, steps=(Step(3, "refer", "241", when="239 leaves"),)), "241": TAKES},
        sent("attended", "240"),
        sent("blind", "241"),
    ),
    handed(
        "there_and_back",
        "242",
        by_phone("243"),
        {"243": Phone(answers=2, steps=by_phone("242"))},
        sent("blind", "243"),
        sent("blind", "242"),
        again=TAKES,
    ),
    handed(
        "three_transfers",
        "244",
        by_phone("245"),
        {
            "245": Phone(answers=2, steps=by_keys("245", "246")),
            "246": Phone(answers=2, steps=by_desk("247")),
            "247": TAKES,
        },
        sent("blind", "245"),
        sent("blind", "246"),
        sent("blind", "247"),
    ),
)

SENT_OFF = (*BLIND, *BEYOND_PHONES, *IN_VAIN, *MORE_THAN_ONCE)
