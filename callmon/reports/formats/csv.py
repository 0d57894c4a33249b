"""A report as CSV: one row for each figure, and the data dictionary as a second file. Pure.

UTF-8 with a BOM, so that a spreadsheet reads the accents. In French the separator is `;` and the decimal mark is a
comma, as spreadsheets in that language expect. A text that begins like a formula gets an apostrophe, so that a
spreadsheet does not evaluate it.
"""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO

from callmon.reports.formatter import ReportFormatter
from callmon.reports.model import Figure, Place, Report

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# The name of each column in the two languages, and its content (in French; the catalogues have the translation).
COLUMNS = (
    ("mois", "month", "Le mois, à l'heure locale."),
    ("regroupement", "cut", "Quels appels sont comptés ensemble : whole, service, mode, line ou language."),
    ("element", "member", "Lequel : le nom de la ligne, du service, du mode ou de la langue."),
    ("titre_element", "member_title", "Comment il s'appelle."),
    ("chiffre", "figure", "Le nom du chiffre, le même dans les deux langues."),
    ("part", "part", "La part du chiffre, quand il en a plusieurs."),
    ("libelle", "title", "Le titre du chiffre et de sa part."),
    (
        "valeur",
        "value",
        "La valeur, non arrondie; d'une durée, coupée au dixième affiché. Vide quand elle n'est pas connue.",
    ),
    ("numerateur", "numerator", "D'un taux, le numérateur."),
    ("denominateur", "denominator", "D'un taux, le dénominateur; d'un délai, le nombre d'appels."),
    ("unite", "unit", "count, rate, seconds, rings, hours ou difference."),
    ("etat", "state", "known, not_applicable (s. o.), not_available (n. d.), too_few ou suppressed."),
    ("affiche", "shown", "Comme le rapport l'affiche."),
    ("exhaustivite", "completeness", "Exhaustivité des appels de cette ligne du tableau."),
)
DICTIONARY = (("colonne", "column"), ("nom", "name"), ("titre", "title"), ("definition", "definition"))


def figures(report: Report, tongue: ReportFormatter) -> bytes:
    """Every figure of the report and of the months compared with it."""
    months = [(report.month.name, report.figures), *((x.month, x.figures) for x in report.compared)]
    rows = [_row(report, name, x, tongue, found) for name, found in months for x in found.values()]
    head = [fr if tongue.language == "fr" else en for fr, en, _ in COLUMNS]
    return csv_bytes([head, *rows], tongue.language)


def dictionary(report: Report, tongue: ReportFormatter) -> bytes:
    """The definition of every column and every figure."""
    head = [fr if tongue.language == "fr" else en for fr, en in DICTIONARY]
    column, figure = tongue.say("colonne"), tongue.say("chiffre")
    rows = [[column, fr if tongue.language == "fr" else en, "", tongue.say(meant)] for fr, en, meant in COLUMNS]
    for name in dict.fromkeys(place.name for place in report.figures):
        meaning = tongue.meaning(name)
        rows.append([figure, name, meaning.term, meaning.text])
    return csv_bytes([head, *rows], tongue.language)


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
    report: Report, month: str, one: Figure, tongue: ReportFormatter, figures: Mapping[Place, Figure]
) -> list[str]:
    place = one.place
    complete = figures.get(Place("completeness", "", place.cut))
    return [
        month,
        place.cut.kind,
        place.cut.of,
        tongue.cut(place.cut, report),
        place.name,
        place.part,
        tongue.figure_title(place),
        *(_decimal(x, tongue.language) for x in (one.value, one.numerator, one.denominator)),
        one.kind,
        one.state,
        tongue.figure(one),
        "" if complete is None else tongue.figure(complete),
    ]


def _decimal(value: float | None, language: str) -> str:
    """The value with up to 10 decimals; "" for None; a decimal comma in French."""
    if value is None:
        return ""
    text = str(value) if isinstance(value, int) else format(value, ".10f").rstrip("0").rstrip(".")
    return text.replace(".", ",") if language == "fr" else text
