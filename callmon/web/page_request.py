"""One request to a page: its person, language and entry; and the answers that pages give."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from callmon.core.callbacks.commands import plain
from callmon.errors import Sentence
from callmon.text.labels import translate, unknown_name
from callmon.web.auth.identity import Person, Right
from callmon.web.auth.route import FRENCH, PageRoute
from callmon.web.auth.sign_in import SIGN_OUT
from callmon.web.context import PageContext
from callmon.web.formatter import OTHER, WebFormatter

KEPT_SHORT = {"Cache-Control": "no-store"}
# The page that stands for a form's answer in the other language.
TWIN = {
    "number": "callback",
    "record": "callback",
    "begin": "disruptions",
    "tell": "disruption",
    "make": "month",
    "file": "report",
    "prepare": "report",
    "sign": "revision",
    "signed file": "revision",
}

NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}\d{0,3}")


class NotFoundError(Exception):
    """An address names a thing that does not exist: the title and text of the page that says so."""

    def __init__(self, title: str, text: str) -> None:
        self.title, self.text = title, text


class PageRequest:
    """A request as a page's endpoint receives it."""

    def __init__(self, context: PageContext, entry: PageRoute, request: Request) -> None:
        self.context = context
        self.entry = entry
        self.request = request
        self.language: str = request.state.language
        self.person: Person = request.state.person
        self.formatter: WebFormatter = context.formatter(self.language)
        self.settings = self.formatter.settings
        self.say, self.ask = self.formatter.say, context.ask

    def may(self, right: Right) -> bool:
        """Whether the person has this right for all that the page shows."""
        theirs, shown = self.person.services(right), self.context.services
        return theirs is None or (shown is not None and bool(theirs) and {*shown} <= {*theirs})

    def parameter(self, name: str) -> str:
        """The query parameter with the English name `name`, at most 200 characters; "" when absent."""
        given = self.request.query_params.get(FRENCH[name] if self.language == "fr" else name, "")
        return plain(given).strip()[:200]

    def chosen(self, name: str, known: Iterable[str]) -> str:
        """The same where it is one of the known names. Raises NotFoundError for another: a list of all calls
        would be taken for that of the misspelt line.
        """
        given, names = self.parameter(name), list(known)
        if given and given not in names:
            shown = given if NAME.fullmatch(given) else "…"  # never a phone number that an address contains
            text = self.formatter.speech.typeset(unknown_name(name, shown, names, self.language))
            raise NotFoundError(self.say("Unknown address"), text)
        return given

    def path(
        self, name: str, language: str | None = None, /, query: Mapping[str, str] | None = None, **parts: str
    ) -> str:
        """The path of a page. `query`: by its English names."""
        return self.context.table[name].address(language or self.language, query or {}, **parts)

    def twin(self) -> str:
        """The same page in the other language."""
        known = FRENCH if self.request.query_params else ()  # most addresses have none
        query = {name: value for name in known if (value := self.parameter(name)) and name != "said"}
        return self.path(
            TWIN.get(self.entry.name, self.entry.name), OTHER[self.language], query, **self.request.path_params
        )

    async def page(
        self,
        template: str,
        title: str,
        *,
        status: int = 200,
        asked: Callable[[], Mapping[str, Any]] | None = None,
        **values: Any,
    ) -> Response:
        """The page of that template, within the shared frame. `asked`: a query of further values."""
        frame = self.context.common(self.formatter) | {
            "title": title,
            "page_request": self,
            "path": self.path,
            "csrf": self.request.state.csrf,
            "sign_out": SIGN_OUT[self.language],
            "menu": self.menu(),
            "twin": self.twin(),
            "view": "",
            "revision": self.context.seen().revision,
            "main_class": "",
            "notes": [x.translated(partial(translate, language=self.language)) for x in self._notes()],
        }
        html = await self.context.render(template, frame | values, asked)
        return HTMLResponse(html, status, KEPT_SHORT)

    def _notes(self) -> Sequence[Sentence]:
        """What the page says first; nothing to a reader of the guide who has no role."""
        return self.context.notes if self.person.all_roles else ()

    def menu(self) -> list[tuple[str, str, bool]]:
        """(title, path, whether it is the present one) of the pages that this person may see."""
        key = self.language, self.person.all_roles
        if key not in self.context.menus:
            titles = {
                "now": self.say("Now"),
                "callbacks": self.say("Callbacks"),
                "calls": self.say("Calls"),
                "months": self.say("Months"),
                "promises": self.say("Service standards"),
                "disruptions": self.say("Disruptions"),
                "accesses": self.say("Record of access"),
                "guide": self.say("Runbook"),
            }
            self.context.menus[key] = [
                (name, title, self.path(name))
                for name, title in titles.items()
                if name in self.context.table and self.person.may(self.context.table[name].right)
            ]
        here = self.entry.paths["en"].split("/")[2] or "now"
        return [(title, path, name == here) for name, title, path in self.context.menus[key]]

    def service_names(self) -> str:
        """The titles of the services whose data the page shows."""
        return ", ".join(self.formatter.service(name, self.language) for name in self.context.services or ())

    def go(self, name: str, query: Mapping[str, str] | None = None, /, **parts: str) -> Response:
        """The redirect after a command (303), so that a reload does not repeat it."""
        return RedirectResponse(self.path(name, None, query, **parts), 303, KEPT_SHORT)

    async def form(self) -> Mapping[str, str]:
        """The fields of a form. Files are refused: no form has one."""
        given = await self.request.form(max_files=0, max_fields=40)
        return {name: plain(value).strip() for name, value in given.items() if isinstance(value, str)}
