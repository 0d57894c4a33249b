"""The accessibility conformance report says what is tested: its structure is OpenACR's, each test it names exists.

The rules of the style sheet and of the script that decide a criterion are tested here; pages, in `pages/`.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
import pytest

import callmon
from docs.source import accessibility
from docs.source.accessibility import SOURCE

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "callmon" / "web" / "static"
STYLE, SCRIPT = ((STATIC / name).read_text(encoding="utf-8") for name in ("callmon.css", "callmon.js"))
# WCAG 2.2. The catalogue of OpenACR still lists 4.1.1, which WCAG 2.2 has withdrawn.
LEVEL_A = """1.1.1 1.2.1 1.2.2 1.2.3 1.3.1 1.3.2 1.3.3 1.4.1 1.4.2 2.1.1 2.1.2 2.1.4 2.2.1 2.2.2 2.3.1 2.4.1 2.4.2
2.4.3 2.4.4 2.5.1 2.5.2 2.5.3 2.5.4 3.1.1 3.2.1 3.2.2 3.2.6 3.3.1 3.3.2 3.3.7 4.1.1 4.1.2"""
LEVEL_AA = """1.2.4 1.2.5 1.3.4 1.3.5 1.4.3 1.4.4 1.4.5 1.4.10 1.4.11 1.4.12 1.4.13 2.4.5 2.4.6 2.4.7 2.4.11
2.5.7 2.5.8 3.1.2 3.2.3 3.2.4 3.3.3 3.3.4 3.3.8 4.1.3"""


class InBothLanguages(msgspec.Struct, forbid_unknown_fields=True):
    en: str
    fr: str


class Check(InBothLanguages, forbid_unknown_fields=True):
    test: str


class Adherence(msgspec.Struct, forbid_unknown_fields=True):
    level: Literal["supports", "partially-supports", "does-not-support", "not-applicable"]
    notes: str
    notes_fr: str
    checks: list[str] = []
    person: InBothLanguages | None = None


class Component(msgspec.Struct, forbid_unknown_fields=True):
    name: Literal["web", "electronic-docs", "software", "authoring-tool"]
    adherence: Adherence


class Criterion(msgspec.Struct, forbid_unknown_fields=True):
    num: str
    handle: str
    handle_fr: str
    components: list[Component]


class Chapter(msgspec.Struct, forbid_unknown_fields=True):
    criteria: list[Criterion]
    disabled: bool = False
    notes: str = ""


class Product(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    version: str
    description: str


class Author(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    email: str


class Report(msgspec.Struct, forbid_unknown_fields=True):
    """OpenACR 0.1.0: what it requires, those of its other keys that are used, and our own of other languages."""

    title: str
    product: Product
    author: Author
    report_date: str
    last_modified_date: str
    version: int
    notes: str
    notes_fr: str
    evaluation_methods_used: str
    evaluation_methods_used_fr: str
    license: str
    checks: dict[str, Check]
    chapters: dict[str, Chapter]


REPORT = msgspec.convert(accessibility.read(), Report)
CRITERIA = [one for chapter in REPORT.chapters.values() for one in chapter.criteria]
ADHERENCES = {one.num: component.adherence for one in CRITERIA for component in one.components}


def test_the_report_judges_each_level_a_and_aa_criterion_once() -> None:
    reported = {name: [one.num for one in chapter.criteria] for name, chapter in REPORT.chapters.items()}
    assert reported == {
        "success_criteria_level_a": LEVEL_A.split(),
        "success_criteria_level_aa": LEVEL_AA.split(),
        "success_criteria_level_aaa": [],
    }
    assert REPORT.chapters["success_criteria_level_aaa"].disabled


def test_the_report_is_of_this_version_and_its_dates_are_dates() -> None:
    assert REPORT.product.version == callmon.__version__
    assert date.fromisoformat(REPORT.report_date) <= date.fromisoformat(REPORT.last_modified_date)


def test_a_report_with_a_level_that_openacr_does_not_know_is_refused() -> None:
    wrong = SOURCE.read_text(encoding="utf-8").replace("level: supports", "level: certified", 1)
    with pytest.raises(msgspec.ValidationError, match="certified"):
        msgspec.yaml.decode(wrong, type=Report)


def test_every_test_that_the_report_names_exists_and_judges_a_criterion() -> None:
    files = {test.test.partition("::")[0] for test in REPORT.checks.values()}
    written = {name: (ROOT / name).read_text(encoding="utf-8") for name in files}
    missing = [
        name
        for name, check in REPORT.checks.items()
        if f"def {check.test.partition('::')[2]}(" not in written[check.test.partition("::")[0]]
    ]
    assert missing == []
    assert {name for reported in ADHERENCES.values() for name in reported.checks} == set(REPORT.checks)


def test_a_criterion_that_no_test_looks_at_is_open_for_a_person() -> None:
    assert [num for num, reported in ADHERENCES.items() if not reported.checks and reported.person is None] == []


# Rules that decide a criterion.


def test_no_rule_of_the_style_sheet_keeps_a_part_over_others() -> None:
    """2.4.11, 1.3.4, 1.4.13: nothing is fixed or sticks, turns with the device, or appears on hovering."""
    assert re.findall(r"position:\s*(?:fixed|sticky)|@media[^{]*orientation", STYLE) == []
    hovered = re.findall(r":hover[^{]*\{([^}]*)\}", STYLE)
    assert [rule.strip() for rule in hovered] == ["text-decoration: underline;"]


def test_the_script_needs_no_dragging_key_or_motion() -> None:
    """2.1.4, 2.5.1, 2.5.2, 2.5.4, 2.5.7, 3.2.1, 3.2.2: a person's own events are clicks alone."""
    heard = re.findall(r"addEventListener\(\s*[\"'](\w+)", SCRIPT)
    assert heard.count("click") == len(heard) - len({"part", "still", "changed"})
    assert set(heard) == {"click", "part", "still", "changed"}
    assert re.findall(r"\bon[a-z]+\s*=(?!=)|draggable|accesskey", SCRIPT) == []
