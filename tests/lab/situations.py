"""The situations of a call, each with its required result.

``expect`` never depends on the exchange's own events. A ring is 6 s. Voicemail's greeting and beep take 11.9 s,
and a message must last 3 s to count.
"""

from __future__ import annotations

from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.situations_apart import APART
from tests.lab.situations_beyond import BEYOND
from tests.lab.situations_boxes import BOXES
from tests.lab.situations_callbacks import CALLBACKS
from tests.lab.situations_clicked import CLICKS, NEAR_MISSES, OLD_CLICKS
from tests.lab.situations_consulted import CONSULTED
from tests.lab.situations_gaps import GAPS
from tests.lab.situations_mixed import MIXED
from tests.lab.situations_ringing import RINGING
from tests.lab.situations_transfers import SENT_OFF
from tests.lab.situations_ways import WAYS
from tests.lab.truths import (
    BOX_CHOSEN,
    BOX_MISTIMED,
    BOX_ON_TIME,
    BUSY,
    EARLY_LEAVER,
    GENERAL,
    IN_TIME,
    LATE_LEAVER,
    LEAVES_IN_GREETING,
    LEAVES_MESSAGE,
    LEAVES_TOO_SOON,
    NOBODY,
    RUNG_OUT,
    TALKS,
    TTY,
    after,
    answered,
    box,
    inbound,
    routed,
)

LATE_HUNTING = {"answer_by_third_ring": "late_hunting"}
THREE = ("101", "102", "103")

ANSWERED = (
    after("answered_ring1", 2, 1, "102", copies=4),
    after("answered_ring2", 8, 2, "102", copies=3),
    after("answered_ring3", 14, 3, "102", copies=2),
    after("answered_at_17_3", 17.3, 3, "102", copies=2),
    after("answered_at_18_7", 18.7, 4, "102", copies=2),
    after("answered_ring4", 22.5, 4, "102"),
    Situation(
        "answered_after_one_declined",
        LabCaller(GENERAL, steps=TALKS),
        {"101": Phone(refuses=603, refuses_at=2), "103": Phone(answers=7)},
        answered("103", 2),
    ),
    after("hunt_second_stage", 3, 3, "102", route="hunt-general"),
    after("hunt_too_late", 8, 4, "102", expect={"cause": LATE_HUNTING}, route="hunt-general"),
    after("hunt_first_unregistered_phone", 4, 1, route="lab-half-offline"),
    Situation(
        "early_media_phone",
        LabCaller(GENERAL, route="lab-only,101,1", steps=TALKS),
        {"101": Phone(early_media=True, answers=8)},
        inbound("general", "answered", IN_TIME, answered_by="101", rings=2, rings_estimated=True),
    ),
    Situation(
        "hold_unhold",
        LabCaller(GENERAL),
        {"101": Phone(answers=2, steps=(Step(2, "hold"), Step(7, "unhold"), Step(10, "hang_up")))},
        answered("101", 1, holds=1),
    ),
    after("eleven_digits", 3, 1, dials="14163272422"),
)

LINES = (
    after("tollfree_answered", 3, 1, line="general-toll-free", copies=2),
    after("tollfree_ten_digits", 9, 2, "103", "general-toll-free", dials="8002677329"),
    after("tty_answered", 8, 2, "104", "tty", copies=2),
    after("tty_tollfree_answered", 3, 1, "104", "tty-toll-free"),
    Situation("tty_voicemail", LabCaller(TTY, steps=LEAVES_MESSAGE), {}, box(4, True, BOX_ON_TIME, "tty")),
    after("poci_answered", 13, 3, "106", "poci"),
    after("poci_tollfree_answered", 3, 1, "105", "poci-toll-free"),
    after("anonymous_answered", 3, 1, "105", "poci", expect={"caller": None}, withheld=True),
    after("withheld_but_delivered", 4, 1, "104", "tty", expect={"caller": None}, withheld=True, delivered=True),
    after("name_with_accents", 3, 1, name="Zoé Côté-Lefèvre"),
    after("name_with_odd_bytes", 3, 1, name=b"Ren\xe9 \x80\xff\xc3"),
)

VOICEMAIL = (
    routed("vm_message", None, LEAVES_MESSAGE, box(4, True, BOX_ON_TIME), copies=3),
    routed("vm_hangup_greeting", None, LEAVES_IN_GREETING, box(4, False, BOX_ON_TIME)),
    routed("vm_too_short", None, LEAVES_TOO_SOON, box(4, False, BOX_ON_TIME)),
    routed("hunt_voicemail", "hunt-general", LEAVES_MESSAGE, box(4, True, BOX_ON_TIME)),
    routed("voicemail_early", "lab-early-box", LEAVES_MESSAGE, box(2, True, BOX_MISTIMED)),
    routed("voicemail_late", "lab-late-box", LEAVES_MESSAGE, box(6, True, BOX_MISTIMED)),
    routed("busy_to_voicemail", None, LEAVES_MESSAGE, box(None, True, BOX_MISTIMED), dict.fromkeys(THREE, BUSY)),
    routed("offline_to_voicemail", "lab-offline-box", LEAVES_IN_GREETING, box(None, False, BOX_MISTIMED)),
)


def presses(key: str, until: float) -> tuple[Step, ...]:
    return Step(2, "press", key), Step(until, "hang_up")


MENUS = (
    after("menu_english", 3, 1, "102", expect={"language": "en"}, route="menu", steps=presses("1", 9)),
    after("menu_french", 8, 2, "103", copies=2, expect={"language": "fr"}, route="menu", steps=presses("2", 14)),
    routed(
        "menu_hangup",
        "menu",
        (Step(3, "hang_up"),),
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="menu", rings=None),
    ),
    routed(
        "menu_abandon_ringing",
        "menu",
        presses("2", 10),
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="ringing", rings=2, language="fr"),
    ),
    routed(
        "menu_voicemail_message",
        "menu",
        (Step(0, "speak", "60"), Step(2, "press", "2"), Step(45, "hang_up")),
        box(4, True, BOX_ON_TIME) | {"language": "fr"},
    ),
    routed(
        "menu_pressed_nothing",
        "menu",
        (Step(40, "hang_up"),),
        inbound("general", "answered", None, answered_by="103", rings=1, language=None),
        {"103": Phone(answers=3)},
    ),
    routed("menu_voicemail_hangup", "menu", presses("1", 31), box(4, False, BOX_ON_TIME) | {"language": "en"}),
    routed(
        "menu_chosen_voicemail",
        "menu",
        (Step(0, "speak", "40"), Step(2, "press", "3"), Step(21, "hang_up")),
        box(None, True, BOX_CHOSEN),
    ),
    routed(
        "menu_that_ends",
        "lab-menu-only",
        (),
        inbound("general", "announcement", None, rings=None, verdicts={"reach_a_person": "not_met"}),
    ),
)

UNANSWERED = (
    Situation(
        "busy_all",
        LabCaller(GENERAL, route="lab-busy"),
        {"101": BUSY, "102": BUSY},
        inbound("general", "busy", NOBODY, rings=None, heard_ringing=False),
    ),
    routed("rings_in_vain", "lab-in-vain", (), inbound("general", "no_answer", NOBODY, **RUNG_OUT)),
    routed(
        "phones_offline", "lab-offline", (), inbound("general", "failed", NOBODY, rings=None, heard_ringing=False)
    ),
    Situation(
        "phones_silent",
        LabCaller(GENERAL, route="lab-silence"),
        {"107": Phone(rings=None)},
        inbound("general", "failed", NOBODY, rings=None, heard_ringing=False),
    ),
    Situation(
        "phones_silent_left",
        LabCaller(GENERAL, route="lab-silence", gives_up=5),
        {"107": Phone(rings=None)},
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in=None, rings=None, heard_ringing=False),
    ),
    Situation(
        "phones_silent_left_late",
        LabCaller(GENERAL, route="lab-silence", gives_up=20),
        {"107": Phone(rings=None)},
        inbound("general", "abandoned", None, abandoned_in=None, rings=None)
        | {"verdicts": {"answer_by_third_ring": "not_met"}},
    ),
    Situation(
        "abandon_at_once",
        LabCaller(GENERAL, gives_up=1.5),  # on a busy machine a phone begins to ring up to a second after the call
        {},
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="ringing", rings=1),
    ),
    Situation(
        "abandon_ring1",
        LabCaller(GENERAL, gives_up=4),
        {},
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="ringing", rings=1),
        copies=2,
    ),
    Situation(
        "abandon_ring4",
        LabCaller(GENERAL, gives_up=20),
        {},
        inbound("general", "abandoned", LATE_LEAVER, abandoned_in="ringing", rings=4),
        copies=2,
    ),
    Situation(
        "congestion",
        LabCaller(GENERAL, route="lab-congestion"),
        {"6475550191": Phone(rings=None, refuses=503)},
        inbound("general", "failed", NOBODY, rings=None, heard_ringing=False),
    ),
    routed(
        "closed_announcement",
        "closed",
        (),
        inbound("general", "announcement", None, rings=None, verdicts={"answer_by_third_ring": "not_met"}),
    ),
    routed(
        "announcement_unanswered",
        "lab-announcement-unanswered",
        (),
        inbound("general", "announcement", None, rings=None, verdicts={"answer_by_third_ring": "not_met"}),
    ),
)

PLAIN = (*ANSWERED, *LINES, *VOICEMAIL, *MENUS, *UNANSWERED, *BEYOND, *BOXES)
# The longest begin first.
SITUATIONS = (*WAYS, *SENT_OFF, *CONSULTED, *MIXED, *APART, *PLAIN)


# Each is played as a whole, separately from those.
APART_FROM_ALL = {
    "clicks": (*NEAR_MISSES, *CLICKS),
    "old_clicks": (*NEAR_MISSES, *OLD_CLICKS),
    "callbacks": CALLBACKS,
    "gaps": GAPS,
    "boxes": BOXES,
    **RINGING,
}


def named(*names: str) -> tuple[Situation, ...]:
    """Situations by name, or a separately played group by its name."""
    known = {situation.name: (situation,) for situation in SITUATIONS} | APART_FROM_ALL
    return tuple(situation for name in names for situation in known[name])


# For tests that disturb callmon or the network meanwhile: each route once or twice.
UNDER_STRAIN = (
    *PLAIN,
    *named("park_timeout", "park_retrieve", "pickup", "forward_302"),
    *named(
        "blind_transfer", "blind_transfer_by_keys", "transfer_refused", "transfer_to_voicemail", "two_transfers"
    ),
    *named("two_transfers", "attended_transfer", "attended_transfer_by_keys", "attended_returned"),
    *named("blonde_completed", "blonde_returned"),
)
