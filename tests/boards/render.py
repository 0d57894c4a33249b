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

from tests.boards.model import LENGTH, NORMAL, Board, Column, Panel, Query, Text, Told, written
from tests.boards.options import custom, options
from tests.boards.variables import DATASOURCES, annotations, links, variables

Json = dict[str, Any]
ZONE = "America/Toronto"
TABLE_OF = Text("{} (tableau)", "{} (table)")


class Sql(variants.Dataquery):
    """A query of Grafana's PostgreSQL source, which the builders do not know."""

    def __init__(self, text: str, letter: str, as_series: bool) -> None:
        self._json = {
            "datasource": {"type": DATASOURCES["postgres"], "uid": "${postgres}"},
            "editorMode": "code",
            "format": "time_series" if as_series else "table",
            "rawQuery": True,
            "rawSql": text,
            "refId": letter,
        }

    def build(self) -> Sql:
        return self

    def to_json(self) -> dict[str, object]:
        return dict(self._json)


def twin(panel: Panel, columns: Iterable[Column] = (), **changes: Any) -> Panel:
    """The same figures as a table, for whoever cannot see a graph."""
    title = Text(TABLE_OF.fr.format(panel.title.fr), TABLE_OF.en.format(panel.title.en))
    shown = tuple(columns) or panel.columns
    return replace(panel, kind="table", title=title, columns=shown, is_stacked=False, **changes)


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
    for annotation, query in zip(made["annotations"]["list"], annotations.queries(language), strict=True):
        annotation["target"] = query  # the builders know annotations of Prometheus alone
    return made


def as_text(made: Json) -> str:
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _panels(board: Board, language: str) -> Iterator[m.Panel]:
    number, y = 1, 0
    for row in board.rows:
        x = 0
        for panel in row:
            yield _panel(board.name, panel, number, m.GridPos(h=panel.h, w=panel.w, x=x, y=y), language)
            number, x = number + 1, x + panel.w
        assert x <= 24, f"{board.name}: a row is wider than the board: {row[0].title.en}"
        y += max(panel.h for panel in row)


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
    to_guide = b.DashboardLink(GUIDE.said(language)).type(m.DashboardLinkType.LINK)
    made.links([to_guide.url(f"${{runbook}}#board-{board}")])
    for letter, query in zip("ABCDEFGHIJ", panel.queries, strict=False):
        made.with_target(_target(panel, query, letter, language))
    return made.build()


GUIDE = Text("Comment lire ce tableau", "How to read this board")


def _target(panel: Panel, query: Query, letter: str, language: str) -> Any:
    text = written(query, language)
    if query.source == "postgres":
        return Sql(text, letter, query.span == "range" and panel.kind != "table")
    made = prometheus.Dataquery().expr(text).ref_id(letter).legend_format(query.legend.said(language))
    made = made.format("table" if panel.kind == "table" else "time_series")
    made = made.range() if query.span == "range" else made.instant()
    return made.datasource(m.DataSourceRef(DATASOURCES["prometheus"], "${prometheus}"))


def field(panel: Panel, column: Column, language: str) -> str:
    """What Grafana calls it: a number of Prometheus after its query's letter where there are several."""
    if panel.queries[0].source == "prometheus" and len(column.key) == 1:
        return "Value" if len(panel.queries) == 1 else f"Value #{column.key}"
    return column.key.replace("§lang", language)


def _transformations(panel: Panel, language: str) -> Iterator[m.DataTransformerConfig]:
    """The answers of several queries become one table; only its columns stay, in their order."""
    if panel.kind != "table" or panel.queries[0].source == "postgres":
        return
    names = [field(panel, column, language) for column in panel.columns]
    if len(panel.queries) > 1:
        yield m.DataTransformerConfig(id_val="merge", options={})
    yield m.DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": names}})
    order = {name: n for n, name in enumerate(names)}
    yield m.DataTransformerConfig(id_val="organize", options={"indexByName": order})


def _fields(panel: Panel, language: str) -> m.FieldConfigSource:
    colour = m.FieldColor(
        mode=m.FieldColorModeId.FIXED, fixed_color="text" if panel.kind != "bargauge" else NORMAL
    )
    first = panel.columns[0]
    shared = {column.unit for column in panel.columns}
    defaults = m.FieldConfig(
        unit=first.unit.said(language) if len(shared) == 1 else "none",
        no_value=panel.empty.said(language),
        # Grafana would begin bars at the least of their values, and show that one as nothing.
        min_val=0 if panel.kind == "bargauge" else None,
        color=colour,
        thresholds=m.ThresholdsConfig(m.ThresholdsMode.ABSOLUTE, [m.Threshold(color="text")]),
        mappings=[],
        custom=custom(panel),
    )
    overrides = [_override(panel, column, language) for column in panel.columns]
    return m.FieldConfigSource(defaults, overrides)


def _override(panel: Panel, column: Column, language: str) -> m.DashboardFieldConfigSourceOverrides:
    is_value = panel.queries[0].source == "prometheus" and len(column.key) == 1
    if is_value and panel.kind != "table":
        matcher = m.MatcherConfig(id_val="byFrameRefID", options=column.key)
    else:
        matcher = m.MatcherConfig(id_val="byName", options=field(panel, column, language))
    return m.DashboardFieldConfigSourceOverrides(matcher, list(_properties(panel, column, language)))


def _properties(panel: Panel, column: Column, language: str) -> Iterator[m.DynamicConfigValue]:
    named = not any(query.legend.fr for query in panel.queries)
    # A bar of a row's own has that row's words for a name; given another here, all bars would have the same.
    if panel.kind == "table" or (named and not (panel.kind == "bargauge" and panel.by_row)):
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
    told = [value for _, value in column.values] + [value for *_, value in column.ranges]
    return any(one.colour for one in told)


def _mappings(column: Column, language: str) -> Iterator[Json]:
    if column.values:
        said = {key: _result(told, n, language) for n, (key, told) in enumerate(column.values)}
        yield {"type": "value", "options": said}
    for n, (begin, end, told) in enumerate(column.ranges, len(column.values)):
        yield {"type": "range", "options": {"from": begin, "to": end, "result": _result(told, n, language)}}


def _result(told: Told, index: int, language: str) -> Json:
    # An empty text would be shown in the number's place.
    said: Json = {"index": index} | ({"text": text} if (text := told.text.said(language)) else {})
    return said | ({"color": told.colour} if told.colour else {})


__all__ = ["LENGTH", "as_text", "rendered", "twin"]
