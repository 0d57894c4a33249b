"""The alerts as they are written: rules, runbook, routes, and the calendar's hours as Alertmanager reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from callmon.config.business_calendar import DEFAULT_HOURS, Calendar, Hours, SpecialHours, periods, wall_time
from callmon.config.closed_days import ClosedDay, ClosedDays
from callmon.config.settings import load
from callmon.tools.alertmanager import CLOSED, Entry, as_yaml, time_intervals
from tests.unit.test_project import METAPHOR, NUMBER, PUBLIC

ROOT = Path(__file__).parents[2]
BOARDS = ROOT / "dashboards"
RULES = (BOARDS / "prometheus" / "callmon.rules.yml").read_text()
BOARD_RULES = (BOARDS / "prometheus" / "boards.rules.yml").read_text()
TESTS = (BOARDS / "prometheus" / "callmon.test.yml").read_text()
ROUTES = (BOARDS / "alertmanager" / "alertmanager.yml").read_text()
TEMPLATES = "".join(path.read_text() for path in sorted((BOARDS / "alertmanager").glob("*.tmpl")))
RUNBOOK = {language: (ROOT / "docs" / language / "how-to" / "runbook.md").read_text() for language in ("fr", "en")}
# The parts of an entry, in their order.
PARTS = {
    "fr": ["Pour le public", "D'abord", "À ne pas faire", "Qui", "C'est fini quand"],
    "en": ["For the public", "First", "Do not", "Who", "Over when"],
}
# Severity and urgency of a rule → how bad it is and how long it may wait, as the runbook says it.
URGENCY = {
    "fr": {
        ("critical", "now"): "Critique : tout de suite, pendant les heures d'ouverture.",
        ("warning", "now"): "Avertissement : dans l'heure, pendant les heures d'ouverture.",
        ("warning", "opening"): "Avertissement : peut attendre l'ouverture, puis le jour même.",
        ("info", "opening"): "Information : peut attendre l'ouverture.",
        ("info", "none"): "Information : rien à faire.",
    },
    "en": {
        ("critical", "now"): "Critical: at once, in opening hours.",
        ("warning", "now"): "Warning: within the hour, in opening hours.",
        ("warning", "opening"): "Warning: may wait until opening, then the same day.",
        ("info", "opening"): "Note: may wait until opening.",
        ("info", "none"): "Note: nothing to do.",
    },
}
MORNING = {"fr": " Dans le message du matin seulement.", "en": " In the morning's message only."}
EXAMPLE = ROOT / "callmon" / "config" / "callmon.example.toml"
TORONTO = ZoneInfo("America/Toronto")

ALERTS = re.findall(r"^ +- alert: (\w+)$", RULES, re.MULTILINE)
TEXTS = [f"{kind}{language}" for kind in ("summary", "description", "resolved") for language in ("_fr", "")]
LINKS = ["runbook_url", "dashboard_url"]
BOARDS_THERE = {json.loads(path.read_text())["uid"] for path in (BOARDS / "grafana" / "en").glob("*.json")}
# What the rules need and /metrics does not have yet. A name that is there must go from here.
AWAITED: set[str] = set()


# ── rules and runbook ──


@pytest.mark.parametrize("language", RUNBOOK)
def test_every_alert_has_an_entry_in_the_runbook_and_no_other_has(language: str) -> None:
    entries = re.findall(r"^## (\w+)\n\n\*\*", RUNBOOK[language], re.MULTILINE)
    assert sorted(entries) == sorted(ALERTS)


def test_the_two_runbooks_have_the_same_sections_in_the_same_order() -> None:
    sections = {
        language: re.findall(r"^## ((?:board-)?\w+)\n\n\*\*", reported, re.MULTILINE)
        for language, reported in RUNBOOK.items()
    }
    counts = {language: len(re.findall(r"^## ", reported, re.MULTILINE)) for language, reported in RUNBOOK.items()}
    assert (sections["fr"], counts["fr"]) == (sections["en"], counts["en"])


@pytest.mark.parametrize("language", RUNBOOK)
@pytest.mark.parametrize("alert", ALERTS)
def test_an_entry_of_the_runbook_says_the_same_five_things(alert: str, language: str) -> None:
    entry = _entry(alert, language)
    assert re.findall(r"^\* \*([^*]+)\*", entry, re.MULTILINE) == PARTS[language]


@pytest.mark.parametrize("language", RUNBOOK)
@pytest.mark.parametrize("alert", ALERTS)
def test_an_entry_begins_with_the_severity_of_the_rule_and_its_wait(alert: str, language: str) -> None:
    labels = re.search(r"severity: (\w+), urgency: (\w+)", rule_of(alert))
    assert labels is not None
    begin = _entry(alert, language).splitlines()[2]
    assert begin.removesuffix(MORNING[language]) == URGENCY[language][labels[1], labels[2]]


@pytest.mark.parametrize("alert", ALERTS)
def test_the_runbook_numbers_its_steps_as_the_message_does(alert: str) -> None:
    steps = {x: re.findall(r"^  (\d)\. ", _entry(alert, x), re.MULTILINE) for x in RUNBOOK}
    message = re.findall(
        r"^ +(\d)\. ", rule_of(alert).partition("description:")[2].partition("resolved")[0], re.MULTILINE
    )
    assert steps["fr"] == steps["en"] == [str(n) for n in range(1, len(steps["en"]) + 1)]
    assert len(steps["en"]) >= len(message)


def _entry(alert: str, language: str) -> str:
    return RUNBOOK[language].split(f"\n## {alert}\n")[1].split("\n## ")[0]


def rule_of(alert: str) -> str:
    return RULES.split(f"- alert: {alert}\n")[1].split("- alert: ")[0]


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_every_text_in_both_languages_and_its_urgency(alert: str) -> None:
    rule = rule_of(alert)
    annotations = rule.split("        annotations:\n")[1]
    assert re.findall(r"^          (\w+):", annotations, re.MULTILINE) == [*TEXTS, *LINKS]
    severity = "severity: (?:critical|warning|info)"
    urgency = re.findall(rf"labels: \{{{severity}, urgency: (now|opening), to: (team|lead|administrator)\}}", rule)
    nobodys = re.findall(rf"labels: \{{{severity}, urgency: none\}}", rule)
    is_nobodys = alert in ("CallmonPlannedWork", "CallmonHeartbeat")
    assert (len(urgency), len(nobodys)) == ((0, 1) if is_nobodys else (1, 0))


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_leads_to_its_guide_entry_and_a_shipped_board(alert: str) -> None:
    rule = rule_of(alert)
    assert re.findall(r"^ +runbook_url: '(.+)'$", rule, re.MULTILINE) == [
        f"{{{{ $externalLabels.callmon_url }}}}/en/guide#{alert.lower()}"
    ]
    (board,) = re.findall(r"^ +dashboard_url: '\{\{ \$externalLabels.grafana_url }}/d/(.+)'$", rule, re.MULTILINE)
    assert board in BOARDS_THERE


def test_every_alert_begins_with_callmon_and_no_name_is_given_twice() -> None:
    assert [name for name in ALERTS if not name.startswith("Callmon")] == []
    assert sorted(set(ALERTS)) == sorted(ALERTS)


def test_a_recorded_series_is_named_by_level_metric_and_operation() -> None:
    recorded = re.findall(r"^ +- record: (.+)$", RULES + BOARD_RULES, re.MULTILINE)
    assert [name for name in recorded if not re.fullmatch(r"[a-z_]+:callmon_[a-z_]+:[a-z_]+", name)] == []
    assert sorted(set(recorded)) == sorted(recorded)


def test_every_alert_is_seen_to_fire_and_its_texts_to_the_letter() -> None:
    fires = {name for name in ALERTS if re.search(rf'alertname="{name}",alertstate="firing"', TESTS)}
    reported = set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", TESTS))
    assert (sorted(fires), sorted(reported)) == (sorted(ALERTS), sorted(ALERTS))


def test_a_local_time_is_written_in_one_way_only() -> None:
    ways = set(re.findall(r"\.Local\.Format [^}]+\}\}", RULES))
    assert ways == {'.Local.Format "Monday 2 à 15 h 04" }}', '.Local.Format "Monday 2 at 3:04 PM" }}'}
    assert "humanizeTimestamp" not in RULES + TEMPLATES


def test_every_metric_that_a_rule_names_is_one_of_callmons() -> None:
    named = set(re.findall(r"(?<![:.\w])callmon_[a-z_]+", RULES))
    made = set()
    for path in [
        *(ROOT / "callmon" / "sinks").rglob("*.py"),
        ROOT / "callmon" / "sinks" / "metrics" / "gauges.toml",
        ROOT / "callmon" / "core" / "statistics" / "counters.py",
    ]:
        made |= set(re.findall(r'"(callmon_[a-z_]+)["{]', path.read_text()))
    assert sorted(named - made) == sorted(AWAITED)


@pytest.mark.parametrize("text", [RULES, TESTS, ROUTES, TEMPLATES, *RUNBOOK.values()], ids=lambda text: text[:20])
def test_no_text_of_an_alert_has_a_number_or_a_disability_metaphor(text: str) -> None:
    numbers = ["".join(match.groups()) for match in NUMBER.finditer(text)]
    assert ([n for n in numbers if n not in PUBLIC], METAPHOR.findall(text)) == ([], [])


# ── routes ──


def test_every_route_of_an_urgent_alert_names_its_hours() -> None:
    """A route within another does not inherit them."""
    body = ROUTES.split("  routes:\n", 1)[1].split("\nreceivers:")[0]
    routes = [route for route in re.split(r"\n    - ", "\n" + body) if "urgency=" in route.split("\n")[0]]
    hours = [
        (
            re.findall(r"active_time_intervals: \[(\w+)\]", route),
            re.findall(r"mute_time_intervals: \[(.+)\]", route),
        )
        for route in routes
    ]
    assert hours == [
        ([name], [f"callmon_closed, not_{name}"])
        for name in ("callmon_before_opening", "callmon_open", "callmon_open", "callmon_open")
    ]


def test_the_hours_that_ship_are_those_of_the_example_configuration() -> None:
    written = "time_intervals:\n" + ROUTES.split("\ntime_intervals:\n")[1]
    assert written == as_yaml(time_intervals(load(EXAMPLE).calendar(), date(2026, 11, 1), 26))


# ── the calendar's hours, read as Alertmanager reads them ──

LUNCH = Hours((periods((wall_time(8, 30), wall_time(12)), (wall_time(13), wall_time(17))),) * 5 + ((),) * 2)
NIGHT_TOO = Hours((periods((wall_time(0), wall_time(24))),) * 7)
SPECIAL = SpecialHours(
    {
        date(2026, 12, 24): periods((wall_time(8, 30), wall_time(12))),
        date(2026, 12, 25): periods((wall_time(10), wall_time(10, 30))),
        date(2027, 1, 2): periods((wall_time(9), wall_time(12)), (wall_time(13), wall_time(15))),
        date(2027, 3, 14): periods((wall_time(1), wall_time(4))),
        date(2026, 11, 20): (),
    }
)
A_STRIKE = ClosedDays(add=(ClosedDay(date(2027, 2, 3), "", ""),), remove=frozenset({date(2026, 11, 11)}))
CALENDARS = {
    "the ministry's": Calendar(TORONTO),
    "with special hours": Calendar(TORONTO, DEFAULT_HOURS, A_STRIKE, SPECIAL),
    "closed at noon": Calendar(TORONTO, LUNCH, ClosedDays(), SPECIAL),
    "day and night": Calendar(TORONTO, NIGHT_TOO),
}
FIRST, MONTHS = date(2026, 11, 1), 14
CLOCKS = """
00:00 00:14 00:15 00:59 01:00 03:59 04:00 08:14 08:15 08:19 08:20 08:29 08:30 08:44 08:45 08:59 09:00 09:29 09:30
09:44 09:45 09:59 10:00 10:29 10:30 11:59 12:00 12:59 13:00 14:59 15:00 16:59 17:00 23:59
"""


def holds(entry: Entry, at: datetime) -> bool:
    """Alertmanager's reading of an interval at a local time: every condition that is there must hold."""
    minute = f"{at:%H:%M}"
    return (
        f"{at:%A}".lower() in entry.get("weekdays", [f"{at:%A}".lower()])
        and str(at.day) in entry.get("days_of_month", [str(at.day)])
        and str(at.month) in entry.get("months", [str(at.month)])
        and str(at.year) in entry.get("years", [str(at.year)])
        and any(t["start_time"] <= minute < t["end_time"] for t in entry.get("times", [ALL_DAY]))
    )


ALL_DAY = {"start_time": "00:00", "end_time": "24:00"}


def may_be_told(intervals: dict[str, list[Entry]], name: str, at: datetime) -> bool:
    """What a route does that is active in NAME, and mute in not_NAME and on closed days."""
    mute = [*intervals[CLOSED], *intervals[f"not_{name}"]]
    return any(holds(e, at) for e in intervals[name]) and not any(holds(e, at) for e in mute)


def minutes(days: int) -> Iterator[datetime]:
    for day in range(days):
        for clock in CLOCKS.split():
            yield datetime.combine(FIRST + timedelta(days=day), time.fromisoformat(clock), TORONTO)


@pytest.mark.parametrize("name", CALENDARS)
def test_people_are_notified_in_the_calendars_opening_hours_alone(name: str) -> None:
    calendar = CALENDARS[name]
    intervals = time_intervals(calendar, FIRST, MONTHS)
    wrong = [at for at in minutes(200) if may_be_told(intervals, "callmon_open", at) != calendar.is_open(at)]
    assert wrong == []


@pytest.mark.parametrize("name", ["the ministry's", "with special hours", "closed at noon"])
def test_the_digest_comes_a_quarter_of_an_hour_before_opening(name: str) -> None:
    calendar = CALENDARS[name]
    intervals = time_intervals(calendar, FIRST, MONTHS)

    def due(at: datetime) -> bool:
        opens = calendar.periods_on(at.date())[:1]
        wall = timedelta(hours=at.hour, minutes=at.minute)
        return any(p.opens - timedelta(minutes=15) <= wall < p.opens - timedelta(minutes=10) for p in opens)

    assert [at for at in minutes(200) if may_be_told(intervals, "callmon_before_opening", at) != due(at)] == []


@pytest.mark.parametrize("name", CALENDARS)
def test_the_lead_is_reported_after_an_hour_of_opening_time(name: str) -> None:
    calendar = CALENDARS[name]
    intervals = time_intervals(calendar, FIRST, MONTHS)

    def due(at: datetime) -> bool:
        wall = timedelta(hours=at.hour, minutes=at.minute)
        opening = calendar.periods_on(at.date())
        open_so_far = sum((max(timedelta(0), min(wall, p.closes) - p.opens) for p in opening), timedelta(0))
        return open_so_far >= timedelta(hours=1) and any(p.opens <= wall < p.closes for p in opening)

    assert [at for at in minutes(200) if may_be_told(intervals, "callmon_open_for_an_hour", at) != due(at)] == []


def test_a_line_open_day_and_night_has_its_digest_at_midnight() -> None:
    entry = time_intervals(CALENDARS["day and night"], FIRST, 1)["callmon_before_opening"][0]
    assert entry["times"] == [{"start_time": "00:00", "end_time": "00:05"}]


def test_after_the_last_date_that_is_written_the_week_goes_on() -> None:
    intervals = time_intervals(Calendar(TORONTO), FIRST, 2)
    labour_day, sunday = datetime(2027, 9, 6, 10, tzinfo=TORONTO), datetime(2027, 9, 5, 10, tzinfo=TORONTO)
    assert [may_be_told(intervals, "callmon_open", at) for at in (labour_day, sunday)] == [True, False]


def test_a_year_has_the_thirteen_closed_days_less_those_on_a_weekend() -> None:
    intervals = time_intervals(Calendar(TORONTO), date(2027, 1, 1), 12)
    days = [(e["months"][0], day) for e in intervals[CLOSED] for day in e["days_of_month"]]
    assert len(days) == 13
    assert [day for month, day in days if month == "12"] == ["27", "28"]


def test_no_month_is_written_twice_and_none_before_the_first() -> None:
    entries: list[Any] = time_intervals(Calendar(TORONTO), date(2026, 12, 31), 1)[CLOSED]
    assert [(e["years"], e["months"], e["days_of_month"]) for e in entries] == [(["2026"], ["12"], ["25", "28"])]
    assert json.loads(as_yaml({"x": entries}).splitlines()[3].removeprefix("      - ")) == entries[0]
