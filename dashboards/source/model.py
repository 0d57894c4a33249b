"""What a board is made of. Plain values; every text that people see is in both languages.

A query is written once: `§lang` stands for "fr" or "en", `§[French|English]` for one of the two. In SQL, `§names`
stands for the lines' titles as rows and `§word(kind, column)` for that column in words. Each series of callmon
gets the job that the board's variable selects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from callmon.text.labels import KINDS, label, typographic

Source = Literal["prometheus", "postgres"]
Kind = Literal["stat", "table", "timeseries", "heatmap", "barchart", "state-timeline"]
GRAPHS: tuple[str, ...] = ("timeseries", "heatmap", "barchart", "state-timeline")
NBSP = "\u00a0"

# After Okabe and Ito, of middling lightness: seen on Grafana's light ground and on its dark one, and told apart by
# people who see fewer colours (tests/unit/test_boards_colours.py).
NORMAL, SOON, OVER, QUIET, OTHER, PALE = "#3F9CD6", "#CF8400", "#D4500F", "#8A94A2", "#A64F86", "#5B5FC7"


class Text(NamedTuple):
    fr: str
    en: str

    def said(self, language: str) -> str:
        return _typeset(self.fr) if language == "fr" else self.en


def _typeset(french: str) -> str:
    """The no-break spaces and the apostrophes of French."""
    french = re.sub(r" ([:?!%»])", NBSP + r"\1", typographic(french))
    return re.sub(r"« ", f"«{NBSP}", re.sub(r"(\d) (h|s|min)\b", rf"\1{NBSP}\2", french))


def same(text: str) -> Text:
    """What is written alike in both languages."""
    return Text(text, text)


# ── units: Grafana's own words for lengths of time are English, so these are written out ──

COUNT = same("none")
PERCENT = Text("suffix:%", "percent")  # Grafana puts a space before a suffix
POINTS = same("suffix:points")  # between two percentages
SECONDS = same("suffix:s")
MINUTES = same("suffix:min")
HOURS = same("suffix:h")
LENGTH = same("dthms")  # hours:minutes:seconds
CLOCK = Text("time:H [h] mm", "time:h:mm a")
DAY_AND_CLOCK = Text("time:ddd H [h] mm", "time:ddd h:mm a")
MOMENT = Text("time:ddd D MMM H [h] mm", "time:ddd MMM D, h:mm a")
EACH_SECOND = same("suffix:/s")
BYTES = same("bytes")

NOT_AVAILABLE = Text("n. d.", "not available")
NO_CALL = Text("Aucun appel encore", "No call yet")
SAMPLE = "20"  # judged calls, from which on a rate is told
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
    is_dashed: bool = False


@dataclass(frozen=True)
class Query:
    """`every`: the least time between two points of a range."""

    source: Source
    text: str
    legend: Text = field(default_factory=lambda: same(""))
    span: Literal["now", "range"] = "now"
    every: str = ""


@dataclass(frozen=True)
class Panel:
    """`w` of 24 columns, `h` in Grafana's rows of 38 pixels. `empty` is the text of a panel without data.

    `mark` is a line across a time series; `order` the letter of the query whose value sorts a table's rows.
    """

    kind: Kind
    title: Text
    description: Text
    queries: tuple[Query, ...]
    columns: tuple[Column, ...]
    w: int = 12
    h: int = 8
    empty: Text = NOT_AVAILABLE
    size: int = 37  # of a stat's figures, in pixels; 0: as large as there is room
    is_stacked: bool = False
    mark: float | None = None
    least: float | None = None  # of the axis
    most: float | None = None
    neutral: float = 0  # of bars: within it on either side of zero they are grey
    points: int | None = None  # of a range, at most
    order: str = ""


Row = tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    name: str  # of its file
    title: Text
    description: Text
    rows: tuple[Row, ...]
    tables: tuple[Panel, ...] = ()  # the same figures, in a collapsed row at the end
    variables: tuple[str, ...] = ("line",)
    since: str = "now/d"
    refresh: str = "1m"

    def panels(self) -> Iterator[Panel]:
        """In the order of their ids."""
        for row in self.rows:
            yield from row
        yield from self.tables

    def sources(self) -> list[Source]:
        """Prometheus always: the choices at the top are asked of it."""
        asked: set[Source] = {query.source for panel in self.panels() for query in panel.queries}
        return sorted({"prometheus", *asked}, reverse=True)


def sql(text: str) -> Query:
    return Query("postgres", re.sub(r"\s+", " ", text).strip())


def now(text: str, legend: Text | None = None) -> Query:
    return Query("prometheus", re.sub(r"\s+", " ", text).strip(), legend or same(""))


def over_time(text: str, legend: Text, every: str = "") -> Query:
    return Query("prometheus", re.sub(r"\s+", " ", text).strip(), legend, "range", every)


NAMES = (
    "(SELECT split_part(n, '=', 1) AS line, split_part(n, '=', 2) AS mode, split_part(n, '=', 3) AS name"
    " FROM unnest(ARRAY[${names:sqlstring}]::text[]) AS n)"
)
SERIES = re.compile(r'(?<![\w:"])((?:[a-z_]+:)?(?:callmon|process)_\w+(?::\w+)?)(\{?)')


def written(query: Query, language: str) -> str:
    """The query as it stands in the board of one language."""
    text = query.text.replace("§names", NAMES)
    if query.source == "prometheus":
        text = SERIES.sub(lambda m: f'{m[1]}{{job=~"$job"{", " if m[2] else "}"}', text)
    text = re.sub(r"§\[([^|\]]*)\|([^\]]*)\]", lambda m: _quoted(Text(m[1], m[2]).said(language)), text)
    text = re.sub(r"§word\((\w+), ([\w.]+)\)", lambda m: _cases(m[1], m[2], language), text)
    return text.replace("§lang", language)


def _cases(kind: str, column: str, language: str) -> str:
    """SQL that says a key in words."""
    whens = " ".join(f"WHEN '{key}' THEN '{_quoted(label(kind, key, language))}'" for key in KINDS[kind])
    return f"CASE {column} {whens} ELSE {column} END"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def words(kind: str, *keys: str) -> tuple[tuple[str, Told], ...]:
    """The same for a label of Prometheus."""
    return tuple((key, Told(Text(label(kind, key, "fr"), label(kind, key, "en")))) for key in keys or KINDS[kind])
