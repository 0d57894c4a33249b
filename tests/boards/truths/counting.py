"""What every truth is made of: words of either language, what is near, and counts over what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from callmon.config.standards import CALL_STANDARDS
from callmon.text.labels import label
from tests.boards.day import C24, CFR, Happened
from tests.boards.scene import Scene
from tests.year import TORONTO

Row = Mapping[str, Any]
Truth = Callable[[Scene], list[Row]]
VERDICTS = ("met", "not_met", "exempt", "unknown")
LINES = ("general", "general-toll-free", "tty", "tty-toll-free", "poci", "poci-toll-free")
NAMES = {
    "general": ("Renseignements généraux, Toronto", "General inquiries, Toronto"),
    "general-toll-free": ("Renseignements généraux, sans frais", "General inquiries, toll-free"),
    "tty": ("ATS, Toronto", "TTY, Toronto"),
    "tty-toll-free": ("ATS, sans frais", "TTY, toll-free"),
    "poci": ("POCI, Toronto", "OINP, Toronto"),
    "poci-toll-free": ("POCI, sans frais", "OINP, toll-free"),
}


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
class Owed:
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


OWED = (
    Owed("paid", "general", "unknown", "paid", {C24: "met", CFR: "unknown"}, pays="pays"),
    Owed("asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "met"}, "request", pays="pays_in_french"),
    Owed(
        "asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "not_met"}, "request", pays="pays_in_english"
    ),
    Owed("asks_in_french", "general", "fr", "paid", {C24: "met", CFR: "unknown"}, "request", pays="pays_unlisted"),
    Owed("never", "poci", "unknown", "open", {C24: "not_met"}, overdue=True),
    Owed("withheld", "poci", "unknown", "open", {C24: "exempt"}, hidden="withheld"),
    Owed("messages", "general", "unknown", "open", {C24: "unknown"}, overdue=True),
    Owed("messages", "general", "unknown", "open", {C24: "unknown"}, overdue=True),
    Owed("tty_message", "tty", "unknown", "open", {C24: "unknown"}, overdue=True),
    Owed("still_owed", "general", "unknown", "open", {}, soon=True),
)
TO_CALL = [one for one in OWED if one.state == "open" and not one.hidden]
PAID = [one for one in OWED if one.state == "paid"]


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
    found = [(o.line, o.language, o.verdicts[standard], "", today, "") for o in OWED if standard in o.verdicts]
    # Any day of the weeks before: no panel tells these apart by their day.
    found += [
        ("general", ("fr", "en")[n % 2], told[standard], "", today - timedelta(days=20), "")
        for n, told in enumerate(scene.complaints)
        if standard in told
    ]
    return found


def today_of(scene: Scene) -> date:
    return datetime.fromtimestamp(scene.asked.now, TORONTO).date()


def midnight(day: date) -> float:
    """Seconds since 1970."""
    return datetime(day.year, day.month, day.day, tzinfo=TORONTO).timestamp()


def share(part: int, whole: int) -> Near | None:
    """Cut to a tenth of a per cent; none below 20."""
    if whole < 20:
        return None
    return percent(max(part * 1000 // whole, 1 if part else 0) / 10)


def counts(verdicts: Iterable[str]) -> dict[str, Any]:
    told = Counter(verdicts)
    both = told["met"] + told["not_met"]
    return {**{v: told[v] for v in VERDICTS}, "judged": both, "rate_percent": share(told["met"], both)}


def by_size(scene: Scene, counted: Counter[str], kind: str, first: str = "part") -> list[Row]:
    rows = [{first: said(scene, kind, key), "calls": n} for key, n in counted.items()]
    return sorted(rows, key=lambda row: (-row["calls"], row[first]))


def reasons(scene: Scene, standard: str, verdicts: tuple[str, ...]) -> Counter[str]:
    return Counter(reason for _, _, verdict, reason, *_ in judged(scene, standard) if verdict in verdicts)


def value(number: Any) -> Truth:
    """A stat with one figure."""
    return lambda scene: [{"Value": number(scene) if callable(number) else number}]


def mode(line: str) -> str:
    return "tty" if line.startswith("tty") else "voice"


# ── what happened ──


def over(scene: Scene) -> list[Happened]:
    return [call for call in scene.calls if call.is_over]


def voice_today(scene: Scene) -> list[Happened]:
    return [c for c in scene.calls if c.local.date() == today_of(scene) and not c.line.startswith("tty")]


def half_hour(call: Happened) -> int:
    return call.local.hour * 2 + (call.local.minute >= 30)


def played(scene: Scene, name: str) -> list[Any]:
    return [call for call in scene.played if call.situation.name == name]


def opened_at(scene: Scene, one: Owed) -> float:
    """When the message was left (the caller hung up), or the key pressed: seconds since 1970."""
    among = [o for o in OWED if o.name == one.name]
    call = played(scene, one.name)[among.index(one)]
    moment = call.invited + 1.5 if one.opening == "request" else call.ended
    assert moment is not None, f"{one.name} has not hung up"
    return float(moment)


def paid_after(scene: Scene, one: Owed) -> float:
    (payer,) = played(scene, one.pays)
    assert payer.answered is not None
    return float(payer.answered) - opened_at(scene, one)
