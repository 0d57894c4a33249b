"""Each promise over time: its rate, what became of the calls, on which ring a person answered, why one was not "
"met."""

from __future__ import annotations

from dataclasses import replace

from dashboards.source.grown import LINE, LINE_AND_LANGUAGE, STEP, grown, in_the_week, of_lines, share, total
from dashboards.source.judged import BY_LINE, PROMISES, SHORT, TARGETS, VERDICTS, numbered, of, of_short_names
from dashboards.source.model import (
    NO_CALL,
    NORMAL,
    OTHER,
    OVER,
    PALE,
    PERCENT,
    SOON,
    TOO_FEW,
    Board,
    Column,
    Panel,
    Query,
    Text,
    now,
    over_time,
)
from dashboards.source.parts import LETTERS, Part, causes, outcomes, stacked
from dashboards.source.render import TIME, twin

HOUR = "1h"
OF_CALLS = (
    *("answer_by_third_ring", "voicemail_after_fourth_ring", "one_transfer_at_most", "reach_a_person"),
    *("bilingual_person", "feedback_offered"),
)


def rate_of(standard: str) -> str:
    met, judged = (total(of(standard, verdicts)) for verdicts in ("met", "met|not_met"))
    return share(met, judged)


def rate_of_the_week(standard: str) -> str:
    chosen = f'standard="{standard}", {LINE_AND_LANGUAGE}'
    met, judged = (
        total(in_the_week(VERDICTS, f'verdict=~"{verdicts}", {chosen}')) for verdicts in ("met", "met|not_met")
    )
    return share(met, judged)


def rates(
    title: Text, description: Text, standards: tuple[str, ...], w: int, *more: tuple[Query, Column]
) -> Panel:
    """Curves of the seven days before each point."""
    curves = [(over_time(rate_of_the_week(name), SHORT[name][0], "6h"), *SHORT[name]) for name in standards]
    columns = [
        Column(letter, said, PERCENT, colour=colour, decimals=1)
        for letter, (_, said, colour) in zip(LETTERS, curves, strict=False)
    ]
    queries = (*(query for query, *_ in curves), *(query for query, _ in more))
    shown = (*columns, *(column for _, column in more))
    return Panel("timeseries", title, description, queries, shown, w, 9, TOO_FEW, most=100)


TARGET = (
    over_time(
        of_lines(of_short_names('100 * max by (standard, line) (callmon_target_ratio{line=~"$line"})')),
        Text("-- cible : {{told}}, {{name_fr}}", "-- target: {{told}}, {{name_en}}"),
        "6h",
    ),
    Column("G", Text("-- cible", "-- target"), PERCENT, colour="text", decimals=1, is_dashed=True),
)


def _rate_with_its_number(standard: str) -> str:
    judged = numbered(total(of(standard, "met|not_met")), "n")
    return f"{rate_of(standard)} * on () group_left (n) {judged}"


def _named(said: Text) -> Text:
    return Text(f"{said.fr} · {{{{n}}}}", f"{said.en} · {{{{n}}}}")


def _now_rates(title: Text, standards: tuple[str, ...]) -> Panel:
    return Panel(
        "stat",
        title,
        Text(
            "Respectées ÷ (respectées + non respectées), sur la période choisie en haut à droite, à partir de 20 "
            "appels jugés. Après le nom : le nombre des appels jugés.",
            "Met ÷ (met + not met), over the period chosen at the top right, from 20 judged calls on. After the "
            "name: the number of judged calls.",
        ),
        tuple(now(_rate_with_its_number(name), _named(SHORT[name][0])) for name in standards),
        tuple(
            Column(letter, SHORT[name][0], PERCENT, decimals=1)
            for letter, name in zip(LETTERS, standards, strict=False)
        ),
        w=12,
        h=4,
        size=32,
        empty=TOO_FEW,
    )


# Two panels: on a telephone, six figures do not fit beside each other.
NOW_RATES = {
    OF_CALLS[:3]: _now_rates(
        Text("Taux de la période : répondre", "Rates of the period: answering"), OF_CALLS[:3]
    ),
    OF_CALLS[3:]: _now_rates(Text("Taux de la période : servir", "Rates of the period: serving"), OF_CALLS[3:]),
}
RATES = rates(
    Text("Taux de chaque norme, sept jours glissants", "Rate of each standard, seven days up to each point"),
    Text(
        "Respectées ÷ (respectées + non respectées) des sept jours avant chaque point, à partir de 20 appels "
        "jugés. "
        "En tirets : la cible interne d'une ligne, si elle est fixée; la politique n'en énonce aucune.",
        "Met ÷ (met + not met) of the seven days before each point, from 20 judged calls on. Dashed: the internal "
        "target of a line, where one is set; the policy states none.",
    ),
    OF_CALLS,
    12,
    TARGET,
)
OUTCOMES = stacked(
    Text("Appels reçus, par issue", "Calls offered, by outcome"),
    Text(
        "Ce que sont devenus les appels terminés; leur somme est celle des appels reçus. Une colonne compte le "
        "temps "
        "avant elle.",
        "What became of the ended calls; together they are the calls offered. A column counts the time before it.",
    ),
    outcomes(
        lambda which: total(grown("callmon_calls_total", f'{which}, {LINE_AND_LANGUAGE}, hours=~"$hours"', STEP))
    ),
    HOUR,
)
RINGS = Panel(
    "heatmap",
    Text("Sonneries avant la réponse d'une personne", "Rings before a person answered"),
    Text(
        "Plus une case est claire, plus il y a eu de réponses à cette sonnerie. Les sonneries sont comptées à "
        "l'autocommutateur, l'appelant peut en avoir entendu une de moins.",
        "The brighter a cell, the more answers on that ring. Rings are counted at the exchange, the caller may "
        "have "
        "heard one fewer.",
    ),
    (
        over_time(
            # "3", not "3.0": it is a ring.
            f"label_replace({total(grown('callmon_rings_before_answer_bucket', LINE_AND_LANGUAGE, STEP), 'le')}, "
            "'le', '$1', 'le', '(.+).0')",
            Text("{{le}}", "{{le}}"),
            HOUR,
        ),
    ),
    (Column("A", Text("Réponses", "Answers")),),
    w=12,
    h=9,
    empty=NO_CALL,
    points=120,
)
CAUSES = stacked(
    Text("Pourquoi la troisième sonnerie n'a pas été respectée", "Why the third ring was missed"),
    Text(
        "Cause des appels sans réponse au plus tard après la troisième sonnerie. Aucune cause ne désigne une "
        "personne.",
        "Cause of the calls not answered by the third ring. No cause points at a person.",
    ),
    causes(
        lambda which: total(
            grown("callmon_not_met_cause_total", f'standard="answer_by_third_ring", {which}, {LINE}', STEP)
        )
    ),
    HOUR,
)
FOURTH = "voicemail_after_fourth_ring"


def _voicemail_late(which: str) -> str:
    return total(grown("callmon_not_met_cause_total", f'standard="{FOURTH}", {which}, {LINE}', STEP))


VOICEMAIL = stacked(
    Text("Messagerie vocale : trop tôt, à temps, trop tard", "Voicemail: too early, on time, too late"),
    Text(
        "Trop tôt : avant la fin de la quatrième sonnerie, ou sans aucune sonnerie. Trop tard : après la "
        "cinquième (règle de callmon, non de la politique), ou une autre cause.",
        "Too early: before the fourth ring was over, or without any ring. Too late: after the fifth "
        "(callmon's rule, not the policy's), or another cause.",
    ),
    (
        Part(_voicemail_late('cause!="other"'), Text("■ trop tôt", "■ too early"), OVER),
        Part(
            total(grown(VERDICTS, f'standard="{FOURTH}", verdict="met", {LINE}', STEP)),
            Text("✓ à temps", "✓ on time"),
            NORMAL,
        ),
        Part(_voicemail_late('cause="other"'), Text("▲ trop tard", "▲ too late"), SOON),
    ),
    HOUR,
)


def _transfers(least: str, most: str) -> str:
    """How many were redirected at most `most` times, without those that were at most `least` times."""
    metric = "callmon_transfers_per_call_bucket"
    to, up_to = (total(grown(metric, f'le="{bound}", {LINE}', STEP)) for bound in (least or "0.0", most))
    return f"{up_to} - {to}" if least else up_to


TRANSFERS = stacked(
    Text("Réacheminements d'un appel pris", "Redirections of an answered call"),
    Text(
        "Transferts d'un appel pris vers une personne, un service ou une messagerie; sondage, parcage, "
        "interception et renvoi automatique exclus.",
        "Transfers of an answered call to a person, a service or voicemail; survey, parking, pick-up and "
        "forwarding excluded.",
    ),
    (
        Part(_transfers("", "0.0"), Text("✓ aucun", "✓ none"), NORMAL),
        Part(_transfers("0.0", "1.0"), Text("✓ un", "✓ one"), PALE),
        Part(_transfers("1.0", "2.0"), Text("■ deux", "■ two"), OVER),
        Part(_transfers("2.0", "+Inf"), Text("■ trois ou plus", "■ three or more"), OTHER),
    ),
    HOUR,
)
HEARD = stacked(
    Text("Exhaustivité : ce qui a été entendu", "Completeness: what was heard"),
    Text(
        "Appels entendus du début à la fin, complétés du journal de l'autocommutateur, ou connus en partie. Tout "
        "chiffre de ce tableau se lit à côté de ceux-ci.",
        "Calls heard from beginning to end, completed from the exchange's own log, or known in part. Every "
        "figure of "
        "this board is read beside these.",
    ),
    tuple(
        Part(total(grown("callmon_calls_completeness_total", f'heard="{key}", {LINE}', STEP)), said, colour)
        for key, said, colour in (
            ("full", Text("✓ entendus en entier", "✓ heard throughout"), NORMAL),
            ("filled", Text("○ complétés", "○ filled"), PALE),
            ("partly", Text("? connus en partie", "? known in part"), OVER),
        )
    ),
    HOUR,
)
RATES_TABLE = twin(RATES, (TIME, *RATES.columns[:-1]), queries=RATES.queries[:-1], w=24)

BOARD = Board(
    "standards",
    Text("callmon · Normes de service", "callmon · Service standards"),
    Text(
        "Chaque promesse de la politique dans le temps, ce que sont devenus les appels, à quelle sonnerie une "
        "personne "
        "a répondu, et la cause de ce qui n'a pas été respecté.",
        "Each promise of the policy over time, what became of the calls, on which ring a person answered, and the "
        "cause of what was not met.",
    ),
    (
        tuple(NOW_RATES.values()),
        (RATES, OUTCOMES),
        (RINGS, CAUSES),
        (replace(VOICEMAIL, w=8), replace(TRANSFERS, w=8), replace(HEARD, w=8)),
        (PROMISES,),
        (BY_LINE,),
        (TARGETS,),
    ),
    tables=(
        RATES_TABLE,
        twin(OUTCOMES),
        twin(CAUSES),
    ),
    since="now-7d",
)
