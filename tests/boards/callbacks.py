"""Who must be called back, until when; what became of those of the period. Nobody's number, nobody's name."""

from __future__ import annotations

from tests.boards.live import NEXT, OVERDUE, SOON_DUE, TO_DO
from tests.boards.model import (
    LENGTH,
    MOMENT,
    NORMAL,
    OTHER,
    OVER,
    QUIET,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    series,
    sql,
)
from tests.boards.render import twin
from tests.boards.standards import BY_STANDARD, COUNTS, KEY, judged

NONE = Text("Aucun rappel dans la période", "No callback in the period")
PROMISES = Panel(
    "table",
    Text("Les normes des rappels et des plaintes", "The standards of callbacks and complaints"),
    Text(
        "Un rappel est jugé quand il est fait ou à son échéance. Taux : respectées ÷ (respectées + non "
        "respectées), à partir de 20. Un nombre mène aux appels.",
        "A callback is judged when it is made or falls due. Rate: met ÷ (met + not met), from 20 on. A number "
        "leads to its calls.",
    ),
    (
        sql(
            f"SELECT §word(standard, standard) AS standard, standard AS key, {COUNTS} FROM verdicts_per_day "
            "WHERE §where AND (standard LIKE 'callback%' OR standard LIKE 'complaint%') GROUP BY standard "
            "ORDER BY 1"
        ),
    ),
    (Column("standard", Text("Norme de service", "Service standard"), width=510), *judged(*BY_STANDARD), KEY),
    w=24,
    h=6,
    empty=NONE,
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
        Column("name_§lang", Text("Ligne", "Line"), width=300),
        Column("B", Text("À faire", "To make")),
        Column("C", Text("▲ bientôt", "▲ soon")),
        Column("D", Text("■ en retard", "■ overdue"), ranges=((1, None, Told(Text("", ""), OVER)),)),
        Column("E", Text("dont personne ne se charge", "that nobody has in hand"), width=230),
        Column("F", Text("sans heure d'ouverture", "with no open hour")),
        Column("G", Text("À écouter", "To listen to")),
        Column("H", Text("Plaintes", "Complaints")),
        Column("I", Text("Premier avant", "First before"), MOMENT, empty=Text("—", "—")),
    ),
    w=24,
    h=8,
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
            "actionable_at, CASE WHEN o.is_overdue THEN '■ §overdue' WHEN o.is_soon THEN '▲ §soon' ELSE "
            "'§todo' END AS state, o.attempts::float8 AS attempts, o.id AS key FROM obligations o LEFT JOIN "
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
BECAME = "coalesce(count(*) FILTER (WHERE {}), 0)::float8 AS {}"
SEEN = (
    Column("made", Text("✓ rappel fait", "✓ called back"), colour=NORMAL),
    Column("reached_us", Text("○ nous a joints", "○ reached us"), colour=OTHER),
    Column("closed", Text("○ fermé", "○ closed"), colour=QUIET),
    Column("overdue", Text("■ en retard", "■ overdue"), colour=OVER),
    Column("waiting", Text("à faire", "to make"), colour="#F0E442"),
)
STATES = ", ".join(
    BECAME.format(which, name)
    for which, name in (
        ("state = 'paid'", "made"),
        ("state = 'reached_us'", "reached_us"),
        ("state = 'closed'", "closed"),
        ("state = 'open' AND is_overdue", "overdue"),
        ("state = 'open' AND NOT is_overdue", "waiting"),
    )
)
OF_CALLBACKS = "kind = 'callback' AND line IN (${line:sqlstring}) AND language IN (${language:sqlstring})"
BY_DAY = Panel(
    "timeseries",
    Text("Rappels par jour du message", "Callbacks by day of the message"),
    Text(
        "Ce que sont devenus, à ce moment, les rappels demandés chaque jour.",
        "What has become, by now, of the callbacks asked for on each day.",
    ),
    (
        series(
            f"SELECT boards.midnight(day) AS time, {STATES} FROM obligations WHERE {OF_CALLBACKS} "
            "AND $__timeFilter(boards.midnight(day)) GROUP BY day ORDER BY 1"
        ),
    ),
    SEEN,
    w=12,
    empty=NONE,
    is_stacked=True,
)
STEPS = ((1, "≤ 1 h"), (2, "≤ 2 h"), (4, "≤ 4 h"), (8, "≤ 8 h"), (24, "≤ 24 h"), (48, "≤ 48 h"))
CASES = " ".join(
    f"WHEN delay_seconds <= {hours * 3600} THEN '{n} · {text}'" for n, (hours, text) in enumerate(STEPS, 1)
)
DELAYS = Panel(
    "bargauge",
    Text("Du message au rappel", "From the message to the callback"),
    Text(
        "Délai des rappels faits, des messages de la période.",
        "Delay of the callbacks made, for the period's messages.",
    ),
    (
        sql(
            f"SELECT CASE {CASES} ELSE '7 · > 48 h' END AS part, count(*)::float8 AS calls FROM obligations "
            f"WHERE {OF_CALLBACKS} AND delay_seconds IS NOT NULL AND day > boards.today() - $days GROUP BY 1 "
            "ORDER BY 1"
        ),
    ),
    (Column("part", Text("Délai", "Delay")), Column("calls", Text("Rappels", "Callbacks"))),
    w=12,
    empty=NONE,
    by_row=True,
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
            "NOT NULL AND day > boards.today() - $days"
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
        "Numéro confidentiel, relais ou invalide : hors du taux; une personne écoute le message et ferme la "
        "fiche.",
        "Number withheld, relay or invalid: outside the rate; a person listens to the message and closes the "
        "entry.",
    ),
    (
        sql(
            "SELECT §word(not_returnable, hidden) AS reason, count(*)::float8 AS messages, count(*) FILTER "
            f"(WHERE state = 'open')::float8 AS waiting FROM obligations WHERE {OF_CALLBACKS} AND hidden IS "
            "NOT NULL AND day > boards.today() - $days GROUP BY hidden ORDER BY 1"
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

BOARD = Board(
    "callbacks",
    Text("callmon · Rappels", "callmon · Callbacks"),
    Text(
        "Les rappels à faire et leur échéance, ceux qui ont été faits, leur délai, et ceux qui sont impossibles.",
        "Callbacks to make and until when, those made and how long they took, and those that cannot be made.",
    ),
    (
        (NEXT, TO_DO, SOON_DUE, OVERDUE),
        (BY_LINE,),
        (OPEN,),
        (PROMISES,),
        (BY_DAY, twin(BY_DAY, (Column("time", Text("Jour", "Day"), MOMENT), *SEEN))),
        (DELAYS, twin(DELAYS)),
        (SPREAD, NOT_RETURNABLE),
    ),
    variables=("line", "language", "hours", "days"),
    since="now-30d",
)
