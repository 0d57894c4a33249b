"""Coverage: how long the exchanges were unheard in a period. Pure.

The time before the first received event of an exchange and after the last one is also unheard.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Self

import msgspec

from callmon.config.business_calendar import Span

NONE = timedelta(0)


class Coverage(msgspec.Struct, frozen=True):
    """The monitored time of one exchange: from `since` to `until` (None: never), less the gaps.

    `compared`: the days for which the exchange's own log has no other calls than callmon.
    """

    since: datetime | None
    until: datetime | None
    gaps: tuple[Span, ...] = ()
    compared: tuple[Span, ...] = ()

    def unheard_spans(self, begin: datetime, end: datetime) -> list[Span]:
        """The unheard spans from `begin` to `end`, in order, without overlap."""
        if self.since is None or self.until is None:
            return [(begin, end)] if begin < end else []
        spans = [(begin, self.since), *self.gaps, (self.until, end)]
        return merge_spans((max(start, begin), min(stop, end)) for start, stop in spans)

    def covered_by_log(self, begin: datetime, end: datetime) -> list[Span]:
        """The unheard spans whose calls in the exchange's own log agree; none before the first received event."""
        since = self.since
        if since is None:
            return []
        times = ((max(start, since), stop) for start, stop in self.compared)
        unheard = self.unheard_spans(begin, end)
        return merge_spans((max(a, c), min(b, d)) for a, b in times for c, d in unheard)

    def extended(self, now: datetime, end: datetime) -> Self:
        """Reception to the `end` of a period that is not over.

        Received until less than a minute before `now` counts as received until `now`; else the rest is a gap.
        """
        if self.until is None:
            return self
        is_recent = now - self.until < timedelta(minutes=1)
        gaps = self.gaps if is_recent else (*self.gaps, (self.until, now))
        return msgspec.structs.replace(self, until=end, gaps=gaps)


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """The union of the spans, in order, without empty ones."""
    found: list[Span] = []
    for start, stop in sorted(spans):
        if start >= stop:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def total(spans: Iterable[Span]) -> timedelta:
    return sum((stop - start for start, stop in spans), NONE)


def open_time(spans: Iterable[Span], between: Callable[[datetime, datetime], timedelta]) -> timedelta:
    """How much of the spans lies in opening hours. `between`: the opening time between two moments."""
    return sum((between(start, stop) for start, stop in spans), NONE)


def nothing_was_heard(listening: Mapping[str, Coverage], begin: datetime, end: datetime) -> bool:
    """Whether every exchange was unheard for the whole period."""
    return all(total(coverage.unheard_spans(begin, end)) >= end - begin for coverage in listening.values())
