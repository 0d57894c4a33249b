"""What all commands share: configuration, errors as sentences, files, the prompt for a telephone number.

An error of the system becomes a sentence in one place (`report_errors`). A telephone number is never an
argument: the shell's history and the list of processes would keep it.
"""

from __future__ import annotations

import errno
import getpass
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from callmon.config.settings import Settings, load
from callmon.core.callbacks.commands import plain
from callmon.errors import CallmonError, ConfigError
from callmon.text.labels import translate, unknown_name

if TYPE_CHECKING:
    from callmon.store.database import Database

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_CONFIG = Path("callmon.toml")
PATIENCE_SECONDS = 5.0


def report_errors(command: Command) -> Command:
    """Print errors meant for people as their sentences: status 2 for usage and configuration, 1 for the rest.

    A reader that closes the pipe, and Ctrl-C, are not reported as errors. Control characters are removed from
    the texts that a person gave.
    """

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            done = command(*arguments, **{name: _plain(value) for name, value in options.items()})
            sys.stdout.flush()
        except ConfigError as error:
            stop(error.sentences, 2)
        except CallmonError as error:
            stop((str(error),), 1)
        except _database_errors() as error:  # not expected there: a damaged file, a failing disk
            stop((_of_database(error),), 1)
        except BrokenPipeError:  # `callmon replay … | head` is no error
            _drop_output()
            return None
        except OSError as error:
            _drop_output()
            stop((os_sentence(error),), 1 if error.errno in OF_THE_MACHINE else 2)
        except KeyboardInterrupt:
            _drop_output()
            sys.exit(128 + signal.SIGINT)
        return done

    return cast(Command, run)


# Errors that a different command line does not fix.
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
ADVICE = {
    errno.ENOENT: "make it first, or name another",
    errno.ENOTDIR: "a part of this path is a file; name another",
    errno.EISDIR: "it is a folder; name a file",
    errno.EACCES: "give the command as a user who may, or name another",
    errno.EPERM: "give the command as a user who may, or name another",
    errno.EROFS: "name a place that can be written to",
    errno.ENOSPC: "make room there, then give the command again",
    errno.EDQUOT: "make room there, then give the command again",
}
ELSE = "the administrator of this machine can look into it"


def os_sentence(error: OSError) -> str:
    """What the system refused, where, and what can be done."""
    where = error.filename2 or error.filename
    told = "A file or the output" if where is None else os.fsdecode(where)
    return f"{told}: {error.strerror or error}; {ADVICE.get(error.errno or 0, ELSE)}."


def _drop_output() -> None:
    """Discard output that cannot be written, so that Python does not retry at exit and report an error."""
    with suppress(OSError, ValueError):  # a test's output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_file(path: Path, data: bytes) -> None:
    """Write all of `data` or nothing: a full disk leaves the file unchanged. Raises OSError that names `path`."""
    path = path.resolve()
    try:
        if path.exists() and not path.is_file():  # a device or a pipe; a folder raises its own error
            path.write_bytes(data)
            return
        handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _database_errors() -> tuple[type[Exception], ...]:
    """SQLAlchemy's errors, if a command has loaded it. Most commands have not, and start faster."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return () if loaded is None else (loaded.SQLAlchemyError,)


def _of_database(error: Exception) -> str:
    from callmon.store.database import reason

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
    """The given configuration file, or callmon.toml in the current folder."""
    return load(path or DEFAULT_CONFIG)


def one_exchange(settings: Settings, named: str | None) -> str:
    """The named exchange, else the only one. Raises ConfigError."""
    names = list(settings.exchanges)
    if not named and len(names) != 1:
        raise ConfigError(f"--exchange is needed: the configuration has {', '.join(names) or 'none'}.")
    refuse_unknown(settings, "exchange", named)
    return named or names[0]


def refuse_unknown(settings: Settings, kind: str, *given: str | None, language: str = "en") -> None:
    """Raises ConfigError for names of lines, services or exchanges that the settings lack. None is ignored."""
    known = settings.names(kind)
    wrong = [name for name in given if name is not None and name not in known]
    if wrong:
        raise ConfigError(*(unknown_name(kind, name, known, language) for name in wrong))


def lines_named(settings: Settings, given: tuple[str, ...], language: str = "en") -> tuple[str, ...]:
    """Lines of the configuration, each once; "all" is every line. Raises ConfigError."""
    if given == ("all",):
        return tuple(settings.names("line"))
    refuse_unknown(settings, "line", *given, language=language)
    return tuple(dict.fromkeys(given))


def say(french: str, language: str, **values: object) -> str:
    """A command's sentence in the reader's language."""
    return translate(french, language, "command").format(**values)


def until_done(store: Database) -> Database:
    """A command's database: closed when the command is done."""
    click.get_current_context().call_on_close(store.close)
    return store


def current_user() -> str:
    """The system user who runs the command, also behind sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return str(os.getuid())


def is_done(done: Callable[[], int], place: int, is_new: bool, language: str) -> bool:
    """Whether the daemon executes request `place` in time. If not, print that it is pending, new or repeated."""
    end = time.monotonic() + PATIENCE_SECONDS
    while done() < place:
        if time.monotonic() >= end:
            click.echo(_waits(is_new, language), err=True)
            return False
        time.sleep(0.05)
    return True


def _waits(is_new: bool, language: str) -> str:
    if is_new:
        return say("Demande notée; elle attend « callmon run », qui ne tourne pas ou ne répond pas.", language)
    return say(
        "La même demande attend déjà « callmon run », qui ne tourne pas ou ne répond pas; elle n'est pas notée une"
        " deuxième fois.",
        language,
    )


def tell_waiting(count: int, language: str) -> None:
    """Printed beside a list: the count of pending requests that the list does not show yet."""
    if count:
        told = say(
            "Demandes qui attendent « callmon run » et ne paraissent pas ici : {count}.", language, count=count
        )
        click.echo(told, err=True)


def confirm(question: str) -> None:
    """Continue only after a yes on a terminal. Raises ConfigError without a terminal: a script passes --yes."""
    if not sys.stdin.isatty():
        raise ConfigError(f"{question} There is no terminal to answer on: add --yes, or see first with --dry-run.")
    click.confirm(question, abort=True, err=True)


def no_number_here(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> None:
    """Refuses a telephone number on the command line, without repeating it."""
    if given:
        stop((NO_NUMBER,), 2)


NO_NUMBER = (
    "A telephone number does not stand on the command line: the shell's history and the list of processes would "
    "keep it. Leave it out: the command asks for it, or reads it from standard input."
)


def number_is_asked(command: Command) -> Command:
    """For a command that prompts for a number: a number on the command line is refused."""
    return click.argument("numbers", nargs=-1, metavar="", expose_value=False, callback=no_number_here)(command)


def ask_number(prompt: str) -> str:
    """A telephone number typed on a terminal, or the next line of standard input. Raises ConfigError."""
    if sys.stdin.isatty():
        return plain(click.prompt(prompt, err=True)).strip()
    given = plain(sys.stdin.readline()).strip()
    if not given:
        raise ConfigError(f"{prompt}: no number came from standard input; write it there, one on a line.")
    return given
