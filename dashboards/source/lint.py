"""A linter for the boards as they are written: the published rules of Grafana's dashboard-linter, and our own.

    python -m dashboards.source.lint         says what is wrong, a line each; nothing when nothing is

It reads the JSON and knows nothing of the source that made it, so that it also sees what the source got wrong.
The published rules: title, description, unit, datasource by variable, unique ids, `$__rate_interval`, a query that
parses. Ours: no panel over another, every metric known to callmon, at most three tables of graphs. Both languages
are alike, every query is shown, and no meaning is by colour alone.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from dashboards.source import LANGUAGES, PLACE, known, promql
from dashboards.source.alike import lint_pair
from dashboards.source.model import GRAPHS, NORMAL, OTHER, OVER, PALE, QUIET, SOON

Json = dict[str, Any]
Found = Iterator[str]
COLOURS = {NORMAL, SOON, OVER, QUIET, OTHER, PALE, "text"}
SIGN = re.compile(r"[✓■○▲?]")
MOST_TWINS = 3  # tables of graphs on a board
TWIN = {"fr": " (tableau)", "en": " (table)"}
LINKS = re.compile(
    r"\$\{pages\}/(fr/(appels|rappels|perturbations|postes|besoins)"
    r"|en/(calls|callbacks|disruptions|phones|needs))(\?[\w=&.${}:-]+)?|\$\{runbook\}#board-\w+"
    r"|/d/callmon-\w+-(fr|en)"
)
UNITS = {
    "count": ("none", "short"),
    "seconds": ("s", "dthms", "suffix:s"),
    "minutes": ("suffix:min",),
    "hours": ("suffix:h",),
    "milliseconds": ("time:",),
    "bytes": ("bytes",),
    "percent": ("percent", "suffix:%", "suffix:points"),
    "rate": ("suffix:/s",),
}
SQL_MEASURES = (("_seconds", "seconds"), ("_percent", "percent"), ("_at", "milliseconds"), ("_bytes", "bytes"))


WINDOWS = {"$__rate_interval", "$__interval", "$__range", "1d"}
FIRST_SCREEN = 28  # rows of Grafana's grid on a screen of 1080 lines
SQL_BOARD = "callmon-calls-"  # the one board that may ask PostgreSQL


def lint(board: Json, language: str) -> list[str]:
    """Everything that is wrong with one board, by itself."""
    panels = board["panels"]
    found = [*_graphs_first(board)]
    found += [*_whole(board, language), *_ids(panels), *_places(panels), *_twins(panels, language)]
    for panel in panels:
        found += [f"{panel['title'] or panel['id']}: {reported}" for reported in _panel(panel, board)]
    return found


# ── a board ──


def _whole(board: Json, language: str) -> Found:
    for key in ("title", "description", "uid", "timezone", "refresh", "schemaVersion"):
        if not board.get(key):
            yield f"the board has no {key}"
    if not board["uid"].endswith(f"-{language}"):
        yield f"the board's uid is not one of {language}"
    defined = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?([a-z]+)\b", json.dumps([board["panels"], board["annotations"]])))
    yield from (f"no such variable: {name}" for name in sorted(used - defined))
    hidden = {one["name"] for one in board["templating"]["list"] if one.get("hide")}
    yield from (f"variable that nothing uses: {name}" for name in sorted(defined - used - hidden))
    for asker in (
        *board["annotations"]["list"],
        *(v for v in board["templating"]["list"] if v["type"] == "query"),
    ):
        yield from (f"{asker['name']}: {reported}" for reported in _source(asker.get("datasource")))
    for mark in board["annotations"]["list"]:
        yield from (f"{mark['name']}: {reported}" for reported in _promql("Anno", mark["target"]["expr"]))


def _graphs_first(board: Json) -> Found:
    """Its viewer looks before reading. Boards of lists and of callmon itself are for reading."""
    shown = [panel for panel in board["panels"] if not panel.get("collapsed")]
    is_sql = board["uid"].startswith(SQL_BOARD)
    if not is_sql:
        asks = [panel["title"] for panel in board["panels"] for target in panel["targets"] if "rawSql" in target]
        yield from (f"{title}: asks PostgreSQL" for title in asks)
    if is_sql or board["uid"].startswith("callmon-itself-"):
        return
    tables = [panel for panel in shown if panel["type"] == "table"]
    if 3 * len(tables) > len(shown):
        yield f"{len(tables)} of {len(shown)} panels are tables"
    on_top = [p for p in shown if p["type"] in GRAPHS and p["gridPos"]["y"] + p["gridPos"]["h"] <= FIRST_SCREEN]
    if len(on_top) < 3:
        yield f"the first screen has {len(on_top)} graphs"


def _ids(panels: list[Json]) -> Found:
    for key in ("id", "title"):
        for value, times in Counter(panel.get(key) for panel in panels).items():
            if times > 1:
                yield f"two panels with the {key} {value}"


def _places(panels: list[Json]) -> Found:
    for panel in panels:
        at = panel["gridPos"]
        if at["x"] < 0 or at["y"] < 0 or at["w"] < 1 or at["h"] < 1 or at["x"] + at["w"] > 24:
            yield f"{panel['title']}: beyond the edge of the board"
    for one, other in combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        if (
            a["x"] < b["x"] + b["w"]
            and b["x"] < a["x"] + a["w"]
            and a["y"] < b["y"] + b["h"]
            and b["y"] < a["y"] + a["h"]
        ):
            yield f"{one['title']}: overlaps {other['title']}"


def _twins(panels: list[Json], language: str) -> Found:
    """The table of a graph shows the same figures. A board has few: the pages have all of them as tables."""
    tables = {panel["title"]: panel for panel in panels if panel["type"] == "table"}
    twins = {title: table for title, table in tables.items() if title.endswith(TWIN[language])}
    graphs = {f"{panel['title']}{TWIN[language]}": panel for panel in panels if panel["type"] in GRAPHS}
    if len(twins) > MOST_TWINS:
        yield f"{len(twins)} tables of graphs"
    for title, table in twins.items():
        if title not in graphs:
            yield f"{title}: a table of no graph"
        elif not set(_asked_of(graphs[title])) & set(_asked_of(table)):
            yield f"{title}: asks for something else than its graph"


def _asked_of(panel: Json) -> Iterator[str]:
    """The series of Prometheus, or the views, that are asked."""
    for target in panel["targets"]:
        yield from re.findall(r"callmon[_:][a-z_:]+|process_\w+", target.get("expr", ""))
        yield from re.findall(r"(?:FROM|JOIN) ([a-z_]+)\b", target.get("rawSql", ""))


# ── a panel ──


def _panel(panel: Json, board: Json) -> Found:
    for key in ("title", "description"):
        if not panel.get(key, "").strip():
            yield f"no {key}"
    yield from _source(panel.get("datasource"))
    defaults = panel["fieldConfig"]["defaults"]
    if not defaults.get("noValue"):
        yield "nothing is said where there is no value"
    if not defaults.get("unit"):
        yield "no unit"
    yield from _colours(panel)
    yield from _links(panel)
    letters = Counter(target.get("refId") for target in panel["targets"])
    yield from (f"two queries {letter}" for letter, times in letters.items() if times > 1)
    for target in panel["targets"]:
        yield from _source(target.get("datasource"))
        yield from _query(panel, target)
    yield from _columns(panel, letters)


def _source(source: Any) -> Found:
    if not isinstance(source, dict) or source.get("uid") not in ("${prometheus}", "${postgres}"):
        yield "a data source that is not a variable"


def _links(panel: Json) -> Found:
    links = [*panel.get("links", ()), *(p["value"] for p in _properties(panel) if p["id"] == "links")]
    urls = [one["url"] for link in links for one in (link if isinstance(link, list) else [link])]
    if not any(url.startswith("${runbook}") for url in urls):
        yield "no link to the runbook"
    yield from (f"a link that leads nowhere: {url}" for url in urls if not LINKS.fullmatch(url))


def _properties(panel: Json) -> Iterator[Json]:
    return (one for override in panel["fieldConfig"]["overrides"] for one in override["properties"])


def _colours(panel: Json) -> Found:
    for value in re.findall(r'"(?:color|fixedColor|fill)": "([^"]+)"', json.dumps(panel)):
        if value not in COLOURS and value != "dash":  # of a line
            yield f"a colour that is none of ours: {value}"
    for override in panel["fieldConfig"]["overrides"]:
        reported = {one["id"]: one["value"] for one in override["properties"]}
        for mapping in reported.get("mappings", ()):
            given = mapping["options"]
            results = [given["result"]] if mapping["type"] == "range" else list(given.values())
            for result in results:
                said = result.get("text", reported.get("displayName", ""))
                if not said:
                    yield "a mapping to no word: the number would vanish"
                elif result.get("color") and not SIGN.search(said):
                    yield f"a meaning by colour alone: {said}"


def _query(panel: Json, target: Json) -> Found:
    letter = target.get("refId")
    text = target.get("expr", target.get("rawSql", "")).strip()
    if target.get("hide"):
        yield f"query {letter} is hidden: nobody sees its answer"
    if not text:
        yield f"query {letter} is empty"
    elif "expr" in target:
        yield from _promql(letter, text)
    else:
        yield from _sql(letter, text)


def _promql(letter: str, text: str) -> Found:
    try:
        node = promql.parsed(text)
    except ValueError as why:
        yield f"query {letter} is no PromQL: {why}"
        return
    yield from (f"query {letter}: {reported}" for reported in promql.unknown(node))
    for window in re.findall(r"\[([^\]]+)\]", text):
        if window not in WINDOWS:
            yield f"query {letter}: a window that Grafana does not choose: {window}"
    if re.search(r"\bincrease\(", text):
        yield f"query {letter}: increase() is no count"


def _sql(letter: str, text: str) -> Found:
    within = set(re.findall(r"\b(\w+) AS \(SELECT", text))
    text = re.sub(r"extract\(\w+ FROM", "extract(", text)
    for view in re.findall(r"\b(?:FROM|JOIN) ([a-z_]+)\b(?! *\()", text):
        if view not in known.VIEWS | within:
            yield f"query {letter}: no such view: {view}"
    for standard in re.findall(r"\b(standard|verdict|cause|outcome|heard|hours|mode) (?:=|IN) \(?'(\w+)'", text):
        if standard[1] not in known.VALUES[standard[0]]:
            yield f"query {letter}: never has {standard[0]} {standard[1]}"


# ── what is shown of the answers, and in which unit ──


def shown_columns(panel: Json) -> dict[str, Json]:
    """By the field's name or, for series of Prometheus, by the query's letter: its settings."""
    return {
        override["matcher"]["options"]: {one["id"]: one["value"] for one in override["properties"]}
        for override in panel["fieldConfig"]["overrides"]
    }


def _columns(panel: Json, letters: Counter[Any]) -> Found:
    columns = shown_columns(panel)
    if "rawSql" in panel["targets"][0]:
        yield from _columns_of_sql(panel["targets"][0]["rawSql"], columns)
        return
    for target in panel["targets"]:
        yield from _column_of_series(panel, target, columns)
    for name in columns:
        letter = name.removeprefix("Value #")
        if len(letter) == 1 and letter not in letters:
            yield f"a column of no query: {name}"


def _columns_of_sql(text: str, columns: dict[str, Json]) -> Found:
    last = _after_with(text)
    given = [name for name in re.findall(r"\bAS ([a-z_0-9]+)(?=,| FROM)", last) if name != "time"]
    yield from (f"a column that is not shown: {name}" for name in given if name not in columns)
    for name, reported in columns.items():
        if name not in given and name != "time":
            yield f"a column of no query: {name}"
        measured = next((what for ending, what in SQL_MEASURES if name.endswith(ending)), "count")
        yield from _unit(name, "milliseconds" if name == "time" else measured, reported.get("unit", ""))


def _after_with(text: str) -> str:
    """The last SELECT of a query with named parts, without what stands in brackets after a FROM or a JOIN."""
    if text.startswith("WITH"):
        text = text[text.rindex(") SELECT ") :]
    return re.sub(r"\(SELECT split_part.*?AS n\)", "", text)


def _column_of_series(panel: Json, target: Json, columns: dict[str, Json]) -> Found:
    letter = target["refId"]
    try:
        node = promql.parsed(target["expr"])
    except ValueError:
        return
    if letter == _order_of(panel):
        return
    name = letter
    if panel["type"] in ("table", "barchart"):
        name = "Value" if len(panel["targets"]) == 1 else f"Value #{letter}"
    if name in columns:
        yield from _unit(name, promql.measure(node), columns[name].get("unit", ""))
        return
    others = [other for other in panel["targets"] if other is not target]
    elsewhere = set().union(*(promql.labels(promql.parsed(other["expr"])) for other in others))
    if panel["type"] not in ("table", "barchart") or not (promql.labels(node) - elsewhere) & set(columns):
        yield f"query {letter}: nothing of its answer is shown"


def _order_of(panel: Json) -> str:
    """The letter of the query whose value sorts the rows."""
    for one in panel.get("transformations", ()):
        if one["id"] == "sortBy":
            return str(one["options"]["sort"][0]["field"]).removeprefix("Value #")
    return ""


def _unit(name: str, measured: str, unit: str) -> Found:
    if not any(
        unit == allowed or (allowed == "time:" and unit.startswith(allowed)) for allowed in UNITS.get(measured, ())
    ):
        yield f"wrong unit of {name}: {measured} shown as {unit or 'nothing'}"


def read(language: str, place: Path = PLACE) -> dict[str, Json]:
    """The boards of one language, by the file's name."""
    return {
        path.stem: opened(json.loads(path.read_text("utf-8")))
        for path in sorted((place / language).glob("*.json"))
    }


def opened(board: Json) -> Json:
    """The board with its collapsed rows opened: each panel that was in one says so in `collapsed`."""
    panels: list[Json] = []
    for panel in board["panels"]:
        within = panel["panels"] if panel["type"] == "row" else None
        panels += [panel] if within is None else [{**one, "collapsed": True} for one in within]
    return {**board, "panels": panels}


def everything(place: Path = PLACE) -> list[str]:
    """All boards of a folder."""
    boards = {language: read(language, place) for language in LANGUAGES}
    found = [
        f"{name}: missing {language}"
        for name in set().union(*boards.values())
        for language in LANGUAGES
        if name not in boards[language]
    ]
    for language, named in boards.items():
        found += [
            f"{language}/{name}: {reported}" for name, board in named.items() for reported in lint(board, language)
        ]
    for name in boards["fr"].keys() & boards["en"].keys():
        found += [f"{name}: {reported}" for reported in lint_pair(boards["fr"][name], boards["en"][name])]
    return sorted(found)


if __name__ == "__main__":
    reported = everything()
    print("\n".join(reported))  # noqa: T201 - this is a command
    raise SystemExit(bool(reported))
