"""Charts of a table's figures as inline SVG, each with a title and a description; the table has their data. Pure.

Horizontal bars, or upright ones for times, with labels and numbers as text.

Refuses: to convey anything by colour alone.
"""

from markupsafe import Markup, escape

from callmon.reports.formatter import FEW, ReportFormatter
from callmon.reports.layout import LayoutRow, LayoutTable
from callmon.reports.model import Figure

WIDTH, LABEL, NUMBER, HEIGHT, THICK, TALL = 760, 290, 70, 24, 16, 90
Bar = tuple[str, Figure]


def bar_chart(table: LayoutTable, tongue: ReportFormatter) -> Markup | None:
    """The chart of a table; None when no count is above 0."""
    bars = [(label, figure) for label, figure in _bars(table) if figure.kind == "count"]
    most = max((float(figure.value or 0) for _, figure in bars if figure.state == "known"), default=0.0)
    if most <= 0:
        return None
    draw, height = (_column, TALL + 40) if table.chart == "columns" else (_bar, HEIGHT * len(bars) + 8)
    title, described = _told(table, bars, tongue)
    shapes = Markup("").join(
        draw(index, len(bars), label, figure, most, tongue) for index, (label, figure) in enumerate(bars)
    )
    key = f"chart-{table.key}"
    return Markup(
        '<svg role="img" aria-labelledby="{key}-t {key}-d" viewBox="0 0 {width} {height}" class="chart">'
        '<title id="{key}-t">{title}</title><desc id="{key}-d">{described}</desc>{shapes}</svg>'
    ).format(key=key, width=WIDTH, height=height, title=title, described=described, shapes=shapes)


def bar_percent(figure: Figure, table: LayoutTable) -> int | None:
    """The length of the bar in a cell, in percent; None for a cell without a bar.

    A rate of few calls has none. A count is compared with the largest count of the table.
    """
    if table.chart != "cells" or figure.state != "known" or figure.value is None:
        return None
    if figure.kind == "rate":
        return round(100 * figure.value) if (figure.denominator or 0) >= FEW else None
    counts = [x.value for row in table.rows for x in row.cells if x.kind == "count" and x.value]
    return round(100 * figure.value / max(counts)) if counts else None


def _bars(table: LayoutTable) -> list[Bar]:
    """The bars: the whole for rings, every row for times."""
    match table.chart:
        case "rings":
            cells = zip(table.head, table.rows[0].cells, strict=True)
            return [(label, figure) for label, figure in cells if figure.place.name == "rings_to_answer"]
        case "columns":
            return [(row.label, row.cells[0]) for row in _trimmed(table.rows)]
    return []


def _trimmed(rows: tuple[LayoutRow, ...]) -> tuple[LayoutRow, ...]:
    """The rows without those before the first and after the last count (the hours of the night)."""
    used = [index for index, row in enumerate(rows) if row.cells[0].value or row.cells[0].state == "suppressed"]
    return rows[used[0] : used[-1] + 1] if used else ()


def _told(table: LayoutTable, bars: list[Bar], tongue: ReportFormatter) -> tuple[str, str]:
    described = tongue.say("Diagramme à barres; les chiffres sont dans le tableau qui suit.")
    first = "" if table.chart == "rings" else f"{table.head[0]}. "
    return tongue.say("Diagramme : {title}", title=table.title), f"{first}{described}"


def _bar(index: int, _count: int, label: str, figure: Figure, most: float, tongue: ReportFormatter) -> Markup:
    top = 4 + index * HEIGHT
    room = WIDTH - LABEL - NUMBER
    known = figure.state == "known" and figure.value is not None
    width = round(room * float(figure.value or 0) / most, 1) if known else 0.0
    return Markup(
        '<text x="{at}" y="{base}" text-anchor="end" class="label" font-size="13">{label}</text>'
        '<rect x="{left}" y="{top}" width="{width}" height="{thick}" class="bar" fill="#1a5a96"/>'
        '<text x="{after}" y="{base}" class="number" font-size="13">{number}</text>'
    ).format(
        at=LABEL - 8, base=top + 13, label=escape(label), left=LABEL, top=top, width=width, thick=THICK,
        after=LABEL + width + 6, number=escape(tongue.figure(figure)),
    )  # fmt: skip


def _column(index: int, count: int, label: str, figure: Figure, most: float, tongue: ReportFormatter) -> Markup:
    """An upright bar; of more than 8 bars, every fourth has its label, and none its number."""
    step, is_many = WIDTH / count, count > 8
    known = figure.state == "known" and figure.value is not None
    height = round(TALL * float(figure.value or 0) / most, 1) if known else 0.0
    middle, top = round((index + 0.5) * step, 1), round(20 + TALL - height, 1)
    bar = Markup('<rect x="{x}" y="{top}" width="{width}" height="{height}" class="bar" fill="#1a5a96"/>').format(
        x=round((index + 0.1) * step, 1), top=top, width=round(0.8 * step, 1), height=height
    )
    text = Markup('<text x="{x}" y="{y}" text-anchor="middle" class="label" font-size="13">{text}</text>')
    texts = [] if is_many and index % 4 != 2 else [text.format(x=middle, y=TALL + 36, text=label)]
    texts += [] if is_many else [text.format(x=middle, y=top - 5, text=tongue.figure(figure))]
    return Markup("").join([bar, *texts])
