"""Every setting with its default and its meaning, from the schema."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import zip_longest
from typing import get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from callmon.config.schema import Configuration
from callmon.config.times import formatted_duration
from callmon.config.validation import bare_type, is_table, member


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


def every_setting(table: type[BaseModel] = Configuration, path: str = "") -> Iterator[tuple[str, str, str]]:
    """(path, default, meaning), in the order of the schema. NAME is a name that the site chooses."""
    for name, field in table.model_fields.items():
        here = f"{path}.{name}".lstrip(".")
        kind, below = bare_type(field.annotation), ""
        while (container := get_origin(kind)) in (dict, tuple):
            kind, below = member(kind, 0)[1], below + (".NAME" if container is dict else "[]")
        if is_table(kind):
            yield from every_setting(kind, here + below)
        else:
            yield here, _default(field), field.description or ""


def _default(field: FieldInfo) -> str:
    value, extra = field.default, field.json_schema_extra
    if field.is_required() or value in (None, (), {}):
        return "required" if field.is_required() else "none"
    if isinstance(value, timedelta):
        return formatted_duration(value).replace(" ", "")
    unit = extra.get("unit", "") if isinstance(extra, dict) else ""
    return f"{value if isinstance(value, str) else json.dumps(value)} {unit}".rstrip()
