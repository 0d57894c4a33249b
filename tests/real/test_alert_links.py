"""A message leads by one tap to the page where its matter is settled, in the language of each half of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from callmon.site import FEATURES
from callmon.web.auth.route import QUERY
from callmon.web.entries import page_table
from tests.lab.alertmanager import SHIPPED
from tests.lab.server import run_on

PAGES = "https://calls.ministry.example/callmon"
pytestmark = pytest.mark.lab


def rendered(folder: Path, *alerts: tuple[str, str]) -> tuple[list[str], list[str]]:
    """The addresses in the French and in the English half of a message about (alert, line), by amtool."""
    for name in ("site.tmpl", "callmon.tmpl"):
        shutil.copy(SHIPPED / name, folder)
    site = (folder / "site.tmpl").read_text(encoding="utf-8")
    shipped = 'define "callmon.pages" }}https://callmon.ministry.example{{'
    assert shipped in site
    (folder / "site.tmpl").write_text(site.replace(shipped, f'define "callmon.pages" }}}}{PAGES}{{{{'))
    reported = [
        {
            "status": "firing",
            "startsAt": "2026-11-24T15:00:00Z",
            "labels": {"alertname": name, **({"line": line} if line else {})},
            "annotations": dict.fromkeys(("summary", "summary_fr", "description", "description_fr"), "x"),
        }
        for name, line in alerts
    ]
    (folder / "data.json").write_text(json.dumps({"status": "firing", "alerts": reported}))
    words = ("--template.glob={}/*.tmpl", '--template.text={{ template "callmon.fr.text" . }}')
    done = run_on(folder, "amtool", "template", "render", *words, "--template.data={}/data.json")
    assert done.stderr == ""
    halves = done.stdout.split("-" * 40)
    french, english = (
        re.findall(rf"^(?:Liste|List|Avis|Notice) ?: ({PAGES}\S*)$", x, re.MULTILINE) for x in halves
    )
    return french, english


def test_an_alert_about_callbacks_leads_to_the_lines_list(tmp_path: Path) -> None:
    of_callbacks = ("CallmonCallbackOverdue", "poci"), ("CallmonCallbacksAtOpening", "")
    assert rendered(tmp_path, *of_callbacks, ("CallmonMessagesToListenTo", "tty")) == (
        [f"{PAGES}/fr/rappels?ligne=poci", f"{PAGES}/fr/rappels", f"{PAGES}/fr/rappels?ligne=tty"],
        [f"{PAGES}/en/callbacks?line=poci", f"{PAGES}/en/callbacks", f"{PAGES}/en/callbacks?line=tty"],
    )
    worklist = page_table(FEATURES)["callbacks"]
    assert [worklist.path(language) for language in ("fr", "en")] == [
        "/fr/rappels",
        "/en/callbacks",
    ]
    assert QUERY["ligne"] == "line"


def test_an_alert_about_a_disruption_leads_to_its_announcement(
    tmp_path: Path,
) -> None:
    assert rendered(tmp_path, ("CallmonDisruptionWithoutNotice", "general"), ("CallmonDown", "")) == (
        [f"{PAGES}/fr/perturbations"],
        [f"{PAGES}/en/disruptions"],
    )
    assert [page_table(FEATURES)["disruptions"].path(language) for language in ("fr", "en")] == [
        "/fr/perturbations",
        "/en/disruptions",
    ]
