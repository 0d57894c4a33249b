"""Transfers of a call that came by a queue, a Local channel or a menu; and transfers to an unexpected target."""

from __future__ import annotations

from tests.lab.handing import asks, asks_by_phone, by_desk, by_keys, by_phone, handed, sent, sent_on, stays
from tests.lab.model import Phone, Step
from tests.lab.truths import TAKES

AFTER_A_QUEUE = (
    sent_on("queue_then_transfer", "337", "338", by_phone("338"), route="lab-queue-then", heard_ringing=False),
    sent_on(
        "queue_then_transfer_by_keys",
        "339",
        "340",
        by_keys("339", "340"),
        route="lab-queue-then-keys",
        heard_ringing=False,
    ),
)

THROUGH_LOCAL = (
    sent_on("local_then_transfer", "341", "342", by_phone("342"), route="lab-through-local,341,1"),
    sent_on("local_then_transfer_by_desk", "343", "344", by_desk("344"), route="lab-through-local,343,1"),
    handed(
        "local_then_attended",
        "345",
        asks_by_phone("346", Step(2, "join", when="346 answers")),
        {"346 from 345": Phone(answers=2, steps=stays("345"))},
        sent("attended", "346"),
        route="lab-through-local,345,1",
    ),
    handed(
        "optimised_then_transfer",
        "347",
        (Step(0, "speak", "3"), Step(4, "refer", "348")),
        {"348": TAKES},
        sent("blind", "348"),
        route="lab-through-optimised,347,1",
        says=(Step(0, "speak", "30"), Step(22, "hang_up")),
    ),
)

ASKED_FOR_NO_LANGUAGE = (
    sent_on(
        "french_greeting_then_transfer",
        "352",
        "353",
        by_keys("352", "353"),
        route="lab-french-greeting,352,1",
        language=None,
    ),
)

ELSEWHERE = (
    handed(
        "attended_outside_by_keys",
        "334",
        asks("334", "96475550188", Step(3, "hang_up", when="6475550188 answers")),
        {"6475550188 from anybody": Phone(answers=2, steps=stays("334"))},
        sent("attended", "outside"),
    ),
    handed(
        "transfer_to_forwarding_phone",
        "335",
        by_phone("336"),
        {"336": Phone(forwards_to="349", refuses_at=1), "349": TAKES},
        sent("blind", "336"),
        forwards=1,
    ),
    handed(
        "transfer_to_forwarding_phone_by_desk",
        "350",
        by_desk("351"),
        {"351": Phone(forwards_to="630", refuses_at=1), "309": TAKES},
        sent("blind", "351"),
        forwards=1,
    ),
)

MIXED = (*AFTER_A_QUEUE, *THROUGH_LOCAL, *ASKED_FOR_NO_LANGUAGE, *ELSEWHERE)
