"""The expected contents of a report, from the year's truths: numbers as printed, and tables read back."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from html.parser import HTMLParser
from io import StringIO
from typing import Any

from callmon.features.months.model import Cut, Figure, Place, Report
from tests.support.year import Owing, YearTruth
from tests.support.year.totals import CUTS, Totals, of_month

NBSP = "\N{NO-BREAK SPACE}"
# Figures that no truth of the year contains: they have tests of their own.
APART = {"calls_in_progress", "unheard_hours", "unheard_open_hours", "unheard_known_hours"}
ABSENT = {
    "reconciliation_days", "reconciliation_exchange_only", "reconciliation_callmon_only",
}  # fmt: skip
SIDES = {"tty": ("mode", "tty"), "voice": ("mode", "voice"), "fr": ("language", "fr"), "en": ("language", "en")}
PAIRS = {"tty_voice": ("tty", "voice"), "french_english": ("fr", "en")}


class Expected:
    """Expected (state, value, numerator, denominator) of every place of one month's report."""

    def __init__(self, calls: list[YearTruth], obligations: list[Owing], report: Report) -> None:
        self._calls, self._obligations = of_month(calls, obligations, report.month.first, report.month.after)
        self._known: dict[Cut, Totals] = {}
        self.report = report

    def totals(self, cut: Cut) -> Totals:
        if cut not in self._known:
            is_in = CUTS[cut.kind]
            mine = [x for x in self._calls if is_in(x, cut.of)], [x for x in self._obligations if is_in(x, cut.of)]
            self._known[cut] = Totals(*mine)
        return self._known[cut]

    def at(self, figure: Figure) -> tuple[str, float | None, int | None, int | None]:
        place, totals = figure.place, self.totals(figure.place.cut)
        if place.name in ABSENT:
            return "not_available", None, None, None
        if place.name in ("disruptions", "disruptions_hours"):  # the year has none
            return (
                ("not_applicable", None, None, None) if place.cut.kind == "language" else ("known", 0, None, None)
            )
        if place.name == "check":
            return "known", 0, None, None
        if ".parity_" in place.name:
            return self._parity(*place.name.split(".parity_"))
        match figure.kind:
            case "rate":
                return _rate(*totals.rates[place.name])
            case "seconds" | "rings":
                value, count = totals.end(place.name, place.part), len(totals.lengths.get(place.name, []))
                return ("not_applicable" if value is None else "known"), value, None, count
        return "known", totals.counts[place.name, place.part], None, None

    def _parity(self, standard: str, of: str) -> tuple[str, float | None, int | None, int | None]:
        def side(name: str) -> tuple[int, int]:
            return self.totals(Cut(*SIDES[name])).rates[f"{standard}.rate"]  # type: ignore[arg-type]

        if of in SIDES:
            return _rate(*side(of))
        (one, all_one), (other, all_other) = (side(name) for name in PAIRS[of])
        if min(all_one, all_other) < 20:
            return "too_few", None, None, None
        return "known", one / all_one - other / all_other, None, None


def _rate(part: int, whole: int) -> tuple[str, float | None, int | None, int | None]:
    return ("known", part / whole, part, whole) if whole else ("not_applicable", None, part, whole)


def reported(figure: Figure) -> tuple[str, float | None, int | None, int | None]:
    return figure.state, figure.value, figure.numerator, figure.denominator


def same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether both are equal; a length to the microsecond, a difference of rates to the last bits of a float."""
    if one[0] != other[0] or one[2:] != other[2:] or (one[1] is None) != (other[1] is None):
        return False
    return one[1] is None or abs(one[1] - other[1]) < 1e-6


def shown(kind: str, want: tuple[str, float | None, int | None, int | None], language: str) -> str:
    """The figure as printed."""
    state, value, part, whole = want
    signs = {
        "not_applicable": ("s. o.", "n/a"), "not_available": ("n. d.", "not available"),
        "too_few": ("trop peu d’appels", "too few calls"),
    }  # fmt: skip
    if state != "known" or value is None:
        return signs[state][language == "en"]
    match kind:
        case "count" | "rings":
            text = f"{int(value):,}"
            return text.replace(",", NBSP) if language == "fr" else text
        case "rate":
            assert part is not None
            assert whole is not None
            if whole < 20:
                return f"{part}{NBSP}{'sur' if language == 'fr' else 'of'}{NBSP}{whole}"
            return _percent(part, whole, language)
        case "difference":
            tenths = round(abs(value) * 1000)
            sign = "" if not tenths else "+" if value > 0 else "\N{MINUS SIGN}"
            plural = "s" if language == "en" or tenths >= 20 else ""
            return f"{sign}{_point(tenths, language)}{NBSP}point{plural}"
        case "hours":
            return f"{_point(int(value * 10 + 1e-9), language)}{NBSP}h"
        case _:
            return _length(value, language)


def _percent(part: int, whole: int, language: str) -> str:
    tenths = int(1000 * part / whole + 0.5)
    tenths = 1000 if part == whole else 0 if part == 0 else max(1, min(999, tenths))
    text = str(tenths // 10) if tenths in (0, 1000) else _point(tenths, language)
    return f"{text}{NBSP}%" if language == "fr" else f"{text}%"


def _point(tenths: int, language: str) -> str:
    return f"{tenths // 10}{',' if language == 'fr' else '.'}{tenths % 10}"


def _length(value: float, language: str) -> str:
    divided, unit = (value, "s") if value < 120 else (value / 60, "min") if value < 7200 else (value / 3600, "h")
    return f"{_point(int(divided * 10 + 1e-9), language)}{NBSP}{unit}"


# Reading the output back.


def rows_of(data: bytes, language: str) -> list[dict[str, str]]:
    """A CSV file's rows, by column name."""
    text = data.decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text), delimiter=";" if language == "fr" else ","))


class Page(HTMLParser):
    """A page's tables by id, as rows of texts; its ids, and its start tags.

    The texts under the figures of cells are apart. The column of drawings is left out.
    """

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._table: list[list[str]] | None = None
        self._cell: list[str] | None = None
        self.under: list[str] = []
        self._is_under = False
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "table":
            self._table = self.tables.setdefault((given["id"] or "").removeprefix("table-"), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th") and given.get("class") != "trends":
            self._cell = []
        elif given.get("class") == "under":
            self._is_under = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._cell is not None and self._table is not None:
            self._table[-1].append("".join(self._cell).removesuffix(" "))
            self._cell = None
        elif tag == "span":
            self._is_under = False
        elif tag == "table":
            self._table = None

    def handle_data(self, data: str) -> None:
        if self._is_under:
            self.under.append(data)
        elif self._cell is not None:
            self._cell.append(data)


def places(report: Report) -> Iterator[tuple[Place, Figure]]:
    """All figures that a truth contains."""
    yield from ((place, one) for place, one in report.figures.items() if place.name not in APART)
