"""The layout of a printed report: sections, tables, rows. Pure.

The columns of a table are figures; its rows are cuts, parts of figures, or figures. HTML, XLSX and PDF write this
document. `layout.toml` has the sections. CSV and JSON have every figure, also those for which a page has no room.
"""

from collections.abc import Iterable
from importlib.resources import files

import msgspec

from callmon.config.standards import ALL_STANDARDS
from callmon.core.statistics.aggregates import HALF_HOURS
from callmon.core.verdicts import CAUSES
from callmon.reports import notes
from callmon.reports.figures import COUNTS
from callmon.reports.formatter import ReportFormatter
from callmon.reports.model import WHOLE, Figure, Place, Report
from callmon.reports.rates import ENDS
from callmon.reports.titles import PARTS, Definition

Column = tuple[str, str]  # the name of a figure and its part
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
    times: str = ""
    first: str = ""
    note: str = ""
    internal_note: str = ""
    internal: bool = False
    chart: str = ""


class SectionSpec(msgspec.Struct, frozen=True):
    """A section of `layout.toml`; without a title it has that of the standard `key`."""

    key: str
    title: str = ""
    notes: tuple[str, ...] = ()
    tables: tuple[TableSpec, ...] = ()


SECTIONS = msgspec.toml.decode(
    files("callmon.reports").joinpath("layout.toml").read_bytes(), type=dict[str, tuple[SectionSpec, ...]]
)["sections"]


class LayoutRow(msgspec.Struct, frozen=True):
    """A row of a table. `group`: the kind of its label ("Service")."""

    label: str
    cells: tuple[Figure, ...]
    group: str = ""
    is_whole: bool = False


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


class LayoutSection(msgspec.Struct, frozen=True):
    key: str
    title: str
    tables: tuple[LayoutTable, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[Definition, ...] = ()


class LayoutBuilder:
    """Makes the sections of one report in one language."""

    def __init__(self, report: Report, tongue: ReportFormatter) -> None:
        self.report, self.tongue = report, tongue
        self.is_internal = Place("check", "outcomes") in report.figures  # a public edition has no check lines

    def sections(self) -> list[LayoutSection]:
        say, report = self.tongue.say, self.report
        found = [self._section(spec) for spec in SECTIONS if spec.key != "attested" or report.attested]
        if report.changes:
            found.append(LayoutSection("changes", say("Ce qui a changé"), (self.changes(),)))
        if report.compared:
            found.append(LayoutSection("comparisons", say("Comparaisons"), (self.comparison(),)))
        return found

    def summary(self) -> LayoutTable | None:
        return self.figure_list("summary", self.tongue.say("Sommaire"), columns(*SUMMARY))

    def _section(self, spec: SectionSpec) -> LayoutSection:
        say = self.tongue.say
        title = say(spec.title) if spec.title else self.tongue.word("standard", spec.key)
        tables = (table for x in spec.tables for table in self._tables(x) if table is not None)
        facts = self._attestations() if spec.key == "attested" else ()
        return LayoutSection(spec.key, title, tuple(tables), tuple(map(say, spec.notes)), facts)

    def _attestations(self) -> tuple[Definition, ...]:
        titles = {x.of: self.tongue.cut(x, self.report) for x in self.report.cuts if x.kind == "line"}
        return tuple(notes.attestation_notes(self.report.attested, titles, self.tongue))

    def _tables(self, spec: TableSpec) -> Iterable[LayoutTable | None]:
        if spec.verdicts:
            return self.verdicts(spec.verdicts, *spec.more)
        if spec.parity:
            return [self.parity(spec.key, *spec.parity)]
        if spec.times:
            return [self.by_part(spec)]
        if spec.figures:
            return [self.figure_list(spec.key, self.tongue.say(spec.title), self._listed(spec.figures))]
        return [self.by_cut(spec)] if self.is_internal or not spec.internal else []

    def _listed(self, names: Iterable[str]) -> list[Column]:
        """The columns of figures; "unheard/*" are those of each exchange."""
        exchanges = sorted(x.part for x in self.report.figures if x.name == "unheard_hours")
        unheard = [(f"unheard_{what}", x) for x in exchanges for what in ("hours", "open_hours", "known_hours")]
        return [column for name in names for column in (unheard if name == "unheard/*" else columns(name))]

    # Tables.

    def by_cut(self, spec: TableSpec) -> LayoutTable | None:
        """A table with one row for each cut; the last column is the completeness of its calls.

        A column that is not known in any cut of a public edition stays: the sign in its cells gives the reason.
        None if the report has none of the columns.
        """
        wanted = columns(*spec.columns)
        shown = [x for x in wanted if Place(*x) in self.report.figures]
        if not shown:
            return None
        if ("completeness", "") not in shown:
            shown.append(("completeness", ""))
        rows = tuple(
            LayoutRow(
                self.tongue.cut(cut, self.report),
                tuple(self.report.figures[Place(*x, cut)] for x in shown),
                self.tongue.kind(cut),
                cut == WHOLE,
            )
            for cut in self.report.cuts
        )
        has_lengths = len({name for name, part in shown if part in ENDS}) > 1
        head = tuple(self._head(*x, has_lengths and x[1] in ENDS) for x in shown)
        say = self.tongue.say
        title = say(spec.title) if spec.title else self.tongue.meaning(wanted[0][0]).term
        under = (spec.note, spec.internal_note if self.is_internal else "")
        notes = tuple(say(note) for note in under if note)
        return LayoutTable(spec.key, title, say("Appels"), head, rows, _names(shown), notes, spec.chart)

    def by_part(self, spec: TableSpec) -> LayoutTable | None:
        """A table of the whole with one row for each part (a time) and one column for each figure of `times`."""
        names = [f"{spec.times}.{what}" for what in ("offered", "answered", "met", "not_met")]
        times = "1234567" if spec.times == "weekday" else HALF_HOURS
        parts = [part for part in times if Place(names[0], part) in self.report.figures]
        known = tuple(name for name in names if any(Place(name, part) in self.report.figures for part in parts))
        if not known:
            return None
        rows = tuple(
            LayoutRow(self.tongue.part(known[0], part), tuple(self.report.figure(name, part) for name in known))
            for part in parts
        )
        head = tuple(self.tongue.meaning(name).term for name in known)
        title, first = self.tongue.say(spec.title), self.tongue.say(spec.first)
        return LayoutTable(f"{spec.times}s", title, first, head, rows, known, chart="bars")

    def figure_list(self, key: str, title: str, wanted: Iterable[Column]) -> LayoutTable | None:
        """A table of the whole with one row for each figure, and the completeness beside it."""
        known = [x for x in wanted if Place(*x) in self.report.figures]
        if not known:
            return None
        complete = self.report.figure("completeness")
        rows = tuple(LayoutRow(self._label(*x), (self.report.figure(*x), complete)) for x in known)
        head = (self.tongue.say("Ensemble"), self.tongue.meaning("completeness").term)
        return LayoutTable(key, title, self.tongue.say("Chiffre"), head, rows, _names(known))

    def _label(self, name: str, part: str) -> str:
        title, part_title = self.tongue.meaning(name).term, self.tongue.part(name, part)
        if name.startswith("unheard_"):
            return self.tongue.say("{figure}, autocommutateur « {name} »", figure=title, name=part_title)
        return self.tongue.labelled(title, part_title)

    def _head(self, name: str, part: str, has_title: bool) -> str:
        """The header of a column: the name of the part, otherwise the short title of the figure."""
        if has_title:
            return f"{self.tongue.meaning(name).term}, {self.tongue.part(name, part)}"
        if part:
            return self.tongue.capital(self.tongue.part(name, part))
        what = name.rpartition(".")[2] if name.partition(".")[0] in ALL_STANDARDS else name
        return self.tongue.meaning(what).term

    # Sections.

    def verdicts(self, standard: str, *more: str) -> list[LayoutTable | None]:
        """The verdicts of a standard in every cut, then their reasons and causes."""
        names = (f"{standard}.verdict/*", f"{standard}.rate", *more)
        tables = [self.by_cut(TableSpec(f"{standard}-verdicts", columns=names, chart="verdicts"))]
        for what in ("exempt", "not_met", "unknown", "cause"):
            name = f"{standard}.{what}"
            parts = sorted({x.part for x in self.report.figures if x.name == name and x.part})
            if parts and (what != "cause" or standard not in ("feedback_offered", "one_transfer_at_most")):
                ordered = [x for x in CAUSES if x in parts] if what == "cause" else parts
                shown = tuple(f"{name}/{x}" for x in ordered)
                tables.append(self.by_cut(TableSpec(f"{standard}-{what}", columns=shown)))
        return tables

    def parity(self, kind: str, *sides: str) -> LayoutTable:
        """A table with the rates of each standard on both sides, and their difference."""
        whats = tuple(f"parity_{x}" for x in (*sides, kind))
        rows = tuple(
            LayoutRow(self.tongue.word("standard", name), tuple(self.report.figure(f"{name}.{x}") for x in whats))
            for name in ALL_STANDARDS
            if Place(f"{name}.{whats[0]}") in self.report.figures
        )
        head = tuple(self.tongue.meaning(what).term for what in whats)
        return LayoutTable(kind, head[-1], self.tongue.say("Norme de service"), head, rows, whats)

    def changes(self) -> LayoutTable:
        """A table of the figures that differ from the previous revision."""
        rows = tuple(
            LayoutRow(
                f"{self._label(x.place.name, x.place.part)}; {self.tongue.cut(x.place.cut, self.report)}",
                tuple(figure or Figure(x.place, "count", "not_applicable") for figure in (x.before, x.after)),
            )
            for x in self.report.changes
        )
        say = self.tongue.say
        head = (say("Révision précédente"), say("Cette révision"))
        return LayoutTable("changes", say("Chiffres changés"), say("Chiffre"), head, rows)

    def comparison(self) -> LayoutTable:
        """A table of this month beside the others, with the verdicts that the database has today."""
        say, names = self.tongue.say, (*SUMMARY, "completeness")
        months = [self.report.figures, *(x.figures for x in self.report.compared)]
        rows = tuple(
            LayoutRow(self.tongue.meaning(name).term, tuple(figures[Place(name)] for figures in months))
            for name in names
            if all(Place(name) in figures for figures in months)
        )
        head = (self.tongue.month(self.report.month.first), *map(self.tongue.relation, self.report.compared))
        note = say(
            "Les verdicts des autres mois sont ceux de la base de données : donnés selon la définition alors en "
            "vigueur, sauf s'ils ont été rejugés depuis."
        )
        return LayoutTable("comparisons", say("Comparaisons"), say("Chiffre"), head, rows, names, (note,))


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _ in columns))
