"""The role of boards: it sees what is counted and judged, and neither a number nor what stands for one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from callmon.features.months.open_data.queries import COLUMNS
from callmon.store.database import Database
from callmon.store.rollups import rebuild, update
from tests.support import year
from tests.support.store_fixtures import of_calls, wrote
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
NOON = datetime(2024, 3, 5, 17, tzinfo=UTC)  # the clocks change in these days
SCRIPT = Path(__file__).parents[2] / "dashboards" / "grafana" / "reader.sql"
TABLES = ("number", "call", "fact", "finding", "obligation", "ledger", "access", "number_key", "counter", "hand")


def as_reader(store: Database) -> psycopg.Connection[tuple[object, ...]]:
    plain = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as owner:
        owner.execute(SCRIPT.read_bytes())
        owner.execute(SCRIPT.read_bytes())  # also after an upgrade
    role = store.url.set(drivername="postgresql", username="callmon_boards")
    return psycopg.connect(role.render_as_string(hide_password=False), autocommit=True)


def test_the_role_sees_calls_verdicts_and_figures(store: Database) -> None:
    wrote(store, *of_calls(3))
    with as_reader(store) as reader:
        first = "(min(arrived) AT TIME ZONE 'UTC')::text"
        asked = f"SELECT count(*), min(outcome), min(waited_seconds), {first} FROM calls"
        assert reader.execute(asked.encode()).fetchone() == (
            3,
            "answered",
            pytest.approx(8.4),
            "2026-11-24 13:42:13.217087",
        )
        assert reader.execute("SELECT count(*) FROM verdicts").fetchone() == (9,)
        assert reader.execute("SELECT count(*) > 0 FROM figures").fetchone() == (True,)


@pytest.mark.parametrize("table", TABLES)
def test_the_role_cannot_read_a_table(store: Database, table: str) -> None:
    with as_reader(store) as reader, pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(f'SELECT * FROM public."{table}"')


def test_no_view_has_a_number_a_token_a_channel_or_a_caller(store: Database) -> None:
    wrote(store, *of_calls(1))
    with as_reader(store) as reader:
        asked = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'boards'"
        columns = reader.execute(asked).fetchall()
        views = {str(name) for name, _ in columns}
        reported = [reader.execute(f"SELECT * FROM {view}").fetchall() for view in sorted(views)]  # type: ignore[arg-type]  # their own names
    assert views == {
        *("calls", "verdicts", "obligations", "disruptions", "unheard", "figures"),
        *("offered", "calls_per_day", "verdicts_per_day", "rings_per_day", "half_hours", "offered_per_half_hour"),
    }
    hidden = {"token", "other", "data", "channel", "caller"}
    assert {str(column) for _, column in columns} & hidden == set()
    # Of a verdict: the ring, the seconds or the transfers that its reason speaks of.
    assert {view for view, column in columns if column == "number"} == {"verdicts", "verdicts_per_day"}
    assert "5550101" not in repr(reported)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM number")).scalar_one() == 1


def test_an_export_has_only_columns_of_these_views(store: Database) -> None:
    with as_reader(store) as reader:
        asked = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'boards'"
        columns = set(reader.execute(asked).fetchall())
    exported = {(table, column) for table, of in COLUMNS.items() for column in of}
    assert exported - columns == set()


HELD = {
    "all": "",
    "none": "SET until = 0",
    "of another version": "SET version = version + 1",
    "of another time zone": "SET zone = 'Europe/Paris'",
}


@pytest.mark.parametrize("pieces", [0, 1, 3])
@pytest.mark.parametrize("held", HELD)
def test_the_half_hours_of_the_roll_ups_are_those_of_the_calls(store: Database, held: str, pieces: int) -> None:
    """Built wholly or in part, or of no use."""
    given = year.settings()
    in_march = lambda chance: NOON + timedelta(minutes=chance.randrange(20_000))  # noqa: E731 - a moment of its own
    year_rows.stored(store, given, year_stories.calls(300, seed=3, at=in_march))
    if pieces:
        rebuild.reset_rollups(store, given.timezone)
        list(islice(rebuild.rebuild_rollups(store, chunk=70, pause=0), pieces))
    with store.engine.begin() as connection:
        connection.execute(text(f"UPDATE rollup_state {HELD[held] or 'SET id = id'}"))
    assert f"rollup_state WHERE version = {update.VERSION} " in SCRIPT.read_text("utf-8")
    key = "day, line, language, half_hour"
    group = f"SELECT {key}, sum(offered)::int FROM {{}} GROUP BY {key} ORDER BY {key}"
    with as_reader(store) as reader:
        by_cells, by_calls = (
            reader.execute(group.format(view).encode()).fetchall()
            for view in ("offered_per_half_hour", "half_hours")
        )
    assert by_cells == by_calls
    assert sum(int(str(row[4])) for row in by_calls) > 250
