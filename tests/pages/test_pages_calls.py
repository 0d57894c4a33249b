"""The list of calls and the page of one call: verdicts first, no empty column, part of a day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from callmon.core.verdicts import CAUSES
from callmon.text.labels import label
from tests.pages.test_pages import get
from tests.pages.test_pages_callbacks import text
from tests.support.fact_builder import TORONTO, Office
from tests.support.pages_app import Pages, pages
from tests.support.pages_daemon import CALL, Site
from tests.support.store_fixtures import answered_call, outcomes, wrote

THIRD_RING = "answer_by_third_ring"
TUESDAY = datetime(2025, 11, 25, 15, tzinfo=UTC)  # 10 a.m. at the ministry
MORNING, MISSED = TUESDAY.date(), f"standard={THIRD_RING}&verdict=not_met"
PATHS = {"fr": "/fr/appels", "en": "/en/calls"}
HEADS = {
    "fr": ["Arrivée", "Ligne", "Issue", "Réponse au plus tard après la troisième sonnerie",
           "Messagerie vocale après une quatrième sonnerie", "Possibilité de joindre une personne",
           "Appel réacheminé au plus une fois"],
    "en": ["Arrived", "Line", "Outcome", "Answer by the third ring", "Voicemail after a fourth ring",
           "Possibility of reaching a person", "Redirected at most once"],
}  # fmt: skip
# Three calls of the day on which the clocks go back; the times in UTC.
AUTUMN = {"01:30 EDT": "01T05:30", "01:30 EST": "01T06:30", "23:59": "02T04:59"}


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """Calls of a Tuesday in opening hours that voicemail took."""
    office = Office()
    office.hear(*(office.message(TUESDAY + n * timedelta(hours=1), call=f"1795527000.{n}") for n in range(3)))
    with pages(tmp_path_factory.mktemp("morning"), fill=lambda store: wrote(store, *office.outcomes)) as found:
        yield found


def heads(page: str) -> list[str]:
    """The names of the columns, as they are read aloud."""
    head = re.sub(
        r'<span aria-hidden="true">.*?</span>', "", page.partition("<thead>")[2].partition("</thead>")[0]
    )
    return [text(x) for x in re.findall(r"<th.*?</th>", head)]


def row(page: str, call: str) -> list[str]:
    (found,) = re.findall(
        rf'<tr><th scope="row"><a href="/../\w+/toronto/{re.escape(call)}".*?</tr>', page, re.DOTALL
    )
    return [text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", found, re.DOTALL)]


def lately(place: Site, path: str, call: str) -> str:
    """The list of the day on which the call came: by night, yesterday's."""
    days = [datetime.now(TORONTO).date() - timedelta(days=n) for n in (0, 1)]
    name = "jour" if path.startswith("/fr") else "day"
    pages = [get(place, f"{path}{'&' if '?' in path else '?'}{name}={day}").text for day in days]
    return next((page for page in pages if f"/toronto/{call}" in page), pages[0])


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_call_has_a_mark_of_each_main_standard_in_words(place: Site, language: str) -> None:
    page = lately(place, PATHS[language], CALL)
    met = {"fr": "✓ respectée", "en": "✓ met"}[language]
    assert heads(page)[:7] == HEADS[language]
    assert row(page, CALL)[3:7] == [met, met, met, "\N{EN DASH}"]


def test_the_marks_of_a_row_are_the_verdicts_of_the_calls_own_page(place: Site) -> None:
    page = lately(place, "/en/calls", CALL)
    calls = re.findall(r'<tr><th scope="row"><a href="/en/calls/toronto/([^"]+)"', page)
    for call in calls:
        strip = (
            get(place, f"/en/calls/toronto/{call}").text.partition('<ul class="verdicts"')[2].partition("</ul>")[0]
        )
        verdicts = dict(re.findall(r'href="#v-\w+">(.*?)</a>(.*?)</li>', strip))
        reported = [text(verdicts[name]) if name in verdicts else "\N{EN DASH}" for name in HEADS["en"][3:]]
        assert (call, row(page, call)[3:7]) == (call, reported)
    assert len(calls) >= 12


def test_a_column_that_is_empty_for_all_rows_is_left_out(place: Site) -> None:
    days = [datetime.now(TORONTO).date() - timedelta(days=n) for n in (0, 1)]  # by night the calls are of two days
    shown = {name for day in days for name in heads(get(place, f"/en/calls?day={day}").text)[7:]}
    assert shown - {"Cause"} == {"Rings", "Language", "Gap"}  # a cause takes a call in opening hours
    # The calls that a person answered on the TTY line: no language was asked for, and none had a gap.
    assert heads(lately(place, "/en/calls?line=tty", "17000")) == HEADS["en"]


def test_the_cause_of_a_missed_standard_stands_in_the_list(morning: Pages) -> None:
    page = morning.visitors["viewer"].get(f"/en/calls?day={MORNING}&{MISSED}").text
    causes = re.findall(r'data-name="Cause">([^<]+)<', page)
    assert {label("cause", cause, "en") for cause in CAUSES} >= set(causes)
    assert len(causes) == page.count('<th scope="row">') > 0


def test_the_calls_of_tty_lines_alone_are_found_by_the_kind_of_line(place: Site) -> None:
    every, of_tty, of_voice = (
        [
            call
            for day in (datetime.now(TORONTO).date() - timedelta(days=n) for n in (0, 1))
            for call in re.findall(r'/fr/appels/toronto/([^"]+)"', get(place, f"/fr/appels?jour={day}{mode}").text)
        ]
        for mode in ("", "&mode=tty", "&mode=voice")
    )
    assert sorted(of_tty + of_voice) == sorted(every)
    assert (len(of_tty) > 0, len(of_voice) > len(of_tty)) == (True, True)
    assert get(place, "/fr/appels?mode=fax").status_code == 404


def test_a_part_of_a_day_is_found_and_stays_in_the_form_and_in_the_links(place: Site) -> None:
    page = lately(place, "/fr/appels", CALL)
    times = dict(re.findall(r'/fr/appels/toronto/([^"]+)">([^<]+)<', page))
    (shown_day,) = re.findall(r'type="date"[^>]*value="([^"]+)"', page)
    hour, minute_ = (int(x) for x in re.findall(r"\d+", times[CALL])[:2])
    arrived = datetime.fromisoformat(f"{shown_day} {hour:02}:{minute_:02}")
    day, minute, after = f"day={shown_day}", f"{arrived:%H:%M}", f"{arrived + timedelta(minutes=1):%H:%M}"
    found = get(place, f"/en/calls?{day}&from={minute}&to={after}").text
    shown = re.findall(r'/en/calls/toronto/([^"]+)"', found)
    assert (CALL in times, CALL in shown, len(shown) < len(times)) == (True, True, True)
    assert (f'name="from" value="{minute}"' in found, f'name="to" value="{after}"' in found) == (True, True)
    assert f"from={minute.replace(':', '%3A')}" in found.partition('rel="prev"')[0]


def test_a_part_of_a_day_ends_at_midnight_and_has_both_repeated_hours(tmp_path: Path) -> None:
    starts = [datetime.fromisoformat(f"2026-11-{text}:20+00:00") for text in AUTUMN.values()]
    reported = [outcomes(answered_call(number, start)) for number, start in enumerate(starts)]
    with pages(tmp_path, fill=lambda store: wrote(store, *chain(*reported))) as site:

        def found(path: str) -> list[str]:
            page = site.visitors["agent"].get(path).text
            return [
                name for number, name in enumerate(AUTUMN) if f"/toronto/{1795527733 + number}.{number}" in page
            ]

        assert found("/en/calls?day=2026-11-01&from=01:30&to=01:31") == ["01:30 EDT", "01:30 EST"]
        assert found("/en/calls?day=2026-11-01&from=23:59&to=00:00") == ["23:59"]
        assert found("/fr/appels?jour=2026-11-01&de=01:31&a=23:59") == ["01:30 EST"]
        assert found("/fr/appels?jour=2026-11-01&a=01:30") == ["01:30 EDT"]


@pytest.mark.parametrize(
    ("path", "title", "sentence"),
    [
        ("/en/calls?day=yesterday", "Invalid date", "This day cannot be read; write it as 2026-11-24."),
        ("/en/calls?day=2027-02-29", "Invalid date", "There is no 29 February 2027."),
        (
            "/fr/appels?jour=2026-04-31",
            "Date invalide",
            "Il n\N{RIGHT SINGLE QUOTATION MARK}y a pas de 31 avril 2026.",
        ),
        ("/en/calls?day=2026-13-01", "Invalid date", "This day cannot be read; write it as 2026-11-24."),
        ("/en/calls?from=noon", "Invalid time", "This time cannot be read; write it as 08:30."),
        (
            "/fr/appels?a=25:00",
            "Heure invalide",
            "Cette heure n\N{RIGHT SINGLE QUOTATION MARK}est pas valide; écrivez-la ainsi : 08:30.",
        ),
    ],
)
def test_a_day_or_time_that_cannot_be_read_is_refused(place: Site, path: str, title: str, sentence: str) -> None:
    page = get(place, path)
    (head,) = re.findall("<h1[^>]*>(.*?)</h1>", page.text)
    assert (page.status_code, head, text(page.text).count(sentence)) == (400, title, 1)


def test_the_calls_of_one_cause_are_found_and_it_stays_in_the_form(morning: Pages) -> None:
    viewer = morning.visitors["viewer"]
    path = f"/en/calls?day={MORNING}&{MISSED}"
    causes = re.findall(r'data-name="Cause">([^<]+)<', viewer.get(path).text)
    for cause in CAUSES:
        page = viewer.get(f"{path}&cause={cause}").text
        found = re.findall(r'data-name="Cause">([^<]+)<', page)
        assert found == [name for name in causes if name == label("cause", cause, "en")]
        assert f'<option value="{cause}" selected>' in page
    assert len(causes) > 0
    assert viewer.get(f"/en/calls?{MISSED}&cause=weather").status_code == 404


# One call.


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/fr/appels", "Réponse au plus tard après la troisième sonnerie ✓ respectée"),
        ("/en/calls", "Answer by the third ring ✓ met"),
    ],
)
def test_the_verdicts_stand_under_the_title_and_lead_to_their_reasons(place: Site, path: str, first: str) -> None:
    page = get(place, f"{path}/toronto/{CALL}").text
    strip = page.partition('<ul class="verdicts"')[2].partition("</ul>")[0]
    assert text(re.findall(r"<li>.*?</li>", strip)[0]) == first
    led = re.findall(r'href="#v-(\w+)"', strip)
    assert led == re.findall(r'<div class="verdict" id="v-(\w+)">', page)
    assert page.index('class="verdicts"') < page.index('<dl class="facts">')


def test_what_the_policy_says_is_folded(place: Site) -> None:
    page = get(place, f"/en/calls/toronto/{CALL}").text
    folded = re.findall(r"<details>\s*<summary>What the policy says.*?</details>", page, re.DOTALL)
    assert page.count("<blockquote>") == sum(x.count("<blockquote>") for x in folded)
    assert len(folded) == page.count('<div class="verdict"')
