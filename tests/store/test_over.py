"""What two pairs have stored in one PostgreSQL, read as one: the same figures as of one callmon that heard all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from callmon.core.statistics import period
from callmon.errors import StoreError
from callmon.features.calls import search as call_search
from callmon.features.months.model import Report
from callmon.features.months.request import gathered
from callmon.store.database import Database, upgrade
from callmon.store.pairs.open import over, owner, pair_troubles
from callmon.store.queries import calls
from callmon.store.queries.months import month_counts
from tests.support.store_fixtures import POSTGRESQL, RING, postgres_database
from tests.support.two_pairs import PAIRS, UNTIL, TwoPairs, two_pairs
from tests.support.year import TORONTO

pytestmark = pytest.mark.parametrize("postgresql", [POSTGRESQL], scope="module")


@pytest.fixture(scope="module")
def site(postgresql: str, postgres_server: str, postgres_template: str) -> Iterator[TwoPairs]:
    with postgres_database(postgres_server, postgres_template) as url:
        store = upgrade(url, RING)
        yield two_pairs(store)
        store.close()


@pytest.fixture
def province(site: TwoPairs) -> Iterator[Database]:
    opened = site.opened()
    yield opened
    opened.close()


def report(store: Database, site: TwoPairs, month: str) -> Report:
    return gathered(store, site.over, period.month(month, TORONTO), UNTIL)


@pytest.mark.parametrize("month", ["2024-01", "2024-05", "2024-11"])
def test_a_month_of_all_pairs_has_the_figures_of_one_that_received_all(
    site: TwoPairs, province: Database, month: str
) -> None:
    whole, found = report(site.whole, site, month), report(province, site, month)
    assert found.figures == whole.figures
    assert (found.compared, found.months, found.data_fingerprint, found.is_final) == (
        *(whole.compared, whole.months, whole.data_fingerprint, whole.is_final),
    )


def test_it_is_the_same_while_a_pair_builds_its_roll_ups(site: TwoPairs, province: Database) -> None:
    site.sql("UPDATE east.rollup_state SET until = 0")
    try:
        assert report(province, site, "2024-05").figures == report(site.whole, site, "2024-05").figures
    finally:
        site.sql("UPDATE east.rollup_state SET until = (SELECT until FROM west.rollup_state)")


def test_each_pair_alone_has_its_own_calls_as_before(site: TwoPairs, province: Database) -> None:
    counted = []
    months = [period.month("2024-05", TORONTO)]
    for store in (*map(site.pair, PAIRS), province, site.whole):
        found = month_counts(store, TORONTO, months)
        assert found is not None
        counted.append(found[0].counts["calls_offered", ""])
    west, east, both, whole = counted
    assert 0 not in (west, east)
    assert (west + east, both) == (both, whole)


def test_a_search_shows_the_calls_of_both_in_order(site: TwoPairs, province: Database) -> None:
    may = period.month("2024-05", TORONTO)
    wanted = call_search.CallFilter(may.begin, may.end)
    found = call_search.search_calls(province, wanted, None)
    assert found == call_search.search_calls(site.whole, wanted, None)
    assert {x.exchange for x in found.calls} == {*PAIRS.values()}
    assert calls.first_arrival(province) == calls.first_arrival(site.whole)


@pytest.mark.parametrize(("change", "back", "why"), [
    (
        "UPDATE east.alembic_version SET version_num = '0004'",
        "UPDATE east.alembic_version SET version_num = (SELECT version_num FROM west.alembic_version)",
        "its tables are of another version of callmon (0004)",
    ),
    (
        "ALTER SCHEMA east RENAME TO elsewhere", "ALTER SCHEMA elsewhere RENAME TO east",
        "its schema has no callmon tables",
    ),
    (
        "INSERT INTO east.heartbeat VALUES ('toronto', 0)",
        "DELETE FROM east.heartbeat WHERE exchange = 'toronto'",
        "its exchange toronto has the name of one of west",
    ),
])  # fmt: skip
def test_an_unreadable_pair_is_named_and_the_database_stays_closed(
    site: TwoPairs, change: str, back: str, why: str
) -> None:
    site.sql(change)
    try:
        with pytest.raises(StoreError) as refused:
            site.opened()
        assert str(refused.value).splitlines() == [f"pair east: {why}"]
    finally:
        site.sql(back)


def test_without_one_of_the_pairs_no_month_is_counted(site: TwoPairs, province: Database) -> None:
    some = over(province, ["west"], is_whole=False)
    assert month_counts(some, TORONTO, [period.month("2024-05", TORONTO)]) is None
    assert pair_troubles(province, PAIRS) == {}


@pytest.mark.parametrize(
    "statement",
    [
        *(
            "DELETE FROM call",
            'DELETE FROM "number"',
            "UPDATE obligation SET state = 'paid'",
            "DELETE FROM contact",
        ),
        *("INSERT INTO access VALUES (1, 1, 'x', 'x', 'x', 1, NULL)", "SELECT value FROM counter"),
    ],
)
def test_what_the_pairs_store_is_not_changed_over_them(province: Database, statement: str) -> None:
    with pytest.raises(StoreError) as refused, province.writing() as connection:
        connection.execute(text(statement))
    assert "run the command with the configuration of the pair" in str(refused.value)


def test_the_database_over_pairs_writes_to_the_exchanges_pair(site: TwoPairs, province: Database) -> None:
    with owner(province, "ottawa").writing() as connection:
        connection.execute(text("INSERT INTO mark VALUES ('here', 7)"))
    found = []
    for schema in (*PAIRS, "province"):
        with site.server.reading() as connection:
            found.append(connection.execute(text(f"SELECT value FROM {schema}.mark WHERE name = 'here'")).scalar())
    assert found == [None, 7, None]
