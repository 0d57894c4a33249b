"""The figures of a report's JSON as a flat list, read without the product's code."""

from __future__ import annotations

from typing import Any


def listed(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each figure with its place; what is left out has the value that the schema names."""
    return [
        {
            "figure": name,
            "part": part,
            "cut": group["cut"],
            "of": group["of"],
            "kind": "count",
            "state": "known",
            "value": None,
            "numerator": None,
            "denominator": None,
            **({"value": value} if isinstance(value, int) else value),
        }
        for group in groups
        for name, parts in group["values"].items()
        for part, value in parts.items()
    ]
