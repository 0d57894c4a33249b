"""Asks the sources what a board asks, as Grafana would: variables and macros filled in, answers as its frames."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import copy
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import psycopg

from tests.lab.prometheus import Prometheus

Json = dict[str, Any]
Frame = Json
STEP = 2  # seconds between the points of a curve: the shortest wait of this run leaves its trace


class Asked:
    """One moment, one choice of the variables, the two sources."""

    scraped_every = STEP

    def __init__(
        self, prometheus: Prometheus, reader: psycopg.Connection[Any] | None, now: float, begin: float
    ) -> None:
        self._prometheus, self._reader, self.now, self.begin = prometheus, reader, now, begin
        self.chosen: dict[str, list[str]] = {}

    def at(self, moment: float) -> Asked:
        """The same, looking at another moment."""
        other = copy(self)
        other.now = moment
        other.__dict__.pop("looked", None)
        return other

    @cached_property
    def looked(self) -> float:
        """When the last scrape before this moment began. On a busy machine one takes seconds."""
        (one,) = self._instant("timestamp(callmon_exchange_events_total)")
        return float(one["value"][1])

    def choose(self, board: Json, **chosen: str) -> None:
        """Every variable of a board: all of its values, or those that are given."""
        self.chosen = {}
        for variable in board["templating"]["list"]:
            name = variable["name"]
            values = self._values(variable)
            self.chosen[name] = [chosen[name]] if name in chosen else values

    def _values(self, variable: Json) -> list[str]:
        match variable["type"]:
            case "query":
                expression = re.fullmatch(r"query_result\((.*)\)", variable["query"]["query"])
                assert expression is not None
                reported = [_as_told(one) for one in self._instant(expression[1])]
                return [_found(variable["regex"], one) for one in reported]
            case "custom":
                values = [choice.split(" : ")[1] for choice in variable["query"].split(", ")]
                return values if variable.get("multi") else [values[-1]]
        return [str(variable.get("query", ""))]

    # ── the two sources ──

    def frames(self, panel: Json) -> list[Frame]:
        """What Grafana would have in hand for a panel, before any transformation."""
        return [frame for target in panel["targets"] for frame in self._of(target, panel)]

    def step(self, target: Json, panel: Json) -> int:
        """Seconds between two points."""
        return seconds(target.get("interval") or f"{STEP}s")

    def _of(self, target: Json, panel: Json) -> Iterator[Frame]:
        if "rawSql" in target:
            yield self._rows(target)
            return
        every = self.step(target, panel)
        text = self._filled(target["expr"].replace("$__interval", f"{every}s"), _regex)
        reported = self.over(text, every) if target.get("range") else self._instant(text)
        if target["format"] == "heatmap":
            reported = _by_bucket(reported)
        if target["format"] == "table":
            name = "Value" if len(panel["targets"]) == 1 else f"Value #{target['refId']}"
            yield _as_table(target["refId"], reported, name)
        else:
            yield from (_as_series(target, one) for one in reported)

    def marks(self, annotation: Json) -> list[str]:
        """The labels of the marks on the time axis."""
        found = self.over(self._filled(annotation["target"]["expr"], _regex), STEP)
        return [_legend(annotation["titleFormat"], one["metric"]) for one in found]

    def rows(self, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Columns and rows, as the reader of boards."""
        assert self._reader is not None
        cursor = self._reader.execute(self._filled(text, _quoted).encode())
        assert cursor.description is not None
        return [column.name for column in cursor.description], cursor.fetchall()

    def _rows(self, target: Json) -> Frame:
        columns, rows = self.rows(target["rawSql"])
        fields = [
            {
                "name": name,
                "type": _type(name, [row[n] for row in rows]),
                "values": [_plain(row[n]) for row in rows],
            }
            for n, name in enumerate(columns)
        ]
        return {"refId": target["refId"], "fields": fields}

    def _instant(self, text: str) -> list[Json]:
        return self.ask("query", query=text, time=str(self.now))

    def over(self, text: str, every: int) -> list[Json]:
        """The last ten minutes, and no fewer than two points: the last one is at this moment."""
        begin = self.now - max(600 // every, 1) * every
        return self.ask("query_range", query=text, start=str(begin), end=str(self.now), step=str(every))

    def ask(self, kind: str, **parameters: str) -> list[Json]:
        from urllib.parse import urlencode

        answer = self._prometheus.get(f"/api/v1/{kind}?{urlencode(parameters)}")
        assert answer["status"] == "success", answer
        result: list[Json] = answer["data"]["result"]
        if answer["data"]["resultType"] == "scalar":
            return [{"metric": {}, "value": result}]
        return result

    # ── variables and macros ──

    def _filled(self, text: str, write: Any) -> str:
        moment = [datetime.fromtimestamp(at, UTC).isoformat() for at in (self.begin, self.now)]
        text = re.sub(r"\$__timeFilter\(", "$__timeFilter\x00(", text)
        while (place := text.find("$__timeFilter\x00(")) >= 0:
            end = _closing(text, place + len("$__timeFilter\x00"))
            inside = text[place + len("$__timeFilter\x00(") : end]
            text = f"{text[:place]}{inside} BETWEEN '{moment[0]}' AND '{moment[1]}'{text[end + 1 :]}"
        text = text.replace("$__timeFrom()", f"'{moment[0]}'").replace("$__timeTo()", f"'{moment[1]}'")
        text = text.replace("$__rate_interval", f"{4 * self.scraped_every}s")
        text = text.replace("$__range", f"{round(self.now - self.begin)}s")
        # "$1" is no variable but a part that a pattern found, and Grafana leaves it.
        return re.sub(
            r"\$(?:\{(\w+)(?::(\w+))?\}|([a-z]\w*))", lambda m: write(self.chosen[m[1] or m[3]], m[2]), text
        )


def _closing(text: str, opening: int) -> int:
    depth = 0
    for n in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[n], 0)
        if depth == 0:
            return n
    raise ValueError(f"a bracket that is not closed: {text}")


def _quoted(values: list[str], form: str | None) -> str:
    if form == "sqlstring":
        return ",".join("'" + value.replace("'", "''") + "'" for value in values)
    return values[0]


def _regex(values: list[str], form: str | None) -> str:
    return values[0] if len(values) == 1 else f"({'|'.join(values)})"


def _as_told(one: Json) -> str:
    """As Grafana writes a series for a variable's regex: labels in order, value, time."""
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(one["metric"].items()) if name != "__name__")
    return f"{one['metric'].get('__name__', '')}{{{labels}}} {one['value'][1]} {one['value'][0] * 1000:.0f}"


def _found(regex: str, reported: str) -> str:
    match = re.search(regex.strip("/").replace("(?<", "(?P<"), reported)
    assert match is not None, (regex, reported)
    return match.groupdict().get("value") or match[1]


def _type(name: str, values: list[Any]) -> str:
    known = [value for value in values if value is not None]
    if name == "time" or (known and isinstance(known[0], datetime)):
        return "time"
    return "string" if known and isinstance(known[0], str) else "number"


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return round(value.timestamp() * 1000)
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
    return value


def seconds(interval: str) -> int:
    return int(interval[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86_400}[interval[-1]]


def _by_bucket(reported: list[Json]) -> list[Json]:
    """As Grafana makes rows of a heat map: buckets in order, each without those below it."""
    ordered = sorted(reported, key=lambda one: float(one["metric"]["le"]))
    below: dict[float, float] = {}
    found = []
    for one in ordered:
        own = [(at, str(float(text) - below.get(at, 0))) for at, text in one["values"]]
        below |= {at: float(text) for at, text in one["values"]}
        found.append({**one, "values": own})
    return found


def _number(text: str) -> float:
    return float(text)


def _points(one: Json) -> list[tuple[float, str]]:
    return one["values"] if "values" in one else [one["value"]]


def _legend(text: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda m: labels.get(m[1], ""), text)


def _as_series(target: Json, one: Json) -> Frame:
    labels = {name: value for name, value in one["metric"].items() if name != "__name__"}
    legend = _legend(target.get("legendFormat", ""), labels)
    value: Json = {"name": "Value", "type": "number", "labels": labels}
    value["values"] = [_number(text) for _, text in _points(one)]
    if legend:
        value["config"] = {"displayNameFromDS": legend}
    times = {"name": "Time", "type": "time", "values": [round(at * 1000) for at, _ in _points(one)]}
    return {"refId": target["refId"], "fields": [times, value]}


def _as_table(letter: str, reported: list[Json], name: str) -> Frame:
    labels = sorted({label for one in reported for label in one["metric"] if label != "__name__"})
    rows = [(at, one["metric"], text) for one in reported for at, text in _points(one)]
    fields: list[Json] = [{"name": "Time", "type": "time", "values": [round(at * 1000) for at, *_ in rows]}]
    fields += [
        {"name": label, "type": "string", "values": [metric.get(label) for _, metric, _ in rows]}
        for label in labels
    ]
    fields.append({"name": name, "type": "number", "values": [_number(text) for *_, text in rows]})
    return {"refId": letter, "fields": fields if rows else []}


def shown(panel: Json, frames: list[Frame]) -> list[Mapping[str, Any]]:
    """The rows of a table, or the figures of anything else, by the field's name: what its viewer would see."""
    if panel["type"] == "stat":  # the points before its last one are a sparkline
        return [rows[-1] for frame in frames if (rows := _by_row(frame))]
    if panel["type"] not in ("table", "barchart") or "rawSql" in panel["targets"][0]:
        return [row for frame in frames for row in _by_row(frame)]
    return _merged(panel, frames)


def _by_row(frame: Frame) -> list[Mapping[str, Any]]:
    fields = frame["fields"]
    if not fields:
        return []
    names = [field.get("config", {}).get("displayNameFromDS", field["name"]) for field in fields]
    count = len(fields[0]["values"])
    return [
        {"": frame["refId"], **{name: field["values"][n] for name, field in zip(names, fields, strict=True)}}
        for n in range(count)
    ]


def _merged(panel: Json, frames: list[Frame]) -> list[Mapping[str, Any]]:
    """Grafana's merge: rows that agree in all the fields that they share become one."""
    names = next(
        t["options"]["include"]["names"] for t in panel["transformations"] if t["id"] == "filterFieldsByName"
    )
    rows: list[Json] = []
    for frame in frames:
        for row in _by_row(frame):
            new = {name: value for name, value in row.items() if name and value is not None}
            same = [r for r in rows if _agree(r, new)]
            for old in same:
                old |= new
            if not same:
                rows.append(new)
    for one in panel["transformations"]:
        if one["id"] == "sortBy":
            rows.sort(key=lambda row: float(row[one["options"]["sort"][0]["field"]]))
    return [{name: row.get(name) for name in names} for row in rows]


def _agree(one: Json, other: Json) -> bool:
    shared = [k for k in one.keys() & other.keys() if not k.startswith("Value")]
    return (
        bool(shared)
        and all(one[k] == other[k] for k in shared)
        and not ({k for k in one if k.startswith("Value")} & {k for k in other if k.startswith("Value")})
    )
