"""The layout of a printed report: sections, tables, rows. Pure.

The columns of a table are figures; its rows are cuts, parts of figures, or figures. HTML, XLSX and PDF write this
document. CSV and JSON have every figure, also those for which a page has no room.
"""

from collections.abc import Iterable

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
    for written in names:
        name, _, part = written.partition("/")
        found += [(name, x) for x in COUNTS.get(name, ENDS)] if part == "*" else [(name, part)]
    return found


class LayoutRow(msgspec.Struct, frozen=True):
    """A row of a table. `group`: the kind of its label ("Service")."""

    label: str
    cells: tuple[Figure, ...]
    group: str = ""
    is_whole: bool = False


class LayoutTable(msgspec.Struct, frozen=True):
    """`first`: header of the label column. `chart`: which columns of which rows a chart shows ("" for none)."""

    key: str
    title: str
    first: str
    head: tuple[str, ...]
    rows: tuple[LayoutRow, ...]
    names: tuple[str, ...] = ()  # its figures, for the definitions
    notes: tuple[str, ...] = ()
    chart: str = ""


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

    def sections(self) -> list[LayoutSection]:
        say, third = self.tongue.say, "answer_by_third_ring"
        found = [
            self.section("completeness", say("Exhaustivité"), self._completeness()),
            self.section("calls", say("Appels reçus et issue"), self._calls()),
            self.section(
                third, self.tongue.word("standard", third), self._rings(),
                say(
                    "Les sonneries sont comptées à l'autocommutateur : l'appelant peut en avoir entendu une de "
                    "moins."
                ),
                say("Les appels que le fournisseur refuse avant notre système téléphonique ne sont pas vus."),
            ),
            self.section("voicemail", say("Messagerie vocale"), self._voicemail()),
            self.section("redirections", say("Réacheminements"), self._redirections()),
            self.section(
                "reach_a_person", self.tongue.word("standard", "reach_a_person"), self.verdicts("reach_a_person")
            ),
            *self._attested(),
            self.section("callbacks", say("Rappels"), self._callbacks()),
            self.section("complaints", say("Plaintes et rétroaction"), self._complaints()),
            self.section("french", say("Services en français"), self._french()),
            self.section("tty", say("ATS et relais"), self._tty()),
            self.section(
                "disruptions", say("Perturbations temporaires du service"),
                [self.by_cut("disruptions", "disruptions", "disruptions_hours")],
            ),
            self.section("when", say("Répartition des appels"), self._when()),
        ]  # fmt: skip
        if self.report.changes:
            found.append(self.section("changes", say("Ce qui a changé"), [self.changes()]))
        if self.report.compared:
            found.append(self.section("comparisons", say("Comparaisons"), [self.comparison()]))
        return found

    def _attested(self) -> list[LayoutSection]:
        """The section of the attestations, made by people who tested the lines; empty without any."""
        titles = {x.of: self.tongue.cut(x, self.report) for x in self.report.cuts if x.kind == "line"}
        facts = tuple(notes.attestation_notes(self.report.attested, titles, self.tongue))
        note = self.tongue.say(
            "Aucun autocommutateur n'entend ce que dit un menu : une personne appelle chaque ligne, une fois par "
            "trimestre, et le consigne."
        )
        title = self.tongue.say("Menus et messages d'accueil, à l'essai")
        return [LayoutSection("attested", title, (), (note,), facts)] if facts else []

    def section(self, key: str, title: str, tables: Iterable[LayoutTable | None], *texts: str) -> LayoutSection:
        return LayoutSection(key, title, tuple(table for table in tables if table is not None), texts)

    # Tables.

    def by_cut(
        self, key: str, *names: str, title: str = "", note: str = "", chart: str = ""
    ) -> LayoutTable | None:
        """A table with one row for each cut; the last column is the completeness of its calls.

        `title`: that of the first figure if empty. A column that is not known in any cut of a public edition
        stays: the sign in its cells gives the reason. None if the report has none of the columns.
        """
        wanted = columns(*names)
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
        title = title or self.tongue.meaning(wanted[0][0]).term
        under = (note,) if note else ()
        return LayoutTable(key, title, self.tongue.say("Appels"), head, rows, _names(shown), under, chart)

    def by_part(self, key: str, title: str, first: str, parts: Iterable[str]) -> LayoutTable | None:
        """A table of the whole with one row for each part (a time) and one column for each figure of `key`."""
        names = [f"{key}.{what}" for what in ("offered", "answered", "met", "not_met")]
        parts = [part for part in parts if Place(names[0], part) in self.report.figures]
        known = tuple(name for name in names if any(Place(name, part) in self.report.figures for part in parts))
        if not known:
            return None
        rows = tuple(
            LayoutRow(self.tongue.part(known[0], part), tuple(self.report.figure(name, part) for name in known))
            for part in parts
        )
        head = tuple(self.tongue.meaning(name).term for name in known)
        return LayoutTable(f"{key}s", title, first, head, rows, known, chart="bars")

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
        tables = [self.by_cut(f"{standard}-verdicts", *names, chart="verdicts")]
        for what in ("exempt", "not_met", "unknown", "cause"):
            name = f"{standard}.{what}"
            parts = sorted({x.part for x in self.report.figures if x.name == name and x.part})
            if parts and (what != "cause" or standard not in ("feedback_offered", "one_transfer_at_most")):
                ordered = [x for x in CAUSES if x in parts] if what == "cause" else parts
                tables.append(self.by_cut(f"{standard}-{what}", *(f"{name}/{x}" for x in ordered)))
        return tables

    def _completeness(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        exchanges = sorted(x.part for x in self.report.figures if x.name == "unheard_hours")
        beside = [(f"unheard_{what}", x) for x in exchanges for what in ("hours", "open_hours", "known_hours")]
        beside += columns("calls_in_progress", "reconciliation_days")
        beside += columns("reconciliation_exchange_only", "reconciliation_callmon_only")
        return [
            self.by_cut("heard", "calls_offered", "heard/*", "completeness", title=say("Appels entendus")),
            self.figure_list("listening", say("Écoute et rapprochement"), beside),
        ]

    def _calls(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        # A public edition has no check lines, and of the calls in business hours only the total, shown before.
        is_internal = Place("check", "outcomes") in self.report.figures
        in_hours = ("hours/open", "outcomes_in_hours/*") if is_internal else ()
        check = say(
            "Ligne de contrôle : les appels, comptés à part par la base de données, moins la somme de leurs "
            "issues."
        )
        return [
            self.by_cut("calls", "calls_offered", "hours/*", "answer_rate", chart="offered"),
            self.by_cut(
                "outcomes", "calls_offered", "outcomes/*", "check/outcomes",
                title=say("Issue des appels reçus"), note=check if is_internal else "",
            ),
            self.by_cut(
                "outcomes_in_hours", *in_hours,
                title=say("Issue des appels reçus pendant les heures normales de bureau"),
            ),
            self.by_cut("abandoned", "abandoned_in/*", "short_abandons", "abandonment_rate"),
            self.figure_list("checks", say("Lignes de contrôle"), [("check", x) for x in PARTS["check"]]),
        ]  # fmt: skip

    def _rings(self) -> list[LayoutTable | None]:
        say, third = self.tongue.say, "answer_by_third_ring"
        return [
            *self.verdicts(third, f"{third}.strict_rate"),
            self.by_cut("rings", "rings_to_answer/*", "answered_14_to_18_s", "judged_by_seconds", chart="rings"),
            self.by_cut(
                "waits", "rings/*", "time_to_answer/*", "time_from_arrival/*", title=say("Délai de réponse")
            ),
            self.by_cut("signs", "signs/*"),
            self.by_cut("holds", "early_hold/*", title=say("Durée des mises en attente dans les 10 s")),
        ]

    def _voicemail(self) -> list[LayoutTable | None]:
        names = ("voicemail_share", "voicemail_when/*", "voicemail_messages/*")
        table = self.by_cut("voicemail", *names, title=self.tongue.say("Messagerie vocale"))
        return [table, *self.verdicts("voicemail_after_fourth_ring")]

    def _redirections(self) -> list[LayoutTable | None]:
        return [
            self.by_cut("transfers", "transfers/*"),
            *self.verdicts("one_transfer_at_most"),
            self.by_cut("redirections", "redirections/*", "redirections.rate"),
        ]

    def _callbacks(self) -> list[LayoutTable | None]:
        note = self.tongue.say(
            "Un rappel compte aussi quand il aboutit à la boîte vocale de la personne : l'autocommutateur ne le "
            "distingue pas."
        )

        def fates(name: str, *more: str) -> LayoutTable | None:
            names = (f"{name}/*", f"{name}.rate", f"{name}.attempted_rate", f"check/{name}", *more)
            return self.by_cut(name, *names, note=note)

        return [
            self.by_cut("callbacks", "callbacks_opened", "callback_openings/*", "callback_messages"),
            fates("callbacks_24_hours", "callbacks_no_open_hour"),
            fates("callbacks_business_day"),
            self.by_cut("callback_delay", "callback_delay/*"),
            *self.verdicts("callback_within_24_hours"),
        ]

    def _complaints(self) -> list[LayoutTable | None]:
        return [
            self.by_cut("complaints", "complaints_opened"),
            *self.verdicts("complaint_within_2_business_days"),
            *self.verdicts("complaint_answered_within_15_business_days"),
            *self.verdicts("feedback_offered"),
        ]

    def _french(self) -> list[LayoutTable | None]:
        return [
            *self.verdicts("bilingual_person"),
            self.by_cut("french_at_first_answer", "french_at_first_answer/*", "french_at_first_answer.rate"),
            *self.verdicts("callback_in_french"),
            self.parity("french_english", "fr", "en"),
        ]

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

    def _tty(self) -> list[LayoutTable | None]:
        return [
            self.parity("tty_voice", "tty", "voice"),
            self.by_cut("relay", "relay_outcomes/*", "relay_ended_early"),
            self.by_cut("tests", "test_calls"),
        ]

    def _when(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        return [
            self.by_part("weekday", say("Jours de la semaine"), say("Jour"), "1234567"),
            self.by_part("half_hour", say("Demi-heures"), say("À partir de"), HALF_HOURS),
        ]

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
