"""When the public could not be served, whether it was told, and when callmon could not listen."""

from __future__ import annotations

from tests.boards.model import (
    LENGTH,
    MOMENT,
    OTHER,
    OVER,
    SOON,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    over_time,
    same,
    series,
    sql,
)
from tests.boards.render import twin
from tests.boards.standards import LINE_KEY, to_calls

OF_THE_DAY = to_calls(
    "jour=${__data.fields.date}&ligne=${__data.fields.line}",
    "day=${__data.fields.date}&line=${__data.fields.line}",
)
NONE = Text("Aucune dans la période", "None in the period")
OF_LINES = "line IN (${line:sqlstring})"
NOW = Panel(
    "stat",
    Text("Perturbations en cours", "Disruptions going on"),
    Text(
        "Lignes qui ne peuvent recevoir d'appels en ce moment, et travaux planifiés commencés.",
        "Lines that cannot take calls at this moment, and planned work that has begun.",
    ),
    (now('sum(max by (line, source) (callmon_disruptions_open{line=~"$line"}))'),),
    (
        Column(
            "A",
            Text("▲ en cours", "▲ going on"),
            ranges=((1, None, Told(Text("", ""), SOON)),),
        ),
    ),
    w=6,
    h=4,
)
UNTOLD = Panel(
    "stat",
    Text("Avis à donner au public depuis", "Notice to the public owed since"),
    Text(
        "Début de la plus ancienne perturbation dont l'avis n'est pas complet dans les deux langues : raison, "
        "durée prévue, services de rechange.",
        "Start of the oldest disruption whose notice is not complete in both languages: reason, expected length, "
        "alternative.",
    ),
    (now('min(callmon_disruption_unannounced_since_timestamp_seconds{line=~"$line"}) * 1000'),),
    (Column("A", Text("depuis", "since"), MOMENT),),
    w=9,
    h=4,
    size=24,
    empty=Text("Aucun avis à donner", "No notice owed"),
)
HEARD = Panel(
    "stat",
    Text("Mesure, par autocommutateur", "Measuring, by exchange"),
    Text(
        "callmon entend-il l'autocommutateur ? Hors d'écoute, ce qui s'y passe est inconnu, non perdu : le "
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
                ("1", Told(Text("✓ À l'écoute", "✓ Heard"))),
                ("0", Told(Text("■ Hors d'écoute", "■ Unheard"), SOON)),
            ),
        ),
    ),
    w=9,
    h=4,
    size=24,
    empty=Text("■ callmon ne répond pas", "■ callmon does not answer"),
)
ALL = Panel(
    "table",
    Text("Perturbations, la plus récente en tête", "Disruptions, the latest first"),
    Text(
        "Chaque fois qu'une ligne n'a pu recevoir d'appels dans la période choisie en haut à droite : début, "
        "fin, cause, et le temps jusqu'à l'avis complet dans les deux langues.",
        "Each time that a line could not take calls in the period chosen at the top right: start, end, cause, "
        "and the time until the notice was complete in both languages.",
    ),
    (
        sql(
            "SELECT coalesce(names.name, d.line) AS name, §word(disruption, d.source) AS source, d.began AS "
            "began_at, d.ended AS ended_at, "
            "d.lasted_seconds AS lasted_seconds, coalesce(d.reason_§lang, '▲ §missing') AS reason, "
            "d.notice_seconds AS notice_seconds, d.line AS line, to_char(d.day, 'YYYY-MM-DD') AS date FROM "
            "disruptions d LEFT JOIN §names AS names ON names.line = d.line WHERE $__timeFilter(d.began) AND "
            f"d.{OF_LINES} ORDER BY d.began DESC, 1 LIMIT 200"
        ),
    ),
    (
        Column("name", Text("Ligne", "Line"), width=280, link=OF_THE_DAY),
        LINE_KEY,
        Column("date", Text("Jour", "Day"), is_hidden=True),
        Column("source", Text("Ce qui est arrivé", "What happened"), width=320),
        Column("began_at", Text("Début", "Start"), MOMENT),
        Column("ended_at", Text("Fin", "End"), MOMENT, empty=Text("▲ en cours", "▲ going on")),
        Column("lasted_seconds", Text("Durée", "Length"), LENGTH),
        Column("reason", Text("Raison donnée", "Reason given")),
        Column(
            "notice_seconds",
            Text("Avis complet après", "Notice complete after"),
            LENGTH,
            empty=Text("▲ pas encore", "▲ not yet"),
        ),
    ),
    w=24,
    h=9,
    empty=NONE,
)
BY_LINE = Panel(
    "bargauge",
    Text("Temps de perturbation, par ligne", "Disrupted time, by line"),
    Text(
        "Somme des perturbations commencées dans la période, en heures:minutes:secondes; les travaux "
        "planifiés y sont.",
        "Sum of the disruptions that began in the period, as hours:minutes:seconds; planned work is included.",
    ),
    (
        sql(
            "SELECT coalesce(max(names.name), d.line) AS name, sum(d.lasted_seconds) AS lasted_seconds "
            "FROM disruptions d LEFT JOIN §names AS names ON names.line = d.line "
            f"WHERE $__timeFilter(d.began) AND d.{OF_LINES} GROUP BY d.line ORDER BY 2 DESC, 1"
        ),
    ),
    (Column("name", Text("Ligne", "Line")), Column("lasted_seconds", Text("Durée", "Length"), LENGTH)),
    w=12,
    empty=NONE,
    by_row=True,
)
GAPS = Panel(
    "timeseries",
    Text("Temps hors d'écoute, par jour", "Unheard time, by day"),
    Text(
        "Temps pendant lequel callmon n'a pu entendre un autocommutateur, par jour où la lacune a commencé.",
        "Time in which callmon could not hear an exchange, by the day on which the gap began.",
    ),
    (
        series(
            "SELECT boards.midnight(day) AS time, sum(unheard_seconds) AS unheard_seconds FROM unheard "
            "WHERE $__timeFilter(boards.midnight(day)) GROUP BY day ORDER BY 1"
        ),
    ),
    (Column("unheard_seconds", Text("hors d'écoute", "unheard"), LENGTH, colour=OTHER),),
    w=12,
    empty=NONE,
    is_stacked=True,
)
EACH_GAP = Panel(
    "table",
    Text("Lacunes de mesure", "Measurement gaps"),
    Text(
        "Chaque lacune de la période, par autocommutateur, avec sa durée; ce que le journal a complété depuis "
        "n'est plus indéterminé.",
        "Each gap of the period, by exchange, with its length; what the log has filled since is no longer "
        "unknown.",
    ),
    (
        sql(
            "SELECT exchange AS exchange, began AS began_at, ended AS ended_at, unheard_seconds AS "
            "unheard_seconds FROM unheard WHERE $__timeFilter(began) ORDER BY began DESC LIMIT 200"
        ),
    ),
    (
        Column("exchange", Text("Autocommutateur", "Exchange")),
        Column("began_at", Text("Début", "Start"), MOMENT),
        Column("ended_at", Text("Fin", "End"), MOMENT),
        Column("unheard_seconds", Text("Durée", "Length"), LENGTH),
    ),
    w=12,
    empty=Text("Aucune lacune dans la période", "No gap in the period"),
)
LISTENING = Panel(
    "timeseries",
    Text("À l'écoute, dans le temps", "Heard, over time"),
    Text("1 : callmon entend l'autocommutateur; 0 : hors d'écoute.", "1: callmon hears the exchange; 0: unheard."),
    (over_time("max by (exchange) (callmon_exchange_connected)", same("{{exchange}}")),),
    (Column("A", Text("À l'écoute", "Heard")),),
    w=12,
)
LISTENED = (
    Column("Time", Text("Heure", "Time"), MOMENT),
    Column("exchange", Text("Autocommutateur", "Exchange")),
    Column(
        "A",
        Text("À l'écoute", "Heard"),
        values=(("1", Told(Text("✓ oui", "✓ yes"))), ("0", Told(Text("■ non", "■ no")))),
    ),
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
        (NOW, UNTOLD, HEARD),
        (ALL,),
        (BY_LINE, twin(BY_LINE)),
        (GAPS, twin(GAPS, (Column("time", Text("Jour", "Day"), MOMENT), *GAPS.columns))),
        (EACH_GAP, BOXES),
        (LISTENING, twin(LISTENING, LISTENED)),
        (PHONES,),
    ),
    since="now-7d",
)
