"""Who must be called back, until when; how long that took. Nobody's number, nobody's name."""

from __future__ import annotations

from dataclasses import replace

from dashboards.source.grown import LINE, LINE_AND_LANGUAGE, STEP, grown, of_lines, total
from dashboards.source.judged import each, of
from dashboards.source.model import (
    HOURS,
    MOMENT,
    NORMAL,
    OVER,
    PALE,
    QUIET,
    SOON,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    over_time,
    same,
)
from dashboards.source.obligations import NEXT, OVERDUE, SOON_DUE, TO_DO
from dashboards.source.parts import Part, stacked
from dashboards.source.render import twin
from dashboards.source.standards import rates

NONE = Text("Aucun rappel dans la période", "No callback in the period")
STANDARDS = (
    *("callback_within_24_hours", "callback_in_french"),
    *("complaint_within_2_business_days", "complaint_answered_within_15_business_days"),
)
DAY = 24


def _now(kind: str) -> str:
    return f"sum by (line) (max by (line, language) (callmon_{kind}{{{LINE_AND_LANGUAGE}}}))"


LATE, TO_BE_MADE_SOON = _now("callbacks_overdue"), _now("callbacks_due_soon")
# One number a line: the most pressing of its entries.
STATES = (
    ("0", Told(Text("✓ aucun", "✓ none"), QUIET)),
    ("1", Told(Text("○ à faire", "○ to make"), NORMAL)),
    ("2", Told(Text("▲ bientôt", "▲ soon"), SOON)),
    ("3", Told(Text("■ en retard", "■ overdue"), OVER)),
)
OPEN = Panel(
    "state-timeline",
    Text("Rappels à faire, dans le temps", "Callbacks to make, over time"),
    Text(
        "Le plus pressant de chaque ligne à chaque moment : en retard, à faire bientôt, à faire. Les fiches "
        "elles-mêmes sont sur les pages de callmon : un clic sur « à faire » y mène.",
        "The most pressing of each line at each moment: overdue, due soon, to make. The entries themselves are on "
        'callmon\'s pages: one click on "to make" leads there.',
    ),
    (
        over_time(
            of_lines(
                f"(({_now('callbacks_open')} > bool 0) + (({LATE} + {TO_BE_MADE_SOON}) > bool 0)"
                f" + ({LATE} > bool 0))"
            ),
            same("{{name_§lang}}"),
            "5m",
        ),
    ),
    (Column("A", Text("État", "State"), values=STATES),),
    w=12,
    h=9,
    empty=NONE,
    points=400,
)
AGE = Panel(
    "timeseries",
    Text("Âge du plus ancien rappel à faire", "Age of the oldest callback to make"),
    Text(
        "Temps depuis le message le plus ancien auquel personne n'a répondu. La ligne en tirets est à 24 heures.",
        "Time since the oldest message that was not answered. The dashed line is at 24 hours.",
    ),
    (
        over_time(
            f"(time() - min(callmon_callback_earliest_opened_timestamp_seconds{{{LINE}}})) / 3600",
            Text("le plus ancien", "the oldest"),
            "5m",
        ),
    ),
    (Column("A", Text("Âge", "Age"), HOURS, colour=NORMAL, decimals=1),),
    w=12,
    h=9,
    empty=NONE,
    mark=DAY,
    points=120,
)


def _delay(most: str, least: str = "") -> str:
    metric = "callmon_callback_delay_seconds_bucket"
    up_to = total(grown(metric, f'le="{most}", {LINE_AND_LANGUAGE}', STEP))
    return f"{up_to} - {_delay(least)}" if least else up_to


DELAYS = stacked(
    Text("Du message au rappel", "From the message to the callback"),
    Text(
        "Délai des rappels faits : en une heure, en quatre heures, en 24 heures, et après 24 heures.",
        "Delay of the callbacks made: within one hour, four hours, 24 hours, and after 24 hours.",
    ),
    (
        Part(_delay("3600.0"), Text("≤ 1 h", "≤ 1 h"), NORMAL),
        Part(_delay("14400.0", "3600.0"), Text("≤ 4 h", "≤ 4 h"), PALE),
        Part(_delay("86400.0", "14400.0"), Text("≤ 24 h", "≤ 24 h"), QUIET),
        Part(_delay("+Inf", "86400.0"), Text("■ après 24 h", "■ after 24 h"), OVER),
    ),
    "1h",
    empty=NONE,
)
VERDICTS = stacked(
    Text("Rappel dans les 24 heures : jugés", "Callback within 24 hours: judged"),
    Text(
        "Un rappel est jugé quand il est fait ou à son échéance. Une colonne compte le temps avant elle.",
        "A callback is judged when it is made or falls due. A column counts the time before it.",
    ),
    tuple(
        Part(total(of("callback_within_24_hours", key, STEP)), said, colour)
        for key, said, colour in (
            ("met", Text("✓ respectée", "✓ met"), NORMAL),
            ("not_met", Text("■ non respectée", "■ not met"), OVER),
            ("exempt", Text("○ non visée", "○ exempt"), QUIET),
            ("unknown", Text("? indéterminée", "? not known"), PALE),
        )
    ),
    "1h",
    empty=NONE,
)
RATES = rates(
    Text(
        "Taux des rappels et des plaintes, sept jours glissants", "Rates of callbacks and complaints, seven days"
    ),
    Text(
        "Respectées ÷ (respectées + non respectées) des sept jours avant chaque point, à partir de 20 jugés.",
        "Met ÷ (met + not met) of the seven days before each point, from 20 judged on.",
    ),
    STANDARDS,
    12,
)
PROMISES = each(
    Text("Les normes des rappels et des plaintes", "The standards of callbacks and complaints"),
    Text(
        "Un rappel est jugé quand il est fait ou à son échéance. Taux : respectées ÷ (respectées + non "
        "respectées), à partir de 20 jugés (— : moins de 20). Une norme mène à ses appels.",
        "A callback is judged when it is made or falls due. Rate: met ÷ (met + not met), from 20 judged on (—: "
        "fewer "
        "than 20). A standard leads to its calls.",
    ),
    STANDARDS,
    6,
)
BY_LINE = Panel(
    "table",
    Text("Rappels maintenant, par ligne", "Callbacks now, by line"),
    Text(
        "À faire, bientôt, en retard, dont personne ne se charge; messages sans numéro à rappeler, qu'une "
        "personne doit écouter; plaintes sans réponse.",
        "To make, due soon, overdue, of which nobody has in hand; messages without a number to call, which a "
        "person must listen to; complaints without an answer.",
    ),
    (
        now('max by (line, name_§lang) (line:callmon_line_names:now{line=~"$line"})'),
        now("sum by (line) (max by (line, language) (callmon_callbacks_open))"),
        now("sum by (line) (max by (line, language) (callmon_callbacks_due_soon))"),
        now("sum by (line) (max by (line, language) (callmon_callbacks_overdue))"),
        now("sum by (line) (max by (line, language) (callmon_callbacks_overdue_untaken))"),
        now("sum by (line) (max by (line, language) (callmon_callbacks_no_open_hour))"),
        now("max by (line) (callmon_callbacks_to_listen_to)"),
        now("sum by (line) (max by (line, language) (callmon_complaints_open))"),
        now("1000 * min by (line) (callmon_callback_earliest_actionable_timestamp_seconds)"),
    ),
    (
        Column(
            "name_§lang",
            Text("Ligne", "Line"),
            width=300,
            link=Text(
                "${pages}/fr/rappels?ligne=${__data.fields.line}",
                "${pages}/en/callbacks?line=${__data.fields.line}",
            ),
        ),
        Column("B", Text("À faire", "To make")),
        Column("C", Text("▲ bientôt", "▲ soon")),
        Column("D", Text("■ en retard", "■ overdue"), ranges=((1, None, Told(Text("", ""), OVER)),)),
        Column("E", Text("dont personne ne se charge", "that nobody has in hand"), width=230),
        Column("F", Text("sans heure d'ouverture", "with no open hour")),
        Column("G", Text("À écouter", "To listen to")),
        Column("H", Text("Plaintes", "Complaints")),
        Column("I", Text("Premier avant", "First before"), MOMENT, empty=Text("—", "—")),
        Column("line", Text("Clé", "Key"), is_hidden=True),
    ),
    w=24,
    h=8,
)

BOARD = Board(
    "callbacks",
    Text("callmon · Rappels", "callmon · Callbacks"),
    Text(
        "Les rappels à faire et leur échéance, ceux qui ont été faits, et leur délai. Les fiches sont sur les "
        "pages de "
        "callmon.",
        "Callbacks to make and until when, those made and how long they took. The entries are on callmon's pages.",
    ),
    (
        tuple(replace(panel, h=5) for panel in (NEXT, TO_DO, SOON_DUE, OVERDUE)),
        (OPEN, AGE),
        (replace(DELAYS, w=8), replace(VERDICTS, w=8), replace(RATES, w=8)),
        (BY_LINE,),
        (PROMISES,),
    ),
    tables=(
        twin(DELAYS),
        twin(VERDICTS),
        twin(RATES, w=24),
    ),
    since="now-7d",
)
