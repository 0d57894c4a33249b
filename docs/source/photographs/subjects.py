"""What is photographed: each page in each state, as whom, and what is done there first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from playwright.sync_api import Page

from callmon.site import FEATURES
from callmon.web.auth.sign_in import SIGN_IN, SIGN_OUT
from callmon.web.entries import page_table
from tests.support.pages_daemon import EVERYTHING, SIGNED, Headers, person
from tests.support.sign_in_app import PASSWORD

LANGUAGES = ("fr", "en")
VIEWER, AGENT = person("v.roy"), person("a.cote", "agents")
MANAGER, ADMINISTRATOR = person("g.lavoie", "managers"), person("s.cyr", "administrators")
Act = Callable[[Page], None]


class Subject(NamedTuple):
    """One page. `is_main`: in forced colours, on paper and on a telephone, too; `size` of the window."""

    name: str
    paths: Mapping[str, str]
    person: Headers = EVERYTHING
    act: Act | None = None
    is_main: bool = False
    size: tuple[int, int] = (1000, 700)


def at(page: str, query: Mapping[str, str] | None = None, **parts: str) -> dict[str, str]:
    """Where it is, in both languages; the query by the French names' order."""
    reported = {"fr": "", "en": ""}
    if query:
        french = {"day": "jour", "line": "ligne", "outcome": "issue", "standard": "norme", "state": "etat"}
        reported["en"] = "?" + "&".join(f"{name}={value}" for name, value in query.items())
        reported["fr"] = "?" + "&".join(f"{french.get(name, name)}={value}" for name, value in query.items())
    shown = page_table(FEATURES)[page]
    return {language: shown.path(language, **parts) + reported[language] for language in LANGUAGES}


def press(selector: str) -> Act:
    """A button, and wait for what comes."""

    def act(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_load_state()

    return act


def refused_close(page: Page) -> None:
    """An entry is closed otherwise, without a word of why."""
    page.click("details.to-do > summary")
    page.check("#x-otherwise")
    press('form:has(input[value="close"]) button')(page)


def full(names: Mapping[str, str]) -> Iterator[Subject]:
    """A day in full, as each role sees it."""
    yield Subject("now", at("now"), is_main=True)
    yield Subject("now-viewer", at("now"), VIEWER)
    yield Subject("wall", at("wall"), is_main=True, size=(1920, 1080))
    yield from callbacks(names)
    yield from calls(names)
    yield from months()
    yield Subject("promises", at("promises"), is_main=True)
    yield from disruptions(names)
    yield Subject("accesses", at("accesses"), ADMINISTRATOR, is_main=True)
    yield Subject("role-refused", at("months"), VIEWER, is_main=True)
    yield Subject("nowhere", {"fr": "/fr/nulle-part", "en": "/en/nowhere"})
    yield Subject("proxy-silent", at("now"), {})


def callbacks(names: Mapping[str, str]) -> Iterator[Subject]:
    yield Subject("callbacks", at("callbacks"), AGENT, is_main=True)
    yield Subject("callbacks-viewer", at("callbacks"), VIEWER)
    yield Subject("callbacks-overdue", at("callbacks", {"state": "overdue"}), AGENT)
    yield Subject("callbacks-none", at("callbacks", {"line": "tty-toll-free"}), AGENT)
    for key, call in names.items():
        kind, _, name = key.partition(".")
        if kind == "callback" and name != "complained":
            yield Subject(
                f"callback-{name}", at("callback", id=call), AGENT, is_main=name in ("careful", "overdue")
            )
    due, careful = names["callback.owed"], names["callback.careful"]
    shown = press('form[action*="num"] button')
    yield Subject("callback-number", at("callback", id=careful), AGENT, shown, is_main=True)
    yield Subject("callback-viewer", at("callback", id=due), VIEWER)
    yield Subject("callback-refused", at("callback", id=due), AGENT, refused_close)
    yield Subject("callback-unknown", at("callback", id="1.0"), AGENT)


def calls(names: Mapping[str, str]) -> Iterator[Subject]:
    yesterday = (datetime.now(UTC) - timedelta(days=300)).date().isoformat()
    missed = {"standard": "answer_by_third_ring", "verdict": "not_met"}
    yield Subject("calls", at("calls"), VIEWER, is_main=True)
    yield Subject("calls-missed", at("calls", missed), MANAGER)
    yield Subject("calls-none", at("calls", {"day": yesterday, "outcome": "busy"}), VIEWER)
    for key, call in names.items():
        kind, _, name = key.partition(".")
        if kind == "call":
            main = name in ("queue_second", "consulted", "gap", "message", "three_transfers")
            yield Subject(f"call-{name}", at("call", exchange="toronto", call=call), MANAGER, is_main=main)
    yield Subject("call-viewer", at("call", exchange="toronto", call=names["call.consulted"]), VIEWER)
    yield Subject("call-unknown", at("call", exchange="toronto", call="1.0"), VIEWER)


def make(kind: str, edition: str = "internal", waits: bool = True) -> Act:
    """Ask for a report; and wait until it is there."""

    def act(page: Page) -> None:
        press(f"form:has([name=edition][value={edition}]) button[value={kind}]")(page)
        if waits:
            page.wait_for_selector("#live:not([data-wait])", timeout=60_000)

    return act


def many(page: Page) -> None:
    """Asks for a dozen at once; the second is still waited for."""
    month = page.url
    for kind, edition in (("pdf", "internal"), ("pdf", "public")):
        page.goto(month)
        make(kind, edition, waits=False)(page)


def read(page: Page) -> None:
    make("html")(page)
    press("main ul.links a")(page)


def months() -> Iterator[Subject]:
    now = datetime.now(UTC)
    month, before = f"{now:%Y-%m}", f"{now.replace(day=1) - timedelta(days=1):%Y-%m}"
    yield Subject("months", at("months"), MANAGER, is_main=True)
    yield Subject("month", at("month", month=month), MANAGER, is_main=True)
    yield Subject("month-before", at("month", month=before), MANAGER)
    yield Subject("revision", at("revision", month=SIGNED["month"], revision="1"), MANAGER, is_main=True)
    yield Subject("month-unknown", at("month", month="2099-01"), MANAGER)
    yield Subject("report-progress", at("month", month=month), MANAGER, many, is_main=True)
    yield Subject("report-done", at("month", month=month), MANAGER, make("html"), is_main=True)
    yield Subject("report-files", at("month", month=month), MANAGER, make("csv"))
    yield Subject("report-public", at("month", month=month), MANAGER, make("html", "public"))
    yield Subject("report-read", at("month", month=month), MANAGER, read)
    yield Subject("report-gone", at("report", month=month, name="x"), MANAGER)


def disruptions(names: Mapping[str, str]) -> Iterator[Subject]:
    yield Subject("disruptions", at("disruptions"), MANAGER, is_main=True)
    yield Subject("disruptions-viewer", at("disruptions"), VIEWER)
    opened = press("main summary")
    yield Subject("disruptions-announce", at("disruptions"), MANAGER, opened)

    def refused(page: Page) -> None:
        opened(page)
        press("details[open] button.main")(page)

    yield Subject("disruptions-refused", at("disruptions"), MANAGER, refused)
    yield Subject("disruptions-plan", at("disruptions"), MANAGER, press("main details:last-of-type summary"))
    for key, known in names.items():
        kind, _, name = key.partition(".")
        if kind == "disruption":
            yield Subject(f"disruption-{name}", at("disruption", id=known), MANAGER, is_main=name == "going")
    yield Subject("disruption-viewer", at("disruption", id=names["disruption.going"]), VIEWER)
    yield Subject("disruption-unknown", at("disruption", id="x"), VIEWER)


def quiet(prefix: str, *pages: str, main: str = "now") -> Iterator[Subject]:
    """The pages that look otherwise when nothing is heard, all is closed, or nobody has called yet."""
    for page in pages:
        size = (1920, 1080) if page == "wall" else (1000, 700)
        yield Subject(f"{prefix}-{page}", at(page), is_main=page == main, size=size)


def away(names: Mapping[str, str]) -> Iterator[Subject]:
    """The database answers nothing."""
    yield from quiet("away", "now", "wall", "callbacks", "disruptions", main="now")
    yield Subject("away-call", at("call", exchange="toronto", call=names["call.plain"]))
    yield Subject("away-months", at("months"))


def failing() -> Iterator[Subject]:
    """A report that cannot be made."""
    month = f"{datetime.now(UTC):%Y-%m}"
    yield Subject("report-failed", at("month", month=month), MANAGER, make("xlsx"))


def sign(name: str, password: str, times: int = 1) -> Act:
    def act(page: Page) -> None:
        for _ in range(times):
            page.fill("#name", name)
            page.fill("#password", password)
            press("main button.main")(page)

    return act


def stale(page: Page) -> None:
    """A form whose token is no longer valid."""
    signed_in("out")(page)
    page.evaluate("document.querySelector('main input[name=csrf]').value = 'x'")
    press("main button")(page)


def signed_in(path: str) -> Act:
    def act(page: Page) -> None:
        sign("lead", PASSWORD)(page)
        language = "fr" if "/fr/" in page.url else "en"
        origin = page.url.split(f"/{language}/")[0]
        page.goto(origin + {"out": SIGN_OUT, "in": SIGN_IN}[path][language])

    return act


def door() -> dict[str, list[Subject]]:
    """Who signs in with an account of callmon's: what can be photographed at one site."""
    wrong = {"wrong": ("agent", "deux sonneries"), "locked": ("locked", PASSWORD)}
    return {
        "right": [
            Subject("sign-in", SIGN_IN, {}, is_main=True),
            Subject("sign-in-done", SIGN_IN, {}, sign("lead", PASSWORD)),
            Subject("sign-in-again", SIGN_IN, {}, signed_in("in")),
            Subject("no-role", SIGN_IN, {}, sign("nothing", PASSWORD)),
            Subject("sign-out", SIGN_IN, {}, signed_in("out")),
            Subject("signed-out", SIGN_OUT, {}),
            Subject("form-stale", SIGN_IN, {}, stale),
            Subject("door-nowhere", {"fr": "/fr/nulle-part", "en": "/en/nowhere"}, {}),
        ],
        **{name: [Subject(f"sign-in-{name}", SIGN_IN, {}, sign(*who))] for name, who in wrong.items()},
        "often": [Subject("too-many-tries", SIGN_IN, {}, sign("nobody", "x", times=8), is_main=True)],
    }
