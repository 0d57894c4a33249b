"""Today by the half-hour below *Now*, from rows made by hand: what is compared, and what is not claimed."""

from __future__ import annotations

import html
import re
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from callmon.config.phone_numbers import NO_BREAK
from callmon.config.settings import Settings
from callmon.core.calls.call import OutcomeName
from callmon.core.statistics.aggregates import NOBODY_FREE, Cell, of_call
from callmon.core.statistics.coverage import Coverage
from callmon.core.verdicts import Cause, Finding
from callmon.features.now.half_hours import CAUSE, Half, Missed, SameTime, TodayHalfHours, days, today, view
from callmon.site import FEATURES
from callmon.store.database import Database, upgrade
from callmon.store.queries import half_hours
from callmon.store.queries.half_hours import HalfHourCounts
from callmon.store.rollups import rebuild
from callmon.web.context import PageContext
from callmon.web.entries import page_table
from callmon.web.formatter import WebFormatter
from tests.support.fact_builder import local, usual
from tests.support.store_fixtures import account, answered_call, outcomes, wrote
from tests.support.year import rows as year_rows

TUESDAY, TODAY = local("2026-11-24 10:10"), date(2026, 11, 24)
LONG_AGO = local("2026-01-01 00:00")
HEARD = {"toronto": None}
NINE = "half_hour.offered", "09:00"


def listening(*gaps: tuple[datetime, datetime]) -> dict[str, Coverage]:
    return {"toronto": Coverage(LONG_AGO, TUESDAY, gaps)}


def counted(
    days: dict[str, dict[str, dict[tuple[str, str], int]]], *gaps: tuple[datetime, datetime]
) -> HalfHourCounts:
    found = {date.fromisoformat(day): {x: Counter(y) for x, y in lines.items()} for day, lines in days.items()}
    return HalfHourCounts(found, listening(*gaps))


def tuesdays(*offered: int) -> dict[str, dict[str, dict[tuple[str, str], int]]]:
    """So many calls at nine of the last Tuesday, the one before …; none of the day itself."""
    return {
        (TODAY - timedelta(weeks=n)).isoformat(): {"general": {NINE: calls}} for n, calls in enumerate(offered, 1)
    }


def half(reported: TodayHalfHours, clock: str) -> Half:
    (found,) = [one for one in reported.halves if f"{one.begin.astimezone(usual().timezone):%H:%M}" == clock]
    return found


def made(found: HalfHourCounts, at: datetime = TUESDAY, settings: Settings | None = None) -> TodayHalfHours:
    return today(found, HEARD, settings or usual(), at)


# What is compared.


def test_a_half_hour_stands_beside_the_median_of_the_same_weekday() -> None:
    reported = half(
        made(counted(tuesdays(3, 9, 4, 4, 4, 4, 5, 5) | {"2026-11-24": {"general": {NINE: 5}}})), "09:00"
    )
    assert (reported.offered, reported.usual, reported.state, reported.is_heard, reported.is_open) == (
        5,
        4,
        "over",
        True,
        True,
    )


def test_a_weekday_without_a_call_counts_as_none_and_not_as_missing() -> None:
    assert half(made(counted(tuesdays(6, 6))), "09:00").usual == 0


def test_an_earlier_half_hour_that_was_unheard_is_no_part_of_the_median() -> None:
    gaps = [
        (local(f"2026-{day} 09:10"), local(f"2026-{day} 09:11"))
        for day in ("11-10", "11-03", "10-27", "10-20", "10-13", "10-06", "09-29")
    ]
    gapped = made(counted(tuesdays(6, 100, 100), *gaps[:5]))
    assert half(gapped, "09:00").usual == 0  # 6, 0, 0: the two of September and October that were heard
    assert half(made(counted(tuesdays(6, 100, 100), *gaps)), "09:00").usual is None  # one is not enough
    assert half(gapped, "09:30").usual == 0


def test_a_day_with_other_hours_is_compared_with_none_that_had_these() -> None:
    """Monday 7 September was closed, and so is Monday 12 October: the Mondays between are no measure for it."""
    calls = {f"2026-{day}": {"general": {NINE: 9}} for day in ("10-05", "09-28", "09-21", "09-14")}
    reported = made(counted(calls | {"2026-10-12": {"general": {NINE: 1}}}), local("2026-10-12 12:00"))
    assert [(one.offered, one.usual, one.is_open) for one in reported.halves] == [(1, None, False)]


def test_in_the_first_weeks_there_is_no_median() -> None:
    new = HalfHourCounts(counted(tuesdays(3, 9)).days, {"toronto": Coverage(local("2026-11-09 12:00"), TUESDAY)})
    assert {one.usual for one in made(new).halves} == {None}


def test_an_exchange_that_was_never_received_leaves_nothing_to_claim() -> None:
    reported = today(HalfHourCounts({}, {}), {"toronto": LONG_AGO}, usual(), TUESDAY)
    assert {(one.is_heard, one.usual) for one in reported.halves if one.state != "ahead"} == {(False, None)}


# What is shown of today.


def test_it_shows_the_opening_hours_and_counts_the_calls_outside_them() -> None:
    calls = {("half_hour.offered", at): n for at, n in (("06:30", 1), ("08:00", 2), ("17:00", 4))}
    reported = made(counted({"2026-11-24": {"general": calls}}), local("2026-11-24 18:00"))
    shown = [f"{one.begin.astimezone(usual().timezone):%H:%M}" for one in reported.halves]
    assert (shown[0], shown[-1], len(shown)) == ("08:30", "16:30", 17)
    assert (reported.before, reported.after) == (3, 4)
    assert "Calls before opening: 3 · Calls after closing: 4" in words(reported, "en")
    outside = [
        "/en/calls?day=2026-11-24&to=08%3A30&mode=voice",
        "/en/calls?day=2026-11-24&from=17%3A00&mode=voice",
    ]
    assert links(reported, "en")[:2] == outside


def test_the_usual_number_of_closed_hours_does_not_make_the_chart_longer() -> None:
    night = {
        (TODAY - timedelta(weeks=n)).isoformat(): {"general": {("half_hour.offered", "03:00"): 9}}
        for n in range(1, 9)
    }
    assert f"{made(counted(night)).halves[0].begin.astimezone(usual().timezone):%H:%M}" == "08:30"


def test_a_usual_number_that_is_none_all_day_is_not_drawn() -> None:
    assert 'class="tick"' not in page(made(counted({})), "fr").split("</svg>")[0]
    assert "ombre habituel" not in words(made(counted({}))).partition("Le tableau")[2]
    assert 'class="tick"' in page(made(counted(tuesdays(4, 4, 4, 4, 4, 4, 4, 4))), "fr").split("</svg>")[0]


def test_of_this_half_hour_and_later_ones_nothing_early_is_claimed() -> None:
    reported = made(counted({}))
    assert [half(reported, clock).state for clock in ("09:30", "10:00", "10:30")] == ["over", "now", "ahead"]


def test_half_hours_in_which_an_exchange_was_unreceived_are_marked() -> None:
    reported = made(
        counted({"2026-11-24": {"general": {NINE: 2}}}, (local("2026-11-24 09:20"), local("2026-11-24 09:40")))
    )
    assert [half(reported, clock).is_heard for clock in ("08:30", "09:00", "09:30", "10:00")] == [
        True,
        False,
        False,
        True,
    ]
    silent = today(counted({}), {"toronto": local("2026-11-24 09:45")}, usual(), TUESDAY)
    assert [half(silent, clock).is_heard for clock in ("09:00", "09:30", "10:00")] == [True, False, False]


def test_calls_of_tty_lines_are_never_counted_with_others() -> None:
    found = counted(
        {"2026-11-24": {"general": {NINE: 2, (CAUSE, "other"): 1}, "tty": {NINE: 7, (CAUSE, "other"): 3}}}
    )
    assert (half(made(found), "09:00").offered, made(found).missed) == (2, (Missed("other", 1, 3),))


def test_on_the_day_of_the_double_hour_every_moment_has_one_half_hour() -> None:
    calls = {("half_hour.offered", x): 1 for x in ("00:30", "01:00", "01:30", "02:00")}
    reported = made(counted({"2026-11-01": {"general": calls}}), local("2026-11-01 12:00"))
    assert [x.offered for x in reported.halves] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("outcome", "cause", "count"),
    [("no_answer", "nobody_free", 1), ("no_answer", "rang_unanswered", 0), ("answered", "nobody_free", 0)],
)
def test_nobody_was_free_for_the_unanswered_calls_with_this_cause(
    outcome: OutcomeName, cause: Cause, count: int
) -> None:
    begin = local("2026-11-24 09:00")
    call = msgspec.structs.replace(account(answered_call(0, begin)), outcome=outcome)
    missed = Finding(
        call.call, begin, "answer_by_third_ring", "general", "fr", True, "not_met", "given_up", None, cause
    )
    cell = Cell()
    of_call(cell, call, [missed], begin.astimezone(usual().timezone))
    assert cell.counts[NOBODY_FREE, "09:00"] == count


# Today beside earlier days.


def counts(**calls: int) -> dict[str, dict[tuple[str, str], int]]:
    """Calls of nine o'clock on a voice line, and as many of ten, which is not over."""
    return {"general": {(f"half_hour.{name}", at): n for name, n in calls.items() for at in ("09:00", "10:00")}}


def test_today_stands_beside_yesterday_and_last_week_at_this_time() -> None:
    found = counted(
        {
            "2026-11-24": counts(offered=5, answered=4, met=3, not_met=1),
            "2026-11-23": counts(offered=7, answered=6, met=6, not_met=0),
            "2026-11-17": counts(offered=29, answered=29, met=4, not_met=16),
        }
    )
    assert made(found).until == local("2026-11-24 10:00")
    assert made(found).beside == (
        SameTime(TODAY, 5, 4, 3, 1),
        SameTime(date(2026, 11, 23), 7, 6, 6, 0),
        SameTime(date(2026, 11, 17), 29, 29, 4, 16),
    )
    assert (
        "Aujourd’hui et les jours d’avant, jusqu’à 10 h : lignes vocales "
        "Jour Appels reçus Réponses en personne 3e sonnerie Aujourd’hui 5 4 3 sur 4 "
        "Lundi 23 novembre 2026 7 6 6 sur 6 Mardi 17 novembre 2026 29 29 4 sur 20 (20,0 %)"
    ) in words(made(found))


def test_the_day_before_is_the_last_one_with_the_same_hours() -> None:
    """Monday 23 November stands beside Friday: the weekend is closed."""
    reported = made(counted({}), local("2026-11-23 12:00"))
    assert [one.day.isoformat() for one in reported.beside] == ["2026-11-23", "2026-11-20", "2026-11-16"]


@pytest.mark.parametrize(
    ("gap", "left"),
    [
        (("2026-11-24 09:20", "2026-11-24 09:21"), []),
        (("2026-11-23 09:20", "2026-11-23 09:21"), ["2026-11-24", "2026-11-17"]),
        (("2026-11-23 14:20", "2026-11-23 14:21"), ["2026-11-24", "2026-11-23", "2026-11-17"]),
    ],
)
def test_a_day_with_a_gap_until_that_time_of_day_is_not_compared(gap: tuple[str, str], left: list[str]) -> None:
    begin, end = map(local, gap)
    assert [one.day.isoformat() for one in made(counted({}, (begin, end))).beside] == left


def test_before_the_first_half_hour_is_over_nothing_is_compared() -> None:
    reported = made(counted({}), local("2026-11-24 00:10"))
    assert (reported.until, reported.beside) == (None, ())


# From the database.


@pytest.fixture
def store(tmp_path: Path) -> Database:
    return upgrade(f"sqlite:///{tmp_path}/a.db")


def test_what_is_stored_is_what_is_counted_without_reading_a_call(store: Database) -> None:
    settings, begin = usual(), local("2026-11-24 09:00")
    rebuild.ensure_rollups(store, settings.timezone)
    list(rebuild.rebuild_rollups(store, pause=0))
    wrote(store, *(outcome for number in range(5) for outcome in outcomes(answered_call(number, begin))))
    year_rows.listened(store, LONG_AGO, TUESDAY)
    with store.writing() as connection:
        connection.execute(text("UPDATE call SET data = ''"))  # whoever reads one cannot go on
    found = half_hours.half_hour_counts(store, settings.timezone, days(TUESDAY, settings), TUESDAY)
    assert found is not None
    reported = half(today(found, HEARD, settings, TUESDAY), "09:00")
    assert account(answered_call(0, begin)).outcome == "answered"
    assert (reported.offered, reported.answered, reported.usual, reported.is_heard) == (5, 5, 0, True)
    store.close()


def test_while_totals_are_made_anew_there_is_no_answer(store: Database) -> None:
    settings = usual()
    assert half_hours.half_hour_counts(store, settings.timezone, days(TUESDAY, settings), TUESDAY) is None
    store.close()


# As people read it.


def page(reported: TodayHalfHours, language: str) -> str:
    site, formatter = PageContext.__new__(PageContext), WebFormatter(usual(), language, TUESDAY)
    site.features = [feature.package for feature in FEATURES]
    site.table = page_table(FEATURES)
    values = site.common(formatter) | view(reported, formatter) | {"why": ""}
    values["path"] = lambda name, _, query: page_table(FEATURES)[name].address(language, query)
    return site._render("_half_hours.html", values)


def words(reported: TodayHalfHours, language: str = "fr") -> str:
    text = html.unescape(re.sub(r"<[^>]+>", " ", page(reported, language))).replace(NO_BREAK, " ")
    return " ".join(text.split())


def test_the_table_says_what_the_drawing_shows_in_both_languages() -> None:
    found = counted(
        tuesdays(3, 9, 4, 4, 4, 4, 5, 5)
        | {"2026-11-24": {"general": {NINE: 5, ("half_hour.answered", "09:00"): 4, (NOBODY_FREE, "09:00"): 1}}},
        (local("2026-11-24 09:40"), local("2026-11-24 09:45")),
    )
    french, english = words(made(found), "fr"), words(made(found), "en")
    assert (
        "9 h 5 4 1 4 9 h 30 n. d. n. d. n. d. 0 mesure interrompue : chiffres incomplets 10 h 0 0 0 0 en cours"
        in french
    )
    assert "10 h 30 à venir à venir à venir 0" in french
    nothing = "not available " * 3
    assert f"9 a.m. 5 4 1 4 9:30 a.m. {nothing}0 measuring interrupted: figures incomplete" in english
    assert "Nombre habituel : médiane des mardis comparables des 8 dernières semaines" in french
    assert "median of the comparable Tuesdays of the last 8 weeks" in english


def test_a_first_week_draws_no_mark_and_has_no_word_of_it() -> None:
    new = HalfHourCounts({}, {"toronto": Coverage(local("2026-11-23 12:00"), TUESDAY)})
    assert "epère" not in words(made(new))
    assert 'class="tick"' not in page(made(new), "fr")


def test_an_unheard_half_hour_is_hatched_and_its_column_is_no_nought() -> None:
    found = counted({}, (local("2026-11-24 09:20"), local("2026-11-24 09:25")))
    drawn = page(made(found), "fr").split("</svg>")[0]
    assert (drawn.count('class="gap"'), drawn.count('class="whole"'), drawn.count('class="part"')) == (1, 0, 0)


def test_causes_are_reported_by_their_words_and_lead_to_the_calls() -> None:
    found = counted({"2026-11-24": {"general": {(CAUSE, "nobody_free"): 2, (CAUSE, "other"): 1}}})
    assert "Cause Lignes vocales Lignes ATS Aucun poste libre 2 0 Autre 1 0 Voir ces appels" in words(made(found))
    assert "Aucun appel où la norme n’a pas été respectée" in words(made(counted({})))


def links(reported: TodayHalfHours, language: str = "fr") -> list[str]:
    return [html.unescape(x) for x in re.findall(r'<a [^>]*href="([^"]+)"', page(reported, language))]


def test_a_column_and_its_figure_lead_to_the_calls_of_the_half_hour() -> None:
    nine = {NINE: 1200, ("half_hour.answered", "09:00"): 1100, (NOBODY_FREE, "09:00"): 3}
    found = counted({"2026-11-24": {"general": nine}})
    half_hour = "/fr/appels?jour=2026-11-24&de=09%3A00&a=09%3A30"
    missed = f"{half_hour}&norme=answer_by_third_ring&verdict=not_met&cause=nobody_free&mode=voice"
    answered = f"{half_hour}&issue=answered&mode=voice"
    assert links(made(found))[:4] == [f"{half_hour}&mode=voice", f"{half_hour}&mode=voice", answered, missed]
    assert "9 h 1 200 1 100 3" in words(made(found)).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "<title>9 a.m.: 1,200 received, 1,100 answered, nobody free for 3</title>" in page(
        made(found), "en"
    ).replace(NO_BREAK, " ")


def test_the_last_half_hour_of_a_day_leads_to_its_calls_until_midnight() -> None:
    found = made(
        counted({"2026-11-28": {"general": {("half_hour.offered", "23:30"): 1}}}), local("2026-11-28 23:50")
    )
    assert links(found, "en")[0] == "/en/calls?day=2026-11-28&from=23%3A30&to=00%3A00&mode=voice"


def test_each_day_beside_today_leads_to_its_calls_until_this_time() -> None:
    reported = made(counted({}), TUESDAY)
    assert reported.until is not None
    until = f"{reported.until.astimezone(usual().timezone):%H%%3A%M}"
    days = [f"/en/calls?day={one.day}&to={until}&mode=voice" for one in reported.beside]
    assert [x for x in links(reported, "en") if f"to={until}" in x and "from" not in x][-3:] == days


def test_a_cause_leads_to_its_calls_of_that_kind_of_line() -> None:
    found = counted(
        {"2026-11-24": {"general": {(CAUSE, "nobody_free"): 2}, "tty": {(CAUSE, "rang_unanswered"): 1}}}
    )
    missed = "/en/calls?day=2026-11-24&standard=answer_by_third_ring&verdict=not_met"
    voice, tty = f"{missed}&cause=nobody_free&mode=voice", f"{missed}&cause=rang_unanswered&mode=tty"
    assert [x for x in links(made(found), "en") if "standard" in x] == [voice, voice, tty, missed]


# Four weeks of half-hours in which nobody was free.


def nobody_free(**days: dict[str, int]) -> dict[str, dict[str, dict[tuple[str, str], int]]]:
    return {
        f"2026-{day[1:3]}-{day[3:]}": {"general": {(NOBODY_FREE, at): n for at, n in some.items()}}
        for day, some in days.items()
    }


def test_four_weeks_are_the_open_days_and_half_hours_of_voice_lines() -> None:
    reported = made(counted(nobody_free(d1124={"09:00": 1}, d1028={"12:30": 4}, d1027={"09:00": 9})))
    tty = counted({"2026-11-23": {"tty": {(NOBODY_FREE, "09:00"): 7}}})
    assert (reported.names[0], reported.names[-1], len(reported.names)) == ("08:30", "16:30", 17)
    assert (reported.lately[0].day, reported.lately[-1].day) == (TODAY, date(2026, 10, 28))
    assert len(reported.lately) == 19  # 28 days without eight of weekends and 11 November
    assert sum(x.nobody_free for past in reported.lately for x in past.halves) == 5
    assert sum(x.nobody_free for past in made(tty).lately for x in past.halves) == 0


def test_a_closed_day_is_shown_where_nobody_was_free_for_a_call() -> None:
    saturday = made(counted(nobody_free(d1121={"07:00": 2})))
    assert saturday.names[0] == "07:00"
    assert [past.day.day for past in saturday.lately[:4]] == [24, 23, 21, 20]


def test_each_number_of_four_weeks_has_a_shade_and_leads_to_its_calls() -> None:
    gap = local("2026-11-23 10:10"), local("2026-11-23 10:20")
    drawn = page(made(counted(nobody_free(d1123={"09:00": 2, "09:30": 8}, d1120={"09:00": 5}), gap)), "fr")
    table = drawn.partition('<table class="weeks">')[2].partition("</table>")[0].replace(NO_BREAK, " ")
    cells = re.findall(r'<td class="(\S+)">(?:<a id="[^"]+" href="([^"]+)">)?([^<]*)', table)
    shown = [(name, number, html.unescape(at).split("&verdict")[0]) for name, at, number in cells]
    calls = "/fr/appels?jour=2026-11-{}&de={}&a={}&norme=answer_by_third_ring".format
    assert shown == [
        ("level-1", "2", calls(23, "09%3A00", "09%3A30")),
        ("level-4", "8", calls(23, "09%3A30", "10%3A00")),
        ("hatched", "\N{EN DASH}", ""),
        ("level-3", "5", calls(20, "09%3A00", "09%3A30")),
    ]
    assert re.findall(r'row">([^<]+)</th>', table)[:3] == ["Mar. 24 nov.", "Lun. 23 nov.", "Ven. 20 nov."]
    assert re.findall(r"<td>(\d+)</td>", table.partition("<tfoot>")[2]) == ["7", "8"]


def test_four_weeks_in_which_somebody_was_free_are_a_sentence() -> None:
    assert "Aucun appel resté sans réponse parce que tous les postes étaient occupés." in words(made(counted({})))
    assert 'class="weeks"' not in page(made(counted({})), "fr")


def test_a_drawing_has_a_title_a_description_and_names_for_both() -> None:
    found = counted({"2026-11-24": {"general": {(CAUSE, "other"): 1}}})
    drawn = page(made(found), "en")
    named = re.findall(r'<svg [^>]*role="group" aria-labelledby="(\S+) (\S+)"', drawn)
    assert named == [("halves-title", "halves-desc"), ("missed-title", "missed-desc")]
    assert all(f'<title id="{title}">' in drawn and f'<desc id="{desc}">' in drawn for title, desc in named)


def test_on_the_first_day_the_drawing_begins_where_something_was_received() -> None:
    at = local("2026-11-24 13:10")
    began = {"toronto": Coverage(local("2026-11-24 11:00"), at, ())}
    reported = today(HalfHourCounts({}, began), HEARD, usual(), at)
    assert f"{reported.halves[0].begin.astimezone(usual().timezone):%H:%M}" == "11:00"
    never = today(HalfHourCounts({}, {}), {"toronto": LONG_AGO}, usual(), TUESDAY)
    assert f"{never.halves[0].begin.astimezone(usual().timezone):%H:%M}" == "08:30"


def test_the_first_half_hour_of_all_is_counted_from_its_start() -> None:
    at = local("2026-11-24 11:20")
    began = {"toronto": Coverage(local("2026-11-24 11:07"), at, ())}
    reported = today(HalfHourCounts({}, began), HEARD, usual(), at)
    assert [x.is_heard for x in reported.halves if x.state == "now"] == [True]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 2, 4, 6]),
        (13, [0, 5, 10, 15]),
        (28, [0, 10, 20, 30]),
        (41, [0, 20, 40, 60]),
        (401, [0, 200, 400, 600]),
    ],
)
def test_the_grid_has_at_most_four_round_lines_above_no_column(most: int, ticks: list[int]) -> None:
    one = Half(TUESDAY, "over", True, True, most, 0, 0, None)
    shown = view(TodayHalfHours(TUESDAY, TODAY, (one,), ()), WebFormatter(usual(), "fr", TUESDAY))
    assert (list(shown["ticks"]), shown["most"]) == (ticks, ticks[-1])


@pytest.mark.parametrize(("count", "every"), [(30, 1), (31, 2)])
def test_from_sixteen_hours_on_every_other_hour_has_its_name(count: int, every: int) -> None:
    halves = (Half(TUESDAY, "over", True, True, 1, 0, 0, None),) * count
    shown = view(TodayHalfHours(TUESDAY, TODAY, halves, ()), WebFormatter(usual(), "en", TUESDAY))
    assert shown["every"] == every
