"""Situations of which a gap hides more than of others: phones that begin to ring late, agents who join from calls
of their own, queues that are left or never entered.
"""

from __future__ import annotations

from tests.lab.handing import asks, asks_by_phone, handed, sent, stays
from tests.lab.model import LabCaller, Phone, Situation, Step
from tests.lab.truths import (
    BOX_MISTIMED,
    EARLY_LEAVER,
    ENDS,
    GENERAL,
    IN_TIME,
    LEAVES_IN_GREETING,
    TALKS,
    answered,
    box,
    inbound,
    only,
    routed,
)

# One pickup at a time, when most calls have ended (`situations_ways.py`).
BY_GROUP_OF_A_QUEUE = 94  # seconds

WOKEN = (
    # A phone that a push message wakes rings seconds after its channel's start.
    only("woken_phone", "161", {"161": Phone(rings=5, answers=19.5)}, answered("161", 3), steps=TALKS),
    only(
        "woken_phone_to_voicemail",
        "162",
        {"162": Phone(rings=7)},
        box(3, False, BOX_MISTIMED),
        steps=LEAVES_IN_GREETING,
    ),
    Situation(
        "woken_phone_left",
        LabCaller(GENERAL, route="lab-only,166,1", gives_up=20),
        {"166": Phone(rings=5)},
        inbound("general", "abandoned", EARLY_LEAVER, abandoned_in="ringing", rings=3),
    ),
)

FROM_CALLS_OF_THEIR_OWN = (
    Situation(
        "agent_of_a_pool",
        LabCaller(GENERAL, route="lab-pool", steps=(Step(14, "hang_up"),)),
        {},
        inbound("general", "answered", IN_TIME, heard_ringing=False),
        others=((0.0, LabCaller("64163", phone="163", steps=(Step(34, "hang_up"),))),),
    ),
    # The same agent's channel has the Linkedid of the caller before.
    Situation(
        "agent_of_a_pool_again",
        LabCaller(GENERAL, route="lab-pool", steps=(Step(24, "hang_up"),)),
        {},
        inbound("general", "answered", IN_TIME, heard_ringing=False),
        begins=1,
    ),
    Situation(
        "pickup_of_a_queue",
        LabCaller(GENERAL, route="lab-queue-grouped"),
        {},
        inbound("general", "answered", IN_TIME, answered_by="165", heard_ringing=False),
        others=((3.0, LabCaller("*8", phone="165", when="164 rings", steps=ENDS)),),
        begins=BY_GROUP_OF_A_QUEUE,
    ),
    Situation(
        "lounge",
        LabCaller(GENERAL, route="lab-lounge", steps=(Step(14, "hang_up"),)),
        {},
        inbound("general", "answered", None, answered_by="167", rings=None, heard_ringing=False),
        others=((6.0, LabCaller("650", phone="167", steps=(Step(5, "hang_up"),))),),
    ),
)

QUEUES = (
    routed("queue_of_nobody", "lab-queue-of-nobody", LEAVES_IN_GREETING, box(None, False, BOX_MISTIMED)),
    Situation(
        "queue_left_by_key",
        LabCaller(GENERAL, route="lab-queue-keys", steps=(Step(5, "press", "1"), Step(12, "hang_up"))),
        {},
        inbound("general", "voicemail_no_message", None, answered_by=None, heard_ringing=False),
    ),
    Situation(
        "queue_left_by_key_to_the_end",
        LabCaller(GENERAL, route="lab-queue-keys", steps=(Step(5, "press", "2"),)),
        {},
        inbound("general", "no_answer", None, answered_by=None, heard_ringing=False),
        begins=14,  # the same phone
    ),
    handed(
        "attended_to_queue_by_keys",
        "129",
        asks("129", "605", Step(3, "hang_up", when="139 answers")),
        {"139": Phone(answers=3, steps=stays("129")), "139 from 129": Phone(answers=3, steps=stays("129"))},
        sent("attended", "139"),
    ),
    handed(
        "attended_to_queue",
        "168",
        asks_by_phone("604", Step(2, "join", when="279 answers")),
        {"279 from 168": Phone(answers=3, steps=stays("168"))},
        sent("attended", "279"),
    ),
)

# `hangs_up_as_it_is_answered` is a recording alone. Its caller's CANCEL crosses the phone's 200 by chance: of 80
# callers who give up after 8 s, at a phone that answers after 7.998 s, a dozen.
GAPS = (*WOKEN, *FROM_CALLS_OF_THEIR_OWN, *QUEUES)
