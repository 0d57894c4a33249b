"""Routes, not transfers: pick-up, parking, forwarding, click-to-dial, hairpins, conferences, Local queues."""

from __future__ import annotations

from tests.lab.handing import by_phone, handed, sent
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.truths import (
    BOX_MISTIMED,
    ENDS,
    GENERAL,
    HOLDS,
    IN_TIME,
    LEAVES_MESSAGE,
    TAKES,
    TALKS,
    answered,
    box,
    inbound,
    only,
)


def taken_by(phone: str, dials: str, rings_at: str, steps: tuple[Step, ...] = ENDS) -> tuple[float, LabCaller]:
    """A colleague takes the call 3 s after it began to ring there."""
    return 3.0, LabCaller(dials, phone=phone, when=f"{rings_at} rings", steps=steps)


# A pickup beside many calls, or beside another pickup, may block Asterisk for good (its issues 891 and 2036).
# These begin one after the other, when most calls have ended.
BY_GROUP, OF_A_TRANSFER, BY_NUMBER, BY_EXTENSION = 70, 76, 78, 88  # seconds

PICKED_UP = (
    only(
        "pickup",
        "125",
        {},
        answered("126", 2),
        (8.0, LabCaller("**125", "126", when="125 rings", steps=ENDS)),
        begins=BY_NUMBER,
    ),
    only(
        "pickup_by_extension",
        "286",
        {},
        answered("287", 1, holds=1),
        taken_by("287", "*8286", "286", HOLDS),
        begins=BY_EXTENSION,
    ),
    only("pickup_by_group", "282", {}, answered("283", 1), taken_by("283", "*8", "282"), begins=BY_GROUP),
    only(
        "pickup_by_replaces",
        "288",
        {},
        answered("289", 1),
        (3.0, LabCaller("288", "289", when="288 rings", takes="288", steps=ENDS)),
    ),
    handed(
        "pickup_of_a_transfer",
        "290",
        by_phone("284"),
        {},
        sent("blind", "284"),
        others=(taken_by("285", "*8", "284"),),
        begins=OF_A_TRANSFER,
    ),
)

KEYS_TO_PARK = (Step(2, "press", "#72"),)
DESK_PARKS = (Step(2, "desk", "Park"),)
RECALLED = Phone(answers=3, steps=ENDS)


def fetched(by: str, parker: str, steps: tuple[Step, ...] = ENDS) -> tuple[float, LabCaller]:
    return 3.0, LabCaller("{place}", phone=by, when=f"{parker} parks", steps=steps)


PARKED = (
    # First, since it takes longest: a minute.
    handed("park_timeout", "158", KEYS_TO_PARK, {}, again=RECALLED, parked=1),
    handed("park_timeout_by_phone", "300", by_phone("700"), {}, again=RECALLED, parked=1, other_transfers=1),
    handed("park_retrieve", "127", KEYS_TO_PARK, {}, parked=1, others=(fetched("128", "127"),)),
    handed(
        "park_by_phone",
        "293",
        by_phone("700"),
        {},
        parked=1,
        other_transfers=1,
        others=(fetched("294", "293"),),
    ),
    handed("park_by_desk", "295", DESK_PARKS, {}, parked=1, holds=1, others=(fetched("296", "295", HOLDS),)),
    handed("park_fetched_back", "297", KEYS_TO_PARK, {}, parked=1, others=(fetched("297", "297"),)),
    handed("park_left", "298", KEYS_TO_PARK, {}, parked=1, says=(Step(14, "hang_up"),)),
    handed("park_left_by_desk", "299", DESK_PARKS, {}, parked=1, says=(Step(14, "hang_up"),)),
    handed(
        "park_then_transfer",
        "302",
        KEYS_TO_PARK,
        {"304": TAKES},
        sent("blind", "304"),
        parked=1,
        others=(fetched("303", "302", by_phone("304")),),
    ),
    handed(
        "park_withheld",
        "323",
        KEYS_TO_PARK,
        {},
        parked=1,
        withheld=True,
        others=(fetched("324", "323"),),
    ),
)


def forwarded(name: str, phone: str, to: str, targets: dict[str, Phone], expect: dict[str, object]) -> Situation:
    """The phone itself forwards the caller (302)."""
    phones = {phone: Phone(forwards_to=to, refuses_at=1), **targets}
    return only(name, phone, phones, expect | {"forwards": 1}, steps=TALKS)


PRESSES_ONE = Phone(answers=2.5, steps=(Step(1.5, "press", "1"),))

FORWARDED = (
    forwarded("forward_302", "119", "124", {"124": Phone(answers=3)}, answered("124", 1)),
    forwarded(
        "forward_to_mobile",
        "305",
        "96475550199",
        {"6475550199 from anybody": Phone(answers=3)},
        answered("outside", 1),
    ),
    only(
        "forward_to_group",
        "306",
        {"306": Phone(forwards_to="630", refuses_at=1), "310": Phone(answers=3, steps=HOLDS)},
        answered("310", 1, forwards=1, holds=1),
    ),
    forwarded("forward_confirmed", "307", "631", {"6475550198": PRESSES_ONE}, answered("outside", 1)),
    only(
        "forward_not_confirmed",
        "308",
        {"308": Phone(forwards_to="631", refuses_at=1), "6475550198": Phone(answers=3)},
        box(2, True, BOX_MISTIMED) | {"forwards": 1},
        steps=LEAVES_MESSAGE,
    ),
    Situation(
        "confirm_declined",
        LabCaller(GENERAL, route="lab-confirm", steps=LEAVES_MESSAGE),
        {"6475550190": Phone(answers=3, steps=(Step(1.5, "press", "2"),))},
        box(1, True, BOX_MISTIMED),
    ),
    Situation(
        "follow_me",
        LabCaller(GENERAL, route="lab-followme", steps=TALKS),
        {"6475550196": Phone(answers=3)},
        answered("outside", 2),
    ),
    Situation(
        "follow_me_by_application",
        LabCaller(GENERAL, route="lab-followme-app", steps=(Step(8, "hang_up"),)),
        {"6475550197": Phone(answers=3, steps=(Step(4, "press", "1"),))},
        inbound("general", "answered", None, answered_by="outside"),
    ),
)


def click(name: str, phone: str, dials: str, phones: dict[str, Phone], expect: dict[str, object]) -> Situation:
    """Click-to-dial: the desk rings the person's own phone, then dials from it."""
    return Situation(name, LabCaller(dials, phone=phone, by_desk="phone"), phones, expect)


PICKS_UP = Phone(answers=3)

CLICKED = (click("click_not_picked_up", "317", "9{outside}", {}, {"direction": None}),)

ROUNDABOUT = (
    Situation(
        "queue_of_locals",
        LabCaller(GENERAL, route="lab-queue-local", steps=(Step(8, "hang_up"),)),
        {"327": Phone(answers=3)},
        inbound("general", "answered", IN_TIME, answered_by="327", rings=1, heard_ringing=False),
    ),
    Situation(
        "queue_of_locals_optimised",
        LabCaller(GENERAL, route="lab-queue-optimised", steps=(Step(0, "speak", "10"), Step(9, "hang_up"))),
        {"328": Phone(answers=3, steps=(Step(0, "speak", "8"),))},
        inbound("general", "answered", IN_TIME, answered_by="328", rings=1, heard_ringing=False),
    ),
    Situation(
        "queue_in_french",
        LabCaller(GENERAL, route="lab-menu-queue", steps=(Step(2, "press", "2"), Step(14, "hang_up"))),
        {"326": Phone(answers=3)},
        inbound("general", "answered", IN_TIME, answered_by="326", heard_ringing=False, language="fr"),
    ),
    Situation(
        "conference_alone",
        LabCaller(GENERAL, route="lab-conference-empty", steps=(Step(9, "hang_up"),)),
        {},
        inbound("general", "abandoned", None, answered_by=None, rings=None),
    ),
)

WAYS = (*PARKED, *PICKED_UP, *FORWARDED, *CLICKED, *ROUNDABOUT)
