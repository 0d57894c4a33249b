"""What metrics cannot say, for those who run PostgreSQL: lists of entries, of disruptions and gaps, and "
"typical days."""

from __future__ import annotations

from dashboards.source.judged import to_calls
from dashboards.source.model import LENGTH, MOMENT, NO_CALL, Board, Column, Panel, Text, sql

KEY, LINE_KEY = (Column(key, Text("Clé", "Key"), is_hidden=True) for key in ("key", "line"))
NONE = Text("Aucune dans la période", "None in the period")
OF_LINES = "line IN (${line:sqlstring})"
OF_CALLBACKS = "kind = 'callback' AND line IN (${line:sqlstring}) AND language IN (${language:sqlstring})"
OF_THE_DAY = to_calls(
    "jour=${__data.fields.date}&ligne=${__data.fields.line}",
    "day=${__data.fields.date}&line=${__data.fields.line}",
)
OPEN = Panel(
    "table",
    Text("Fiches ouvertes, la plus pressante en tête", "Open entries, the most urgent first"),
    Text(
        "Une ligne par rappel à faire : ligne, langue, message, échéance, tentatives. Le numéro n'est jamais "
        "ici : un clic mène à la fiche.",
        "A row for each callback to make: line, language, message, due time, attempts. The number is never "
        "here: one click leads to the entry.",
    ),
    (
        sql(
            "SELECT coalesce(names.name, o.line) AS name, §word(language, o.language) AS spoken, "
            "§word(opening, o.opening) AS reason, o.opened AS opened_at, o.due AS due_at, o.actionable AS "
            "actionable_at, CASE WHEN o.is_overdue THEN '■ §[en retard|overdue]' WHEN o.is_soon THEN '▲ §[à "
            "faire bientôt|due soon]' ELSE "
            "'§[à faire|to make]' END AS state, o.attempts::float8 AS attempts, o.id AS key FROM obligations o "
            "LEFT JOIN "
            "§names AS names ON names.line = o.line WHERE o.state = 'open' AND NOT o.is_to_listen_to AND "
            "o.kind = 'callback' AND o.line IN (${line:sqlstring}) AND o.language IN (${language:sqlstring}) "
            "ORDER BY o.actionable NULLS LAST, o.due LIMIT 100"
        ),
    ),
    (
        Column("name", Text("Ligne", "Line"), width=280),
        Column("spoken", Text("Langue", "Language")),
        Column("reason", Text("Motif", "Reason")),
        Column("opened_at", Text("Reçu", "Received"), MOMENT),
        Column("due_at", Text("Échéance", "Due"), MOMENT),
        Column("actionable_at", Text("À faire avant", "Call before"), MOMENT, empty=Text("—", "—")),
        Column(
            "state",
            Text("État", "State"),
            link=Text("${pages}/fr/rappels", "${pages}/en/callbacks"),
        ),
        Column("attempts", Text("Tentatives", "Attempts")),
        KEY,
    ),
    w=24,
    h=8,
    empty=Text("Aucun rappel à faire", "No callback to make"),
)
SPREAD = Panel(
    "table",
    Text("Délai : médiane, 95e centile, maximum", "Delay: median, 95th percentile, longest"),
    Text(
        "Du message au rappel fait, en heures:minutes:secondes.",
        "From the message to the callback, as hours:minutes:seconds.",
    ),
    (
        sql(
            "SELECT count(*)::float8 AS made, percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_seconds) AS "
            "median_seconds, percentile_disc(0.95) WITHIN GROUP (ORDER BY delay_seconds) AS high_seconds, "
            f"max(delay_seconds) AS most_seconds FROM obligations WHERE {OF_CALLBACKS} AND delay_seconds IS "
            "NOT NULL AND $__timeFilter(boards.midnight(day))"
        ),
    ),
    (
        Column("made", Text("Rappels faits", "Called back")),
        Column("median_seconds", Text("Médiane", "Median"), LENGTH, empty=Text("s. o.", "n/a")),
        Column("high_seconds", Text("95e centile", "95th percentile"), LENGTH, empty=Text("s. o.", "n/a")),
        Column("most_seconds", Text("Maximum", "Longest"), LENGTH, empty=Text("s. o.", "n/a")),
    ),
    w=12,
    h=6,
)
NOT_RETURNABLE = Panel(
    "table",
    Text("Rappel impossible : messages à écouter", "Not returnable: messages to listen to"),
    Text(
        "Numéro confidentiel, relais ou invalide : exclu du calcul; une personne écoute le message et ferme la "
        "fiche.",
        "Number withheld, relay or invalid: outside the rate; a person listens to the message and closes the "
        "entry.",
    ),
    (
        sql(
            "SELECT §word(not_returnable, hidden) AS reason, count(*)::float8 AS messages, count(*) FILTER "
            f"(WHERE state = 'open')::float8 AS waiting FROM obligations WHERE {OF_CALLBACKS} AND hidden IS "
            "NOT NULL AND $__timeFilter(boards.midnight(day)) GROUP BY hidden ORDER BY 1"
        ),
    ),
    (
        Column("reason", Text("Motif", "Reason")),
        Column("messages", Text("Messages", "Messages")),
        Column("waiting", Text("Encore à écouter", "Still to listen to")),
    ),
    w=12,
    h=6,
    empty=Text("Aucun dans la période", "None in the period"),
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
            "d.lasted_seconds AS lasted_seconds, coalesce(d.reason_§lang, '▲ §[à donner|to be given]') AS reason, "
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
DAYS = (
    Text("lundi", "Monday"),
    Text("mardi", "Tuesday"),
    Text("mercredi", "Wednesday"),
    Text("jeudi", "Thursday"),
    Text("vendredi", "Friday"),
    Text("samedi", "Saturday"),
    Text("dimanche", "Sunday"),
)
BY_DAY = ", ".join(
    f"coalesce(sum(offered) FILTER (WHERE extract(isodow FROM day) = {n}), 0)::float8 AS day_{n}"
    for n in range(1, 8)
)
WEEK = Panel(
    "table",
    Text("Semaine type : appels reçus, par heure et jour", "Typical week: calls offered, by hour and day"),
    Text(
        "Appels reçus pendant la période, par heure d'arrivée (heure de Toronto) et jour de la semaine.",
        "Calls offered in the period, by hour of arrival (Toronto time) and day of the week.",
    ),
    (
        sql(
            f"SELECT lpad((half_hour / 2)::text, 2, '0') || ':00' AS hour, {BY_DAY} FROM offered_per_half_hour "
            "WHERE line IN (${line:sqlstring}) AND language IN (${language:sqlstring}) "
            "AND $__timeFilter(boards.midnight(day)) GROUP BY half_hour / 2 ORDER BY 1"
        ),
    ),
    (
        Column("hour", Text("Heure", "Hour"), width=80),
        *(Column(f"day_{n}", day, width=115) for n, day in enumerate(DAYS, 1)),
    ),
    12,
    9,
    NO_CALL,
)
HALF_HOURS = Panel(
    "table",
    Text("Par demi-heure, pour l'horaire du personnel", "By half hour, for planning staff"),
    Text(
        "Par demi-heure d'arrivée : appels reçus, pris, pris au plus tard après la troisième sonnerie, "
        "arrivés sans poste libre, et le plus grand nombre d'appels à la fois sur une ligne. S'exporte par le "
        "menu du panneau (Inspecter, Données).",
        "By half hour of arrival: calls offered, answered, answered by the third ring, that found no phone "
        "free, and the most calls at once on a line. Can be exported from the panel's menu (Inspect, Data).",
    ),
    (
        sql(
            "SELECT lpad((half_hour / 2)::text, 2, '0') || CASE half_hour % 2 WHEN 0 THEN ':00' ELSE ':30' END "
            "AS hour, sum(offered)::float8 AS offered, sum(answered)::float8 AS answered, "
            "sum(by_third_ring)::float8 AS by_third_ring, sum(nobody_free)::float8 AS nobody_free, "
            "max(at_once)::float8 AS at_once FROM half_hours WHERE line IN (${line:sqlstring}) AND language IN "
            "(${language:sqlstring}) AND $__timeFilter(boards.midnight(day)) GROUP BY half_hour ORDER BY 1"
        ),
    ),
    (
        Column("hour", Text("Dès", "From"), width=80),
        Column("offered", Text("Reçus", "Offered")),
        Column("answered", Text("Pris", "Answered")),
        Column("by_third_ring", Text("Avant la 4e sonnerie", "Before the 4th ring")),
        Column("nobody_free", Text("Aucun poste libre", "Nobody free")),
        Column("at_once", Text("À la fois", "At once")),
    ),
    12,
    9,
    NO_CALL,
)

BOARD = Board(
    "calls",
    Text("callmon · Appels et fiches (PostgreSQL)", "callmon · Calls and entries (PostgreSQL)"),
    Text(
        "Pour qui exploite callmon avec PostgreSQL : les fiches ouvertes, les perturbations et les lacunes une "
        "par une, "
        "et la semaine type. Les autres tableaux n'ont besoin que de Prometheus.",
        "For those who run callmon with PostgreSQL: open entries, disruptions and gaps one by one, and the "
        "typical "
        "week. The other boards need Prometheus alone.",
    ),
    ((OPEN,), (SPREAD, NOT_RETURNABLE), (ALL,), (EACH_GAP, WEEK), (HALF_HOURS,)),
    since="now-30d",
)
