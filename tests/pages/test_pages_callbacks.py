"""The worklist and the page of one callback, as people read and use them without script."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from callmon.core.callbacks.commands import Received
from callmon.features.worklist import page as callbacks
from callmon.features.worklist.page import groups
from callmon.text.lists import urgency
from callmon.web.formatter import WebFormatter, templates_of
from tests.pages.test_pages import AGENT, FIRST, POCI, VIEWER, WITHHELD, act, get
from tests.support.fact_builder import CALLER, TORONTO, Office, local, usual
from tests.support.pages_daemon import Site, person
from tests.unit.test_callbacks_listed import NIGHT, an_evening

HEADS = {
    "fr": ["À faire avant", "Reste", "Ligne", "Langue", "Reçu", "Tentatives", "Prise en charge", "Action"],
    "en": ["Due", "Left", "Line", "Language", "Received", "Attempts", "In hand", "Action"],
}
PATHS = {"fr": "/fr/rappels", "en": "/en/callbacks"}


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


def test_a_row_shows_language_messages_and_who_has_it(place: Site) -> None:
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
def test_a_message_without_a_number_says_so_in_place_of_a_due_time(
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


def test_what_is_due_today_is_for_today_and_tomorrows_for_later() -> None:
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
    reported = [WebFormatter(usual(), language, now).near(now + away) for language in ("fr", "en")]
    assert [x.replace("\N{NO-BREAK SPACE}", " ") for x in reported] == [french, english]


@pytest.mark.parametrize(
    ("language", "at", "left"),
    [
        ("fr", "à 9 h", ["59 min", "2 h 37 min", "1 j 2 h"]),
        ("en", "at 9 a.m.", ["59 min", "2 h 37 min", "1 d 2 h"]),
    ],
)
def test_a_time_of_the_day_and_a_length_are_not_written_alike(language: str, at: str, left: list[str]) -> None:
    formatter = WebFormatter(usual(), language, local("2026-11-24 17:00"))
    lengths = [timedelta(minutes=59), timedelta(hours=2, minutes=37), timedelta(hours=26)]
    shown = [formatter.at_time(local("2026-11-24 09:00")), *map(formatter.time_left, lengths)]
    assert [x.replace("\N{NO-BREAK SPACE}", " ") for x in shown] == [at, *left]


@pytest.mark.parametrize(
    ("now", "marked"), [("2026-11-24 16:30", ["later", ""]), ("2026-11-25 08:35", ["today", "▲"])]
)
def test_soon_has_its_sign_only_among_todays_callbacks(now: str, marked: list[str]) -> None:
    office = Office()
    office.hear(office.message(local("2026-11-24 09:00"))).tick(local(now))
    (one,) = office.kept.values()
    formatter = WebFormatter(usual(), "en", local(now))
    (group,) = groups([one], formatter)
    imported = templates_of("callmon.features.worklist").from_string(
        '{% import "_callback.html" as callback with context %}{{ callback.left(one, group == "today") }}'
    )
    cell = imported.render(one=one, group=group, formatter=formatter, say=formatter.say)
    assert (one.is_soon, [group, "".join(re.findall("▲", cell))]) == (True, marked)


# The button *Next for me*.


def next_for(place: Site, who: str, query: str = "") -> tuple[str, str]:
    """What a person gets by the button: the entry, or the sentence of the list."""
    with place.visitor(person(who, "agents")) as visitor:
        answer = visitor.post(f"/en/callbacks{query}", data={"csrf": place.csrf(visitor)})
        page = visitor.get(answer.headers["location"]).text
    found: list[tuple[str, str]] = re.findall(r"Entry (17\d+\.\d)|role=\"status\">(Nothing[^<]+)", page)
    return found[0]


def release_all(place: Site) -> None:
    for entry in (FIRST, POCI, WITHHELD):
        act(place, entry, action="release")


def test_next_gives_the_most_urgent_free_entry_and_then_a_sentence(place: Site) -> None:
    found = [next_for(place, who) for who in ("a.cote", "b.dion", "a.cote", "b.dion")]
    holders = [row(get(place, "/en/callbacks").text, entry)[6] for entry in (FIRST, POCI, WITHHELD)]
    release_all(place)
    nothing = "Nothing is left to take: each entry of this list is in hand."
    assert found == [(FIRST, ""), (POCI, ""), (WITHHELD, ""), ("", nothing)]
    assert holders == ["a.cote", "b.dion", "a.cote"]


def test_next_keeps_to_the_filters_of_the_list(place: Site) -> None:
    found = [next_for(place, "a.cote", query)[0] for query in ("?service=poci", "?language=fr")]
    release_all(place)
    assert found == [POCI, FIRST]


def test_two_people_who_press_next_at_once_get_two_entries(place: Site) -> None:
    with ThreadPoolExecutor(2) as both:
        found = sorted(both.map(lambda who: next_for(place, who)[0], ("a.cote", "b.dion")))
    release_all(place)
    assert found == [FIRST, POCI]


def test_next_is_offered_to_who_may_take_an_entry_that_is_free(place: Site) -> None:
    shown = [get(place, "/en/callbacks", who).text.count("Next for me") for who in (AGENT, VIEWER)]
    none = get(place, "/en/callbacks?service=poci&language=fr", AGENT).text.count("Next for me")
    assert (shown, none) == ([1, 0], 0)


# One callback.


STEPS = {
    "fr": ["1. Prendre en charge", "2. Voir le numéro et appeler", "3. Consigner le résultat"],
    "en": ["1. Take in hand", "2. See the number and call", "3. Record the result"],
}
RESULTS = {
    "fr": ["J’ai parlé à la personne", "J’ai laissé un message", "Pas de réponse"],
    "en": ["I spoke to the person", "I left a message", "No answer"],
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_an_entry_is_three_steps_in_order_and_the_rest_is_folded(place: Site, language: str) -> None:
    page = get(place, f"{PATHS[language]}/{FIRST}").text
    steps = page.partition('<ol class="steps">')[2].partition("</ol>")[0]
    assert [text(x) for x in re.findall(r"<h2.*?</h2>", steps)] == STEPS[language]
    results = steps.partition('class="results"')[2].partition("</p>")[0]
    assert [text(x) for x in re.findall(r"<button.*?</button>", results)] == RESULTS[language]
    (rest,) = re.findall(r'<details class="to-do">(.*?)</details>', page, re.DOTALL)
    assert [x in rest for x in ('value="mark"', 'value="close"')] == [True, True]


def test_the_one_solid_button_is_that_of_the_next_step(place: Site) -> None:
    def solid(page: str) -> list[str]:
        return [text(x) for x in re.findall(r'<button class="main">.*?</button>', page)]

    before, after = get(place, f"/en/callbacks/{FIRST}").text, act(place, FIRST, language="en", action="take").text
    act(place, FIRST, action="release")
    done = act(place, FIRST, language="en", action="close", reason="no-request").text
    act(place, FIRST, action="reopen", text="test")
    assert (solid(before), solid(after)) == (["Take in hand"], ["Show the number"])
    assert ("Show the number" in done, solid(done)) == (True, [])


def test_a_message_without_a_number_is_listened_to_and_its_forms_open(place: Site) -> None:
    page = get(place, f"/en/callbacks/{WITHHELD}").text
    assert re.findall(r"<h2>(\d.*?)</h2>", page) == ["1. Take in hand", "2. Listen to the message"]
    assert page.count('<details class="to-do" open>') == 1


REFUSED = [
    ({"action": "attempt", "result": "spoke", "when": "soon"}, "when", "Time of the call", ['value="soon"']),
    ({"action": "attempt"}, "r-spoke", "Result", []),
    ({"action": "mark", "text": "at night"}, "c-no_message", "Caution", ['value="at night"']),
    ({"action": "mark", "number": "12", "not_safe": "1"}, "other", "Other number to call",
     ['value="12"', 'name="not_safe" value="1" checked']),
    ({"action": "close", "reason": "otherwise"}, "close-text", "Reason, in a few words",
     ['value="otherwise" required checked']),
    ({"action": "close", "text": "moved"}, "x-no-request", "Reason to close the entry", ['value="moved"']),
    ({"action": "close", "reason": "unreachable", "text": "moved"}, "x-unreachable", "Reason to close the entry",
     ['value="moved"', 'value="unreachable" required checked']),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "at", "name", "kept"), REFUSED)
def test_a_refused_form_names_focuses_and_keeps_the_field_to_correct(
    place: Site, fields: dict[str, str], at: str, name: str, kept: list[str]
) -> None:
    answer = act(place, POCI, language="en", **fields)
    (invalid,) = re.findall(r"<(?:input|button)[^>]*aria-invalid[^>]*>", answer.text)
    assert [x in invalid for x in (f'id="{at}"', 'aria-describedby="refused" autofocus')] == [True, True]
    (message,) = re.findall(r'<p class="note over" id="refused" role="alert">.*?</p>', answer.text)
    assert text(message).endswith(f"To correct: {name}")
    assert (answer.status_code, [x in answer.text for x in kept]) == (409, [True] * len(kept))


def test_what_was_given_to_one_form_is_in_no_other(place: Site) -> None:
    page = act(place, POCI, language="en", action="close", reason="otherwise", text="")
    both = act(place, POCI, language="en", action="mark", text="at night")
    assert [len(re.findall('value="at night"', x.text)) for x in (page, both)] == [0, 1]


def test_an_entry_that_is_closed_is_opened_again_with_a_reason(place: Site) -> None:
    act(place, WITHHELD, action="close", reason="listened", text="rien")
    answer = act(place, WITHHELD, language="en", action="reopen")
    assert re.findall(r'<input[^>]*id="(\w+-text)"[^>]*aria-invalid="true"', answer.text) == ["reopen-text"]
    assert act(place, WITHHELD, language="en", action="reopen", text="le numéro y était").status_code == 200


def test_the_history_of_an_entry_has_none_of_the_same_calls_complaint() -> None:
    at = local("2026-11-24 10:00")
    office = Office()
    office.hear(office.message(at, call="4.0"))
    received = Received("4.0", at, "general", "fr")
    office.hand("complaint", at, "4.0-complaint", received=received, token=CALLER).hand("take", at, "4.0")
    histories = {
        name: len(
            callbacks._history(office.kept["toronto", name], office.entries, WebFormatter(usual(), "fr", at))
        )
        for name in ("4.0", "4.0-complaint")
    }
    assert (office.story(), histories) == (["Owed", "Owed", "Taken"], {"4.0": 2, "4.0-complaint": 1})
