"""Attestations: somebody tried a line, and says what they found. Pure.

No switch can witness that every menu and greeting offers a way to a person, nor that greetings are in both
languages (standards.md: `reach_a_person`, "not witnessed by a switch"): a person calls, listens and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, get_args

import msgspec

Subject = Literal["person", "greetings"]  # a way to a person everywhere; greetings in both languages
SUBJECTS: tuple[Subject, ...] = get_args(Subject)


class Attestation(msgspec.Struct, frozen=True, order=True):
    """What was found on a line. `tested`: the local day of the test call; `by`: who made it."""

    line: str
    subject: Subject
    tested: date
    by: str
    is_so: bool = True


class Attested(msgspec.Struct, frozen=True):
    """How a line stands on a subject: its last test, None when there was none; stale after a quarter."""

    line: str
    subject: Subject
    last: Attestation | None
    is_stale: bool = False


def standing(lines: Iterable[str], given: Iterable[Attestation], after: date, today: date) -> tuple[Attested, ...]:
    """Of each line and subject what was last found before `after`. Of one day's two the one given later counts."""
    last: dict[tuple[str, Subject], Attestation] = {}
    for one in sorted((x for x in given if x.tested < after), key=lambda x: x.tested):
        last[one.line, one.subject] = one
    until = min(after, today)
    return tuple(
        _stands(line, subject, last.get((line, subject)), until) for line in lines for subject in SUBJECTS
    )


def _stands(line: str, subject: Subject, last: Attestation | None, until: date) -> Attested:
    return Attested(line, subject, last, last is not None and until > a_quarter_after(last.tested))


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
