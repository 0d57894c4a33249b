"""How long the exchanges were unheard in a period. Pure.

Before the first sign of life of an exchange, and after the last, nobody listened: that is unheard time as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

Span = tuple[datetime, datetime]
NONE = timedelta(0)


class Listening(msgspec.Struct, frozen=True):
    """When one exchange was listened to: from, until (None: never), and the gaps between. `told`: the days of
    which its own log has no other calls than callmon.
    """

    since: datetime | None
    until: datetime | None
    gaps: tuple[Span, ...] = ()
    told: tuple[Span, ...] = ()

    def unheard(self, begin: datetime, end: datetime) -> list[Span]:
        """The times from `begin` to `end` in which it was not, in order, none twice."""
        if self.since is None or self.until is None:
            return [(begin, end)] if begin < end else []
        return _merged([(begin, self.since), *self.gaps, (self.until, end)], begin, end)

    def known(self, begin: datetime, end: datetime) -> list[Span]:
        """What of the unheard time is known all the same: its log was read, and told of every call, or of none.
        Nobody compares what was before the first sign of life.
        """
        since = self.since
        if since is None:
            return []
        times = ((max(start, since), stop) for start, stop in self.told)
        unheard = self.unheard(begin, end)
        return merged((max(a, c), min(b, d)) for a, b in times for c, d in unheard)


def _merged(spans: Iterable[Span], begin: datetime, end: datetime) -> list[Span]:
    return merged((max(start, begin), min(stop, end)) for start, stop in spans)


def merged(spans: Iterable[Span]) -> list[Span]:
    """In order, none twice, without those that are empty."""
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
    """How much of it lay in opening hours."""
    return sum((between(start, stop) for start, stop in spans), NONE)


def nothing_was_heard(listening: Mapping[str, Listening], begin: datetime, end: datetime) -> bool:
    """No exchange was listened to at any time of the period."""
    return all(total(one.unheard(begin, end)) >= end - begin for one in listening.values())
