"""The mixin gives the rules and boards that ship, follows its configuration, and keeps the mixins' conventions."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.server import run_on

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
DASHBOARDS = Path(__file__).parents[2] / "dashboards"
RULES = {"prometheusAlerts": "callmon.rules.yml", "prometheusRules": "boards.rules.yml"}
SELECTOR = 'job="telephony",cluster="toronto"'
OTHER = f"""{{ _config+:: {{
    callmonSelector: '{SELECTOR}', callmonURL: 'https://calls.example', grafanaURL: 'https://boards.example',
    dashboardLanguages: ['fr'], dashboardNamePrefix: 'Appels - ', alertGroupName: 'calls', boardGroupName: 'shown',
}} }}"""


@cache
def built(configuration: str = "{ }") -> Any:
    """What jsonnet makes of the mixin with this configuration."""
    parts = "prometheusAlerts: m.prometheusAlerts, prometheusRules: m.prometheusRules, boards: m.grafanaDashboards"
    done = run_on(
        DASHBOARDS,
        "jsonnet",
        "-e",
        f"local m = (import '{{}}/mixin/mixin.libsonnet') + {configuration}; {{ {parts} }}",
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@cache
def shipped_rules(name: str) -> Any:
    return yaml.safe_load((DASHBOARDS / "prometheus" / name).read_text("utf-8"))


def shipped_boards(*languages: str) -> dict[str, Any]:
    found = [
        json.loads(p.read_text("utf-8")) for x in languages for p in (DASHBOARDS / "grafana" / x).glob("*.json")
    ]
    return {f"{board['uid']}.json": board for board in found}


@pytest.mark.parametrize("part", RULES)
def test_the_mixins_rules_are_those_that_ship(part: str) -> None:
    assert built()[part] == shipped_rules(RULES[part])


def test_the_mixins_boards_are_those_that_ship() -> None:
    assert built()["boards"] == shipped_boards("en", "fr")


def followed(shipped: Any) -> Any:
    """`shipped` with the other configuration's selector and addresses in every string, at any depth."""
    if isinstance(shipped, dict):
        return {key: followed(value) for key, value in shipped.items()}
    if isinstance(shipped, list):
        return [followed(value) for value in shipped]
    if not isinstance(shipped, str):
        return shipped
    for before, after in (
        ('job="callmon"', SELECTOR),
        (r"job=\"callmon\"", SELECTOR.replace('"', r"\"")),
        ("{{ $externalLabels.callmon_url }}", "https://calls.example"),
        ("{{ $externalLabels.grafana_url }}", "https://boards.example"),
    ):
        shipped = shipped.replace(before, after)
    return shipped


def test_another_configuration_changes_only_selectors_and_names() -> None:
    other = built(OTHER)
    for part, name in (("prometheusAlerts", "calls"), ("prometheusRules", "shown")):
        (group,) = followed(shipped_rules(RULES[part]))["groups"]
        assert other[part] == {"groups": [{**group, "name": name}]}
    boards = followed(shipped_boards("fr"))
    for board in boards.values():
        board["title"] = board["title"].replace("callmon · ", "Appels - ")
    assert other["boards"] == boards
    assert 'job=\\"callmon' not in json.dumps(other)


def findings(rules: list[dict[str, Any]]) -> list[str]:
    """What the conventions of mixins would have said of these rules."""
    found, names = [], [rule["alert"] for rule in rules if "alert" in rule]
    for rule in rules:
        if "alert" not in rule:
            continue
        name, labels, texts = rule["alert"], rule["labels"], rule["annotations"]
        found += [] if labels.get("severity") in ("critical", "warning", "info") else [f"{name}: severity"]
        found += [f"{name}: no {kind}" for kind in ("summary", "description") if not texts.get(kind)]
        entry = texts.get("runbook_url", "").partition("/en/guide#")[2]
        found += [] if entry == name.lower() else [f"{name}: runbook_url"]
        found += [] if texts.get("dashboard_url") else [f"{name}: no dashboard_url"]
        found += [] if name.startswith("Callmon") else [f"{name}: first word"]
        found += [f"{name}: given twice"] if names.count(name) > 1 else []
    return found


def test_the_mixin_keeps_the_conventions_of_mixins() -> None:
    (group,) = built()["prometheusAlerts"]["groups"]
    assert findings(group["rules"]) == []
    bare = {"alert": "Bare", "labels": {}, "annotations": {}}
    assert findings([bare, bare]) == 2 * [
        "Bare: severity",
        "Bare: no summary",
        "Bare: no description",
        "Bare: runbook_url",
        "Bare: no dashboard_url",
        "Bare: first word",
        "Bare: given twice",
    ]
