"""What is to come, and how many people were served: the outlook with its record, calls, phones, callers' needs.

All of it is Prometheus alone. The phones needed by half-hour, and the reasons, are on callmon's pages.
"""

from __future__ import annotations

from dashboards.source.grown import STEP, grown, share, total
from dashboards.source.model import (
    COUNT,
    NORMAL,
    PALE,
    PERCENT,
    QUIET,
    SAMPLE,
    SOON,
    Board,
    Column,
    Panel,
    Text,
    now,
    over_time,
)
from dashboards.source.render import twin

NOTHING = Text("Aucune estimation", "No estimate")
OFF = Text("Question désactivée, ou rien encore", "Question switched off, or nothing yet")
HALF_HOUR = "30m"
CHANCE = Panel(
    "stat",
    Text("Risque de retard dans une heure", "Chance of late answers in an hour"),
    Text(
        "Chance que moins de la moitié des appels de cette demi-heure soient pris à la troisième sonnerie. Une "
        "estimation.",
        "Chance that fewer than half of the calls of that half-hour are answered by the third ring. An estimate.",
    ),
    (now('100 * max(callmon_outlook_ratio{ahead_minutes="60"})'),),
    (
        Column(
            "A",
            Text("Risque", "Chance"),
            PERCENT,
            link=Text("${pages}/fr/prochaines-heures", "${pages}/en/outlook"),
            decimals=1,
        ),
    ),
    w=8,
    h=5,
    empty=NOTHING,
)


def _announced(result: str) -> str:
    return (
        f'sum(max by (ahead_minutes, result) (callmon_outlook_announced{{ahead_minutes="60", result="{result}"}}))'
    )


CAME_TRUE, DID_NOT = Text("✓ réalisées", "✓ came true"), Text("○ non réalisées", "○ did not")
RECORD = Panel(
    "stat",
    Text("Annonces de ce mois, une heure avant", "This month's announcements, an hour ahead"),
    Text(
        "Demi-heures annoncées à partir de 4 chances sur 10, selon qu'elles se sont réalisées. À 4 chances sur "
        "10, 6 sur 10 ne se réalisent pas.",
        "Half-hours announced from 4 chances in 10 on, by whether they came true. At 4 chances in 10, 6 in 10 do "
        "not.",
    ),
    (now(_announced("came_true"), CAME_TRUE), now(_announced("did_not"), DID_NOT)),
    (Column("A", CAME_TRUE), Column("B", DID_NOT)),
    w=8,
    h=5,
    empty=OFF,
)


def _needs(results: str) -> str:
    return f'sum(max by (public_service, result) (callmon_needs_total{{result=~"{results}"}}))'


REACHED = Panel(
    "stat",
    Text("Personnes qui ont parlé à quelqu'un, ce mois-ci", "Callers who spoke to a person, this month"),
    Text(
        "Sur 100 numéros qui ont appelé, ceux à qui une personne a parlé en 24 heures; les dernières 24 heures "
        f"n'y sont pas. À partir de {SAMPLE}. Un numéro n'est pas une personne.",
        "Of 100 numbers that called, those with whom a person spoke within 24 hours, without the last 24 hours. "
        f"From {SAMPLE} on. A number is not a person.",
    ),
    (now(share(_needs("met_at_first|met_later"), _needs("met_at_first|met_later|not_met"))),),
    (
        Column(
            "A",
            Text("Part", "Share"),
            PERCENT,
            link=Text("${pages}/fr/besoins", "${pages}/en/needs"),
            decimals=1,
        ),
    ),
    w=8,
    h=5,
    empty=OFF,
)
AHEAD = (("30", NORMAL), ("60", SOON), ("120", PALE))
CHANCES = Panel(
    "timeseries",
    Text("Risque de retard, par avance", "Chance of late answers, by how far ahead"),
    Text(
        "La chance donnée à chaque moment pour la demi-heure qui commence 30, 60 ou 120 minutes plus tard.",
        "The chance given at each moment for the half-hour that is 30, 60 or 120 minutes ahead.",
    ),
    tuple(
        over_time(
            f'100 * max(callmon_outlook_ratio{{ahead_minutes="{ahead}"}})',
            Text(f"dans {ahead} min", f"in {ahead} min"),
        )
        for ahead, _ in AHEAD
    ),
    tuple(
        Column(letter, Text(f"dans {ahead} min", f"in {ahead} min"), PERCENT, colour=colour, decimals=1)
        for letter, (ahead, colour) in zip("ABC", AHEAD, strict=True)
    ),
    h=9,
    empty=NOTHING,
    least=0,
    most=100,
)
SEEN, EXPECTED = Text("appels", "calls"), Text("attendus", "expected")
CALLS = Panel(
    "timeseries",
    Text("Appels par demi-heure, et ceux qui étaient attendus", "Calls by half-hour, and those expected"),
    Text(
        "Appels terminés pendant les heures d'ouverture dans la demi-heure avant chaque point, et le nombre "
        "attendu une demi-heure plus tôt.",
        "Calls that ended in opening hours in the half-hour before each point, and the number expected half an "
        "hour earlier.",
    ),
    (
        over_time(total(grown("callmon_calls_total", 'hours="open"', STEP)), SEEN, HALF_HOUR),
        over_time('max(callmon_outlook_calls{ahead_minutes="30"} offset 30m)', EXPECTED, HALF_HOUR),
    ),
    (
        Column("A", SEEN, COUNT, colour=NORMAL, decimals=0),
        Column("B", EXPECTED, COUNT, colour=SOON, decimals=0, is_dashed=True),
    ),
    h=9,
    least=0,
)


def _phones(states: str) -> str:
    return f'sum(max by (public_service, mode, state) (callmon_service_phones{{state=~"{states}"}}))'


IN_USE, THERE = Text("occupés", "in use"), Text("joignables", "reachable")
PHONES = Panel(
    "timeseries",
    Text("Postes occupés, et postes joignables", "Phones in use, and phones reachable"),
    Text(
        "Quand les deux courbes se touchent, un appel de plus attend. Les postes qu'il faut par demi-heure sont "
        "sur la page « Postes nécessaires ».",
        "Where the two curves meet, one more call waits. The phones that each half-hour takes are on the page "
        "*Phones needed*.",
    ),
    (over_time(_phones("in_use"), IN_USE), over_time(_phones("in_use|free"), THERE)),
    (
        Column(
            "A",
            IN_USE,
            COUNT,
            colour=PALE,
            decimals=0,
            link=Text("${pages}/fr/postes", "${pages}/en/phones"),
        ),
        Column("B", THERE, COUNT, colour=QUIET, decimals=0),
    ),
    h=9,
    least=0,
)


def _of_service(results: str) -> str:
    return (
        f'sum by (public_service) (max by (public_service, result) (callmon_needs_total{{result=~"{results}"}}))'
    )


NEEDS = Panel(
    "table",
    Text("Besoins de ce mois, par service", "This month's needs, by service"),
    Text(
        "Un besoin réunit les appels d'un numéro en 24 heures. Depuis le premier du mois, sans les dernières 24 "
        "heures.",
        "A need is the calls of a number within 24 hours. Since the first of the month, without the last 24 "
        "hours.",
    ),
    (
        now(
            f"{_of_service('met_at_first|met_later|not_met')} * on (public_service) group_left (name_§lang) "
            "max by (public_service, name_§lang) (callmon_service_info)"
        ),
        now(_of_service("met_at_first|met_later")),
        now(_of_service("met_at_first")),
    ),
    (
        Column("name_§lang", Text("Service", "Service"), width=440),
        Column("A", Text("Besoins", "Needs")),
        Column("B", Text("✓ Satisfaits", "✓ Met")),
        Column("C", Text("Au premier appel", "At the first call")),
    ),
    h=9,
    empty=OFF,
)
BOARD = Board(
    "planning",
    Text("callmon · Planification", "callmon · Planning"),
    Text(
        "La prochaine heure, combien d'appels et de postes, et combien de personnes ont parlé à quelqu'un. Des "
        "estimations : elles décrivent la ligne, non les personnes qui y travaillent.",
        "The next hour, how many calls and phones, and how many people spoke to somebody. Estimates: they "
        "describe the line, not the people who work on it.",
    ),
    ((CHANCE, RECORD, REACHED), (CHANCES, CALLS), (PHONES, NEEDS)),
    tables=(twin(CHANCES), twin(CALLS), twin(PHONES)),
)
