"""`callmon staffing --language`: phones for the calls in one language, of a line that has two."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from callmon.core.replay.record import Rule, SeenDay
from callmon.main import main
from callmon.store.queries.seen_days import in_language
from tests.support.environment import QUESTIONS_ON
from tests.support.ringing_site import FIRST, make_site, stop_clock, working_days
from tests.support.ringing_world import RingingSite, simulated

SITE = RingingSite(seed=5, days=45, calls_a_day=60, phones=4, rule=Rule(ring=15_000, voicemail=24_000))
LAST = working_days(FIRST, 45)[-1]
NOW = datetime(2026, 12, 20, 15, tzinfo=UTC)
ASKED = ("staffing", "2026-12-15", "--days", "1", "--known-until", str(LAST), "--target", "0.7", "--json")


def days() -> list[SeenDay]:
    """A third of the calls are in French."""
    return [
        replace(day, calls=tuple(replace(x, language="en" if x.key % 3 else "fr") for x in day.calls))
        for day in simulated(SITE)
    ]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("languages")
    make_site(folder, sqlite_template, days(), QUESTIONS_ON)
    return folder


@pytest.fixture(autouse=True)
def today(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, NOW)
    monkeypatch.chdir(site)


def rows(*words: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, [*ASKED, *words], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.stdout)["half_hours"]
    return found


def test_the_calls_of_both_languages_are_those_of_the_line() -> None:
    every = rows()
    french = rows("--language", "fr")
    english = rows("--language", "en")
    middle = [sum(row["calls"]["middle"] for row in of) for of in (every, french, english)]
    assert middle[1] + middle[2] == pytest.approx(middle[0])
    assert 0.25 < middle[1] / middle[0] < 0.42
    assert {row["language"] for row in french} == {"fr"}


def test_a_language_takes_no_more_phones_than_the_line() -> None:
    pairs = [(one["phones"], other["phones"]) for one, other in zip(rows("--language", "fr"), rows(), strict=True)]
    assert all(1 <= french <= every for french, every in pairs)
    assert sum(french for french, _ in pairs) < sum(every for _, every in pairs)


def test_the_phones_of_a_language_are_those_that_took_its_calls() -> None:
    day = days()[0]
    found = in_language(day, "fr")
    took = {tried.phone for call in found.calls for tried in call.tries if tried.took}
    assert ({call.language for call in found.calls}, set(found.phones)) == ({"fr"}, took)
    assert in_language(day, "other").phones == {}
