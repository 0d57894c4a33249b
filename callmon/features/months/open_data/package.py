"""The public edition as a package for data portals: one folder, or one zip.

The CSV are those of `callmon report --public --format csv`, so that the package shows no other number. Beside them
are the same figures as Parquet, the service standards in federal columns, the JSON, and the descriptions that
portals read: CSV on the Web and DCAT. The same edition gives the same bytes.

Refuses: an edition that is not public.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from callmon import __version__
from callmon.config.open_data import OpenDataSettings
from callmon.config.settings import Settings
from callmon.errors import ConfigError, Sentence
from callmon.features.months.formats import csv, html
from callmon.features.months.formats.json import json_bytes
from callmon.features.months.formatter import ReportFormatter, formatter_of
from callmon.features.months.model import Report
from callmon.features.months.open_data import service_standards
from callmon.features.months.open_data.parquet import parquet
from callmon.features.months.open_data.tables import DataColumn, DataTable, Type
from callmon.features.months.titles import COLUMNS, PACKAGE
from callmon.text.labels import LANGUAGES

NO_PUBLISHER = Sentence(
    "The open-data package names its publisher and licence: add the table [open_data] to the configuration, as in "
    "`callmon config example`."
)
TYPES: Mapping[str, Type] = {
    "month": "month",
    "value": "number",
    "numerator": "integer",
    "denominator": "integer",
}
KEY = ("month", "cut", "member", "figure", "part")
SQL: Mapping[Type, str] = {"string": "VARCHAR", "number": "DOUBLE", "integer": "BIGINT", "month": "VARCHAR"}
LOCALIZED = ("member_title", "title", "shown", "completeness")
MEDIA = {".csv": "text/csv", ".json": "application/json", ".parquet": "application/vnd.apache.parquet"}


def package(report: Report, settings: Settings) -> dict[str, bytes]:
    """The files by name. Raises ConfigError without [open_data], MissingError without the extra of Parquet."""
    assert report.is_public
    publisher = settings.configuration.open_data
    if publisher is None:
        raise ConfigError(NO_PUBLISHER)
    fr, en = (formatter_of(report, language, settings.timezone) for language in LANGUAGES)
    data, tables = {}, [service_standards.TABLE]
    for formatter in (fr, en):
        data[f"figures-{formatter.language}.csv"] = csv.figures(report, formatter)
        data[f"dictionary-{formatter.language}.csv"] = csv.dictionary(report, formatter)
        tables += _tables(formatter)
    data["figures.parquet"] = _parquet(report, fr, en)
    standards = service_standards.rows(report, settings, publisher, fr, en)
    cells = [[row[name] for name in service_standards.NAMES] for row in standards]
    data[service_standards.TABLE.file] = csv.csv_bytes([service_standards.NAMES, *cells], "en")
    data["report.json"] = json_bytes(report, fr, en, __version__)
    return data | dict(_described(report, publisher, tables, list(data), fr, en))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """The files in one zip, with the same time for all."""
    whole = BytesIO()
    with ZipFile(whole, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)
    return whole.getvalue()


def output_files(files: Mapping[str, bytes], output: Path) -> list[tuple[Path, bytes]]:
    """The paths to write: one, if `output` ends with .zip; otherwise those in the folder `output`."""
    if output.suffix == ".zip":
        return [(output, zipped(files))]
    return [(output / name, data) for name, data in files.items()]


# The data.


def _tables(formatter: ReportFormatter) -> Iterator[DataTable]:
    names = [of["en"] for of in COLUMNS.values()]
    columns = zip(names, csv.columns(formatter), strict=True)
    found = (
        DataColumn(name, header, TYPES.get(name, "string"), formatter.say(text))
        for name, (header, text) in columns
    )
    yield DataTable(f"figures-{formatter.language}.csv", tuple(found), formatter.language, KEY)
    both = zip(csv.dictionary_columns("en"), csv.dictionary_columns(formatter.language), strict=True)
    yield DataTable(
        f"dictionary-{formatter.language}.csv", tuple(DataColumn(*x) for x in both), formatter.language
    )


def _parquet(report: Report, fr: ReportFormatter, en: ReportFormatter) -> bytes:
    """The figures with English names of columns, and the texts in both languages."""
    names = [of["en"] for of in COLUMNS.values()]
    types = {
        f"{name}{ending}": SQL[TYPES.get(name, "string")]
        for name in names
        for ending in (("_fr", "_en") if name in LOCALIZED else ("",))
    }
    rows = []
    for french, english in zip(csv.rows(report, fr), csv.rows(report, en), strict=True):
        cells = dict(zip(names, english, strict=True))
        cells |= {f"{name}_fr": text for name, text in zip(names, french, strict=True)}
        cells |= {f"{name}_en": cells[name] for name in LOCALIZED}
        rows.append({name: _value(kind, cells[name]) for name, kind in types.items()})
    return parquet(types, rows)


def _value(kind: str, text: str) -> object:
    """The value of a cell of the CSV; None for an empty one that is no text."""
    if kind == "VARCHAR":
        return text
    return (float if kind == "DOUBLE" else int)(text) if text else None


# The descriptions.


def _described(
    report: Report,
    publisher: OpenDataSettings,
    tables: list[DataTable],
    names: Iterable[str],
    fr: ReportFormatter,
    en: ReportFormatter,
) -> Iterator[tuple[str, bytes]]:
    """The description by CSV on the Web, and the one by DCAT."""
    of = {x.language: _texts(report, x) | {"publisher": publisher.text("publisher", x.language)} for x in (fr, en)}
    page = (
        html.environment()
        .get_template("open_data.json.j2")
        .render(
            texts={name: {language: of[language][name] for language in LANGUAGES} for name in of["fr"]},
            publisher=publisher,
            tables=tables,
            month=report.month,
            last_day=report.month.after - timedelta(days=1),
            distributions={name: MEDIA[Path(name).suffix] for name in names},
        )
    )
    for name, described in json.loads(page).items():
        yield name, (json.dumps(described, ensure_ascii=False, indent=2) + "\n").encode()


def _texts(report: Report, formatter: ReportFormatter) -> dict[str, str]:
    """Title and summary of the dataset, and the title of each file, in one language."""
    title = formatter.say("Telephone statistics, {month}", month=formatter.month(report.month.first))
    complete = formatter.labelled(formatter.meaning("completeness").term, html.completeness(report, formatter))
    state, number = formatter.capital(html.state(report, formatter)), html.revision(report, formatter)
    sentences = (
        state,
        complete,
        formatter.labelled(formatter.say("Revision"), number),
        html.small_rule(report, formatter),
    )
    files = {name: formatter.say(text) for name, text in PACKAGE.items()}
    return {"title": title, "notes": " ".join(f"{x.removesuffix('.')}." for x in sentences), **files}
