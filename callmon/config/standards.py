"""The names of the service standards, in the order in which they are shown. `core/standards/` has a module a name.

A module of its own: settings are checked against the names, without loading the standards that judge by them.
"""

from __future__ import annotations

CALL_STANDARDS = (
    "answer_by_third_ring",
    "voicemail_after_fourth_ring",
    "reach_a_person",
    "one_transfer_at_most",
    "bilingual_person",
    "feedback_offered",
)
# These judge no call, but an obligation that calls opened (`core/standards/_obligations.py`).
OWED_STANDARDS = (
    "callback_within_24_hours",
    "callback_in_french",
    "complaint_within_2_business_days",
    "complaint_answered_within_15_business_days",
)
ALL_STANDARDS = (*CALL_STANDARDS, *OWED_STANDARDS)
