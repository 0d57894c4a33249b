"""Imported calls on the pages: a month names the records that it rests on, a call the record that it is from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callmon.backfill.imported.job import Import
from callmon.store.access import add_account
from callmon.store.database import Database
from tests.support.fact_builder import TORONTO
from tests.support.made_queue_log import made
from tests.support.pages_app import Pages, pages, settings
from tests.support.sign_in_app import MADE, kept_password, signed_in

NOW = datetime.now(UTC)
DAY = (NOW.astimezone(TORONTO) - timedelta(days=40)).date()  # before all that the pages' database has


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    folder = tmp_path_factory.mktemp("imported")
    file = Path(folder, "queue_log")
    file.write_text(made(1, 20, str(DAY))[0], encoding="ascii")

    def fill(store: Database) -> None:
        job = Import(settings(folder), store, "queue_log", "toronto", writes=True)
        job.run(job.examine([file], NOW), NOW, (None, None), int)

    with pages(folder, fill=fill) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "mark"), [("/en/months", "imported: queue_log 20"), ("/fr/mois", "importé : queue_log 20")]
)
def test_a_month_says_how_many_of_its_calls_were_imported(running: Pages, path: str, mark: str) -> None:
    written = running.visitors["manager"].get(path).text.replace("\xa0", " ")
    assert written.count(mark) == 1


def test_each_imported_call_of_a_day_names_its_record(running: Pages) -> None:
    written = running.visitors["viewer"].get(f"/en/calls?day={DAY}").text
    assert written.count(">queue_log</td>") == 20


def test_the_mark_of_a_month_leads_an_administrator_to_the_imports(running: Pages) -> None:
    add_account(running.store, "both", kept_password(), ("manager", "administrator"), MADE)
    both = signed_in(running.gate, "both")
    link = '<a href="/en/imports">imported:'
    assert [who.get("/en/months").text.count(link) for who in (running.visitors["manager"], both)] == [0, 1]
