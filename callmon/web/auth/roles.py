"""What people may do on the pages, and which role may do what: one literal table, the README's matrix.

A person may have several roles. Each role may only what its work needs (FIPPA: need to know): whoever administers
sees no number and no report for that. Whoever gives themselves another role is on record (`audit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class Right(Enum):
    """The least that somebody needs for a page."""

    OPEN = "open"  # anybody: status, style sheet, the sign-in page
    VIEW = "view"  # lines, calls, promises: no caller's number
    CALL_BACK = "call_back"  # callers' numbers, and what is done about callbacks
    REPORT = "report"  # monthly reports; what the public is told of disruptions
    ADMINISTER = "administer"  # who saw and changed what


class Role(StrEnum):
    """What somebody is to callmon. The words that people see are in `words.ROLES`."""

    VIEWER = "viewer"
    AGENT = "agent"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.VIEW}),
    Role.AGENT: frozenset({Right.VIEW, Right.CALL_BACK}),
    Role.MANAGER: frozenset({Right.VIEW, Right.REPORT}),
    Role.ADMINISTRATOR: frozenset({Right.VIEW, Right.ADMINISTER}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever asks for a page: a name for the record (of nobody known: ""), and roles."""

    name: str
    roles: frozenset[Role] = frozenset()

    def may(self, right: Right) -> bool:
        return right is Right.OPEN or any(right in RIGHTS[role] for role in self.roles)


NOBODY = Person("")
