"""`callmon what-if`, `staffing`, `why`, `needs` on a simulated quarter of a line whose phones ring."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import load
from callmon.core.replay.record import Rule, SeenDay
from callmon.core.replay.what_if import CONFIDENCE, WORLDS, what_if
from callmon.core.statistics.period import midnight
from callmon.features.questions.job import QuestionRequest
from callmon.main import main
from callmon.store import opening
from callmon.store.queries.seen_days import DayReader
from tests.support.fact_builder import CALLER, TORONTO, Office, local
from tests.support.ringing_site import FIRST, make_site, stop_clock, working_days
from tests.support.ringing_world import RingingSite, counts, declined, simulated
from tests.support.store_fixtures import wrote

SITE = RingingSite(seed=5, days=45, calls_a_day=40, phones=4, rule=Rule(ring=15_000, voicemail=24_000))
BAD_DAY = 44  # with one phone only
*DATES, UNEXPLAINED = working_days(FIRST, 46)
STAFF = 'staff = [{ extension = "104", languages = ["fr"] }]\n'
NOW = datetime(2026, 12, 20, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def days() -> list[SeenDay]:
    usual = simulated(SITE)
    bad = simulated(RingingSite(seed=6, days=1, calls_a_day=40, phones=1, rule=SITE.rule))
    return [*usual[:BAD_DAY], *bad, declined(usual[BAD_DAY])]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, days: list[SeenDay]) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    make_site(folder, sqlite_template, days, STAFF)
    return folder


@pytest.fixture(autouse=True)
def today(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    monkeypatch.setenv("CALLMON_QUESTIONS", '["what-if", "staffing", "why", "needs"]')
    monkeypatch.chdir(site)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def answer(*words: str) -> dict[str, Any]:
    done = run(*words, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


PERIOD = (str(DATES[0]), str(DATES[19]))
LATER = ("--set", "voicemail_rings=5")


def test_what_if_answers_with_its_own_rule_and_spans(days: list[SeenDay]) -> None:
    found, truth = answer("what-if", *PERIOD, *LATER), counts(days[:20])
    keys = ("from", "to", "set", "said", "why_not", "confidence", "worlds", "seed")
    assert {key: found[key] for key in keys} == {
        "from": PERIOD[0], "to": PERIOD[1], "set": {"voicemail_rings": "5"}, "said": True, "why_not": None,
        "confidence": CONFIDENCE, "worlds": WORLDS, "seed": 1,
    }  # fmt: skip
    assert found["own_rule"] == truth | {"judged": found["own_rule"]["judged"]}
    assert found["seen_until_seconds"] == {"patience": 23.838, "pickup": 15.0}
    assert found["changed"]["answered"]["low"] < found["changed"]["answered"]["high"]
    assert len(found["assumptions"]) == 4


def test_what_if_of_the_own_setting_changes_nothing() -> None:
    found = answer("what-if", *PERIOD, "--set", "voicemail_rings=4", "--line", "general")
    for name, one in found["changed"].items():
        assert one == dict.fromkeys(("low", "middle", "high"), found["own_rule"][name])


@pytest.mark.parametrize(
    "change",
    [
        "strategy=ringall",
        "ring_seconds=12",
        "phones=-3@11:00-13:00",
        "phones=-3@mon 11:00-13:00",
        "pickup=-20%",
        "hours=9:30-16:00",
    ],
)
def test_what_if_takes_each_setting_and_the_core_answers(change: str, site: Path) -> None:
    found = answer("what-if", *PERIOD, "--set", change)
    assert found["set"] == dict([change.split("=", 1)])
    assert found["changed"]["answered"]["middle"] != found["own_rule"]["answered"]
    if change.startswith("strategy"):
        store = opening.open_for_writing(load("callmon.toml"))
        read = DayReader(TORONTO).read_days(store, DATES[0], DATES[19])
        store.close()
        expected = what_if(read, lambda own: replace(own, strategy="ringall", ring=None, gap=0))
        assert found["changed"]["answered"]["middle"] == expected.changed["answered"].middle


def test_phones_of_a_language_are_those_of_the_staff_who_speak_it() -> None:
    found = answer("what-if", *PERIOD, "--set", "phones=-1:fr@11:00-13:00", "--lang", "en")
    store = opening.open_for_writing(load("callmon.toml"))
    read = DayReader(TORONTO, speaks=lambda exchange, phone, at: phone == "104").read_days(
        store, DATES[0], DATES[19]
    )
    store.close()
    span = (11 * 3_600_000, 13 * 3_600_000)
    expected = what_if(read, lambda own: replace(own, added=(-1, span), speaking=True))
    assert found["set"] == {"phones": "-1:fr@11:00-13:00"}
    assert found["changed"]["answered"]["middle"] == expected.changed["answered"].middle
    assert found["changed"]["answered"]["middle"] < found["own_rule"]["answered"]
    assert found["assumptions"][4:] == [
        "Which phone is missing is not known: each is missing with the same chance, and the span includes that.",
        "The phones of a language are assumed to ring for the same callers as in the period.",
        "A phone without an entry in [[staff]] counts as one that does not speak the language.",
    ]
    silent = answer("what-if", *PERIOD, "--set", "phones=+2:fr@11:00-13:00", "--lang", "fr")
    assert silent["why_not"].count(" 1 de plus ou de moins pour phones") == 1


SILENT = {
    "fr": ("{calls} appels seulement : trop peu pour conclure. Il en faut au moins 100.\n"),
    "en": ("{calls} calls only: too few to say. From 100 calls on.\n"),
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_if_is_silent_of_few_calls_and_of_what_was_never_tried(language: str, days: list[SeenDay]) -> None:
    few = run("what-if", str(DATES[0]), str(DATES[1]), *LATER, "--lang", language)
    calls = len(days[0].calls) + len(days[1].calls)
    assert (few.exit_code, few.stdout) == (0, SILENT[language].format(calls=calls))
    found = answer("what-if", *PERIOD, "--set", "voicemail_rings=12", "--lang", language)
    assert sorted(found) == ["from", "said", "set", "to", "why_not"]
    assert found["why_not"].startswith(
        {"fr": "Jamais essayé : au plus 8 ", "en": "Never tried: at most 8 "}[language]
    )


def test_what_if_does_not_show_a_number_for_what_voicemail_cannot_move() -> None:
    text = run("what-if", *PERIOD, *LATER, "--lang", "en").stdout
    assert re.search(
        r"^third ring kept +\d+ +does not depend on it: voicemail comes after the third ring$", text, re.M
    )
    assert "does not depend" not in run("what-if", *PERIOD, "--set", "strategy=ringall", "--lang", "en").stdout


def test_why_names_the_phones_of_a_day_with_one_phone() -> None:
    found = answer("why", str(DATES[BAD_DAY]))
    assert (found["unusual"], found["parts"][0]["part"], found["usual"]["days"]) == (True, "phones", 20)
    assert sum(part["points"] for part in found["parts"]) == pytest.approx(found["change"], abs=1e-9)
    assert found["today"]["rate"] == found["today"]["met"] / (found["today"]["met"] + found["today"]["not_met"])
    (call, *_) = found["parts"][0]["calls"]
    assert run("explain", call).exit_code == 0


def test_why_prints_points_that_add_up() -> None:
    lines = run("why", str(DATES[BAD_DAY]), "--lang", "en").stdout.splitlines()
    reported = re.fullmatch(
        r"(\d+)%, usually (\d+)%: ([\d.]+) points lower, more than a normal day varies\.", lines[0]
    )
    assert reported is not None
    points = [float(line.split()[-1]) for line in lines[1:-1]]
    assert sum(points) == pytest.approx(-float(reported[3]), abs=0.051)


WITHIN = {"en": ": within the usual spread.", "fr": " habituellement : écart habituel."}
SEES = {
    "en": ["This difference is not explained by what callmon sees.", "Calls that missed the third ring:"],
    "fr": ["Ce que callmon observe n’explique pas cet écart.", "Appels non pris avant la quatrième sonnerie :"],
}


@pytest.mark.parametrize("language", SEES)
def test_why_of_a_day_without_a_cause_names_its_calls_and_no_part(language: str, days: list[SeenDay]) -> None:
    found = answer("why", str(UNEXPLAINED), "--lang", language)
    (other,) = found["parts"]
    assert (found["unusual"], found["why_not"], other["part"]) == (True, SEES[language][0], "other")
    assert (other["points"], len(other["calls"])) == (found["change"], found["today"]["not_met"])
    lines = run("why", str(UNEXPLAINED), "--lang", language).stdout.splitlines()
    assert lines[1:3] == SEES[language]
    begin = midnight(UNEXPLAINED, TORONTO)
    arrivals = [begin + timedelta(milliseconds=call.at) for call in days[-1].calls if call.wait >= 18_000]
    assert [line.split("  ") for line in lines[3:]] == [
        [f"{at.astimezone(TORONTO):%Y-%m-%d %H:%M:%S}", call]
        for at, call in zip(arrivals, other["calls"], strict=True)
    ]


def test_why_is_silent_of_a_usual_day() -> None:
    found = answer("why", str(DATES[30]))
    assert (found["unusual"], found["why_not"]) == (False, None)
    text = run("why", str(DATES[30]), "--lang", "fr").stdout
    assert text.endswith(f"{WITHIN['fr']}\n")
    assert run("why", "2026-10-03", "--lang", "en").stdout.startswith("Too few calls or days to compare")


NOON = {
    "en": "The day is not over: it is counted until noon, as usual days are.",
    "fr": "La journée n’est pas terminée : elle est comptée jusqu’à 12 h, comme les jours habituels.",
}


def test_a_usual_morning_is_within_the_spread_of_usual_mornings(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every_morning_is_bad = simulated(replace(SITE, days=13, calls_a_day=80))
    make_site(tmp_path, sqlite_template, [*map(declined, every_morning_is_bad)])
    monkeypatch.chdir(tmp_path)
    today = working_days(FIRST, 13)[-1]
    stop_clock(monkeypatch, local(f"{today} 12:00:59"))
    found = answer("why", "today")
    assert (found["until"], found["unusual"]) == (f"{local(f'{today} 12:00'):%Y-%m-%dT%H:%M:%SZ}", False)
    assert 20 <= found["today"]["met"] + found["today"]["not_met"] <= 50
    for language, until in NOON.items():
        rate, said = run("why", "today", "--lang", language).stdout.replace(NO_BREAK, " ").splitlines()
        assert (rate.endswith(WITHIN[language]), said) == (True, until)
        asked = QuestionRequest("why", language, {"day": str(today), "line": ""})
        with closing(opening.open_for_writing(load("callmon.toml"))) as store:
            ((_, page),) = asked.make(store, load("callmon.toml"), lambda share: None)
        assert [x.replace(NO_BREAK, " ") for x in json.loads(page)["sentences"]] == [rate, said]
    stop_clock(monkeypatch, local(f"{today} 12:00:59") + timedelta(days=1))
    whole = answer("why", "yesterday")
    assert (whole["day"], whole["until"], whole["unusual"]) == (str(today), None, False)
    assert whole["usual"]["rate"] - found["usual"]["rate"] > 0.2  # beside whole days the morning would be unusual


def test_staffing_gives_each_half_hour_of_the_days_to_come() -> None:
    found = answer("staffing", "2026-12-15", "--days", "2", "--known-until", str(DATES[-1]), "--target", "0.7")
    rows = found["half_hours"]
    assert {row["day"] for row in rows} == {"2026-12-15", "2026-12-16"}
    assert all(
        row["said"] and row["calls"]["low"] <= row["calls"]["middle"] <= row["calls"]["high"] for row in rows
    )
    total = sum(row["calls"]["middle"] for row in rows) / 2
    assert total == pytest.approx(SITE.calls_a_day, rel=0.25)
    assert {row["usual_phones"] for row in rows if row["slot"] == "11:30"} <= {1, 2, 3, 4}
    assert all(row["reach"] >= 0.7 or row["out_of_reach"] for row in rows)


def test_staffing_reads_nothing_later_than_what_is_known(site: Path) -> None:
    words = ("staffing", "2026-12-10", "--days", "1", "--known-until", str(DATES[40]), "--target", "0.7")
    before = answer(*words)
    store = opening.open_for_writing(load("callmon.toml"))
    office = Office()
    office._n = 100_000  # names that no stored call has
    at = local("2026-12-19 10:00")
    office.hear(*(office.call_in(at + timedelta(seconds=n), CALLER) for n in range(200)))
    wrote(store, *office.outcomes)
    store.close()
    assert answer(*words) == before


def test_staffing_of_a_queue_is_erlangs() -> None:
    rows = answer("staffing", "2026-12-15", "--days", "1", "--known-until", str(DATES[-1]), "--within", "20")[
        "half_hours"
    ]
    assert all(row["reach"] >= 0.9 and not row["out_of_reach"] for row in rows)


def test_staffing_is_silent_of_a_short_record() -> None:
    found = answer("staffing", str(DATES[20]), "--days", "1", "--known-until", str(DATES[19]), "--lang", "en")
    assert [(row["said"], row["why_not"]) for row in found["half_hours"]] == [
        (False, "Fewer than eight weeks of calls are known: nothing is estimated.")
    ]
    closed = run("staffing", "2026-12-26", "--days", "1", "--lang", "en")
    assert closed.stdout == "The service is closed on these days.\n"


def test_needs_counts_the_callers_of_the_period(days: list[SeenDay]) -> None:
    found = answer("needs", *PERIOD)
    calls = sum(len(day.calls) for day in days[:20])
    assert found["needs"] <= found["tries"] <= calls
    assert found["met_at_first"] <= found["met"] <= found["needs"]
    assert found["gave_up"] == counts(days[:20])["abandoned"]
    assert found["unknown_number"] == 0
    assert answer("needs", *PERIOD, "--service", "poci")["needs"] == 0


def test_needs_says_it_in_both_languages() -> None:
    french = run("needs", *PERIOD, "--lang", "fr").stdout
    assert re.match(
        r"Sur 100 personnes qui ont appelé, \d+ ont joint une personne en 24 heures, "
        r"dont \d+ en un seul appel; \d+, non\.\n",
        french,
    )
    english = run("needs", *PERIOD, "--lang", "en").stdout
    assert re.match(
        r"\d+ of 100 callers reached a person within 24 hours, \d+ of them with one call; \d+ did not\.\n",
        english,
    )
    empty = run("needs", "2026-01-05", "2026-01-06", "--lang", "en").stdout
    assert empty.startswith("No call from a known number, in opening hours.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("what-if", *PERIOD, "--set", "strategy=ringall"),
        ("what-if", *PERIOD, "--set", "phones=-1:fr@11:00-13:00"),
        ("why", str(DATES[BAD_DAY])),
        ("staffing", "2026-12-15", "--days", "1", "--known-until", str(DATES[-1])),
        ("needs", *PERIOD),
    ],
    ids=lambda words: " ".join(words[:1] + words[4:]),
)
def test_no_answer_has_an_extension_or_a_number(words: tuple[str, ...]) -> None:
    for shown in (run(*words).stdout, run(*words, "--json").stdout):
        without_calls = re.sub(r'"\d{10}\.\d+"', "", shown)
        assert re.search(r"PJSIP|416555|\"phone\"|extension", without_calls) is None


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("what-if", "2026-10-01 2026-10-02 --set voicemail_rings=5"),
        ("staffing", ""),
        ("why", "yesterday"),
        ("needs", "2026-10-01 2026-10-02"),
    ],
)
def test_a_question_is_off_until_the_configuration_names_it(
    question: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [name for name in ("what-if", "staffing", "why", "needs") if name != question]
    monkeypatch.setenv("CALLMON_QUESTIONS", json.dumps(others))
    done = run(question, *words.split(), "--lang", "en")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"`callmon {question}` is off: tell the staff first (PRIVACY.md), "
        f'then add "{question}" to questions in the configuration.\n'
    )


def test_the_staffing_of_a_spreadsheet_and_of_a_calendar_are_the_same() -> None:
    day = str(DATES[44])
    rows = [row for row in answer("staffing", day, "--days", "2")["half_hours"] if not row["out_of_reach"]]
    table = run("staffing", day, "--days", "2", "--format", "csv").stdout.splitlines()
    head = table[0].split(",")
    read = [dict(zip(head, line.split(","), strict=True)) for line in table[1:]]
    assert [(row["slot"], row["phones"]) for row in read if row["phones"]] == [
        (row["slot"], str(row["phones"])) for row in rows
    ]
    events = icalendar.Calendar.from_ical(run("staffing", day, "--days", "2", "--format", "ics").stdout).walk(
        "VEVENT"
    )
    lengths = [(event.end - event.start) / timedelta(minutes=30) for event in events]
    phones = [int(str(event["SUMMARY"]).rpartition(" ")[2]) for event in events]
    assert sum(lengths) == len(rows)
    assert sum(n * phone for n, phone in zip(lengths, phones, strict=True)) == sum(row["phones"] for row in rows)
