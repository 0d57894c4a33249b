"""One request to a page: who asks, in which language, for which page; and the answers that pages give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from callmon.core.callbacks.commands import plain
from callmon.text.labels import unknown_name
from callmon.web.auth.roles import Person, Right
from callmon.web.auth.route import Entry, Table
from callmon.web.auth.sign_in import SIGN_OUT
from callmon.web.context import Site
from callmon.web.formatter import OTHER, Tongue

KEPT_SHORT = {"Cache-Control": "no-store"}
# What a query is called in French and in English: boards link with these names.
QUERY = {
    "jour": "day",
    "ligne": "line",
    "issue": "outcome",
    "norme": "standard",
    "verdict": "verdict",
    "page": "page",
    "service": "service",
    "langue": "language",
    "etat": "state",
    "autocommutateur": "exchange",
    "dit": "said",
}
# What belongs to which entry of the menu; and where the other language of an answer to a form is.
SECTION = {
    "callback": "callbacks",
    "number": "callbacks",
    "record": "callbacks",
    "call": "calls",
    "begin": "disruptions",
    "tell": "disruptions",
    "make": "months",
    "report": "months",
    "file": "months",
    "month": "months",
    "disruption": "disruptions",
}
TWIN = {
    "number": "callback",
    "record": "callback",
    "begin": "disruptions",
    "tell": "disruption",
    "make": "month",
    "file": "report",
}
FRENCH = {english: french for french, english in QUERY.items()}

NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}\d{0,3}")


class UnknownNameError(Exception):
    """An address names a line, an outcome … that there is not; the sentence says which there are."""


class Visit:
    """A request as a page's endpoint gets it."""

    def __init__(self, site: Site, table: Table, entry: Entry, language: str, request: Request) -> None:
        self.site, self.table, self.entry, self.language, self.request = site, table, entry, language, request
        self.tongue: Tongue = site.tongue(language)
        self.say = self.tongue.say

    @property
    def person(self) -> Person:
        person: Person = self.request.state.person
        return person

    def may(self, right: Right) -> bool:
        return self.person.may(right)

    def asked(self, name: str) -> str:
        """What the query says of `name` (its English name), "" when nothing."""
        given = self.request.query_params.get(FRENCH[name] if self.language == "fr" else name, "")
        return plain(given).strip()[:200]

    def chosen(self, name: str, known: Iterable[str]) -> str:
        """The same where it is one of the known names. Raises UnknownNameError: a list of all calls instead of
        those of a line that is written wrongly would be taken for that line's.
        """
        given, names = self.asked(name), list(known)
        if given and given not in names:
            shown = given if NAME.fullmatch(given) else "…"  # never a number that somebody put into an address
            raise UnknownNameError(unknown_name(name, shown, names, self.language))
        return given

    def path(
        self, name: str, language: str | None = None, /, query: Mapping[str, str] | None = None, **parts: str
    ) -> str:
        """Where a page is. `query` by its English names."""
        spoken = language or self.language
        path = self.table.path(name, spoken, **parts)
        named = {(FRENCH[key] if spoken == "fr" else key): value for key, value in (query or {}).items() if value}
        return f"{path}?{urlencode(named)}" if named else path

    def twin(self) -> str:
        """The same page in the other language."""
        query = {name: value for name in FRENCH if (value := self.asked(name)) and name != "said"}
        return self.path(
            TWIN.get(self.entry.name, self.entry.name), OTHER[self.language], query, **self.request.path_params
        )

    async def page(self, template: str, title: str, *, status: int = 200, **values: Any) -> Response:
        """The page of that template, within the frame that all share."""
        frame = self.site.common(self.tongue) | {
            "title": title,
            "visit": self,
            "path": self.path,
            "csrf": self.request.state.csrf,
            "sign_out": SIGN_OUT[self.language],
            "menu": self.menu(),
            "view": "",
            "revision": self.site.seen().revision,
            "main_class": "",
        }
        html = await self.site.render(template, frame | values)
        return HTMLResponse(html, status, KEPT_SHORT)

    def menu(self) -> list[tuple[str, str, bool]]:
        """(title, path, whether it is this one) of the pages that this person may see."""
        titles = {
            "now": self.say("Maintenant"),
            "callbacks": self.say("Rappels"),
            "calls": self.say("Appels"),
            "months": self.say("Mois"),
            "promises": self.say("Normes"),
            "disruptions": self.say("Perturbations"),
            "accesses": self.say("Consultations"),
        }
        here = SECTION.get(self.entry.name, self.entry.name)
        return [
            (title, self.path(name), name == here)
            for name, title in titles.items()
            if name in self.table and self.may(self.table[name].right)
        ]

    def go(self, name: str, query: Mapping[str, str] | None = None, /, **parts: str) -> Response:
        """After something was done: a reload must not do it again."""
        return RedirectResponse(self.path(name, None, query, **parts), 303, KEPT_SHORT)

    async def form(self) -> Mapping[str, str]:
        """The fields of a form; a file is not asked for anywhere."""
        given = await self.request.form(max_files=0, max_fields=40)
        return {name: plain(value).strip() for name, value in given.items() if isinstance(value, str)}
