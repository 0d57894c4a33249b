"""The same service for TTY callers and in French: every standard on both sides, with both counts."""

from __future__ import annotations

from tests.boards.model import MOMENT as AT
from tests.boards.model import (
    NO_CALL,
    OVER,
    PERCENT,
    POINTS,
    Board,
    Column,
    Panel,
    Text,
    Told,
    now,
    sql,
    words,
)
from tests.boards.standards import JUDGED, KEY, MET, to_calls

TOO_FEW = Text("moins de 20 de part ou d'autre", "fewer than 20 on either side")


def _side(which: str, name: str) -> str:
    met, judged = (text.replace("FILTER (WHERE ", f"FILTER (WHERE {which} AND ") for text in (MET, JUDGED))
    return (
        f"{met}::float8 AS {name}_met, {judged}::float8 AS {name}_judged, "
        f"100 * boards.share({met}, {judged}) AS {name}_percent"
    )


def _difference(one: str, other: str) -> str:
    sides = []
    for which in (one, other):
        met, judged = (text.replace("FILTER (WHERE ", f"FILTER (WHERE {which} AND ") for text in (MET, JUDGED))
        sides.append(f"CASE WHEN {judged} >= 20 THEN 100.0 * {met} / {judged} END")
    return f"round(({sides[0]}) - ({sides[1]}), 1)::float8 AS difference_percent"


def _columns(one: str, first: Text, other: str, second: Text) -> tuple[Column, ...]:
    def of(side: str, name: Text) -> tuple[Column, ...]:
        return (
            Column(f"{side}_met", Text(f"{name.fr} : respectées", f"{name.en}: met")),
            Column(f"{side}_judged", Text(f"{name.fr} : jugés", f"{name.en}: judged")),
            Column(
                f"{side}_percent", Text(f"{name.fr} : taux", f"{name.en}: rate"), PERCENT, empty=FEW, decimals=1
            ),
        )

    difference = Column(
        "difference_percent", Text("Écart", "Difference"), POINTS, empty=TOO_FEW, width=230, decimals=1
    )
    link = to_calls("norme=${__data.fields.key}", "standard=${__data.fields.key}")
    standard = Column("standard", Text("Norme de service", "Service standard"), width=510, link=link)
    return standard, *of(one, first), *of(other, second), difference, KEY


FEW = Text("moins de 20", "fewer than 20")


def _parity(
    title: Text, description: Text, sides: tuple[str, str, str, str], columns: tuple[Column, ...]
) -> Panel:
    one, name, other, second = sides
    query = (
        "SELECT §word(standard, standard) AS standard, standard AS key, "
        f"{_side(one, name)}, {_side(other, second)}, {_difference(one, other)} "
        "FROM verdicts_per_day v LEFT JOIN §names AS names ON names.line = v.line "
        "WHERE v.§where GROUP BY standard ORDER BY 1"
    )
    return Panel("table", title, description, (sql(query),), columns, w=24, h=12, empty=NO_CALL)


TTY = _parity(
    Text("Parité ATS : téléimprimeur et voix", "TTY parity: teletypewriter and voice"),
    Text(
        "Chaque norme, lignes pour téléimprimeur (ATS) moins lignes vocales, avec les deux effectifs; aucun "
        "écart sous 20 de part ou d'autre.",
        "Each standard, TTY lines minus voice lines, with both counts; no difference below 20 on either side.",
    ),
    ("names.mode = 'tty'", "tty", "names.mode = 'voice'", "voice"),
    _columns("tty", Text("ATS", "TTY"), "voice", Text("voix", "voice")),
)
LANGUAGE = _parity(
    Text("Parité linguistique : français et anglais", "Language parity: French and English"),
    Text(
        "Chaque norme, demandes en français moins demandes en anglais, avec les deux effectifs; aucun écart "
        "sous 20 de part ou d'autre.",
        "Each standard, calls asked for in French minus in English, with both counts; no difference below 20 "
        "on either side.",
    ),
    ("v.language = 'fr'", "fr", "v.language = 'en'", "en"),
    _columns("fr", Text("français", "French"), "en", Text("anglais", "English")),
)
EVER = Panel(
    "table",
    Text("Écarts depuis la mise en service", "Differences since callmon was put into service"),
    Text(
        "Les deux écarts sur tous les verdicts, tels que donnés d'abord; une norme n'y paraît qu'à partir de "
        "20 de part et d'autre (réglage de callmon).",
        "Both differences over all verdicts, as first given; a standard appears from 20 on either side on "
        "(callmon's setting).",
    ),
    (
        now("max by (comparison, standard) (100 * callmon_parity_difference_ratio)"),
        now(
            'max by (comparison, standard) (callmon_parity_calls{side=~"tty|fr"}) '
            "* on (standard) group_left (title_§lang) max by (standard, title_§lang) (callmon_standard_info)"
        ),
        now('max by (comparison, standard) (callmon_parity_calls{side=~"voice|en"})'),
    ),
    (
        Column("comparison", Text("Parité", "Parity"), values=words("parity"), width=520),
        Column("title_§lang", Text("Norme de service", "Service standard"), width=510),
        Column("B", Text("Jugés : ATS, français", "Judged: TTY, French")),
        Column("C", Text("Jugés : voix, anglais", "Judged: voice, English")),
        Column("A", Text("Écart", "Difference"), POINTS, decimals=1, empty=TOO_FEW, width=230),
    ),
    w=24,
    h=7,
    empty=TOO_FEW,
)
FIRST = Panel(
    "table",
    Text("Demandes en français : qui a répondu d'abord", "Calls asked for in French: who answered first"),
    Text(
        "Appels pris et demandés en français : la première personne parlait-elle français ? Sinon l'appelant "
        "a été réacheminé pour être servi.",
        "Answered calls asked for in French: did the first person speak it? If not, the caller was redirected "
        "to be served.",
    ),
    (
        sql(
            "SELECT §word(reason, reason) AS reason, sum(calls)::float8 AS calls FROM verdicts_per_day WHERE "
            "§where AND standard = 'bilingual_person' AND verdict IN ('met', 'not_met', 'unknown') GROUP BY "
            "reason ORDER BY 2 DESC, 1"
        ),
    ),
    (Column("reason", Text("Constat", "What was found")), Column("calls", Text("Appels", "Calls"), width=100)),
    w=12,
    h=9,
    empty=Text("Aucun appel demandé en français", "No call asked for in French"),
)
RELAY = Panel(
    "table",
    Text("Par service de relais", "Through a relay service"),
    Text(
        "Appels venant de numéros de relais connus, par issue; un relais est souvent pris pour du télémarketing.",
        "Calls from known relay numbers, by outcome; a relay is often taken for telemarketing.",
    ),
    (
        sql(
            "SELECT §word(outcome, outcome) AS outcome, count(*)::float8 AS calls FROM offered WHERE is_relay "
            "AND §where GROUP BY outcome ORDER BY 2 DESC, 1"
        ),
    ),
    (Column("outcome", Text("Issue", "Outcome")), Column("calls", Text("Appels", "Calls"), width=100)),
    w=12,
    h=9,
    empty=Text("Aucun appel par relais", "No call through a relay"),
)
LATE = ((None, 0, Told(Text("■ à faire maintenant", "■ to be made now"), OVER)),)
TESTS = Panel(
    "table",
    Text("Dernier appel et appel d'essai de chaque ligne", "Last call and test call of each line"),
    Text(
        "Une ligne que peu de gens appellent, l'ATS surtout, peut ne plus fonctionner sans que personne le sache.",
        "A line that few people call, TTY above all, may be dead and nobody would know.",
    ),
    (
        now('max by (line, mode, name_§lang) (line:callmon_line_names:now{line=~"$line"})'),
        now("1000 * max by (line) (callmon_line_last_call_timestamp_seconds)"),
        now("1000 * max by (line) (callmon_line_last_test_call_timestamp_seconds)"),
        now("1000 * max by (line) (callmon_line_test_call_due_timestamp_seconds)"),
    ),
    (
        Column("name_§lang", Text("Ligne", "Line"), width=320),
        Column("mode", Text("Mode", "Mode"), values=words("mode")),
        Column("B", Text("Dernier appel", "Last call"), AT, empty=Text("jamais", "never")),
        Column("C", Text("Dernier essai", "Last test"), AT, empty=Text("jamais", "never")),
        Column(
            "D",
            Text("Prochain essai avant", "Next test before"),
            AT,
            ranges=LATE,
            empty=Text("sans plan", "no plan"),
        ),
    ),
    w=24,
    h=8,
)

BOARD = Board(
    "parity",
    Text("callmon · Parité", "callmon · Parity"),
    Text(
        "Les mêmes promesses pour les personnes qui se servent d'un téléimprimeur (ATS) et pour celles qui "
        "demandent le français : chaque norme des deux côtés, avec les deux effectifs.",
        "The same promises for TTY callers and for those who ask for French: each standard on both sides, "
        "with both counts.",
    ),
    ((TTY,), (LANGUAGE,), (FIRST, RELAY), (EVER,), (TESTS,)),
    variables=("line", "language", "hours", "days"),
    since="now-30d",
)
