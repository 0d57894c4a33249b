"""Rights and roles of the pages: one literal table, the matrix of docs/en/reference/pages-and-roles.md.

A person may have several roles. Each role has only the rights that its work needs (FIPPA: need to know). The role
administrator gives access to no number and no report. A person's change of their own roles is recorded (`audit`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class Right(Enum):
    """The least right that a page requires."""

    OPEN = "open"  # no sign-in: status, style sheet, the sign-in page
    VIEW = "view"  # lines, calls, service standards: no caller's number
    CALL_BACK = "call_back"  # callers' numbers, and commands on callbacks
    REPORT = "report"  # monthly reports; the public notices of disruptions
    ADMINISTER = "administer"  # the audit record of accesses and changes


class Role(StrEnum):
    """The roles. Their displayed names are in `labels.KINDS["role"]`."""

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
    """The person behind a request: a name for the audit record ("" when unknown), and roles."""

    name: str
    roles: frozenset[Role] = frozenset()

    def may(self, right: Right) -> bool:
        return right is Right.OPEN or any(right in RIGHTS[role] for role in self.roles)


NOBODY = Person("")
