"""`callmon init`: a few questions on a terminal, then a configuration.

    the exchange's address and secret ─▶ its dialplan is read ─▶ which numbers are lines ─▶ the lines as they lead
                                              └▶ it cannot be read ─▶ the example with the answers in it

Each answer is read as `callmon check` reads the file. Refuses: to replace a file, to ask for a secret, and to
place a call.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from callmon.cli.common import make_folder
from callmon.cli.errors import report_errors
from callmon.cli.help import HelpCommand
from callmon.cli.language import current_language, in_language, said
from callmon.config.phone_numbers import e164
from callmon.config.settings import Settings, example_text, parse
from callmon.errors import ConfigError
from callmon.tools.doctor import LANGUAGE, propose
from callmon.tools.doctor.learn import LearnedExchange
from callmon.tools.routes import ExchangeRoutes, as_text, learned, public_numbers, read, usual_hours

HOURS = ("hours = ", "# hours = ")
TAIL = """
[store]
{}

[calendar]
{}
"""
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


class Question(NamedTuple):
    """A question, the line of the example that its answer replaces, and the line with an answer in it."""

    text: str
    default: str
    line: str
    written: Callable[[str], str]


def _text(name: str) -> Callable[[str], str]:
    return lambda answer: f"{name} = {json.dumps(answer, ensure_ascii=False)}"


def _host(answer: str) -> str:
    """A port may follow the host: not within an IPv6 address."""
    host, _, port = answer.rpartition(":")
    is_both = port.isdecimal() and ":" not in host
    return f"{_text('host')(host)}\nport = {port}" if is_both else _text("host")(answer)


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
        Question(said("Host name or address of the exchange"), "127.0.0.1", 'host = "127.0.0.1"', _host),
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
    """Ask up to six questions on a terminal, then write the configuration FILE (default: callmon.toml).

    callmon reads the exchange's dialplan; it places no call. FILE has the lines that you choose of its numbers. If
    the exchange cannot be read, FILE is the example configuration. An existing file is not replaced.

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
    click.get_current_context().call_on_close(partial(LANGUAGE.reset, LANGUAGE.set(current_language())))
    host, secret_file, trunks, *others = questions()
    text = _answered((host, secret_file), text, file)
    settings = parse(text, str(file), file.absolute().parent)
    routes = _read(settings)
    chosen = _chosen(routes, settings.region)
    url, hours = others
    hours = hours._replace(default=usual_hours(chosen.lines.values()) if chosen else "")
    text = _answered((url, hours) if chosen else (trunks, url, hours), text, file)
    if chosen:
        text = _proposed(text, chosen, parse(text, str(file), file.absolute().parent))
    _write(file, text)
    click.echo(file)
    if chosen:
        todo = said("Now complete what it marks, then run `callmon check --config {file}`.", file=file)
    else:
        todo = said(
            "Now set the lines and their numbers in it, then run `callmon check --config {file}`.", file=file
        )
    click.echo(todo, err=True)


def _read(settings: Settings) -> ExchangeRoutes:
    """The routes of the exchange; where they cannot be read, a sentence says why."""
    name, exchange = next(iter(settings.exchanges.items()))
    host = exchange.host
    click.echo(
        said("callmon reads the dialplan of {host}. It places no call and changes nothing.", host=host), err=True
    )
    try:
        routes = read({name: exchange})[name]
    except ConfigError as error:
        click.echo(in_language(error.sentences[0]), err=True)
        routes = ExchangeRoutes()
    else:
        click.echo(as_text(routes), err=True)
    if not routes.routes:
        click.echo(said("The lines of the file are those of the example."), err=True)
    return routes


def _chosen(routes: ExchangeRoutes, region: str) -> LearnedExchange | None:
    """What the dialplan tells of the numbers that a person says are lines; None: it has none."""
    known = public_numbers(routes, region)
    if not known:
        return None
    question = said("Which numbers are public lines? Several with a comma between them")
    public = _asked_numbers(question, known, region)
    tty = _asked_numbers(said("Which of them are TTY lines?"), public, region, none=True)
    return learned(routes, public, tty, region)


def _asked_numbers(question: str, known: list[str], region: str, none: bool = False) -> list[str]:
    """Those of the known numbers that a person names; by default all, or none."""
    default = said("none") if none else said("all")
    while True:
        answer = click.prompt(question, default=default, prompt_suffix=said(": "), err=True)
        if answer == default:
            return [] if none else known
        given = [e164(part.strip(), region) or part.strip() for part in answer.split(",")]
        if not (unknown := [number for number in given if number not in known]):
            return given
        click.echo(said("{number} is not among them.", number=unknown[0]), err=True)


def _proposed(text: str, lines: LearnedExchange, settings: Settings) -> str:
    """The lines that were chosen, as the dialplan has them, with the answers on the database and the hours."""
    (exchange,) = settings.exchanges.values()
    answers = [
        next(x.partition("    #")[0] for x in text.splitlines() if x.startswith(begins))
        for begins in ("url = ", HOURS)
    ]
    return propose(lines, "exchange", exchange, current_language()) + TAIL.format(*answers)


def _answered(asked: Iterable[Question], text: str, file: Path) -> str:
    for question in asked:
        text = _asked(question, text, file)
    return text


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
