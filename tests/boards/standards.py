"""Each promise: by line, mode and language, for a day, a week or a month."""

from __future__ import annotations

from tests.boards.model import (
    COUNT,
    NO_CALL,
    NORMAL,
    OTHER,
    OVER,
    PERCENT,
    QUIET,
    SIGNS,
    TOO_FEW,
    Column,
    Panel,
    Text,
    now,
    series,
    sql,
)
from tests.boards.render import twin

COUNTED = ", ".join(
    f"coalesce(sum(calls) FILTER (WHERE verdict = '{verdict}'), 0)::float8 AS {verdict}" for verdict in SIGNS
)
MET, JUDGED = (
    "coalesce(sum(calls) FILTER (WHERE verdict IN (" + which + ")), 0)" for which in ("'met'", "'met', 'not_met'")
)
COUNTS = f"{COUNTED}, {JUDGED}::float8 AS judged, 100 * boards.share({MET}, {JUDGED}) AS rate_percent"


def to_calls(fr: str, en: str) -> Text:
    return Text(f"${{pages}}/fr/appels?{fr}", f"${{pages}}/en/calls?{en}")


def _verdict(key: str, title: Text, colour: str | None, fr: str, en: str) -> Column:
    link = to_calls(f"{fr}&verdict={key}", f"{en}&verdict={key}") if fr else None
    return Column(key, title, COUNT, colour=colour, link=link, width=130)


def judged(fr: str = "", en: str = "") -> tuple[Column, ...]:
    """Met, not met, exempt, unknown, how many were judged, the share; each count leads to its calls."""
    return (
        _verdict("met", Text("✓ respectée", "✓ met"), None, fr, en),
        _verdict("not_met", Text("■ non respectée", "■ not met"), None, fr, en),
        _verdict("exempt", Text("○ non visée", "○ exempt"), None, fr, en),
        _verdict("unknown", Text("? indéterminée", "? not known"), None, fr, en),
        Column("judged", Text("Jugés", "Judged"), width=80),
        Column("rate_percent", Text("Taux", "Rate"), PERCENT, empty=TOO_FEW, decimals=1, width=110),
    )


BY_STANDARD = "norme=${__data.fields.key}", "standard=${__data.fields.key}"
KEY, LINE_KEY = (Column(key, Text("Clé", "Key"), is_hidden=True) for key in ("key", "line"))
PROMISES = Panel(
    "table",
    Text("Chaque norme", "Each standard"),
    Text(
        "Appels et rappels de la période, par norme. Taux : respectées ÷ (respectées + non respectées), à "
        "partir de 20; les chiffres se lisent toujours ensemble. Un nombre mène aux appels.",
        "Calls and callbacks of the period, by standard. Rate: met ÷ (met + not met), from 20 on; the figures "
        "are read together. A number leads to its calls.",
    ),
    (
        sql(
            f"SELECT §word(standard, standard) AS standard, standard AS key, {COUNTS} FROM verdicts_per_day "
            "WHERE §where GROUP BY standard ORDER BY 1"
        ),
    ),
    (Column("standard", Text("Norme de service", "Service standard"), width=510), *judged(*BY_STANDARD), KEY),
    w=24,
    h=12,
    empty=NO_CALL,
)
LINE = (
    "norme=answer_by_third_ring&ligne=${__data.fields.line}",
    "standard=answer_by_third_ring&line=${__data.fields.line}",
)
BY_LINE = Panel(
    "table",
    Text("Réponse au plus tard après la troisième sonnerie, par ligne", "Answer by the third ring, by line"),
    Text("La même chose, par ligne du public.", "The same, by public line."),
    (
        sql(
            f"SELECT coalesce(max(names.name), v.line) AS name, v.line AS line, {COUNTS} FROM verdicts_per_day v "
            "LEFT JOIN §names AS names ON names.line = v.line WHERE standard = 'answer_by_third_ring' AND "
            "v.§where GROUP BY v.line ORDER BY 1"
        ),
    ),
    (Column("name", Text("Ligne", "Line"), width=300), *judged(*LINE), LINE_KEY),
    w=24,
    h=8,
    empty=NO_CALL,
)


def _beside(title: Text, description: Text, first: Text, select: str, group: str, join: str = "") -> Panel:
    return Panel(
        "table",
        title,
        description,
        (
            sql(
                f"SELECT {select}, {COUNTS} FROM verdicts_per_day v {join} WHERE standard = "
                f"'answer_by_third_ring' AND v.§where GROUP BY {group} ORDER BY 1"
            ),
        ),
        (Column("side", first, width=220), *judged()),
        w=12,
        h=6,
        empty=NO_CALL,
    )


BY_MODE = _beside(
    Text("Par mode : voix et ATS", "By mode: voice and TTY"),
    Text(
        "La même norme, lignes vocales et lignes pour téléimprimeur (ATS).",
        "The same standard, voice and TTY lines.",
    ),
    Text("Mode", "Mode"),
    "§word(mode, names.mode) AS side",
    "names.mode",
    "JOIN §names AS names ON names.line = v.line",
)
BY_LANGUAGE = _beside(
    Text("Par langue demandée", "By language asked for"),
    Text(
        "La même norme, selon la langue que l'appelant a demandée; avant un choix elle est inconnue.",
        "The same standard, by the language that the caller asked for; before a choice it is unknown.",
    ),
    Text("Langue", "Language"),
    "§word(language, v.language) AS side",
    "v.language",
)
DAY = (
    "norme=answer_by_third_ring&jour=${__data.fields.date}",
    "standard=answer_by_third_ring&day=${__data.fields.date}",
)
SEEN = tuple(
    Column(one.key, one.title, colour=colour)
    for one, colour in zip(judged(), (NORMAL, OVER, OTHER, QUIET), strict=False)
)
CHOSEN = "line IN (${line:sqlstring}) AND language IN (${language:sqlstring}) AND hours IN (${hours:sqlstring})"
A_DAY = (
    f"FROM verdicts_per_day WHERE standard = 'answer_by_third_ring' AND {CHOSEN} "
    "AND $__timeFilter(boards.midnight(day)) GROUP BY day ORDER BY 1"
)
EVERY_DAY = Panel(
    "timeseries",
    Text("Réponse au plus tard après la troisième sonnerie, par jour", "Answer by the third ring, by day"),
    Text(
        "Une colonne par jour d'arrivée, à l'heure de Toronto : respectées, non respectées, non visées, "
        "indéterminées. Les jours sont ceux choisis en haut à droite.",
        "A column for each day of arrival, Toronto time: met, not met, exempt, not known. The days are those "
        "chosen at the top right.",
    ),
    (series(f"SELECT boards.midnight(day) AS time, {COUNTED} {A_DAY}"),),
    SEEN,
    w=12,
    h=9,
    empty=NO_CALL,
    is_stacked=True,
)
EVERY_DAY_TABLE = twin(
    EVERY_DAY,
    (Column("date", Text("Jour", "Day"), width=120), *judged(*DAY)),
    queries=(sql(f"SELECT to_char(day, 'YYYY-MM-DD') AS date, {COUNTS} {A_DAY}"),),
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
        now(
            'max by (standard, line) (100 * callmon_target_ratio{line=~"$line"}) '
            "* on (line) group_left (name_§lang) line:callmon_line_names:now "
            "* on (standard) group_left (title_§lang) max by (standard, title_§lang) (callmon_standard_info)"
        ),
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
