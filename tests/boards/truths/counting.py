"""What every truth is made of: words of either language, what is near, and counts over what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from callmon.config.standards import CALL_STANDARDS
from callmon.text.labels import label
from dashboards.source.history import NAMES, mode
from dashboards.source.model import Panel
from dashboards.source.shown import BOARDS
from tests.boards.day import C24, CFR, Happened
from tests.boards.scene import Scene
from tests.support.year import TORONTO

FEW = "5"  # judged calls, from which on this run tells a rate: a TTY line has no twenty calls in two minutes
Row = Mapping[str, Any]
Truth = Callable[[Scene], list[Row]]
VERDICTS = ("met", "not_met", "exempt", "unknown")


@dataclass(frozen=True)
class Near:
    """Equal within so much. `unit`: what is measured, as `lint.UNITS` names it; its panel must say so."""

    value: float
    by: float
    unit: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and abs(other - self.value) <= self.by

    __hash__ = None  # type: ignore[assignment]  # what is near has no hash


@dataclass(frozen=True)
class Either:
    """One or the other: what it was depends on which side of a full minute it happened."""

    values: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return other in self.values

    __hash__ = None  # type: ignore[assignment]  # as above


def between(least: float, most: float, unit: str = "") -> Near:
    return Near((least + most) / 2, (most - least) / 2, unit)


def lasting(seconds: float, by: float) -> Near:
    return Near(seconds, by, "seconds")


def at(seconds: float, by: float = 0.0005) -> Near:
    """A moment, from seconds since 1970: Grafana has it in milliseconds."""
    return Near(seconds * 1000, by * 1000, "milliseconds")


def percent(value: float, by: float = 1e-6) -> Near:
    return Near(value, by, "percent")


@dataclass(frozen=True)
class BoardObligation:
    """A callback of today, as the script made it."""

    name: str
    line: str
    language: str
    state: str
    verdicts: Mapping[str, str]
    opening: str = "message"
    hidden: str = ""
    overdue: bool = False
    soon: bool = False
    pays: str = ""  # the call that pays it


OBLIGATIONS = (
    BoardObligation("paid", "general", "unknown", "paid", {C24: "met", CFR: "unknown"}, pays="pays"),
    BoardObligation(
        "asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "met"}, "request", pays="pays_in_french"
    ),
    BoardObligation(
        "asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "not_met"}, "request", pays="pays_in_english"
    ),
    BoardObligation(
        "asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "unknown"}, "request", pays="pays_unlisted"
    ),
    BoardObligation("never", "poci", "unknown", "open", {C24: "not_met"}, overdue=True),
    BoardObligation("withheld", "poci", "unknown", "open", {C24: "exempt"}, hidden="withheld"),
    BoardObligation("messages", "general", "unknown", "open", {C24: "unknown"}, overdue=True),
    BoardObligation("messages", "general", "unknown", "open", {C24: "unknown"}, overdue=True),
    BoardObligation("tty_message", "tty", "unknown", "open", {C24: "unknown"}, overdue=True),
    BoardObligation("still_owed", "general", "unknown", "open", {}, soon=True),
)
TO_CALL = [one for one in OBLIGATIONS if one.state == "open" and not one.hidden]
PAID = [one for one in OBLIGATIONS if one.state == "paid"]


# ── words ──


def in_words(scene: Scene, fr: str, en: str) -> str:
    return fr if scene.language == "fr" else en


def said(scene: Scene, kind: str, key: str) -> str:
    return label(kind, key, scene.language)


def titled(scene: Scene, line: str) -> str:
    return in_words(scene, *NAMES[line])


# ── counts ──


def judged(scene: Scene, standard: str) -> list[tuple[str, str, str, str, date, str]]:
    """line, language, verdict, reason, day, cause of every verdict on it."""
    if standard in CALL_STANDARDS:
        return [
            (c.line, c.language, *c.verdicts[standard][:2], c.local.date(), c.verdicts[standard][2])
            for c in scene.calls
            if standard in c.verdicts
        ]
    today = today_of(scene)
    found = [
        (o.line, o.language, o.verdicts[standard], "", today, "") for o in OBLIGATIONS if standard in o.verdicts
    ]
    # Any day of the weeks before: no panel tells these apart by their day.
    found += [
        ("general", ("fr", "en")[n % 2], reported[standard], "", today - timedelta(days=20), "")
        for n, reported in enumerate(scene.complaints)
        if standard in reported
    ]
    return found


def today_of(scene: Scene) -> date:
    return datetime.fromtimestamp(scene.asked.now, TORONTO).date()


def share(part: int, whole: int) -> Near | None:
    """Cut to a tenth of a per cent; none below the sample."""
    return None if whole < int(FEW) else percent(part * 1000 // whole / 10)


def today(scene: Scene, standard: str) -> list[tuple[str, str, str, str, date, str]]:
    """The verdicts that this callmon counted."""
    return [one for one in judged(scene, standard) if one[4] == today_of(scene)]


def counts(verdicts: Iterable[str]) -> tuple[list[int], Near | None]:
    """Met, not met, exempt, not known and judged; the rate."""
    reported = Counter(verdicts)
    both = reported["met"] + reported["not_met"]
    return [*(reported[one] for one in VERDICTS), both], share(reported["met"], both)


def lettered(values: Iterable[Any], first: str = "A") -> dict[str, Any]:
    """As the columns of a table's queries."""
    return {f"Value #{chr(ord(first) + n)}": value for n, value in enumerate(values)}


TITLES = {panel.title.en for board in BOARDS for panel in board.panels()}


def over_time(panel: Panel, values: Callable[[Scene], list[Any]]) -> dict[str, Truth]:
    """A graph over time and its table: a value for each query, at the moment of the run; None where there is "
    "none."""

    def graph(scene: Scene) -> list[Row]:
        reported = zip(panel.queries, values(scene), strict=True)
        return [
            {query.legend.said(scene.language): one, "Time": moment(scene)}
            for query, one in reported
            if one is not None
        ]

    def table(scene: Scene) -> list[Row]:
        reported = values(scene)
        return [{"Time": moment(scene), **(lettered(reported) if len(reported) > 1 else {"Value": reported[0]})}]

    both: dict[str, Truth] = {panel.title.en: graph, panel.title.en + " (table)": table}
    return {title: truth for title, truth in both.items() if title in TITLES}


def moment(scene: Scene) -> Near:
    return at(scene.asked.now, 0.001)


def value(number: Any) -> Truth:
    """A stat with one figure."""
    return lambda scene: [{"Value": number(scene) if callable(number) else number}]


# ── what happened ──


def over(scene: Scene) -> list[Happened]:
    return [call for call in scene.calls if call.is_over]


def counted(scene: Scene) -> list[Happened]:
    """The calls of today's script that are over: callmon's counters have these alone."""
    return [call for call in over(scene) if call.name]


def voice_today(scene: Scene) -> list[Happened]:
    return [c for c in scene.calls if c.name and mode(c.line) == "voice"]


def half_hour(call: Happened) -> int:
    return call.local.hour * 2 + (call.local.minute >= 30)


def played(scene: Scene, name: str) -> list[Any]:
    return [call for call in scene.played if call.situation.name == name]


def opened_at(scene: Scene, one: BoardObligation) -> float:
    """When the message was left (the caller hung up), or the key pressed: seconds since 1970."""
    among = [o for o in OBLIGATIONS if o.name == one.name]
    call = played(scene, one.name)[among.index(one)]
    moment = call.invited + 1.5 if one.opening == "request" else call.ended
    assert moment is not None, f"{one.name} has not hung up"
    return float(moment)


def paid_after(scene: Scene, one: BoardObligation) -> float:
    (payer,) = played(scene, one.pays)
    assert payer.answered is not None
    return float(payer.answered) - opened_at(scene, one)


def moments(span: tuple[float, float]) -> Near:
    """As Grafana writes moments: milliseconds."""
    return between(span[0] * 1000, span[1] * 1000, "milliseconds")


def unheard(scene: Scene) -> Near:
    """From when the network was cut until it carried again and callmon had noticed."""
    cut, again = scene.reported["cut"], scene.reported["heard again"]
    return between(again[0] - cut[1], again[1] - cut[0], "seconds")
