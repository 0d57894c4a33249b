"""A report as CSV: one row for each figure, and the data dictionary as a second file. Pure.

UTF-8 with a BOM, so that a spreadsheet reads the accents. In French the separator is `;` and the decimal mark is a
comma, as spreadsheets in that language expect. A text that begins like a formula gets an apostrophe, so that a
spreadsheet does not evaluate it.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from io import StringIO
from typing import NamedTuple

from callmon.features.months.formats.html import completeness
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import WHOLE, Cut, Figure, Place, Report
from callmon.features.months.titles import COLUMNS

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
IMPORTED = "imported"  # the name of a row that is no figure of the report
FORMULA = ("=", "+", "-", "@", "\t", "\r")
DICTIONARY = (("colonne", "column"), ("nom", "name"), ("titre", "title"), ("definition", "definition"))


class Titles(NamedTuple):
    """The titles of a report's cuts and figures; each is made once."""

    cut: Callable[[Cut], str]
    figure: Callable[[str, str], str]


def figures(report: Report, formatter: ReportFormatter) -> bytes:
    """Every figure of the report and of the months compared with it; the imported calls by their record."""
    head, last = [name for name, _ in columns(formatter)], _imported(report, formatter)
    return csv_bytes([head, *rows(report, formatter), *last], formatter.language)


def _imported(report: Report, formatter: ReportFormatter) -> list[list[str]]:
    place = [report.month.name, WHOLE.kind, WHOLE.of, formatter.cut(WHOLE, report), IMPORTED]
    return [
        [*place, record, formatter.say("Imported calls"), str(count), "", "", "count", "known", str(count), ""]
        for record, count in report.imported.items()
    ]


def rows(report: Report, formatter: ReportFormatter) -> list[list[str]]:
    """The cells of each figure, in the order of `columns`."""
    months = [(report.month.name, report.figures), *((x.month, x.figures) for x in report.compared)]
    titles = Titles(cache(lambda cut: formatter.cut(cut, report)), cache(formatter.figure_title))
    made = [_row(name, x, formatter, titles, found) for name, found in months for x in found.values()]
    for figure, row in zip(report.figures.values(), made, strict=False):
        if report.is_public and figure.place.cut == WHOLE:
            row[-1] = completeness(report, formatter)
    return made


def dictionary(report: Report, formatter: ReportFormatter) -> bytes:
    """The definition of every column and every figure."""
    head = dictionary_columns(formatter.language)
    column, figure = formatter.say("column"), formatter.say("figure")
    found = [[column, name, "", formatter.say(text)] for name, text in columns(formatter)]
    for name in dict.fromkeys(place.name for place in report.figures):
        meaning = formatter.meaning(name)
        found.append([figure, name, meaning.term, meaning.text])
    if report.imported:
        text = formatter.say("calls that callmon did not hear but read from a record of the exchange")
        found.append([figure, IMPORTED, formatter.say("Imported calls"), text])
    return csv_bytes([head, *found], formatter.language)


def dictionary_columns(language: str) -> list[str]:
    return [fr if language == "fr" else en for fr, en in DICTIONARY]


def columns(formatter: ReportFormatter) -> list[tuple[str, str]]:
    """The name and the content (in French) of each column."""
    return [(fr if formatter.language == "fr" else of["en"], of["text"]) for fr, of in COLUMNS.items()]


def csv_bytes(rows: Iterable[Iterable[str]], language: str) -> bytes:
    """The rows as CSV bytes, in the form that spreadsheets of this language expect."""
    text = StringIO()
    writer = csv.writer(text, delimiter=";" if language == "fr" else ",", lineterminator="\r\n")
    writer.writerows([_harmless(cell, language) for cell in row] for row in rows)
    return (BOM + text.getvalue()).encode()


def _harmless(cell: str, language: str) -> str:
    """The cell, with an apostrophe before a text that begins like a formula; a number may begin with a sign."""
    if not cell.startswith(FORMULA):
        return cell
    number = cell.replace(",", ".", 1) if language == "fr" else cell
    try:
        float(number)
    except ValueError:
        return f"'{cell}"
    return cell


def _row(
    month: str, figure: Figure, formatter: ReportFormatter, titles: Titles, figures: Mapping[Place, Figure]
) -> list[str]:
    place = figure.place
    complete = figures.get(Place("completeness", "", place.cut))
    return [
        month,
        place.cut.kind,
        place.cut.of,
        titles.cut(place.cut),
        place.name,
        place.part,
        titles.figure(place.name, place.part),
        *(decimal(x, formatter.language) for x in (figure.value, figure.numerator, figure.denominator)),
        figure.kind,
        figure.state,
        formatter.figure(figure),
        "" if complete is None else formatter.figure(complete),
    ]


def decimal(value: float | None, language: str) -> str:
    """The value with up to 10 decimals; "" for None; a decimal comma in French."""
    if value is None:
        return ""
    text = str(value) if isinstance(value, int) else format(value, ".10f").rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "fr" else text
