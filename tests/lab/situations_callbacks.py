"""What each call of `situations_callbacks.toml` is for who waits for a callback: the reason of the verdict.

Played separately (`python -m tests.lab play --only callbacks`): the other situations use the same phones.
"""

from __future__ import annotations

from tests.lab.situation_files import situations

CALLED_BACK, TOO_SHORT, WHOSE = "called_back", "answered_too_short", "not_attributed"
CALLBACKS = situations("callbacks")
MADE = dict.fromkeys((situation.name for situation in CALLBACKS), CALLED_BACK) | {
    "callback_too_short": TOO_SHORT,
    "callback_handed_on_in_vain": TOO_SHORT,
    "callback_by_trunk_too_short": TOO_SHORT,
    "reminder": WHOSE,
    "callback_from_a_mobile": WHOSE,
}
