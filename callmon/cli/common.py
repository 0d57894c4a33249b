"""What all commands share: configuration, files, the prompt for a telephone number.

A telephone number is never an argument: the shell's history and the list of processes would keep it.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from callmon.cli.errors import Command, report_errors, stop
from callmon.cli.language import current_language, said
from callmon.config.places import CONFIG_VARIABLE, find
from callmon.config.wording import placed, plain
from callmon.errors import ConfigError
from callmon.text.labels import unknown_name

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.store.access import AccountRow
    from callmon.store.database import Database

T = TypeVar("T")
DAYS_AGO = {"today": 0, "aujourd'hui": 0, "aujourd’hui": 0, "yesterday": 1, "hier": 1}
NOBODY = ("root", "callmon", "")


def make_folder(path: Path) -> None:
    """Make the folder of what a command writes. Where `path` is a file, writing below it raises OSError."""
    with suppress(FileExistsError):
        path.mkdir(parents=True, exist_ok=True)


def write_file(path: Path, data: bytes) -> None:
    """Write all of `data` or nothing: a full disk leaves the file unchanged. Its folder is made.

    Raises OSError that names `path`.
    """
    path = path.resolve()
    try:
        make_folder(path.parent)
        if path.exists() and not path.is_file():  # a device or a pipe; a folder raises its own error
            path.write_bytes(data)
            return
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            with scratch.open("xb") as file:
                if path.exists():
                    shutil.copymode(path, scratch)
                file.write(data)
            scratch.replace(path)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


# These are read before other options, whose mistakes are told in the language that they give.
config_option = click.option(
    "--config",
    is_eager=True,
    envvar=CONFIG_VARIABLE,
    type=click.Path(path_type=Path, readable=False),
    help="the configuration file (default: $CALLMON_CONFIG, ./callmon.toml or /etc/callmon/callmon.toml)",
)
json_option = click.option("--json", "as_json", is_flag=True, help="one JSON object on each line")
by_option = click.option("--by", help="name of the acting person (default: the logged-in user)")
lang_option = click.option(
    "--lang",
    is_eager=True,
    type=click.Choice(["fr", "en"]),
    help="of the answer (default: the locale's, else the site's)",
)


class CommandContext:
    """What a command works with, each part loaded on first use. The database is closed at the command's end."""

    with_numbers = False  # whether the database is open_with_keys with the key of callers' numbers

    def __init__(self, config: Path | None, lang: str | None = None, by: str | None = None) -> None:
        self.config = config
        self.lang = lang
        self.by = by
        self.now = datetime.now(UTC)

    @cached_property
    def path(self) -> Path:
        return self.config or find()

    @cached_property
    def settings(self) -> Settings:
        from callmon.config.settings import load  # pydantic takes as long as all else of `callmon --version`

        return load(self.path)

    @property
    def language(self) -> str:
        return self.lang or current_language()

    @cached_property
    def today(self) -> date:
        """The date in the ministry's time zone."""
        return self.now.astimezone(self.settings.timezone).date()

    @cached_property
    def store(self) -> Database:
        from callmon.store.opening import open_with_keys
        from callmon.store.pairs.open import open_to_read

        return until_done(
            open_with_keys(self.settings) if self.with_numbers else open_to_read(self.settings.store)
        )

    @cached_property
    def upgraded_store(self) -> Database:
        """The database, made or brought up to this version."""
        from callmon.store.opening import open_for_writing

        return until_done(open_for_writing(self.settings))

    say = staticmethod(said)  # a sentence in the reader's language

    def past_day(self, text: str | None, name: str, days_ago: int = 0) -> date:
        """The day that `text` gives, or without it that of `days_ago`. Raises ConfigError for a day to come."""
        day = self.day(text, name, days_ago)
        if day > self.today:
            raise ConfigError("{name} {text}: is in the future; give a past day.", name=name, text=text)
        return day

    def day(self, text: str | None, name: str, days_ago: int) -> date:
        """The day of an argument, past or future. Raises ConfigError."""
        if text is None or text in DAYS_AGO:
            return self.today - timedelta(days_ago if text is None else DAYS_AGO[text])
        try:
            return date.fromisoformat(text)
        except ValueError:
            from callmon.text.formatter import Formatter

            if missing := Formatter(self.language).missing_day(text):
                raise ConfigError("{name} {text}: there is no {day}.", name=name, text=text, day=missing) from None
            raise ConfigError(
                "{name} {text}: write a day as 2026-11-20, today or yesterday.", name=name, text=text
            ) from None

    def moment(self, text: str | None, name: str, day: datetime | None = None) -> datetime | None:
        """A time in the ministry's time zone. If `text` has only the hour, it is of `day` (default: today)."""
        if text is None:
            return None
        from callmon.core.callbacks.commands import local_moment

        read = local_moment(text, self.settings.timezone, day or self.now)
        if read is None:
            raise ConfigError(
                '{name} {text}: write it as "10:12" (today) or "2026-11-24 10:12", in local time.',
                name=name,
                text=text,
            )
        return read

    @property
    def actor(self) -> str:
        """The actor: that of --by, else the logged-in user if that is a person. Raises ConfigError otherwise."""
        from callmon.core.callbacks.commands import LONGEST_NAME

        name = self.by or os.environ.get("SUDO_USER") or getpass.getuser()
        if not name.strip() or (self.by is None and name in NOBODY):
            raise ConfigError("The acting person is unknown. Add --by NAME: the ledger records it.")
        return name.strip()[:LONGEST_NAME]

    def ask_number(self, prompt: str) -> str:
        """A telephone number typed on a terminal, or the next line of standard input. Raises ConfigError."""
        if sys.stdin.isatty():
            return plain(click.prompt(prompt, err=True)).strip()
        given = plain(sys.stdin.readline()).strip()
        if not given:
            raise ConfigError(
                "{prompt}: standard input held no number; write one number on each line.",
                prompt=prompt,
            )
        return given

    async def ask(self, question: Callable[..., T], *given: Any) -> T:
        """What `PageRequest.ask` is to a page: the result of a query."""
        return question(*given)

    def known_lines(self, given: tuple[str, ...]) -> tuple[str, ...]:
        """Lines of the configuration, each once; "all" is every line. Raises ConfigError."""
        if given == ("all",):
            return tuple(self.settings.names("line"))
        refuse_unknown(self.settings, "line", *given)
        return tuple(dict.fromkeys(given))

    def local(self, at: datetime | None) -> str:
        """A time to the second in the ministry's time zone; "-" for None."""
        return f"{at.astimezone(self.settings.timezone):%Y-%m-%d %H:%M:%S}" if at else "-"


class ContextWithKeys(CommandContext):
    """The database of the command has the keys that sign the steps of a month, and verify them."""

    with_numbers = True


def with_context(make: Callable[..., Any] = CommandContext) -> Callable[[Command], Command]:
    """The option --config, errors as sentences, and the context that `make` returns as the first argument.

    `make` receives those of the command's options that are its parameters; the command receives the others.
    """
    names = signature(make).parameters

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**options: Any) -> Any:
            own = {name: options.pop(name) for name in names if name in options}
            context = make(**own)
            return command(context, **options)

        return config_option(report_errors(cast(Command, run)))

    return decorate


class LengthOfTime(click.ParamType[timedelta]):
    """A length with its unit: 30s, 1h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from callmon.config.times import duration

        try:
            return value if isinstance(value, timedelta) else duration(value)
        except ValueError as error:
            stop((placed(f"{param.opts[0] if param else self.name} {value}", error.args[0]),), 2)


def table_row(*cells: object) -> str:
    """The cells of one line, without what a terminal would act on."""
    return plain("  ".join(map(str, cells)))


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def one_exchange(settings: Settings, named: str | None) -> str:
    """The named exchange, else the only one. Raises ConfigError."""
    names = list(settings.exchanges)
    if not names:
        raise ConfigError("No exchange is configured; add a table [exchanges.NAME].")
    if not named and len(names) != 1:
        raise ConfigError("--exchange is needed: the configuration has {names}.", names=", ".join(names))
    refuse_unknown(settings, "exchange", named)
    return named or names[0]


def refuse_unknown(settings: Settings, kind: str, *given: str | None) -> None:
    """Raises ConfigError for names of lines, services or exchanges that the settings lack. None is ignored."""
    known = settings.names(kind)
    wrong = [name for name in given if name is not None and name not in known]
    if wrong:
        raise ConfigError(*(unknown_name(kind, name, known, current_language()) for name in wrong))


def until_done(store: Database) -> Database:
    """A command's database: closed when the command is done."""
    click.get_current_context().call_on_close(store.close)
    return store


def ask_password(is_new: bool = False) -> str:
    """A password typed on a terminal, twice if it is new; else one line of standard input."""
    if sys.stdin.isatty():
        given: str = click.prompt(said("Password"), hide_input=True, confirmation_prompt=is_new, err=True)
        return given
    return sys.stdin.readline().rstrip("\r\n")


def current_user() -> str:
    """The system user of the command, also behind sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return str(os.getuid())


def confirm(question: str, otherwise: str) -> None:
    """Continue only after a yes on a terminal. Raises ConfigError without one: `otherwise` is what to do then."""
    if not sys.stdin.isatty():
        unasked = said("No terminal can answer: {otherwise}.", otherwise=said(otherwise))
        raise ConfigError(f"{question} {unasked}")
    click.confirm(question, abort=True, err=True)


def no_number_here(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> None:
    """Refuses a telephone number on the command line, without repeating it."""
    if given:
        stop((said(NO_NUMBER),), 2)


NO_NUMBER = (
    "A telephone number is refused on the command line: the shell's history and the process list would keep it. "
    "Leave it out: the command prompts for it, or reads it from standard input."
)
# For a command that prompts for a number: a number on the command line is refused.
number_is_asked = click.argument("numbers", nargs=-1, metavar="", expose_value=False, callback=no_number_here)


def account_line(account: AccountRow) -> str:
    """An account in a list: its name, its roles, and whether it is locked."""
    locked = f"  {said('locked')}" if account.is_locked else ""
    return f"{account.name:<24}{' '.join(sorted(account.roles))}{locked}"
