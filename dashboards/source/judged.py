"""Verdicts as tables: a row for each standard or line, with how many were met, not met, exempt and not known."""

from __future__ import annotations

from callmon.text.labels import KINDS
from dashboards.source.grown import LINE_AND_LANGUAGE, RANGE, grown, named, of_lines, of_standards, share, total
from dashboards.source.model import NORMAL, OTHER, PALE, PERCENT, QUIET, SOON, Column, Panel, Query, Text, now

VERDICTS = "callmon_verdicts_total"


SHORT = {
    "answer_by_third_ring": (Text("3e sonnerie", "3rd ring"), NORMAL),
    "voicemail_after_fourth_ring": (Text("messagerie après la 4e", "voicemail after the 4th"), SOON),
    "one_transfer_at_most": (Text("un réacheminement au plus", "one redirection at most"), PALE),
    "reach_a_person": (Text("joindre une personne", "reach a person"), OTHER),
    "callback_within_24_hours": (Text("rappel en 24 h", "callback in 24 h"), NORMAL),
    "bilingual_person": (Text("personne bilingue", "bilingual person"), "text"),
    "callback_in_french": (Text("rappel en français", "callback in French"), OTHER),
    "complaint_within_2_business_days": (Text("plainte, 2 jours", "complaint, 2 days"), PALE),
    "complaint_answered_within_15_business_days": (Text("plainte, 15 jours", "complaint, 15 days"), QUIET),
    "feedback_offered": (Text("rétroaction offerte", "feedback offered"), QUIET),
}


def of_short_names(series: str) -> str:
    """With a short name of each standard: a chart has no room for the policy's titles."""
    return named(series, "standard", {key: said for key, (said, _) in SHORT.items()}, to="told")


def numbered(counted: str, label: str, *by: str) -> str:
    """1, with the number as a label: the words beside a figure can have it."""
    return (
        f"count_values by ({', '.join(by)}) ('{label}', {counted})"
        if by
        else f"count_values('{label}', {counted})"
    )


def to_calls(fr: str, en: str) -> Text:
    return Text(f"${{pages}}/fr/appels?{fr}", f"${{pages}}/en/calls?{en}")


def of(standard: str, verdicts: str, window: str = RANGE) -> str:
    chosen = f'standard=~"{standard}", verdict=~"{verdicts}", {LINE_AND_LANGUAGE}'
    return grown(VERDICTS, chosen, window)


COUNTED = (
    Column("B", Text("✓ respectée", "✓ met"), width=110),
    Column("C", Text("■ non respectée", "■ not met"), width=130),
    Column("D", Text("○ non visée", "○ exempt"), width=110),
    Column("E", Text("? indéterminée", "? not known"), width=120),
    Column("F", Text("Jugés", "Judged"), width=80),
    Column("G", Text("Taux", "Rate"), PERCENT, empty=Text("—", "—"), decimals=1, width=100),
)
PLACE = "H"


def in_order(standards: tuple[str, ...]) -> Query:
    """The place of each standard in the policy."""
    one = 'max by (standard) (callmon_standard_info{{standard="{}"}})'
    return now(" or ".join(f"{n} * {one.format(name)}" for n, name in enumerate(standards, 1)))


def each(title: Text, description: Text, standards: tuple[str, ...], h: int) -> Panel:
    """A row a standard: how many were met, not met, exempt and not known. The rate is told from 20 judged on."""
    among = "|".join(standards)
    counts = [
        total(of(among, verdicts), "standard")
        for verdicts in ("met", "not_met", "exempt", "unknown", "met|not_met")
    ]
    link = to_calls("norme=${__data.fields.standard}", "standard=${__data.fields.standard}")
    return Panel(
        "table",
        title,
        description,
        (
            now(f'max by (standard, title_§lang) (callmon_standard_info{{standard=~"{among}"}})'),
            *(now(count) for count in counts),
            now(share(counts[0], counts[-1])),
            in_order(standards),
        ),
        (
            Column("title_§lang", Text("Norme de service", "Service standard"), width=530, link=link),
            *COUNTED,
            Column("standard", Text("Clé", "Key"), is_hidden=True),
        ),
        w=24,
        h=h,
        order=PLACE,
    )


PROMISES = each(
    Text("Chaque norme", "Each standard"),
    Text(
        "Appels et rappels de la période, par norme. Taux : respectées ÷ (respectées + non respectées), à "
        "partir de 20 jugés (— : moins de 20); les chiffres se lisent toujours ensemble. Une norme mène à ses "
        "appels.",
        "Calls and callbacks of the period, by standard. Rate: met ÷ (met + not met), from 20 judged on (—: "
        "fewer than "
        "20); the figures are read together. A standard leads to its calls.",
    ),
    tuple(KINDS["standard"]),
    12,
)
THIRD = "answer_by_third_ring"


def _third(verdicts: str) -> str:
    return total(of(THIRD, verdicts), "line")


BY_LINE = Panel(
    "table",
    Text("Réponse au plus tard après la troisième sonnerie, par ligne", "Answer by the third ring, by line"),
    Text(
        "La même chose, par ligne du public. — : moins de 20 jugés.",
        "The same, by public line. —: fewer than 20 judged.",
    ),
    (
        now('max by (line, name_§lang) (line:callmon_line_names:now{line=~"$line"})'),
        *(now(_third(verdicts)) for verdicts in ("met", "not_met", "exempt", "unknown", "met|not_met")),
        now(share(_third("met"), _third("met|not_met"))),
    ),
    (
        Column(
            "name_§lang",
            Text("Ligne", "Line"),
            width=320,
            link=to_calls(
                f"norme={THIRD}&ligne=${{__data.fields.line}}", f"standard={THIRD}&line=${{__data.fields.line}}"
            ),
        ),
        *COUNTED,
        Column("line", Text("Clé", "Key"), is_hidden=True),
    ),
    w=24,
    h=8,
)
TARGETS = Panel(
    "table",
    Text("Cibles internes", "Internal targets"),
    Text(
        "Le pourcentage que le ministère s'est donné, daté et signé dans la configuration, à côté du dernier jour "
        "d'ouverture terminé. La politique n'en énonce aucun; sans cible, rien n'est jugé bon ou mauvais.",
        "The percentage that the ministry gave itself, dated and signed in the configuration, beside the last "
        "opening day that is over. The policy states none; without a target nothing is called good or bad.",
    ),
    (
        now(of_standards(of_lines('max by (standard, line) (100 * callmon_target_ratio{line=~"$line"})'))),
        now(
            'max by (standard, line) (callmon_last_day_verdicts{line=~"$line", verdict="met"}) '
            "and on (standard, line) callmon_target_ratio"
        ),
        now(
            'sum by (standard, line) (max by (standard, line, verdict) (callmon_last_day_verdicts{line=~"$line", '
            'verdict=~"met|not_met"})) and on (standard, line) callmon_target_ratio'
        ),
    ),
    (
        Column("title_§lang", Text("Norme de service", "Service standard"), width=510),
        Column("name_§lang", Text("Ligne", "Line")),
        Column("A", Text("Cible", "Target"), PERCENT, decimals=1),
        Column("B", Text("Respectées, dernier jour", "Met, last day")),
        Column("C", Text("Jugés, dernier jour", "Judged, last day")),
    ),
    w=24,
    h=5,
    empty=Text(
        "Aucune cible interne n'est fixée : rien n'est jugé bon ou mauvais",
        "No internal target is set: nothing is called good or bad",
    ),
)
