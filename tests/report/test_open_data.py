"""The open-data package: what portals' own libraries say of it, and the same figures in each of its files."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import duckdb
import pytest
from click.testing import CliRunner, Result
from csvw import CSVW, TableGroup
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS
from rdflib.term import Node

from callmon.config.standards import ALL_STANDARDS
from callmon.features.months.open_data import parquet
from callmon.features.months.open_data.package import NO_PUBLISHER
from callmon.main import main
from callmon.store.database import upgrade
from callmon.text.labels import translate
from tests.report.expected_figures import rows_of
from tests.support import year
from tests.support.year.database import fill_year

MONTH = "2024-05"
OPEN_DATA = """
[open_data]
publisher = "ministry"
publisher_fr = "Ministère"
publisher_en = "Ministry"
standards_url_fr = "https://ministry.example/fr/normes"
standards_url_en = "https://ministry.example/en/standards"
"""
TARGET = 'mode = "voice"\ntarget = {{ {} = {{ percent = {}, since = 2024-01-01, signed_by = "A" }} }}'
COMMENT = "Un mois seulement\N{NO-BREAK SPACE}: mai 2024. État\N{NO-BREAK SPACE}: définitif."
DATA = [
    *("dictionary-en.csv", "dictionary-fr.csv", "figures-en.csv", "figures-fr.csv", "figures.parquet"),
    *("report.json", "service-standards.csv"),
]
DESCRIBED = ["csv-metadata.json", "dcat.jsonld"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, and a year in which many a number is small."""
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder}/callmon.db"
    store, settings = upgrade(url), year.settings(url)
    fill_year(store, settings, 4_000, 900, seeds=(5, 6))
    store.close()
    configure(folder, OPEN_DATA)
    return folder


def configure(folder: Path, more: str, *changes: tuple[str, str], name: str = "callmon.toml") -> None:
    text = (
        year.example_text().replace(*year.SURVEY).replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db")
    )
    for change in changes:
        text = text.replace(*change)
    (folder / name).write_text(text + year.STAFF + more, encoding="utf-8")


def report(site: Path, *arguments: str, config: str = "callmon.toml") -> Result:
    command = ["report", MONTH, *arguments, "--config", str(site / config)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


def packaged(site: Path, out: Path, config: str = "callmon.toml") -> Path:
    done = report(site, "--public", "--package", "--no-compare", "-o", str(out), config=config)
    assert (done.exit_code, len(done.stderr.splitlines())) == (0, 1)
    return out


@pytest.fixture(scope="module")
def package(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packaged(site, tmp_path_factory.mktemp("package") / "new/may")


def read(package: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each CSV, with the types that its description gives."""
    return {str(table.url): list(table) for table in TableGroup.from_file(package / "csv-metadata.json").tables}


def standards(package: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the federal columns, by service and standard."""
    rows = rows_of((package / "service-standards.csv").read_bytes(), "en")
    return {(row["service_id"], row["service_standard_id"]): row for row in rows}


# ── what portals read ──


def test_csv_on_the_web_reads_every_csv_with_its_types_and_keys(package: Path) -> None:
    assert CSVW(str(package / "csv-metadata.json"), validate=True).is_valid  # also the keys
    tables = read(package)
    assert sorted(tables) == [x for x in DATA if x.endswith(".csv")]
    french, english = (tables[f"figures-{language}.csv"] for language in ("fr", "en"))
    numbers = ("month", "figure", "value", "numerator", "denominator")
    assert [[row[x] for x in numbers] for row in french] == [[row[x] for x in numbers] for row in english]
    assert len(english) > 100


def test_a_wrong_value_is_found(package: Path, tmp_path: Path) -> None:
    for path in package.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b";known;", b";knwon;", 1))
    with pytest.raises(ValueError, match="invalid lexical value for string: knwon"):
        read(tmp_path)


def graph_of(package: Path) -> tuple[Graph, Node]:
    """The statements of the DCAT, and the dataset in them."""
    warnings.simplefilter("ignore", DeprecationWarning)  # of rdflib's own JSON-LD parser
    graph = Graph().parse(package / "dcat.jsonld", format="json-ld", publicID="https://ministry.example/")
    (dataset,) = graph.subjects(None, DCAT.Dataset)
    return graph, dataset


def test_a_portal_gets_titles_in_both_languages_licence_and_files(package: Path) -> None:
    graph, dataset = graph_of(package)
    assert set(graph.objects(dataset, DCTERMS.title)) == {
        Literal("Statistiques téléphoniques, mai 2024", lang="fr"),
        Literal("Telephone statistics, May 2024", lang="en"),
    }
    assert str(graph.value(dataset, DCTERMS.identifier)) == "ministry-telephone-2024-05"
    texts = {x.language: str(x) for x in graph.objects(dataset, DCTERMS.description) if isinstance(x, Literal)}
    assert {language: text.partition(".")[0] for language, text in texts.items()} == {
        "fr": "Définitif",
        "en": "Final",
    }
    assert set(graph.objects(dataset, DCTERMS.license)) == {
        URIRef("https://www.ontario.ca/fr/page/licence-du-gouvernement-ouvert-ontario"),
        URIRef("https://www.ontario.ca/page/open-government-licence-ontario"),
    }
    assert sorted(x.name for x in package.iterdir()) == sorted([*DATA, *DESCRIBED])
    assert sorted(str(x) for x in graph.objects(None, DCAT.downloadURL)) == [
        f"https://ministry.example/{x}" for x in DATA
    ]


# ── figures ──


def test_the_csv_are_those_of_the_public_edition(site: Path, package: Path, tmp_path: Path) -> None:
    assert (
        report(site, "--public", "--format", "csv", "--no-compare", "-o", str(tmp_path / "x.csv")).exit_code == 0
    )
    for name, same in (("figures", ""), ("dictionary", "-dictionnaire"), ("dictionary", "-dictionary")):
        for language in ("fr", "en"):
            path = tmp_path / f"x-{language}{same}.csv"
            if path.exists():
                assert (package / f"{name}-{language}.csv").read_bytes() == path.read_bytes()


def test_duckdb_reads_from_parquet_the_figures_of_the_csv(package: Path) -> None:
    french, english = (rows_of((package / f"figures-{x}.csv").read_bytes(), x) for x in ("fr", "en"))
    query = (
        "SELECT month, cut, member, figure, part, value, numerator, denominator, unit, state, title_fr, title_en, "
        "shown_fr, shown_en FROM read_parquet(?)"
    )
    found = duckdb.execute(query, [str(package / "figures.parquet")]).fetchall()
    assert found == [
        (
            *(en[x] for x in ("month", "cut", "member", "figure", "part")),
            *(kind(en[x]) if en[x] else None for x, kind in NUMBERS.items()),
            *(en["unit"], en["state"], fr["libelle"], en["title"], fr["affiche"], en["shown"]),
        )
        for fr, en in zip(french, english, strict=True)
    ]
    assert {"too_few", "known"} <= {row[9] for row in found}


NUMBERS: dict[str, Any] = {"value": float, "numerator": int, "denominator": int}


def test_the_federal_columns_have_each_services_rate_and_no_few_calls(package: Path) -> None:
    rows, found = rows_of((package / "figures-en.csv").read_bytes(), "en"), standards(package)
    rates = {(x["member"], x["figure"].removesuffix(".rate")): x for x in rows
             if x["cut"] == "service" and x["figure"].removesuffix(".rate") in ALL_STANDARDS}  # fmt: skip
    assert {
        key: (x["volume_meeting_target"], x["total_volume"], x["performance"]) for key, x in found.items()
    } == {key: (x["numerator"], x["denominator"], x["value"]) for key, x in rates.items()}
    assert len(found) == 2 * len(ALL_STANDARDS)
    assert {x["total_volume"] for key, x in found.items() if rates[key]["state"] == "too_few"} == {""}
    assert {(x["fiscal_yr"], x["channel"], x["owner_org"]) for x in found.values()} == {
        ("2024-2025", "TEL", "ministry")
    }
    assert {x["comments_fr"] for x in found.values()} == {COMMENT}


@pytest.mark.parametrize(("percent", "met"), [(39, "Y"), (40, "N")])
def test_a_target_is_judged_only_where_the_rate_is_published(
    site: Path, tmp_path: Path, percent: int, met: str
) -> None:
    """74 of 184 calls of May, published as 70 of 180, 39%; of voicemail there are too few calls."""
    lines = ("voice", "tty")
    for standard in ("answer_by_third_ring", "voicemail_after_fourth_ring"):
        given = TARGET.format(standard, percent)
        changes = [(f'mode = "{mode}"', given.replace("voice", mode, 1)) for mode in lines]
        configure(site, OPEN_DATA, *changes, name=f"{standard}.toml")
    third, voicemail = (
        standards(packaged(site, tmp_path / standard, f"{standard}.toml"))["general_inquiries", standard]
        for standard in ("answer_by_third_ring", "voicemail_after_fourth_ring")
    )
    assert (third["target"], third["performance"], third["target_met"]) == (
        f"0.{percent:02}".rstrip("0"),
        "0.39",
        met,
    )
    assert (voicemail["performance"], voicemail["target_met"]) == ("", "NA")


# ── files and sentences ──


def test_a_zip_has_the_same_files_and_the_same_bytes_each_time(site: Path, package: Path, tmp_path: Path) -> None:
    first, second = (packaged(site, tmp_path / f"{x}.zip").read_bytes() for x in "ab")
    with ZipFile(tmp_path / "a.zip") as archive:
        assert {x: archive.read(x) for x in archive.namelist()} == {
            x.name: x.read_bytes() for x in package.iterdir()
        }
    assert first == second


def test_a_package_with_other_content_is_not_replaced(site: Path, tmp_path: Path) -> None:
    out = packaged(site, tmp_path / "may")
    packaged(site, out)
    (out / "figures-en.csv").write_text("mine")
    done = report(site, "--public", "--package", "-o", str(out))
    assert (done.exit_code, (out / "figures-en.csv").read_text()) == (2, "mine")


NOT_A_PACKAGE = (
    "--package va avec --public, sans --format, --lang ni -o - : "
    "le paquet a tous les formats, dans les deux langues."
)


@pytest.mark.parametrize(
    "arguments", ["", "--public --format csv", "--public --lang fr", "--public --card", "--public -o -"]
)
def test_a_package_is_the_whole_public_edition(site: Path, arguments: str) -> None:
    done = report(site, "--package", *arguments.split())
    assert (done.exit_code, done.stderr) == (2, f"{NOT_A_PACKAGE}\n")


def test_a_package_without_a_publisher_says_what_to_add(site: Path, tmp_path: Path) -> None:
    configure(site, "", name="nobody.toml")
    done = report(site, "--public", "--package", "-o", str(tmp_path / "x"), config="nobody.toml")
    assert (done.exit_code, done.stderr) == (2, f"{translate(NO_PUBLISHER, 'fr')}\n")
    assert not (tmp_path / "x").exists()


def test_without_duckdb_the_package_says_how_to_install_it(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = report(site, "--public", "--package", "-o", str(tmp_path / "x"))
    assert (done.exit_code, done.stderr) == (1, f"{translate(parquet.MISSING, 'fr')}\n")


def test_another_licence_is_a_setting_with_any_signs(site: Path, tmp_path: Path) -> None:
    licence = (
        'licence = "OGL-2.0"\nlicence_en = "A & <b> \'B\' \\"C\\""\nlicence_fr = "Autre"\n'
        'licence_url_en = "https://x.example/?a=1&b=2"\n'
    )
    configure(site, OPEN_DATA + licence, name="other.toml")
    out = packaged(site, tmp_path / "x", "other.toml")
    graph, address = graph_of(out)[0], "https://x.example/?a=1&b=2"
    reported = {(str(name), str(value)) for name, value in graph.predicate_objects(URIRef(address))}
    assert reported == {(str(DCTERMS.identifier), "OGL-2.0"), (str(DCTERMS.title), "A & <b> 'B' \"C\"")}
    assert json.loads((out / "csv-metadata.json").read_bytes())["dc:license"] == {"@id": address}
