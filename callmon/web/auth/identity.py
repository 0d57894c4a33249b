"""The identity behind a request: by a token, a trusted proxy's header, a session, or a browser on this machine.

a sign-in is configured?  no ─▶ a browser on this machine is a viewer; any other one has no identity
                         yes ─▶ the proxy's header, from its address alone ─▶ else the session cookie ─▶ else none
a request to the API with a token ─▶ the proxy's header ─▶ else the roles of the token ─▶ else none

`RIGHTS` is the matrix of docs/en/reference/pages-and-roles.md. A person may have several roles. Each role has only
the rights that its work needs (FIPPA: need to know). The role administrator gives access to no number and no
report. A person's change of their own roles is recorded (`audit`).
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Literal

from starlette.requests import HTTPConnection

from callmon.config.web import AccessSettings

LONGEST_NAME = 200
Services = tuple[str, ...] | None  # whose data a person may see; None: of all
Source = Literal["", "proxy", "account", "oidc", "token"]


class Right(Enum):
    """The least right that a page requires."""

    OPEN = "open"  # no sign-in: status, style sheet, the sign-in page
    VIEW = "view"  # lines, calls, service standards: no caller's number
    CALL_BACK = "call_back"  # callers' numbers, and commands on callbacks
    REPORT = "report"  # monthly reports; the public notices of disruptions
    ADMINISTER = "administer"  # the audit record of accesses and changes; tokens of the API


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
    """The person behind a request: a name for the audit record ("" when unknown), and roles.

    `in_services`: roles for the data of one service alone.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    in_services: frozenset[tuple[Role, str]] = frozenset()

    @property
    def all_roles(self) -> frozenset[Role]:
        return self.roles | {role for role, _ in self.in_services}

    @property
    def role_names(self) -> frozenset[str]:
        """As accounts and sessions have them: "manager", or "manager:poci" for one service."""
        return frozenset({*self.roles, *(f"{role}:{service}" for role, service in self.in_services)})

    def may(self, right: Right) -> bool:
        return right is Right.OPEN or any(right in RIGHTS[role] for role in self.all_roles)

    def services(self, right: Right) -> Services:
        """The services that this right is for. Nobody without the right: an open page has no service's data."""
        theirs = {service for role, service in self.in_services if right is Right.OPEN or right in RIGHTS[role]}
        is_for_all = any(right is Right.OPEN or right in RIGHTS[role] for role in self.roles)
        return None if is_for_all or (right is Right.OPEN and not theirs) else tuple(sorted(theirs))


NOBODY = Person("")
LOCAL_VIEWER = Person("", frozenset({Role.VIEWER}))


class NotOneError(Exception):
    """The proxy's header has several values, or one that is no name: too long, or not printable."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, the source of the identity, and the value of the session cookie ("" without one)."""

    person: Person
    source: Source = ""
    cookie: str = ""


UNKNOWN = Identity(NOBODY)


def proxy_identity(request: HTTPConnection, settings: AccessSettings) -> Identity | None:
    """The person that a trusted proxy's headers name; None for an empty name. Raises NotOneError."""
    proxy = settings.proxy
    name = _single(request, proxy.header)
    if not name:
        return None
    theirs = {group.strip() for group in _single(request, proxy.groups_header).split(proxy.groups_separator)}
    return Identity(person_with(name, settings.roles_of(theirs - {""})), "proxy")


def person_with(name: str, roles: Iterable[str]) -> Person:
    """The person with the roles of these names. One that only an older or newer callmon knows is ignored."""
    parts = [text.partition(":") for text in roles]
    known = [(Role(role), service if sign else None) for role, sign, service in parts if role in {*Role}]
    bound = {(role, service) for role, service in known if service and role is not Role.ADMINISTRATOR}
    return Person(name, frozenset(role for role, service in known if service is None), frozenset(bound))


def _single(request: HTTPConnection, header: str | None) -> str:
    """The only value ("" without one), decoded as UTF-8 where its bytes are valid UTF-8. Raises NotOneError."""
    values = request.headers.getlist(header) if header else []
    if len(values) > 1:
        raise NotOneError
    text = values[0].strip() if values else ""
    with suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8").strip()
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise NotOneError
    return text
