"""The pages of the questions: each answer is its command's, refusals are sentences, and no phone is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callmon.cli.common import CommandContext
from callmon.config.phone_numbers import NO_BREAK
from callmon.core.replay.planned import Wanted
from callmon.features.questions import needs, staffing, what_if, why
from callmon.text.labels import label
from callmon.web.jobs import Jobs
from tests.pages.test_pages_html import wrong
from tests.support.pages_app import Pages, pages
from tests.support.questions_site import AFTER, BAD_DAY, DATES, MONTH, UNEXPLAINED, asked, questions_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    with questions_site(tmp_path_factory.mktemp("questions")) as found:
        yield found


def context_of(site: Pages) -> CommandContext:
    context = CommandContext(None, "en")
    context.settings = site.daemon.page_context.settings
    context.store = site.store
    return context


def cells(page: str) -> list[list[str]]:
    """Of each row of the tables, the text of its cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    return [[re.sub(r"<[^>]*>", "", x).strip() for x in re.findall(r"<t[hd].*?</t[hd]>", row)] for row in rows]


def test_why_shows_the_parts_of_the_command_and_links_their_calls(site: Pages) -> None:
    page = asked(site, "/en/why", day=str(BAD_DAY))
    found = why.why_answer(context_of(site), str(BAD_DAY), None)
    assert found["parts"][0]["part"] == "phones"
    assert [row[0].lower() for row in cells(page)[1:]] == [
        label("part", part["part"], "en") for part in found["parts"]
    ]
    linked = re.findall(r'href="/en/calls/[^/"]+/([^/"]+)"', page)
    assert linked == [call.call for part in found["parts"] for call in part["calls"]]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/en/why", "This difference is not explained by what callmon sees."),
        ("/fr/pourquoi", "Ce que callmon observe n’explique pas cet écart."),
    ],
)
def test_a_day_without_a_cause_links_its_calls_and_names_no_part(site: Pages, path: str, sentence: str) -> None:
    page = asked(site, path, **{"day" if path.startswith("/en") else "jour": str(UNEXPLAINED)})
    (other,) = why.why_answer(context_of(site), str(UNEXPLAINED), None)["parts"]
    assert (page.count(sentence), cells(page), page.count('<svg class="halves')) == (1, [], 0)
    linked = re.findall(r'href="/(?:en/calls|fr/appels)/[^/"]+/([^/"]+)"', page)
    assert linked == [call.call for call in other["calls"]] != []


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/en/why", "within the usual spread."),
        ("/fr/pourquoi", "écart habituel."),
    ],
)
def test_a_usual_day_is_not_explained(site: Pages, path: str, sentence: str) -> None:
    page = asked(site, path, **{"day" if path.startswith("/en") else "jour": str(DATES[30])})
    assert (page.count(sentence), page.count('<svg class="halves')) == (1, 0)


def test_what_if_shows_the_spans_of_the_command(site: Pages) -> None:
    page = asked(site, "/en/what-if", **MONTH, voicemail="5")
    found = what_if.what_if_answer(
        context_of(site), MONTH["from"], MONTH["to"], None, ["voicemail_rings=5"], lambda share: None
    )
    own = msgspec.to_builtins(found["own_rule"])
    expected = []
    for name, title in what_if.titles(context_of(site)).items():
        one = found["changed"][name]
        span = f"{round(one.low):,} to {round(one.high):,}"
        if name in found["unmoved"]:
            span = "does not depend on it: voicemail comes after the third ring"
        expected.append([title.capitalize(), f"{own[name]:,}", span])
    assert cells(page)[1:] == expected
    assert what_if.headline(context_of(site), found) in page


def test_a_setting_that_changes_nothing_shows_each_figure_once(site: Pages) -> None:
    page = asked(site, "/en/what-if", **MONTH, voicemail="4")
    figures = [row[1:] for row in cells(page)[1:] if row[0] != "Third ring kept"]
    assert [changed for _, changed in figures] == [own for own, _ in figures]


def test_what_if_is_asked_of_the_phones_of_one_language_on_mondays(site: Pages) -> None:
    given = {"postes": "-1", "langue": "fr", "jour_semaine": "mon", "entre": "11:00-13:00"}
    page = asked(site, "/fr/et-si", de=MONTH["from"], a=MONTH["to"], **given)
    found = what_if.what_if_answer(
        context_of(site), MONTH["from"], MONTH["to"], None, ["phones=-1:fr@mon 11:00-13:00"], lambda share: None
    )
    own, changed = found["own_rule"].answered, found["changed"]["answered"]
    assert cells(page)[1][1:] == [str(own), f"{round(changed.low)} à {round(changed.high)}"]
    assert page.count('<option value="fr" selected>français</option>') == 1
    assert page.count('<option value="mon" selected>lundi</option>') == 1
    assert page.count("On suppose que les postes d’une langue sonnent pour les mêmes appelants") == 1


REFUSED = {
    ("/en/what-if", ("phones", "+1"), ("between", "13:00-11:00")): "--set phones=+1@13:00-11:00: this value is",
    ("/en/what-if", ("phones", "+1"), ("language", "en"), ("between", "11:00-13:00")): (
        '--set phones: no [[staff]] has "en" among its languages; add an extension and its languages, or leave'
    ),
    ("/fr/et-si", ("postes", "+1"), ("langue", "en"), ("entre", "11:00-13:00")): (
        "--set phones : aucune entrée [[staff]] n’a « en » parmi ses langues; ajoutez un poste et ses langues"
    ),
    ("/en/what-if", ("phones", "+1"), ("language", "de"), ("between", "11:00-13:00")): "--set phones=+1:de@11:00",
    ("/en/what-if", ("hours", "16:00-9:00")): "--set hours=16:00-9:00: this value is",
    ("/en/what-if", ("strategy", "ringall"), ("ring", "15")): "--set strategy=ringall excludes ring_seconds",
    (
        "/en/what-if",
        ("from", "2025-11-03"),
        ("to", "2025-11-01"),
        ("voicemail", "5"),
    ): "FROM 2025-11-03 comes after",
    ("/en/what-if", ("to", "2999-01-01"), ("voicemail", "5")): "TO 2999-01-01: is in the future",
    ("/en/phones", ("target", "120")): "The target 120 is refused",
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_in_the_words_of_the_command(site: Pages, case: tuple[str, tuple[str, str]]) -> None:
    path, *query = case
    page = asked(site, path, **dict(query))
    (alert,) = re.findall(r'role="alert">(.*?)</p>', page)
    assert alert.count(REFUSED[case]) == 1


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/en/why?day=abc", "This day cannot be read; write it as 2026-11-24."),
        ("/en/why?day=yesterday", "This day cannot be read; write it as 2026-11-24."),
        ("/en/why?day=2999-01-01", "This day is in the future."),
        ("/fr/pourquoi?jour=2999-01-01", "Ce jour est à venir."),
    ],
)
def test_a_day_that_is_no_past_day_is_refused_beside_the_form(site: Pages, path: str, sentence: str) -> None:
    answer = site.visitors["viewer"].get(path)
    (alert,) = re.findall(r'role="alert"><.*?</span>(.*?)</p>', answer.text)
    given = path.partition("=")[2]
    assert (answer.status_code, alert, answer.text.count(f'value="{given}"')) == (400, sentence, 1)


def test_few_calls_are_said_and_nothing_is_drawn(site: Pages) -> None:
    page = asked(site, "/en/what-if", **{"from": str(DATES[0]), "to": str(DATES[1])}, voicemail="5")
    assert (page.count("calls only: too few to say. From 100 calls on."), page.count('<svg class="halves')) == (
        1,
        0,
    )


def test_phones_needed_has_a_table_and_the_same_counts_as_files(site: Pages) -> None:
    day = AFTER
    page = asked(site, "/en/phones", day=day, target="80")
    wanted = Wanted(None, 0.8, 3, None)
    found = staffing.staffing_answer(context_of(site), day, 7, None, wanted, lambda share: None)
    files = dict(re.findall(r'href="(/en/phones/[^"]+?\.(csv|ics))"', page))
    viewer = site.visitors["viewer"]
    table = viewer.get(next(path for path, kind in files.items() if kind == "csv"))
    assert table.text == staffing.csv_text(found)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    events = viewer.get(next(path for path, kind in files.items() if kind == "ics")).text
    assert (
        events.count("BEGIN:VEVENT") == staffing.calendar_text(context_of(site), found).count("BEGIN:VEVENT") > 0
    )


def half_hour(slot: str, phones: int, usual: int = 2, reached: bool = True) -> dict[str, Any]:
    day, at = slot.split(" ")
    limits = {"said": True, "limit": None, "out_of_reach": not reached}
    return {"day": f"2026-12-{day}", "slot": at, "phones": phones, "usual_phones": usual, "factor": 1, **limits}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([half_hour("07 08:30", 2), half_hour("07 09:00", 1)], "The phones that are usually there are enough."),
        (
            [
                half_hour("07 08:30", 4),
                half_hour("07 09:00", 4),
                half_hour("07 09:30", 3),
                half_hour("08 12:00", 5, 3),
            ],
            "Add phones first here (2 more than usual): Monday 7 December 2026, 8:30 a.m. to 9:30 a.m.; "
            "Tuesday 8 December 2026, noon to 12:30 p.m.",
        ),
        (
            [half_hour(f"{day} 09:00", 3) for day in ("07", "08", "09", "10")],
            "Add phones first at 4 times (1 more than usual), beginning with: "
            "Monday 7 December 2026, 9 a.m. to 9:30 a.m.; Tuesday 8 December 2026, 9 a.m. to 9:30 a.m.; "
            "Wednesday 9 December 2026, 9 a.m. to 9:30 a.m.",
        ),
        ([half_hour("07 09:00", 0, reached=False)], "This is an estimate: it describes the line"),
        (
            [half_hour("07 09:00", 0, reached=False), half_hour("07 09:30", 3)],
            "Add phones first here (1 more than usual): Monday 7 December 2026, 9:30 a.m. to 10 a.m.",
        ),
    ],
)
def test_what_to_do_first_is_where_most_phones_are_lacking(
    site: Pages, rows: list[dict[str, Any]], sentence: str
) -> None:
    first = staffing.staffing_sentences(context_of(site), rows)[0].replace(NO_BREAK, " ")
    assert first.removesuffix(".").partition(", not the")[0] == sentence.removesuffix(".")


def test_half_hours_with_enough_phones_are_folded(site: Pages) -> None:
    page = asked(site, "/en/phones", day=AFTER, target="80")
    above = page.partition('id="h-phones"')[2].partition("<details")[0]
    folded = page.partition('id="h-enough"')[2].partition("</details>")[0]
    shown = [[row for row in cells(part) if len(row) > 2 and row[0] != "From"] for part in (above, folded)]
    assert [row for row in shown[0] if not re.search("usually|out of reach", " ".join(row))] == []
    assert [cell for row in shown[1] for cell in row if "usually" in cell] == []
    assert shown[1] != []


def test_phones_needed_are_asked_for_one_language(site: Pages) -> None:
    page = asked(site, "/fr/postes", jour=AFTER, langue="en")
    assert page.count('<option value="en" selected>anglais</option>') == 1
    assert site.visitors["viewer"].get("/en/phones?language=de").status_code == 404


ADDRESSES = {
    "/en/questions": {},
    "/en/why": {"day": str(BAD_DAY)},
    "/en/what-if": MONTH | {"voicemail": "5"},
    "/en/phones": {"day": AFTER, "target": "80"},
    "/en/needs": MONTH,
}


@pytest.mark.parametrize("path", ADDRESSES)
def test_the_page_of_an_answer_has_no_mistake_in_its_html(site: Pages, path: str) -> None:
    assert wrong(site.visitors["viewer"].get(path, params=ADDRESSES[path]).text) == []


def test_a_file_of_an_unknown_job_is_not_found(site: Pages) -> None:
    assert site.visitors["viewer"].get("/en/phones/none/phones.csv").status_code == 404


def test_needs_are_counted_for_a_period(site: Pages) -> None:
    page = asked(site, "/en/needs", **MONTH)
    shown = [int(count.replace(",", "")) for count in re.findall(r"<dd>([\d,]+)</dd>", page)]
    found = needs.needs_answer(context_of(site), MONTH["from"], MONTH["to"], None)
    assert shown == [
        found.needs,
        found.met,
        found.met_at_first,
        found.tries,
        found.gave_up,
        found.again,
        found.answered_after,
        found.unknown_number,
        found.needs + found.unknown_number,
    ]


def test_no_answer_names_a_phone(site: Pages) -> None:
    seen = [asked(site, path, **query) for path, query in ADDRESSES.items()]
    phones = [f"{prefix}{number}" for number in range(101, 105) for prefix in ("PJSIP/", "phone ", "extension ")]
    assert [phone for page in seen for phone in phones if phone in page] == []


def test_until_the_answer_is_there_the_page_shows_its_progress(
    site: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callmon.features.questions.page.WAITS", 0.0)
    page = asked(site, "/en/what-if", **MONTH, pickup="+10")
    assert re.findall(r'<div id="live"( data-wait)?>', page) == [" data-wait"]
    assert page.count("The answer is being computed: ") == 1


def test_the_same_question_is_computed_once(site: Pages) -> None:
    for _ in range(3):
        asked(site, "/en/what-if", **MONTH, voicemail="5")
    jobs = site.daemon.page_context.shared(Jobs)._jobs.values()
    asked_for = [(job.request.given.get("to"), job.request.changes) for job in jobs]
    assert asked_for.count((MONTH["to"], ("voicemail_rings=5",))) == 1


def test_the_first_page_of_the_questions_links_those_that_are_on(site: Pages) -> None:
    page = asked(site, "/en/questions")
    assert re.findall(r'<h2><a href="(/en/(?:why|what-if|phones|needs))">', page) == [
        "/en/what-if", "/en/phones", "/en/why", "/en/needs",
    ]  # fmt: skip


def test_off_by_default_the_menu_has_no_questions_and_each_page_says_so(tmp_path: Path) -> None:
    with pages(tmp_path) as found:
        viewer = found.visitors["viewer"]
        assert 'href="/en/questions"' not in viewer.get("/en/").text
        for path in ("why", "what-if", "phones", "needs"):
            page = unescape(viewer.get(f"/en/{path}").text)
            assert page.count("This question is off.") == 1
        assert found.daemon.page_context.shared(Jobs)._jobs == {}
