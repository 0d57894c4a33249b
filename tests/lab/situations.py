"""The situations of a call, each with its required result.

``expect`` never depends on the exchange's own events. A ring is 6 s. Voicemail's greeting and beep take 11.9 s,
and a message must last 3 s to count.
"""

from __future__ import annotations

from tests.lab.model import LabCaller, Phone, Situation
from tests.lab.situation_files import situations
from tests.lab.situations_callbacks import CALLBACKS
from tests.lab.situations_clicked import CLICKS, NEAR_MISSES, OLD_CLICKS
from tests.lab.situations_ringing import RINGING
from tests.lab.truths import GENERAL, TALKS, answered

MAILBOXES = situations("boxes")
# A box had the caller, and no event tells it: callmon reports these as partly heard, however well it listens.
LEFT_UNTOLD = ("waiting_caller_sent_to_a_box_leaves", "box_within_execif_left")
# A name in bytes that are no text.
ODD_NAME = Situation(
    "name_with_odd_bytes",
    LabCaller(GENERAL, name=b"Ren\xe9 \x80\xff\xc3", steps=TALKS),
    {"101": Phone(answers=3)},
    answered("101", 1),
)

PLAIN = (*situations("plain"), ODD_NAME, *situations("beyond"), *MAILBOXES)
TRAVELLING = ("ways", "transfers", "consulted", "mixed", "apart")
# The longest begin first.
SITUATIONS = (*(situation for name in TRAVELLING for situation in situations(name)), *PLAIN)


# Each is played as a whole, separately from those.
APART_FROM_ALL = {
    "clicks": (*NEAR_MISSES, *CLICKS),
    "old_clicks": (*NEAR_MISSES, *OLD_CLICKS),
    "callbacks": CALLBACKS,
    "gaps": situations("gaps"),
    "boxes": MAILBOXES,
    "waits": situations("waits"),
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
