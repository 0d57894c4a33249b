"""The report as an HTML page in one language; the PDF is made from the same page. Pure.

The template only lays out. Every text is made here, so that a missing translation is found whatever is printed.
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple

from jinja2 import Environment
from markupsafe import Markup

from callmon import __version__
from callmon.config.standards import ALL_STANDARDS
from callmon.features.months.explained_text import needs_sentences, why_sentences
from callmon.features.months.formatter import STATE_SIGNS, ReportFormatter
from callmon.features.months.layout import LayoutBuilder, LayoutRow, LayoutSection, LayoutTable
from callmon.features.months.model import Figure, Report
from callmon.features.months.notes import MONTH, Notes, Remarks
from callmon.features.months.planned_layout import planned_sections
from callmon.features.months.signature import MOST_REMARKS, SignatureBuilder
from callmon.features.months.titles import PUBLIC_HEADLINES, SIGNS, STANDARDS, TEXTS
from callmon.text.formatter import Definition
from callmon.web.formatter import templates_of

NONE = "\N{EN DASH}"  # the sign of a figure that another month does not have
PAGE, WIDTHS = 6, {"wide": 6, "half": 3, "third": 2}
OF_STANDARDS = ("verdict", "rate", "strict_rate", "exempt", "not_met", "unknown", "cause")


def html(report: Report, notes: Notes, remarks: Remarks, formatter: ReportFormatter) -> bytes:
    """The page as one file that contains style, charts and figures."""
    builder = LayoutBuilder(report, formatter)
    sections = [*builder.sections(), *planned_sections(report, formatter)]
    signature = SignatureBuilder(report, formatter)
    say = formatter.say
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            formatter=formatter,
            texts=texts(report, notes, formatter),
            cover=cover(report, formatter),
            state=formatter.capital(state(report, formatter)),
            completeness=formatter.labelled(
                formatter.meaning("completeness").term, completeness(report, formatter)
            ),
            rests_on=rests_on(report, formatter),
            sentences=sentences(report, formatter),
            needs=" ".join(needs_sentences(report, formatter)),
            why=why_sentences(report, formatter),
            signature=signature,
            notes=notes,
            head=notes.publisher or signature.services(),
            foot=foot(report, formatter),
            signed=signature.tables(),
            has_room=sum(len(x[formatter.language]) for x in remarks.values()) <= MOST_REMARKS,
            sections=sections,
            definitions=definitions(report, sections, formatter),
            remarks=manager_remarks(remarks, sections, formatter),
            signers=(say("Prepared by"), say("Verified by"), say("Approved by")),
            rows_of=rows_of,
            drawing=lambda table: bar_chart(table, formatter),
            cell=lambda figure, table: cell_text(figure, table, formatter),
            bar=lambda figure, table: bar_percent(figure, table, formatter),
        )
    )
    return page.encode()


@lru_cache(maxsize=1)
def environment() -> Environment:
    made = templates_of("callmon.features.months")
    made.keep_trailing_newline = True
    made.filters["css_string"] = css_string
    return made


def row_label(row: LayoutRow, formatter: ReportFormatter) -> str:
    """The label preceded by its kind: « Ligne : ATS, Toronto »."""
    if not row.group or row.label.lower().startswith(row.group.lower()):  # « Langue inconnue »
        return row.label
    return formatter.labelled(row.group, row.label)


def rows_of(tables: Iterable[LayoutTable]) -> list[list[LayoutTable]]:
    """The tables as rows of a page: a wide one alone, two halves, or three thirds."""
    rows: list[list[LayoutTable]] = []
    left = 0
    for table in tables:
        width = WIDTHS[table.size]
        if width > left:
            rows.append([])
            left = PAGE
        rows[-1].append(table)
        left -= width
    return rows


def cell_text(figure: Figure, table: LayoutTable, formatter: ReportFormatter) -> str:
    """A cell as it is printed."""
    return NONE if table.dashed and figure.state == "not_available" else formatter.figure(figure)


# Charts. The template draws them: horizontal bars, or upright ones for times. The table has their data.


class BarChart(NamedTuple):
    """The bars of a chart as label, printed number and value; `most`: the largest value."""

    title: str
    description: str
    bars: list[tuple[str, str, float]]
    most: float


def bar_chart(table: LayoutTable, formatter: ReportFormatter) -> BarChart | None:
    """The chart of a table: the whole for rings, every row for times; None when no count is above 0."""
    found: list[tuple[str, Figure]] = []
    if table.chart == "rings":
        cells = zip(table.head, table.rows[0].cells, strict=True)
        found = [(label, figure) for label, figure in cells if figure.place.name == "rings_to_answer"]
    elif table.chart == "columns":
        found = [(row.label, row.cells[0]) for row in table.rows]
    bars = [(label, formatter.figure(x), float(x.value or 0)) for label, x in found if x.kind == "count"]
    most = max((value for _, _, value in bars), default=0.0)
    if most <= 0:
        return None
    described = formatter.say("Bar chart; its figures are in the table that follows.")
    first = "" if table.chart == "rings" else f"{table.head[0]}. "
    return BarChart(formatter.say("Chart: {title}", title=table.title), first + described, bars, most)


def bar_percent(figure: Figure, table: LayoutTable, formatter: ReportFormatter) -> int | None:
    """The length of the bar in a cell, in percent; None for a cell without a bar.

    A rate of few calls has none. A count is compared with the largest count of the table.
    """
    if table.chart != "cells" or figure.state != "known" or figure.value is None:
        return None
    if figure.kind == "rate":
        return round(100 * figure.value) if (figure.denominator or 0) >= formatter.few else None
    counts = [x.value for row in table.rows for x in row.cells if x.kind == "count" and x.value]
    return round(100 * figure.value / max(counts)) if counts else None


def cover(report: Report, formatter: ReportFormatter) -> list[Definition]:
    """What identifies this edition: period, lines, revision, version and fingerprints."""
    say, month = formatter.say, report.month
    first, last = formatter.day(month.first), formatter.day(month.after - timedelta(days=1))
    rows = [
        (say("Period"), say("{first} to {last}", first=first, last=last)),
        (say("Lines"), "; ".join(formatter.cut(cut, report) for cut in report.cuts if cut.kind == "line")),
        (say("Revision"), revision(report, formatter)),
        *([(say("Imported calls"), _imported(report, formatter))] if report.imported else []),
        (say("Version of callmon"), __version__),
        (say("Fingerprint of the configuration"), report.config_fingerprint),
        (say("Fingerprint of the data"), report.data_fingerprint),
    ]
    return [Definition(*row) for row in rows]


def state(report: Report, formatter: ReportFormatter) -> str:
    """Provisional until no obligation opened in the month can change any more (R-20)."""
    say = formatter.say
    if report.is_final:
        return say("final")
    if report.month.to_date:
        return say("provisional: only a part of the month")
    if report.is_running:
        return say("provisional: the month is not over")
    if report.final_after is not None:
        return say("provisional, until {moment}", moment=formatter.date_and_time(report.final_after))
    if report.is_empty:
        return say("provisional: no call was received; check the numbers of the lines")
    return say("provisional: a call of the month is not over")


def completeness(report: Report, formatter: ReportFormatter) -> str:
    """The completeness; in a public edition a lower limit."""
    if not report.is_public:
        return formatter.figure(report.figure("completeness"))
    if report.complete_at_least is None:
        return formatter.say(STATE_SIGNS["too_few"])
    return formatter.say("at least {percent}%", percent=report.complete_at_least)


def revision(report: Report, formatter: ReportFormatter) -> str:
    """The revision number, and the fingerprint of the revision that it supersedes."""
    if report.revises is None:
        return formatter.say("first: it supersedes none")
    return formatter.say(
        "{number}; supersedes the one whose data have the fingerprint {before}; figures that changed: {count}",
        number=report.revision,
        before=report.revises,
        count=formatter.count(len(report.changes)),
    )


def sentences(report: Report, formatter: ReportFormatter) -> list[str]:
    """The sentences for readers who do not read tables; of a public edition how its numbers are rounded."""
    if report.is_public:
        return [rounding(formatter)]

    def shown(name: str, part: str = "") -> str:
        return formatter.figure(report.figure(name, part))

    third = "answer_by_third_ring"
    found = [
        formatter.say(
            "Answer by the third ring. Met: {met}; not met: {not_met}; exempt: {exempt}; not known: "
            "{unknown}; rate: {rate}; strict reading: {strict}.",
            met=shown(f"{third}.verdict", "met"),
            not_met=shown(f"{third}.verdict", "not_met"),
            exempt=shown(f"{third}.verdict", "exempt"),
            unknown=shown(f"{third}.verdict", "unknown"),
            rate=shown(f"{third}.rate"),
            strict=shown(f"{third}.strict_rate"),
        ),
    ]
    return [x.replace("..", ".") for x in found]  # « s. o. » ends a sentence as well


def rests_on(report: Report, formatter: ReportFormatter) -> str:
    """What a month of imported calls rests on; "" for a month that was heard, and in a public edition."""
    if report.is_public or not report.imported:
        return ""
    return formatter.say(
        "This month rests in part on imported calls, which callmon did not hear: {records}. What their "
        "record does not tell is not known. Of the callbacks to these callers, only those that CEL or CDR shows "
        "are known.",
        records=_imported(report, formatter),
    )


def foot(report: Report, formatter: ReportFormatter) -> str:
    """What the foot of each page says before its number."""
    texts = formatter.month(report.month.first), formatter.say("revision {number}", number=report.revision)
    edition = formatter.say("public edition") if report.is_public else formatter.say("internal edition")
    return " · ".join((*texts, edition))


def css_string(text: str) -> Markup:
    """A text as the inside of a string of a style sheet."""
    return Markup("".join(c if c.isalnum() or c in " ;,.-·" else f"\\{ord(c):x} " for c in text))


def _imported(report: Report, formatter: ReportFormatter) -> str:
    return ", ".join(f"{name} {formatter.count(count)}" for name, count in report.imported.items())


def definitions(report: Report, sections: list[LayoutSection], formatter: ReportFormatter) -> list[LayoutSection]:
    """A one-line definition of every figure that is printed.

    First how to read the report, then the figures that all standards share, then the others by section.
    """
    say = formatter.say
    of_standards = ("rate",) if report.is_public else OF_STANDARDS
    groups = [
        (say("How to read this report"), [Definition(say(x), say(meant)) for x, meant in SIGNS.items()]),
        (say("The figures of each standard"), [formatter.meaning(x) for x in of_standards]),
    ]
    defined: set[str] = set()
    headlines = (
        [LayoutSection("", say("Headline figures"), names=tuple(PUBLIC_HEADLINES))] if report.is_public else []
    )
    for section in headlines + sections:
        names = dict.fromkeys([*section.names, *(name for table in section.tables for name in table.names)])
        meanings = dict.fromkeys(_defined(name, formatter) for name in names if name not in defined)
        defined.update(names)
        by_term: dict[str, list[str]] = {}  # each term once, with all its meanings in the tables of the section
        for note in meanings:
            if note is not None:
                by_term.setdefault(note.term, []).append(note.text)
        if by_term:
            groups.append((section.title, [Definition(term, " ".join(x)) for term, x in by_term.items()]))
    return [LayoutSection("", title, facts=tuple(facts)) for title, facts in groups]


def _defined(name: str, formatter: ReportFormatter) -> Definition | None:
    """The definition of a figure: for a standard its promise, once.

    None for a figure that all standards share: it is defined before the sections.
    """
    standard, _, what = name.partition(".")
    if standard not in ALL_STANDARDS:
        return formatter.meaning(name)
    if what == "verdict":
        return Definition(formatter.word("standard", standard), formatter.say(STANDARDS[standard]))
    return None if what in OF_STANDARDS else formatter.meaning(what)


def manager_remarks(
    remarks: Remarks, sections: list[LayoutSection], formatter: ReportFormatter
) -> list[Definition]:
    titles = {section.key: section.title for section in sections} | {MONTH: formatter.say("The month")}
    return [
        Definition(titles.get(key, formatter.say("Remarks of the manager")), text[formatter.language])
        for key, text in remarks.items()
    ]


def texts(report: Report, notes: Notes, formatter: ReportFormatter) -> dict[str, str]:
    """The texts around the figures."""
    say = formatter.say
    return {name: say(french) for name, french in TEXTS.items()} | {
        "title": say("Telephone statistics, {month}", month=formatter.month(report.month.first)),
        "edition": say("Public edition") if report.is_public else say("Internal edition"),
        "revision": revision(report, formatter),
        "small_rule": small_rule(report, formatter),
        "accessible_formats": notes.accessible,
    }


def rounding(formatter: ReportFormatter) -> str:
    """How the numbers of a public edition are rounded, in one sentence; `small_rule` has the rest."""
    return formatter.say(
        "Each number is rounded to tens, and a rate is made from the two rounded numbers: 0 means 0 to 4."
    )


def small_rule(report: Report, formatter: ReportFormatter) -> str:
    if report.is_public:
        return formatter.say(
            "Each number of calls, callbacks or complaints is rounded to tens: 0 means 0 to 4; 10 means 5 "
            "to 14. Totals are rounded separately; they may differ from the sum of their parts. A rate is "
            "made from the two rounded numbers. Of a service or a line, a rounded number below 20 is not "
            "shown, nor is a rate of fewer than 50 judged calls."
        )
    return formatter.say("This internal edition shows every number; the public edition rounds them to tens.")
