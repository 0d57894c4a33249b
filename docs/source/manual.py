"""The man pages callmon(1) and callmon.toml(5), in troff."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import click

from callmon import __version__
from callmon.main import main
from docs.source.parts import context, every_command, every_setting

EXIT = (
    ("0", "done"),
    ("1", "the command ran and found something wrong"),
    ("2", "bad usage or bad configuration"),
    ("3", "callmon status: no daemon answers"),
)


def _text(words: str) -> str:
    """Escaped for troff: no character of a text is a request."""
    reported = words.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{reported}" if reported[:1] in (".", "'") else reported


def _head(name: str, section: int, purpose: str) -> Iterator[str]:
    yield f'.TH "{name.upper()}" "{section}" "" "callmon {__version__}"'
    yield from (".SH NAME", f"{_text(name)} \\- {_text(purpose)}")


def commands() -> Iterator[str]:
    yield from _head("callmon", 1, "measures whether a ministry keeps its telephone service standards")
    yield from (
        ".SH SYNOPSIS",
        ".B callmon",
        ".I COMMAND",
        "[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
    )
    yield _text(str(main.help).partition("\n\n")[0])
    yield ".SH COMMANDS"
    for name, command in every_command():
        usage = command.get_usage(context(name, command)).removeprefix("Usage: ")
        yield from (f".SS {_text(' '.join(usage.split()))}", *_paragraphs(command.help or ""))
        for option in command.params:
            if isinstance(option, click.Option):
                reported = option.get_help_record(context(name, command))
                if reported:
                    yield from (".TP", f".B {_text(reported[0])}", _text(" ".join(reported[1].split())))
    yield ".SH EXIT STATUS"
    for status, meaning in EXIT:
        yield from (".TP", f".B {status}", meaning)
    yield from (".SH SEE ALSO", ".BR callmon.toml (5)")


def _paragraphs(reported: str) -> Iterator[str]:
    for paragraph in reported.split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from (".PP", ".nf", *map(_text, paragraph.splitlines()[1:]), ".fi")
        else:
            yield from (".PP", _text(" ".join(paragraph.split())))


def settings() -> Iterator[str]:
    yield from _head("callmon.toml", 5, "configuration of callmon")
    yield ".SH DESCRIPTION"
    yield "The file is TOML. NAME stands for a name that the site chooses, [] for each table of a list."
    for table, some in groupby(every_setting(), key=lambda one: one[0].rpartition(".")[0]):
        yield f".SH {_text(f'[{table}]' if table else 'TOP OF THE FILE')}"
        for path, default, meaning in some:
            yield from (".TP", f".B {_text(path.rpartition('.')[2])}", _text(f"{meaning} ({default})"))
    yield from (".SH SEE ALSO", ".BR callmon (1)")
