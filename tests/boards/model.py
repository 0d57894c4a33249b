"""What a board is made of. Plain values; every text that people see is in both languages.

A query is written once: `§lang` stands for "fr" or "en", `§of` for "sur" or "of", `§names` for the lines' titles
as rows, `§where` for what the variables of the board choose, and `§word(kind, column)` for that column in words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from callmon.text.labels import KINDS, label

Source = Literal["prometheus", "postgres"]
Kind = Literal["stat", "table", "bargauge", "timeseries", "heatmap"]
GRAPHS: tuple[str, ...] = ("bargauge", "timeseries", "heatmap")
NBSP = "\u00a0"

# Okabe and Ito's colours, as users read them from three metres on a dark wall (users.md section 5).
NORMAL, SOON, OVER, QUIET, OTHER, PALE = "#56B4E9", "#E69F00", "#FF7A33", "#9AA4B2", "#CC79A7", "#F0E442"


class Text(NamedTuple):
    fr: str
    en: str

    def said(self, language: str) -> str:
        return _spaced(self.fr) if language == "fr" else self.en


def _spaced(french: str) -> str:
    """The no-break spaces of French."""
    french = re.sub(r" ([:?!%»])", NBSP + r"\1", french)
    return re.sub(r"« ", f"«{NBSP}", re.sub(r"(\d) (h|s|min)\b", rf"\1{NBSP}\2", french))


def same(text: str) -> Text:
    """What is written alike in both languages."""
    return Text(text, text)


# ── units: Grafana's own words for lengths of time are English, so these are written out ──

COUNT = same("none")
PERCENT = Text("suffix:%", "percent")  # Grafana puts a space before a suffix
POINTS = same("suffix:points")  # between two percentages
SECONDS = same("suffix:s")
LENGTH = same("dthms")  # hours:minutes:seconds
CLOCK = Text("time:H [h] mm", "time:h:mm a")
DAY_AND_CLOCK = Text("time:MM-DD H [h] mm", "time:MM-DD h:mm a")
MOMENT = Text("time:YYYY-MM-DD H [h] mm", "time:YYYY-MM-DD h:mm a")
EACH_SECOND = same("suffix:/s")
BYTES = same("bytes")

NOT_AVAILABLE = Text("n. d.", "not available")
NOT_APPLICABLE = Text("s. o.", "n/a")
NO_CALL = Text("Aucun appel encore", "No call yet")
TOO_FEW = Text("moins de 20", "fewer than 20")


@dataclass(frozen=True)
class Told:
    """What is said instead of a value, with a colour beside its sign and word where it has one."""

    text: Text
    colour: str | None = None


@dataclass(frozen=True)
class Column:
    """A field of the answer. `values` say numbers or keys in words; `ranges` numbers from, to (None: open).

    Both ends of a range belong to it.
    """

    key: str
    title: Text
    unit: Text = COUNT
    values: tuple[tuple[str, Told], ...] = ()
    ranges: tuple[tuple[float, float | None, Told], ...] = ()
    link: Text | None = None
    width: int | None = None
    colour: str | None = None
    empty: Text | None = None
    is_hidden: bool = False
    decimals: int | None = None


@dataclass(frozen=True)
class Query:
    source: Source
    text: str
    legend: Text = field(default_factory=lambda: same(""))
    span: Literal["now", "range"] = "now"


@dataclass(frozen=True)
class Panel:
    """`w` of 24 columns, `h` in Grafana's rows of 38 pixels. `empty` is what stands there without any data."""

    kind: Kind
    title: Text
    description: Text
    queries: tuple[Query, ...]
    columns: tuple[Column, ...]
    w: int = 12
    h: int = 8
    empty: Text = NOT_AVAILABLE
    size: int | None = None  # of a stat's figures, in pixels
    is_stacked: bool = False
    by_row: bool = False  # a stat or bar gauge with one figure a row


Row = tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    name: str  # of its file
    title: Text
    description: Text
    rows: tuple[Row, ...]
    variables: tuple[str, ...] = ("line",)
    since: str = "now/d"
    refresh: str = "1m"


def sql(text: str) -> Query:
    return Query("postgres", re.sub(r"\s+", " ", text).strip())


def series(text: str) -> Query:
    """Rows with a column `time`, and numbers."""
    return Query("postgres", re.sub(r"\s+", " ", text).strip(), span="range")


def now(text: str, legend: Text | None = None) -> Query:
    return Query("prometheus", re.sub(r"\s+", " ", text).strip(), legend or same(""))


def over_time(text: str, legend: Text) -> Query:
    return Query("prometheus", re.sub(r"\s+", " ", text).strip(), legend, "range")


NAMES = (
    "(SELECT split_part(n, '=', 1) AS line, split_part(n, '=', 2) AS mode, split_part(n, '=', 3) AS name"
    " FROM unnest(ARRAY[${names:sqlstring}]::text[]) AS n)"
)
WHERE = (
    "line IN (${line:sqlstring}) AND language IN (${language:sqlstring}) AND hours IN (${hours:sqlstring})"
    " AND day > boards.today() - $days"
)


def written(query: Query, language: str) -> str:
    """The query as it stands in the board of one language."""
    text = query.text.replace("§names", NAMES).replace("§where", WHERE)
    text = re.sub(r"§word\((\w+), ([\w.]+)\)", lambda m: _cases(m[1], m[2], language), text)
    for mark, said in SAID.items():
        text = text.replace(mark, _quoted(said.said(language)))
    return text.replace("§lang", language)


SAID = {
    "§of": Text("sur", "of"),
    "§notice": Text("avis à donner", "notice to give"),
    "§early": Text("trop tôt", "too early"),
    "§overdue": Text("en retard", "overdue"),
    "§soon": Text("à faire bientôt", "due soon"),
    "§todo": Text("à faire", "to make"),
    "§clock": Text('FMHH24 "h" MI', "FMHH12:MI am"),
    "§and": Text("et", "and"),
    "§others": Text("de plus", "more"),
    "§none": Text("Aucune en cours", "None now"),
    "§nocall": Text("0 appel", "0 calls"),
    "§missing": Text("à donner", "to be given"),
    "§database": Text("base de données", "database"),
    "§broker": Text("courtier MQTT", "MQTT broker"),
}
SIGNS = {"met": "✓", "not_met": "■", "exempt": "○", "unknown": "?"}


def _cases(kind: str, column: str, language: str) -> str:
    """SQL that says a key in words; a verdict with its sign, since no colour may mean anything by itself."""
    said: Callable[[str], str] = lambda key: label(kind, key, language)  # noqa: E731 - shorter here than a function
    if kind == "verdict":
        said = lambda key: f"{SIGNS[key]} {label(kind, key, language)}"  # noqa: E731
    whens = " ".join(f"WHEN '{key}' THEN '{_quoted(said(key))}'" for key in KINDS[kind])
    return f"CASE {column} {whens} ELSE {column} END"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def words(kind: str, *keys: str) -> tuple[tuple[str, Told], ...]:
    """The same for a label of Prometheus."""
    return tuple((key, Told(Text(label(kind, key, "fr"), label(kind, key, "en")))) for key in keys or KINDS[kind])
