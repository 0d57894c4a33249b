"""The worklist and the page of one callback, as people read and use them without script."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from callmon.text.callback_list import urgency
from callmon.web.formatter import WebFormatter
from callmon.web.views.callbacks import groups
from tests.pages.test_pages import FIRST, POCI, VIEWER, WITHHELD, act, get
from tests.support.fact_builder import TORONTO, Office, local, usual
from tests.support.pages_daemon import Site, site
from tests.unit.test_owed_list import NIGHT, an_evening

HEADS = {
    "fr": ["À faire avant", "Reste", "Ligne", "Langue", "Reçu", "Tentatives", "En charge", "Action"],
    "en": ["Due", "Left", "Line", "Language", "Received", "Attempts", "In hand", "Action"],
}
PATHS = {"fr": "/fr/rappels", "en": "/en/callbacks"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("callbacks")) as running:
        yield running


def text(markup: str) -> str:
    """What is read of a piece of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).replace("\N{NO-BREAK SPACE}", " ").split())


def row(page: str, entry: str) -> list[str]:
    """The cells of an entry's row."""
    (found,) = re.findall(rf'<tr id="r-toronto-{entry.replace(".", "-")}"(.*?)</tr>', page, re.DOTALL)
    return [text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", found, re.DOTALL)]


# The worklist.


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_worklist_has_a_column_for_each_question_and_one_action_a_row(place: Site, language: str) -> None:
    page = get(place, PATHS[language]).text
    head = page.partition("<thead>")[2].partition("</thead>")[0]
    assert [text(x) for x in re.findall(r"<th.*?</th>", head)] == HEADS[language]
    rows = re.findall(r"<tr id=.*?</tr>", page, re.DOTALL)
    assert [one.count("<button") for one in rows] == [1, 1, 1]


def test_a_viewer_reads_the_worklist_without_an_action_and_without_a_name(place: Site) -> None:
    act(place, POCI, action="take")
    page = get(place, "/en/callbacks", VIEWER).text
    act(place, POCI, action="release")
    assert (page.count("<button"), row(page, POCI)[-1]) == (1, "yes")  # the button of the filters


def test_a_row_shows_the_language_the_messages_and_the_colleague_who_has_it(place: Site) -> None:
    act(place, FIRST, action="take")
    cells = row(get(place, "/fr/rappels").text, FIRST)
    act(place, FIRST, action="release")
    assert (cells[2], cells[3], cells[5], cells[6]) == (
        "Renseignements généraux, Toronto",
        "français",
        "0",
        "a.cote",
    )
    assert cells[4].endswith("(2 messages)")
    assert cells[7] == f"Libérer la fiche {FIRST}"


@pytest.mark.parametrize(
    ("language", "due", "tag"),
    [("fr", "à écouter", "numéro confidentiel"), ("en", "to listen to", "number withheld")],
)
def test_a_message_that_cannot_be_called_back_says_so_in_place_of_a_due_time(
    place: Site, language: str, due: str, tag: str
) -> None:
    cells = row(get(place, PATHS[language]).text, WITHHELD)
    assert (cells[0], cells[1], cells[2].endswith(tag)) == (f"{due} {WITHHELD}", "\N{EN DASH}", True)


def test_a_caution_stands_in_the_row_in_two_words(place: Site) -> None:
    act(place, POCI, action="mark", no_message="1")
    assert row(get(place, "/fr/rappels").text, POCI)[2] == "POCI, Toronto ■ pas de message"
    assert row(get(place, "/en/callbacks").text, POCI)[2] == "OINP, Toronto ■ no message"


def test_entries_are_grouped_by_their_due_day_and_the_overdue_come_first() -> None:
    found = [listed.obligation for listed in an_evening()]
    found_in = groups(found, WebFormatter(usual(), "fr", NIGHT))
    due = {
        name: [(x.kind, f"{urgency(x)[0].astimezone(TORONTO):%d %H:%M}") for x in some]
        for name, some in found_in.items()
    }
    assert due == {
        "overdue": [("callback", "24 16:45")],
        "today": [("callback", "21 18:00")],  # no opening hour came before this due time
        "later": [("callback", "25 10:30"), ("callback", "25 17:00"), ("complaint", "26 17:00")],
        "hidden": [("callback", "25 15:00")],
    }
    assert list(due) == ["overdue", "today", "later", "hidden"]


def test_what_is_due_on_this_day_is_for_today_and_what_is_due_tomorrow_is_for_later() -> None:
    office = Office()
    office.hear(
        office.message(local("2026-11-24 09:00")), office.message(local("2026-11-25 09:00"), "+14165550102")
    )
    found = list(office.kept.values())
    for now, names in (("2026-11-25 08:40", ["today", "later"]), ("2026-11-26 08:40", ["today"])):
        assert list(groups(found, WebFormatter(usual(), "fr", local(now)))) == names


@pytest.mark.parametrize(
    ("away", "french", "english"),
    [
        (timedelta(), "17 h", "5 p.m."),
        (timedelta(days=1), "mer. 17 h", "Wed 5 p.m."),
        (timedelta(days=-6), "mer. 17 h", "Wed 5 p.m."),
        (timedelta(days=7), "1 déc. 17 h", "1 Dec 5 p.m."),
    ],
)
def test_a_time_in_a_narrow_column_has_its_day_where_it_is_not_today(
    away: timedelta, french: str, english: str
) -> None:
    now = local("2026-11-24 17:00")
    told = [WebFormatter(usual(), language, now).near(now + away) for language in ("fr", "en")]
    assert [x.replace("\N{NO-BREAK SPACE}", " ") for x in told] == [french, english]
