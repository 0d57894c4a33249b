"""The lower half of the board of standards: causes, rings, transfers, voicemail, and when people call."""

from __future__ import annotations

from tests.boards import standards as top
from tests.boards.model import (
    COUNT,
    MOMENT,
    NO_CALL,
    PERCENT,
    TOO_FEW,
    Board,
    Column,
    Panel,
    Text,
    series,
    sql,
)
from tests.boards.render import twin

CALLS = Column("calls", Text("Appels", "Calls"), width=100)


def _share_of(title: Text, description: Text, first: Text, query: str, h: int = 8) -> tuple[Panel, Panel]:
    """Bars, a row each, and the same as a table."""
    columns = (Column("part", first), CALLS)
    bars = Panel("bargauge", title, description, (sql(query),), columns, 12, h, NO_CALL, by_row=True)
    return bars, twin(bars)


CAUSES = _share_of(
    Text("Cause des non-respects", "Cause of misses"),
    Text(
        "Pourquoi la réponse est venue trop tard ou pas du tout. Aucune cause ne désigne une personne.",
        "Why the answer came too late or not at all. No cause points at a person.",
    ),
    Text("Cause", "Cause"),
    "SELECT §word(cause, cause) AS part, sum(calls)::float8 AS calls FROM verdicts_per_day WHERE §where "
    "AND standard = 'answer_by_third_ring' AND verdict = 'not_met' GROUP BY cause ORDER BY 2 DESC, 1",
    h=10,
)
RINGS = _share_of(
    Text("Réponses en personne, par sonnerie", "Answers by a person, by ring"),
    Text(
        "À quelle sonnerie une personne a répondu; les sonneries sont comptées à l'autocommutateur, "
        "l'appelant peut en avoir entendu une de moins.",
        "On which ring a person answered; rings are counted at the exchange, the caller may have heard one fewer.",
    ),
    Text("Sonnerie", "Ring"),
    "SELECT CASE WHEN rings >= 6 THEN '6+' ELSE rings::text END AS part, sum(calls)::float8 AS calls "
    "FROM rings_per_day WHERE §where GROUP BY 1 ORDER BY 1",
    h=9,
)
RING_COLUMNS = (
    *(Column(f"ring_{n}", Text(f"{n}{'re' if n == 1 else 'e'}", f"ring {n}"), width=110) for n in range(1, 6)),
    Column("ring_6", Text("6e ou plus", "6 or more"), width=110),
)
BY_HOUR = ", ".join(
    f"coalesce(sum(calls) FILTER (WHERE rings {'=' if n < 6 else '>='} {n}), 0)::float8 AS ring_{n}"
    for n in range(1, 7)
)
RINGS_BY_HOUR = Panel(
    "heatmap",
    Text("Sonnerie de la réponse, selon l'heure d'arrivée", "Ring of the answer, by hour of arrival"),
    Text(
        "Nombre de réponses en personne par heure d'arrivée et par sonnerie, écrit dans chaque case. Les "
        "jours sont ceux choisis en haut à droite.",
        "Number of answers by a person, by hour of arrival and by ring, written in each cell. The days are "
        "those chosen at the top right.",
    ),
    (
        series(
            f"SELECT boards.clock(day, 2 * hour) AS time, {BY_HOUR} FROM rings_per_day "
            f"WHERE {top.CHOSEN} AND $__timeFilter(boards.clock(day, 2 * hour)) "
            "GROUP BY day, hour ORDER BY 1"
        ),
    ),
    RING_COLUMNS,
    12,
    9,
    NO_CALL,
)
TRANSFERS = _share_of(
    Text("Réacheminements par appel pris", "Redirections of an answered call"),
    Text(
        "Transferts d'un appel pris vers une personne, un service ou une messagerie; sondage, parcage, "
        "interception et renvoi automatique exclus.",
        "Transfers of an answered call to a person, a service or voicemail; survey, parking, pick-up and "
        "forwarding excluded.",
    ),
    Text("Réacheminements", "Redirections"),
    "SELECT CASE WHEN number >= 3 THEN '3+' ELSE number::text END AS part, sum(calls)::float8 AS calls "
    "FROM verdicts_per_day WHERE §where AND standard = 'one_transfer_at_most' AND verdict IN ('met', 'not_met') "
    "AND number IS NOT NULL GROUP BY 1 ORDER BY 1",
)
VOICEMAIL = _share_of(
    Text("Messagerie vocale : trop tôt, à temps, trop tard", "Voicemail: too early, on time, too late"),
    Text(
        "Trop tôt : avant la fin de la quatrième sonnerie, ou sans aucune sonnerie. Trop tard : après la "
        "cinquième (règle de callmon, non de la politique).",
        "Too early: before the fourth ring was over, or without any ring. Too late: after the fifth "
        "(callmon's rule, not the policy's).",
    ),
    Text("Messagerie vocale", "Voicemail"),
    "SELECT §word(reason, reason) AS part, sum(calls)::float8 AS calls FROM verdicts_per_day WHERE §where AND "
    "standard = 'voicemail_after_fourth_ring' AND verdict IN ('met', 'not_met') GROUP BY reason ORDER BY 2 "
    "DESC, 1",
)
OUTCOMES = _share_of(
    Text("Appels reçus, par issue", "Calls offered, by outcome"),
    Text(
        "Ce que sont devenus les appels de la période; leur somme est celle des appels reçus.",
        "What became of the period's calls; together they are the calls offered.",
    ),
    Text("Issue", "Outcome"),
    "SELECT §word(outcome, outcome) AS part, sum(calls)::float8 AS calls FROM calls_per_day WHERE §where "
    "GROUP BY outcome ORDER BY 2 DESC, 1",
    h=15,
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
            "AND day > boards.today() - $days GROUP BY half_hour / 2 ORDER BY 1"
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
            "(${language:sqlstring}) AND day > boards.today() - $days GROUP BY half_hour ORDER BY 1"
        ),
    ),
    (
        Column("hour", Text("Dès", "From"), width=80),
        Column("offered", Text("Reçus", "Offered")),
        Column("answered", Text("Pris", "Answered")),
        Column("by_third_ring", Text("Avant la 4e sonnerie", "Before the 4th ring")),
        Column("nobody_free", Text("Personne de libre", "Nobody free")),
        Column("at_once", Text("À la fois", "At once")),
    ),
    12,
    9,
    NO_CALL,
)
COMPLETENESS = Panel(
    "table",
    Text("Exhaustivité : ce qui a été entendu", "Completeness: what was heard"),
    Text(
        "Appels de la période entendus du début à la fin, complétés du journal de l'autocommutateur, ou "
        "connus en partie. Tout chiffre de ce tableau se lit à côté de ceux-ci.",
        "Calls of the period heard from beginning to end, completed from the exchange's own log, or known in "
        "part. Every figure of this board is read beside these.",
    ),
    (
        sql(
            "SELECT coalesce(max(names.name), v.line) AS name, sum(calls)::float8 AS offered, "
            "coalesce(sum(calls) FILTER (WHERE heard = 'full'), 0)::float8 AS heard, "
            "coalesce(sum(calls) FILTER (WHERE heard = 'filled'), 0)::float8 AS filled, "
            "coalesce(sum(calls) FILTER (WHERE heard = 'partly'), 0)::float8 AS partly, "
            "100 * boards.share(coalesce(sum(calls) FILTER (WHERE heard IN ('full', 'filled')), 0), sum(calls)) "
            "AS complete_percent FROM calls_per_day v LEFT JOIN §names AS names ON names.line = v.line "
            "WHERE v.§where GROUP BY v.line ORDER BY 1"
        ),
    ),
    (
        Column("name", Text("Ligne", "Line"), width=300),
        Column("offered", Text("Appels reçus", "Calls offered"), COUNT),
        Column("heard", Text("Entendus en entier", "Heard throughout")),
        Column("filled", Text("Complétés", "Filled")),
        Column("partly", Text("Connus en partie", "Known in part")),
        Column("complete_percent", Text("Exhaustivité", "Completeness"), PERCENT, empty=TOO_FEW, decimals=1),
    ),
    24,
    7,
    NO_CALL,
)

BOARD = Board(
    "standards",
    Text("callmon · Normes de service", "callmon · Service standards"),
    Text(
        "Chaque promesse de la politique, par ligne, mode et langue, avec le nombre d'appels derrière chaque "
        "taux et la cause de ce qui n'a pas été respecté.",
        "Each promise of the policy, by line, mode and language, with the number of calls behind each rate "
        "and the cause of what was not met.",
    ),
    (
        (top.PROMISES,),
        (top.TARGETS,),
        (top.BY_LINE,),
        (top.BY_MODE, top.BY_LANGUAGE),
        (top.EVERY_DAY, top.EVERY_DAY_TABLE),
        CAUSES,
        RINGS,
        (RINGS_BY_HOUR, twin(RINGS_BY_HOUR, (Column("time", Text("Heure", "Hour"), MOMENT), *RING_COLUMNS))),
        TRANSFERS,
        VOICEMAIL,
        OUTCOMES,
        (WEEK, HALF_HOURS),
        (COMPLETENESS,),
    ),
    variables=("line", "language", "hours", "days"),
    since="now-30d",
)
