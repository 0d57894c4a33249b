"""Rows → Report: every figure of the month, in every cut. Pure.

Calls are added one at a time or, as the database stores them, as cells of a line and a language. `report` then
sums the cells. A call belongs to the local month in which it arrived. An obligation belongs to the local month in
which it was opened (R-20).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from callmon.config.business_calendar import Calendar
from callmon.config.lines import Lines
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import LANGUAGES, Call, language_label
from callmon.core.disruptions.disruption import Disruption
from callmon.core.statistics import aggregates, coverage
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import Month
from callmon.core.verdicts import Finding
from callmon.reports import figures, obligations
from callmon.reports.model import WHOLE, Cut, Report, Title

UNKNOWN = "unknown"


class ReportContext(msgspec.Struct, frozen=True):
    """The settings of the site that a report needs beside the rows."""

    zone: ZoneInfo
    lines: Lines
    services: Mapping[str, Title]
    calendar: Calendar
    minimum: int
    judged: frozenset[str]  # the standards that are judged at this site
    attempt_counts: bool
    fingerprint: str


class PeriodTotals(msgspec.Struct, frozen=True):
    """What the database stores about the period beside its calls and obligations.

    `counted`: the database's own count of the calls by line and language, for the check line.
    """

    listening: Mapping[str, Coverage]
    counted: Mapping[tuple[str, str], int]
    in_progress: int
    fingerprint: str
    disruptions: tuple[Disruption, ...] = ()  # those that overlap the period
    reconciled: Mapping[str, int] | None = None  # days, exchange_only, callmon_only; None: no day


class ReportBuilder:
    """Collects every call and obligation of one period in cells, and builds the report from them."""

    def __init__(
        self, site: ReportContext, month: Month, now: datetime, lines: Iterable[str] | None = None
    ) -> None:
        self.site, self.month, self.now = site, month, now
        self.lines = None if lines is None else frozenset(lines)
        self._known = {line.name: line for line in site.lines}
        self.cells: dict[tuple[str, str], Cell] = {}
        self.last_due: datetime | None = None

    def cell(self, line: str, language: str | None) -> Cell:
        key = (line, language_label(language))
        if key not in self.cells:
            self.cells[key] = Cell()
        return self.cells[key]

    def is_told(self, line: str) -> bool:
        return self.lines is None or line in self.lines

    def call(self, call: Call, findings: Iterable[Finding]) -> None:
        """Add a call that arrived in the period."""
        if call.line is None or not self.is_told(call.line):
            return
        if call.test:
            self.cell(call.line, call.language).increment("test_calls")
        elif aggregates.is_counted(call):
            aggregates.of_call(self.cell(call.line, call.language), call, findings, self.site.zone)

    def rolled_up(self, line: str, language: str, cell: Cell) -> None:
        """Add calls that arrived in the period, already counted by the roll-ups."""
        if self.is_told(line):
            self.cell(line, language).merge(cell)

    def obligation(self, one: Obligation, findings: Iterable[Finding]) -> None:
        """Add an obligation that was opened in the period."""
        if not self.is_told(one.line):
            return
        due = obligations.last_due(one)
        self.last_due = due if self.last_due is None else max(self.last_due, due)
        cell = self.cell(one.line, one.language)
        obligations.of_obligation(cell, one, findings, self.now, self.site.attempt_counts)

    def report(self, known: PeriodTotals) -> Report:
        """The report with all figures in every cut."""
        _add_not_judged(self.cells)
        titles = dict(self._titles())
        heard = not coverage.nothing_was_heard(known.listening, self.month.begin, self.month.end)
        # A month that callmon did not receive is known where the exchange's own log (CEL) covers it.
        begin, end = self.month.begin, self.month.end
        told = (
            heard
            or any(known.counted.values())
            or any(x.covered_by_log(begin, end) for x in known.listening.values())
        )
        made = figures.FigureTable(self.site.judged | self._given(), self.site.minimum, told)
        for cut in titles:
            made.cut(cut, self._summed(cut), self._counted(known, cut))
        begin, until = self.month.begin, min(self.month.end, self.now)
        for cut in titles:
            made.disruptions(cut, known.disruptions, self._lines_in(cut), begin, until, heard)
        made.parities(self._verdicts(), {line.name: line.mode for line in self.site.lines})
        made.unheard(known.listening, self.month, self.site.calendar)
        made.in_progress(known.in_progress)
        made.reconciled(known.reconciled)
        final_after = None if self.last_due is None or self.last_due < self.now else self.last_due
        over = self.month.end <= self.now and not self.month.to_date and known.in_progress == 0
        return Report(
            month=self.month,
            is_final=over and final_after is None and told,
            has_data=told,
            final_after=final_after,
            cuts=tuple(titles),
            titles=titles,
            lines={cut.of: self._belongs(cut.of) for cut in titles if cut.kind == "line"},
            figures=made.figures,
            standards=tuple(sorted(made.judged, key=ALL_STANDARDS.index)),
            config_fingerprint=self.site.fingerprint,
            data_fingerprint=known.fingerprint,
        )

    # Cuts.

    def _titles(self) -> Iterator[tuple[Cut, Title]]:
        """Every cut in order: the whole, services, modes, lines, languages.

        Lines that are no longer configured are included.
        """
        lines = [line for line in self.site.lines if self.is_told(line.name)]
        others = sorted({line for line, _ in self.cells} - {line.name for line in lines})
        none = Title("", "")
        yield WHOLE, none
        services = [*dict.fromkeys(line.service for line in lines), *([UNKNOWN] if others else [])]
        for name in services:
            yield Cut("service", name), self.site.services.get(name, none)
        for mode in [*dict.fromkeys(line.mode for line in lines), *([UNKNOWN] if others else [])]:
            yield Cut("mode", mode), none
        for line in lines:
            yield Cut("line", line.name), Title(line.title_fr, line.title_en)
        for name in others:
            yield Cut("line", name), Title(name, name)
        for language in LANGUAGES:
            yield Cut("language", language), none

    def _belongs(self, line: str) -> tuple[str, str]:
        known = self._known.get(line)
        return (UNKNOWN, UNKNOWN) if known is None else (known.service, known.mode)

    def _is_in(self, cut: Cut, line: str, language: str) -> bool:
        service, mode = self._belongs(line)
        match cut.kind:
            case "whole":
                return True
            case "service":
                return service == cut.of
            case "mode":
                return mode == cut.of
            case "line":
                return line == cut.of
            case "language":
                return language == cut.of

    def _lines_in(self, cut: Cut) -> frozenset[str] | None:
        """The lines of a cut; None for a language, which has no lines of its own."""
        if cut.kind == "language":
            return None
        return frozenset(x.name for x in self.site.lines if self.is_told(x.name) and self._is_in(cut, x.name, ""))

    def _summed(self, cut: Cut) -> Cell:
        total = Cell()
        for (line, language), cell in self.cells.items():
            if self._is_in(cut, line, language):
                total.merge(cell)
        return total

    def _counted(self, known: PeriodTotals, cut: Cut) -> int:
        counted = ((key, count) for key, count in known.counted.items() if self.is_told(key[0]))
        return sum(count for key, count in counted if self._is_in(cut, *key))

    # Verdicts.

    def _given(self) -> frozenset[str]:
        """The standards that have at least one verdict."""
        names = {name.removesuffix(".verdict") for cell in self.cells.values() for name, _ in cell.counts}
        return frozenset(name for name in ALL_STANDARDS if name in names and self._has_any(name))

    def _has_any(self, standard: str) -> bool:
        name = f"{standard}.verdict"
        return any(count for cell in self.cells.values() for (of, part), count in cell.counts.items()
                   if of == name and part != figures.NOT_JUDGED)  # fmt: skip

    def _verdicts(self) -> dict[tuple[str, str, str, str], int]:
        found: Counter[tuple[str, str, str, str]] = Counter()
        for (line, language), cell in self.cells.items():
            for (name, part), count in cell.counts.items():
                if name.endswith(".verdict"):
                    found[name.removesuffix(".verdict"), line, language, part] += count
        return dict(found)


def _add_not_judged(cells: Mapping[tuple[str, str], Cell]) -> None:
    """Count what has no verdict (yet), so that the verdicts add up to all calls or obligations."""
    for cell in cells.values():
        for standard, total in figures.TOTALS.items():
            given = sum(cell.counts.get((f"{standard}.verdict", x), 0) for x in figures.GIVEN)
            cell.counts[f"{standard}.verdict", figures.NOT_JUDGED] = cell.counts.get((total, ""), 0) - given


assert set(CALL_STANDARDS) <= set(figures.TOTALS)
