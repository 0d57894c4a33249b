"""How many callers reached a person, not how many calls: calls of one number within 24 hours are one need. Pure.

Refuses: to take a number for a person, and to count withheld numbers as callers: they stand beside the counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice, takewhile
from statistics import median

import msgspec

SPAN, MINUTE = timedelta(hours=24), timedelta(minutes=1)


class CallerContact(msgspec.Struct, frozen=True, gc=False):
    """A call with a caller, theirs or ours (`outbound`). `token` stands for the number; None: withheld."""

    token: str | None
    at: datetime
    spoke: bool = False  # a person spoke with the caller
    gave_up: bool = False
    in_hours: bool = True
    outbound: bool = False


class Needs(msgspec.Struct, frozen=True):
    """Needs that began in a period. `tries`: the callers' calls in them. The rest is of calls that gave up."""

    needs: int
    met: int
    met_at_first: int
    tries: int
    unknown_number: int
    gave_up: int
    again: int
    answered_after: int
    median_minutes_to_next: float | None


class _Need(msgspec.Struct):
    began: datetime
    tries: int = 0
    met: bool = False


def count_needs(contacts: Iterable[CallerContact], begin: datetime, end: datetime) -> Needs:
    """Of needs that began in [begin, end). Contacts of a week before and a day after are read: none is cut."""
    by_token: dict[str, list[CallerContact]] = {}
    withheld = 0
    for contact in sorted(contacts, key=lambda one: (one.at, one.outbound)):
        if contact.token is not None:
            by_token.setdefault(contact.token, []).append(contact)
        elif begin <= contact.at < end and contact.in_hours and not contact.outbound:
            withheld += 1
    found = [need for some in by_token.values() for need in _needs(some) if begin <= need.began < end]
    waits: list[float] = []
    gave_up = answered = 0
    for some in by_token.values():
        for place, contact in enumerate(some):
            if contact.gave_up and begin <= contact.at < end:
                gave_up += 1
                later = _within_a_day(some, place)
                waits += [(one.at - contact.at) / MINUTE for one in later if not one.outbound][:1]
                answered += any(one.spoke for one in later)
    return Needs(
        needs=len(found),
        met=sum(need.met for need in found),
        met_at_first=sum(need.met and need.tries == 1 for need in found),
        tries=sum(need.tries for need in found),
        unknown_number=withheld,
        gave_up=gave_up,
        again=len(waits),
        answered_after=answered,
        median_minutes_to_next=median(waits) if waits else None,
    )


def _within_a_day(contacts: list[CallerContact], place: int) -> list[CallerContact]:
    last = contacts[place].at + SPAN
    return list(takewhile(lambda one: one.at < last, islice(contacts, place + 1, None)))


def _needs(contacts: Iterable[CallerContact]) -> list[_Need]:
    """The needs of one number, whose contacts are given by time."""
    found: list[_Need] = []
    current: _Need | None = None
    for contact in contacts:
        if current is not None and contact.at - current.began >= SPAN:
            current = None
        if current is None:
            if contact.outbound or not contact.in_hours:
                continue
            current = _Need(contact.at)
            found.append(current)
        current.tries += not contact.outbound
        if contact.spoke:
            current.met, current = True, None
    return found
