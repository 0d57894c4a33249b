"""Answers made up for every panel: what its queries could give, and what must then be read on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dashboards.source import LANGUAGES
from dashboards.source.asking import Frame, shown
from dashboards.source.model import Column, Panel, Query
from dashboards.source.readback import SOURCES, Reader, field

Json = dict[str, Any]
ROWS = 3
OF_TEXT = {"mode": "tty", "sink": "database", "comparison": "tty_voice"}


class Sample:
    """One panel in one language. `frames` and `truth` are of the same made-up numbers."""

    def __init__(self, reader: Reader, json: Json) -> None:
        self._reader, self._json = reader, json
        self.frames = list(self._frames(reader.panel, json))
        rows = [{key: value for key, value in row.items() if key} for row in shown(json, self.frames)]
        self.truth = rows if json["type"] != "stat" else [self._figure(row) for row in rows]

    def _figure(self, row: Json) -> Json:
        return {key: value for key, value in row.items() if key != "Time"}

    def _frames(self, panel: Panel, json: Json) -> Iterator[Frame]:
        for n, (query, target) in enumerate(zip(panel.queries, json["targets"], strict=True)):
            if query.source == "postgres":
                yield {"refId": target["refId"], "fields": list(self._columns(panel, query))}
            elif panel.kind in ("table", "barchart"):
                yield self._labelled(panel, n, target)
            else:
                yield from self._series(n, panel.columns[min(n, len(panel.columns) - 1)], query, target)

    def _columns(self, panel: Panel, query: Query) -> Iterator[Json]:
        rows = 1 if panel.kind == "stat" else ROWS
        keys = [column.key.replace("§lang", self._reader.language) for column in panel.columns]
        for key, column in zip(keys, panel.columns, strict=True):
            measured = self._reader.measure(column)
            kind = "string" if measured == "text" else "time" if measured == "milliseconds" else "number"
            yield _field(key, kind, [self._value(column, measured, n) for n in range(rows)])

    def _labelled(self, panel: Panel, n: int, target: Json) -> Frame:
        column = next((one for one in panel.columns if one.key == target["refId"]), None)
        labels = [one for one in panel.columns if len(one.key) > 1 and one.key != "Time"]
        names = [field(panel, one, self._reader.language) for one in labels]
        fields = [_field("Time", "time", [self._at(row) for row in range(ROWS)])]
        for name, one in zip(names, labels, strict=True):
            fields.append(_field(name, "string", [self._value(one, "text", row) for row in range(ROWS)]))
        value = "Value" if len(panel.queries) == 1 else f"Value #{target['refId']}"
        measured = "count" if column is None else self._reader.measure(column)
        one = column or panel.columns[0]
        fields.append(_field(value, "number", [self._value(one, measured, row) for row in range(ROWS)]))
        return {"refId": target["refId"], "fields": fields}

    def _series(self, place: int, column: Column, query: Query, target: Json) -> Iterator[Frame]:
        """No curve upon another: each has values of its own."""
        moments = range(ROWS) if query.span == "range" else range(1)
        measured = self._reader.measure(column)
        apart = 0 if column.values else 4 * place
        value = _field("Value", "number", [self._value(column, measured, n) + apart for n in moments])
        legend = re.sub(r"\{\{\w+\}\}", "toronto", query.legend.said(self._reader.language))
        if legend:
            value["config"] = {"displayNameFromDS": legend}
        step = self._step(query)
        times = _field("Time", "time", [self._at(n, step) for n in moments])
        yield {"refId": target["refId"], "fields": [times, value]}

    def _step(self, query: Query) -> int:
        """Points stand apart on the board's axis of time."""
        if not query.every:
            return 60
        return 3600 if self._reader.board == "live" else 86_400

    def _at(self, n: int, step: int = 60) -> float:
        return (self._reader.now - step * (ROWS - n)) * 1000

    def _value(self, column: Column, measured: str, n: int) -> Any:
        match measured:
            case "text":
                return OF_TEXT.get(column.key, f"{n + 1}. …")
            case "milliseconds":
                return self._at(n)
            case "percent" | "rate" | "minutes" | "hours":
                return 12.3 + n
            case "seconds":
                return 83.0 + n
            case "bytes":
                return (90.0 + n) * 2**20
        return 1.0 if column.values else 5.0 + n


def _field(name: str, kind: str, values: list[Any]) -> Json:
    return {"name": name, "type": kind, "values": values}


def samples(name: str, board: Json, language: str, now: float) -> dict[int, Sample]:
    """Of every panel of a board."""
    assert language in LANGUAGES
    return {
        panel["id"]: Sample(Reader(name, panel["id"], language, now), panel)
        for panel in board["panels"]
        if (name, panel["id"]) in SOURCES
    }
