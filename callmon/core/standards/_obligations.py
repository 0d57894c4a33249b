"""Cases shared by the standards of obligations: callbacks and complaints. Pure.

Such a standard judges the current state of an obligation: *met* as soon as it is so, any other verdict only after
the due time. `SETTLED_BY` is empty: no fact of a call settles it.
"""

from datetime import datetime
from typing import NamedTuple

from callmon.config.staff import NOBODY, StaffLanguages
from callmon.core.callbacks.obligation import Obligation
from callmon.core.standards._common import UNHEARD, exempt, met
from callmon.core.verdicts import Judgement


class Seen(NamedTuple):
    """Input besides the obligation: whether a gap may hide a call, and the site's rules."""

    in_doubt: bool = False
    attempt_counts: bool = True
    staff: StaffLanguages = NOBODY


def not_met(reason: str) -> Judgement:
    """Every *not met* names a cause of the closed set. The exchange cannot show why no agent called: "other"."""
    return Judgement("not_met", reason, None, "other")


def by(obligation: Obligation, done: datetime | None, due: datetime, seen: Seen, reason: str) -> Judgement:
    """The verdict on one step of a complaint, by whether it was done by its due time."""
    if done is not None and done <= due:
        return met(reason)
    if obligation.reason == "no_request":
        return exempt("no_request")
    if obligation.hidden is not None and done is None:
        return exempt("not_returnable")
    return UNHEARD if seen.in_doubt and done is None else not_met("too_late")
