"""Imported calls on the pages: a month names the records that it rests on, a call the record that it is from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from callmon.backfill.imported.job import Import
from callmon.store.access import add_account
from callmon.store.database import Database
from tests.support.fact_builder import TORONTO
from tests.support.made_queue_log import made
from tests.support.pages_app import Pages, pages, settings
from tests.support.sign_in_app import MADE, kept_password, signed_in


@pytest.fixture(scope="module")
def days() -> dict[str, date]:
    """Two days of one month, before all that the pages' database has."""
    first = (datetime.now(TORONTO) - timedelta(days=70)).date().replace(day=1)
    return {"queue_log": first, "cel": first.replace(day=2)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, days: dict[str, date]) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("imported")

    def fill(store: Database) -> None:
        for kind, day in days.items():
            file = Path(folder, kind)
            file.write_text(made(1, 20, str(day), record=kind)[0], encoding="ascii")
            job = Import(settings(folder), store, kind, "toronto", writes=True, now=datetime.now(UTC))
            list(job.run(job.examine([file]), (None, None)))

    with pages(folder, fill=fill) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "mark"),
    [("/en/months", "imported: queue_log 20, CEL 20"), ("/fr/mois", "importé : queue_log 20, CEL 20")],
)
def test_a_month_says_how_many_of_its_calls_were_imported(running: Pages, path: str, mark: str) -> None:
    written = running.visitors["manager"].get(path).text.replace("\xa0", " ")
    assert written.count(mark) == 1


@pytest.mark.parametrize(("kind", "name"), [("queue_log", "queue_log"), ("cel", "CEL")])
def test_each_imported_call_of_a_day_names_its_record(
    running: Pages, days: dict[str, date], kind: str, name: str
) -> None:
    written = running.visitors["viewer"].get(f"/en/calls?day={days[kind]}").text
    assert written.count(f">{name}</td>") == 20


def test_the_mark_of_a_month_leads_an_administrator_to_the_imports(running: Pages) -> None:
    add_account(running.store, "both", kept_password(), ("manager", "administrator"), MADE)
    both = signed_in(running.gate, "both")
    link = '<a href="/en/imports">imported:'
    assert [who.get("/en/months").text.count(link) for who in (running.visitors["manager"], both)] == [0, 1]
