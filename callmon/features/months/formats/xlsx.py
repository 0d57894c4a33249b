"""A report as a workbook of five sheets: summary, figures, callbacks, definitions, about. Pure.

Each table is a table object with real numbers. A rate is written as rounded for display (R-23), so that no cell
format rounds 99.96 % up. The sheet of figures has a row for each figure, for a pivot table, with exact rates.

Refuses: to merge cells.
"""

import itertools
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from callmon.features.months.explained_text import needs_sentences, why_sentences
from callmon.features.months.formats import html
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.layout import LayoutBuilder, LayoutTable
from callmon.features.months.model import Report
from callmon.features.months.notes import Notes, Remarks
from callmon.features.months.signature import THIRD, SignatureBuilder
from callmon.features.months.titles import COLUMNS, SIGNS, UNITS
from callmon.text.formatter import Definition

# widths of columns, in digits
LABELS = 52
NUMBERS = 15
TEXTS = 110
MADE = datetime(2000, 1, 1)  # noqa: DTZ001  fixed, so that the same report is the same bytes
FORMATS = {
    "count": "#,##0",
    "rings": "#,##0",
    "rate": "0.0%",
    "seconds": '#,##0.0" s"',
    "hours": '0.0" h"',
    "difference": "+0.0%;-0.0%;0.0%",
}
# The columns of figures that name a figure to a program, hidden; named as in the CSV.
KEYS = ("chiffre", "part", "regroupement", "element")
GAP = 2  # empty rows between two tables of a sheet
CHART = 22  # rows that a chart takes
LINE = 15  # height of a line of text, in points


def workbook(report: Report, notes: Notes, remarks: Remarks, formatter: ReportFormatter) -> bytes:
    """The workbook as bytes."""
    import xlsxwriter  # type: ignore[import-untyped]  # it has no types; and a daemon without a workbook pays nothing

    data = BytesIO()
    workbook = xlsxwriter.Workbook(
        data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    texts, locale = html.texts(report, notes, formatter), formatter.locale.replace("_", "-")
    workbook.set_properties({"title": texts["title"], "created": MADE, "comments": locale})
    workbook.set_custom_property("Language", locale)
    Sheets(workbook, report, notes, formatter).add_all(texts, remarks)
    workbook.close()
    return data.getvalue()


class Sheets:
    """Writes the sheets one after another."""

    def __init__(self, workbook: Any, report: Report, notes: Notes, formatter: ReportFormatter) -> None:
        self.workbook = workbook
        self.report = report
        self.notes = notes
        self.formatter = formatter
        shown_as = FORMATS | ({"rate": "0%"} if report.is_public else {})
        self.formats = {kind: workbook.add_format({"num_format": shown}) for kind, shown in shown_as.items()}
        self.head = workbook.add_format({"bold": True, "text_wrap": True, "valign": "bottom"})
        self.head_right = workbook.add_format(
            {"bold": True, "text_wrap": True, "valign": "bottom", "align": "right"}
        )
        self.right = workbook.add_format({"align": "right"})
        self.title = workbook.add_format({"bold": True, "font_size": 14})
        self.wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        self.tables = 0

    def add_all(self, texts: dict[str, str], remarks: Remarks) -> None:
        builder = LayoutBuilder(self.report, self.formatter)
        sections = builder.sections()
        self.add_summary(texts, builder)
        self.add_figures()
        stacked = next(x for x in sections if x.key == ("standards" if self.report.is_public else "callbacks"))
        self.add_stacked(stacked.title, stacked.tables, stacked.absent)
        self.add_texts(texts["definitions"], self._definitions())
        said = html.manager_remarks(remarks, sections, self.formatter)
        about = [*html.cover(self.report, self.formatter), *said, *self._settings(texts)]
        self.add_texts(texts["about"], [[x.term, x.text] for x in about])

    def _definitions(self) -> list[list[str]]:
        """How to read the workbook, then every figure of the sheet of figures."""
        say, names = self.formatter.say, dict.fromkeys(place.name for place in self.report.figures)
        signs = [["", say(sign), say(meant)] for sign, meant in SIGNS.items()]
        return [*signs, *([name, *self.formatter.meaning(name)] for name in names)]

    def _settings(self, texts: dict[str, str]) -> list[Definition]:
        notes = self.notes
        return [
            *notes.settings,
            *notes.hours,
            *(Definition(f"{texts['closed']}, {x.term}", x.text) for x in notes.closed),
            *(notes.targets or [Definition(texts["targets"], texts["no_target"])]),
            Definition(texts["small"], texts["small_rule"]),
            Definition(texts["revisions"], texts["revision"]),
            Definition(texts["accessible"], texts["accessible_formats"]),
            *([] if self.report.is_public else [Definition(texts["sign"], texts["signed"])]),
        ]

    # Sheets.

    def sheet(self, title: str, columns: int) -> Any:
        """A new sheet, printed in landscape and one page wide."""
        sheet = self.workbook.add_worksheet(title)
        sheet.set_landscape()
        sheet.set_paper(1)  # letter
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        sheet.set_column(0, 0, LABELS)
        sheet.set_column(1, columns, NUMBERS)
        return sheet

    def add_summary(self, texts: dict[str, str], builder: LayoutBuilder) -> None:
        """The signature edition's tables, the twelve months and, of a revision, its changes; two charts."""
        signature, report = SignatureBuilder(self.report, self.formatter), self.report
        signed = signature.tables()
        tables = [signed[x] for x in ("headlines", "services", "lines") if x in signed]
        months = builder.months()
        tables += [months] if len(months.rows) > 1 else []
        tables += [builder.changes()] if report.changes else []
        sheet = self.sheet(texts["summary"], max(len(x.head) for x in tables))
        about = (
            signature.sentences(),
            self.formatter.labelled(self.formatter.say("State"), html.state(report, self.formatter)),
            self.formatter.labelled(
                self.formatter.meaning("completeness").term, html.completeness(report, self.formatter)
            ),
            *needs_sentences(report, self.formatter),
            *why_sentences(report, self.formatter),
        )
        sheet.write_string(0, 0, f"{texts['title']} ({texts['edition']})", self.title)
        for row, text in enumerate(about, 1):
            sheet.write_string(row, 0, text)
        begins = self._stack(sheet, tables, len(about) + 2)
        below = begins[-1] + len(tables[-1].rows) + len(tables[-1].notes) + GAP
        charted = [
            (begin, table)
            for begin, table in zip(begins, tables, strict=True)
            if table.key in ("lines", "comparisons") and THIRD in table.names
        ]
        for number, (begin, table) in enumerate(charted):
            self.chart(sheet, table, begin, (below, 4 * number))
        sheet.print_area(0, 0, below + CHART, max(max(len(x.head) for x in tables), 5 * len(charted)))
        sheet.fit_to_pages(1, 1)

    def add_stacked(self, title: str, tables: Sequence[LayoutTable], notes: Sequence[str]) -> None:
        """A sheet of tables, one below the other, and notes."""
        most = max((len(x.head) for x in tables), default=1)
        sheet = self.sheet(title, most)
        labels = (html.row_label(row, self.formatter) for table in tables for row in table.rows)
        sheet.set_column(0, 0, max([LABELS, *map(len, labels)]))
        end = self._stack(sheet, tables, 0)[-1] if tables else 0
        end += len(tables[-1].rows) + len(tables[-1].notes) + GAP if tables else 0
        for row, note in enumerate(notes, end):
            sheet.write_string(row, 0, note)
        sheet.print_area(0, 0, end + len(notes), most)

    def _stack(self, sheet: Any, tables: Iterable[LayoutTable], row: int) -> list[int]:
        """Write tables one below the other, each after its title; the row of the head of each."""
        begins = []
        for table in tables:
            sheet.write_string(row, 0, table.title, self.title)
            begins.append(row + 1)
            self.fill(sheet, table, row + 1)
            row += len(table.rows) + 2
            for note in table.notes:
                sheet.write_string(row, 0, note)
                row += 1
            row += GAP
        return begins

    def fill(self, sheet: Any, table: LayoutTable, begin: int) -> None:
        """Write a table with a formatted head and real numbers."""
        for r, row in enumerate(table.rows, begin + 1):
            sheet.write_string(r, 0, html.row_label(row, self.formatter))
            for c, cell in enumerate(row.cells, 1):
                value = self.formatter.amount(cell)
                if value is None:
                    sheet.write_string(r, c, html.cell_text(cell, table, self.formatter), self.right)
                else:
                    number = value / 1000 if cell.kind == "rate" else value
                    sheet.write_number(r, c, number, self.formats.get(cell.kind))
        head = _different((table.first, *table.head))
        heads = [self.head, *[self.head_right] * len(table.head)]
        columns = [{"header": name, "header_format": bold} for name, bold in zip(head, heads, strict=True)]
        self.table(sheet, columns, len(table.rows), {"style": "Table Style Light 1", "autofilter": False}, begin)
        # An explicit height, because a chart below is placed by the heights that are known when it is written.
        sheet.set_row(begin, LINE * max(-(-len(name) // (NUMBERS - 3)) + 1 for name in head[1:]))

    def table(
        self, sheet: Any, columns: list[dict[str, Any]], rows: int, style: dict[str, Any], begin: int = 0
    ) -> None:
        """Make the cells of a sheet a table object."""
        self.tables += 1
        options = {"columns": columns, "name": f"Figures_{self.tables}", **style}
        sheet.add_table(begin, 0, begin + max(1, rows), len(columns) - 1, options)

    def chart(self, sheet: Any, table: LayoutTable, begin: int, place: tuple[int, int]) -> None:
        """Insert a chart of the rate by the third ring, by line or by month."""
        chart = self.workbook.add_chart({"type": "bar"})
        name = sheet.get_name()
        end = begin + len(table.rows)
        column = table.names.index(THIRD)
        title, column = self.formatter.labelled(table.title, table.head[column]), column + 1
        chart.add_series(
            {
                "name": title,
                "categories": [name, begin + 1, 0, end, 0],
                "values": [name, begin + 1, column, end, column],
                "data_labels": {"value": True},
                "fill": {"color": "#1A5A96"},
            }
        )
        chart.set_title({"name": title, "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"min": 0, "max": 1, "num_format": "0%"})
        chart.set_y_axis({"reverse": True})
        chart.set_size({"width": 660, "height": 420})
        text = self.formatter.say("Bar chart; its figures are in the table.")
        sheet.insert_chart(*place, chart, {"description": f"{title}. {text}"})

    def add_texts(self, title: str, rows: list[list[str]]) -> None:
        """A sheet of terms and texts."""
        say = self.formatter.say
        head = [say("Figure"), say("Subject"), say("Text")][-len(rows[0]) :]
        sheet = self.sheet(title, len(head))
        for r, row in enumerate(rows, 1):
            for c, text in enumerate(row):
                sheet.write_string(r, c, text, self.wrapped)
        columns = [{"header": name, "header_format": self.head} for name in head]
        self.table(sheet, columns, len(rows), {"style": "Table Style Light 1"})
        sheet.set_column(0, len(head) - 2, LABELS)
        sheet.set_column(len(head) - 1, len(head) - 1, TEXTS)
        if len(head) > 2:
            sheet.set_column(0, 0, LABELS, None, {"hidden": True})  # the figure's name to a program
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, len(rows), len(head) - 1)

    def add_figures(self) -> None:
        """Write every figure of the month, one in each row."""
        say = self.formatter.say
        formatter = self.formatter
        report = self.report
        keys = [x if formatter.language == "fr" else COLUMNS[x]["en"] for x in KEYS]
        head = [say("Month"), say("Figure"), say("Calls"), *keys, say("Unit")]
        head += [say("Value"), say("Numerator"), say("Denominator"), say("State")]
        sheet, longest = self.sheet(say("Figures"), len(head)), LABELS
        for r, x in enumerate(report.figures.values(), 1):
            place, cut = x.place, x.place.cut
            state = "" if x.state == "known" else formatter.figure(x)
            titles = report.month.name, formatter.figure_title(place.name, place.part), formatter.cut(cut, report)
            longest = max(longest, len(titles[1]))
            row = *titles, place.name, place.part, cut.kind, cut.of, say(UNITS[x.kind])
            for c, text in enumerate(row):  # not `write_row`, which leaves the cell of "" out
                sheet.write_string(r, c, text)
            sheet.write_row(r, len(row), (x.value, x.numerator, x.denominator))
            sheet.write_string(r, len(head) - 1, state)
        self.table(sheet, [{"header": name} for name in _different(head)], len(report.figures), {})
        sheet.set_column(0, 0, NUMBERS)
        sheet.set_column(1, 1, longest)
        sheet.set_column(2, 2, LABELS // 2)
        first = head.index(keys[0])
        sheet.set_column(first, first + len(KEYS) - 1, LABELS // 2, None, {"hidden": True})
        sheet.set_column(first + len(KEYS), first + len(KEYS), LABELS // 2)
        sheet.freeze_panes(1, 2)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, len(report.figures), len(head) - 1)


def _different(head: Iterable[str]) -> list[str]:
    """The column names, numbered so that no two are equal regardless of case (Excel requires it)."""
    names: list[str] = []
    for name in head:
        taken = {x.lower() for x in names}
        numbered = (f"{name} ({number})" for number in itertools.count(2))
        names.append(next(x for x in itertools.chain([name], numbered) if x.lower() not in taken))
    return names
