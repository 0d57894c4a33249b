"""The boards for Grafana as they are written, and the linter that watches them: what it must see, it sees."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from callmon.config.schema import Configuration
from callmon.sinks.traces.sink import WITH_EXEMPLARS
from dashboards.source import LANGUAGES, PLACE, ROOT, alike, known, lint
from dashboards.source.model import GRAPHS, Board
from dashboards.source.render import ZONE, as_text, rendered
from dashboards.source.shown import BOARDS

Json = dict[str, Any]
RUNBOOK = {x: (ROOT / "docs" / x / "how-to" / "runbook.md").read_text("utf-8") for x in LANGUAGES}
TITLED = {"fr": "**Tableau « {} ».**", "en": '**Board "{}".**'}
PARTS = {
    "fr": ["Pour qui", "Comment le lire", "Que faire", "À ne pas conclure"],
    "en": ["For whom", "How to read it", "What to do", "Do not conclude"],
}
NAMES = [board.name for board in BOARDS]
COUNTS = {"seven": 7, "sept": 7, "eight": 8, "huit": 8}
EVERY = [(language, name) for language in LANGUAGES for name in NAMES]


def as_it_is(language: str, name: str) -> Json:
    made: Json = json.loads((PLACE / language / f"{name}.json").read_text("utf-8"))
    return made


def written(language: str, name: str) -> Json:
    """With its collapsed row opened."""
    return lint.opened(as_it_is(language, name))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_boards_are_what_the_source_gives_and_there_is_no_other(language: str) -> None:
    """To write them anew: python -m dashboards.source."""
    made = {f"{board.name}.json": as_text(rendered(board, language)) for board in BOARDS}
    assert {path.name: path.read_text("utf-8") for path in (PLACE / language).iterdir()} == made


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_grafanas_own_model_reads_a_board_and_writes_it_back_unchanged(language: str, name: str) -> None:
    """But for what an import by hand asks for, and for annotations, of which the model knows an older form."""
    register_default_plugins()
    board = as_it_is(language, name)
    back = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(deepcopy(board))))
    for annotation in board["annotations"]["list"]:
        assert annotation.pop("titleFormat")
    for annotation in (*board["annotations"]["list"], *back["annotations"]["list"]):
        assert annotation.pop("target")
    assert board.pop("__inputs")
    assert board.pop("__requires")
    assert back == board


def sources_of(board: Json) -> list[str]:
    return [name for name in ("prometheus", "postgres") if f"${{{name}}}" in json.dumps(board)]


@pytest.mark.parametrize(
    ("page", "pattern"),
    [
        ("README.md", r"\*\*(\w+) Grafana boards\*\* \((\w+) need Prometheus alone"),
        ("LISEZMOI.md", r"\*\*(\w+) tableaux de bord Grafana\*\* \((\w+) n'ont besoin que de Prometheus"),
        ("docs/en/how-to/boards-grafana.md", r"(\w+) boards in both languages .*?\. (\w+) need Prometheus alone"),
    ],
)
def test_a_document_counts_the_boards_right(page: str, pattern: str) -> None:
    of_metrics = [name for name in NAMES if "postgres" not in sources_of(as_it_is("en", name))]
    found = re.search(pattern, (ROOT / page).read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert [COUNTS[word.lower()] for word in found.groups()] == [len(NAMES), len(of_metrics)]


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_only_what_reads_a_histogram_with_exemplars_asks_for_them(language: str, name: str) -> None:
    targets = [x for panel in written(language, name)["panels"] for x in panel.get("targets", ())]
    reading = [x for x in targets if any(metric in x.get("expr", "") for metric in WITH_EXEMPLARS)]
    assert [x for x in targets if x.get("exemplar")] == reading


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_manual_import_asks_for_the_boards_sources_alone(language: str, name: str) -> None:
    board = as_it_is(language, name)
    inputs = {one["name"]: one["pluginId"] for one in board["__inputs"]}
    chosen = {
        one["current"]["value"].strip("${}"): one["query"]
        for one in board["templating"]["list"]
        if one["type"] == "datasource"
    }
    assert inputs == chosen
    assert list(inputs) == [f"DS_{source.upper()}" for source in sources_of(board)]
    required = {(one["type"], one["id"]) for one in board["__requires"]}
    kinds = {("panel", panel["type"]) for panel in written(language, name)["panels"]}
    assert required == kinds | {("datasource", plugin) for plugin in inputs.values()} | {("grafana", "grafana")}


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_at_its_top_a_board_has_its_sources_and_what_its_panels_ask_for(language: str, name: str) -> None:
    board = as_it_is(language, name)
    offered = {one["name"] for one in board["templating"]["list"] if one.get("hide", 0) == 0}
    panels = json.dumps(board["panels"])
    asked = {x for x in ("line", "language", "hours") if re.search(rf"\$\{{?{x}\b", panels)}
    assert offered == {*sources_of(board), "job", *asked}


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_links_between_boards_keep_the_time_and_every_choice(language: str, name: str) -> None:
    board = as_it_is(language, name)
    among = [link for link in board["links"] if link["type"] == "dashboards" or link["url"].startswith("/d/")]
    assert [(link["includeVars"], link["keepTime"]) for link in among] == [(True, True)] * 2
    there = {one["name"] for one in board["templating"]["list"]}
    assert there >= {"prometheus", "job", "line", "language", "hours"}


def test_no_board_but_the_last_asks_postgresql() -> None:
    asking = {
        name
        for language, name in EVERY
        if '"rawSql"' in json.dumps(as_it_is(language, name)) or "postgres" in json.dumps(as_it_is(language, name))
    }
    assert asking == {"calls"}


READ_NOT_LOOKED_AT = {"calls", "itself"}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in READ_NOT_LOOKED_AT])
def test_the_first_screen_has_three_graphs_and_few_tables(name: str) -> None:
    """On 1920 x 1080 pixels, 28 rows of Grafana's grid."""
    panels = [panel for panel in as_it_is("en", name)["panels"] if panel["type"] != "row"]
    graphs = [p for p in panels if p["type"] in GRAPHS and p["gridPos"]["y"] + p["gridPos"]["h"] <= 28]
    assert len(graphs) >= 3
    assert sum(panel["type"] == "table" for panel in panels) * 3 <= len(panels)
    (row,) = [panel for panel in as_it_is("en", name)["panels"] if panel["type"] == "row"]
    assert (row["title"], row["collapsed"]) == ("The same figures as tables", True)
    assert {panel["type"] for panel in row["panels"]} == {"table"}


def test_the_linter_has_nothing_to_say() -> None:
    assert lint.everything() == []


def test_a_day_is_the_same_in_boards_database_and_configuration() -> None:
    reported = re.search(
        r"boards\.zone\(\).*\$\$ SELECT '([^']+)' \$\$", (PLACE / "reader.sql").read_text("utf-8")
    )
    assert reported is not None
    assert {reported[1], ZONE, Configuration.model_fields["timezone"].default} == {"America/Toronto"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_the_runbook_says_how_to_read_each_board(board: Board, language: str) -> None:
    section = RUNBOOK[language].split(f"\n## board-{board.name}\n")[1].split("\n## ")[0]
    title = board.title.said(language).removeprefix("callmon · ")
    assert re.findall(r"^\*\*.*\*\*$", section, re.MULTILINE) == [TITLED[language].format(title)]
    assert re.findall(r"^\* \*([^*]+)\*", section, re.MULTILINE) == PARTS[language]


def test_every_recorded_series_of_the_boards_is_asked_for_by_one() -> None:
    rules = (PLACE.parent / "prometheus" / "boards.rules.yml").read_text("utf-8")
    asked = "".join((PLACE / "fr" / f"{name}.json").read_text("utf-8") for name in NAMES)
    recorded = re.findall(r"- record: (\S+)", rules)
    assert [name for name in recorded if name not in asked] == []
    assert known.RECORDED.issuperset(recorded)


def test_no_board_asks_for_a_number_a_phone_or_a_person() -> None:
    panels = [panel for language, name in EVERY for panel in written(language, name)["panels"]]
    asked = " ".join(target.get("expr", target.get("rawSql", "")) for p in panels for target in p["targets"])
    asked = re.sub(r"'(?:[^']|'')*'", "", asked)  # words that are said
    asked = re.sub(r'"(?:[^"])*"', "", asked)
    columns = set(re.findall(r"\b(caller|dialled|token|answered_by|extension|channel|actor|in_hand)\b", asked))
    assert columns == set()


# ── faults that are planted ──


def of_kind(board: Json, *kinds: str) -> list[Json]:
    return [panel for panel in board["panels"] if panel["type"] in kinds]


def series_of(board: Json) -> list[Json]:
    return [target for panel in board["panels"] for target in panel["targets"] if "expr" in target]


def prop(panel: Json, column: str, name: str) -> Json:
    """A setting of one column."""
    (override,) = (one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == column)
    (found,) = (one for one in override["properties"] if one["id"] == name)
    result: Json = found
    return result


def titled(board: Json, title: str) -> Json:
    (panel,) = (one for one in board["panels"] if one["title"] == title)
    result: Json = panel
    return result


Fault = Callable[[Json], object]


def in_query(before: str, after: str) -> Fault:
    """In the first query that has it."""

    def plant(board: Json) -> None:
        for panel in board["panels"]:
            for target in panel["targets"]:
                for key in ("expr", "rawSql"):
                    if before in target.get(key, ""):
                        target[key] = target[key].replace(before, after)
                        return
        raise AssertionError(f"no query has {before}")

    return plant


def unit(title: str, column: str, wrong: str) -> Fault:
    return lambda board: prop(titled(board, title), column, "unit").update(value=wrong)


def fourth_table(board: Json) -> None:
    titled(board, "Each standard")["title"] = "Rings before a person answered (table)"


def table_of_none(board: Json) -> None:
    titled(board, "How late the oldest is")["title"] = "How late"


def moved(board: Json, n: int, **by: int) -> None:
    at = board["panels"][n]["gridPos"]
    at |= {key: at[key] + more for key, more in by.items()}


def hidden_query(board: Json) -> None:
    series_of(board)[0]["hide"] = True


def query_of_nothing(board: Json) -> None:
    panel = next(p for p in of_kind(board, "table") if len(p["targets"]) > 2 and "expr" in p["targets"][0])
    panel["targets"].append({**panel["targets"][1], "refId": "Z"})


def mapped(title: str, **changes: str) -> Fault:
    """In what is said of the value 0."""
    return lambda board: prop(titled(board, title), "A", "mappings")["value"][0]["options"]["0"].update(changes)


def wrong_link(board: Json) -> None:
    prop(titled(board, "Each standard"), "title_en", "links")["value"][0]["url"] = "${pages}/en/call"


def english_default(board: Json) -> None:
    titled(board, "Prochain rappel à faire")["fieldConfig"]["defaults"]["noValue"] = "None known"


def table_of_another(board: Json) -> None:
    titled(board, "How late the oldest is (table)")["targets"][0]["expr"] = "max by (instance) (callmon_leader)"


def source_by_name(board: Json) -> None:
    series_of(board)[0]["datasource"] = {"type": "prometheus", "uid": "P1"}


def upon_another(board: Json) -> None:
    board["panels"][1]["gridPos"] = dict(board["panels"][0]["gridPos"])


def asks_sql(board: Json) -> None:
    board["panels"][0]["targets"][0]["rawSql"] = "SELECT"


def graphs_below(board: Json) -> None:
    for n in (2, 3, 4):
        moved(board, n, y=200 + 20 * n)


def opened_row(board: Json) -> None:
    """The tables of the collapsed row stand open."""
    for panel in board["panels"]:
        panel.pop("collapsed", None)


FAULTS: list[tuple[str, str, Fault, str]] = [
    # a metric that callmon does not have
    (
        "live",
        "a metric misspelt",
        in_query("callmon_callbacks_overdue{", "callmon_callback_overdue{"),
        "unknown metric",
    ),
    ("itself", "a metric of another program", in_query("callmon_sink_backlog", "node_load1"), "unknown metric"),
    (
        "parity",
        "a recorded series that no rule records",
        in_query("line:callmon_line_names:now", "line:callmon_line_names:then"),
        "unknown metric",
    ),
    (
        "live",
        "a label that the metric has not",
        in_query("callmon_exchange_connected{", 'callmon_exchange_connected{line="general", '),
        "has no label line",
    ),
    # a unit that is not what is measured
    ("itself", "seconds as a count", unit("Sinks", "Value #B", "none"), "wrong unit of Value #B: seconds"),
    ("live", "a moment in seconds", in_query("* 1000", "* 1"), "wrong unit of B: moment"),
    ("standards", "a share as a count", unit("Each standard", "Value #G", "none"), "wrong unit of Value #G"),
    ("itself", "bytes as seconds", unit("Memory", "A", "s"), "wrong unit of A: bytes"),
    # a graph without its table
    ("standards", "four tables of graphs", fourth_table, "4 tables of graphs"),
    ("itself", "a table of no graph", table_of_none, "a table of no graph"),
    ("itself", "a table of something else", table_of_another, "asks for something else than its graph"),
    # panels over one another
    ("live", "one moved up", lambda b: moved(b, 4, y=-1), "overlaps"),
    ("standards", "one made wider", lambda b: moved(b, 2, w=1), "overlaps"),
    ("callbacks", "one upon another", upon_another, "overlaps"),
    ("live", "one over the edge", lambda b: moved(b, 3, x=1), "beyond the edge"),
    # a query that is asked for nothing
    ("live", "a hidden query", hidden_query, "is hidden"),
    ("callbacks", "a query of which nothing is shown", query_of_nothing, "nothing of its answer is shown"),
    (
        "live",
        "a value that never is",
        in_query('state="unreachable"', 'state="offline"'),
        'never has state="offline"',
    ),
    (
        "standards",
        "a verdict that is none",
        in_query('verdict=~"not_met"', 'verdict=~"missed"'),
        'never has verdict="missed"',
    ),
    (
        "calls",
        "a state of mailboxes that is none",
        in_query("FROM obligations o", "FROM verdicts WHERE verdict = 'missed' AND"),
        "never has verdict missed",
    ),
    ("live", "a board of metrics that asks PostgreSQL", asks_sql, "asks PostgreSQL"),
    ("standards", "a first screen of tables", graphs_below, "the first screen has 1 graphs"),
    ("callbacks", "more tables than graphs", opened_row, "panels are tables"),
    (
        "callbacks",
        "a mark of an unknown metric",
        lambda b: b["annotations"]["list"][0]["target"].update(expr="node_load1"),
        "unknown metric",
    ),
    ("disruptions", "an empty query", lambda b: series_of(b)[0].update(expr=" "), "is empty"),
    ("calls", "a view that is not there", in_query("FROM half_hours", "FROM halves"), "no such view: halves"),
    ("calls", "a column of no query", in_query(" AS at_once", " AS together"), "a column of no query: at_once"),
    ("live", "no PromQL", in_query("max by", "maximum by"), "is no PromQL"),
    # the published rules
    ("live", "no title", lambda b: b["panels"][0].update(title=""), "no title"),
    ("parity", "no description", lambda b: b["panels"][0].update(description=" "), "no description"),
    ("itself", "a source by its name", source_by_name, "a data source that is not a variable"),
    ("callbacks", "one id twice", lambda b: b["panels"][1].update(id=1), "two panels with the id 1"),
    (
        "itself",
        "a window of its own",
        in_query("[$__rate_interval]", "[5m]"),
        "a window that Grafana does not choose",
    ),
    ("itself", "increase as a count", in_query("rate(", "increase("), "increase() is no count"),
    ("live", "a colour of its own", mapped("Measuring", color="red"), "a colour that is none of ours: red"),
    ("live", "a colour without a sign", mapped("Measuring", text="Unheard"), "a meaning by colour alone"),
    ("live", "a value shown as nothing", mapped("Measuring", text=""), "a mapping to no word"),
    ("standards", "a link to nowhere", wrong_link, "a link that leads nowhere"),
]


@pytest.mark.parametrize(("name", "fault", "plant", "reported"), FAULTS, ids=[fault for _, fault, *_ in FAULTS])
def test_the_linter_sees(name: str, fault: str, plant: Fault, reported: str) -> None:
    board = written("en", name)
    assert lint.lint(board, "en") == []
    plant(board)
    assert [one for one in lint.lint(board, "en") if reported in one] != [], lint.lint(board, "en")


BETWEEN: list[tuple[str, Fault, str]] = [
    ("a description that is not there", lambda b: b["panels"][3].update(description=""), "missing French"),
    ("a word of a value in English", mapped("Mesure", text="■ Unheard"), "missing French"),
    ("what stands where there is nothing, in English", english_default, "missing French"),
    ("a panel of one language", lambda b: b["panels"].pop(), "not alike"),
    ("another question", in_query("min(", "max("), "not alike"),
    ("another place", lambda b: moved(b, 5, h=1), "not alike"),
]


@pytest.mark.parametrize(("fault", "plant", "reported"), BETWEEN, ids=[fault for fault, *_ in BETWEEN])
def test_the_linter_sees_between_the_languages(fault: str, plant: Fault, reported: str) -> None:
    french, english = written("fr", "live"), written("en", "live")
    assert alike.lint_pair(french, english) == []
    plant(french)
    assert [one for one in alike.lint_pair(french, english) if reported in one] != []


def test_the_linter_sees_a_title_that_was_left_in_english() -> None:
    french, english = written("fr", "live"), written("en", "live")
    for n, panel in enumerate(french["panels"]):
        panel["title"] = english["panels"][n]["title"]
    seen = [reported for reported in alike.lint_pair(french, english) if "missing French" in reported]
    assert len(seen) == sum(not alike.SAME.fullmatch(panel["title"]) for panel in english["panels"])


@pytest.mark.parametrize(("language", "name"), EVERY)
def test_a_board_has_tables_of_three_graphs_at_most(language: str, name: str) -> None:
    tables = of_kind(written(language, name), "table")
    twins = [panel["title"] for panel in tables if panel["title"].endswith((" (tableau)", " (table)"))]
    assert len(twins) <= 3
