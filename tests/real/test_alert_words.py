"""Alertmanager's templates put the rules' times, durations and shares into words, in each language."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.lab.alertmanager import SHIPPED
from tests.lab.server import run_on
from tests.real.test_alerts_real import DASH

pytestmark = pytest.mark.lab
# As a rule writes it, and as a message has it.
FRENCH = {
    "avant le Friday 27 à 12 h 00.": "avant le vendredi 27 à 12 h.",
    f"avant le Friday 27 à 08 h 30 {DASH} POCI": f"avant le vendredi 27 à 8 h 30 {DASH} POCI",
    "jusqu’au Tuesday 1 à 00 h 00 :": "jusqu’au mardi 1er à 0 h :",
    "le Sunday 1 à 01 h 05.": "le dimanche 1er à 1 h 05.",
    "le Monday 11 à 10 h 00.": "le lundi 11 à 10 h.",
    "le Wednesday 2, le Thursday 3, le Saturday 4": "le mercredi 2, le jeudi 3, le samedi 4",
    "la ligne Friday": "la ligne Friday",
    "depuis 1d 1h 40m 0s :": "depuis 1 jour :",
    "il y a 3d 0h 0m 0s.": "il y a 3 jours.",
    "il reste 2h 9m 0s)": "il reste 2 h 9 min)",
    "depuis 1h 0m 0s.": "depuis 1 h.",
    "depuis 15m 30s.": "depuis 15 min.",
    "avance de 7s sur": "avance de 7 s sur",
    "a pris 71.88% des appels": "a pris 71 % des appels",
    "il reste 7% là": "il reste 7 % là",
}
ENGLISH = {
    f"before Friday 27 at 12:00 PM {DASH} OINP": f"before Friday 27 at 12 p.m. {DASH} OINP",
    "was due Tuesday 24 at 4:45 PM.": "was due Tuesday 24 at 4:45 p.m.",
    "since Friday 27 at 9:00 AM. Callers": "since Friday 27 at 9 a.m. Callers",
    "until Tuesday 1 at 2:05 AM: held": "until Tuesday 1 at 2:05 a.m.: held",
    "for 1d 1h 40m 0s: the": "for 1 day: the",
    "due 3d 0h 0m 0s ago": "due 3 days ago",
    "(2h 9m 0s left)": "(2 h 9 min left)",
    "for 1h 0m 0s.": "for 1 h.",
    "for 15m 30s.": "for 15 min.",
    "is 7s ahead": "is 7 s ahead",
    "took 71.88% of calls": "took 71% of calls",
}


@pytest.mark.parametrize(("language", "kind", "texts"), [("fr", "_fr", FRENCH), ("en", "", ENGLISH)])
def test_a_message_says_times_durations_and_shares_as_its_language_does(
    tmp_path: Path, language: str, kind: str, texts: dict[str, str]
) -> None:
    for name in ("site.tmpl", "callmon.tmpl"):
        shutil.copy(SHIPPED / name, tmp_path)
    reported = [
        {
            "status": "firing",
            "labels": {"alertname": "CallmonDown"},
            "annotations": {f"summary{kind}": text, f"description{kind}": text},
        }
        for text in texts
    ]
    (tmp_path / "data.json").write_text(json.dumps({"status": "firing", "alerts": reported}))
    part = f'{{{{ template "callmon.{language}.part" . }}}}'
    words = ("--template.glob={}/*.tmpl", f"--template.text={part}", "--template.data={}/data.json")
    done = run_on(tmp_path, "amtool", "template", "render", *words)
    assert done.stderr == ""
    lines = done.stdout.split("\n")
    starts = [n for n, line in enumerate(lines) if line.startswith("Guide")]
    assert [tuple(lines[n - 2 : n]) for n in starts] == [(said, said) for said in texts.values()]
