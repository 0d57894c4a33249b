"""A report as a workbook: one sheet for each table, as a table object with real numbers. Pure.

Headers are frozen, charts have an alternative text, and the document has a language and a title. A rate is written
as rounded for display (R-23), so that no cell format rounds 99.96 % up. Its two numbers are in the last sheet.

Refuses: to merge cells.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from io import BytesIO
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]  # it has no types

from callmon.reports import notes
from callmon.reports.formats import html
from callmon.reports.formats.csv import title as titled
from callmon.reports.formatter import FEW, ReportFormatter
from callmon.reports.layout import SUMMARY, LayoutBuilder, LayoutSection, LayoutTable
from callmon.reports.model import Figure, Report
from callmon.reports.notes import DefinitionNote, ReportNotes
from callmon.text.formatter import permille

NARROWEST, WIDEST = 30, 80  # width of the label column, in digits
NAME = 31  # longest sheet name that Excel accepts
MADE = datetime(2000, 1, 1)  # noqa: DTZ001  fixed, so that the same report is the same bytes
FORMATS = {"rate": "0.0%", "seconds": "0.0", "hours": "0.0", "difference": "+0.0%;-0.0%;0.0%"}
CHARTED = {"verdicts": 4, "rings": 6}


def workbook(report: Report, around: ReportNotes, tongue: ReportFormatter) -> bytes:
    """The workbook as bytes."""
    data = BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    texts, locale = html.texts(report, around, tongue), tongue.locale.replace("_", "-")
    book.set_properties({"title": texts.title, "created": MADE, "comments": locale})
    book.set_custom_property("Language", locale)
    Sheets(book, report, around, tongue).write(texts)
    book.close()
    return data.getvalue()


class Sheets:
    """Writes the sheets one after another."""

    def __init__(self, book: Any, report: Report, around: ReportNotes, tongue: ReportFormatter) -> None:
        self.book, self.report, self.around, self.tongue = book, report, around, tongue
        self.formats = {kind: book.add_format({"num_format": shown}) for kind, shown in FORMATS.items()}
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "bottom"})
        self.head_right = book.add_format({"bold": True, "text_wrap": True, "valign": "bottom", "align": "right"})
        self.right = book.add_format({"align": "right"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.names: set[str] = set()
        self.tables = 0

    def write(self, texts: html.Texts) -> None:
        tongue, writer = self.tongue, LayoutBuilder(self.report, self.tongue)
        sections = writer.sections()
        lines = [DefinitionNote(tongue.say("Sommaire"), x) for x in html.sentences(self.report, tongue)]
        cover = [DefinitionNote(texts.title, texts.edition), *html.cover(self.report, self.around, tongue), *lines]
        self.facts(texts.summary, cover)
        summary = writer.listed("summary", tongue.say("Sommaire"), [(x, "") for x in SUMMARY])
        self.section(LayoutSection("summary", tongue.say("Chiffre"), () if summary is None else (summary,)))
        for section in sections:
            self.section(section)
        if told := html.remarks(self.around, sections, tongue):
            self.facts(texts.remarks, told)
        self.facts(texts.definitions, self._definitions(sections))
        self.facts(texts.settings, self._settings(texts))
        self.data()

    def _definitions(self, sections: list[LayoutSection]) -> list[DefinitionNote]:
        groups = html.definitions(sections, self.tongue)
        return [DefinitionNote(f"{group.title}; {one.term}", one.text) for group in groups for one in group.told]

    def _settings(self, texts: html.Texts) -> list[DefinitionNote]:
        told = [*notes.settings(self.around, self.tongue), *notes.hours(self.around, self.tongue)]
        told += [
            DefinitionNote(f"{texts.closed}, {x.term}", x.text)
            for x in notes.closed_days(self.around, self.tongue)
        ]
        targets = list(notes.targets(self.around, self.report.month, self.tongue))
        told += targets or [DefinitionNote(texts.targets, texts.no_target)]
        told += [DefinitionNote(texts.small, texts.small_rule), DefinitionNote(texts.revisions, texts.revision)]
        return [
            *told,
            DefinitionNote(texts.accessible, texts.accessible_formats),
            DefinitionNote(texts.sign, texts.signed),
        ]

    # Sheets.

    def sheet(self, title: str, head: int = 1) -> Any:
        """A new sheet named `title`, with a number if that name exists; its first `head` rows are frozen."""
        name = plain = "".join(" " if x in "[]:*?/\\" else x for x in title)[:NAME].strip("' ")
        number = 1
        while name.lower() in self.names:
            number += 1
            name = f"{plain[: NAME - 3]} {number}"
        self.names.add(name.lower())
        sheet = self.book.add_worksheet(name)
        sheet.freeze_panes(head, 1)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def section(self, section: LayoutSection) -> None:
        """Write one sheet for each table, so that a table header is always the first row."""
        if section.facts:
            self.facts(section.title, section.facts)
        for table in section.tables:
            name = section.title if len(section.tables) == 1 else table.title
            self.table(self.sheet(name), table)

    def table(self, sheet: Any, table: LayoutTable) -> None:
        head = _different((table.first, *table.head))
        labels = [html.row_label(row, self.tongue) for row in table.rows]
        self.put(sheet, head, [[label, *row.cells] for label, row in zip(labels, table.rows, strict=True)])
        for index, note in enumerate(table.notes):
            sheet.write_string(len(table.rows) + 2 + index, 0, note)
        if table.chart in CHARTED and table.rows:
            self.chart(sheet, table, CHARTED[table.chart])

    def put(self, sheet: Any, head: list[str], rows: list[list[str | Figure]]) -> None:
        """Write a table object with real numbers."""
        self.tables += 1
        blank: list[str | Figure] = [""] * len(head)
        for r, row in enumerate(rows or [blank], 1):
            for c, cell in enumerate(row):
                self.cell(sheet, r, c, cell)
        is_figures = any(not isinstance(cell, str) for row in rows for cell in row)
        heads = [self.head, *[self.head_right if is_figures else self.head] * (len(head) - 1)]
        columns = [{"header": name, "header_format": bold} for name, bold in zip(head, heads, strict=True)]
        options = {"columns": columns, "name": f"Figures_{self.tables}", "style": "Table Style Light 1"}
        sheet.add_table(0, 0, max(1, len(rows)), len(head) - 1, options)
        labels = [len(row[0]) for row in rows if isinstance(row[0], str)]
        sheet.set_column(0, 0, min(WIDEST, max([NARROWEST, *labels])))
        sheet.set_column(1, max(1, len(head) - 1), 15)

    def cell(self, sheet: Any, r: int, c: int, cell: str | Figure) -> None:
        if isinstance(cell, str):
            sheet.write_string(r, c, cell)
            return
        value = shown(cell)
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
        told = self.tongue.say("Diagramme à barres; les chiffres sont dans le tableau.")
        place = len(table.rows) + 3 + len(table.notes)
        sheet.insert_chart(place, 0, chart, {"description": f"{table.title}. {told}"})

    def facts(self, title: str, told: Iterable[DefinitionNote]) -> None:
        """Write terms and texts in two columns."""
        sheet = self.sheet(title)
        rows: list[list[str | Figure]] = [[one.term, one.text] for one in told]
        self.put(sheet, [self.tongue.say("Sujet"), self.tongue.say("Texte")], rows)
        sheet.set_column(1, 1, 110, self.wrapped)

    def data(self) -> None:
        """Write every figure, one in each row."""
        say, tongue = self.tongue.say, self.tongue
        head = [say("Chiffre"), say("Appels"), "figure", "part", "cut", "member"]
        head += [say("Valeur"), say("Numérateur"), say("Dénominateur"), say("État")]
        rows: list[list[Any]] = []
        for one in self.report.figures.values():
            place, cut = one.place, one.place.cut
            of = tongue.cut(cut, self.report)
            state = "" if one.state == "known" else tongue.state(one.state)
            named = [titled(tongue, place), of, place.name, place.part, cut.kind, cut.of]
            rows.append([*named, one.value, one.numerator, one.denominator, state])
        sheet = self.sheet(say("Tous les chiffres"))
        self.put_plain(sheet, head, rows)

    def put_plain(self, sheet: Any, head: list[str], rows: list[list[Any]]) -> None:
        self.tables += 1
        for r, row in enumerate(rows, 1):
            for c, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(r, c, cell)
                elif cell is not None:
                    sheet.write_number(r, c, cell)
        columns = [{"header": name} for name in _different(head)]
        sheet.add_table(
            0, 0, max(1, len(rows)), len(head) - 1, {"columns": columns, "name": f"Figures_{self.tables}"}
        )
        sheet.set_column(0, 1, 44)
        sheet.set_column(2, len(head) - 1, 15)


def shown(one: Figure) -> float | None:
    """The number of a cell.

    None if there is none, or if fewer than FEW calls were judged: the fraction then replaces the rate.
    """
    if one.state != "known" or one.value is None:
        return None
    if one.kind != "rate":
        return one.value
    assert one.numerator is not None
    assert one.denominator is not None
    return permille(one.numerator, one.denominator) / 1000 if one.denominator >= FEW else None


def _different(head: Iterable[str]) -> list[str]:
    """The column names, numbered so that no two are equal regardless of case (Excel requires it)."""
    found: list[str] = []
    for name in head:
        plain, number = name, 1
        while name.lower() in {x.lower() for x in found}:
            number += 1
            name = f"{plain} ({number})"
        found.append(name)
    return found
