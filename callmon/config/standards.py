"""The names of the service standards, in display order. `core/standards/` has one module for each name.

A separate module, so that settings are validated against the names without importing the standards.
"""

CALL_STANDARDS = (
    "answer_by_third_ring",
    "voicemail_after_fourth_ring",
    "reach_a_person",
    "one_transfer_at_most",
    "bilingual_person",
    "feedback_offered",
)
# These standards judge obligations that calls opened, not calls (`core/standards/verdict_rules.py`).
OWED_STANDARDS = (
    "callback_within_24_hours",
    "callback_in_french",
    "complaint_within_2_business_days",
    "complaint_answered_within_15_business_days",
)
ALL_STANDARDS = (*CALL_STANDARDS, *OWED_STANDARDS)
