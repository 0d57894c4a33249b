"""A colleague is asked first (attended, or handed over while ringing), or the desk moves the caller (redirect)."""

from __future__ import annotations

from tests.lab.handing import asked, asks, asks_by_phone, by_desk, handed, sent, sent_on, stays
from tests.lab.model import Phone, Step
from tests.lab.truths import ENDS, TAKES

# Asterisk queues the keys of Atxfer, and may lose those after the feature code when many calls begin at once.
# These begin when fewer calls do.
LATER = 25  # seconds

ATTENDED = (
    handed(
        "attended_transfer",
        "148",
        asks_by_phone("149", Step(2, "join", when="149 answers")),
        {"149 from 148": Phone(answers=2, steps=stays("148"))},
        sent("attended", "149"),
        holds=1,
    ),
    handed(
        "attended_transfer_by_keys",
        "117",
        asks("117", "118", Step(3, "hang_up", when="118 answers")),
        asked("118", "117", Phone(answers=3, steps=stays("117"))),
        sent("attended", "118"),
    ),
    handed(
        "attended_transfer_by_desk",
        "248",
        (*by_desk("249", "Atxfer"), Step(3, "hang_up", when="249 answers")),
        asked("249", "248", Phone(answers=3, steps=stays("248"))),
        sent("attended", "249"),
        begins=LATER,
    ),
    handed(
        "attended_completed_by_key",
        "250",
        asks("250", "251", Step(2, "press", "*2", when="251 answers")),
        asked("251", "250", Phone(answers=3, steps=stays("250"))),
        sent("attended", "251"),
    ),
    handed(
        "attended_by_three",
        "252",
        asks("252", "253", Step(2, "press", "*3", when="253 answers"), Step(6, "hang_up", when="253 answers")),
        asked("253", "252", Phone(answers=3, steps=stays("252"))),
        sent("attended", "253"),
    ),
)

# The transferer takes the caller back.
TAKEN_BACK = (
    handed(
        "attended_returned",
        "150",
        asks("150", "151", Step(3, "press", "*1", when="151 answers"), Step(4, "hang_up", when="151 leaves")),
        asked("151", "150", Phone(answers=3)),
    ),
    handed(
        "attended_returned_by_phone",
        "254",
        asks_by_phone(
            "255",
            Step(2, "drop", when="255 answers"),
            Step(2, "unhold", when="255 leaves"),
            Step(5, "hang_up", when="255 leaves"),
        ),
        {"255 from 254": Phone(answers=3)},
        holds=1,
    ),
    handed(
        "attended_returned_by_desk",
        "258",
        (
            *by_desk("259", "Atxfer"),
            Step(3, "desk", "CancelAtxfer", when="259 answers"),
            Step(4, "hang_up", when="259 leaves"),
        ),
        asked("259", "258", Phone(answers=3)),
        begins=LATER,
    ),
    handed(
        "attended_busy",
        "256",
        asks_by_phone("257", Step(2, "unhold", when="257 leaves"), Step(5, "hang_up", when="257 leaves")),
        {"257 from 256": Phone(None, refuses=486)},
        holds=1,
    ),
    handed(
        "attended_busy_by_keys",
        "276",
        asks("276", "277", Step(6, "hang_up", when="277 leaves")),
        asked("277", "276", Phone(None, refuses=486)),
    ),
)

BLONDE = (
    handed(
        "blonde_completed",
        "152",
        asks("152", "153", Step(2, "hang_up", when="153 rings")),
        asked("153", "152", Phone(answers=3, when="152 leaves", steps=ENDS)),
        sent("blonde", "153"),
    ),
    handed(
        "blonde_by_phone",
        "260",
        asks_by_phone("261", Step(2, "join", when="261 rings")),
        {"261 from 260": Phone(answers=3, when="260 leaves", steps=ENDS)},
        sent("blonde", "261"),
        holds=1,
    ),
    handed(
        "blonde_by_desk",
        "264",
        (*by_desk("265", "Atxfer"), Step(2, "hang_up", when="265 rings")),
        asked("265", "264", Phone(answers=3, when="264 leaves", steps=ENDS)),
        sent("blonde", "265"),
        begins=LATER,
    ),
    # No person answers. Without the keys' feature, the exchange calls no phone back: it rings on, and ends.
    handed(
        "blonde_by_phone_unanswered",
        "262",
        asks_by_phone("263", Step(2, "join", when="263 rings")),
        {"263 from 262": Phone()},
        sent("blonde", "263", False),
    ),
    # No person answers; the exchange calls the first phone back.
    handed(
        "blonde_returned",
        "154",
        asks("154", "155", Step(2, "hang_up", when="155 rings")),
        {},
        again=Phone(answers=2, steps=ENDS),
        other_transfers=1,
    ),
    handed(
        "blonde_returned_by_desk",
        "266",
        (*by_desk("267", "Atxfer"), Step(2, "hang_up", when="267 rings")),
        {},
        again=Phone(answers=2, steps=ENDS),
        other_transfers=1,
        begins=LATER,
    ),
)

REDIRECTED = (
    sent_on("redirect", "268", "269", by_desk("269", "Redirect"), kind="redirect"),
    handed(
        "redirect_both",
        "270",
        by_desk("271 272", "RedirectBoth"),
        {"271": TAKES, "272 from 270": TAKES},
        sent("redirect", "271"),
    ),
    handed(
        "redirect_to_queue",
        "275",
        by_desk("602", "Redirect"),
        {"278": TAKES},
        {"kind": "redirect", "answered": True},
    ),
    # The caller and the person continue to talk elsewhere: not a transfer to another person.
    handed(
        "redirect_both_to_conference",
        "273",
        (*by_desk("620 620", "RedirectBoth"), Step(8, "hang_up")),
        {},
        says=(Step(16, "hang_up"),),
    ),
)

CONSULTED = (*ATTENDED, *TAKEN_BACK, *BLONDE, *REDIRECTED)
