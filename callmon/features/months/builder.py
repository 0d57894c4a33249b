"""Rows → Report: every figure of the month, in every cut. Pure.

Calls are added as the database stores them, as cells of a line and a language. `report` then sums the cells. A
call belongs to the local month in which it arrived, an obligation to the one in which it was opened (R-20).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from hashlib import sha256

import msgspec

from callmon.config.settings import Settings
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.callbacks.obligation import Obligation
from callmon.core.calls.call import LANGUAGES, language_label
from callmon.core.disruptions.disruption import Disruption
from callmon.core.standards.judged import configured_standards
from callmon.core.statistics import coverage
from callmon.core.statistics.aggregates import Cell
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import Month, is_final
from callmon.core.verdicts import VERDICTS, Finding
from callmon.features.months import figures
from callmon.features.months.figures import imported_calls, last_due, of_obligation
from callmon.features.months.model import WHOLE, Cut, Place, Report, Title

UNKNOWN = "unknown"
# The settings of an exchange that affect how its calls are interpreted; the others concern its connection.
OF_EXCHANGE = {
    *("trunks", "phones", "voicemail_contexts", "survey_extensions", "parking_extensions", "queue_languages"),
    "dial_prefixes",
}
OF_SITE = {
    *("timezone", "region", "relay_numbers", "minimum_sample", "callbacks", "calendar", "services", "lines"),
    *("staff", "standards"),
}


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
    """Collects every call and obligation of one period in cells, and builds the report from them.

    `has_cuts`: False for a report of the whole only.
    """

    def __init__(
        self,
        settings: Settings,
        month: Month,
        now: datetime,
        lines: Iterable[str] | None = None,
        has_cuts: bool = True,
    ) -> None:
        self.settings = settings
        self.month = month
        self.now = now
        self.has_cuts = has_cuts
        self.wanted = None if lines is None else frozenset(lines)
        self.lines = [line for line in settings.lines() if self.is_included(line.name)]
        self.cells: defaultdict[tuple[str, str], Cell] = defaultdict(Cell)
        self.last_due: datetime | None = None

    def is_included(self, line: str) -> bool:
        return self.wanted is None or line in self.wanted

    def rolled_up(self, line: str, language: str, cell: Cell) -> None:
        """Add calls that arrived in the period, already counted by the roll-ups."""
        if self.is_included(line):
            self.cells[line, language_label(language)].merge(cell)

    def obligation(self, obligation: Obligation, findings: Iterable[Finding]) -> None:
        """Add an obligation that was opened in the period."""
        if not self.is_included(obligation.line):
            return
        due = last_due(obligation)
        self.last_due = due if self.last_due is None else max(self.last_due, due)
        cell = self.cells[obligation.line, language_label(obligation.language)]
        of_obligation(cell, obligation, findings, self.now, self.settings.rules.attempt_counts)

    def report(self, known: PeriodTotals) -> Report:
        """The report with all figures in every cut."""
        _add_not_judged(self.cells)
        titles = dict(self._titles())
        begin, end = self.month.begin, self.month.end
        is_received = not coverage.nothing_was_heard(known.listening, begin, end)
        # A month that callmon did not receive is known where the exchange's own log (CEL) covers it.
        has_data = (
            is_received
            or any(known.counted.values())
            or any(x.covered_by_log(begin, end) for x in known.listening.values())
        )
        judged = configured_standards(self.settings) | self._given()
        table = figures.FigureTable(judged, self.settings.minimum_sample, has_data)
        for cut in titles:
            table.add_cut(cut, self._summed(cut), self._counted(known, cut))
        until = min(end, self.now)
        for cut in titles:
            table.add_disruptions(cut, known.disruptions, self._lines_in(cut), begin, until, is_received)
        table.add_parities(self._verdicts(), {line.name: line.mode for line in self.settings.lines()})
        table.add_unheard(known.listening, self.month, self.settings.calendar())
        table.add_calls_in_progress(known.in_progress)
        table.add_reconciled(known.reconciled)
        due, is_in_progress = self.last_due, known.in_progress > 0
        calls = sum(cell.counts.get(("calls_offered", ""), 0) for cell in self.cells.values())
        return Report(
            month=self.month,
            is_final=is_final(self.month, self.now, calls, due, is_in_progress, has_data),
            is_running=end > self.now,
            is_empty=not calls and due is None and not is_in_progress,
            has_data=has_data,
            final_after=None if due is None or due < self.now else due,
            cuts=tuple(titles),
            titles=titles,
            imported=imported_calls(cell.counts for cell in self.cells.values()),
            lines={cut.of: self._belongs(cut.of) for cut in titles if cut.kind == "line"},
            figures=table.figures,
            targets=dict(self._targets()),
            is_of_lines=self.wanted is not None,
            config_fingerprint=fingerprint(self.settings),
            data_fingerprint=known.fingerprint,
        )

    # Cuts.

    def _titles(self) -> Iterator[tuple[Cut, Title]]:
        """Every cut in order: the whole, services, modes, lines, languages.

        Lines that are no longer configured are included.
        """
        lines = self.lines
        others = sorted({line for line, _ in self.cells} - {line.name for line in lines})
        none = Title("", "")
        yield WHOLE, none
        if not self.has_cuts:
            return
        services = [*dict.fromkeys(line.service for line in lines), *([UNKNOWN] if others else [])]
        for name in services:
            known = self.settings.services.get(name)
            yield Cut("service", name), none if known is None else Title(known.title_fr, known.title_en)
        for mode in [*dict.fromkeys(line.mode for line in lines), *([UNKNOWN] if others else [])]:
            yield Cut("mode", mode), none
        for line in lines:
            yield Cut("line", line.name), Title(line.title_fr, line.title_en)
        for name in others:
            yield Cut("line", name), Title(name, name)
        for language in LANGUAGES:
            yield Cut("language", language), none

    def _belongs(self, name: str) -> tuple[str, str]:
        lines = self.settings.lines()
        return (lines[name].service, lines[name].mode) if name in lines else (UNKNOWN, UNKNOWN)

    def _is_in(self, cut: Cut, line: str, language: str) -> bool:
        service, mode = self._belongs(line)
        member = {"whole": "", "service": service, "mode": mode, "line": line, "language": language}
        return cut.of == member[cut.kind]

    def _lines_in(self, cut: Cut) -> frozenset[str] | None:
        """The lines of a cut; None for a language, which has no lines of its own."""
        if cut.kind == "language":
            return None
        return frozenset(x.name for x in self.lines if self._is_in(cut, x.name, ""))

    def _targets(self) -> Iterator[tuple[Place, float]]:
        """The internal target of each line's rate that has one in force on the first day (R-25)."""
        for line in self.lines:
            for standard in dict.fromkeys(x.standard for x in line.targets):
                if (target := line.target(standard, self.month.first)) is not None:
                    yield Place(f"{standard}.rate", "", Cut("line", line.name)), target.percent

    def _summed(self, cut: Cut) -> Cell:
        total = Cell()
        for (line, language), cell in self.cells.items():
            if self._is_in(cut, line, language):
                total.merge(cell)
        return total

    def _counted(self, known: PeriodTotals, cut: Cut) -> int:
        counted = ((key, count) for key, count in known.counted.items() if self.is_included(key[0]))
        return sum(count for key, count in counted if self._is_in(cut, *key))

    # Verdicts.

    def _given(self) -> frozenset[str]:
        """The standards that have at least one verdict."""
        counts = self._verdicts()
        return frozenset(
            standard for (standard, _, _, part), count in counts.items() if count and part != figures.NOT_JUDGED
        ) & {*ALL_STANDARDS}

    def _verdicts(self) -> dict[tuple[str, str, str, str], int]:
        """The counts by standard, line, language and verdict."""
        return {
            (name.removesuffix(".verdict"), line, language, part): count
            for (line, language), cell in self.cells.items()
            for (name, part), count in cell.counts.items()
            if name.endswith(".verdict")
        }


def _add_not_judged(cells: Mapping[tuple[str, str], Cell]) -> None:
    """Count what has no verdict (yet), so that the verdicts add up to all calls or obligations."""
    for cell in cells.values():
        for standard, total in figures.TOTALS.items():
            given = sum(cell.counts.get((f"{standard}.verdict", x), 0) for x in VERDICTS)
            cell.counts[f"{standard}.verdict", figures.NOT_JUDGED] = cell.counts.get((total, ""), 0) - given


def fingerprint(settings: Settings) -> str:
    """SHA-256 (hex) of every setting that affects a figure; it covers no secret and no address."""
    configured = settings.configuration.model_dump(mode="json", include=OF_SITE)
    exchanges = {
        name: x.model_dump(mode="json", include=OF_EXCHANGE)
        for name, x in settings.configuration.exchanges.items()
    }
    text = json.dumps(configured | {"exchanges": exchanges}, sort_keys=True, ensure_ascii=False, default=str)
    return sha256(text.encode()).hexdigest()


assert set(CALL_STANDARDS) <= set(figures.TOTALS)
