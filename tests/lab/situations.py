"""The situations of a call, each with its required result.

``expect`` never depends on the exchange's own events. A ring is 6 s. Voicemail's greeting and beep take 11.9 s,
and a message must last 3 s to count.
"""

from __future__ import annotations

from collections.abc import Iterable

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
    GENERAL_FREE,
    IN_TIME,
    LATE_LEAVER,
    LEAVES_IN_GREETING,
    LEAVES_MESSAGE,
    LEAVES_TOO_SOON,
    NOBODY,
    POCI,
    POCI_FREE,
    RUNG_OUT,
    TALKS,
    TTY,
    TTY_FREE,
    answered,
    box,
    inbound,
)


def after(name: str, seconds: float, rings: int, copies: int = 1) -> Situation:
    """A person of the general line answers so many seconds after the call arrived."""
    phones = {"102": Phone(answers=seconds)}
    expect = answered("102", rings, late=rings > 3)
    return Situation(name, LabCaller(GENERAL, steps=TALKS), phones, expect, copies=copies)


ANSWERED = (
    after("answered_ring1", 2, 1, copies=4),
    after("answered_ring2", 8, 2, copies=3),
    after("answered_ring3", 14, 3, copies=2),
    after("answered_at_17_3", 17.3, 3, copies=2),
    after("answered_at_18_7", 18.7, 4, copies=2),
    after("answered_ring4", 22.5, 4),
    Situation(
        "answered_after_one_declined",
        LabCaller(GENERAL, steps=TALKS),
        {"101": Phone(refuses=603, refuses_at=2), "103": Phone(answers=7)},
        answered("103", 2),
    ),
    Situation(
        "hunt_second_stage",
        LabCaller(GENERAL, route="hunt-general", steps=TALKS),
        {"102": Phone(answers=3)},
        answered("102", 3),
    ),
    Situation(
        "hunt_too_late",
        LabCaller(GENERAL, route="hunt-general", steps=TALKS),
        {"102": Phone(answers=8)},
        answered("102", 4, late=True, cause={"answer_by_third_ring": "late_hunting"}),
    ),
    Situation(
        "hunt_first_unregistered_phone",
        LabCaller(GENERAL, route="lab-half-offline", steps=TALKS),
        {"101": Phone(answers=4)},
        answered("101", 1),
    ),
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
    Situation(
        "eleven_digits", LabCaller("14163272422", steps=TALKS), {"101": Phone(answers=3)}, answered("101", 1)
    ),
)

LINES = (
    Situation(
        "tollfree_answered",
        LabCaller(GENERAL_FREE, steps=TALKS),
        {"101": Phone(answers=3)},
        answered("101", 1, "general-toll-free"),
        copies=2,
    ),
    Situation(
        "tollfree_ten_digits",
        LabCaller("8002677329", steps=TALKS),
        {"103": Phone(answers=9)},
        answered("103", 2, "general-toll-free"),
    ),
    Situation(
        "tty_answered",
        LabCaller(TTY, steps=TALKS),
        {"104": Phone(answers=8)},
        answered("104", 2, "tty"),
        copies=2,
    ),
    Situation(
        "tty_tollfree_answered",
        LabCaller(TTY_FREE, steps=TALKS),
        {"104": Phone(answers=3)},
        answered("104", 1, "tty-toll-free"),
    ),
    Situation("tty_voicemail", LabCaller(TTY, steps=LEAVES_MESSAGE), {}, box(4, True, BOX_ON_TIME, "tty")),
    Situation(
        "poci_answered", LabCaller(POCI, steps=TALKS), {"106": Phone(answers=13)}, answered("106", 3, "poci")
    ),
    Situation(
        "poci_tollfree_answered",
        LabCaller(POCI_FREE, steps=TALKS),
        {"105": Phone(answers=3)},
        answered("105", 1, "poci-toll-free"),
    ),
    Situation(
        "anonymous_answered",
        LabCaller(POCI, withheld=True, steps=TALKS),
        {"105": Phone(answers=3)},
        answered("105", 1, "poci", caller=None),
    ),
    Situation(
        "withheld_but_delivered",
        LabCaller(TTY, withheld=True, delivered=True, steps=TALKS),
        {"104": Phone(answers=4)},
        answered("104", 1, "tty", caller=None),
    ),
    Situation(
        "name_with_accents",
        LabCaller(GENERAL, name="Zoé Côté-Lefèvre", steps=TALKS),
        {"101": Phone(answers=3)},
        answered("101", 1),
    ),
    Situation(
        "name_with_odd_bytes",
        LabCaller(GENERAL, name=b"Ren\xe9 \x80\xff\xc3", steps=TALKS),
        {"101": Phone(answers=3)},
        answered("101", 1),
    ),
)

VOICEMAIL = (
    Situation("vm_message", LabCaller(GENERAL, steps=LEAVES_MESSAGE), {}, box(4, True, BOX_ON_TIME), copies=3),
    Situation("vm_hangup_greeting", LabCaller(GENERAL, steps=LEAVES_IN_GREETING), {}, box(4, False, BOX_ON_TIME)),
    Situation("vm_too_short", LabCaller(GENERAL, steps=LEAVES_TOO_SOON), {}, box(4, False, BOX_ON_TIME)),
    Situation(
        "hunt_voicemail",
        LabCaller(GENERAL, route="hunt-general", steps=LEAVES_MESSAGE),
        {},
        box(4, True, BOX_ON_TIME),
    ),
    Situation(
        "voicemail_early",
        LabCaller(GENERAL, route="lab-early-box", steps=LEAVES_MESSAGE),
        {},
        box(2, True, BOX_MISTIMED),
    ),
    Situation(
        "voicemail_late",
        LabCaller(GENERAL, route="lab-late-box", steps=LEAVES_MESSAGE),
        {},
        box(6, True, BOX_MISTIMED),
    ),
    Situation(
        "busy_to_voicemail",
        LabCaller(GENERAL, steps=LEAVES_MESSAGE),
        {"101": BUSY, "102": BUSY, "103": BUSY},
        box(None, True, BOX_MISTIMED),
    ),
    Situation(
        "offline_to_voicemail",
        LabCaller(GENERAL, route="lab-offline-box", steps=LEAVES_IN_GREETING),
        {},
        box(None, False, BOX_MISTIMED),
    ),
)


def menu(
    name: str, steps: Iterable[Step], phones: dict[str, Phone], expect: dict[str, object], copies: int = 1
) -> Situation:
    return Situation(name, LabCaller(GENERAL, route="menu", steps=tuple(steps)), phones, expect, copies=copies)


MENUS = (
    menu(
        "menu_english",
        (Step(2, "press", "1"), Step(9, "hang_up")),
        {"102": Phone(answers=3)},
        answered("102", 1, language="en"),
    ),
    menu(
        "menu_french",
        (Step(2, "press", "2"), Step(14, "hang_up")),
        {"103": Phone(answers=8)},
        answered("103", 2, language="fr"),
        copies=2,
    ),
    menu(
        "menu_hangup",
        (Step(3, "hang_up"),),
        {},
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="menu", rings=None),
    ),
    menu(
        "menu_abandon_ringing",
        (Step(2, "press", "2"), Step(10, "hang_up")),
        {},
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="ringing", rings=2, language="fr"),
    ),
    menu(
        "menu_voicemail_message",
        (Step(0, "speak", "60"), Step(2, "press", "2"), Step(45, "hang_up")),
        {},
        box(4, True, BOX_ON_TIME) | {"language": "fr"},
    ),
    menu(
        "menu_pressed_nothing",
        (Step(40, "hang_up"),),
        {"103": Phone(answers=3)},
        inbound("general", "answered", None, answered_by="103", rings=1, language=None),
    ),
    menu(
        "menu_voicemail_hangup",
        (Step(2, "press", "1"), Step(31, "hang_up")),
        {},
        box(4, False, BOX_ON_TIME) | {"language": "en"},
    ),
    menu(
        "menu_chosen_voicemail",
        (Step(0, "speak", "40"), Step(2, "press", "3"), Step(21, "hang_up")),
        {},
        box(None, True, BOX_CHOSEN),
    ),
    Situation(
        "menu_that_ends",
        LabCaller(GENERAL, route="lab-menu-only"),
        {},
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
    Situation(
        "rings_in_vain",
        LabCaller(GENERAL, route="lab-in-vain"),
        {},
        inbound("general", "no_answer", NOBODY, **RUNG_OUT),
    ),
    Situation(
        "phones_offline",
        LabCaller(GENERAL, route="lab-offline"),
        {},
        inbound("general", "failed", NOBODY, rings=None, heard_ringing=False),
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
    Situation(
        "closed_announcement",
        LabCaller(GENERAL, route="closed"),
        {},
        inbound("general", "announcement", None, rings=None, verdicts={"answer_by_third_ring": "not_met"}),
    ),
    Situation(
        "announcement_unanswered",
        LabCaller(GENERAL, route="lab-announcement-unanswered"),
        {},
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
