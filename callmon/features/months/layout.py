"""The layout of a printed report: sections, tables, rows. Pure.

The columns of a table are figures; its rows are cuts, parts of figures, or figures. HTML, XLSX and PDF write this
document. `layout.toml` has the sections. CSV and JSON have every figure, also those for which a page has no room.
"""

from collections.abc import Iterable
from datetime import date
from importlib.resources import files

import msgspec

from callmon.config.standards import ALL_STANDARDS
from callmon.core.statistics.aggregates import HALF_HOURS
from callmon.core.verdicts import CAUSES
from callmon.features.months.figures import COUNTS, ENDS
from callmon.features.months.formatter import ReportFormatter
from callmon.features.months.model import WHOLE, Figure, Place, Report
from callmon.features.months.titles import HEADLINES, PARTS, PUBLIC_HEADLINES
from callmon.features.months.trends import TrendLine
from callmon.text.attestations import attestation_notes
from callmon.text.formatter import Definition

Column = tuple[str, str]  # the name of a figure and its part
HALF = 6  # columns of a table that takes half of a page
ALL_PARTS = COUNTS | {"check": tuple(PARTS["check"])}
SUMMARY = (
    "calls_offered",
    "answer_rate",
    "answer_by_third_ring.rate",
    "reach_a_person.rate",
    "callbacks_24_hours.rate",
    "bilingual_person.rate",
)


def columns(*names: str) -> list[Column]:
    """The columns of figures: "name", "name/part", or "name/*" for one column for each part."""
    found: list[Column] = []
    for name, _, part in (name.partition("/") for name in names):
        found += [(name, x) for x in ALL_PARTS.get(name, ENDS)] if part == "*" else [(name, part)]
    return found


class TableSpec(msgspec.Struct, frozen=True):
    """A table of `layout.toml`, which explains the fields."""

    key: str = ""
    title: str = ""
    columns: tuple[str, ...] = ()
    verdicts: str = ""
    more: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    parity: tuple[str, ...] = ()
    standards: bool = False
    times: str = ""
    first: str = ""
    note: str = ""
    chart: str = ""


class SectionSpec(msgspec.Struct, frozen=True):
    """A section of `layout.toml`; without a title it has that of the standard `key`."""

    key: str
    title: str = ""
    notes: tuple[str, ...] = ()
    tables: tuple[TableSpec, ...] = ()


_layout = msgspec.toml.decode(
    files("callmon.features.months").joinpath("layout.toml").read_bytes(), type=dict[str, tuple[SectionSpec, ...]]
)
SECTIONS, PUBLIC_SECTIONS = _layout["sections"], _layout["public"]


class LayoutRow(msgspec.Struct, frozen=True):
    """A row of a table. `group`: the kind of its label ("Service").

    `under`: a text under each cell. `targets`: of each cell, in percent. `trend`: the line of its months.
    """

    label: str
    cells: tuple[Figure, ...]
    group: str = ""
    is_whole: bool = False
    under: tuple[str, ...] = ()
    targets: tuple[float | None, ...] = ()
    trend: TrendLine | None = None


class LayoutTable(msgspec.Struct, frozen=True):
    """`first`: header of the label column. `chart`: which columns of which rows a chart shows ("" for none).

    The chart "cells" is a bar in each cell.
    """

    key: str
    title: str
    first: str
    head: tuple[str, ...]
    rows: tuple[LayoutRow, ...]
    names: tuple[str, ...] = ()  # its figures, for the definitions
    notes: tuple[str, ...] = ()
    chart: str = ""
    dashed: bool = False  # a dash for a month that has no such figure
    omitted: tuple[Figure, ...] = ()  # the columns in which every cell has the same sign, 0 included

    @property
    def size(self) -> str:
        """How much of a page's width the table takes."""
        if self.key == "changes" or len(self.head) > HALF:
            return "wide"
        return "third" if len(self.head) <= 2 else "half"


class LayoutSection(msgspec.Struct, frozen=True):
    """`absent`: a sentence for each table without a column to show. `omitted`: the figures that no table shows."""

    key: str
    title: str
    tables: tuple[LayoutTable, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[Definition, ...] = ()
    absent: tuple[str, ...] = ()
    omitted: tuple[Figure, ...] = ()
    names: tuple[str, ...] = ()  # the figures of its facts, for the definitions


class LayoutBuilder:
    """Makes the sections of one report in one language."""

    def __init__(self, report: Report, formatter: ReportFormatter) -> None:
        self.report, self.formatter = report, formatter

    def sections(self) -> list[LayoutSection]:
        say, report = self.formatter.say, self.report
        specs = PUBLIC_SECTIONS if report.is_public else SECTIONS
        found = [self._section(spec) for spec in specs if spec.key != "attested" or report.attested]
        if report.changes:
            found.append(LayoutSection("changes", say("What changed"), (self.changes(),)))
        months = self.months()
        if len(months.rows) > 1:
            found.append(LayoutSection("comparisons", months.title, (months,)))
        return found

    def _section(self, spec: SectionSpec) -> LayoutSection:
        say = self.formatter.say
        title = say(spec.title) if spec.title else self.formatter.word("standard", spec.key)
        tables = [table for x in spec.tables for table in self._tables(x) if table is not None]
        listed = [x for x in spec.tables if x.figures]
        facts = [fact for x in listed for fact in self._listed_facts(x)]
        return LayoutSection(
            spec.key,
            title,
            tuple(x for x in tables if x.head),
            tuple(map(say, spec.notes)),
            self._attestations() if spec.key == "attested" else tuple(facts),
            tuple(note for x in tables if not x.head for note in x.notes),
            tuple(figure for x in tables for figure in x.omitted),
            _names(column for x in listed for column in self._listed(x.figures)),
        )

    def _attestations(self) -> tuple[Definition, ...]:
        titles = {x.of: self.formatter.cut(x, self.report) for x in self.report.cuts if x.kind == "line"}
        return tuple(attestation_notes(self.report.attested, titles, self.formatter))

    def _tables(self, spec: TableSpec) -> Iterable[LayoutTable | None]:
        if spec.verdicts:
            return self.verdicts(spec.verdicts, *spec.more)
        if spec.parity:
            return [self.parity(spec.key, *spec.parity)]
        if spec.standards:
            return [self.standards()]
        if spec.times:
            return [self.by_part(spec)]
        if spec.figures:
            return []  # facts
        return [self.by_cut(spec)]

    def _listed(self, names: Iterable[str]) -> list[Column]:
        """The columns of figures; "unheard/*" are those of each exchange."""
        exchanges = sorted(x.part for x in self.report.figures if x.name == "unheard_hours")
        unheard = [(f"unheard_{what}", x) for x in exchanges for what in ("hours", "open_hours", "known_hours")]
        return [column for name in names for column in (unheard if name == "unheard/*" else columns(name))]

    # Tables.

    def by_cut(self, spec: TableSpec, is_of_reasons: bool = False) -> LayoutTable | None:
        """A table with one row for each cut, without the columns that are 0, or have no number, in every row.

        A note names those. If no column is left, the table has notes only. A single column stands beside the calls
        offered. A single reason becomes a note, as its figures are those of the verdict. None if the report has no
        column.
        """
        say = self.formatter.say
        report = self.report
        wanted = columns(*spec.columns)
        shown = [x for x in wanted if Place(*x) in report.figures]
        if not shown:
            return None
        title = say(spec.title) if spec.title else self.formatter.meaning(wanted[0][0]).term
        has_lengths = len({name for name, part in shown if part in ENDS}) > 1
        found = [(self._head(*x, has_lengths and x[1] in ENDS), self._in_cuts(*x)) for x in shown]
        signs = [self.formatter.figure(cells[0]) if _is_uniform(cells) else "" for _, cells in found]
        kept = [column for column, sign in zip(found, signs, strict=True) if not sign]
        notes = self._notes(spec, title, [(head, sign) for (head, _), sign in zip(found, signs, strict=True)])
        if len(kept) == 1 and is_of_reasons:
            notes = (say("{title}: {reason}, without exception.", title=title, reason=kept.pop()[0]), *notes)
        elif len(kept) == 1:
            kept.insert(0, (self.formatter.meaning("calls_offered").term, self._in_cuts("calls_offered")))
        rows = (
            LayoutRow(self.formatter.cut(cut, report), tuple(cells), self.formatter.kind(cut), cut == WHOLE)
            for cut, *cells in zip(report.cuts, *(cells for _, cells in kept), strict=True)
        )
        full, empty = _parted(rows if kept else ())
        if empty:
            notes = (say("Without a number above 0: {names}.", names=", ".join(x.label for x in empty)), *notes)
        return LayoutTable(
            spec.key,
            title,
            say("Calls"),
            tuple(head for head, _ in kept),
            full,
            tuple(dict.fromkeys(cells[0].place.name for _, cells in kept)),
            notes,
            spec.chart,
            omitted=(
                *(x for (_, cells), sign in zip(found, signs, strict=True) if sign for x in cells),
                *(x for row in empty for x in row.cells),
            ),
        )

    def _in_cuts(self, name: str, part: str = "") -> tuple[Figure, ...]:
        places = [Place(name, part, cut) for cut in self.report.cuts]
        return tuple(self.report.figures.get(x, Figure(x, "count", "not_available")) for x in places)

    def _notes(self, spec: TableSpec, title: str, signs: list[tuple[str, str]]) -> tuple[str, ...]:
        """The notes of a table: which columns (`signs`: head and sign) it does not show, and its own notes."""
        if all(sign for _, sign in signs):
            names = "; ".join(f"{head} = {sign}" if head != title else sign for head, sign in signs)
            return (self.formatter.labelled(title, names.removesuffix(".")) + ".",)  # « s. o. » ends it as well
        say, by_sign = self.formatter.say, dict.fromkeys(sign for _, sign in signs if sign)
        names_of = {sign: ", ".join(head for head, of in signs if of == sign) for sign in by_sign}
        everywhere = (
            say("{sign} everywhere: {names}.", sign=sign, names=names) for sign, names in names_of.items()
        )
        return (*everywhere, *([say(spec.note)] if spec.note else ()))

    def by_part(self, spec: TableSpec) -> LayoutTable | None:
        """A table of the whole with one row for each part (a time) and one column for each figure of `times`."""
        names = [f"{spec.times}.{what}" for what in ("offered", "answered", "met", "not_met")]
        times = "1234567" if spec.times == "weekday" else HALF_HOURS
        parts = [part for part in times if Place(names[0], part) in self.report.figures]
        known = tuple(name for name in names if any(Place(name, part) in self.report.figures for part in parts))
        if not known:
            return None
        rows = tuple(
            LayoutRow(self.formatter.part(known[0], part), tuple(self.report.figure(name, part) for name in known))
            for part in parts
        )
        used = [index for index, row in enumerate(rows) if not _is_empty(row)]
        first, last = (used[0], used[-1]) if used else (0, len(rows) - 1)
        return LayoutTable(
            f"{spec.times}s",
            self.formatter.say(spec.title),
            self.formatter.say(spec.first),
            tuple(self.formatter.meaning(name).term for name in known),
            rows[first : last + 1],
            known,
            (self.formatter.say("At other times: 0."),) if len(rows) > last + 1 - first else (),
            chart="columns",
            omitted=tuple(x for row in (*rows[:first], *rows[last + 1 :]) for x in row.cells),
        )

    def _listed_facts(self, spec: TableSpec) -> list[Definition]:
        """The figures of the whole as terms and texts; one term if all are 0."""
        known = [self.report.figure(*x) for x in self._listed(spec.figures) if Place(*x) in self.report.figures]
        if spec.title and known and _is_uniform(tuple(known)):
            return [Definition(self.formatter.say(spec.title), self.formatter.figure(known[0]))]
        return [Definition(self._label(x.place.name, x.place.part), self.formatter.figure(x)) for x in known]

    def _label(self, name: str, part: str) -> str:
        title, part_title = self.formatter.meaning(name).term, self.formatter.part(name, part)
        if name.startswith("unheard_"):
            return self.formatter.say('{figure}, exchange "{name}"', figure=title, name=part_title)
        return self.formatter.labelled(title, part_title)

    def _head(self, name: str, part: str, has_title: bool) -> str:
        """The header of a column: the name of the part, otherwise the short title of the figure."""
        if has_title:
            return f"{self.formatter.meaning(name).term}, {self.formatter.part(name, part)}"
        if part:
            return self.formatter.capital(self.formatter.part(name, part))
        what = name.rpartition(".")[2] if name.partition(".")[0] in ALL_STANDARDS else name
        return self.formatter.meaning(what).term

    # Sections.

    def verdicts(self, standard: str, *more: str) -> list[LayoutTable | None]:
        """The verdicts of a standard in every cut, then their reasons and causes."""
        names = (f"{standard}.verdict/*", f"{standard}.rate", *more)
        tables = [self.by_cut(TableSpec(f"{standard}-verdicts", columns=names))]
        for what in ("exempt", "not_met", "unknown", "cause"):
            name = f"{standard}.{what}"
            parts = sorted({x.part for x in self.report.figures if x.name == name and x.part})
            if parts and (what != "cause" or standard not in ("feedback_offered", "one_transfer_at_most")):
                ordered = [x for x in CAUSES if x in parts] if what == "cause" else parts
                shown = tuple(f"{name}/{x}" for x in ordered)
                tables.append(self.by_cut(TableSpec(f"{standard}-{what}", columns=shown), is_of_reasons=True))
        return tables

    def parity(self, kind: str, *sides: str) -> LayoutTable:
        """A table with the rates of each standard on both sides, and their difference."""
        whats = tuple(f"parity_{x}" for x in (*sides, kind))
        rows = tuple(
            LayoutRow(
                self.formatter.word("standard", name), tuple(self.report.figure(f"{name}.{x}") for x in whats)
            )
            for name in ALL_STANDARDS
            if Place(f"{name}.{whats[0]}") in self.report.figures
        )
        head = tuple(self.formatter.meaning(what).term for what in whats)
        return LayoutTable(kind, head[-1], self.formatter.say("Service standard"), head, rows, whats)

    def standards(self) -> LayoutTable:
        """A table with the rate of each standard, of the whole and of each service that has one.

        A rate that is not published by service has a dash; a standard that is not judged has no row.
        """
        places = {(name, x): Place(f"{name}.rate", "", x) for name in ALL_STANDARDS for x in self.report.cuts}
        figures = {
            key: self.report.figures.get(at, Figure(at, "rate", "not_available")) for key, at in places.items()
        }
        judged = [name for name in ALL_STANDARDS if figures[name, WHOLE].state != "not_available"]
        services = [x for x in self.report.cuts if x.kind == "service"]
        services = [x for x in services if any(figures[name, x].state == "known" for name in judged)]
        cuts = [WHOLE, *services]
        rows = tuple(
            LayoutRow(self.formatter.word("standard", name), tuple(figures[name, x] for x in cuts))
            for name in judged
        )
        title, head = (
            self.formatter.say("Service standards"),
            tuple(self.formatter.cut(x, self.report) for x in cuts),
        )
        first, names = self.formatter.say("Service standard"), tuple(f"{name}.verdict" for name in judged)
        return LayoutTable("standards", title, first, head, rows, names, chart="cells", dashed=True)

    def changes(self) -> LayoutTable:
        """A table of the figures that differ from the previous revision."""
        rows = tuple(
            LayoutRow(
                f"{self._label(x.place.name, x.place.part)}; {self.formatter.cut(x.place.cut, self.report)}",
                tuple(figure or Figure(x.place, "count", "not_applicable") for figure in (x.before, x.after)),
            )
            for x in self.report.changes
        )
        say = self.formatter.say
        head = (say("Revision before"), say("This revision"))
        return LayoutTable("changes", say("Figures that changed"), say("Figure"), head, rows)

    def months(self) -> LayoutTable:
        """A table of this month and the others, with the verdicts that the database has today."""
        say, report = self.formatter.say, self.report
        others = {x.month: x.figures for x in (*report.compared, *report.months)}
        found = sorted({**others, report.month.name: report.figures}.items())
        calls = Place("calls_offered")
        months = [(month, of) for month, of in found if calls in of and of[calls].state == "known"]
        titles = PUBLIC_HEADLINES if report.is_public else HEADLINES
        wanted = dict.fromkeys(titles if report.is_public else (*titles, *SUMMARY, "completeness"))
        names = [x for x in wanted if all(Place(x) in of for _, of in months)]
        rows = tuple(
            LayoutRow(
                self.formatter.capital(self.formatter.month(date.fromisoformat(f"{month}-01"))),
                tuple(figures[Place(name)] for name in names),
                is_whole=month == report.month.name,
            )
            for month, figures in months
        )
        head = tuple(say(titles[x]["short"]) if x in titles else self.formatter.meaning(x).term for x in names)
        note = say(
            "The verdicts of the other months are those of the database: given by the definition then in "
            "force, unless they were judged again since."
        )
        title, notes = (say("Published months"), ()) if report.is_public else (say("The twelve months"), (note,))
        return LayoutTable(
            "comparisons", title, say("Month"), head, rows, tuple(names), notes, chart="cells", dashed=True
        )


def _is_uniform(cells: tuple[Figure, ...]) -> bool:
    """Whether the cells that apply are all 0 (but no rate), or no cell has a number, for the same reason."""
    states = {x.state for x in cells}
    if states <= {"known", "not_applicable"} and cells[0].state == "known":
        return cells[0].kind in ("count", "hours") and not any(x.value for x in cells)
    return len(states) == 1


def _parted(rows: Iterable[LayoutRow]) -> tuple[tuple[LayoutRow, ...], tuple[LayoutRow, ...]]:
    """The rows with something to show, the whole among them, and the others."""
    found = list(rows)
    full = tuple(x for x in found if x.is_whole or not _is_empty(x))
    return full, tuple(x for x in found if x not in full)


def _is_empty(row: LayoutRow) -> bool:
    """Whether no cell has a number above 0, and none is a rate."""
    return not any(x.state == "known" and (x.kind == "rate" or x.value) for x in row.cells)


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _ in columns))
