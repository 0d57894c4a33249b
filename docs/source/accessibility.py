"""The accessibility conformance report as a page, from `docs/accessibility/openacr.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).parents[2] / "docs" / "accessibility" / "openacr.yaml"
CHAPTERS = {"success_criteria_level_a": "A", "success_criteria_level_aa": "AA"}
LEVELS = {
    "supports": {"en": "supports", "fr": "conforme"},
    "partially-supports": {"en": "partially supports", "fr": "partiellement conforme"},
    "does-not-support": {"en": "does not support", "fr": "non conforme"},
    "not-applicable": {"en": "not applicable", "fr": "sans objet"},
}
NONE = "\N{EN DASH}"
HEADS = {
    "en": ("criterion", "level", "remarks", "tests", "a person's check"),
    "fr": ("critère", "niveau", "remarques", "tests", "vérification par une personne"),
}
WORDS = {
    "en": {
        "level": "Level",
        "tests": "The tests",
        "open": "open: ",
        "test": ("test", "what it looks at", "where"),
    },
    "fr": {
        "level": "Niveau",
        "tests": "Les tests",
        "open": "à faire : ",
        "test": ("test", "ce qu'il regarde", "où"),
    },
}


def read() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return found


def report(language: str) -> Iterator[str]:
    acr, words = read(), WORDS[language]
    yield from (_in(acr, "notes", language), "", _in(acr, "evaluation_methods_used", language))
    for chapter, level in CHAPTERS.items():
        yield from ("", f"## {words['level']} {level}", "", *_head(HEADS[language]))
        for criterion in acr["chapters"][chapter]["criteria"]:
            yield from _rows(criterion, language)
    yield from ("", f"## {words['tests']}", "", *_head(words["test"]))
    for name, check in acr["checks"].items():
        yield f"| {name} | {check[language]} | `{check['test'].partition('::')[0]}` |"


def _rows(criterion: Mapping[str, Any], language: str) -> Iterator[str]:
    title = f"{criterion['num']} {_in(criterion, 'handle', language)}"
    for component in criterion["components"]:
        reported = component["adherence"]
        person = f"{WORDS[language]['open']}{reported['person'][language]}" if "person" in reported else NONE
        checks = ", ".join(reported.get("checks", ())) or NONE
        notes = _in(reported, "notes", language)
        yield f"| {title} | {LEVELS[reported['level']][language]} | {notes} | {checks} | {person} |"


def _in(reported: Mapping[str, Any], key: str, language: str) -> str:
    """OpenACR's own keys are in English."""
    return str(reported[key if language == "en" else f"{key}_{language}"])


def _head(columns: tuple[str, ...]) -> tuple[str, str]:
    return f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"
