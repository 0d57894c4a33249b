"""What the boards call a count is exact: by promtool, on samples with holes, a restart and a takeover."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from dashboards.source.grown import grown, in_the_week, total
from tests.lab.server import run_on

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
ANSWERED = 'outcome="answered"'
# One sample a minute, of each series by its instance; asked at two hours for the last one.
SAMPLES: dict[str, tuple[dict[str, str], float]] = {
    "one call a minute": ({"a": "0+1x240"}, 60),
    "no call": ({"a": "7x240"}, 0),
    "five calls before the first sample, four after it": ({"a": "_x89 5x9 9x60"}, 4),
    "two calls in a hole over the window's beginning": ({"a": "3x40 _x40 5x100"}, 2),
    "three calls while callmon was away at the end": ({"a": "1x70 4x20 _x100"}, 3),
    "a takeover": ({"a": "2x60 _x200", "b": "_x65 6x200"}, 4),
    "a takeover in the hour before": ({"a": "1x20 _x200", "b": "_x25 6x45 8x200"}, 2),
    "one that begins at 0": ({"a": "_x100 0x5 3x60"}, 3),
}


def written(place: Path, expression: str, samples: dict[str, str], count: float) -> Path:
    series = [
        {
            "series": f'callmon_calls_total{{instance="{one}", line="general", outcome="answered"}}',
            "values": values,
        }
        for one, values in samples.items()
    ]
    asked = {"expr": expression, "eval_time": "2h", "exp_samples": [{"labels": "{}", "value": count}]}
    rules = place / "none.rules.yml"
    rules.write_text("groups: []\n")
    reported = {
        "rule_files": [rules.name],
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}],
    }
    path = place / "growth.test.yml"
    path.write_text(yaml.safe_dump(reported))
    return path


@pytest.mark.parametrize(("samples", "count"), SAMPLES.values(), ids=list(SAMPLES))
def test_a_count_is_what_happened_between_the_last_samples_of_two_windows(
    tmp_path: Path, samples: dict[str, str], count: float
) -> None:
    path = written(tmp_path, total(grown("callmon_calls_total", ANSWERED, "1h")), samples, count)
    done = run_on(tmp_path, "promtool", "test", "rules", f"{{}}/{path.name}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_two_windows_together_are_one(tmp_path: Path) -> None:
    """Also where the hole lies over the edge between them."""
    hour = total(grown("callmon_calls_total", ANSWERED, "1h"))
    both = f"{hour} + sum(last_over_time(({hour})[1m:1m] offset 1h))"
    path = written(tmp_path, both, {"a": "0x10 2x30 _x30 5x20 9x100"}, 9)
    done = run_on(tmp_path, "promtool", "test", "rules", f"{{}}/{path.name}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_days_of_a_younger_series_are_those_that_it_has(tmp_path: Path) -> None:
    week = total(in_the_week("callmon_calls_total", ANSWERED)).replace("$__range", "8d")
    path = written(tmp_path, week, {"a": "1x60 6x200"}, 5)
    done = run_on(tmp_path, "promtool", "test", "rules", f"{{}}/{path.name}")
    assert done.returncode == 0, done.stdout + done.stderr
