"""*Imports*: how far each import is, what the last one changed, and who sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest

from callmon.store.database import Database
from callmon.store.imports import ImportProgress, note_import
from tests.support.pages_app import Pages, pages

HOUR = timedelta(hours=1)
ROWS = {
    "/en/imports": [
        ["CEL", "ottawa one", "2,000 of 12,000", "70", "0", "in progress"],
        ["CDR", "toronto", "998 of 1,000", "0", "0", "interrupted; the same command continues"],
        ["queue_log", "toronto", "4,000 of 4,000", "1,300", "2", "finished"],
    ],
    "/fr/importations": [
        ["CEL", "ottawa one", "2 000 sur 12 000", "70", "0", "en cours"],
        ["CDR", "toronto", "998 sur 1 000", "0", "0", "interrompue; la même commande continue"],
        ["queue_log", "toronto", "4 000 sur 4 000", "1 300", "2", "terminée"],
    ],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    now = datetime.now(UTC)
    cel = ImportProgress("ottawa one", "cel", now + HOUR, 12_000, 2_000, 70, 0)
    noted = (
        ImportProgress("toronto", "queue_log", now - 3 * HOUR, 4_000, 4_000, 1_300, 2),
        ImportProgress("toronto", "cdr", now - HOUR, 1_000, 998, 0, 0),
        cel._replace(read=0, created=0),
        cel,
    )

    def fill(store: Database) -> None:
        for progress in noted:
            note_import(store, progress)

    with pages(tmp_path_factory.mktemp("imports"), fill=fill) as found:
        yield found


@pytest.mark.parametrize("path", ROWS)
def test_each_record_is_shown_with_its_progress_its_result_and_its_state(site: Pages, path: str) -> None:
    page = unescape(site.visitors["administrator"].get(path).text).replace("\xa0", " ").replace("\u202f", " ")
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    assert [row[:6] for row in rows[1:]] == ROWS[path]


@pytest.mark.parametrize("role", ["viewer", "agent", "manager"])
def test_imports_are_the_administrators_alone(site: Pages, role: str) -> None:
    visitor = site.visitors[role]
    assert visitor.get("/en/imports").status_code == 403


def test_the_record_of_access_leads_to_the_imports(site: Pages) -> None:
    page = site.visitors["administrator"].get("/en/accesses").text
    assert page.count('<a href="/en/imports">Imports</a>') == 1


def test_before_the_first_import_the_page_says_so(tmp_path: Path) -> None:
    with pages(tmp_path) as found:
        assert "<p>Nothing was imported.</p>" in found.visitors["administrator"].get("/en/imports").text
