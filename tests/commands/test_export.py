"""`callmon export`: Parquet files that another engine reads, with the month's statistics and without a number."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from callmon.core.statistics import period
from callmon.features.months.open_data import parquet
from callmon.features.months.open_data.queries import COLUMNS
from callmon.features.months.request import gathered
from callmon.main import main
from callmon.store.database import Database, open_store, upgrade
from callmon.text.labels import translate
from tests.support import exported, year
from tests.support.store_fixtures import START, answered_call, outcomes, wrote
from tests.support.year import TORONTO
from tests.support.year import obligations as year_owing
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

LATER = datetime(2025, 6, 1, tzinfo=UTC)
MONTH = "2024-05"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, a year of calls and its export of a month."""
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder}/callmon.db"
    store, settings = upgrade(url), year.settings(url)
    year_rows.stored(store, settings, year_stories.calls(2_000), year_owing.owings(600, settings))
    year_rows.listened(store, datetime(2024, 5, 3, 12, tzinfo=UTC), LATER)
    store.close()
    configure(folder, url)
    assert export(folder, MONTH).exit_code == 0
    return folder


def configure(folder: Path, url: str) -> None:
    written = year.example_text().replace(*year.SURVEY).replace("sqlite:///callmon.db", url)
    (folder / "callmon.toml").write_text(written + year.STAFF, encoding="utf-8")


def export(folder: Path, when: str, out: str = "out", *options: str) -> Result:
    command = ["export", "--parquet", when, "-o", str(folder / out), "--config", str(folder / "callmon.toml")]
    return CliRunner().invoke(main, [*command, *options], catch_exceptions=False)


def files(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.parquet"))}


def asked(out: Path, query: str) -> list[tuple[Any, ...]]:
    """The answer of DuckDB, sorted; {calls} and so on are the exported tables."""
    tables = {
        x: f"read_parquet('{out}/{x}/*/*/*.parquet', hive_partitioning = true)"
        for x in (*exported.TABLES, "unheard")
    }
    return sorted(duckdb.sql(query.format(**tables)).fetchall())


@pytest.mark.parametrize("name", exported.QUERIES)
def test_duckdb_counts_the_statistics_of_the_month(site: Path, name: str) -> None:
    store = open_store(f"sqlite:///{site}/callmon.db")
    report = gathered(store, year.settings(), period.month(MONTH, TORONTO), LATER, compare=False)
    store.close()
    found = asked(site / "out", exported.QUERIES[name])
    assert found == exported.expected(report)[name]
    assert sum(row[2] for row in found) > 40


def test_a_table_has_a_file_for_each_day_of_the_month_also_without_rows(site: Path) -> None:
    days = [f"exchange=toronto/month=2024-05/2024-05-{day:02}.parquet" for day in range(1, 32)]
    assert list(files(site / "out")) == [f"{table}/{day}" for table in sorted(COLUMNS) for day in days]
    assert asked(site / "out", "SELECT day, began = ended FROM {unheard}") == [(date(2024, 5, 3), True)]
    partition = asked(site / "out", "SELECT DISTINCT exchange, month FROM {calls}")
    assert partition == [("toronto", "2024-05")]


def test_a_second_run_and_a_day_of_the_month_change_nothing(site: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (site / "out").rglob("*.parquet")}
    for when in (MONTH, "2024-05-07"):
        done = export(site, when)
        assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Fichiers écrits ou changés : 0\n")
    assert {path: path.stat().st_mtime_ns for path in (site / "out").rglob("*.parquet")} == before


def test_the_names_of_files_are_printed_only_when_asked_for(site: Path) -> None:
    quiet = export(site, "2024-05-07", "quiet")
    count = f"Fichiers écrits ou changés : {len(COLUMNS)}\n"
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", count)
    named = export(site, "2024-05-07", "named", "--verbose")
    assert named.stdout.splitlines() == [str(site / "named" / name) for name in _in_order(site / "named")]


def _in_order(out: Path) -> list[str]:
    """The files of one day in the order of the tables."""
    return sorted(files(out), key=lambda name: list(COLUMNS).index(name.partition("/")[0]))


def test_a_day_is_the_local_one(site: Path) -> None:
    wrong = "SELECT count(*) FROM {calls} WHERE epoch_us(arrived) < ? OR epoch_us(arrived) >= ?"
    begin, end = (period.midnight(date(2024, 5, day), TORONTO) for day in (7, 8))
    export(site, "2024-05-07", "day")
    limits = (int(x.timestamp()) * 1_000_000 for x in (begin, end))
    assert asked(site / "day", wrong.replace("?", "{}").format(*limits, calls="{calls}")) == [(0,)]
    assert asked(site / "day", "SELECT count(*) FROM {calls}") == asked(
        site / "out", "SELECT count(*) FROM {calls} WHERE day = '2024-05-07'"
    )


@pytest.fixture
def small(store: Database, url: str, tmp_path: Path) -> Path:
    """Calls of 24 November 2026 on two exchanges, in each kind of database."""
    wrote(store, *outcomes(answered_call(1)), *outcomes(answered_call(2)), *outcomes(answered_call(3), "ottawa"))
    configure(tmp_path, url)
    return tmp_path


def test_what_was_corrected_or_removed_is_replaced(
    store: Database, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, START + timedelta(days=1))
    verdicts = "SELECT exchange, verdict, count(*) FROM {verdicts} GROUP BY 1, 2"
    assert export(small, "2026-11-24").exit_code == 0
    assert asked(small / "out", verdicts) == [("ottawa", "met", 3), ("toronto", "met", 6)]
    with store.writing() as connection:
        connection.execute(text("DELETE FROM finding WHERE exchange = 'ottawa'"))
        connection.execute(text("UPDATE finding SET verdict = 'not_met' WHERE standard = 'reach_a_person'"))
    done = export(small, "2026-11-24", "out", "-v")
    changed = [
        f"{small}/out/verdicts/exchange={x}/month=2026-11/2026-11-24.parquet" for x in ("ottawa", "toronto")
    ]
    assert done.stdout.splitlines() == changed
    assert asked(small / "out", verdicts) == [("toronto", "met", 4), ("toronto", "not_met", 2)]


def test_no_number_and_no_channel_is_exported(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, START + timedelta(days=1))
    export(small, "2026-11-24")
    rows = repr([asked(small / "out", f"FROM {{{table}}}") for table in exported.TABLES])
    assert ("toronto" in rows, "answered" in rows) == (True, True)
    assert [x for x in ("5550101", "3272422", "PJSIP", "trunk") if x in rows] == []


def test_only_days_that_are_over_are_exported(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, datetime(2026, 11, 4, 2, tzinfo=UTC))  # in the evening of the 3rd
    assert export(small, "2026-11").exit_code == 0
    assert {Path(name).stem for name in files(small / "out")} == {"2026-11-01", "2026-11-02"}


NOT_OVER = "aucun de ses jours n’est encore terminé; donnez un jour ou un mois antérieur."


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ("2026-11-24", f"2026-11-24 : {NOT_OVER}"),
        ("2026-11-25", "DAY|MONTH 2026-11-25 : ce jour est à venir; donnez un jour passé."),
    ],
)
def test_what_cannot_be_exported_is_reported_in_a_sentence(
    site: Path, monkeypatch: pytest.MonkeyPatch, when: str, sentence: str
) -> None:
    at(monkeypatch, START)
    done = export(site, when)
    assert (done.exit_code, done.stderr) == (2, f"{sentence}\n")


def test_without_duckdb_it_says_how_to_install_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = export(site, MONTH, "none")
    assert (done.exit_code, done.stderr) == (1, f"{translate(parquet.MISSING, 'fr')}\n")
    assert not (site / "none").exists()


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """The time of the commands."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now

    monkeypatch.setattr("callmon.cli.common.datetime", Clock)
