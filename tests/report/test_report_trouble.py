"""A report that is not made: of which kind the trouble is, and what the page says of each kind in its language."""

from __future__ import annotations

import html
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from callmon.config.settings import example
from callmon.errors import ConfigError, MissingError, NoDataError, StoreError
from callmon.site import FEATURES
from callmon.web.context import PageContext
from callmon.web.formatter import WebFormatter
from callmon.web.jobs import FAILS, JobFailure, Kind, classify
from tests.support.pages_daemon import Site, person, site
from tests.support.store_fixtures import SOON, until

KINDS = get_args(Kind.__value__) if hasattr(Kind, "__value__") else get_args(Kind)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
NO_BREAK = re.compile("[\u00a0\u202f]")


def said(kind: Kind, language: str, limit: int = 0) -> str:
    page = PageContext.__new__(PageContext)  # its templates alone
    page.features = [feature.package for feature in FEATURES]
    page.table = {}
    failure = JobFailure(kind, "its own sentence", limit)
    values = page.common(WebFormatter(example(), language, NOW)) | {"failure": failure, "month_title": "X"}
    return NO_BREAK.sub(" ", html.unescape(page._render("_failure.html", values)))


# Which kind it is.


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConfigError("no such month"), "order"),
        (MissingError("no Pango"), "missing"),
        (NoDataError("nothing of 2025-01"), "empty"),
        (StoreError("no tables"), "database"),
        (OperationalError("SELECT 1", {}, sqlite3.OperationalError("no such table: call")), "database"),
        (PermissionError(13, "Permission denied"), "ended"),
    ],
)
def test_each_trouble_is_reported_by_who_can_act(error: Exception, kind: Kind) -> None:
    assert (classify(error).kind, isinstance(error, FAILS)) == (kind, True)


def test_a_full_disk_is_one_for_every_program(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as of_file, Path("/dev/full").open("wb", 0) as file:
        file.write(b"x")
    engine = create_engine(f"sqlite:///{tmp_path}/small.db")
    with engine.begin() as connection:
        connection.execute(text("PRAGMA max_page_count = 3"))
        with pytest.raises(OperationalError) as of_sqlite:
            connection.execute(text("CREATE TABLE a AS SELECT zeroblob(100000) AS x"))
    engine.dispose()
    assert [classify(one.value) for one in (of_file, of_sqlite)] == [
        JobFailure("disk", "No space left on device"),
        JobFailure("disk", "database or disk is full"),
    ]


def test_what_the_driver_says_of_a_query_is_reported_without_it() -> None:
    reported = OperationalError("SELECT caller FROM call", {}, sqlite3.OperationalError("disk I/O error"))
    assert classify(reported) == JobFailure("database", "disk I/O error")


# What people read.


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_reported_in_the_pages_language_with_who_can_act(kind: Kind) -> None:
    french, english = said(kind, "fr", 600), said(kind, "en", 600)
    assert french != english
    assert ("its own sentence" in french + english, "callmon report of" in english) == (False, False)
    acts = (
        "l’équipe qui administre callmon" in french.lower(),
        "the team that administers callmon" in english.lower(),
    )
    assert acts == ((False, False) if kind in ("order", "empty") else (True, True))


def test_a_bound_is_reported_with_its_figure() -> None:
    assert said("long", "fr", 600).startswith("Il n’était pas prêt après 10 min.")
    assert said("large", "en", 2048).startswith("It needs more memory than it may have here (2,048 MB).")


def test_the_page_of_a_report_that_fails_is_wholly_in_its_language(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        # The page of the month shows figures of the same table: it is there until the report is asked for.
        found = {}
        for language in ("fr", "en"):
            found[language] = reported(place, language, spoil=partial(rename, place, "obligation", "gone"))
            rename(place, "gone", "obligation")
        # The page may say it before the process has ended, and the log after that.
        logged = "failed: no such table: obligation"
        assert until(lambda: place.log.read_text().count(logged) == 2)
    assert found == {
        "fr": "■ Le rapport n’a pas été produit. La base de données n’a pas répondu. Réessayez dans une minute; "
        "si cela dure, prévenez l’équipe qui administre callmon.",
        "en": "■ The report was not made. The database did not answer. Try again in a minute; if it lasts, tell "
        "the team that administers callmon.",
    }


def test_the_page_of_a_month_without_data_says_so_and_makes_no_report(tmp_path: Path) -> None:
    with site(tmp_path) as place:
        found = {language: reported(place, language, "2020-01") for language in ("fr", "en")}
    assert found == {
        "fr": "■ Le rapport n’a pas été produit. Il n’y a pas de données pour janvier 2020 : callmon n’a rien "
        "entendu pendant ce mois, il n’y a rien à rapporter.",
        "en": "■ The report was not made. There are no data for January 2020: callmon heard nothing during "
        "that month, so there is nothing to report.",
    }


def rename(place: Site, table: str, name: str) -> None:
    with closing(sqlite3.connect(place.settings().store.url.removeprefix("sqlite:///"))) as database, database:
        database.execute(f"ALTER TABLE {table} RENAME TO {name}")


def reported(place: Site, language: str, month: str = "", spoil: Callable[[], None] = lambda: None) -> str:
    """What stands where the report would be. `spoil`: before it is asked for."""
    path = f"/{language}/{'mois' if language == 'fr' else 'months'}/{month or place.month}"
    with place.visitor(person("g.lavoie", "managers")) as visitor:
        fields = {"csrf": place.csrf(visitor, path), "kind": "json", "edition": "internal"}
        spoil()
        page = visitor.post(path, data=fields, follow_redirects=True)
        end = time.monotonic() + SOON
        while 'role="alert"' not in page.text and time.monotonic() < end:
            time.sleep(0.1)
            page = visitor.get(page.url)
    found = re.search(r'role="alert">(.*?)</p>', page.text, re.DOTALL)
    assert found is not None, page.text
    return NO_BREAK.sub(" ", html.unescape(re.sub(r"<[^>]+>", "", found[1])))
