"""The groups of commands. Help lists commands by task, each with its whole purpose and a page of documentation."""

import ast
import gc
import inspect
from collections import UserDict
from collections.abc import Container, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from callmon.cli.language import said
from callmon.feature import Feature

EXAMPLES = "Examples: "
# Names that other programs have for a command or an option; those that are there are suggested.
MEANT = {
    "create": ("add", "announce", "prepare"),
    "new": ("add", "announce"),
    "record": ("add",),
    "delete": ("remove", "revoke"),
    "remove": ("revoke",),
    "show": ("list",),
    "ls": ("list",),
    "--format": ("--json", "--csv"),
    "--output": ("--out", "--json"),
    "--phones": ("--set",),
}


class _HelpText:
    """The attribute `help` or `epilog`: written in English, read in the reader's language."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, _type: type | None = None) -> str | None:
        english: str | None = vars(owner).get(self._name)
        return english and "\n\n".join(map(_paragraph, inspect.cleandoc(english).split("\n\n")))

    def __set__(self, owner: Any, english: str | None) -> None:
        vars(owner)[self._name] = english


def _paragraph(english: str) -> str:
    """A paragraph in the reader's language. Examples are the same in both: only their heading differs."""
    if not english.startswith("\b\n"):
        return said(" ".join(english.split()))
    heading = said(EXAMPLES)
    indented = english.replace("\n" + " " * len(EXAMPLES), "\n" + " " * len(heading))
    return "\n".join(map(said, indented.replace(EXAMPLES, heading).split("\n")))


class HelpOption(click.Option):
    """An option whose help is in the reader's language."""

    help = _HelpText()


class HelpCommand(click.Command):
    """A command whose help is in the reader's language."""

    help = _HelpText()
    epilog = _HelpText()

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        for option in self.params:
            if type(option) is click.Option:
                option.__class__ = HelpOption

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            options = {name for option in self.params for name in option.opts}
            _suggest(error, error.option_name, options)
            raise

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        return ["-h", "--help"]  # of every context: click keeps the option that the first one made

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.__class__ = HelpOption
        return option


def _suggest(error: click.UsageError, given: str, names: Container[str]) -> None:
    """What was meant by a name of other programs, where click finds no similar one."""
    found = vars(error)
    found["possibilities"] = found["possibilities"] or [x for x in MEANT.get(given, ()) if x in names]


class HelpGroup(HelpCommand, click.Group):
    """A group whose help cuts no purpose. The topmost one lists its commands by task."""

    command_class = HelpCommand

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            _suggest(error, error.command_name, self.commands)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands, tasks = self.commands, {"Commands": list(self.commands)}
        if isinstance(commands, MainCommands):
            tasks, commands = commands.tasks, commands.with_purpose()
        width = max(map(len, commands))
        for task, names in tasks.items():
            with formatter.section(said(task)):
                formatter.write_dl(
                    [(f"{name:<{width}}", commands[name].get_short_help_str(400)) for name in names]
                )


class CommandWithOthers(HelpGroup):
    """A command that takes arguments itself, unless the first is the name of one of its commands.

    `callmon report 2026-10` makes a report; `callmon report send 2026-10` is the command `send`.
    """

    allow_interspersed_args = True

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and args[0] in self.commands:
            return self.commands[args[0]].make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


class MainCommands(UserDict[str, click.Command]):
    """The commands of the features by name. The first use of a command imports its module."""

    def __init__(self, features: Iterable[Feature]) -> None:
        declared = [(command, feature.package) for feature in features for command in feature.commands]
        declared.sort(key=lambda x: x[0].place)
        self._known = {command.name: command for command, _ in declared}
        self._modules = {command.name: f"{package}.{command.module}" for command, package in declared}
        super().__init__()

    @property
    def tasks(self) -> dict[str, list[str]]:
        """The names of the commands by task."""
        found: dict[str, list[str]] = {}
        for command in self._known.values():
            found.setdefault(command.task, []).append(command.name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __contains__(self, name: object) -> bool:
        return name in self._known

    def __missing__(self, name: str) -> click.Command:
        if name not in self:  # `get` of Python 3.11 asks without looking
            raise KeyError(name)
        self[name] = getattr(import_module(self._modules[name]), function_of(name))
        gc.freeze()  # what was imported stays: the collector need not scan it again
        return self[name]

    def with_purpose(self) -> dict[str, click.Command]:
        """The commands for a list of them. One that is not imported has its help alone, read from its source.

        The import of all takes a second, most of it for the database.
        """
        return {
            name: self.data.get(name) or HelpCommand(name, help=_help(self._modules[name], name))
            for name in self._known
        }

    def __setitem__(self, name: str, command: click.Command) -> None:
        _add_page(command, self._known[name].page)
        super().__setitem__(name, command)


def function_of(name: str) -> str:
    """The name of a command's function: `what_if` of `what-if`, `import_` of `import`."""
    return name.replace("-", "_") + "_" * iskeyword(name)


def _help(module: str, name: str) -> str | None:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    source = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    found = (part for part in source.body if isinstance(part, ast.FunctionDef) and part.name == function_of(name))
    return ast.get_docstring(next(found))


def _add_page(command: click.Command, page: str) -> None:
    """Name the page of the documentation at the end of the help of each command."""
    command.epilog = f"More: docs/en/{page}"
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _add_page(below, page)
