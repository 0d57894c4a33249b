"""The Nu validator finds neither an error nor a warning in any page: each language, each role, each state."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from callmon.core.statistics import period
from callmon.features.months.open_data import edition as public
from callmon.features.months.request import ReportRequest, files, gathered
from callmon.store.database import upgrade
from callmon.text.labels import LANGUAGES
from tests.browser.test_access_seen import OF_A_ROLE, OPEN
from tests.lab import vnu
from tests.lab.needed import needed
from tests.pages.test_pages import AGENT, FIRST, MANAGER, POCI, VIEWER, act, addresses, get
from tests.support import year
from tests.support.pages_app import NOBODY, Pages, pages
from tests.support.pages_daemon import EVERYTHING, GAPPED, Site, person
from tests.support.sign_in_app import sign_in
from tests.support.year import TORONTO
from tests.support.year.database import LATER, fill_year

pytestmark = pytest.mark.lab

PEOPLE = {
    "everything": EVERYTHING,
    "viewer": VIEWER,
    "agent": AGENT,
    "manager": MANAGER,
    "administrator": person("s.cyr", "administrators"),
    "nobody": {},
}


@pytest.fixture(scope="module")
def validator() -> None:
    with needed("browser"):
        vnu.have_validator()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with pages(tmp_path_factory.mktemp("door")) as opened:
        yield opened


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_is_valid_as_each_role_is_answered(validator: None, place: Site, who: str) -> None:
    paths = [path for language in LANGUAGES for path in addresses(language, place)]
    assert vnu.wrong({path: get(place, path, PEOPLE[who]).text for path in paths}) == []


def test_every_page_is_valid_in_each_state_that_it_can_be_in(validator: None, place: Site) -> None:
    found = {
        f"{name} {language}": page for language in LANGUAGES for name, page in states(place, language).items()
    }
    assert vnu.wrong(found) == []


def states(place: Site, language: str) -> dict[str, str]:
    """A number, something refused, a gap, phones by letter, nothing there, a list narrowed, reports."""
    callback, calls, months, disruptions, number, list_ = {
        "fr": ("/fr/rappels/{}", "/fr/appels/{}", "/fr/mois/{}", "/fr/perturbations/{}", "numero", "/fr/rappels"),
        "en": (
            "/en/callbacks/{}",
            "/en/calls/{}",
            "/en/months/{}",
            "/en/disruptions/{}",
            "number",
            "/en/callbacks",
        ),
    }[language]
    with place.visitor(AGENT) as visitor:
        shown = visitor.post(f"{callback.format(FIRST)}/{number}", data={"csrf": place.csrf(visitor)}).text
    return {
        "number": shown,
        "refused": act(place, POCI, language=language, action="close").text,
        "taken": act(place, POCI, language=language, action="take").text,
        "released": act(place, POCI, language=language, action="release").text,
        "gap": get(place, calls.format(f"toronto/{GAPPED}"), VIEWER).text,
        "no call": get(place, calls.format("toronto/1.1")).text,
        "no callback": get(place, callback.format("1.1")).text,
        "no month": get(place, months.format("2099-01")).text,
        "no disruption": get(place, disruptions.format("1")).text,
        "overdue": get(place, f"{list_}?state=overdue&language=fr&line=general").text,
        **{
            f"report {kind}": report(place, months.format(place.month), kind)
            for kind in ("html", "html public", "json")
        },
        **{f"token {name}": token(place, language, name) for name in (f"desk-{language}", "Desk")},
    }


def token(place: Site, language: str, name: str) -> str:
    """The answer to the form of a new token."""
    path = {"fr": "/fr/jetons", "en": "/en/tokens"}[language]
    with place.visitor(EVERYTHING) as visitor:
        fields = {"csrf": place.csrf(visitor, path), "name": name, "role": "manager", "days": "1"}
        return visitor.post(path, data=fields).text


def report(place: Site, path: str, kind: str) -> str:
    """The page of a report that was asked for; of the one to read, the report itself."""
    name, _, edition = kind.partition(" ")
    with place.visitor(MANAGER) as visitor:
        fields = {"csrf": place.csrf(visitor, path), "kind": name, "edition": edition}
        answer = visitor.post(path, data=fields)
        page = visitor.get(answer.headers["location"]).text
        while "data-wait" in page:
            time.sleep(0.2)
            page = visitor.get(answer.headers["location"]).text
        read = re.search(r'href="([^"]+\.html)"', page)
        return visitor.get(read[1]).text if name == "html" and read else page


def test_the_door_is_valid(validator: None, door: Pages) -> None:
    from tests.support.web_client import Visitor

    found = {path: door.visitors[NOBODY].get(path).text for path in OPEN}
    found |= {f"{path} in": door.visitors["administrator"].get(path).text for path in (*OPEN, *OF_A_ROLE)}
    found["wrong"] = sign_in(Visitor(door.gate), "agent", "wrong").text
    assert vnu.wrong(found) == []


def test_the_monthly_report_is_valid_in_both_languages_and_editions(validator: None, tmp_path: Path) -> None:
    settings, store = year.settings(), upgrade(f"sqlite:///{tmp_path}/a.db")
    fill_year(store, settings, 2_000, 200)
    internal = gathered(store, settings, period.month("2024-05", TORONTO), LATER, None)
    store.close()
    found: dict[str, str | bytes] = {}
    for name, made in (("internal", internal), ("public", public.edition(internal))):
        for language in LANGUAGES:
            ((_, page),) = files(made, settings, ReportRequest("", "html", language))
            found[f"{name} {language}"] = page
            if made.is_public:
                ((_, found[f"card {language}"]),) = files(
                    made, settings, ReportRequest("", "html", language, is_card=True)
                )
    assert vnu.wrong(found) == []


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        ("<h1>", "<h1><div>", "End tag “h1” seen, but there were open elements."),
        ('id="main"', 'id="h-story"', "Duplicate ID “h-story”."),
        ("<main", "<main role=button", "Bad value “button” for attribute “role” on element “main”."),
        (
            "</title>",
            "</title><meta charset=latin1>",
            "A document must not include more than one “meta” element with a “charset” attribute.",
        ),
        (
            "</main>",
            "<img src=x></main>",
            "An “img” element must have an “alt” attribute, except under certain conditions. For details, "
            "consult guidance on providing text alternatives for images.",
        ),
        (
            "</main>",
            "<label for=none>x</label></main>",
            "The value of the “for” attribute of the “label” element must be the ID of a non-hidden form control.",
        ),
        (
            "</main>",
            "<table><tr><td colspan=2><tr><td></table></main>",
            "Table column 2 established by element “td” has no cells beginning in it.",
        ),
    ],
)
def test_a_planted_mistake_is_caught(validator: None, place: Site, before: str, after: str, reported: str) -> None:
    page = get(place, f"/en/calls/toronto/{GAPPED}").text
    assert before in page
    assert reported in [line.split(": ", 2)[2] for line in vnu.wrong({"page": page.replace(before, after, 1)})]
