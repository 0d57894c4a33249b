"""Errors of a command as sentences in its language, and its exit status.

An error of the system becomes a sentence in one place (`report_errors`).
"""

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

import click

from callmon.cli.language import in_language, said
from callmon.config.wording import plain
from callmon.errors import CallmonError, ConfigError

Command = TypeVar("Command", bound=Callable[..., Any])


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
        except CallmonError as error:
            stop(error.sentences, 2 if isinstance(error, ConfigError) else 1)
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


def os_sentence(error: OSError) -> str:
    """What the system refused, where, and what can be done."""
    where = error.filename2 or error.filename
    place = said("A file or the output") if where is None else os.fsdecode(where)
    why = said(error.strerror) if error.strerror else error
    return said("{place}: {why}; {advice}.", place=place, why=why, advice=_advice(error.errno))


def _advice(number: int | None) -> str:
    match number:
        case errno.ENOENT:
            return said("create it first, or name another path")
        case errno.ENOTDIR:
            return said("a part of this path is a file; name another path")
        case errno.EISDIR:
            return said("name a file")
        case errno.EACCES | errno.EPERM:
            return said("run the command as a user with access to it, or name another path")
        case errno.EROFS:
            return said("name a path on a writable file system")
        case errno.ENOSPC | errno.EDQUOT:
            return said("free space there, then run the command again")
    return said("the administrator of this machine can find the cause")


def _drop_output() -> None:
    """Discard output that cannot be written, so that Python does not retry at exit and report an error."""
    with suppress(OSError, ValueError):  # a test's output is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _database_errors() -> tuple[type[Exception], ...]:
    """SQLAlchemy's errors, if a command has loaded it. Most commands have not, and start faster."""
    loaded = sys.modules.get("sqlalchemy.exc")
    return () if loaded is None else (loaded.SQLAlchemyError,)


def _of_database(error: Exception) -> str:
    from callmon.store.database import cause

    return said(
        "the database cannot be used: {reason}. A damaged SQLite file: put a copy back "
        "(docs/en/how-to/back-up-and-restore.md), or save what can be read with `sqlite3 FILE .recover`",
        reason=cause(error),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return plain(value) if isinstance(value, str) else value


def stop(sentences: tuple[str, ...], status: int) -> NoReturn:
    """End the command with these sentences, in the reader's language."""
    for sentence in sentences:
        click.echo(in_language(sentence), err=True)
    sys.exit(status)
