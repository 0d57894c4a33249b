"""The table of doctor's findings: each is made somewhere, and none that is made is missing from it."""

from __future__ import annotations

import re
from pathlib import Path

import callmon.tools.doctor
from callmon.tools.doctor.finding import finding_texts

SOURCES = [path.read_text(encoding="utf-8") for path in Path(callmon.tools.doctor.__file__).parent.glob("*.py")]


def test_the_table_has_exactly_the_findings_that_the_code_makes() -> None:
    named = {name for text in SOURCES for name in re.findall(r'"((?:user|cel|exchange|line)\.\w+)"', text)}
    texts = finding_texts()
    assert named - {"cel.conf"} == {
        f"{group}.{name}" for group in texts if group != "connection" for name in texts[group]
    }


def test_each_failure_of_a_connection_in_the_table_is_in_the_code() -> None:
    words = {word for text in SOURCES for word in re.findall(r'"(\w+)"', text)}
    assert set(finding_texts()["connection"]) - words == set()
