"""A report as a workbook: one sheet for each table, as a table object with real numbers. Pure.

Headers are frozen, charts have an alternative text, and the document has a language and a title. A rate is written
as rounded for display (R-23), so that no cell format rounds 99.96 % up. Its two numbers are in the last sheet.

Refuses: to merge cells.
"""

import itertools
from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # it has no types

from callmon.config.settings import Settings
from callmon.reports import notes
from callmon.reports.formats import html
from callmon.reports.formatter import FEW, ReportFormatter
from callmon.reports.layout import LayoutBuilder, LayoutSection, LayoutTable
from callmon.reports.model import Figure, Report
from callmon.reports.notes import Remarks
from callmon.reports.titles import Definition
from callmon.text.formatter import permille

NARROWEST, WIDEST = 30, 80  # width of the label column, in digits
NAME = 31  # longest sheet name that Excel accepts
MADE = datetime(2000, 1, 1)  # noqa: DTZ001  fixed, so that the same report is the same bytes
FORMATS = {"rate": "0.0%", "seconds": "0.0", "hours": "0.0", "difference": "+0.0%;-0.0%;0.0%"}
CHARTED = {"verdicts": 4, "rings": 6}


def workbook(report: Report, settings: Settings, remarks: Remarks, tongue: ReportFormatter) -> bytes:
    """The workbook as bytes."""
    data = BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    texts, locale = html.texts(report, settings, tongue), tongue.locale.replace("_", "-")
    book.set_properties({"title": texts["title"], "created": MADE, "comments": locale})
    book.set_custom_property("Language", locale)
    Sheets(book, report, settings, tongue).add_all(texts, remarks)
    book.close()
    return data.getvalue()


class Sheets:
    """Writes the sheets one after another."""

    def __init__(self, book: Any, report: Report, settings: Settings, tongue: ReportFormatter) -> None:
        self.book, self.report, self.settings, self.tongue = book, report, settings, tongue
        self.formats = {kind: book.add_format({"num_format": shown}) for kind, shown in FORMATS.items()}
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "bottom"})
        self.head_right = book.add_format({"bold": True, "text_wrap": True, "valign": "bottom", "align": "right"})
        self.right = book.add_format({"align": "right"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.names: list[str] = []
        self.tables = 0

    def add_all(self, texts: dict[str, str], remarks: Remarks) -> None:
        say, builder = self.tongue.say, LayoutBuilder(self.report, self.tongue)
        sections = builder.sections()
        lines = [Definition(say("Sommaire"), x) for x in html.sentences(self.report, self.tongue)]
        title = Definition(texts["title"], texts["edition"])
        self.add_facts(texts["summary"], [title, *html.cover(self.report, self.tongue), *lines])
        if (summary := builder.summary()) is not None:
            self.add_section(LayoutSection("summary", say("Chiffre"), (summary,)))
        for section in sections:
            self.add_section(section)
        if remarks:
            self.add_facts(texts["remarks"], html.manager_remarks(remarks, sections, self.tongue))
        groups = html.definitions(sections, self.tongue)
        definitions = [Definition(f"{x.title}; {note.term}", note.text) for x in groups for note in x.facts]
        self.add_facts(texts["definitions"], definitions)
        self.add_facts(texts["settings"], self._settings(texts))
        self.add_figures()

    def _settings(self, texts: dict[str, str]) -> list[Definition]:
        settings, month, tongue = self.settings, self.report.month, self.tongue
        closed = notes.closed_days(settings, month, tongue)
        targets = list(notes.targets(settings, month, tongue))
        return [
            *notes.settings_in_force(settings, tongue),
            *notes.hours(settings, tongue),
            *(Definition(f"{texts['closed']}, {x.term}", x.text) for x in closed),
            *(targets or [Definition(texts["targets"], texts["no_target"])]),
            Definition(texts["small"], texts["small_rule"]),
            Definition(texts["revisions"], texts["revision"]),
            Definition(texts["accessible"], texts["accessible_formats"]),
            Definition(texts["sign"], texts["signed"]),
        ]

    # Sheets.

    def sheet(self, title: str) -> Any:
        """A new sheet named `title`, with a number if that name exists; its first row is frozen."""
        plain = "".join(" " if x in "[]:*?/\\" else x for x in title)[:NAME].strip("' ")
        name = _unique(plain, self.names, "{} {}", NAME - 3)
        self.names.append(name)
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def add_section(self, section: LayoutSection) -> None:
        """Write one sheet for each table, so that a table header is always the first row."""
        if section.facts:
            self.add_facts(section.title, section.facts)
        for table in section.tables:
            name = section.title if len(section.tables) == 1 else table.title
            self.add_figure_table(self.sheet(name), table)

    def add_figure_table(self, sheet: Any, table: LayoutTable) -> None:
        labels = [html.row_label(row, self.tongue) for row in table.rows]
        rows: list[list[str | Figure]] = [
            [label, *row.cells] for label, row in zip(labels, table.rows, strict=True)
        ]
        self.fill(sheet, _different((table.first, *table.head)), rows)
        for index, note in enumerate(table.notes):
            sheet.write_string(len(table.rows) + 2 + index, 0, note)
        if table.chart in CHARTED and table.rows:
            self.chart(sheet, table, CHARTED[table.chart])

    def fill(self, sheet: Any, head: list[str], rows: list[list[str | Figure]]) -> None:
        """Write a table with a formatted head and real numbers."""
        blank: list[str | Figure] = [""] * len(head)
        for r, row in enumerate(rows or [blank], 1):
            for c, cell in enumerate(row):
                self.cell(sheet, r, c, cell)
        is_figures = any(not isinstance(cell, str) for row in rows for cell in row)
        heads = [self.head, *[self.head_right if is_figures else self.head] * (len(head) - 1)]
        columns = [{"header": name, "header_format": bold} for name, bold in zip(head, heads, strict=True)]
        self.table(sheet, columns, len(rows), {"style": "Table Style Light 1"})
        labels = [len(row[0]) for row in rows if isinstance(row[0], str)]
        sheet.set_column(0, 0, min(WIDEST, max([NARROWEST, *labels])))
        sheet.set_column(1, max(1, len(head) - 1), 15)

    def table(self, sheet: Any, columns: list[dict[str, Any]], rows: int, style: dict[str, str]) -> None:
        """Make the cells of a sheet a table object."""
        self.tables += 1
        options = {"columns": columns, "name": f"Figures_{self.tables}", **style}
        sheet.add_table(0, 0, max(1, rows), len(columns) - 1, options)

    def cell(self, sheet: Any, r: int, c: int, cell: str | Figure) -> None:
        if isinstance(cell, str):
            sheet.write_string(r, c, cell)
            return
        value = _number(cell)
        if value is None:
            sheet.write_string(r, c, self.tongue.figure(cell), self.right)
        else:
            sheet.write_number(r, c, value, self.formats.get(cell.kind))

    def chart(self, sheet: Any, table: LayoutTable, count: int) -> None:
        """Insert a bar chart of the counts of the whole."""
        chart = self.book.add_chart({"type": "bar"})
        name = sheet.get_name()
        chart.add_series({
            "name": table.title, "categories": [name, 0, 1, 0, count], "values": [name, 1, 1, 1, count],
            "data_labels": {"value": True}, "fill": {"color": "#1A5A96"},
        })  # fmt: skip
        chart.set_title({"name": table.title})
        chart.set_legend({"none": True})
        chart.set_y_axis({"reverse": True})
        text = self.tongue.say("Diagramme à barres; les chiffres sont dans le tableau.")
        place = len(table.rows) + 3 + len(table.notes)
        sheet.insert_chart(place, 0, chart, {"description": f"{table.title}. {text}"})

    def add_facts(self, title: str, facts: Iterable[Definition]) -> None:
        """Write terms and texts in two columns."""
        sheet = self.sheet(title)
        self.fill(sheet, [self.tongue.say("Sujet"), self.tongue.say("Texte")], [[x.term, x.text] for x in facts])
        sheet.set_column(1, 1, 110, self.wrapped)

    def add_figures(self) -> None:
        """Write every figure, one in each row."""
        say, tongue = self.tongue.say, self.tongue
        head = [say("Chiffre"), say("Appels"), "figure", "part", "cut", "member"]
        head += [say("Valeur"), say("Numérateur"), say("Dénominateur"), say("État")]
        sheet = self.sheet(say("Tous les chiffres"))
        for r, x in enumerate(self.report.figures.values(), 1):
            place, cut = x.place, x.place.cut
            texts = (
                tongue.figure_title(place),
                tongue.cut(cut, self.report),
                place.name,
                place.part,
                cut.kind,
                cut.of,
            )
            for c, text in enumerate(texts):
                sheet.write_string(r, c, text)
            for c, number in enumerate((x.value, x.numerator, x.denominator), len(texts)):
                if number is not None:
                    sheet.write_number(r, c, number)
            sheet.write_string(r, len(head) - 1, "" if x.state == "known" else tongue.figure(x))
        self.table(sheet, [{"header": name} for name in _different(head)], len(self.report.figures), {})
        sheet.set_column(0, 1, 44)
        sheet.set_column(2, len(head) - 1, 15)


def _number(figure: Figure) -> float | None:
    """The number of a cell.

    None if there is none, or if fewer than FEW calls were judged: the fraction then replaces the rate.
    """
    if figure.state != "known" or figure.value is None:
        return None
    if figure.kind != "rate":
        return figure.value
    assert figure.numerator is not None
    assert figure.denominator is not None
    return permille(figure.numerator, figure.denominator) / 1000 if figure.denominator >= FEW else None


def _different(head: Iterable[str]) -> list[str]:
    """The column names, numbered so that no two are equal regardless of case (Excel requires it)."""
    names: list[str] = []
    for name in head:
        names.append(_unique(name, names, "{} ({})"))
    return names


def _unique(name: str, known: Iterable[str], form: str, length: int | None = None) -> str:
    """The name; if it is in `known` regardless of case, its first `length` characters with a number in `form`."""
    taken = {x.lower() for x in known}
    numbered = (form.format(name[:length], number) for number in itertools.count(2))
    return next(x for x in itertools.chain([name], numbered) if x.lower() not in taken)
