"""`callmon report`: files in both languages, the same bytes each time, and sentences for what cannot be done."""

from __future__ import annotations

import json
import os
import re
import sys
import warnings
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from click.testing import CliRunner, Result

from callmon.config.settings import parse
from callmon.core import facts as f
from callmon.core.outcome import Outcome
from callmon.core.statistics import period
from callmon.features.months.builder import fingerprint
from callmon.features.months.formats import pdf
from callmon.features.months.request import gathered
from callmon.main import main
from callmon.store.database import Database, upgrade
from callmon.text.labels import translate
from tests.report.expected_figures import Page, rows_of
from tests.support import year
from tests.support.report_json import listed
from tests.support.store_fixtures import EXCHANGE, wrote
from tests.support.year import rows as year_rows
from tests.support.year import stories as year_stories
from tests.support.year.database import fill_year


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration and a year of calls."""
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder}/callmon.db"
    store, settings = upgrade(url), year.settings(url)
    fill_year(store, settings, 1_500, 200)
    store.close()
    text = year.example_text().replace(*year.SURVEY) + year.STAFF
    (folder / "callmon.toml").write_text(text.replace("sqlite:///callmon.db", url), encoding="utf-8")
    return folder


def report(site: Path, *arguments: str, locale: str = "") -> Result:
    command = ["report", *arguments, "--config", str(site / "callmon.toml")]
    environment = {"LC_ALL": locale} if locale else None
    return CliRunner(env=environment).invoke(main, command, catch_exceptions=False)


def made(site: Path, out: Path, *arguments: str) -> dict[str, bytes]:
    """What the command writes into a folder, by name."""
    out.mkdir(exist_ok=True)
    done = report(site, *arguments)
    assert (done.exit_code, len(done.stderr.splitlines())) == (0, 0 if "--sample" in arguments else 1)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", ["csv", "html", "xlsx", "json"])
@pytest.mark.parametrize("edition", [[], ["--public"]])
def test_the_same_month_again_gives_the_same_bytes(
    site: Path, tmp_path: Path, kind: str, edition: list[str]
) -> None:
    out = tmp_path / f"x.{kind}"
    arguments = ("2024-05", "--format", kind, "-o", str(out), *edition)
    first, second = made(site, tmp_path, *arguments), made(site, tmp_path, *arguments)
    assert first == second
    names = {"csv": ["x-en-dictionary.csv", "x-en.csv", "x-fr-dictionnaire.csv", "x-fr.csv"], "json": ["x.json"]}
    assert list(first) == names.get(kind, [f"x-en.{kind}", f"x-fr.{kind}"])


def test_without_a_name_the_files_are_named_after_the_month(site: Path, tmp_path: Path) -> None:
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        done = report(site, "2024-05", "--format", "csv", "--lang", "fr", "--public")
    finally:
        os.chdir(before)
    assert done.stdout == "callmon-2024-05-public.csv\ncallmon-2024-05-public-dictionnaire.csv\n"


def test_the_card_is_a_page_in_each_language_named_after_the_month(site: Path, tmp_path: Path) -> None:
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        done = report(site, "2024-05", "--public", "--card")
    finally:
        os.chdir(before)
    names = [f"callmon-2024-05-card-{language}.html" for language in ("fr", "en")]
    assert done.stdout.splitlines() == names
    pages = [(tmp_path / name).read_text(encoding="utf-8") for name in names]
    assert [page.count('<dd class="value">') for page in pages] == [5, 5]


def test_one_language_goes_to_standard_output(site: Path) -> None:
    done = report(site, "2024-05", "--format", "csv", "--lang", "en", "-o", "-", "--no-compare")
    rows = rows_of(done.stdout_bytes, "en")
    assert {row["month"] for row in rows} == {"2024-05"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["2024-05", "--public", "--line", "tty"], "--public va avec des mois entiers et toutes les lignes : une "
         "partie révélerait de petits nombres.\n"),
        (["2024-05", "--card"], "--card va avec --public, en HTML ou en PDF.\n"),
        (["2024-05", "--public", "--card", "--format", "xlsx"], "--card va avec --public, en HTML ou en PDF.\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_reported_in_a_sentence(site: Path, arguments: list[str], sentence: str) -> None:
    done = report(site, *arguments)
    assert (done.exit_code, done.stderr) == (2, sentence)


def test_only_the_lines_that_are_asked_for_are_in_it(site: Path, tmp_path: Path) -> None:
    whole = made(site, tmp_path / "a", "2024-05", "--format", "json", "-o", str(tmp_path / "a/x.json"))
    two = made(site, tmp_path / "b", "2024-05", "--format", "json", "--line", "tty", "--line", "poci", "-o",
               str(tmp_path / "b/x.json"))  # fmt: skip
    reported, of_all = (listed(json.loads(x["x.json"])["figures"]) for x in (two, whole))
    lines = {x["of"] for x in reported if x["cut"] == "line"}
    assert lines == {"tty", "poci"}

    def offered(figures: list[dict[str, Any]], cut: str, of: str = "") -> int:
        place = ("calls_offered", cut, of)
        return next(x["value"] for x in figures if (x["figure"], x["cut"], x["of"]) == place)

    assert offered(reported, "whole") == offered(of_all, "line", "tty") + offered(of_all, "line", "poci")


def test_a_remark_stands_in_its_language_and_needs_both(site: Path, tmp_path: Path) -> None:
    remarks = tmp_path / "remarks.toml"
    remarks.write_text(
        '[callbacks]\nfr = "Une panne le 3 <mai>."\nen = "An outage on 3 <May>."\n', encoding="utf-8"
    )
    out = str(tmp_path / "x.html")
    assert report(site, "2024-05", "--remarks", str(remarks), "-o", out).exit_code == 0
    french, english = ((tmp_path / f"x-{x}.html").read_text(encoding="utf-8") for x in ("fr", "en"))
    assert "<dt>Rappels</dt><dd>Une panne le 3 &lt;mai&gt;.</dd>" in french
    assert "<dt>Callbacks</dt><dd>An outage on 3 &lt;May&gt;.</dd>" in english
    remarks.write_text('[callbacks]\nfr = "Une panne."\nen = ""\n', encoding="utf-8")
    done = report(site, "2024-05", "--remarks", str(remarks), "-o", out)
    assert (done.exit_code, done.stderr) == (
        2, f"{remarks} : il faut fr et en à la remarque [callbacks], et aucun ne peut être vide.\n"
    )  # fmt: skip


# Months of which there is nothing, or not all, to tell.

NO_DATA = {
    "fr": "Il n’y a pas de données pour 2019-05 : callmon n’a rien entendu pendant ce mois, il n’y a rien à "
    "rapporter.\n",
    "en": "There are no data for 2019-05: callmon heard nothing during that month, so there is nothing to "
    "report.\n",
}


@pytest.mark.parametrize(("kind", "edition"), [("json", []), ("html", ["--public"]), ("csv", [])])
def test_a_month_that_callmon_did_not_hear_has_no_report(
    site: Path, tmp_path: Path, kind: str, edition: list[str]
) -> None:
    out = ("-o", str(tmp_path / "x"), "--format", kind, *edition)
    reported = [report(site, "2019-05", *out, locale=name) for name in ("", "en_CA.UTF-8")]
    assert [(one.exit_code, one.stdout, one.stderr) for one in reported] == [
        (1, "", NO_DATA["fr"]), (1, "", NO_DATA["en"]),
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_month_without_a_call_has_no_sample(site: Path, tmp_path: Path) -> None:
    out = ("-o", str(tmp_path / "x"))
    reported = [report(site, "2019-05", "--sample", "7", *out, locale=name) for name in ("", "en_CA.UTF-8")]
    assert [(one.exit_code, one.stderr) for one in reported] == [
        (1, "Il n’y a aucun appel à tirer au sort pour 2019-05. Aucun fichier n’est produit.\n"),
        (1, "There is no call of 2019-05 to draw. No file is made.\n"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_command_states_the_month_in_the_locales_language(site: Path, tmp_path: Path) -> None:
    def said(*words: str, locale: str = "") -> str:
        done = report(site, "2024-05", "--format", "csv", "--no-compare", *words, locale=locale)
        assert done.exit_code == 0
        return done.stderr.replace("\N{NO-BREAK SPACE}", " ")

    out = ("--overwrite", "-o", str(tmp_path / "x.csv"))
    french = "mai 2024, définitif; exhaustivité : 94,2 %; appels reçus : 121\n"
    english = "May 2024, final; completeness: 94.2%; calls offered: 121\n"
    assert [said(*out), said(*out, "--lang", "en"), said("-o", "-", "--lang", "en")] == [french] * 3
    assert [said(*out, *words, locale="en_CA.UTF-8") for words in ([], ["--lang", "fr"])] == [english] * 2
    public = said("--public", "-o", str(tmp_path / "y.csv"))
    assert public == "mai 2024, définitif; exhaustivité : au moins 87 %; appels reçus : 120\n"


@pytest.mark.parametrize(
    "words", ["2024-13 --lang fr", "2019-05 --lang fr", "2024-05 --lang fr -o {} --line nosuch"]
)
def test_what_the_command_refuses_is_in_the_locales_language(site: Path, tmp_path: Path, words: str) -> None:
    done = report(site, *words.format(tmp_path / "x").split(), locale="en_CA.UTF-8")
    assert done.exit_code != 0
    assert re.search(r"\b(there is no such month|There are no data|There is no line)\b", done.stderr)


def test_of_the_month_that_runs_it_is_said_that_it_is_not_over(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path}/callmon.db", datetime.now(UTC)
    store, settings = upgrade(url), year.settings(url)
    year_rows.listened(store, now - timedelta(days=70), now)
    store.close()
    (tmp_path / "callmon.toml").write_text(year.example_text().replace("sqlite:///callmon.db", url))
    today = now.astimezone(settings.timezone).date()
    reported = {}
    for month in (f"{today:%Y-%m}", period.last(today)):
        for language in ("fr", "en"):
            out = tmp_path / f"{month}.json"
            words = ("--format", "json", "--no-compare", "-o", str(out))
            done = report(tmp_path, month, *words, locale=f"{language}_CA.UTF-8")
            reported[month == period.last(today), language] = (
                done.stderr.replace("\N{NO-BREAK SPACE}", " ").partition(", ")[2].partition("; ")[0],
                json.loads(out.read_bytes())["state"]["final"],
            )
    assert reported == {
        (False, "fr"): ("provisoire : le mois n’est pas terminé", False),
        (False, "en"): ("provisional: the month is not over", False),
        (True, "fr"): ("provisoire : aucun appel n’a été reçu", False),  # nothing empty is final
        (True, "en"): ("provisional: no call was received", False),
    }


def test_a_folder_that_is_not_there_is_made(site: Path, tmp_path: Path) -> None:
    done = report(site, "2024-05", "--lang", "en", "-o", str(tmp_path / "no/such/x.csv"), "--format", "csv")
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "no/such").iterdir()) == ["x-dictionary.csv", "x.csv"]


# Revisions.


def test_a_report_that_says_something_else_is_not_written_over(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.json"
    arguments = ("2024-05", "--format", "json", "-o", str(out))
    before = made(site, tmp_path, *arguments)
    other = report(site, *arguments, "--line", "tty")
    assert (other.exit_code, other.stderr) == (
        2,
        f"{out} existe avec un autre contenu et n’est pas remplacé. Donnez un autre nom avec -o, et "
        "--revises pour la liste des changements; ou remplacez un brouillon avec --overwrite.\n",
    )
    assert {out.name: out.read_bytes()} == before
    assert report(site, *arguments, "--line", "tty", "--overwrite").exit_code == 0
    assert out.read_bytes() != before["x.json"]


def test_a_revision_is_of_the_same_days_and_lines_and_of_a_report(site: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", str(tmp_path / "2.json")
    assert report(site, "2024-06", "--format", "json", "-o", str(first)).exit_code == 0
    other = report(site, "2024-05", "--format", "json", "--revises", str(first), "-o", second)
    assert other.stderr == f"{first} : ce n’est pas le rapport interne des mêmes jours; une révision en suit un.\n"
    lines = report(site, "2024-06", "--format", "json", "--line", "tty", "--revises", str(first), "-o", second)
    assert lines.stderr == f"{first} : ce n’est pas un rapport des mêmes lignes; donnez les mêmes --line.\n"
    first.write_bytes(b"{}")
    none = report(site, "2024-06", "--format", "json", "--revises", str(first), "-o", second)
    assert none.exit_code == 2
    assert none.stderr.startswith(f"{first} : ce n’est pas le JSON d’un rapport de cette version (")


# The sampling pack.


def test_a_seed_draws_the_same_twenty_calls_and_another_draws_others(site: Path, tmp_path: Path) -> None:
    first = made(site, tmp_path / "1", "2024-05", "--sample", "audit 7", "-o", str(tmp_path / "1/x.txt"))
    again = made(site, tmp_path / "2", "2024-05", "--sample", "audit 7", "-o", str(tmp_path / "2/x.txt"))
    other = made(site, tmp_path / "3", "2024-05", "--sample", "audit 8", "-o", str(tmp_path / "3/x.txt"))
    assert first == again
    assert first["x-fr.txt"] != other["x-fr.txt"]
    french, english = (first[f"x-{x}.txt"].decode() for x in ("fr", "en"))
    for text in (french, english):
        cover, *pages = text.split("\f")
        assert "audit 7" in cover
        assert len(pages) == 20
    asked = [x for x in year_stories.calls(1_500) if x[1].local.month == 5]
    names = [truth.name for _, truth in asked]
    wanted = sorted(names, key=lambda name: sha256(f"audit 7 toronto {name}".encode()).digest())[:20]
    pages = english.split("\f")[1:]
    assert [[name for name in names if name in page] for page in pages] == [[name] for name in wanted]


# What people need who do not see the page.


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("edition", [[], ["--public"]])
def test_every_drawing_table_and_heading_can_be_read_aloud(
    site: Path, tmp_path: Path, language: str, edition: list[str]
) -> None:
    out = tmp_path / "x.html"
    (data,) = made(site, tmp_path, "2024-05", "--lang", language, "-o", str(out), *edition).values()
    tags = Page(data).tags
    assert ("html", {"lang": f"{language}-CA"}) in tags
    ids = [given["id"] for _, given in tags if "id" in given]
    assert len(ids) == len({*ids})
    pointed = [x for _, given in tags for x in (given.get("aria-labelledby") or "").split()]
    assert {*pointed} <= {*ids}
    drawings = [given for tag, given in tags if tag == "svg"]
    assert (drawings == []) is bool(edition)  # a public edition has tables only
    assert all(given["role"] == "img" and len((given["aria-labelledby"] or "").split()) == 2 for given in drawings)
    heads = [given.get("scope") for tag, given in tags if tag == "th"]
    assert {*heads} == {"col", "row"}
    scrolled = [given for _, given in tags if given.get("class") == "scroll"]
    assert all((given["role"], given["tabindex"]) == ("region", "0") for given in scrolled)
    levels = [int(tag[1]) for tag, _ in tags if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert [given for tag, given in tags if tag in ("script", "link", "img", "iframe")] == []


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_workbook_has_a_language_a_title_and_drawings_with_a_text(
    site: Path, tmp_path: Path, language: str
) -> None:
    out = tmp_path / "x.xlsx"
    (data,) = made(site, tmp_path, "2024-05", "--format", "xlsx", "--lang", language, "-o", str(out)).values()
    workbook = openpyxl.load_workbook(BytesIO(data))
    title = {"fr": "Statistiques téléphoniques, mai 2024", "en": "Telephone statistics, May 2024"}[language]
    assert (workbook.properties.title, workbook.custom_doc_props["Language"].value) == (title, f"{language}-CA")
    assert [len(sheet.tables) for sheet in workbook.worksheets if sheet.title not in ("Rappels", "Callbacks")] == [
        3,
        1,
        1,
        1,
    ]
    with ZipFile(BytesIO(data)) as archive:
        drawings = [archive.read(x).decode() for x in archive.namelist() if x.startswith("xl/drawings/drawing")]
        described = [x.count("<xdr:cNvPr ") == x.count(' descr="') for x in drawings]
    assert drawings
    assert all(described)


# PDF.


def test_where_weasyprint_is_missing_one_sentence_says_what_to_install(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(pdf, "import_module", missing)
    done = report(site, "2024-05", "--format", "pdf", "-o", str(tmp_path / "x.pdf"))
    assert (done.exit_code, done.stderr) == (1, f"{translate(pdf.MISSING, 'fr')}\n")
    assert list(tmp_path.iterdir()) == []


# What is not over.


def test_a_call_in_progress_makes_the_month_provisional_and_counts_next(sqlite_store: Database) -> None:
    from callmon.core.statistics import period as month

    begun = datetime(2026, 10, 31, 23, 59, 50, tzinfo=year.TORONTO).astimezone(UTC)
    random = year_stories.Random(1)
    caller = year.Caller(random, 1, "general", begun)
    year_stories.answered(caller)
    facts, _ = caller.done()
    wrote(sqlite_store, *(Outcome(EXCHANGE, (fact,)) for fact in facts[:-1]))
    settings, later = year.settings(), begun + timedelta(days=60)
    year_rows.listened(sqlite_store, begun - timedelta(days=60), later)
    october = month.month("2026-10", year.TORONTO)
    before = gathered(sqlite_store, settings, october, later, compare=False)
    assert (
        before.figure("calls_in_progress").value,
        before.is_final,
        before.figure("calls_offered").value,
    ) == (
        1,
        False,
        0,
    )
    outcome = year_rows.Monitor(settings, token=str).retell(EXCHANGE, facts)
    assert outcome is not None
    wrote(sqlite_store, Outcome(EXCHANGE, (facts[-1],), outcome.findings, outcome.calls))
    after = gathered(sqlite_store, settings, october, later, compare=False)
    assert (
        after.figure("calls_in_progress").value,
        after.is_final,
        after.figure("calls_offered").value,
    ) == (0, True, 1)
    november = gathered(sqlite_store, settings, month.month("2026-11", year.TORONTO), later, compare=False)
    assert november.figure("calls_offered").value == 0
    assert before.data_fingerprint != after.data_fingerprint
    assert isinstance(facts[-1], f.Ended)


# A timer.


def test_a_timer_writes_last_months_report_once(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("callmon.cli.common.datetime", ReportClock)
    ReportClock.day_of_june = 2
    assert report(site, "last", "--scheduled").stdout == ""  # 1 and 2 June 2024 were a weekend
    ReportClock.day_of_june = 3
    done = report(site, "last", "--scheduled")
    assert (done.exit_code, done.stdout) == (0, "callmon-2024-05-fr.html\ncallmon-2024-05-en.html\n")
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ReportClock.day_of_june = 4  # what was not due yet is now: it would say something else
    assert report(site, "last", "--scheduled").stdout == ""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written


def test_a_timer_is_reported_and_not_failed_by_a_month_before_callmon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/callmon.db"
    upgrade(url).close()
    (tmp_path / "callmon.toml").write_text(year.example_text().replace("sqlite:///callmon.db", url))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("callmon.cli.common.datetime", ReportClock)
    ReportClock.day_of_june = 3
    done = report(tmp_path, "last", "--scheduled")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", NO_DATA["fr"].replace("2019", "2024"))
    assert list(tmp_path.glob("*.html")) == []


class ReportClock(datetime):
    """June 2024, at half past ten."""

    day_of_june = 1

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return datetime(2024, 6, cls.day_of_june, 14, 30, tzinfo=UTC).astimezone(tz)


# The fingerprint of the configuration.


def test_a_setting_of_a_figure_changes_the_fingerprint_no_address_does() -> None:
    text = year.example_text()
    same = fingerprint(parse(text))
    assert fingerprint(parse(text.replace('host = "127.0.0.1"', 'host = "pbx.example"'))) == same
    assert fingerprint(parse(text.replace('listen = "127.0.0.1:10469"', 'listen = "127.0.0.1:9000"'))) == same
    assert fingerprint(parse(text.replace("# minimum_sample = 20", "minimum_sample = 30"))) != same
    assert fingerprint(parse(text + year.STAFF)) != same
    assert fingerprint(parse(text.replace('# within = "24h"', 'within = "23h"'))) != same
    prefixes = 'dial_prefixes = ["9", "91", "9011"]'
    assert text.count(prefixes) == 1
    assert fingerprint(parse(text.replace(prefixes, 'dial_prefixes = ["9"]'))) != same


def test_hours_of_the_settings_are_in_the_fingerprint_without_warning() -> None:
    text = year.example_text()
    hours = [f'[calendar]\nhours = {{ monday = "{day}" }}\n' for day in ("08:00-17:00", "00:00-24:00")]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        made = [fingerprint(parse(text.replace("[calendar]\n", reported, 1))) for reported in hours]
    assert (made[0] != made[1], warned) == (True, [])


def test_no_format_but_pdf_needs_what_is_extra(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("weasyprint", "pikepdf", "openpyxl"):
        monkeypatch.setitem(sys.modules, name, None)  # Python then raises ImportError
    for kind in ("csv", "html", "xlsx", "json"):
        assert report(site, "2024-05", "--format", kind, "-o", str(tmp_path / f"x.{kind}")).exit_code == 0
