"""The program's settings: loaded from a TOML file, validated, then immutable.

`load` reports every mistake on its own line. A relative path in the file starts from the file's folder.
`schema.py` defines each setting, with its help.

Refuses: to open a connection, and to read a secret while loading (an exchange's `secret()` and `store` read theirs
on each use).
"""

import os
import re
import tomllib
from collections.abc import Container, Iterator, Mapping
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from pydantic_settings import SettingsError

from callmon.config import validation
from callmon.config.business_calendar import DEFAULT_HOURS, Calendar, SpecialHours
from callmon.config.exchange import ExchangeSettings
from callmon.config.lines import Line, Lines
from callmon.config.phone_numbers import e164, relay_number
from callmon.config.places import CONFIG_VARIABLE
from callmon.config.schema import Configuration, LineSettings
from callmon.config.staff import StaffLanguages
from callmon.config.store import StoreSettings
from callmon.config.validation import not_utf_8, of_environment
from callmon.config.wording import ENV_PREFIX, placed, variable
from callmon.errors import ConfigError, Sentence, system_reason

EXAMPLE = "callmon.example.toml"
HERE = Path()
RELATIVE_URL = re.compile(r"(sqlite:///)(?!/|:memory:)([^?]+)(.*)", re.DOTALL)


class Settings:
    """One loaded configuration. `configuration` is the validated file, `source` its name in messages."""

    def __init__(self, configuration: Configuration, source: str = "configuration") -> None:
        written, region = configuration, configuration.region
        self.configuration: Final = written
        self.source: Final = source
        self._lines: Final = written.public_lines()
        self.calendars: Final[Mapping[str, Calendar]] = {  # by line; "" is the ministry's
            "": _calendar(written),
            **{name: _calendar(written, line) for name, line in written.lines.items()},
        }
        self.timezone: Final = ZoneInfo(written.timezone)
        self.region: Final = region
        self.default_language: Final[str] = written.default_language
        self.retention_days: Final = written.retention_days
        self.retention_authority: Final = written.retention_authority
        # The numbers as a call has them: E.164, or short.
        self.relay_numbers: Final = frozenset(x for n in written.relay_numbers if (x := relay_number(n, region)))
        self.test_callers: Final = frozenset(x for n in written.test_callers if (x := e164(n, region)))
        self.minimum_sample: Final = written.minimum_sample
        self.privacy: Final = written.privacy
        self.web: Final = written.web
        self.mqtt: Final = written.mqtt
        self.traces: Final = written.traces
        self.mail: Final = written.mail
        self.webhooks: Final = written.webhooks
        self.health: Final = written.health
        self.rules: Final = written.callbacks.in_region(region)
        self.disruptions: Final = written.disruptions
        self.exchanges: Final[Mapping[str, ExchangeSettings]] = written.exchanges
        self.services: Final = written.services
        self.standards: Final[Mapping[str, Mapping[str, Any]]] = written.standards
        for name, exchange in written.exchanges.items():
            exchange.locate(f"exchanges.{name}")
            exchange.cel.locate(f"exchanges.{name}.cel")
        for name, webhook in written.webhooks.items():
            webhook.locate(f"webhooks.{name}")

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, name):
            raise AttributeError(f"{name} does not change after loading")
        super().__setattr__(name, value)

    def lines(self) -> Lines:
        """The public lines."""
        return self._lines

    def names(self, kind: str) -> list[str]:
        """The names of one kind, such as "line", in the file's order. Raises KeyError for other kinds."""
        written = self.configuration
        known: dict[str, Mapping[str, object]] = {"line": written.lines, "service": written.services}
        return list((known | {"exchange": written.exchanges, "webhook": written.webhooks})[kind])

    def of_services(self, services: Container[str]) -> "Settings":
        """The same settings with these services and their lines alone."""
        written = self.configuration
        lines = {name: line for name, line in written.lines.items() if line.service in services}
        kept = {name: service for name, service in written.services.items() if name in services}
        return Settings(written.model_copy(update={"lines": lines, "services": kept}), self.source)

    def calendar(self, line: str | Line | None = None) -> Calendar:
        """The calendar of one line; without `line`, the ministry's. Raises KeyError for an unknown line."""
        return self.calendars[line.name if isinstance(line, Line) else line or ""]

    def hours_are_assumed(self) -> bool:
        """Whether the ministry's hours are callmon's assumption, not configured."""
        return self.configuration.calendar.hours is None

    def staff(self, exchange: str) -> StaffLanguages:
        """The languages of the extensions at this exchange."""
        staff = (entry for entry in self.configuration.staff if entry.exchange in (None, exchange))
        return StaffLanguages(staff, self.timezone)

    @property
    def store(self) -> StoreSettings:
        """[store] with the database's password, read now from its file. Raises ConfigError when unreadable."""
        return self.configuration.store.complete()


def _calendar(written: Configuration, line: LineSettings | None = None) -> Calendar:
    week = (line.hours if line else None) or written.calendar.hours
    return Calendar(
        timezone=ZoneInfo(written.timezone),
        hours=week.hours() if week else DEFAULT_HOURS,
        closed=written.calendar.closed(),
        special_hours=SpecialHours(written.calendar.special_hours | (line.special_hours if line else {})),
    )


def load(path: str | Path) -> Settings:
    """Load the file at `path`. Raises ConfigError with one sentence for each mistake, and what to do."""
    source = Path(path)
    folder = (source.resolve() if source.is_symlink() else source).parent
    return parse(_text(source), str(source), folder)


def example() -> Settings:
    """The example configuration: the policy's six lines. `replay` uses it without --config."""
    return parse(example_text(), EXAMPLE)


def example_text() -> str:
    return files("callmon.config").joinpath(EXAMPLE).read_text(encoding="utf-8")


def parse(text: str, source: str = "configuration", folder: Path = HERE) -> Settings:
    """Parse a TOML text, called `source` in error messages. Raises ConfigError.

    A relative path in the text starts from `folder`; one from the environment, from the current folder.
    """
    try:
        data = tomllib.loads(f"{text}\n")  # a mistake at the very end has a line, too
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_toml_refusal(error, text, source)) from None
    if folder != HERE:
        data = _anchored(data, folder)
    return Settings(_checked(data, source), source)


# Of tomllib's messages, those that repeat a part of the file.
REPEATING = re.compile(
    "(Expected|Found invalid character|Illegal character|Cannot declare|Cannot mutate immutable namespace|"
    "Cannot redefine namespace|Duplicate inline table key) ([('\"].*[)'\"])( twice)?"
)


def toml_mistake(error: tomllib.TOMLDecodeError) -> Sentence:
    """What tomllib says, and where: "Invalid value (at line 2, column 12)"."""
    why, _, where = str(error).removesuffix(")").rpartition(" (at ")
    found, place = REPEATING.fullmatch(why), re.fullmatch(r"line (\d+), column (\d+)", where)
    template = f"{found[1]} {{x}}{found[3] or ''}" if found else why
    return Sentence(
        "{why} (at {where})",
        why=Sentence(template, x=found[2]) if found else Sentence(template),
        where=Sentence("line {line}, column {column}", line=place[1], column=place[2])
        if place
        else Sentence(where),
    )


TABLE = re.compile(r"\[\[?\w[\w .'\"-]*\]{0,2}")
SETTING = re.compile(r"[\w .'\"-]+")
QUOTED = re.compile("\"[^\"]*\"|'[^']*'")


def _named(line: str) -> str:
    """What a line of TOML sets, or the table that it opens; "" where that is not sure. Never a value."""
    if line.startswith("["):
        found = TABLE.match(line)
        return found[0] if found else ""
    name = line.partition("=")[0].strip() if "=" in line else ""
    is_whole = name.count('"') % 2 == name.count("'") % 2 == 0
    return name if is_whole and SETTING.fullmatch(name) else ""


def _toml_refusal(error: tomllib.TOMLDecodeError, text: str, source: str) -> Sentence:
    """The mistake after the file and the setting or table whose line has it."""
    sentence = Sentence("not understood as TOML: {why}; correct it there", why=toml_mistake(error))
    place = re.search(r"at line (\d+)", str(error))
    name = _named(f"{text}\n".split("\n")[int(place[1]) - 1]) if place else ""
    if not name:
        return placed(source, sentence)
    if re.search(r"[^\x00-\x7f]|\S\s+\S", QUOTED.sub("", name)):
        sentence = Sentence(
            "not understood as TOML: {why}; a name without quotation marks has letters without accents, digits, "
            "- and _ alone",
            why=toml_mistake(error),
        )
    return placed(placed(source, name), sentence)


def _anchored(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The file's data, with its relative paths and the database's default path resolved from the file's folder."""

    def below(value: Any, path: validation.Path) -> Any:
        if isinstance(value, dict):
            return {name: below(item, (*path, name)) for name, item in value.items()}
        if isinstance(value, list):
            return [below(item, (*path, place)) for place, item in enumerate(value)]
        if not isinstance(value, str) or not validation.leads_to_file(Configuration, path):
            return value
        if path[-1] != "url":
            return str(folder / value)
        file = RELATIVE_URL.match(value)
        return value if file is None else f"{file[1]}{folder / file[2]}{file[3]}"

    store = data.get("store", {})
    complete = {**data, "store": {"url": StoreSettings().url, **store}} if isinstance(store, dict) else data
    anchored: dict[str, Any] = below(complete, ())
    return anchored


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except IsADirectoryError:
        sentence = Sentence("is a folder; name the file in it with --config FILE")
    except PermissionError as error:
        sentence = Sentence(
            "cannot be read ({why}); run the command as root, or as a user who may read it",
            why=system_reason(error),
        )
    except OSError as error:
        sentence = Sentence(
            "cannot be read ({why}); name the file with --config FILE, "
            "or begin with the example: `callmon config example > {path}`",
            why=system_reason(error),
            path=path,
        )
    except UnicodeDecodeError as error:
        raise ConfigError(not_utf_8(path, error)) from None
    raise ConfigError(placed(path, sentence))


def _unknown_variables(data: dict[str, Any]) -> list[Sentence]:
    """A mistake for each CALLMON_ variable that is no setting and holds no secret. pydantic ignores these."""
    known, errors = [*Configuration.model_fields], list[Sentence]()
    allowed = {CONFIG_VARIABLE, *_secret_variables(data)}
    allowed |= {value for name, value in os.environ.items() if name.endswith("_ENV")}
    for name in sorted(os.environ):
        top = name.removeprefix(ENV_PREFIX).partition("__")[0].lower()
        if name.startswith(ENV_PREFIX) and top not in known and name not in allowed:
            near = [variable((x,)) for x in get_close_matches(top, known, n=1, cutoff=0.8)]
            hint = Sentence("; unset it, or name it in a setting such as secret_env")
            hint = Sentence("; did you mean {variable}?", variable=near[0]) if near else hint
            errors.append(placed(of_environment(name), Sentence("unknown setting{hint}", hint=hint)))
    return errors


def _secret_variables(data: Any) -> Iterator[str]:
    """The variables with secrets that the file names: the values of its settings `…_env`."""
    if isinstance(data, dict):
        yield from (str(value) for name, value in data.items() if str(name).endswith("_env"))
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _secret_variables(value)


def _checked(data: dict[str, Any], source: str) -> Configuration:
    if errors := _unknown_variables(data):
        raise ConfigError(*errors)
    try:
        return Configuration(**data)
    except SettingsError as error:
        names = re.findall(r'field "(\w+)"', str(error))  # one; pydantic tells it in a sentence only
        sentence = Sentence("is not understood; write it as JSON, or unset it")
        raise ConfigError(placed(of_environment(variable(tuple(names))), sentence)) from None
    except ValidationError as error:
        raise ConfigError(*_all_errors(error, data, source)) from None


def _all_errors(error: ValidationError, data: dict[str, Any], source: str) -> list[Sentence]:
    """All mistakes: validation repeats without the invalid parts, since lines are compared only in valid data."""
    errors, left_out = list[Sentence](), set[validation.Path]()
    while True:
        found = validation.sentences(error, Configuration, source, left_out=left_out)
        errors += [text for text in found if text not in errors]
        wrong = [path for path in validation.to_leave_out(error, Configuration) if path]
        left_out |= {*wrong}
        left = validation.without(data, wrong)
        # Stop when nothing can be left out: the mistake concerns the whole, or the environment. Also stop when a
        # service was left out, because its lines would seem to name no service.
        if left == data or any(path[0] == "services" for path in wrong):
            return errors
        try:
            Configuration(**left)
        except ValidationError as more:
            data, error = left, more
        else:
            return errors


def refuse_what_needs_a_restart(before: Settings, changed: Settings) -> None:
    """Raise ConfigError when settings differ that a running daemon cannot change."""
    errors = [
        Sentence("{name} has changed: restart callmon to change it.", name=name)
        for name, old, new in (
            ("store", before.store, changed.store),
            ("timezone", before.timezone, changed.timezone),  # determines the days of the roll-ups
            ("web", before.web, changed.web),
            ("privacy.key_file", before.privacy.key_file, changed.privacy.key_file),
        )
        if old != new
    ]
    if errors:
        raise ConfigError(*errors)
