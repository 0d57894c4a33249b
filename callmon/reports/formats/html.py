"""The report as an HTML page in one language; the PDF is made from the same page. Pure.

The template only lays out. Every text is made here, so that a missing translation is found whatever is printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from callmon.config.standards import ALL_STANDARDS
from callmon.reports import notes
from callmon.reports.formats import charts
from callmon.reports.formatter import ReportFormatter
from callmon.reports.layout import SUMMARY, LayoutBuilder, LayoutRow, LayoutSection
from callmon.reports.model import Report
from callmon.reports.notes import DefinitionNote, ReportNotes
from callmon.reports.titles import SIGNS, STANDARDS

OF_STANDARDS = ("verdict", "rate", "strict_rate", "exempt", "not_met", "unknown", "cause")


class HtmlGroup(msgspec.Struct, frozen=True):
    """Definitions under a heading."""

    title: str
    told: tuple[DefinitionNote, ...]


class Texts(msgspec.Struct, frozen=True):
    """The texts around the figures."""

    title: str
    edition: str
    skip: str
    contents: str
    summary: str
    definitions: str
    settings: str
    targets: str
    no_target: str
    hours: str
    assumed: str
    closed: str
    no_closed: str
    revisions: str
    revision: str
    small: str
    small_rule: str
    accessible: str
    accessible_formats: str
    remarks: str
    no_remarks: str
    not_measured: str
    not_measured_list: str
    sign: str
    signed: str
    date: str
    prepared: tuple[str, ...]


def html(report: Report, around: ReportNotes, tongue: ReportFormatter) -> bytes:
    """The page as one file that contains style, charts and figures."""
    builder = LayoutBuilder(report, tongue)
    sections = builder.sections()
    page = _environment().get_template("report.html.j2").render(
        report=report,
        tongue=tongue,
        texts=texts(report, around, tongue),
        cover=cover(report, around, tongue),
        sentences=sentences(report, tongue),
        summary=builder.listed("summary", tongue.say("Sommaire"), [(x, "") for x in SUMMARY]),
        sections=sections,
        definitions=definitions(sections, tongue),
        hours=list(notes.hours(around, tongue)),
        closed=list(notes.closed_days(around, tongue)),
        settings=list(notes.settings(around, tongue)),
        targets=list(notes.targets(around, report.month, tongue)),
        remarks=remarks(around, sections, tongue),
        assumed=around.hours_are_assumed,
        drawing=lambda table: charts.drawing(table, tongue),
        label=lambda row: row_label(row, tongue),
    )  # fmt: skip
    return page.encode()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("callmon.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def row_label(row: LayoutRow, tongue: ReportFormatter) -> str:
    """The label preceded by its kind: « Ligne : ATS, Toronto »."""
    if not row.group or row.label.lower().startswith(row.group.lower()):  # « Langue inconnue »
        return row.label
    return tongue.typeset(f"{row.group} : {row.label}" if tongue.language == "fr" else f"{row.group}: {row.label}")


def cover(report: Report, around: ReportNotes, tongue: ReportFormatter) -> list[DefinitionNote]:
    """The cover: period, lines, state, completeness, revision, version and fingerprints."""
    say, month = tongue.say, report.month
    last = month.after.fromordinal(month.after.toordinal() - 1)
    lines = [tongue.cut(cut, report) for cut in report.cuts if cut.kind == "line"]
    return [
        DefinitionNote(
            say("Période"), say("du {first} au {last}", first=tongue.day(month.first), last=tongue.day(last))
        ),
        DefinitionNote(say("Lignes"), "; ".join(lines)),
        DefinitionNote(say("État"), state(report, tongue)),
        DefinitionNote(say("Exhaustivité"), tongue.figure(report.at("completeness"))),
        DefinitionNote(say("Révision"), revision(report, tongue)),
        DefinitionNote(say("Version de callmon"), around.version),
        DefinitionNote(say("Empreinte de la configuration"), report.config_fingerprint),
        DefinitionNote(say("Empreinte des données"), report.data_fingerprint),
    ]


def state(report: Report, tongue: ReportFormatter) -> str:
    """Provisional until no obligation opened in the month can change any more (R-20)."""
    if report.is_final:
        return tongue.say("définitif")
    if report.final_after is not None:
        return tongue.say("provisoire, jusqu'au {moment}", moment=tongue.moment(report.final_after))
    if report.month.to_date:
        return tongue.say("provisoire : une partie du mois seulement")
    return tongue.say("provisoire : le mois, ou un appel du mois, n'est pas terminé")


def revision(report: Report, tongue: ReportFormatter) -> str:
    """The revision number, and the fingerprint of the revision that it supersedes."""
    if report.revises is None:
        return tongue.say("première : elle n'en remplace aucune")
    return tongue.say(
        "{number}; remplace celle dont les données ont l'empreinte {before}; chiffres changés : {count}",
        number=report.revision, before=report.revises, count=tongue.count(len(report.changes)),
    )  # fmt: skip


def sentences(report: Report, tongue: ReportFormatter) -> list[str]:
    """Three sentences for readers who do not read tables."""

    def shown(name: str, part: str = "") -> str:
        return tongue.figure(report.at(name, part))

    third = "answer_by_third_ring"
    told = [
        tongue.say(
            "Appels reçus : {offered}, dont {open} pendant les heures normales de bureau; de ces derniers, pris "
            "par une personne : {rate}.",
            offered=shown("calls_offered"), open=shown("hours", "open"), rate=shown("answer_rate"),
        ),
        tongue.say(
            "Réponse au plus tard après la troisième sonnerie. Respectée : {met}; non respectée : {not_met}; non "
            "visée : {exempt}; indéterminée : {unknown}; taux : {rate}; lecture stricte : {strict}.",
            met=shown(f"{third}.verdict", "met"), not_met=shown(f"{third}.verdict", "not_met"),
            exempt=shown(f"{third}.verdict", "exempt"), unknown=shown(f"{third}.verdict", "unknown"),
            rate=shown(f"{third}.rate"), strict=shown(f"{third}.strict_rate"),
        ),
        tongue.say(
            "Exhaustivité (part des appels connus qui ont été entendus du début à la fin ou complétés) : "
            "{complete}.",
            complete=shown("completeness"),
        ),
    ]  # fmt: skip
    return [x.replace("..", ".") for x in told]  # « s. o. » ends a sentence as well


def definitions(sections: list[LayoutSection], tongue: ReportFormatter) -> list[HtmlGroup]:
    """A one-line definition of every figure that is printed.

    First how to read the report, then the figures that all standards share, then the others by section.
    """
    say = tongue.say
    made = [
        HtmlGroup(say("Comment lire ce rapport"), tuple(DefinitionNote(say(x), say(meant)) for x, meant in SIGNS)),
        HtmlGroup(say("Les chiffres de chaque norme"), tuple(_meaning(x, tongue) for x in OF_STANDARDS)),
    ]
    told: set[str] = set()
    for section in sections:
        names = dict.fromkeys(name for table in section.tables for name in table.names)
        meanings = [_defined(name, tongue) for name in names if name not in told]
        told.update(names)
        if known := _by_term(one for one in meanings if one is not None):
            made.append(HtmlGroup(section.title, known))
    return made


def _by_term(told: Iterable[DefinitionNote]) -> tuple[DefinitionNote, ...]:
    """Each term once, with all its meanings in the tables of the section."""
    texts: dict[str, list[str]] = {}
    for one in dict.fromkeys(told):
        texts.setdefault(one.term, []).append(one.text)
    return tuple(DefinitionNote(term, " ".join(known)) for term, known in texts.items())


def _defined(name: str, tongue: ReportFormatter) -> DefinitionNote | None:
    """The definition of a figure: for a standard its promise, once.

    None for a figure that all standards share: it is defined before the sections.
    """
    standard, _, what = name.partition(".")
    if standard not in ALL_STANDARDS:
        return _meaning(name, tongue)
    if what == "verdict":
        return DefinitionNote(tongue.word("standard", standard), tongue.say(STANDARDS[standard]))
    return None if what in OF_STANDARDS else _meaning(what, tongue)


def _meaning(name: str, tongue: ReportFormatter) -> DefinitionNote:
    return DefinitionNote(*tongue.meaning(name))


def remarks(around: ReportNotes, sections: list[LayoutSection], tongue: ReportFormatter) -> list[DefinitionNote]:
    titles = {section.key: section.title for section in sections}
    return [
        DefinitionNote(titles.get(key, tongue.say("Remarques du gestionnaire")), text[tongue.language])
        for key, text in around.remarks.items()
    ]


def texts(report: Report, around: ReportNotes, tongue: ReportFormatter) -> Texts:
    """The texts around the figures."""
    say = tongue.say
    return Texts(
        title=say("Statistiques téléphoniques, {month}", month=tongue.month(report.month.first)),
        edition=say("Édition publique") if report.is_public else say("Édition interne"),
        skip=say("Aller aux chiffres"),
        contents=say("Table des matières"),
        summary=say("Sommaire"),
        definitions=say("Définitions"),
        settings=say("Réglages"),
        targets=say("Cibles internes"),
        no_target=say("Aucune cible interne n'est fixée : la politique n'énonce aucun pourcentage."),
        hours=say("Heures normales de bureau"),
        assumed=say("Ces heures sont une hypothèse de callmon, tant que le ministère n'a pas écrit les siennes."),
        closed=say("Jours de fermeture du mois"),
        no_closed=say("Aucun."),
        revisions=say("Révisions"),
        revision=revision(report, tongue),
        small=say("Petits nombres"),
        small_rule=small_rule(report, tongue),
        accessible=say("Formats accessibles"),
        accessible_formats=accessible(around, tongue),
        remarks=say("Remarques du gestionnaire"),
        no_remarks=say("Aucune remarque."),
        not_measured=say("Ce que callmon ne mesure pas"),
        not_measured_list=say(
            "Se nommer, expliquer, diriger ailleurs, la courtoisie, s'informer des besoins d'adaptation, le "
            "libellé des "
            "messages d'accueil."
        ),
        sign=say("Signature"),
        signed=say(
            "J'ai examiné ces résultats; à ma connaissance, ils sont exacts sous réserve de l'exhaustivité "
            "indiquée à la "
            "section « Exhaustivité »."
        ),
        date=say("Date"),
        prepared=(say("Préparé par"), say("Vérifié par"), say("Approuvé par")),
    )


def accessible(around: ReportNotes, tongue: ReportFormatter) -> str:
    """The contact from whom another format can be requested (R-37)."""
    if around.contact is not None:
        return tongue.say("Formats accessibles sur demande : {contact}.", contact=around.contact)
    return tongue.say("Formats accessibles sur demande, auprès de la personne qui vous a remis ce rapport.")


def small_rule(report: Report, tongue: ReportFormatter) -> str:
    if report.is_public:
        return tongue.say(
            "Un nombre de 1 à 4 appels est protégé, ainsi que tout nombre ou taux dont il pourrait être "
            "déduit. Zéro est "
            "affiché."
        )
    return tongue.say("Cette édition interne montre tous les nombres; l'édition publique protège ceux de 1 à 4.")
