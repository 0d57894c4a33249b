"""Attestations: a person made a test call to a line and recorded the result. Pure.

The exchange cannot show that every menu and greeting offers a way to a person. Nor can it show that greetings are
in both languages (standards.md: `reach_a_person`). A person calls, listens and
attests.
"""

from calendar import monthrange
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
    """The last test before the day `after`, by line and subject; of two on one day, the later in `given`."""
    last: dict[tuple[str, Subject], Attestation] = {}
    for attestation in sorted((x for x in given if x.tested < after), key=lambda x: x.tested):
        last[attestation.line, attestation.subject] = attestation
    until = min(after, today)
    return tuple(
        AttestationStatus(line, subject, own, own is not None and until > a_quarter_after(own.tested))
        for line in lines
        for subject in SUBJECTS
        for own in [last.get((line, subject))]
    )


def a_quarter_after(day: date) -> date:
    """The same day three months later, or the last of that month."""
    year, month = day.year + (day.month > 9), (day.month + 2) % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
