"""The shipped rules and boards on VictoriaMetrics: what they give there is what they give on Prometheus.

The demonstration is scraped by a Prometheus, which hands each sample to a VictoriaMetrics. Both are then asked the
same at the same moment.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import yaml

from tests.lab.processes import begin, end
from tests.lab.prometheus import SHIPPED
from tests.lab.receivers import ReceivedPage
from tests.lab.server import Server
from tests.lab.victoria import RULES, VictoriaHanding, VictoriaMetrics, Vmalert
from tests.real.test_alerts_real import AMISS, AT_ONCE, WELL
from tests.support.daemon_process import free_port
from tests.support.store_fixtures import until

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
BOARDS = SHIPPED.parent / "grafana" / "en"
SHORTEST = 45.0  # seconds of the demonstration
ENDED = 8  # calls
MACROS = {"__range": "40s", "__interval": "5s", "__rate_interval": "15s", "__range_s": "40", "__range_ms": "40000"}


# VictoriaMetrics does not extrapolate to the ends of the range, and counts from the last value before it.
EXTRAPOLATES = re.compile(r"\b(?:rate|increase|delta|changes)\(")


class Question(NamedTuple):
    """`where`: a board's panel, or a rule."""

    where: str
    text: str
    is_range: bool
    is_of_board: bool


class VictoriaPair(NamedTuple):
    prometheus: Server
    victoria: Server
    now: float


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaPair]:
    page, place = f"127.0.0.1:{free_port()}", tmp_path_factory.mktemp("demo")
    with ExitStack() as stack:
        demo = begin([sys.executable, "-m", "callmon", "demo", "--listen", page], place / "log")
        stack.callback(end, demo)
        victoria = stack.enter_context(VictoriaMetrics())
        prometheus = stack.enter_context(VictoriaHanding(page, victoria.url, recorded=True))
        began = time.time()
        assert until(lambda: value(prometheus, "sum(callmon_calls_total)") >= ENDED, 300)
        assert until(lambda: time.time() - began > SHORTEST, 300)
        now = math.floor(time.time())
        last = "max(timestamp(callmon_exchange_events_total))"
        assert until(lambda: min(value(x, last) for x in (prometheus, victoria)) > now + 2, 300)
        yield VictoriaPair(prometheus, victoria, now)


def value(server: Server, text: str) -> float:
    found = server.get(f"/api/v1/query?{urlencode({'query': text})}")["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def questions() -> Iterator[Question]:
    for name in RULES:
        for group in yaml.safe_load((SHIPPED / name).read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                yield Question(
                    rule.get("alert") or rule["record"], rule["expr"], is_range=False, is_of_board=False
                )
    for file in sorted(BOARDS.glob("*.json")):
        board = json.loads(file.read_text("utf-8"))
        variables = {x["name"]: chosen(x) for x in board["templating"]["list"]}
        for panel in panels(board):
            for target in panel.get("targets", ()):
                if "expr" in target:
                    text = filled(target["expr"], variables)
                    where = f"{file.stem}, {panel['title']}"
                    yield Question(where, text, bool(target.get("range")), is_of_board=True)


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panels(panel) if "panels" in panel else ()


def chosen(variable: Mapping[str, Any]) -> str:
    """All values of a variable that is for a selector, else its last."""
    if variable.get("multi"):
        return ".+"
    query = variable.get("query")
    return query.split(", ")[-1].rpartition(" : ")[2] if isinstance(query, str) else ".+"


def filled(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda found: (MACROS | variables).get(found[1], found[0]), text)


def answer(server: Server, question: Question, now: float) -> dict[str, list[float]]:
    """The values by labels, without the name: it is kept in other places there."""
    asked = {"query": question.text, "nocache": "1"}
    if question.is_range:
        kind, asked = "query_range", asked | {"start": str(now - 40), "end": str(now), "step": "5"}
    else:
        kind, asked = "query", asked | {"time": str(now)}
    reported = server.get(f"/api/v1/{kind}?{urlencode(asked)}")["data"]
    if reported["resultType"] == "scalar":
        return {"{}": [float(reported["result"][1])]}  # VictoriaMetrics answers with a series
    found = {}
    for one in reported["result"]:
        labels = {name: label for name, label in one["metric"].items() if name != "__name__"}
        found[json.dumps(labels, sort_keys=True)] = [
            float(number) for _, number in one.get("values") or [one["value"]]
        ]
    return found


def equal(here: dict[str, list[float]], there: dict[str, list[float]]) -> bool:
    """Whether they are the same, but for the digits that VictoriaMetrics does not keep: 12 it keeps."""
    return here.keys() == there.keys() and all(
        len(here[labels]) == len(there[labels])
        and all(
            math.isclose(a, b, rel_tol=1e-11, abs_tol=1e-3) or (math.isnan(a) and math.isnan(b))
            for a, b in zip(here[labels], there[labels], strict=True)
        )
        for labels in here
    )


@pytest.mark.parametrize("kind", ["boards", "rules"])
def test_a_question_has_the_same_answer_unless_it_extrapolates(pair: VictoriaPair, kind: str) -> None:
    asked = [question for question in questions() if question.is_of_board == (kind == "boards")]
    found = {x: (answer(pair.prometheus, x, pair.now), answer(pair.victoria, x, pair.now)) for x in asked}
    differ = [
        f"{x.where}: {here} is {there} there" for x, (here, there) in found.items() if not equal(here, there)
    ]
    extrapolated = [x.where for x in asked if EXTRAPOLATES.search(x.text)]
    assert [text for text in differ if text.partition(":")[0] not in extrapolated] == []
    with_answers = sum(bool(here) for here, _ in found.values())
    assert with_answers > len(asked) / 3, f"{with_answers} of {len(asked)} have an answer"
    for question, (here, there) in found.items():  # what is extrapolated differs in its value alone
        assert (question.where, here.keys()) == (question.where, there.keys())


def test_vmalert_fires_the_alerts_of_prometheus_with_their_texts() -> None:
    page = ReceivedPage()
    page.text = WELL.page()
    with ExitStack() as stack:
        stack.enter_context(page)
        victoria = stack.enter_context(VictoriaMetrics())
        prometheus = stack.enter_context(VictoriaHanding(page.address, victoria.url, recorded=False))
        alerting = stack.enter_context(Vmalert(victoria, prometheus))
        recorded = "count(line:callmon_line_info:known)"
        assert until(lambda: min(value(x, recorded) for x in (prometheus, victoria)) > 0, 120)
        assert until(lambda: names(alerting) == ["CallmonHeartbeat"] == sorted(prometheus.alerts()), 120)
        # A text states the minute of a change. The two may see a change at a minute's end in different minutes.
        assert until(lambda: 5 < time.time() % 60 < 35, 60)
        page.text = AMISS.page()
        until(lambda: names(alerting) == AT_ONCE == sorted(prometheus.alerts()), 120)
        assert (names(alerting), sorted(prometheus.alerts())) == (AT_ONCE, AT_ONCE)
        here, there = (
            {alert["labels"]["alertname"]: alert for alerts in prometheus.alerts().values() for alert in alerts},
            {alert["name"]: alert for alert in alerting.alerts()},
        )
    assert texts(here) == texts(there)


def names(alerting: Vmalert) -> list[str]:
    return sorted({alert["name"] for alert in alerting.alerts()})


def texts(alerts: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Labels and texts by name, without a duration's passing seconds and the one share that is extrapolated."""
    passing = re.compile(r"\d+s\b|(?<=took )[\d.]+%|(?<=a pris )[\d.]+%")
    return {
        name: (
            {k: v for k, v in alert["labels"].items() if k not in ("alertgroup", "callmon_url", "grafana_url")},
            {k: passing.sub("§", v) for k, v in alert["annotations"].items()},
        )
        for name, alert in sorted(alerts.items())
    }
