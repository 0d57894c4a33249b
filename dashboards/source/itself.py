"""How callmon itself is: whether it listens, keeps up, and lost nothing. For its administrator."""

from __future__ import annotations

from dashboards.source.grown import named
from dashboards.source.model import (
    BYTES,
    EACH_SECOND,
    MOMENT,
    SECONDS,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    over_time,
    same,
)
from dashboards.source.render import TIME, twin

EXCHANGE = Column("exchange", Text("Autocommutateur", "Exchange"))
SINK = Column(
    "sink",
    Text("Destination", "Sink"),
    values=(
        ("database", Told(Text("base de données", "database"))),
        ("mqtt", Told(Text("courtier MQTT", "MQTT broker"))),
    ),
)
BUILD = Panel(
    "table",
    Text("Version et rôle", "Version and role"),
    Text(
        "Un callmon par rangée. Le principal compte et écrit; l'autre est en réserve.",
        "A callmon a row. The one that leads counts and writes; the other stands by.",
    ),
    (
        now("max by (instance, version) (callmon_build_info)"),
        now("max by (instance) (callmon_leader)"),
        now("max by (instance) (process_resident_memory_bytes)"),
        now("1000 * max by (instance) (process_start_time_seconds)"),
        now("sum by (instance) (callmon_faults_total)"),
    ),
    (
        Column("instance", Text("Adresse", "Address")),
        Column("version", Text("Version", "Version")),
        Column(
            "B",
            Text("Rôle", "Role"),
            values=(
                ("1", Told(Text("✓ principal", "✓ leads"))),
                ("0", Told(Text("○ en réserve", "○ stands by"))),
            ),
        ),
        Column("C", Text("Mémoire", "Memory"), BYTES),
        Column("D", Text("Démarré", "Started"), MOMENT),
        Column("E", Text("Erreurs internes", "Mistakes of callmon's own")),
    ),
    w=24,
    h=5,
    empty=Text("■ callmon ne répond pas", "■ callmon does not answer"),
)
INGEST = Panel(
    "table",
    Text("Ce qui est entendu, par autocommutateur", "What is heard, by exchange"),
    Text(
        "Événements reçus depuis le démarrage, âge du dernier, temps de mesure interrompue en tout, messages "
        "inutilisables, appels disparus (au-dessus de zéro : voir le filtre d'événements).",
        "Events received since the start, age of the last, unheard time in all, messages that could not be "
        "used, calls that vanished (above zero: look at the event filter).",
    ),
    (
        now("max by (exchange) (callmon_exchange_events_total)"),
        now("exchange:callmon_exchange_last_event_age_seconds:now"),
        now("max by (exchange) (callmon_exchange_unheard_seconds_total)"),
        now("sum by (exchange) (callmon_messages_unusable_total)"),
        now("max by (exchange) (callmon_calls_vanished_total)"),
        now("max by (exchange) (callmon_exchange_calls_processed_total)"),
        now("max by (exchange) (callmon_exchange_calls_heard_total)"),
    ),
    (
        EXCHANGE,
        Column("A", Text("Événements", "Events")),
        Column("B", Text("Dernier il y a", "Last, ago"), SECONDS, decimals=0),
        Column("C", Text("Mesure interrompue", "Unheard"), SECONDS, decimals=0),
        Column("D", Text("Inutilisables", "Not usable")),
        Column("E", Text("Disparus", "Vanished")),
        Column("F", Text("Appels, selon lui", "Calls, it says"), empty=Text("n. d.", "not available")),
        Column("G", Text("Appels entendus", "Calls heard"), empty=Text("n. d.", "not available")),
    ),
    w=24,
    h=5,
)
RATE = Panel(
    "timeseries",
    Text("Événements reçus par seconde", "Events received a second"),
    Text(
        "Le débit de chaque autocommutateur. Nul pendant les heures d'ouverture : voir « Perturbations et "
        "lacunes ».",
        'What each exchange sends. None in opening hours: see "Disruptions and gaps".',
    ),
    (
        over_time(
            "max by (exchange) (rate(callmon_exchange_events_total[$__rate_interval]))", same("{{exchange}}")
        ),
    ),
    (Column("A", Text("Par seconde", "A second"), EACH_SECOND, decimals=1),),
)


SINKS_NAMED = {"database": ("base de données", "database"), "mqtt": ("courtier MQTT", "MQTT broker")}


def _named(series: str) -> str:
    return named(series, "sink", SINKS_NAMED)


NAMED = Column("sink", SINK.title)
BACKLOG = Panel(
    "timeseries",
    Text("En attente d'enregistrement", "Waiting to be written"),
    Text(
        "Résultats en attente d'enregistrement, messages qui attendent le courtier. Rien ne se perd "
        "tant que cela redescend.",
        "Outcomes that wait for the database, messages that wait for the broker. Nothing is lost as long as "
        "this comes down again.",
    ),
    (over_time(_named("max by (sink) (callmon_sink_backlog)"), same("{{sink}}")),),
    (Column("A", Text("En attente", "Waiting")),),
)
BEHIND = Panel(
    "timeseries",
    Text("Retard du plus ancien", "How late the oldest is"),
    Text("Depuis combien de secondes le plus ancien attend.", "For how many seconds the oldest has waited."),
    (over_time(_named("max by (sink) (callmon_sink_behind_seconds)"), same("{{sink}}")),),
    (Column("A", Text("Retard", "Late by"), SECONDS, decimals=1),),
)
SINKS = Panel(
    "table",
    Text("Destinations", "Sinks"),
    Text(
        "En attente, retard, refusé pour toujours : au-dessus de zéro, quelque chose n'a jamais pu être écrit.",
        "Waiting, late, refused for good: above zero, something could never be written.",
    ),
    (
        now("max by (sink) (callmon_sink_backlog)"),
        now("max by (sink) (callmon_sink_behind_seconds)"),
        now("sum by (sink) (callmon_sink_refused_total)"),
    ),
    (
        SINK,
        Column("A", Text("En attente", "Waiting")),
        Column("B", Text("Retard", "Late by"), SECONDS, decimals=1),
        Column("C", Text("Refusés", "Refused")),
    ),
    w=12,
    h=5,
)


def _or_none(counted: str) -> str:
    """A standard that is not judged has no verdicts: it has a row with 0."""
    return f"({counted} or 0 * max by (standard) (callmon_standard_enabled))"


CORRECTED = Panel(
    "table",
    Text("Verdicts corrigés depuis la mise en service", "Verdicts corrected since callmon was put into service"),
    Text(
        "Verdicts changés par le journal de l'autocommutateur ou par un nouveau jugement, à côté de tous les "
        "verdicts donnés.",
        "Verdicts changed from the exchange's log or by a rejudgement, beside all verdicts given.",
    ),
    (
        now(
            _or_none("sum by (standard) (max by (standard, line, language, verdict) (callmon_verdicts_total))")
            + " * on (standard) group_left (title_§lang) max by (standard, title_§lang) (callmon_standard_info)"
        ),
        now(_or_none("sum by (standard) (max by (standard, line, from, to) (callmon_verdicts_corrected_total))")),
        now("max by (standard) (callmon_standard_enabled)"),
    ),
    (
        Column("title_§lang", Text("Norme de service", "Service standard"), width=510),
        Column("A", Text("Verdicts", "Verdicts"), width=130),
        Column("B", Text("Corrigés", "Corrected"), width=130),
        Column(
            "C",
            Text("Jugée", "Judged"),
            values=(("1", Told(Text("✓ oui", "✓ yes"))), ("0", Told(Text("○ non", "○ no")))),
        ),
    ),
    w=12,
    h=12,
)
WORK = Panel(
    "timeseries",
    Text("Mémoire", "Memory"),
    Text("Mémoire du processus qui écoute.", "Memory of the process that listens."),
    (over_time("max by (instance) (process_resident_memory_bytes)", same("{{instance}}")),),
    (Column("A", Text("Mémoire", "Memory"), BYTES),),
)

BOARD = Board(
    "itself",
    Text("callmon · callmon lui-même", "callmon · callmon itself"),
    Text(
        "Pour qui exploite callmon : écoute-t-il, suit-il, n'a-t-il rien perdu?",
        "For whoever runs callmon: does it listen, keep up, has it lost nothing?",
    ),
    (
        (BACKLOG, BEHIND),
        (RATE, WORK),
        (INGEST,),
        (BUILD,),
        (CORRECTED, SINKS),
    ),
    tables=(
        twin(BACKLOG, (TIME, NAMED, *BACKLOG.columns)),
        twin(BEHIND, (TIME, NAMED, *BEHIND.columns)),
    ),
    since="now-3h",
)
