"""What the board of the service standards must show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from callmon.text.labels import KINDS
from dashboards.source import standards
from dashboards.source.history import LINES
from dashboards.source.model import Panel
from tests.boards.scene import Scene
from tests.boards.truths.counting import (
    Near,
    Row,
    Truth,
    counted,
    counts,
    in_words,
    judged,
    lettered,
    moment,
    over_time,
    percent,
    said,
    titled,
    today,
    today_of,
)
from tests.boards.truths.live import by_cause, by_outcome
from tests.support import year
from tests.support.year import A, B, R, S, T, V

OF_CALLS = (A, V, T, R, B, S)  # in the policy's order
UP_TO = (1, 2, 3, 4, 5, 6, 8, 10, float("inf"))
POLICY = tuple(KINDS["standard"])


def rate(scene: Scene, standard: str) -> Near | None:
    return counts(one[2] for one in today(scene, standard))[1]


def number_of(scene: Scene, standard: str) -> int:
    return counts(one[2] for one in today(scene, standard))[0][-1]


def rates(scene: Scene, among: Iterable[str] = OF_CALLS) -> list[Any]:
    return [rate(scene, standard) for standard in among]


def rates_now(panel: Panel, among: Iterable[str]) -> Truth:
    def truth(scene: Scene) -> list[Row]:
        reported = zip(panel.queries, among, rates(scene, among), strict=True)
        return [
            {query.legend.said(scene.language).replace("{{n}}", str(number_of(scene, standard))): one}
            for query, standard, one in reported
            if one is not None
        ]

    return truth


def with_target(truths: Mapping[str, Truth]) -> dict[str, Truth]:
    """The curves have the target of a line beside them; their table has not."""
    graph, table = standards.RATES.title.en, standards.RATES.title.en + " (table)"

    def beside(scene: Scene) -> list[Row]:
        begins = in_words(scene, "-- cible\u00a0: joindre une personne", "-- target: reach a person")
        name = f"{begins}, {titled(scene, 'general')}"
        return [*truths[graph](scene), {name: percent(92.5), "Time": moment(scene)}]

    return {graph: beside, table: truths[table]}


def rings(scene: Scene) -> list[tuple[str, int]]:
    """By the bound of a bucket: how many were answered on these rings."""
    reported = Counter(c.ring for c in counted(scene) if c.outcome == "answered" and c.ring is not None)
    found, last = [], 0.0
    for bound in UP_TO:
        found.append(
            (
                "+Inf" if bound == UP_TO[-1] else str(bound),
                sum(n for ring, n in reported.items() if last < ring <= bound),
            )
        )
        last = bound
    return found


def rings_map(scene: Scene) -> list[Row]:
    return [{bound: n, "Time": moment(scene)} for bound, n in rings(scene)]


def voicemail(scene: Scene) -> list[Any]:
    reported = Counter((verdict, cause == "other") for _, _, verdict, _, _, cause in today(scene, V))
    return [reported["not_met", False], reported["met", False], reported["not_met", True]]


def transfers(scene: Scene) -> list[Any]:
    reported = Counter(min(c.transfers or 0, 3) for c in counted(scene) if c.outcome == "answered")
    return [reported[n] for n in range(4)]


def heard(scene: Scene) -> list[Any]:
    reported = Counter(c.heard for c in counted(scene))
    return [reported[key] for key in ("full", "filled", "partly")]


def causes(scene: Scene) -> list[Any]:
    return by_cause((one[2], one[3], one[5]) for one in today(scene, A))


def row(verdicts: Iterable[str]) -> dict[str, Any]:
    numbers, reported = counts(verdicts)
    return lettered([*numbers, reported], "B")


def each_standard(scene: Scene, among: Iterable[str] = POLICY) -> list[Row]:
    """In the policy's order."""
    return [
        {
            f"title_{scene.language}": said(scene, "standard", name),
            "standard": name,
            **row(one[2] for one in today(scene, name)),
        }
        for name in among
    ]


def third_by_line(scene: Scene) -> list[Row]:
    return [
        {
            f"name_{scene.language}": titled(scene, line),
            "line": line,
            **row(one[2] for one in today(scene, A) if one[0] == line),
        }
        for line in LINES
    ]


def last_opening_day(today: date) -> date:
    calendar = year.settings().calendar()
    return next(day for n in range(1, 10) if calendar.periods_on(day := today - timedelta(days=n)))


def targets(scene: Scene) -> list[Row]:
    """92.5 % on one line, beside its last opening day before today."""
    before = [one for one in judged(scene, "reach_a_person") if one[4] < today_of(scene) and one[0] == "general"]
    reported = Counter(one[2] for one in before if one[4] == last_opening_day(today_of(scene)))
    row = {
        f"title_{scene.language}": said(scene, "standard", "reach_a_person"),
        f"name_{scene.language}": titled(scene, "general"),
        "Value #A": percent(92.5),
    }
    return [{**row, "Value #B": reported["met"], "Value #C": reported["met"] + reported["not_met"]}]


def _rates() -> dict[str, Truth]:
    from dataclasses import replace

    return with_target(over_time(replace(standards.RATES, queries=standards.RATES.queries[:-1]), rates))


STANDARDS: dict[str, Truth] = {
    **{panel.title.en: rates_now(panel, among) for among, panel in standards.NOW_RATES.items()},
    **_rates(),
    **over_time(standards.OUTCOMES, lambda s: by_outcome(counted(s))),
    "Rings before a person answered": rings_map,
    **over_time(standards.CAUSES, causes),
    **over_time(standards.VOICEMAIL, voicemail),
    **over_time(standards.TRANSFERS, transfers),
    **over_time(standards.HEARD, heard),
    "Each standard": each_standard,
    "Answer by the third ring, by line": third_by_line,
    "Internal targets": targets,
}
