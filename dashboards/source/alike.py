"""What differs between a board's two languages though it must not, and what does not though it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Found = Iterator[str]


def lint_pair(french: Json, english: Json) -> list[str]:
    """What differs between the languages though it must not, and what does not though it must."""
    return [*_alike(_bones(french), _bones(english), ""), *_said(french, english, "")]


TEXTS = {
    *("title", "description", "displayName", "noValue", "text", "label", "legendFormat", "name", "regex"),
    *("titleFormat", "url", "unit", "selected", "query", "current", "options", "uid", "tags"),
}


def _bones(node: Any) -> Any:
    """What must be the same in both: all but texts, and texts within queries."""
    if isinstance(node, dict):
        if node.get("id") in ("displayName", "noValue", "unit", "links"):
            return node["id"]
        return {key: _bones_of(key, value) for key, value in node.items() if key not in ("text", "label")}
    return [_bones(one) for one in node] if isinstance(node, list) else node


def _bones_of(key: str, value: Any) -> Any:
    if key in ("rawSql", "expr") and isinstance(value, str):
        text = re.sub(r"'(?:[^']|'')*'", "'…'", value)
        return re.sub(r"\b(name|title|reason|alternative)_(fr|en)\b", r"\1_§", text)
    if isinstance(value, str) and key in TEXTS:
        return bool(value)
    if key in ("options", "id") and isinstance(value, str):
        return re.sub(r"\b(name|title)_(fr|en)\b", r"\1_§", value)
    if key in ("names", "indexByName", "tags", "current", "query", "options") and not isinstance(value, str):
        return re.sub(r"\b(name|title)_(fr|en)\b", r"\1_§", str(len(value)))
    return _bones(value)


def _alike(french: Any, english: Any, at: str) -> Found:
    if isinstance(french, dict) and isinstance(english, dict):
        for key in sorted(french.keys() | english.keys()):
            if key in french and key in english:
                yield from _alike(french[key], english[key], f"{at}/{key}")
            else:
                yield f"{at}/{key}: in one language only"
    elif isinstance(french, list) and isinstance(english, list) and len(french) == len(english):
        for n, (one, other) in enumerate(zip(french, english, strict=True)):
            yield from _alike(one, other, f"{at}/{n}")
    elif french != english:
        yield f"{at}: not alike in both languages"


SAID = ("title", "description", "displayName", "noValue", "text", "label")
# Alike in French and English, or no words at all.
SAME = re.compile(
    r"[\W\d]*|Prometheus|PostgreSQL|Service|Mode|Version|Messages|Cause|Maximum|Notice|Verdicts|callmon.*|All"
    r"|\{\{.*\}\}|\$\{DS_\w+\}"
)


def _said(french: Any, english: Any, at: str) -> Found:
    """Texts that are missing, or that are the other language's."""
    if isinstance(french, dict) and isinstance(english, dict):
        for key in french.keys() & english.keys():
            is_said = key in SAID or (key == "value" and french.get("id") in SAID)
            if is_said and isinstance(french[key], str):
                yield from _both(french[key], str(english[key]), f"{at}/{key}")
            else:
                yield from _said(french[key], english[key], f"{at}/{key}")
    elif isinstance(french, list) and isinstance(english, list):
        for n, (one, other) in enumerate(zip(french, english, strict=False)):
            yield from _said(one, other, f"{at}/{n}")


def _both(french: str, english: str, at: str) -> Found:
    if bool(french.strip()) != bool(english.strip()):
        yield f"{at}: missing {'English' if french.strip() else 'French'}: {french or english}"
    elif french == english and not SAME.fullmatch(french):
        yield f"{at}: missing French: {french}"
