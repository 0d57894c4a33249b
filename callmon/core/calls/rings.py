"""Ring cycles: from a time to the number of rings that a caller has heard. Pure.

A ring is one whole cycle of the line's cadence (6 s in Canada): ring n runs from 6·(n-1) s to 6·n s after the
first ringing. An answer at 17.999 s is in the third ring, one at 18.000 s in the fourth. A wait ended by a
time-out or by voicemail has a grace (a 24 s dial time-out fires at 24.02 s). A person's answer never has one. This
is a module of its own, since the tracker, the account, pages and metrics all count by it.
"""

from datetime import datetime, timedelta

CYCLE = timedelta(seconds=6)
GRACE = timedelta(seconds=0.5)
# A start of ringing that is known to this much is a moment: the exchange's own events are not nearer to the wire.
NEAR = timedelta(seconds=0.05)
# A phone that rang this soon after the arrival was the first: an answer and a hand-over take longer.
AT_ONCE = timedelta(seconds=1)


def begun(wait: timedelta, cycle: timedelta = CYCLE) -> int:
    """The ring that had begun `wait` after the first ringing (1 for 0 s, 4 for 18.000 s)."""
    return max(0, wait // cycle) + 1


def begun_by_timeout(wait: timedelta, cycle: timedelta = CYCLE) -> int:
    """The last ring begun before a time-out or voicemail ended the ringing: 24.02 s is ring 4, 24.51 s ring 5."""
    return max(1, -((GRACE - wait) // cycle))


def rings_between(shortest: timedelta, longest: timedelta, cycle: timedelta = CYCLE) -> int | None:
    """The ring of a person's answer, when the earliest and the latest it can have been agree; else None."""
    ring = begun(longest, cycle)
    return ring if begun(shortest, cycle) == ring else None


def soon(arrived: datetime | None, rang: datetime | None) -> bool:
    """Whether a phone that rang by then rang at once: then no phone rang before it."""
    return arrived is not None and rang is not None and rang - arrived <= AT_ONCE
