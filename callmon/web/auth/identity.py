"""The identity behind a request: by a trusted proxy's header, by a session, or by a browser on this machine.

a sign-in is configured?  no ─▶ a browser on this machine is a viewer; any other one has no identity
                         yes ─▶ the proxy's header, from its address alone ─▶ else the session cookie ─▶ else none
"""

import logging
from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection

from callmon.config.web import AccessSettings
from callmon.web.auth.client import ClientInfo
from callmon.web.auth.roles import NOBODY, Person, Role

log = logging.getLogger(__name__)

SOMEBODY_HERE = Person("", frozenset({Role.VIEWER}))
LONGEST_NAME = 200
MOST_LOGGED = 100  # addresses whose untrusted header is logged
Source = Literal["", "proxy", "account", "oidc"]


class NotOneError(Exception):
    """The proxy's header has several values, or one that is no name: too long, or not printable."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, the source of the identity, and the value of the session cookie ("" without one)."""

    person: Person
    source: Source = ""
    cookie: str = ""


UNKNOWN = Identity(NOBODY)


class ProxyIdentity:
    """Identities from trusted proxies. Remembers the addresses that were logged already."""

    def __init__(self, settings: AccessSettings) -> None:
        self._settings = settings
        self._logged: set[str] = set()

    def known(self, request: HTTPConnection, asking: ClientInfo) -> Identity | None:
        """The person that a trusted proxy names; None when there is none. Raises NotOneError."""
        proxy = self._settings.proxy
        said = request.headers.getlist(proxy.header) if proxy.header else []
        if not said:
            return None
        if not asking.is_by_proxy:
            self._not_believed(asking.address)
            return None
        name, groups = _single(said), request.headers.getlist(proxy.groups_header) if proxy.groups_header else []
        if not name:
            return None
        theirs = {group.strip() for group in (_single(groups) if groups else "").split(proxy.groups_separator)}
        return Identity(Person(name, roles(self._settings.roles.roles_of(theirs - {""}))), "proxy")

    def _not_believed(self, address: str) -> None:
        if address not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(address)
            log.warning(
                "sign-in: identity header refused from an address outside web.access.proxy.addresses",
                extra={"address": address, "header": self._settings.proxy.header},
            )


def roles(names: frozenset[str]) -> frozenset[Role]:
    """The roles of these names. A name that only an older or newer callmon knows is ignored."""
    return frozenset(role for role in Role if role.value in names)


def _single(values: list[str]) -> str:
    """The only value, decoded as UTF-8 where its bytes are valid UTF-8. Raises NotOneError."""
    if len(values) != 1:
        raise NotOneError
    try:
        text = values[0].encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        text = values[0].strip()
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise NotOneError
    return text
