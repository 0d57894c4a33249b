"""The pages as people with and without rights use them, without script: a real daemon, real forms."""

from __future__ import annotations

import html
import re
import socket
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from callmon.core.callbacks.commands import LONGEST
from callmon.site import FEATURES
from callmon.store import opening
from callmon.store.access import audit_events
from callmon.store.privacy import subject_access
from callmon.web.entries import page_table
from callmon.web.formatter import OTHER
from callmon.web.routing import prefers_english
from tests.support.fact_builder import CALLER
from tests.support.pages_daemon import (
    CALL,
    EVERYTHING,
    GAPPED,
    NUMBERS,
    SIGNED,
    Headers,
    Site,
    person,
    site,
)
from tests.support.store_fixtures import until

FIRST, POCI, WITHHELD = "1700000001.0", "1700000003.0", "1700000004.0"
VIEWER, AGENT = person("v.roy"), person("a.cote", "agents")
MANAGER = person("g.lavoie", "managers")
NOT_PAGES = ("live", "report", "style", "file", "signed file", "phones file")


def get(place: Site, path: str, headers: Headers = EVERYTHING) -> httpx.Response:
    with place.visitor(headers) as visitor:
        return visitor.get(path)


def addresses(language: str, place: Site) -> list[str]:
    """Every page that is read with GET, of something that there is."""
    parts = {"id": FIRST, "exchange": "toronto", "call": CALL, "month": place.month}
    pages = [one for one in page_table(FEATURES).values() if "GET" in one.methods and one.name not in NOT_PAGES]
    disruption = re.search(r'href="/fr/perturbations/([^"?]+)"', get(place, "/fr/perturbations").text)
    assert disruption is not None
    named = {"revision": SIGNED}
    found = [one.path(language, **named.get(one.name, parts)) for one in pages if one.name != "disruption"]
    return [*found, next(x for x in pages if x.name == "disruption").paths[language].format(id=disruption[1])]


# What is there.


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_is_there_in_its_language_and_links_to_its_twin(place: Site, language: str) -> None:
    for path, other in zip(addresses(language, place), addresses(OTHER[language], place), strict=True):
        answer = get(place, path)
        assert (path, answer.status_code, f'<html lang="{language}">' in answer.text) == (path, 200, True)
        assert re.search(rf'<p class="twin"><a href="{re.escape(other)}"', answer.text), path


@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_on_a_page_is_inline_and_no_unasked_number_is_shown(place: Site, language: str) -> None:
    for path in addresses(language, place):
        page = get(place, path).text
        assert re.findall(r"<style|<script(?! src)|\sstyle=|\son[a-z]+=", page) == [], path
        assert leaks(page) == [], path


def leaks(page: str) -> list[str]:
    """The callers' numbers that are anywhere in a page, however they are written."""
    digits = re.sub(r"\D", "", page)
    return [number for number in NUMBERS if number[2:] in digits]


@pytest.mark.parametrize(
    ("accepted", "english"),
    [
        ("", False), ("en", True), ("en-CA,en;q=0.9,fr;q=0.8", True), ("fr-CA,en;q=0.9", False), ("en;q=0", False),
        ("de", False), ("en;q=x", False), ("fr;q=0.5,en;q=0.6", True), ("en,fr", False),
    ],
)  # fmt: skip
def test_french_comes_first_unless_english_is_preferred(accepted: str, english: bool) -> None:
    assert prefers_english(accepted) is english


def test_the_front_door_leads_to_now(place: Site) -> None:
    answer = get(place, "/", EVERYTHING | {"Accept-Language": "en-CA"})
    assert (answer.status_code, answer.headers["location"]) == (302, "/en/")


# Who may.


def test_a_viewer_sees_phones_as_letters_and_a_manager_their_extensions(place: Site) -> None:
    path = f"/fr/appels/toronto/{CALL}"
    assert re.findall(r"Le poste\W(\w+)\W(?:répond|met)", get(place, path, VIEWER).text) == ["B", "B"]
    assert re.findall(r"Le poste\W(\w+)\W(?:répond|met)", get(place, path, MANAGER).text) == ["102", "102"]


# Callbacks.


def test_the_list_is_most_urgent_first_and_messages_stand_apart(place: Site) -> None:
    page = get(place, "/fr/rappels").text
    assert re.findall(r'<tbody id="g-(\w+)"', page)[-1] == "hidden"
    rows = re.findall(r'<tr id="r-toronto-(\d+)-0"', page)
    assert [int(row) - 1_700_000_000 for row in rows] == [1, 3, 4]  # the second is of the first's caller
    assert page.count("2 messages") == 1
    assert page.count(">numéro confidentiel</span>") == 1


def test_a_number_is_shown_after_the_access_was_logged(place: Site) -> None:
    act(place, FIRST, action="mark", no_message="1")
    with place.visitor(AGENT) as visitor:
        before = visitor.get(f"/fr/rappels/{FIRST}").text
        page = visitor.post(f"/fr/rappels/{FIRST}/numero", data={"csrf": place.csrf(visitor)}).text
    assert ("Afficher le numéro" in before, "tel:" in before) == (True, False)
    assert re.findall(r'<a href="tel:([^"]+)">([^<]+)</a>', page) == [
        (CALLER, "416 555-0101".replace(" ", "\N{NO-BREAK SPACE}"))
    ]
    assert page.index("Ne pas laisser de message") < page.index("tel:")
    assert re.findall(r"<p>(Heure locale de la personne[^<]+)</p>", page) == [
        "Heure locale de la personne : la même qu’ici".replace(" :", "\N{NO-BREAK SPACE}:")
    ]
    store = opening.open_with_keys(place.settings())
    looks = subject_access.accesses(store)
    store.close()
    assert [(look.who, look.command) for look in looks] == [("a.cote", f"pages {FIRST}")]


def test_a_number_that_is_withheld_is_not_shown_to_anybody(place: Site) -> None:
    with place.visitor(AGENT) as visitor:
        page = visitor.post(f"/fr/rappels/{WITHHELD}/numero", data={"csrf": place.csrf(visitor)}).text
    assert ("tel:" in page, "Numéro confidentiel" in page) == (False, True)


def act(place: Site, entry: str, headers: Headers = AGENT, language: str = "fr", **fields: str) -> httpx.Response:
    """What somebody does to an entry, and the page that they see then."""
    last = {"fr": f"/fr/rappels/{entry}/consigner", "en": f"/en/callbacks/{entry}/record"}[language]
    with place.visitor(headers) as visitor:
        answer = visitor.post(last, data={"csrf": place.csrf(visitor)} | fields)
        return visitor.get(answer.headers["location"]) if answer.status_code == 303 else answer


def refusals(page: httpx.Response) -> list[str]:
    return re.findall(r'role="alert"><span aria-hidden="true">■ </span>([^<]+)<', page.text)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"action": "attempt"}, "Say what came of the call."),
        ({"action": "attempt", "result": "spoke", "when": "soon"}, "Write the time as 10:12."),
        ({"action": "mark"}, "Nothing to note: tick a caution, or give a number."),
        ({"action": "mark", "number": "12"}, "This telephone number cannot be read; write it as 416-327-2422."),
        ({"action": "close"}, "Say why, in a few words."),
        ({"action": "reopen", "text": "x"}, "The entry is open already; there is nothing to reopen."),
        ({"action": "fly"}, "This form cannot be read."),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_nothing_is_done(
    place: Site, fields: dict[str, str], sentence: str
) -> None:
    page = act(place, POCI, language="en", **fields)
    assert (page.status_code, refusals(page)) == (409, [sentence])


def test_of_a_text_so_many_characters_are_stored(place: Site) -> None:
    page = act(place, FIRST, action="mark", no_message="1", text="Q" * (LONGEST["text"] + 1))
    assert re.findall("Q{9,}", page.text) == ["Q" * LONGEST["text"]]  # a token may have two or three of them


def test_a_call_that_was_not_received_settles_it_and_it_can_be_reopened(place: Site) -> None:
    page = act(place, POCI, action="attempt", result="spoke")
    assert re.findall(r"Rappel consigné à la main <span class=\"quiet\">\((\S+)\)", page.text) == ["a.cote"]
    assert POCI not in get(place, "/fr/rappels").text
    page = act(place, POCI, action="reopen", text="mauvaise personne")
    assert "a.cote\N{NO-BREAK SPACE}: mauvaise personne" in page.text
    assert POCI in get(place, "/fr/rappels").text


def test_another_number_is_called_then(place: Site) -> None:
    act(place, POCI, action="mark", number="416 555-0103", text="le soir")
    with place.visitor(AGENT) as visitor:
        page = visitor.post(f"/fr/rappels/{POCI}/numero", data={"csrf": place.csrf(visitor)}).text
    assert re.findall(r'href="tel:([^"]+)"', page) == ["+14165550103"]


def test_filters_leave_what_was_asked_for(place: Site) -> None:
    page = get(place, "/en/callbacks?language=fr").text
    assert re.findall(r'<tr id="r-toronto-(\d+)-0"', page) == ["1700000001"]
    assert re.findall(r'<tr id="r-toronto-(\d+)-0"', get(place, "/fr/rappels?ligne=poci").text) == ["1700000003"]


# Calls.


def lately(place: Site, path: str, day: str) -> str:
    """The page of today's calls, and that of yesterday's: by night they came before midnight."""
    today = datetime.now(place.settings().timezone).date()
    return "".join(get(place, f"{path}&{day}={today - n * timedelta(days=1)}").text for n in (0, 1))


def test_calls_of_a_day_come_the_latest_first_and_lead_to_their_story(place: Site) -> None:
    page = lately(place, "/fr/appels?issue=answered", "jour")
    found = re.findall(r'href="(/fr/appels/toronto/[^"]+)"', page)
    times = [float(path.rsplit("/", 1)[1].partition(".")[0]) for path in found if "/17955" in path]
    assert (len(times), times) == (12, sorted(times, reverse=True))


def test_a_search_by_what_boards_link_with_finds_the_calls_of_a_verdict(place: Site) -> None:
    met = lately(place, "/fr/appels?norme=answer_by_third_ring&verdict=met&ligne=general", "jour")
    missed = lately(place, "/en/calls?standard=answer_by_third_ring&verdict=not_met&line=general", "day")
    assert len(set(re.findall(r'href="(/fr/appels/toronto/[^"]+)"', met))) == 13
    assert [x for x in re.findall(r'href="/en/calls/toronto/([^"]+)"', missed) if x.startswith("17955")] == []


OUTCOMES = (
    "answered, voicemail_message, voicemail_no_message, voicemail, lost, unknown, busy, abandoned, announcement, "
    "no_answer, failed"
)
LINES = "general, general-toll-free, tty, tty-toll-free, poci, poci-toll-free"
UNKNOWN_NAMES = {
    "/fr/appels?ligne=generale": "Il n’y a pas de ligne « generale »; vouliez-vous dire « general »?",
    "/en/calls?line=nosuch": f'There is no line "nosuch"; there are {LINES}.',
    "/fr/appels?issue=x": f"Il n’y a pas d’issue « x »; choix possibles : {OUTCOMES}.",
    "/en/calls?outcome=answred": 'There is no outcome "answred"; did you mean "answered"?',
    "/fr/appels?norme=reach&verdict=met": "Il n’y a pas de norme « reach »; vouliez-vous dire « reach_a_person »?",
    "/en/calls?standard=reach_a_person&verdict=y": (
        'There is no verdict "y"; there are met, not_met, exempt, unknown.'
    ),
    "/fr/rappels?ligne=4165550101": f"Il n’y a pas de ligne « … »; choix possibles : {LINES}.",
    "/en/callbacks?service=nosuch": 'There is no service "nosuch"; there are general_inquiries, poci.',
    "/fr/rappels?langue=de": "Il n’y a pas de langue « de »; choix possibles : fr, en, other, unknown.",
    "/en/callbacks?state=late": 'There is no state "late"; there are overdue, untaken, mine.',
}


@pytest.mark.parametrize("path", list(UNKNOWN_NAMES))
def test_a_filter_by_an_unknown_name_is_refused_with_the_known_names(place: Site, path: str) -> None:
    answer = get(place, path)
    (note,) = re.findall(r'<p class="note over"><span aria-hidden="true">■ </span>(.*)</p>', answer.text)
    reported = html.unescape(note).replace("\u202f", " ").replace("\u00a0", " ")
    assert (answer.status_code, reported) == (404, UNKNOWN_NAMES[path])


def test_the_calls_of_a_standard_of_callbacks_are_those_that_it_judged(place: Site) -> None:
    page = get(place, "/fr/appels?norme=callback_in_french").text
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["callback_in_french"]
    assert re.findall(r'href="(/fr/appels/toronto/[^"]+)"', page) == []


def test_a_part_of_a_search_that_cannot_be_read_is_the_first(place: Site) -> None:
    assert get(place, "/fr/appels?page=zzz").text.count("<h1>Appels</h1>") == 1


def test_a_gap_is_drawn_and_reported_as_a_gap(place: Site) -> None:
    page = get(place, f"/en/calls/toronto/{GAPPED}").text
    assert (page.count('<rect class="gap"'), "measuring interrupted: nothing is known" in page) == (
        3,
        True,
    )  # wide, narrow, key


def test_what_is_not_there_is_said_and_not_guessed(place: Site) -> None:
    for path in ("/fr/appels/toronto/1.0", "/fr/rappels/1.0", "/fr/perturbations/x", "/fr/mois/2099-01"):
        assert (path, get(place, path).status_code) == (path, 404)


# Disruptions.


def tell(place: Site, path: str, **fields: str) -> httpx.Response:
    with place.visitor(MANAGER) as visitor:
        token = place.csrf(visitor, "/en/disruptions")
        answer = visitor.post(path, data={"csrf": token} | fields)
        return visitor.get(answer.headers["location"]) if answer.status_code == 303 else answer


def test_a_disruption_is_announced_changed_and_ended(place: Site) -> None:
    assert refusals(tell(place, "/en/disruptions", action="announce")) == ["Say which lines are affected."]
    page = tell(place, "/en/disruptions", action="announce", line="tty", reason_en="power failure")
    path = page.request.url.path
    assert (page.status_code, "Reason: power failure" in page.text) == (200, True)
    page = tell(place, path, action="announce", reason_fr="panne de courant", reason_en="no power")
    assert "Reason: no power" in page.text
    assert refusals(tell(place, path, action="announce", until="yesterday")) == [
        "A time cannot be read; write it as 2026-11-24 10:12."
    ]
    page = tell(place, path, action="end")
    assert ("It is on record." in page.text, "End the disruption" in page.text) == (True, False)


def test_the_frame_of_a_disruption_says_whether_its_notice_is_complete(place: Site) -> None:
    def shown(page: str) -> tuple[list[str], list[str]]:
        """The frame of the disruption, and what its button says."""
        part = next(x for x in page.split('<div class="disruption')[1:] if "no power" in x)
        return re.findall(r'^([^"]*)"', part), re.findall(r'class="button"[^>]*>([^<]+)<', part)

    def whole() -> tuple[list[str], list[str]]:
        with place.visitor(MANAGER) as visitor:
            return shown(visitor.get("/en/disruptions").text)

    path = tell(place, "/en/disruptions", action="announce", line="tty", reason_en="no power").request.url.path
    incomplete = whole()
    texts = {"reason_fr": "panne", "reason_en": "no power", "alternative_fr": "écrivez", "alternative_en": "write"}
    tell(place, path, action="announce", lasts="4", **texts)
    complete = whole()
    tell(place, path, action="end")
    assert (incomplete, complete) == (([""], ["See or announce"]), ([" complete"], ["See or announce"]))
    assert whole() == ([" over-now"], ["See"])


# Months.


def test_a_report_is_made_beside_the_daemon_and_has_nothing_inline(place: Site) -> None:
    with place.visitor(MANAGER) as visitor:
        token = place.csrf(visitor, f"/en/months/{place.month}")
        fields = {"csrf": token, "kind": "html", "edition": "internal"}
        asked = visitor.post(f"/en/months/{place.month}", data=fields)
        path = asked.headers["location"]
        assert until(lambda: "The report is ready" in visitor.get(path).text)
        page = visitor.get(path).text
        (file,) = re.findall(r'<a href="([^"?]+)">Read the report', page)
        report = visitor.get(file)
        style = visitor.get(file.rsplit("/", 1)[0] + "/style.css")
    assert (report.status_code, "<style" in report.text, "style=" in report.text) == (200, False, False)
    assert style.headers["content-type"].startswith("text/css")
    assert get(place, file, VIEWER).status_code == 403
    store = opening.open_with_keys(place.settings())
    taken = [audit_event.about for audit_event in audit_events(store) if audit_event.act == "report file"]
    store.close()
    assert taken == [" ".join(file.split("/")[-3:])]


# Live.


def test_a_view_is_sent_each_second_and_ends_when_callmon_stops(tmp_path: Path) -> None:
    with site(tmp_path) as running, running.visitor() as visitor:
        with visitor.stream("GET", "/en/live?view=now") as answer:
            lines = answer.iter_lines()
            first = next(line for line in lines if line.startswith("event:"))
            assert (first, answer.headers["content-type"]) == ("event: part", "text/event-stream; charset=utf-8")
            assert next(line for line in lines if "<h2" in line).startswith("data: <h2")
        assert visitor.get("/en/live?view=nothing").status_code == 404
        wires = [_opened(running) for _ in range(20)]
        assert all(wire.recv(20).startswith(b"HTTP/1.1 200") for wire in wires)
        assert running.stop() == 0
        for wire in wires:
            wire.close()


def _opened(running: Site) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", running.web_port))
    head = "".join(f"{name}: {value}\r\n" for name, value in EVERYTHING.items())
    wire.sendall(f"GET /fr/direct?view=wall HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
    return wire
