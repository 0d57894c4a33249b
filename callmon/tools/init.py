"""`callmon init`: five questions on a terminal, then a configuration: the example with the answers in it.

Each answer is read as `callmon check` reads the file. Refuses: to replace a file, and to ask for a secret.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click

from callmon.cli.common import make_folder
from callmon.cli.errors import report_errors
from callmon.cli.help import HelpCommand
from callmon.cli.language import in_language, said
from callmon.config.settings import example_text, parse
from callmon.errors import ConfigError

WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


class Question(NamedTuple):
    """A question, the line of the example that its answer replaces, and the line with an answer in it."""

    text: str
    default: str
    line: str
    written: Callable[[str], str]


def _text(name: str) -> Callable[[str], str]:
    return lambda answer: f"{name} = {json.dumps(answer, ensure_ascii=False)}"


def _list(name: str) -> Callable[[str], str]:
    def written(answer: str) -> str:
        values = [part.strip() for part in answer.split(",") if part.strip()]
        return f"{name} = {json.dumps(values, ensure_ascii=False)}"

    return written


def _week(answer: str) -> str:
    return f"hours = {{ {', '.join(f'{day} = {json.dumps(answer, ensure_ascii=False)}' for day in WEEK)} }}"


def questions() -> tuple[Question, ...]:
    hours = next(line for line in example_text().splitlines() if line.startswith("# hours = "))
    return (
        Question(said("Host name or address of the exchange"), "127.0.0.1", 'host = "127.0.0.1"', _text("host")),
        Question(
            said("File with the AMI secret; callmon does not ask for the secret"),
            "/etc/callmon/ami.secret",
            'secret_file = "/etc/callmon/ami.secret"',
            _text("secret_file"),
        ),
        Question(
            said("Endpoints of the trunks that deliver public calls, with a comma between them"),
            "PJSIP/trunk*",
            'trunks = ["PJSIP/trunk*"]',
            _list("trunks"),
        ),
        Question(
            said("Database: sqlite:///FILE, or postgresql://USER@HOST/NAME"),
            "sqlite:////var/lib/callmon/callmon.db",
            'url = "sqlite:///callmon.db"',
            _text("url"),
        ),
        Question(
            said("Opening hours from Monday to Friday, such as 08:30-17:00; nothing leaves them assumed"),
            "",
            hours,
            _week,
        ),
    )


@click.command(cls=HelpCommand)
@click.argument("file", type=click.Path(path_type=Path), default="callmon.toml")
@report_errors
def init(file: Path) -> None:
    """Ask five questions on a terminal, then write the configuration FILE (default: callmon.toml).

    FILE is the example configuration with your answers, for its owner alone. An existing file is not replaced.

    \b
    Examples: callmon init
              callmon init /etc/callmon/callmon.toml
    """
    if file.exists():
        raise ConfigError(_exists(file))
    if not sys.stdin.isatty():
        raise ConfigError(
            "callmon init asks on a terminal, and there is none; begin with the example: "
            "`callmon config example > {file}`.",
            file=file,
        )
    text = example_text()
    parse(text, str(file))  # a mistake in the environment is none of the answers
    for question in questions():
        text = _asked(question, text, file)
    _write(file, text)
    click.echo(file)
    click.echo(
        said("Now set the lines and their numbers in it, then run `callmon check --config {file}`.", file=file),
        err=True,
    )


def _asked(question: Question, text: str, file: Path) -> str:
    """The text with the answer in it. An answer that `callmon check` would refuse is asked again."""
    while True:
        answer = click.prompt(
            question.text,
            default=question.default,
            show_default=bool(question.default),
            prompt_suffix=said(": "),
            err=True,
        )
        if not answer.strip():
            return text
        changed = text.replace(question.line, question.written(answer.strip()), 1)
        try:
            parse(changed, str(file), file.absolute().parent)
        except ConfigError as error:
            click.echo(in_language(error.sentences[0]), err=True)
        else:
            return changed


def _write(file: Path, text: str) -> None:
    make_folder(file.parent)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(_exists(file)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)


def _exists(file: Path) -> str:
    return said("{file} exists and is not replaced; name a new file.", file=file)
