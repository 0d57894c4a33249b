"""ClickHouse reads what `callmon export` writes: the month's statistics, types and partitions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from callmon.core.statistics import period
from callmon.features.months.model import Report
from callmon.features.months.request import gathered
from callmon.main import main
from callmon.store.database import upgrade
from tests.lab import clickhouse
from tests.lab.needed import needed
from tests.support import exported, year
from tests.support.year import TORONTO
from tests.support.year.database import LATER, fill_year

pytestmark = pytest.mark.lab


class Exported(NamedTuple):
    """The folder with ClickHouse, that of the exported month, and the month's report."""

    engine: Path
    out: Path
    report: Report

    def asked(self, query: str) -> list[tuple[object, ...]]:
        """The answer of ClickHouse, sorted; {calls} and so on are the exported tables."""
        tables = {x: f"file('{self.out}/{x}/*/*/*.parquet', Parquet)" for x in exported.TABLES}
        return sorted(map(tuple, clickhouse.asked(self.engine, query.format(**tables))))


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder}/callmon.db"
    with needed("clickhouse"):
        engine = clickhouse.folder()
    store, settings = upgrade(url), year.settings(url)
    fill_year(store, settings, 2_000, 600)
    config = folder / "callmon.toml"
    config.write_text(year.example_text().replace("sqlite:///callmon.db", url), encoding="utf-8")
    command = ["export", "--parquet", "2024-05", "-o", str(folder / "out"), "--config", str(config)]
    assert CliRunner().invoke(main, command).exit_code == 0
    yield Exported(engine, folder / "out", gathered(store, settings, period.month("2024-05", TORONTO), LATER))
    store.close()


@pytest.mark.parametrize("name", exported.QUERIES)
def test_clickhouse_counts_the_statistics_of_the_month(month: Exported, name: str) -> None:
    assert month.asked(exported.QUERIES[name]) == exported.expected(month.report)[name]


def test_clickhouse_knows_times_days_and_partitions(month: Exported) -> None:
    kinds = (
        "SELECT DISTINCT exchange, month, toTypeName(arrived), toTypeName(day), toTypeName(in_hours) FROM {calls}"
    )
    types = ("Nullable(DateTime64(6, 'UTC'))", "Nullable(Date32)", "Nullable(Bool)")
    assert month.asked(kinds) == [("toronto", "2024-05", *types)]
