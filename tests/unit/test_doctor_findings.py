"""The table of doctor's findings: each is made somewhere, and none that is made is missing from it."""

from __future__ import annotations

import re
from pathlib import Path

import callmon.tools.doctor
import callmon.tools.routes
from callmon.tools.doctor.finding import finding_texts

FOLDERS = [Path(str(module.__file__)).parent for module in (callmon.tools.doctor, callmon.tools.routes)]
SOURCES = [path.read_text(encoding="utf-8") for folder in FOLDERS for path in folder.glob("*.py")]


def test_the_table_has_exactly_the_findings_that_the_code_makes() -> None:
    named = {name for text in SOURCES for name in re.findall(r'"((?:user|cel|exchange|line|routes)\.\w+)"', text)}
    texts = finding_texts()
    assert named - {"cel.conf"} == {
        f"{group}.{name}" for group in texts if group != "connection" for name in texts[group]
    }


def test_each_failure_of_a_connection_in_the_table_is_in_the_code() -> None:
    words = {word for text in SOURCES for word in re.findall(r'"(\w+)"', text)}
    assert set(finding_texts()["connection"]) - words == set()
