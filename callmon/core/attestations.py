"""Attestations: a person made a test call to a line and recorded the result. Pure.

The exchange cannot show that every menu and greeting offers a way to a person. Nor can it show that greetings are
in both languages (standards.md: `reach_a_person`, "not witnessed by a switch"). A person calls, listens and
attests.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, get_args

import msgspec

Subject = Literal["person", "greetings"]  # a way to a person everywhere; greetings in both languages
SUBJECTS: tuple[Subject, ...] = get_args(Subject)


class Attestation(msgspec.Struct, frozen=True, order=True):
    """The result of a test call to a line. `tested`: the local day of the call; `by`: the person who made it."""

    line: str
    subject: Subject
    tested: date
    by: str
    is_so: bool = True


class AttestationStatus(msgspec.Struct, frozen=True):
    """The last test of a line on a subject; None when the line was never tested. Stale after three months."""

    line: str
    subject: Subject
    last: Attestation | None
    is_stale: bool = False


def status_of(
    lines: Iterable[str], given: Iterable[Attestation], after: date, today: date
) -> tuple[AttestationStatus, ...]:
    """The last test before the day `after`, for each line and subject. Of two on one day, the later in `given`
    counts.
    """
    last: dict[tuple[str, Subject], Attestation] = {}
    for one in sorted((x for x in given if x.tested < after), key=lambda x: x.tested):
        last[one.line, one.subject] = one
    until = min(after, today)
    return tuple(
        _stands(line, subject, last.get((line, subject)), until) for line in lines for subject in SUBJECTS
    )


def _stands(line: str, subject: Subject, last: Attestation | None, until: date) -> AttestationStatus:
    return AttestationStatus(line, subject, last, last is not None and until > a_quarter_after(last.tested))


def a_quarter_after(day: date) -> date:
    """The same day three months later, or the last of that month."""
    month = day.month + 3
    year, month = day.year + (month > 12), (month - 1) % 12 + 1
    for number in range(day.day, 27, -1):
        try:
            return date(year, month, number)
        except ValueError:
            continue
    return date(year, month, day.day)
