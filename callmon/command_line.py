"""What all commands share: their configuration, and errors that are sentences. Prints nothing of its own."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from callmon.callbacks.asking import plain
from callmon.errors import CallmonError, ConfigError
from callmon.settings import Settings, load

if TYPE_CHECKING:
    from callmon.store.engine import Store

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_CONFIG = Path("callmon.toml")


def speaks_plainly(command: Command) -> Command:
    """Errors meant for people become their sentences: status 2 for the configuration, 1 for the rest.

    The texts that a person gave come without control characters.
    """

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **{name: _plain(value) for name, value in options.items()})
        except ConfigError as error:
            stop(error.sentences, 2)
        except CallmonError as error:
            stop((str(error),), 1)
        except _database_errors() as error:  # not expected there: a damaged file, a disk that fails
            stop((_of_database(error),), 1)
        except BrokenPipeError:  # `callmon replay … | head` is no error
            sys.stderr.close()
            return None

    return cast(Command, run)


def _database_errors() -> tuple[type[Exception], ...]:
    """Those of SQLAlchemy, where a command has loaded it: most have not, and start faster."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return () if loaded is None else (loaded.SQLAlchemyError,)


def _of_database(error: Exception) -> str:
    from callmon.store.engine import reason

    return (
        f"the database cannot be used: {reason(error)}. A damaged SQLite file: put a copy back "
        '(README, "Backup and restore"), or save what can be read with `sqlite3 FILE .recover`'
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return plain(value) if isinstance(value, str) else value


def stop(sentences: tuple[str, ...], status: int) -> NoReturn:
    for sentence in sentences:
        click.echo(sentence, err=True)
    sys.exit(status)


def config_option(command: Command) -> Command:
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path),
        help="the configuration file (default: callmon.toml)",
    )(command)


def configuration(path: Path | None) -> Settings:
    """The configuration named, or callmon.toml here."""
    return load(path or DEFAULT_CONFIG)


def one_exchange(settings: Settings, named: str | None) -> str:
    """The exchange that was named, else the only one."""
    names = list(settings.exchanges)
    if not named and len(names) != 1:
        raise ConfigError(f"--exchange is needed: the configuration has {', '.join(names) or 'none'}.")
    name = named or names[0]
    if name not in names:
        raise ConfigError(f"--exchange {name}: there is none of that name; there are {', '.join(names)}.")
    return name


def until_done(store: Store) -> Store:
    """A command's database: closed when the command is done."""
    click.get_current_context().call_on_close(store.close)
    return store


def somebody() -> str:
    """The user of this machine who gives the command, also behind sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return str(os.getuid())
