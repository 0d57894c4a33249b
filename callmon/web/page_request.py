"""One request to a page: its person, language and entry; and the answers that pages give."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from mimetypes import guess_type
from typing import Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from callmon.config.wording import plain
from callmon.errors import Sentence
from callmon.feature import MenuItem
from callmon.store.access import AuditRow
from callmon.text.labels import translate, unknown_name
from callmon.web.auth.client import by_address
from callmon.web.auth.identity import Person, Right
from callmon.web.auth.route import FRENCH, PageRoute
from callmon.web.auth.sign_in import SIGN_OUT
from callmon.web.context import PageContext
from callmon.web.formatter import OTHER, WebFormatter

KEPT_SHORT = {"Cache-Control": "no-store"}
FEW_ENTRIES = 5  # of a menu: it then has no *More*
MOST_NAME = 200  # characters of a file's name
NAME = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}\d{0,3}")


class MenuEntry(NamedTuple):
    """A page in the menu. `here`: whether it is the present one."""

    name: str
    title: str
    path: str
    here: bool


class NotFoundError(Exception):
    """An address names a thing that does not exist: the title and text of the page that says so."""

    status = 404

    def __init__(self, title: str, text: str) -> None:
        self.title, self.text = title, text


class NotReadError(NotFoundError):
    """An address holds a day or a time that cannot be read."""

    status = 400


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

    @property
    def person_key(self) -> str:
        """The person's name; the address of a browser without one."""
        return self.person.name or by_address(self.request.state.asking.address)

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
        name = self.entry.twin or self.entry.name
        return self.path(name, OTHER[self.language], query, **self.request.path_params)

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

    def menu(self) -> tuple[Sequence[MenuEntry], Sequence[MenuEntry]]:
        """Of the pages that this person may see, those of the menu and those below *More*."""
        here = self.entry.paths["en"].split("/")[2] or "now"
        items = [x for x in self._menu_items() if x[0].is_used(self.settings)]
        entries = [MenuEntry(item.page, title, path, item.page == here) for item, title, path in items]
        daily = sum(item.is_daily for item, _, _ in items)
        return (entries[:daily], entries[daily:]) if len(entries) > FEW_ENTRIES else (entries, ())

    def _menu_items(self) -> Sequence[tuple[MenuItem, str, str]]:
        """The items that the person's roles may see, with title and path."""
        key = self.language, self.person.all_roles
        if key not in self.context.menus:
            table = self.context.table
            self.context.menus[key] = [
                (item, self.say(item.title), self.path(item.page))
                for item in self.context.menu
                if self.person.may(table[item.page].right)
            ]
        return self.context.menus[key]

    def service_names(self) -> str:
        """The titles of the services whose data the page shows."""
        return ", ".join(self.formatter.service(name, self.language) for name in self.context.services or ())

    def go(self, name: str, query: Mapping[str, str] | None = None, /, **parts: str) -> Response:
        """The redirect after a command (303), so that a reload does not repeat it."""
        return RedirectResponse(self.path(name, None, query, **parts), 303, KEPT_SHORT)

    def audit_event(self, act: str = "", about: str = "") -> AuditRow:
        """What the person does now, for the record of access."""
        address = self.request.state.asking.address
        return AuditRow(at=self.formatter.now, who=self.person.name, act=act, about=about, address=address)

    async def form(self) -> Mapping[str, str]:
        """The fields of a form without a file: one is refused."""
        given = await self.request.form(max_files=0, max_fields=40)
        return {name: plain(value).strip() for name, value in given.items() if isinstance(value, str)}

    def download(self, name: str, data: bytes) -> Response:
        """A file to keep."""
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(data, media_type=guess_type(name)[0] or "application/octet-stream", headers=headers)

    async def file(self) -> tuple[str, bytes] | None:
        """The name and the bytes of the form's file; None where none was chosen."""
        given = (await self.request.form()).get("file")  # as read for its token, with its limits
        if not isinstance(given, UploadFile) or not given.filename:
            return None
        name = plain(given.filename).replace("\\", "/").rpartition("/")[2]
        return name[:MOST_NAME], await given.read()
