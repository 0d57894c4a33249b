"""Who somebody is: by the header of a proxy that is believed, by a session, or by sitting at this machine.

a way is configured?  no ─▶ whoever is at this machine views; nobody else is anybody
                     yes ─▶ the proxy's header, from its address alone ─▶ else a session's cookie ─▶ else nobody
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection

from callmon.config.web import AccessSettings
from callmon.web.auth.client import Asking
from callmon.web.auth.roles import NOBODY, Person, Role

log = logging.getLogger(__name__)

SOMEBODY_HERE = Person("", frozenset({Role.VIEWER}))
LONGEST_NAME = 200
MOST_TOLD = 100  # addresses of which the log says that their header was not believed
Source = Literal["", "proxy", "account", "oidc"]


class NotOneError(Exception):
    """The proxy's header says no name, or several."""


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody, how we know, and the value of the session's cookie ("" without one)."""

    person: Person
    source: Source = ""
    cookie: str = ""


UNKNOWN = Known(NOBODY)


class Believed:
    """What proxies say. Remembers whom the log has told about."""

    def __init__(self, settings: AccessSettings) -> None:
        self._settings = settings
        self._told: set[str] = set()

    def known(self, request: HTTPConnection, asking: Asking) -> Known | None:
        """None when no proxy that is believed says anything. Raises NotOneError."""
        proxy = self._settings.proxy
        said = request.headers.getlist(proxy.header) if proxy.header else []
        if not said:
            return None
        if not asking.is_by_proxy:
            self._not_believed(asking.address)
            return None
        name, groups = _one(said), request.headers.getlist(proxy.groups_header) if proxy.groups_header else []
        if not name:
            return None
        theirs = {group.strip() for group in (_one(groups) if groups else "").split(proxy.groups_separator)}
        return Known(Person(name, roles(self._settings.roles.of(theirs - {""}))), "proxy")

    def _not_believed(self, address: str) -> None:
        if address not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(address)
            log.warning(
                "somebody says who they are who is no proxy of [web.access.proxy]: not believed",
                extra={"address": address, "header": self._settings.proxy.header},
            )


def roles(names: frozenset[str]) -> frozenset[Role]:
    """Of these names; one that an older or newer callmon knows is none."""
    return frozenset(role for role in Role if role.value in names)


def _one(values: list[str]) -> str:
    """The only value, in the letters that its bytes mean. Raises NotOneError."""
    if len(values) != 1:
        raise NotOneError
    try:
        text = values[0].encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        text = values[0].strip()
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise NotOneError
    return text
