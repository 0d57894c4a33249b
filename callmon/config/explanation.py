"""Every setting with its default and its meaning, from the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from callmon.config.schema import Configuration


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return Configuration.model_json_schema()


def explained(key: str) -> list[tuple[str, str, str]]:
    """The settings that are `key` or below it, with the names that `key` gives in place of NAME; "": all."""
    given, found = key.split(".") if key else [], []
    for path, default, meaning in every_setting():
        parts = path.split(".")
        named = [own if part == "NAME" else part for part, own in zip_longest(parts, given, fillvalue="NAME")]
        is_below = len(given) <= len(parts)
        if is_below and [part.removesuffix("[]") for part in named[: len(given)]] == given:
            found.append((".".join(named), default, meaning))
    return found


def every_setting() -> Iterator[tuple[str, str, str]]:
    """(path, default, meaning), in the order of the schema. NAME is a name that the site chooses."""
    yield from _under(_schema(), "")


def _under(part: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    for name, inner in part.get("properties", {}).items():
        here = f"{path}.{name}".lstrip(".")
        tables = list(_tables(inner, here))
        if tables:
            for table_path, below in tables:
                yield from _under(below, table_path)
        else:
            yield here, _default(inner), inner.get("description", "")


def _tables(part: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables of which a setting consists; none: it is a value."""
    if "$ref" in part:
        part = _schema()["$defs"][part["$ref"].rpartition("/")[2]]
    if "properties" in part:
        yield path, part
    for one in (*part.get("anyOf", ()), *part.get("oneOf", ())):
        yield from _tables(one, path)
    below = [(inner, ".NAME") for inner in part.get("patternProperties", {}).values()]
    below += [(part[key], add) for key, add in (("items", "[]"), ("additionalProperties", ".NAME")) if key in part]
    for inner, add in below:
        if isinstance(inner, dict):
            yield from _tables(inner, path + add)


def _default(part: Mapping[str, Any]) -> str:
    value = part.get("default")
    if value in (None, [], {}, ""):
        return "required" if "default" not in part else "none"
    if part.get("format") == "duration":
        return str(value).removeprefix("PT").removeprefix("P").lower()
    return f"{value if isinstance(value, str) else json.dumps(value)} {part.get('unit', '')}".rstrip()
