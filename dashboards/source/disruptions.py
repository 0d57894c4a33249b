"""When the public could not be served, whether it was told, and when callmon could not listen."""

from __future__ import annotations

from dataclasses import replace

from callmon.core.disruptions.disruption import SOURCES
from callmon.text.labels import label
from dashboards.source.grown import LINE, STEP, grown, of_lines, total
from dashboards.source.model import (
    MINUTES,
    MOMENT,
    NORMAL,
    OTHER,
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
from dashboards.source.parts import Part, stacked
from dashboards.source.render import TIME, twin

NONE = Text("Aucune dans la période", "None in the period")
NOW = Panel(
    "stat",
    Text("Perturbations en cours", "Disruptions going on"),
    Text(
        "Lignes qui ne peuvent recevoir d'appels en ce moment, et travaux planifiés commencés.",
        "Lines that cannot take calls at this moment, and planned work that has begun.",
    ),
    (over_time('sum(max by (line, source) (callmon_disruptions_open{line=~"$line"}))', same(""), "1m"),),
    (
        Column(
            "A",
            Text("▲ en cours", "▲ going on"),
            ranges=((1, None, Told(Text("", ""), SOON)),),
            link=Text("${pages}/fr/perturbations", "${pages}/en/disruptions"),
        ),
    ),
    w=6,
    h=4,
)
UNTOLD = Panel(
    "stat",
    Text("Avis à donner au public depuis", "Notice to the public due since"),
    Text(
        "Début de la plus ancienne perturbation dont l'avis n'est pas complet dans les deux langues : raison, "
        "fin prévue, services de rechange.",
        "Start of the oldest disruption whose notice is not complete in both languages: reason, expected end, "
        "alternative.",
    ),
    (now('min(callmon_disruption_unannounced_since_timestamp_seconds{line=~"$line"}) * 1000'),),
    (Column("A", Text("depuis", "since"), MOMENT),),
    w=9,
    h=4,
    size=24,
    empty=Text("Aucun avis à donner", "No notice due"),
)
HEARD = Panel(
    "stat",
    Text("Mesure, par autocommutateur", "Measuring, by exchange"),
    Text(
        "callmon entend-il l'autocommutateur? Mesure interrompue : ce qui s'y passe est inconnu, non perdu; le "
        "journal le complète souvent.",
        "Does callmon hear the exchange? While unheard, what happens there is not known, not lost: the log "
        "often fills it.",
    ),
    (now("max by (exchange) (callmon_exchange_connected)", same("{{exchange}}")),),
    (
        Column(
            "A",
            Text("Mesure", "Measuring"),
            values=(
                ("1", Told(Text("✓ Mesure en cours", "✓ Measuring"))),
                ("0", Told(Text("■ Mesure interrompue", "■ Unheard"), SOON)),
            ),
        ),
    ),
    w=9,
    h=4,
    size=24,
    empty=Text("■ callmon ne répond pas", "■ callmon does not answer"),
)
# One number a line.
STATES = (
    ("0", Told(Text("○ fermé", "○ closed"), QUIET)),
    ("1", Told(Text("✓ ouvert", "✓ open"), NORMAL)),
    ("2", Told(Text("? mesure interrompue", "? unheard"), OTHER)),
    ("3", Told(Text("▲ perturbation", "▲ disruption"), SOON)),
)
OPEN = f"max by (line) (callmon_line_open{{{LINE}}})"


def _disrupted(by: str) -> str:
    return f'3 * (max by (line) (callmon_disruptions_open{{source{by}"exchange", {LINE}}} > bool 0) > 0)'


# While an exchange is unheard, callmon supposes a disruption: what the public hears then is not known.
STATE = (
    f"({_disrupted('!=')} or (2 + 0 * {OPEN} and on () (min(callmon_exchange_connected) == 0)) "
    f"or {_disrupted('=')} or {OPEN})"
)
TIMELINE = Panel(
    "state-timeline",
    Text("L'état de chaque ligne", "The state of each line"),
    Text(
        "Ouverte, fermée, en perturbation, ou inconnue parce que callmon n'entendait pas l'autocommutateur. "
        "Chaque "
        "perturbation et sa raison sont sur les pages de callmon.",
        "Open, closed, disrupted, or not known because callmon did not hear the exchange. Each disruption and its "
        "reason are on callmon's pages.",
    ),
    (over_time(of_lines(STATE), same("{{name_§lang}}")),),
    (Column("A", Text("État", "State"), values=STATES),),
    w=24,
    h=10,
    points=400,
)
STATE_TABLE = twin(
    TIMELINE,
    (TIME, Column("name_§lang", Text("Ligne", "Line"), width=300), *TIMELINE.columns),
    queries=(replace(TIMELINE.queries[0], every="1h"),),
)
COLOURS = dict(zip(SOURCES, (OVER, OTHER, SOON, PALE, NORMAL), strict=True))
BY_SOURCE = stacked(
    Text("Perturbations en cours, par cause", "Disruptions going on, by cause"),
    Text(
        "Lignes touchées à chaque moment, par cause; les travaux planifiés y sont.",
        "Lines affected at each moment, by cause; planned work is included.",
    ),
    tuple(
        Part(
            f'sum(max by (line) (callmon_disruptions_open{{source="{source}", {LINE}}}))',
            Text(label("disruption", source, "fr"), label("disruption", source, "en")),
            colour,
        )
        for source, colour in COLOURS.items()
    ),
    "5m",
    empty=NONE,
)
LASTED = stacked(
    Text("Temps de perturbation terminée, par ligne", "Time of ended disruptions, by line"),
    Text(
        "Durée des perturbations terminées, à leur fin; les travaux planifiés y sont.",
        "Length of ended disruptions, at their end; planned work is included.",
    ),
    (),
    "1h",
    unit=MINUTES,
    empty=NONE,
)
LASTED = replace(
    LASTED,
    queries=(
        over_time(
            of_lines(f"({total(grown('callmon_disrupted_seconds_total', LINE, STEP), 'line')} / 60)"),
            same("{{name_§lang}}"),
            "1h",
        ),
    ),
    columns=(Column("A", Text("Durée", "Length"), MINUTES, decimals=1),),
)
LASTED_TABLE = twin(LASTED, (TIME, Column("name_§lang", Text("Ligne", "Line"), width=300), *LASTED.columns))
GAPS = stacked(
    Text("Temps de mesure interrompue", "Unheard time"),
    Text(
        "Temps pendant lequel callmon n'a pu entendre un autocommutateur. Ce que le journal a complété depuis "
        "n'est "
        "plus indéterminé.",
        "Time in which callmon could not hear an exchange. What the log has filled since is no longer unknown.",
    ),
    (
        Part(
            f"{total(grown('callmon_exchange_unheard_seconds_total', '', STEP))} / 60",
            Text("mesure interrompue", "unheard"),
            OTHER,
        ),
    ),
    "1h",
    unit=MINUTES,
    empty=NONE,
)
PHONE_STATES = (
    ("free", Text("✓ libres", "✓ free"), NORMAL),
    ("in_use", Text("occupés", "in use"), PALE),
    ("unreachable", Text("■ injoignables", "■ unreachable"), OVER),
)
PHONES_OVER_TIME = stacked(
    Text("Postes, dans le temps", "Phones, over time"),
    Text(
        "Postes des lignes choisies; un poste de deux lignes est compté pour chacune.",
        "Phones of the chosen lines; a phone of two lines is counted for each.",
    ),
    tuple(
        Part(f'sum(max by (line, state) (callmon_phones{{state="{state}", {LINE}}}))', said, colour)
        for state, said, colour in PHONE_STATES
    ),
    "5m",
    empty=Text("n. d.", "not available"),
)
PHONES = Panel(
    "table",
    Text("Postes, par ligne", "Phones, by line"),
    Text(
        "Postes libres, occupés et injoignables. Une ligne ouverte sans poste joignable : l'appelant n'entend "
        "rien.",
        "Phones free, in use and unreachable. An open line with no phone that can be reached: the caller "
        "hears silence.",
    ),
    (
        now('max by (line, name_§lang) (line:callmon_line_names:now{line=~"$line"})'),
        now('max by (line) (callmon_phones{state="free"})'),
        now('max by (line) (callmon_phones{state="in_use"})'),
        now('max by (line) (callmon_phones{state="unreachable"})'),
    ),
    (
        Column("name_§lang", Text("Ligne", "Line"), width=300),
        Column("B", Text("Libres", "Free"), empty=Text("n. d.", "not available")),
        Column("C", Text("Occupés", "In use"), empty=Text("n. d.", "not available")),
        Column(
            "D",
            Text("■ injoignables", "■ unreachable"),
            ranges=((1, None, Told(Text("", ""), OVER)),),
            empty=Text("n. d.", "not available"),
        ),
    ),
    w=12,
)
BOXES = Panel(
    "table",
    Text("Boîtes vocales", "Mailboxes"),
    Text(
        "Nouveaux messages, ce que la boîte peut contenir, et ceux que personne n'a écoutés depuis plus de "
        "quatre heures d'ouverture.",
        "New messages, what the box can hold, and those that nobody has listened to for more than four "
        "opening hours.",
    ),
    (
        now("max by (exchange, mailbox) (callmon_mailbox_messages)"),
        now("max by (exchange, mailbox) (callmon_mailbox_capacity)"),
        now("max by (exchange, mailbox) (callmon_mailbox_messages_unheard)"),
    ),
    (
        Column("exchange", Text("Autocommutateur", "Exchange")),
        Column("mailbox", Text("Boîte", "Mailbox")),
        Column("A", Text("Nouveaux", "New")),
        Column("B", Text("Capacité", "Capacity"), empty=Text("n. d.", "not available")),
        Column("C", Text("Non écoutés", "Not listened to")),
    ),
    w=12,
)


BOARD = Board(
    "disruptions",
    Text("callmon · Perturbations et lacunes", "callmon · Disruptions and gaps"),
    Text(
        "Quand le public n'a pu être servi et s'il en a été informé; quand callmon n'a pu écouter. Les deux "
        "sont marqués sur l'axe du temps de tous les tableaux.",
        "When the public could not be served and whether it was told; when callmon could not listen. Both are "
        "marked on the time axis of every board.",
    ),
    (
        tuple(replace(panel, h=5) for panel in (NOW, UNTOLD, HEARD)),
        (TIMELINE,),
        (BY_SOURCE, GAPS),
        (LASTED, PHONES_OVER_TIME),
        (PHONES, BOXES),
    ),
    tables=(
        STATE_TABLE,
        LASTED_TABLE,
        twin(GAPS),
    ),
    since="now-7d",
)
