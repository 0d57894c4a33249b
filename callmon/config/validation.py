"""Formats a configuration's mistakes as sentences: the file, the setting, what is wrong and what to do.

Converts pydantic's errors, independent of the individual settings. A sentence is a `Sentence`, for a reader of
either language. Refuses: to repeat a secret's value.
"""

import os
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path as FilePath
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from callmon.config.wording import nearest, placed, quoted, variable
from callmon.errors import Sentence, system_reason

Path = tuple[int | str, ...]
Found = Iterator[tuple[Path, Sentence]]

KEY_MARK = "[key]"  # pydantic's mark in a path: the key itself is wrong
SECRETS = {"secret", "client_secret", "password", "passwd", "token"}


def setting(purpose: str, default: Any = ..., *, unit: str = "", is_file: bool = False, **limits: Any) -> Any:
    """A setting's field, required without a default. `is_file`: its text leads to a file, as a URL may."""
    extra: dict[str, Any] = {name: x for name, x in (("unit", unit), ("file", is_file)) if x}
    return Field(default, description=purpose, json_schema_extra=extra or None, **limits)


class Table(BaseModel):
    """One table of the file: unknown settings are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, defer_build=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        found = [
            InitErrorDetails(type=PydanticCustomError("settings", "{text}", context), loc=at, input=None)
            for at, text in self._errors()
            for context in ({"text": text, "below": len(at)},)
        ]
        if found:
            raise ValidationError.from_exception_data(type(self).__name__, found)
        return self

    def _errors(self) -> Found:
        """The mistakes that concern several settings of this table: their paths and sentences."""
        yield from ()


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """'; did you mean "x"?', or the list of choices when none is similar; "" without choices."""
    choices = sorted(known)
    if near := nearest(written, choices):
        return Sentence('; did you mean "{near}"?', near=near)
    return Sentence("; there are {names}", names=", ".join(choices)) if choices else ""


def sentences(
    error: ValidationError, model: type[BaseModel], source: str, table: Path = (), left_out: Container[Path] = ()
) -> list[Sentence]:
    """One sentence for each mistake, beginning with its location. `table`: the path of the model's table.

    `left_out`: settings that are missing because they were refused before.
    """
    found = ((path, details) for details in error.errors() if (path := _path(details)) not in left_out)
    return [placed(place((*table, *path), source), _sentence(details, path, model)) for path, details in found]


def place(path: Path, source: str) -> str:
    """A setting's location: "callmon.toml: exchanges.toronto.port", or the environment variable that set it."""
    if path and variable(path) in os.environ:
        return of_environment(variable(path))
    return placed(source, dotted(path)) if path and source else source or dotted(path)


def unreadable(path: FilePath, error: OSError) -> Sentence:
    return Sentence("cannot read {path} ({why})", path=path, why=system_reason(error))


def not_utf_8(path: FilePath, error: UnicodeDecodeError) -> Sentence:
    return placed(path, Sentence("byte {byte} is not UTF-8; save the file as UTF-8", byte=error.start + 1))


def of_environment(variable: str) -> Sentence:
    return Sentence("environment: {variable}", variable=variable)


def dotted(path: Path) -> str:
    """The path in TOML's notation: lines.general.numbers[2]. Positions count from 1."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def to_leave_out(error: ValidationError, model: type[BaseModel]) -> list[Path]:
    """The paths that a second validation must leave out: the smallest optional part around each mistake.

    A required setting is left out with its table. Otherwise the rest of the table would seem to lack the setting
    that was only left out.
    """
    return [_around(details, model) for details in error.errors()]


def _around(details: ErrorDetails, model: type[BaseModel]) -> Path:
    path = _path(details)
    path = path[: len(path) - details.get("ctx", {}).get("below", 0)]  # the table whose settings disagree
    if path and path[-1] in SECRETS:
        return path[:-1]  # without the secret, its table would seem to lack secret_file as well
    here: Any = model
    smallest: Path = ()
    for depth, part in enumerate(path, start=1):
        if isinstance(part, int) or getattr(here, "WHOLE", False):
            break
        field, here = member(here, part)
        if field is None or not field.is_required():
            smallest = path[:depth]
    return smallest


def _path(details: ErrorDetails) -> Path:
    return tuple(part for part in details["loc"] if part != KEY_MARK)


def _sentence(details: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    context: Mapping[str, Any] = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden" if path[-1] in SECRETS:
            stem = getattr(_setting(model, path[:-1])[1], "STEM", "secret")
            return Sentence(
                "a secret never stands in this file; put it in a file of its own that callmon's user alone can "
                'read, and name that: {stem}_file = "…", or name an environment variable: {stem}_env = "…"',
                stem=stem,
            )
        case "extra_forbidden":
            hint = did_you_mean(str(path[-1]), siblings(model, path[:-1]))
            return Sentence("unknown setting{hint}", hint=hint)
        case "missing":
            return Sentence("is missing, and has no default; add it")
        case "settings" | "value_error":
            text: str = context["text"] if "text" in context else context["error"].args[0]
            return text
        case "string_too_short":
            return Sentence("is empty; write a text, or leave the setting out if it has a default")
        case "too_short":
            return Sentence("is an empty list; write at least one entry")
    return _of_value(details, path)


def _of_value(details: ErrorDetails, path: Path) -> Sentence:
    """The mistake in a value, which the sentence repeats."""
    context: Mapping[str, Any] = details.get("ctx", {})
    value = quoted(details.get("input"))
    match details["type"]:
        case "literal_error":
            choices = re.findall("'.*?'", str(context["expected"]))
            hint = _near(details.get("input"), choices)
            return Sentence(
                "{value} is not one of {choices}{hint}", value=value, choices=_either(choices), hint=hint
            )
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size" | "finite_number":
            return Sentence("{value} is no whole number; write one without quotation marks", value=value)
        case "float_parsing" | "float_type":
            return Sentence("{value} is no number; write one without quotation marks", value=value)
        case "bool_parsing" | "bool_type":
            return Sentence("{value} is neither true nor false; write one of them", value=value)
        case "string_type" | "path_type":
            return Sentence("{value} is no text; put it in quotation marks", value=value)
        case "string_too_long":
            return Sentence(
                "{value} is too long; write {most} characters at most", value=value, most=context["max_length"]
            )
        case "list_type" | "tuple_type":
            return Sentence('{value} is no list; write it in brackets, such as ["…", "…"]', value=value)
        case "dict_type" | "model_type" | "model_attributes_type":
            name = dotted(path)
            return Sentence("{value} is no table of settings; write it as [{name}]", value=value, name=name)
        case kind if kind.startswith("date"):
            return Sentence("{value} is no date; write it as 2026-12-24", value=value)
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            return Sentence("{value} is out of range; it must be {bound}", value=value, bound=_bound(context))
        case "ip_any_network":
            return Sentence(
                '{value} is no address or network; write one such as "10.1.2.3" or "10.1.2.0/24"', value=value
            )
        case "string_pattern_mismatch":
            return _form(details, value)
    return Sentence("{value} is refused: {why}", value=value, why=details["msg"])  # pydantic has no French


def _near(value: object, choices: list[str]) -> str:
    near = get_close_matches(str(value), [choice.strip("'") for choice in choices], n=1)
    return Sentence('; did you mean "{near}"?', near=near[0]) if near else ""


def _either(choices: list[str]) -> str:
    *first, last = choices
    return Sentence("{first} or {last}", first=", ".join(first), last=last) if first else last


def _bound(context: Mapping[str, Any]) -> Sentence:
    bounds = {
        "gt": Sentence("more than {bound:g}", bound=context.get("gt", 0)),
        "ge": Sentence("at least {bound:g}", bound=context.get("ge", 0)),
        "lt": Sentence("less than {bound:g}", bound=context.get("lt", 0)),
        "le": Sentence("at most {bound:g}", bound=context.get("le", 0)),
    }
    return next(text for name, text in bounds.items() if name in context)


def _form(details: ErrorDetails, value: str) -> Sentence:
    """The required form of a text: a name (key), or another setting with a pattern."""
    if KEY_MARK in details["loc"]:
        return Sentence(
            "{value} cannot be a name here; use a to z, 0 to 9 and hyphens, beginning with a letter", value=value
        )
    pattern = str(details["ctx"]["pattern"])
    if pattern.endswith("://"):
        kinds = [f"{kind}://" for kind in re.findall(r"[a-z]{5,}", re.sub(r"\(\\.*?\)\?", "", pattern))]
        begin = _either(kinds)
        return Sentence("{value} is no address of a database; it begins with {begin}", value=value, begin=begin)
    return Sentence("{value} is not understood; it must match {pattern}", value=value, pattern=pattern)


def siblings(model: type[BaseModel], path: Path) -> list[str]:
    """The names of the settings in the table at `path`; empty when `path` leads to no such table."""
    _, kind = _setting(model, path)
    return list(kind.model_fields) if is_table(kind) else []


def leads_to_file(model: type[BaseModel], path: Path) -> bool:
    """Whether the setting at `path` is a file or folder, or has `file` in its schema, as a URL has."""
    field, kind = _setting(model, path)
    extra = None if field is None else field.json_schema_extra
    return kind is FilePath or (isinstance(extra, dict) and bool(extra.get("file")))


def _setting(model: type[BaseModel], path: Path) -> tuple[FieldInfo | None, Any]:
    """The setting at `path` with its type: None for a member of a mapping or a list, and without such a part."""
    field, kind = None, model
    for part in path:
        field, kind = member(kind, part)
    return field, kind


def member(kind: Any, part: int | str) -> tuple[FieldInfo | None, Any]:
    """The member `part` of a table, a mapping or a list of type `kind`, with its type; None without one."""
    if is_table(kind):
        field = kind.model_fields.get(part)
        return field, None if field is None else bare_type(field.annotation)
    arguments = get_args(kind)
    is_mapping = isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping)
    return None, bare_type(arguments[is_mapping]) if arguments else None


def bare_type(kind: Any) -> Any:
    """The type `kind` without Annotated and "| None"."""
    if get_origin(kind) is Annotated:
        return bare_type(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return bare_type(next(a for a in get_args(kind) if a is not type(None)))
    return kind


def is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def without(data: Mapping[str, Any], wrong: Iterable[Path]) -> dict[str, Any]:
    """A copy of `data` without the wrong paths, so that a second validation finds further mistakes."""
    kept = deepcopy(dict(data))
    for path in wrong:
        table: Any = kept
        for part in path[:-1]:
            table = table.get(part) if isinstance(table, dict) else None
        if isinstance(table, dict) and path:
            table.pop(path[-1], None)
    return kept
