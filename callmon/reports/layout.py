"""The layout of a printed report: sections, tables, rows. Pure.

The columns of a table are figures; its rows are cuts, parts of figures, or figures. HTML, XLSX and PDF write this
document. CSV and JSON have every figure, also those for which a page has no room.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from callmon.config.standards import ALL_STANDARDS
from callmon.core.calls.call import OUTCOMES
from callmon.core.statistics.aggregates import HALF_HOURS
from callmon.core.statistics.integrity import SIGNS
from callmon.core.verdicts import CAUSES, VERDICTS
from callmon.reports import attestations
from callmon.reports.figures import COUNTS, NOT_JUDGED
from callmon.reports.formatter import ReportFormatter
from callmon.reports.model import WHOLE, Cut, Figure, Place, Report
from callmon.reports.notes import DefinitionNote
from callmon.reports.obligations import FATES
from callmon.reports.rates import ENDS
from callmon.reports.titles import PARTS

Column = tuple[str, str]  # the name of a figure and its part


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
    facts: tuple[DefinitionNote, ...] = ()


class LayoutBuilder:
    """Makes the sections of one report in one language."""

    def __init__(self, report: Report, tongue: ReportFormatter) -> None:
        self.report, self.tongue = report, tongue

    def sections(self) -> list[LayoutSection]:
        say, standard = self.tongue.say, self.of_standard
        third, voicemail = "answer_by_third_ring", "voicemail_after_fourth_ring"
        made = [
            self.section("completeness", say("Exhaustivité"), self._completeness()),
            self.section("calls", say("Appels reçus et issue"), self._calls()),
            self.section(
                third, self.standard(third), [*standard(third), *self._rings()],
                say(
                    "Les sonneries sont comptées à l'autocommutateur : l'appelant peut en avoir entendu une "
                    "de moins."
                ),
                say("Les appels que le fournisseur refuse avant notre système téléphonique ne sont pas vus."),
            ),
            self.section("voicemail", say("Messagerie vocale"), [*self._voicemail(), *standard(voicemail)]),
            self.section("redirections", say("Réacheminements"), self._redirections()),
            self.section("reach_a_person", self.standard("reach_a_person"), standard("reach_a_person")),
            *self._attested(),
            self.section("callbacks", say("Rappels"), self._callbacks()),
            self.section("complaints", say("Plaintes et rétroaction"), self._complaints()),
            self.section("french", say("Services en français"), self._french()),
            self.section("tty", say("ATS et relais"), self._tty()),
            self.section("disruptions", say("Perturbations temporaires du service"), self._disruptions()),
            self.section("when", say("Répartition des appels"), self._when()),
        ]  # fmt: skip
        if self.report.changes:
            made.append(self.section("changes", say("Ce qui a changé"), [self.changes()]))
        if self.report.compared:
            made.append(self.section("comparisons", say("Comparaisons"), [self.comparison()]))
        return made

    def _attested(self) -> list[LayoutSection]:
        """The section of the attestations, made by people who tested the lines; empty without any."""
        titles = {x.of: self.tongue.cut(x, self.report) for x in self.report.cuts if x.kind == "line"}
        facts = tuple(attestations.told(self.report.attested, titles, self.tongue))
        note = self.tongue.say(
            "Aucun autocommutateur n'entend ce que dit un menu : une personne appelle chaque ligne, une fois par "
            "trimestre, et le consigne."
        )
        title = self.tongue.say("Menus et messages d'accueil, à l'essai")
        return [LayoutSection("attested", title, (), (note,), facts)] if facts else []

    def section(self, key: str, title: str, tables: Iterable[LayoutTable | None], *notes: str) -> LayoutSection:
        return LayoutSection(key, title, tuple(table for table in tables if table is not None), notes)

    def standard(self, name: str) -> str:
        return self.tongue.word("standard", name)

    # Tables.

    def by_cut(
        self, key: str, title: str, columns: Iterable[Column], *notes: str, chart: str = ""
    ) -> LayoutTable | None:
        """A table with one row for each cut; the last column is the completeness of its calls.
        A column that is not known in any cut of a public edition stays: the sign in its cells gives the reason.
        None if the report has none of the columns.
        """
        known = [x for x in columns if Place(*x) in self.report.figures]
        if not known:
            return None
        shown = known if ("completeness", "") in known else [*known, ("completeness", "")]
        rows = tuple(
            LayoutRow(
                self.tongue.cut(cut, self.report), self._cells(shown, cut), self.tongue.kind(cut), cut == WHOLE
            )
            for cut in self.report.cuts
        )
        head = tuple(self.head(name, part) for name, part in shown)
        return LayoutTable(key, title, self.tongue.say("Appels"), head, rows, _names(shown), notes, chart)

    def by_part(
        self, key: str, title: str, first: str, names: Iterable[str], parts: Iterable[str], chart: str = ""
    ) -> LayoutTable | None:
        """A table of the whole with one row for each part and one column for each figure."""
        listed = list(parts)
        known = tuple(name for name in names if any(Place(name, part) in self.report.figures for part in listed))
        if not known:
            return None
        rows = tuple(
            LayoutRow(self.tongue.part(known[0], part), tuple(self.report.at(name, part) for name in known))
            for part in listed
            if Place(known[0], part) in self.report.figures
        )
        head = tuple(self.tongue.meaning(name).title for name in known)
        return LayoutTable(key, title, first, head, rows, known, chart=chart)

    def head(self, name: str, part: str) -> str:
        """The header of a column: the name of the part, otherwise the short title of the figure."""
        if part:
            return _capital(self.tongue.part(name, part))
        what = name.rpartition(".")[2] if name.partition(".")[0] in ALL_STANDARDS else name
        return self.tongue.meaning(what).title

    def _cells(self, columns: Iterable[Column], cut: Cut) -> tuple[Figure, ...]:
        return tuple(self.report.figures[Place(name, part, cut)] for name, part in columns)

    # Of one standard.

    def of_standard(self, name: str) -> list[LayoutTable | None]:
        """The verdicts of a standard in every cut, then their reasons and causes."""
        tables = [self.verdicts(name)]
        for what in ("exempt", "not_met", "unknown", "cause"):
            parts = sorted({x.part for x in self.report.figures if x.name == f"{name}.{what}" and x.part})
            if parts and (what != "cause" or name not in ("feedback_offered", "one_transfer_at_most")):
                title = self.tongue.meaning(f"{name}.{what}").title
                ordered = [x for x in CAUSES if x in parts] if what == "cause" else parts
                tables.append(self.by_cut(f"{name}-{what}", title, [(f"{name}.{what}", x) for x in ordered]))
        return tables

    def verdicts(self, name: str) -> LayoutTable | None:
        columns = [(f"{name}.verdict", x) for x in (*VERDICTS, NOT_JUDGED)] + [(f"{name}.rate", "")]
        if name == "answer_by_third_ring":
            columns.append((f"{name}.strict_rate", ""))
        return self.by_cut(
            f"{name}-verdicts", self.tongue.meaning(f"{name}.verdict").title, columns, chart="verdicts"
        )

    # Sections.

    def _completeness(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        columns = [("calls_offered", ""), *(("heard", x) for x in COUNTS["heard"]), ("completeness", "")]
        exchanges = sorted(x.part for x in self.report.figures if x.name == "unheard_hours")
        beside = [(f"unheard_{what}", x) for x in exchanges for what in ("hours", "open_hours", "known_hours")]
        beside += [("calls_in_progress", "")]
        beside += [(f"reconciliation_{x}", "") for x in ("days", "exchange_only", "callmon_only")]
        return [
            self.by_cut("heard", say("Appels entendus"), columns),
            self.listed("listening", say("Écoute et rapprochement"), beside),
        ]

    def listed(self, key: str, title: str, columns: Iterable[Column]) -> LayoutTable | None:
        """A table of the whole with one row for each figure, and the completeness beside it."""
        known = [(name, part) for name, part in columns if Place(name, part) in self.report.figures]
        if not known:
            return None
        complete = self.report.at("completeness")
        rows = tuple(
            LayoutRow(self._named(name, part), (self.report.at(name, part), complete)) for name, part in known
        )
        head = (self.tongue.say("Ensemble"), self.tongue.meaning("completeness").title)
        return LayoutTable(key, title, self.tongue.say("Chiffre"), head, rows, _names(known))

    def _named(self, name: str, part: str) -> str:
        title, told = self.tongue.meaning(name).title, self.tongue.part(name, part)
        if name.startswith("unheard_"):
            return self.tongue.say("{figure}, autocommutateur « {name} »", figure=title, name=told)
        return self.tongue.of(title, told) if told else title

    def _calls(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        short = [("calls_offered", ""), *(("hours", x) for x in COUNTS["hours"]), ("answer_rate", "")]
        outcomes = [("calls_offered", ""), *(("outcomes", x) for x in OUTCOMES), ("check", "outcomes")]
        in_hours = [("hours", "open"), *(("outcomes_in_hours", x) for x in OUTCOMES)]
        gone = [("abandoned_in", x) for x in COUNTS["abandoned_in"]] + [
            ("short_abandons", ""),
            ("abandonment_rate", ""),
        ]
        check = say(
            "Ligne de contrôle : les appels, comptés à part par la base de données, moins la somme de leurs "
            "issues."
        )
        is_told = Place("check", "outcomes") in self.report.figures  # a public edition has no check lines
        return [
            self.by_cut("calls", say("Appels reçus"), short, chart="offered"),
            self.by_cut("outcomes", say("Issue des appels reçus"), outcomes, *([check] if is_told else [])),
            self._in_hours(in_hours),
            self.by_cut("abandoned", say("Appels abandonnés"), gone),
            self._checks(),
        ]  # fmt: skip

    def _in_hours(self, columns: list[Column]) -> LayoutTable | None:
        """None in a public edition: it has only the total, which an earlier table shows."""
        if not any(Place(*x) in self.report.figures for x in columns[1:]):
            return None
        title = self.tongue.say("Issue des appels reçus pendant les heures normales de bureau")
        return self.by_cut("outcomes_in_hours", title, columns)

    def _checks(self) -> LayoutTable | None:
        """The check lines of the whole: each kind of cut must add up to it."""
        return self.listed("checks", self.tongue.say("Lignes de contrôle"), [("check", x) for x in PARTS["check"]])

    def _rings(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        rings = [("rings_to_answer", x) for x in COUNTS["rings_to_answer"]]
        beside = [("answered_14_to_18_s", ""), ("judged_by_seconds", "")]
        return [
            self.by_cut("rings", say("Réponses en personne selon la sonnerie"), [*rings, *beside], chart="rings"),
            self.lengths("waits", say("Délai de réponse"), ("rings", "time_to_answer", "time_from_arrival")),
            self.by_cut("signs", say("Signes à examiner"), [("signs", x) for x in SIGNS]),
            self.lengths("holds", say("Durée des mises en attente dans les 10 s"), ("early_hold",)),
        ]

    def lengths(self, key: str, title: str, names: tuple[str, ...]) -> LayoutTable | None:
        """A table of median, 95th percentile and longest for the whole and each cut."""
        columns = [(name, part) for name in names for part in ENDS]
        table = self.by_cut(key, title, columns)
        if table is None or len(names) == 1:
            return table
        known = [x for x in columns if Place(*x) in self.report.figures]
        head = tuple(f"{self.tongue.meaning(name).title}, {self.tongue.part(name, part)}" for name, part in known)
        return msgspec.structs.replace(table, head=(*head, table.head[-1]))

    def _voicemail(self) -> list[LayoutTable | None]:
        columns = [("voicemail_share", ""), *(("voicemail_when", x) for x in COUNTS["voicemail_when"])]
        columns += [("voicemail_messages", x) for x in COUNTS["voicemail_messages"]]
        return [self.by_cut("voicemail", self.tongue.say("Messagerie vocale"), columns)]

    def _redirections(self) -> list[LayoutTable | None]:
        strict = [*(("redirections", x) for x in COUNTS["redirections"]), ("redirections.rate", "")]
        meaning = self.tongue.meaning
        return [
            self.by_cut("transfers", meaning("transfers").title, [("transfers", x) for x in COUNTS["transfers"]]),
            *self.of_standard("one_transfer_at_most"),
            self.by_cut("redirections", meaning("redirections").title, strict),
        ]

    def _callbacks(self) -> list[LayoutTable | None]:
        say, tables = self.tongue.say, []
        opened = [("callbacks_opened", ""), *(("callback_openings", x) for x in COUNTS["callback_openings"])]
        tables.append(self.by_cut("callbacks", say("Rappels à faire"), [*opened, ("callback_messages", "")]))
        for name in ("callbacks_24_hours", "callbacks_business_day"):
            columns = [(name, x) for x in FATES] + [
                (f"{name}.rate", ""),
                (f"{name}.attempted_rate", ""),
                ("check", name),
            ]
            if name == "callbacks_24_hours":
                columns.append(("callbacks_no_open_hour", ""))
            tables.append(self.by_cut(name, self.tongue.meaning(name).title, columns, say(
                "Un rappel compte aussi quand il aboutit à la boîte vocale de la personne : l'autocommutateur "
                "ne le distingue pas."
            )))  # fmt: skip
        tables.append(self.lengths("callback_delay", say("Délai du rappel"), ("callback_delay",)))
        return [*tables, *self.of_standard("callback_within_24_hours")]

    def _complaints(self) -> list[LayoutTable | None]:
        made: list[LayoutTable | None] = [
            self.by_cut("complaints", self.tongue.say("Plaintes par téléphone"), [("complaints_opened", "")])
        ]
        for name in ("complaint_within_2_business_days", "complaint_answered_within_15_business_days"):
            made += self.of_standard(name)
        return [*made, *self.of_standard("feedback_offered")]

    def _french(self) -> list[LayoutTable | None]:
        first = [*(("french_at_first_answer", x) for x in COUNTS["french_at_first_answer"])]
        first.append(("french_at_first_answer.rate", ""))
        return [
            *self.of_standard("bilingual_person"),
            self.by_cut("french_at_first_answer", self.tongue.meaning("french_at_first_answer").title, first),
            *self.of_standard("callback_in_french"),
            self.parity("french_english", ("fr", "en")),
        ]

    def parity(self, kind: str, sides: tuple[str, str]) -> LayoutTable:
        """A table with the rates of each standard on both sides, and their difference."""
        whats = (f"parity_{sides[0]}", f"parity_{sides[1]}", f"parity_{kind}")
        rows = tuple(
            LayoutRow(self.standard(name), tuple(self.report.at(f"{name}.{what}") for what in whats))
            for name in ALL_STANDARDS
            if Place(f"{name}.{whats[0]}") in self.report.figures
        )
        head = tuple(self.tongue.meaning(what).title for what in whats)
        title = self.tongue.meaning(whats[2]).title
        return LayoutTable(kind, title, self.tongue.say("Norme de service"), head, rows, whats)

    def _tty(self) -> list[LayoutTable | None]:
        relay = [*(("relay_outcomes", x) for x in OUTCOMES), ("relay_ended_early", "")]
        return [
            self.parity("tty_voice", ("tty", "voice")),
            self.by_cut("relay", self.tongue.meaning("relay_outcomes").title, relay),
            self.by_cut("tests", self.tongue.meaning("test_calls").title, [("test_calls", "")]),
        ]

    def _disruptions(self) -> list[LayoutTable | None]:
        names = [("disruptions", ""), ("disruptions_hours", "")]
        return [self.by_cut("disruptions", self.tongue.meaning("disruptions").title, names)]

    def _when(self) -> list[LayoutTable | None]:
        say = self.tongue.say
        whats = ("offered", "answered", "met", "not_met")
        days, clock = (tuple(f"{by}.{what}" for what in whats) for by in ("weekday", "half_hour"))
        return [
            self.by_part("weekdays", say("Jours de la semaine"), say("Jour"), days, "1234567", chart="bars"),
            self.by_part("half_hours", say("Demi-heures"), say("À partir de"), clock, HALF_HOURS, chart="bars"),
        ]

    def changes(self) -> LayoutTable:
        """A table of the figures that differ from the previous revision."""
        rows = tuple(
            LayoutRow(self._changed(one.place), tuple(_or_none(x, one.place) for x in (one.before, one.after)))
            for one in self.report.changes
        )
        say = self.tongue.say
        head = (say("Révision précédente"), say("Cette révision"))
        return LayoutTable("changes", say("Chiffres changés"), say("Chiffre"), head, rows)

    def _changed(self, place: Place) -> str:
        return f"{self._named(place.name, place.part)}; {self.tongue.cut(place.cut, self.report)}"

    def comparison(self) -> LayoutTable:
        """A table of this month beside the others, with the verdicts that the database has today."""
        names = [*SUMMARY, "completeness"]
        tables = [self.report.figures, *(one.figures for one in self.report.compared)]
        rows = tuple(
            LayoutRow(self.tongue.meaning(name).title, tuple(figures[Place(name)] for figures in tables))
            for name in names
            if all(Place(name) in figures for figures in tables)
        )
        first = self.tongue.month(self.report.month.first)
        head = (first, *(self.tongue.relation(one) for one in self.report.compared))
        title = self.tongue.say("Comparaisons")
        label = self.tongue.say("Chiffre")
        return LayoutTable("comparisons", title, label, head, rows, tuple(names), (self.tongue.say(
            "Les verdicts des autres mois sont ceux de la base de données : donnés selon la définition alors "
            "en vigueur, sauf s'ils ont été rejugés depuis."
        ),))  # fmt: skip


SUMMARY = (
    "calls_offered",
    "answer_rate",
    "answer_by_third_ring.rate",
    "reach_a_person.rate",
    "callbacks_24_hours.rate",
    "bilingual_person.rate",
)


def _or_none(one: Figure | None, place: Place) -> Figure:
    """The figure; a figure that does not exist is "not_applicable"."""
    return one or Figure(place, "count", "not_applicable")


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name, _ in columns))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
