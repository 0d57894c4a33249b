"""The page of the disruptions: the form comes first, with ready durations and reasons in both languages."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from babel.dates import format_date

from callmon.config.phone_numbers import NO_BREAK
from tests.pages.test_pages import MANAGER, VIEWER, get, tell
from tests.support.fact_builder import TORONTO
from tests.support.pages_daemon import Site


@pytest.mark.parametrize("path", ["/fr/perturbations", "/en/disruptions"])
def test_the_forms_come_first_and_have_ready_reasons_in_two_languages(place: Site, path: str) -> None:
    page = get(place, path, MANAGER).text
    assert page.index('name="action" value="announce"') < page.index('id="h-going"')
    lists = dict(re.findall(r'<datalist id="ready-(\w+)".*?>(.*?)</datalist>', page))
    reasons = {name: re.findall(r'value="([^"]+)"', html.unescape(some)) for name, some in lists.items()}
    assert {name: len(some) for name, some in reasons.items()} == {"fr": 5, "en": 5}
    assert (reasons["fr"][2], reasons["en"][2]) == (
        "panne d’électricité dans l’édifice",
        "power failure in the building",
    )
    assert page.count('list="ready-fr"') == page.count('list="ready-en"') == 2  # an announcement, planned work


def test_a_viewer_sees_the_lists_alone(place: Site) -> None:
    page = get(place, "/en/disruptions", VIEWER).text
    assert ("<form" in page, "<datalist" in page, 'id="h-going"' in page) == (False, False, True)


def test_a_ready_duration_gives_the_expected_end_unless_a_time_is_given(place: Site) -> None:
    def announced(**fields: str) -> str:
        page = tell(place, "/en/disruptions", action="announce", line="tty", reason_en="no power", **fields).text
        (until,) = re.findall(r'name="until" value="([^"]+)"', page)
        return until

    before = datetime.now(UTC)
    assert announced(lasts="2") in in_two_hours(before)
    given = f"{datetime.now(TORONTO) + timedelta(days=1):%Y-%m-%dT12:00}"  # an hour that no change of clocks skips
    assert announced(lasts="2", until=given) == given


def in_two_hours(before: datetime) -> set[str]:
    """What the local clock shows two hours after each minute since `before`, also when clocks change."""
    minutes = int((datetime.now(UTC) - before).total_seconds()) // 60 + 2
    ends = (before + timedelta(hours=2, minutes=n) for n in range(minutes))
    return {f"{at.astimezone(TORONTO):%Y-%m-%dT%H:%M}" for at in ends}


# A refused form.

WHOLE = {
    "reason_fr": "panne", "reason_en": "failure", "alternative_fr": "écrivez", "alternative_en": "write",
    "lasts": "4", "until": "2020-11-24T10:00", "start": "2020-11-24T09:00",
}  # fmt: skip


def values(page: str, key: str) -> dict[str, list[str]]:
    """What is in the form whose ids begin with `key`, by field."""
    found: dict[str, list[str]] = {}
    for element in re.findall(rf'<input[^>]*id="{key}-[^>]*>', page):
        (name,), (value,) = (re.findall(rf'{what}="([^"]*)"', element) for what in (" name", "value"))
        if "checkbox" not in element or "checked" in element:
            found.setdefault(name, []).append(html.unescape(value))
    chosen = re.search(rf'<select id="{key}-lasts".*?<option value="(\d+)" selected>', page)
    return found | ({"lasts": [chosen[1]]} if chosen else {})


def focused(page: str) -> list[str]:
    """The ids of the fields that have the focus, are invalid, and are described by the refusal."""
    elements = re.findall(r"<input[^>]*(?:autofocus|aria-invalid)[^>]*>", page)
    assert all('aria-invalid="true" aria-describedby="refused" autofocus' in x for x in elements)
    assert page.count("autofocus") == len(elements)
    return [re.findall(r' id="([^"]+)"', x)[0] for x in elements]


@pytest.mark.parametrize("action", ["announce", "plan"])
def test_a_refused_new_form_keeps_its_lines_its_start_and_all_else(place: Site, action: str) -> None:
    answer = tell(place, "/en/disruptions", action=action, line=["tty", "poci"], **WHOLE)
    key = {"announce": "a", "plan": "p"}[action]
    assert answer.status_code == 409
    assert values(answer.text, key) == {x: [y] for x, y in WHOLE.items()} | {"line": ["tty", "poci"]}
    (other,) = {"a", "p"} - {key}
    assert {x: y for x, y in values(answer.text, other).items() if y != [""]} == {}


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"action": "announce"}, "a-line", "Say which lines are affected. To correct: Lines affected"),
        (
            {"action": "announce", "line": "tty", "start": "2099-01-01T10:00"},
            "a-start", "That time has not come yet; give a past time. To correct: Start",
        ),
        (
            {"action": "announce", "line": "tty", "start": "noon"},
            "a-start", "A time cannot be read; write it as 2026-11-24 10:12. To correct: Start",
        ),
        (
            {"action": "announce", "line": "tty", "until": "2020-01-01T10:00"},
            "a-until", "The end must come after the start. To correct: Expected end",
        ),
        (
            {"action": "plan", "line": "tty", "until": "2099-01-01T10:00"},
            "p-start", "Planned work has a start and an end. To correct: Start",
        ),
        (
            {"action": "plan", "line": "tty", "start": "2099-01-01T10:00"},
            "p-until", "Planned work has a start and an end. To correct: Expected end",
        ),
        (
            {"action": "plan", "line": "tty", "start": "2099-01-01T10:00", "until": "2099-01-01T09:00"},
            "p-until", "The end must come after the start. To correct: Expected end",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("more", [{}, {"preview": "1"}], ids=["announced", "previewed"])
def test_a_refused_new_form_names_the_field_to_correct_and_focuses_it(
    place: Site, fields: dict[str, str], field: str, sentence: str, more: dict[str, str]
) -> None:
    page = tell(place, "/en/disruptions", **fields, **more).text
    (reported,) = re.findall(r'id="refused" role="alert"><span aria-hidden="true">■ </span>(.*?)</p>', page)
    assert (focused(page), re.sub("<[^>]*>", "", reported.replace("<br>", " "))) == ([field], sentence)
    assert f'<a href="#{field}">' in page


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": "announce"}, "n-reason_fr"),
        ({"action": "announce", "until": "2020-01-01T10:00", "reason_en": "failure"}, "n-until"),
        ({"action": "end", "when": "2099-01-01T10:00"}, "e-when"),
        ({"action": "end", "when": "2020-01-01T10:00"}, "e-when"),
        ({"action": "end", "when": "noon"}, "e-when"),
    ],
)
def test_a_refused_disruption_form_keeps_its_input_and_focus(
    place: Site, fields: dict[str, str], field: str
) -> None:
    path = tell(place, "/en/disruptions", action="announce", line="tty", alternative_en="write").request.url.path
    answer = tell(place, path, **fields)
    key = field[0]
    given = {x: y for x, y in fields.items() if x != "action"}
    assert (answer.status_code, focused(answer.text)) == (409, [field])
    assert {x: values(answer.text, key)[x] for x in given} == {x: [y] for x, y in given.items()}
    if key == "e":  # the other form still has what is stored
        assert values(answer.text, "n")["alternative_en"] == ["write"]


# The preview. It shows a start that a person may still enter: it is of the month before this one.


def started() -> datetime:
    return (datetime.now(TORONTO).replace(day=1) - timedelta(days=1)).replace(day=24, hour=9, minute=12)


def public(page: str) -> dict[str, list[str]]:
    """The notice that the page shows, by language."""
    found = re.findall(r'<p id="public-(\w+)" lang="\1">(.*?)</p>', page, re.DOTALL)
    return {name: html.unescape(text).replace(NO_BREAK, " ").splitlines() for name, text in found}


def listed(place: Site) -> list[str]:
    return re.findall(r'href="/en/disruptions/([^"?]+)"', get(place, "/en/disruptions").text)


@pytest.mark.parametrize("path", ["/fr/perturbations", "/en/disruptions"])
def test_a_preview_shows_the_notice_in_both_languages_announcing_nothing(place: Site, path: str) -> None:
    before, start = listed(place), started()
    days = {language: format_date(start, "EEEE d MMMM y", locale=language) for language in ("fr", "en")}
    fields = WHOLE | {"start": f"{start:%Y-%m-%dT%H:%M}", "until": "2099-11-24T16:30"}
    page = tell(place, path, action="announce", preview="1", line=["tty", "poci"], **fields)
    assert (page.status_code, listed(place)) == (200, before)
    assert public(page.text) == {
        "fr": [
            "Perturbation temporaire du service téléphonique",
            "Lignes touchées : ATS, Toronto (416 325-0866) · POCI, Toronto (416 327-0374)",
            f"Début : {days['fr']}, 9 h 12", "Motif : panne",
            "Fin prévue : mardi 24 novembre 2099, 16 h 30", "Services de rechange : écrivez",
        ],
        "en": [
            "Temporary disruption of the telephone service",
            "Lines affected: TTY, Toronto (416-325-0866) · OINP, Toronto (416-327-0374)",
            f"Start: {days['en']}, 9:12 a.m.", "Reason: failure",
            "Expected end: Tuesday 24 November 2099, 4:30 p.m.", "Alternative: write",
        ],
    }  # fmt: skip
    assert values(page.text, "a") == {x: [y] for x, y in fields.items()} | {"line": ["tty", "poci"]}
    assert re.findall(r"<section[^>]*autofocus", page.text) == [
        '<section class="public" aria-labelledby="h-public" id="preview" tabindex="-1" autofocus'
    ]


def test_a_preview_of_a_change_has_the_stored_parts_too_and_stores_nothing(place: Site) -> None:
    path = tell(place, "/en/disruptions", action="announce", line="tty", reason_fr="panne", reason_en="failure",
                start=f"{started():%Y-%m-%dT%H:%M}").request.url.path  # fmt: skip
    page = tell(place, path, action="announce", preview="1", alternative_fr="écrivez", alternative_en="write").text
    assert public(page)["en"][3:] == ["Reason: failure", "Expected end: not announced yet", "Alternative: write"]
    stored = get(place, path, MANAGER).text
    assert public(stored)["fr"][3:] == [
        "Motif : panne", "Fin prévue : pas encore annoncée", "Services de rechange : pas encore annoncés",
    ]  # fmt: skip
    assert stored.count('name="preview"') == 1
    over = tell(place, path, action="end").text
    assert (public(over), over.count('name="preview"')) == ({}, 0)


def test_a_ready_duration_of_one_that_goes_on_counts_from_now(place: Site) -> None:
    began = (datetime.now(UTC) - timedelta(minutes=50)).astimezone(TORONTO)
    fields = {"line": "tty", "reason_fr": "panne", "lasts": "1", "start": f"{began:%Y-%m-%dT%H:%M}"}
    page = tell(place, "/en/disruptions", action="announce", **fields)
    (stored,) = values(page.text, "n")["until"]
    before = datetime.now(UTC)
    page = tell(place, page.request.url.path, action="announce", until=stored, lasts="2")
    assert values(page.text, "n")["until"][0] in in_two_hours(before)


def test_a_copy_button_is_hidden_until_there_is_script(place: Site) -> None:
    page = get(place, f"/en/disruptions/{listed(place)[0]}", MANAGER).text
    assert re.findall(r'<button type="button" data-copy="public-(\w+)" hidden>', page) == ["fr", "en"]


def test_what_is_over_is_listed_from_the_latest_to_the_earliest(place: Site) -> None:
    began = [datetime.now(TORONTO).date() - timedelta(days=days) for days in (1, 3, 2)]
    for day in began:
        fields = {"line": "tty", "start": f"{day}T12:00", "reason_en": f"cut of {day}"}
        page = tell(place, "/en/disruptions", action="announce", **fields)
        tell(place, page.request.url.path, action="end")
    over = get(place, "/en/disruptions", MANAGER).text.partition('id="h-over"')[2]
    assert re.findall(r"cut of ([0-9-]+)", over) == [str(began[x]) for x in (0, 2, 1)]
