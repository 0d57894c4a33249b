"""All faults, in the order of `caught.md`."""

from __future__ import annotations

from dev.mutations import (
    of_callbacks,
    of_calls_and_pages,
    of_security,
    of_the_database,
    of_webhooks,
    of_what_is_told,
)

FAULTS = (
    *of_calls_and_pages.FAULTS,
    *of_callbacks.FAULTS,
    *of_the_database.FAULTS,
    *of_what_is_told.FAULTS,
    *of_webhooks.FAULTS,
    *of_security.FAULTS,
)
