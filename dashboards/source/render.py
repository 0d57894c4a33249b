"""A board as Grafana's JSON, made by Grafana's own typed builders (the model of 11.6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import variants
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as m

from dashboards.source.model import MOMENT, NORMAL, OVER, QUIET, Board, Column, Panel, Query, Text, Told, written
from dashboards.source.options import custom, options
from dashboards.source.variables import DATASOURCES, SOURCES, annotations, links, variables

Json = dict[str, Any]
ZONE = "America/Toronto"
TIME = Column("Time", Text("Heure", "Time"), MOMENT, width=190)
TABLES = Text("Les mêmes chiffres en tableaux", "The same figures as tables")
WIDE = 5  # columns in half of the board, at most
TABLE_OF = Text("{} (tableau)", "{} (table)")


class Sql(variants.Dataquery):
    """A query of Grafana's PostgreSQL source, which the builders do not know."""

    def __init__(self, text: str, letter: str) -> None:
        self._json = {
            "datasource": {"type": DATASOURCES["postgres"], "uid": "${postgres}"},
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": text,
            "refId": letter,
        }

    def build(self) -> Sql:
        return self

    def to_json(self) -> dict[str, object]:
        return dict(self._json)


def twin(panel: Panel, columns: Iterable[Column] = (), **changes: Any) -> Panel:
    """The same figures as a table, for a person who cannot see a graph."""
    title = Text(TABLE_OF.fr.format(panel.title.fr), TABLE_OF.en.format(panel.title.en))
    first = (TIME,) if panel.queries[0].span == "range" else ()
    shown = tuple(replace(one, colour=None) for one in columns or (*first, *panel.columns))
    wide = 24 if len(shown) > WIDE else 12
    plain: dict[str, Any] = {"is_stacked": False, "w": wide, "h": 8, "mark": None, "least": None, "most": None}
    return replace(panel, kind="table", title=title, columns=shown, **plain | changes)


def rendered(board: Board, language: str) -> Json:
    """The whole of it, keys sorted, ready to be written."""
    built = (
        b.Dashboard(board.title.said(language))
        .uid(f"callmon-{board.name}-{language}")
        .description(board.description.said(language))
        .tags(["callmon", f"callmon-{language}"])
        .timezone(ZONE)
        .time(board.since, "now")
        .refresh(board.refresh)
        .week_start("monday")
        .readonly()
    )
    for variable in variables(board, language):
        built.with_variable(variable)
    for link in links(board, language):
        built.link(link)
    for annotation in annotations(language):
        built.annotation(annotation)
    made: Json = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
    made["panels"] = [json.loads(JSONEncoder(sort_keys=True).encode(p)) for p in _panels(board, language)]
    for annotation, reported in zip(made["annotations"]["list"], annotations.reported(language), strict=True):
        annotation |= reported
    return made | _imported(board)


def _imported(board: Board) -> Json:
    """What Grafana asks for when a person imports the file."""
    kinds = sorted({panel.kind for panel in board.panels()})
    inputs = [
        {
            "name": f"DS_{name.upper()}",
            "label": SOURCES[name],
            "description": "",
            "type": "datasource",
            "pluginId": DATASOURCES[name],
            "pluginName": SOURCES[name],
        }
        for name in board.sources()
    ]
    requires = [{"type": "grafana", "id": "grafana", "name": "Grafana", "version": "11.6.0"}]
    requires += [
        {"type": "datasource", "id": one["pluginId"], "name": one["pluginName"], "version": "1.0.0"}
        for one in inputs
    ]
    requires += [{"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds]
    return {"__inputs": inputs, "__requires": requires}


def as_text(made: Json) -> str:
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _panels(board: Board, language: str) -> Iterator[m.Panel | m.RowPanel]:
    number, y = 1, 0
    for row in board.rows:
        x = 0
        for panel in row:
            yield _panel(board.name, panel, number, m.GridPos(h=panel.h, w=panel.w, x=x, y=y), language)
            number, x = number + 1, x + panel.w
        assert x <= 24, f"{board.name}: a row is wider than the board: {row[0].title.en}"
        y += max(panel.h for panel in row)
    if board.tables:
        yield _tables(board, number, y, language)


def _tables(board: Board, number: int, y: int, language: str) -> m.RowPanel:
    """A collapsed row: the panels' places are those that they have when it is open."""
    within, x, height = [], 0, 0
    at = m.GridPos(h=1, w=24, x=0, y=y)
    y += 1
    for n, panel in enumerate(board.tables, number):
        if x + panel.w > 24:
            x, y, height = 0, y + height, 0
        within.append(_panel(board.name, panel, n, m.GridPos(h=panel.h, w=panel.w, x=x, y=y), language))
        x, height = x + panel.w, max(height, panel.h)
    number += len(board.tables)
    return m.RowPanel(collapsed=True, title=TABLES.said(language), grid_pos=at, id_val=number, panels=within)


def _panel(board: str, panel: Panel, number: int, at: m.GridPos, language: str) -> m.Panel:
    (source,) = {query.source for query in panel.queries}
    made = (
        b.Panel()
        .type(panel.kind)
        .id(number)
        .title(panel.title.said(language))
        .description(panel.description.said(language))
        .datasource(m.DataSourceRef(DATASOURCES[source], f"${{{source}}}"))
        .grid_pos(at)
        .options(options(panel))
        .field_config(_fields(panel, language))
        .transformations(list(_transformations(panel, language)))
    )
    if panel.points is not None:
        made.max_data_points(panel.points)
    to_guide = b.DashboardLink(GUIDE.said(language)).type(m.DashboardLinkType.LINK)
    made.links([to_guide.url(f"${{runbook}}#board-{board}")])
    for letter, query in zip("ABCDEFGHIJ", panel.queries, strict=False):
        made.with_target(_target(panel, query, letter, language))
    return made.build()


FORMATS = {"table": "table", "barchart": "table", "heatmap": "heatmap"}
GUIDE = Text("Comment lire ce tableau", "How to read this board")


def _target(panel: Panel, query: Query, letter: str, language: str) -> Any:
    text = written(query, language)
    if query.source == "postgres":
        return Sql(text, letter)
    made = (
        prometheus.Dataquery()
        .expr(text)
        .ref_id(letter)
        .legend_format(query.legend.said(language).replace("§lang", language))
    )
    made = made.format(FORMATS.get(panel.kind, "time_series"))
    if panel.kind == "heatmap":  # Prometheus answers with none where it stores none
        made = made.exemplar(True)
    if query.every:
        made = made.interval(query.every)
    made = made.range() if query.span == "range" else made.instant()
    return made.datasource(m.DataSourceRef(DATASOURCES["prometheus"], "${prometheus}"))


def field(panel: Panel, column: Column, language: str) -> str:
    """What Grafana calls it: a number of Prometheus after its query's letter where there are several."""
    if panel.queries[0].source == "prometheus" and len(column.key) == 1:
        return "Value" if len(panel.queries) == 1 else f"Value #{column.key}"
    return column.key.replace("§lang", language)


def _transformations(panel: Panel, language: str) -> Iterator[m.DataTransformerConfig]:
    """The answers of several queries become one table; only its columns stay, in their order."""
    if panel.kind not in ("table", "barchart") or panel.queries[0].source == "postgres":
        return
    names = [field(panel, column, language) for column in panel.columns]
    if len(panel.queries) > 1:
        yield m.DataTransformerConfig(id_val="merge", options={})
    if panel.order:
        by = [{"field": f"Value #{panel.order}"}]
        yield m.DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": by})
    yield m.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": names}})
    order = {name: n for n, name in enumerate(names)}
    yield m.DataTransformerConfig(id_val="organize", options={"indexByName": order})


def _fields(panel: Panel, language: str) -> m.FieldConfigSource:
    is_named_by_labels = any("{{" in query.legend.en for query in panel.queries)
    mode = m.FieldColorModeId.FIXED
    if panel.kind == "timeseries" and is_named_by_labels and not any(one.colour for one in panel.columns):
        mode = m.FieldColorModeId.PALETTE_CLASSIC_BY_NAME
    if panel.kind == "barchart":
        mode = m.FieldColorModeId.THRESHOLDS
    colour = m.FieldColor(mode=mode, fixed_color="text" if mode == m.FieldColorModeId.FIXED else None)
    first = panel.columns[0]
    shared = {column.unit for column in panel.columns}
    defaults = m.FieldConfig(
        unit=first.unit.said(language) if len(shared) == 1 else "none",
        no_value=panel.empty.said(language),
        min_val=panel.least,
        max_val=panel.most,
        color=colour,
        thresholds=m.ThresholdsConfig(m.ThresholdsMode.ABSOLUTE, list(_marks(panel))),
        mappings=[],
        custom=custom(panel),
    )
    overrides = [_override(panel, column, language) for column in panel.columns]
    return m.FieldConfigSource(defaults, overrides)


def _marks(panel: Panel) -> Iterator[m.Threshold]:
    if panel.kind == "barchart":  # on either side of zero
        yield m.Threshold(color=OVER)
        yield m.Threshold(color=QUIET, value=-panel.neutral)
        yield m.Threshold(color=NORMAL, value=panel.neutral)
        return
    yield m.Threshold(color="text")
    if panel.mark is not None:
        yield m.Threshold(color=OVER, value=panel.mark)


def _override(panel: Panel, column: Column, language: str) -> m.DashboardFieldConfigSourceOverrides:
    is_value = panel.queries[0].source == "prometheus" and len(column.key) == 1
    if is_value and panel.kind not in ("table", "barchart"):
        matcher = m.MatcherConfig(id_val="byFrameRefID", options=column.key)
    else:
        matcher = m.MatcherConfig(id_val="byName", options=field(panel, column, language))
    return m.DashboardFieldConfigSourceOverrides(matcher, list(_properties(panel, column, language)))


def _properties(panel: Panel, column: Column, language: str) -> Iterator[m.DynamicConfigValue]:
    named = not any(query.legend.fr for query in panel.queries)
    if panel.kind in ("table", "barchart") or named:
        yield m.DynamicConfigValue("displayName", column.title.said(language))
    yield m.DynamicConfigValue("unit", column.unit.said(language))
    if column.decimals is not None:
        yield m.DynamicConfigValue("decimals", column.decimals)
    if mappings := list(_mappings(column, language)):
        yield m.DynamicConfigValue("mappings", mappings)
    if column.colour:
        yield m.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": column.colour})
    if column.empty:
        yield m.DynamicConfigValue("noValue", column.empty.said(language))
    if column.is_dashed:
        yield m.DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 8]})
    if column.is_hidden:
        yield m.DynamicConfigValue("custom.hidden", True)
    if column.width and panel.kind == "table":
        yield m.DynamicConfigValue("custom.width", column.width)
    if _is_coloured(column) and panel.kind == "table":
        yield m.DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
    if column.link:
        seen = Text("Voir les appels", "See the calls").said(language)
        yield m.DynamicConfigValue(
            "links", [{"title": seen, "url": column.link.said(language), "targetBlank": False}]
        )


def _is_coloured(column: Column) -> bool:
    reported = [value for _, value in column.values] + [value for *_, value in column.ranges]
    return any(one.colour for one in reported)


def _mappings(column: Column, language: str) -> Iterator[Json]:
    if column.values:
        said = {key: _result(reported, n, language) for n, (key, reported) in enumerate(column.values)}
        yield {"type": "value", "options": said}
    for n, (begin, end, reported) in enumerate(column.ranges, len(column.values)):
        yield {"type": "range", "options": {"from": begin, "to": end, "result": _result(reported, n, language)}}


def _result(reported: Told, index: int, language: str) -> Json:
    # An empty text would be shown in the number's place.
    said: Json = {"index": index} | ({"text": text} if (text := reported.text.said(language)) else {})
    return said | ({"color": reported.colour} if reported.colour else {})
