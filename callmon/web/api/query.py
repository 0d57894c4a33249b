"""Reads the query of a request of the read API. What is unknown, double or malformed is refused in a sentence."""

import re
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from callmon.config.wording import quoted

WHOLE = re.compile("-?[0-9]{1,9}")  # no name, time or cursor is one
FORMATS = {
    "date": "a date, such as 2026-11-24",
    "date-time": "a time with its zone, such as 2026-11-24T10:12:00-05:00",
}


def read_query(query: type[msgspec.Struct], given: QueryParams) -> Any:
    """The parameters as the type `query` has them. Raises HTTPException (400), which names what is permitted."""
    items = given.multi_items()
    known = {field.name: field.type for field in msgspec.structs.fields(query)}
    read: dict[str, Any] = {}
    for name, text in items:
        if name not in known:
            names = ", ".join(known) or "none"
            raise HTTPException(400, f"There is no parameter {quoted(name)}. Possible: {names}.")
        if name in read:
            raise HTTPException(400, f'The parameter "{name}" is given twice.')
        try:
            read[name] = msgspec.convert(int(text) if WHOLE.fullmatch(text) else text, known[name])
        except msgspec.ValidationError:
            raise HTTPException(400, f'The parameter "{name}" must be {_permitted(known[name])}.') from None
    return query(**read)


def _permitted(kind: Any) -> str:
    """What a parameter of this type may be: "a date, such as 2026-11-24", "a whole number from 1 to 100"."""
    schema = msgspec.json.schema(kind)
    schema = next((x for x in schema.get("anyOf", ()) if x.get("type") != "null"), schema)
    if names := [x for x in schema.get("enum", ()) if x]:
        return f"one of: {', '.join(names)}"
    if "minimum" in schema:
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if schema.get("format") in FORMATS:
        return FORMATS[schema["format"]]
    return str(schema["description"])
