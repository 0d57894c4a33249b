"""From what stands on the page back to rows of values: a figure must be written as what it measures is written.

What a figure measures is taken from its query (a series' name, a column's ending), not from the unit that the
panel sets: a wrong unit, other decimals or words in a number's place are read as nothing, and told. A figure that
is rounded for the eye is a `Span`: what the true number may be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from dashboards.source import promql
from dashboards.source.drawn import KINDS, Told
from dashboards.source.lint import SQL_MEASURES
from dashboards.source.model import Column, Panel
from dashboards.source.render import field
from dashboards.source.shown import BOARDS
from tests.support.year import TORONTO

Json = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
SOURCES: Mapping[tuple[str, int], Panel] = {
    (board.name, number): panel for board in BOARDS for number, panel in enumerate(board.panels(), 1)
}
# Numbers that are said in words alone; all others stand there as numbers.
WORDED = {
    *(("Opening hours", key) for key in "AC"),
    *(("Measuring", "A"), ("Measuring, by exchange", "A"), ("The state of each line (table)", "A")),
    *(("Now, by service", "B"), ("Next callback to make", "B"), ("Last call and test call of each line", "D")),
    *(("Version and role", "B"), ("Verdicts corrected since callmon was put into service", "C")),
    ("Service disruption", "A"),
}


class Unreadable(Exception):  # noqa: N818 - what stands there, not an error of ours
    """What stands there is not how such a figure is written."""


@dataclass(frozen=True)
class Span:
    """The true number is one of these."""

    least: float
    most: float

    def holds(self, least: float, most: float) -> bool:
        return least <= self.most + 1e-6 and most >= self.least - 1e-6


@dataclass(frozen=True)
class Reader:
    """Reads one panel in one language, at a moment: a clock's time is of that day."""

    board: str
    number: int
    language: str
    now: float

    @property
    def panel(self) -> Panel:
        return SOURCES[self.board, self.number]

    def rows(self, reported: Told, panel: Json) -> list[Json]:
        """As the truths have them: by the field's name."""
        if reported.shown is None:
            raise Unreadable(f"nothing but “{reported.empty}”")
        match reported.kind:
            case "table":
                return list(self._table(reported.shown))
            case "stat":
                return [self._figure(n, one, panel) for n, one in enumerate(reported.shown)]
        return list(self._curves(reported.shown))

    def _table(self, shown: Json) -> Iterator[Json]:
        columns = {column.title.said(self.language): column for column in self.panel.columns}
        if strange := [name for name in shown["header"] if name not in columns]:
            raise Unreadable(f"columns that the source does not have: {strange}")
        for row in shown["rows"]:
            pairs = zip((columns[name] for name in shown["header"]), row, strict=True)
            yield {field(self.panel, column, self.language): self.value(column, text) for column, text in pairs}

    def _figure(self, n: int, one: Json, panel: Json) -> Json:
        legends = [query.legend.said(self.language) for query in self.panel.queries]
        which = legends.index(one["name"]) if one["name"] in legends else n
        column = self.panel.columns[min(which, len(self.panel.columns) - 1)]
        name = "" if len(self.panel.queries) == 1 else one["name"]  # one alone has its title's name
        return {name: self.value(column, one["value"])}

    def _curves(self, shown: Json) -> Iterator[Json]:
        """Rows by moment; each series is in the legend, and its colour at each of its points."""
        if sorted(shown["legend"]) != sorted(one["name"] for one in shown["series"]):
            raise Unreadable(f"a legend of {shown['legend']}")
        if any(one["least"] != 0 for one in shown["series"]):
            raise Unreadable("an axis that does not begin at 0")
        found: dict[float, Json] = {}
        below: dict[float, float] = {}
        for one in shown["series"]:
            for at, value, is_drawn, is_within in one["points"]:
                own = None if value is None else value - (below.get(at, 0) if one["stacked"] else 0)
                if own and is_within and not is_drawn:
                    raise Unreadable(f"{one['name']}: {own} at {at} was not painted")
                found.setdefault(at, {"Time": at})[one["name"]] = own
                below[at] = value or below.get(at, 0)
        # Grafana puts moments without a value where it shall draw nothing.
        return (row for row in found.values() if any(row[key] is not None for key in row.keys() - {"Time"}))

    # ── one figure ──

    def value(self, column: Column, text: str) -> Any:
        """A number as a `Span` (or itself, when nothing is rounded), words as they are, nothing as None."""
        empties = {column.empty, self.panel.empty}
        if text == "" or text in {one.said(self.language) for one in empties if one}:
            return None
        worded = self._worded(column, text)
        if worded is not None:
            return worded
        measured = self.measure(column)
        return text if measured == "text" else figure(text, measured, self.language, self.now)

    def _worded(self, column: Column, text: str) -> Any:
        """The number, or the key, that is said in these words."""
        title = self.panel.title.en
        for key, reported in column.values:
            if reported.text.said(self.language) == text:
                is_number = key.isdecimal()
                if is_number and key not in text and (title, column.key) not in WORDED:
                    raise Unreadable(f"words in the place of a number: {text}")
                return float(key) if is_number else key
        for least, most, reported in column.ranges:
            if reported.text.said(self.language) == text:
                if (title, column.key) not in WORDED:
                    raise Unreadable(f"words in the place of a number: {text}")
                low, high = (limit if limit is not None else end for limit, end in ((least, -1e15), (most, 1e15)))
                return Span(low, high)
        return None

    def measure(self, column: Column) -> str:
        if column.key in ("time", "Time"):
            return "milliseconds"
        queries = self.panel.queries
        if queries[0].source == "postgres":
            if _is_words(column.key, queries[0].text):
                return "text"
            return next((what for ending, what in SQL_MEASURES if column.key.endswith(ending)), "count")
        if len(column.key) > 1:
            return "text"
        return promql.measure(promql.parsed(queries["ABCDEFGHIJ".index(column.key)].text.replace("§lang", "en")))


def _is_words(key: str, text: str) -> bool:
    """Is this column no number? Those are made numbers in so many words: `::float8`, a share, or seconds."""
    if any(key.endswith(ending) for ending, _ in SQL_MEASURES):
        return False
    return not re.search(rf"float8(?: END)? AS {key}\b", text)


PERCENT = {"fr": r"(-?\d+\.\d)(?: %| points)", "en": r"(-?\d+\.\d)(?:%| points)"}
SIZES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def figure(text: str, measured: str, language: str, now: float) -> Any:
    match measured:
        case "count":
            return _counted(text)
        case "percent":
            return _rounded(text, PERCENT[language])
        case "rate":
            return _rounded(text, r"(\d+\.\d) /s")
        case "seconds":
            return _lasting(text)
        case "minutes":
            return _rounded(text, r"(\d+\.\d) min")
        case "hours":
            return _rounded(text, r"(\d+\.\d) h")
        case "milliseconds":
            return _moment(text, language, now)
        case "bytes":
            number, unit = _matched(text, r"(\d+(?:\.\d+)?) (B|KiB|MiB|GiB)").groups()
            half = 0.5 * 10 ** -len(number.partition(".")[2])
            return Span((float(number) - half) * SIZES[unit], (float(number) + half) * SIZES[unit])
    raise Unreadable(f"nobody knows how {measured} is written: {text}")


def _matched(text: str, pattern: str) -> re.Match[str]:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise Unreadable(f"not how it is written: “{text}”")
    return found


def _counted(text: str) -> float:
    return float(_matched(text.removeprefix("▲ "), r"-?\d+")[0])


def _rounded(text: str, pattern: str) -> Span:
    number = float(_matched(text, pattern)[1])
    return Span(number - 0.05, number + 0.05)


def _lasting(text: str) -> Span:
    if text.endswith(" s"):
        number = _matched(text, r"(\d+(?:\.\d)?) s")[1]
        half = 0.05 if "." in number else 0.5
        return Span(float(number) - half, float(number) + half)
    days, hours, minutes, seconds = (
        int(one or 0) for one in _matched(text, r"(?:(\d+) d )?(\d\d):(\d\d):(\d\d)").groups()
    )
    least = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return Span(least, least + 1)


MONTHS = {
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
DATE = {"fr": r"\S+ (?P<day>\d+) (?P<month>\S+) ", "en": r"\w+ (?P<month>\w+) (?P<day>\d+), "}
WEEKDAY = {
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
CLOCK = {"fr": r"(?P<hour>\d+) h (?P<minute>\d\d)", "en": r"(?P<hour>\d+):(?P<minute>\d\d) (?P<half>am|pm)"}


def _moment(text: str, language: str, now: float) -> Span:
    """Milliseconds since 1970; the year is not written, and of a clock's time alone the day is today's.

    A time with its weekday is of the next day of that name.
    """
    today = datetime.fromtimestamp(now, TORONTO)
    names = "|".join(re.escape(one) for one in WEEKDAY[language])
    reported = _matched(text, rf"(?:{DATE[language]}|(?P<weekday>{names}) )?{CLOCK[language]}").groupdict()
    day = today.date()
    if reported["month"]:
        day = date(today.year, 1 + MONTHS[language].index(reported["month"]), int(reported["day"]))
        day = day if (day - today.date()).days < 180 else day.replace(year=day.year - 1)
    elif reported["weekday"]:
        ahead = WEEKDAY[language].index(reported["weekday"]) - today.weekday()
        day += timedelta(days=ahead % 7)
    hour = int(reported["hour"])
    if language == "en":
        hour = hour % 12 + (12 if reported["half"] == "pm" else 0)
    least = (
        datetime(day.year, day.month, day.day, hour, int(reported["minute"]), tzinfo=TORONTO).timestamp() * 1000
    )
    return Span(least, least + 60_000)


# ── beside what happened ──


class Board(NamedTuple):
    name: str
    language: str
    now: float  # when it was asked


def read_wrong(
    board: Board,
    reported: Mapping[int, Told],
    panels: Iterable[Json],
    truths: Mapping[int, Sequence[Mapping[str, Any]]],
) -> list[str]:
    """What is read on the page and is not the truth, of every panel that can be drawn; with the panel's title."""
    return [
        f"{panel['title']}: {why}"
        for panel in panels
        if panel["type"] in KINDS
        for why in differing(
            Reader(board.name, panel["id"], board.language, board.now),
            reported[panel["id"]],
            panel,
            truths[panel["id"]],
        )
    ]


def differing(reader: Reader, reported: Told, panel: Json, truth: Rows) -> list[str]:
    """What of the truth does not stand on the page as it should; [] when all of it does."""
    try:
        rows = reader.rows(reported, panel)
    except Unreadable as why:
        return [str(why)]
    hidden = {field(reader.panel, column, reader.language) for column in reader.panel.columns if column.is_hidden}
    wanted = [{key: value for key, value in row.items() if key and key not in hidden} for row in truth]
    if reported.kind == "timeseries":
        wanted = _by_moment(wanted)
    if len(wanted) != len(rows):
        return [f"{len(rows)} rows, not {len(wanted)}: {rows} instead of {wanted}"]
    is_ordered = reported.kind != "table" or "rawSql" in panel["targets"][0] or is_sorted(panel)
    return list(_missing(wanted, rows, is_ordered))


def _by_moment(rows: Sequence[Json]) -> list[Json]:
    """What is drawn at one moment is one row, whichever series it is of."""
    found: list[Json] = []
    for row in rows:
        at = getattr(row["Time"], "value", row["Time"])
        there = next((one for one in found if getattr(one["Time"], "value", one["Time"]) == at), None)
        if there is None:
            found.append(dict(row))
        else:
            there |= {key: value for key, value in row.items() if key != "Time"}
    return found


def is_sorted(panel: Json) -> bool:
    """Prometheus answers in no order."""
    return any(one["id"] == "sortBy" for one in panel.get("transformations", ()))


def _missing(wanted: Sequence[Json], rows: Sequence[Json], is_sorted: bool) -> Iterator[str]:
    rest = list(rows)
    for want in wanted:
        among = rest[:1] if is_sorted else rest
        match = next((row for row in among if _all_agree(want, row)), None)
        if match is None:
            yield f"{want} is not among {among}"
        rest.remove(rest[0] if match is None else match)


def _all_agree(want: Json, row: Json) -> bool:
    return all(agree(value, row.get(key, row.get(""))) for key, value in want.items())


def agree(want: Any, got: Any) -> bool:
    if isinstance(got, Span) and want is not None:
        by = getattr(want, "by", 0.0)
        middle = getattr(want, "value", want)
        return isinstance(middle, int | float) and got.holds(middle - by, middle + by)
    if isinstance(want, float) and isinstance(got, int | float):
        return abs(want - got) < 1e-6
    return bool(want == got)
