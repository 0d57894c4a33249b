"""Who one is in the demonstration: a person of each role, chosen on a banner, without a password.

    a browser on this machine ─▶ the person of its cookie, else the viewer
    any other, or a proxy's   ─▶ nobody: the page that says so

Nothing here is secret, and the demonstration listens on loopback alone (`demo_settings`). The daemon of a site has
`AccessService`, which knows no such cookie.
"""

from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Template
from markupsafe import Markup
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response

from callmon.config.phone_numbers import NO_BREAK
from callmon.site import FEATURES
from callmon.text.labels import label, translate
from callmon.web.auth.client import ClientInfo
from callmon.web.auth.identity import LOCAL_VIEWER, UNKNOWN, Identity, Person, Right, Role
from callmon.web.auth.route import PageRoute
from callmon.web.auth.service import AccessService
from callmon.web.entries import page_table

PATHS = {"fr": "/fr/demonstration", "en": "/en/demonstration"}
CONTEXT = "demonstration"  # of the banner's sentences in the catalogue
BANNER = Template(files("callmon.tools.demo").joinpath("banner.html").read_text("utf-8"), autoescape=True)
COOKIE = "callmon-demonstration"
# By the value of their button. Who prepares a month's report may not verify it: two have that role.
PEOPLE: Mapping[str, Person] = {
    Role.VIEWER: LOCAL_VIEWER,
    Role.AGENT: Person("C. Tremblay", frozenset({Role.AGENT})),
    Role.MANAGER: Person("D. Roy", frozenset({Role.MANAGER})),
    "verifier": Person("F. Gagnon", frozenset({Role.MANAGER})),
    Role.ADMINISTRATOR: Person("E. Martin", frozenset({Role.ADMINISTRATOR})),
}
# The page that only this role may use.
FIRST_PAGE = {Role.AGENT: "callbacks", Role.MANAGER: "months", Role.ADMINISTRATOR: "accesses", Role.VIEWER: "now"}


class DemoAccess(AccessService):
    """Access without sign-in, for a browser on this machine alone."""

    async def known(self, request: HTTPConnection, asking: ClientInfo, is_use: bool = True) -> Identity:
        if not asking.is_here:
            return UNKNOWN
        return Identity(PEOPLE.get(request.cookies.get(COOKIE, ""), LOCAL_VIEWER))

    def own_entries(self) -> tuple[PageRoute, ...]:
        return (PageRoute("demonstration", PATHS, self._choose, Right.VIEW, ("POST",)),)

    def banner(self, person: Person, csrf: str, language: str) -> Markup:
        def say(text: str) -> str:
            return translate(text, language, CONTEXT).replace(" :", f"{NO_BREAK}:")

        values = {
            "language": language,
            "path": PATHS[language],
            "person": person,
            "csrf": csrf,
            "people": PEOPLE,
        }
        return Markup(BANNER.render(values, say=say, label=label))

    async def _choose(self, request: Request) -> Response:
        """Sets the cookie of the chosen role, and opens the page that is for it."""
        form = await request.form()
        chosen = str(form.get("role"))
        person = PEOPLE.get(chosen, LOCAL_VIEWER)
        if person.name:
            await self.note(request.state.asking, person.name, "sign in", "demonstration")
        page = FIRST_PAGE[next(iter(person.roles))]
        answer = RedirectResponse(page_table(FEATURES)[page].path(request.state.language), 303)
        answer.set_cookie(COOKIE, chosen if person.name else "", httponly=True, samesite="strict")
        return answer
