"""The page of the months: a row a month with its figures, its state, and one click to each file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from random import Random
from zipfile import ZipFile

import httpx
import pytest
from click.testing import CliRunner

from callmon.config.settings import Settings
from callmon.features.months.formats.pdf import is_available
from callmon.features.months.page import is_latest_running
from callmon.main import main
from callmon.store.database import Database
from tests.pages.test_pages import MANAGER, get
from tests.pages.test_pages_callbacks import text
from tests.report.test_open_data import OPEN_DATA
from tests.support.fact_builder import TORONTO
from tests.support.pages_daemon import ROLES, Site, site
from tests.support.store_fixtures import until
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories

PATHS = {"fr": "/fr/mois", "en": "/en/months"}
HEADS = {
    "fr": ["Mois", "Appels", "3e sonnerie", "Messagerie", "Rappelés en 24 h", "Exhaustivité", "État", "Fichiers"],
    "en": ["Month", "Calls", "3rd ring", "Voicemail", "Called back in 24 h", "Completeness", "State", "Files"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "states"), [("fr", ("en cours", "provisoire")), ("en", ("in progress", "provisional"))]
)
def test_the_running_month_is_a_row_with_figures_and_buttons(
    place: Site, language: str, states: tuple[str, str]
) -> None:
    """In the first two hours of a month, the calls of `fill` are in the row of the month that has just ended."""
    page = get(place, PATHS[language], MANAGER).text
    head, body = page.partition("<thead>")[2].partition("</thead>")[::2]
    assert [text(x) for x in re.findall(r"<th.*?</th>", head)] == HEADS[language]
    running = datetime.now(TORONTO).strftime("%Y-%m")
    row = body.split("</tr>")[0 if running == place.month else 1]
    parts = re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
    cells = [text(x) for x in parts]
    assert (int(cells[1]) > 0, cells[6]) == (True, states[running != place.month])
    assert re.findall(r'name="kind" value="(\w+)"', parts[-1]) == [
        "html", *(["pdf"] if is_available() else []), "xlsx", "csv", "json",
    ]  # fmt: skip
    assert f'action="{PATHS[language]}/{place.month}"' in parts[-1]


def saved(place: Site, path: str, name: str, **form: str) -> httpx.Response:
    """The file of this name that one click answers with."""
    with place.visitor(MANAGER) as visitor:
        sent = {"csrf": place.csrf(visitor, path), "at_once": "1"} | form
        asked: list[str] = []

        def is_made() -> bool:  # a busy machine gets the page of the progress first
            asked.append(visitor.post(path, data=sent).headers["location"])
            return asked[-1].endswith(f"/{name}")

        assert until(is_made), asked[-1]
        return visitor.get(asked[-1])


def test_the_page_of_a_month_begins_with_the_figures_of_the_table(place: Site) -> None:
    table = (
        get(place, "/en/months", MANAGER).text.partition(f'/en/months/{place.month}">')[2].partition("</tr>")[0]
    )
    figures = get(place, f"/en/months/{place.month}", MANAGER).text.partition('<dl class="figures">')[2]
    shown = re.findall(r"<dd>(.*?)</dd>", figures.partition("</dl>")[0])
    assert shown == re.findall(r'<td class="number" data-name="[^"]+">(.*?)</td>', table)


@pytest.mark.parametrize(
    ("state", "judged", "is_open"), [("running", 20, True), ("running", 19, False), ("final", 20, False)]
)
def test_the_latest_point_is_hollow_while_its_month_runs(state: str, judged: int, is_open: bool) -> None:
    assert is_latest_running([{"state": state, "fractions": {"third": (9, judged)}}]) == is_open


@pytest.mark.parametrize("kind", ["json", "xlsx"])
def test_one_click_in_the_table_answers_with_the_file(place: Site, kind: str) -> None:
    file = saved(place, f"/en/months/{place.month}", f"callmon-{place.month}.{kind}", kind=kind)
    disposition = file.headers["content-disposition"]
    assert (file.status_code, disposition.endswith(f'.{kind}"')) == (200, True)
    assert len(file.content) > 1000


def test_one_click_for_csv_answers_with_the_figures_and_their_dictionary(place: Site) -> None:
    file = saved(place, f"/en/months/{place.month}", f"callmon-{place.month}-csv.zip", kind="csv")
    with ZipFile(BytesIO(file.content)) as archive:
        assert archive.namelist() == [f"callmon-{place.month}.csv", f"callmon-{place.month}-dictionary.csv"]
        assert archive.read(f"callmon-{place.month}.csv").decode("utf-8-sig").startswith("month,")


CARD = {
    "fr": ["Produire l’affichette (PDF)", "Produire l’affichette (HTML)"],
    "en": ["Make the card (PDF)", "Make the card (HTML)"],
}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_button_of_a_month_answers_with_its_public_card(place: Site, language: str) -> None:
    kinds = CARD[language] if is_available() else CARD[language][1:]
    path = f"{PATHS[language]}/{place.month}"
    form = get(place, path, MANAGER).text.partition('name="edition" value="card">')[2].partition("</form>")[0]
    assert [text(x) for x in re.findall(r"<button.*?</button>", form)] == kinds
    card = saved(place, path, f"callmon-{place.month}-card.html", kind="html", edition="card").text
    assert card.count('<dd class="value">') == 5


def test_a_card_in_another_format_is_refused_and_makes_no_report(place: Site) -> None:
    path = f"/en/months/{place.month}"
    with place.visitor(MANAGER) as visitor:
        answer = visitor.post(path, data={"csrf": place.csrf(visitor, path), "kind": "xlsx", "edition": "card"})
    assert (answer.status_code, answer.headers.get("location")) == (200, None)


# Open data.


@pytest.fixture(scope="module")
def final() -> datetime:
    """Of the month three months ago: its middle, so that every callback has fallen due."""
    return (datetime.now(UTC).replace(day=15) - timedelta(days=91)).replace(day=15, hour=15)


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory, final: datetime) -> Iterator[Site]:
    """A daemon whose configuration has [open_data]: calls of this morning, and a month that is final."""

    def at(random: Random) -> datetime:
        return final + timedelta(minutes=random.uniform(0, 300))

    def filled(store: Database, settings: Settings) -> None:
        year_rows.stored(store, settings, year_stories.calls(200, at=at))
        year_rows.listened(store, final - timedelta(days=40), datetime.now(UTC))

    with site(tmp_path_factory.mktemp("open_data"), ROLES + OPEN_DATA, filled) as running:
        yield running


@pytest.mark.parametrize("language", ["fr", "en"])
def test_only_a_final_month_has_a_row_of_public_files(publisher: Site, final: datetime, language: str) -> None:
    page = get(publisher, PATHS[language], MANAGER).text
    forms = [x for x in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'value="public"' in x]
    assert [re.findall(r'action="([^"]+)"', x) for x in forms] == [[f"{PATHS[language]}/{final:%Y-%m}"]]
    (title,) = re.findall(r'<span class="edition">(.*?)</span>', forms[0])
    assert title == {"fr": "Publique", "en": "Public"}[language]
    pdf = ["pdf"] if is_available() else []
    assert re.findall(r'name="kind" value="(\w+)"', forms[0]) == ["html", *pdf, "xlsx", "csv", "json", "package"]


def test_a_click_in_the_public_row_answers_with_the_public_edition(publisher: Site, final: datetime) -> None:
    name = f"callmon-{final:%Y-%m}-public.json"
    made = saved(publisher, f"/en/months/{final:%Y-%m}", name, kind="json", edition="public").json()
    assert made["state"]["public"] is True


def test_without_a_publisher_no_month_has_that_button(place: Site) -> None:
    assert 'value="package"' not in get(place, PATHS["fr"], MANAGER).text


def test_one_click_answers_with_the_package_that_the_command_makes(
    publisher: Site, final: datetime, tmp_path: Path
) -> None:
    path, month = f"/en/months/{final:%Y-%m}", f"{final:%Y-%m}"
    file = saved(publisher, path, f"callmon-{month}-public.zip", kind="package")
    made = tmp_path / "package.zip"
    command = ["report", month, "--public", "--package", "-o", str(made), "--config", str(publisher.config)]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert (file.headers["content-type"], file.content == made.read_bytes()) == ("application/zip", True)


def test_the_open_data_of_a_month_that_is_not_final_are_not_made(publisher: Site) -> None:
    with publisher.visitor(MANAGER) as visitor:
        form = {
            "csrf": publisher.csrf(visitor, f"/en/months/{publisher.month}"),
            "kind": "package",
            "at_once": "1",
        }
        answer = visitor.post(f"/en/months/{publisher.month}", data=form)
    assert (answer.status_code, answer.headers.get("location")) == (200, None)
