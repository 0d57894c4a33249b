"""The help of every command: whole within 80 columns, two examples that its parser accepts, a page to read."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from callmon.cli import main
from callmon.cli.help import TASKS
from tests.unit.test_command_line import commands
from tests.unit.test_project import ROOT

WIDTH = 80
NAMES = [name for name, _ in commands()]


def groups(group: click.Group = main, name: str = "callmon") -> Iterator[tuple[str, click.Group]]:
    yield name, group
    for word, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from groups(one, f"{name} {word}")


WITH_HELP: dict[str, click.Command] = {f"callmon {name}": one for name, one in commands()} | dict(groups())


def shown(name: str) -> list[str]:
    command = WITH_HELP[name]
    parent = None if command is main else click.Context(main, info_name="callmon")
    context = click.Context(command, info_name=name, parent=parent, terminal_width=WIDTH)
    return command.get_help(context).splitlines()


def examples(name: str) -> list[str]:
    lines = [line.strip() for line in shown(name)]
    first = next(n for n, line in enumerate(lines) if line.startswith("Examples: "))
    told = [lines[first].removeprefix("Examples: "), *lines[first + 1 :]]
    return [line for n, line in enumerate(told) if all(x.startswith("callmon ") for x in told[: n + 1])]


def parse(words: list[str]) -> str:
    """The command that the words name, after its own parser has read all of them."""
    context = main.make_context("callmon", words)
    while isinstance(context.command, click.Group) and not context.command.invoke_without_command:
        name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        assert command is not None
        context = command.make_context(name, rest, parent=context)
    return context.command_path


@pytest.mark.parametrize("name", WITH_HELP)
def test_the_help_fits_80_columns_and_cuts_nothing_off(name: str) -> None:
    lines = shown(name)
    assert [line for line in lines if len(line) > WIDTH] == []
    assert [line for line in lines if line.endswith("...") and not line.startswith("Usage:")] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_two_examples_of_a_command_are_read_by_its_parser(name: str) -> None:
    told = examples(f"callmon {name}")
    words = [shlex.split(line.partition(" > ")[0].partition(" < ")[0])[1:] for line in told]
    assert [parse(x) for x in words] == [f"callmon {name}"] * 2


def test_the_examples_of_callmon_itself_are_read_too() -> None:
    assert [parse(line.split()[1:]) for line in examples("callmon")] == [
        "callmon callbacks list",
        "callmon report",
    ]


def test_every_command_is_listed_under_one_task() -> None:
    assert sorted(name for names in TASKS.values() for name in names) == sorted(main.commands)
    titles = [line.removesuffix(":") for line in shown("callmon") if line.removesuffix(":") in TASKS]
    assert titles == list(TASKS)


@pytest.mark.parametrize("name", [name for name in WITH_HELP if name != "callmon"])
def test_the_help_names_a_page_that_exists(name: str) -> None:
    (told,) = [line.split()[-1] for line in shown(name) if line.startswith("  More: ")]
    assert (ROOT / told).is_file()


def test_a_command_without_a_database_does_not_load_the_database_library() -> None:
    said = (
        "import sys; from callmon.cli import main; main.commands['completion']; print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
