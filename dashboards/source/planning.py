"""What planning needs, and how many people were served: calls, phones, callers' needs.

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
    Board,
    Column,
    Panel,
    Text,
    now,
    over_time,
)
from dashboards.source.render import twin

OFF = Text("Question désactivée, ou rien encore", "Question switched off, or nothing yet")
HALF_HOUR = "30m"


def _needs(results: str) -> str:
    return f'sum(max by (public_service, result) (callmon_needs_total{{result=~"{results}"}}))'


MET_SHARE = share(_needs("met_at_first|met_later"), _needs("met_at_first|met_later|not_met"))
REACHED = Panel(
    "stat",
    Text("Personnes qui ont parlé à quelqu'un, ce mois-ci", "Callers who spoke to a person, this month"),
    Text(
        "Sur 100 numéros qui ont appelé, ceux à qui une personne a parlé en 24 heures; les dernières 24 heures "
        f"n'y sont pas. À partir de {SAMPLE}. Un numéro n'est pas une personne.",
        "Of 100 numbers that called, those with whom a person spoke within 24 hours, without the last 24 hours. "
        f"From {SAMPLE} on. A number is not a person.",
    ),
    (now(MET_SHARE),),
    (
        Column(
            "A",
            Text("Part", "Share"),
            PERCENT,
            link=Text("${pages}/fr/besoins", "${pages}/en/needs"),
            decimals=1,
        ),
    ),
    h=9,
    empty=OFF,
)
SHARE = Text("depuis le premier du mois", "since the first of the month")
TREND = Panel(
    "timeseries",
    Text(
        "Personnes qui ont parlé à quelqu'un, au fil du mois", "Callers who spoke to a person, through the month"
    ),
    Text(
        f"La même part, à chaque moment, depuis le premier du mois. À partir de {SAMPLE} numéros.",
        f"The same share at each moment, since the first of the month. From {SAMPLE} numbers on.",
    ),
    (over_time(MET_SHARE, SHARE),),
    (Column("A", SHARE, PERCENT, colour=NORMAL, decimals=1),),
    h=9,
    empty=OFF,
    least=0,
    most=100,
)
SEEN = Text("appels", "calls")
CALLS = Panel(
    "timeseries",
    Text("Appels par demi-heure", "Calls by half-hour"),
    Text(
        "Appels terminés pendant les heures d'ouverture dans la demi-heure avant chaque point.",
        "Calls that ended in opening hours in the half-hour before each point.",
    ),
    (over_time(total(grown("callmon_calls_total", 'hours="open"', STEP)), SEEN, HALF_HOUR),),
    (Column("A", SEEN, COUNT, colour=NORMAL, decimals=0),),
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
        "Combien d'appels et de postes, et combien de personnes ont parlé à quelqu'un. Les chiffres décrivent la "
        "ligne, non les personnes qui y travaillent.",
        "How many calls and phones, and how many people spoke to somebody. The figures describe the line, not the "
        "people who work on it.",
    ),
    ((CALLS, PHONES), (TREND, REACHED), (NEEDS,)),
    tables=(twin(CALLS), twin(PHONES), twin(TREND)),
)
