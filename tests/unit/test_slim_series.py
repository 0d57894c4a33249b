"""The slim series of /metrics: fewer, and enough for each shipped board and rule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from callmon.config.standards import ALL_STANDARDS
from callmon.core.statistics.counters import BY_NAME, CORRECTED, DETAILS, Figures, LabelValues, zeros
from callmon.sinks.metrics.counter_text import FiguresText
from tests.support.daemon_process import ROOT

SIX = {f"line{n}": timedelta(seconds=6) for n in range(6)}
SETS = LabelValues(SIX, tuple(ALL_STANDARDS), ("toronto",))
NAMES = re.compile(r"callmon_\w+")


def expressions() -> Iterator[str]:
    """Every question that a shipped board or rule asks of Prometheus."""
    for file in sorted((ROOT / "dashboards" / "grafana").glob("??/*.json")):
        yield from re.findall(r'"expr": "(.*)"', file.read_text("utf-8"))
        yield from (x["query"] for x in variables(json.loads(file.read_text("utf-8"))))
    for file in sorted((ROOT / "dashboards" / "prometheus").glob("*.rules.yml")):
        groups = yaml.safe_load(file.read_text("utf-8"))["groups"]
        yield from (rule["expr"] for group in groups for rule in group["rules"])


def variables(board: dict[str, dict[str, list[dict[str, str]]]]) -> list[dict[str, str]]:
    return [one for one in board["templating"]["list"] if isinstance(one.get("query"), str)]


def counted(is_slim: bool, figures: Figures | None = None) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples, as Prometheus reads them."""
    text = FiguresText(SETS, is_slim).render(figures or {})
    families = text_string_to_metric_families(text)
    return {(x.name, frozenset(x.labels.items())): x.value for family in families for x in family.samples}


@pytest.mark.parametrize(("is_slim", "series"), [(False, 1_717), (True, 1_429)])
def test_six_lines_and_ten_standards_cost_a_known_number_of_series(is_slim: bool, series: int) -> None:
    assert (len(SIX), len(ALL_STANDARDS), len(counted(is_slim))) == (6, 10, series)


def test_the_slim_series_lack_exactly_the_unused_metrics() -> None:
    asked = {
        BY_NAME.get(re.sub(r"_(bucket|sum|count)$", "", name)) for x in expressions() for name in NAMES.findall(x)
    }
    names = {metric.name for metric in asked if metric is not None}
    kept = {"callmon_answer_wait_seconds", "callmon_voicemail_rings"}  # others may ask for these names
    assert BY_NAME.keys() - names == DETAILS | kept


def test_a_board_of_corrected_verdicts_adds_the_old_and_the_new_ones() -> None:
    asked = {x for x in expressions() if CORRECTED.name in x}
    inner = f'max by (standard, line, from, to) ({CORRECTED.name}{{job=~\\"$job\\"}})'
    enabled = 'max by (standard) (callmon_standard_enabled{job=~\\"$job\\"})'
    assert asked == {f"(sum by (standard) ({inner}) or 0 * {enabled})"}


def test_slim_series_have_the_same_values() -> None:
    figures = {figure: float(n) for n, figure in enumerate(zeros(SETS))}
    full, slim = counted(False, figures), counted(True, figures)
    assert {key: full[key] for key in slim} == slim
    bounds = {dict(labels)["le"] for name, labels in slim if name == "callmon_answer_wait_seconds_bucket"}
    assert bounds == {"18.0", "24.0", "36.0", "60.0", "+Inf"}


def test_a_cause_that_a_standard_seldom_gives_is_shown_once_it_happened() -> None:
    key = (
        "callmon_not_met_cause_total",
        frozenset({"standard": "bilingual_person", "line": "line1", "cause": "nobody_free"}.items()),
    )
    assert (
        counted(True).get(key),
        counted(True, {(key[0], "bilingual_person", "line1", "nobody_free"): 1.0}).get(key),
    ) == (None, 1.0)
