"""`callmon completion`, and the values that a shell completes: lines, exchanges, months, entries, settings.

Completion never fails and prints no error: without a configuration or a database it proposes nothing.

Refuses: the current folder's configuration, which nobody has named. A TAB is no command to connect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from callmon.cli.common import CommandContext
from callmon.cli.help import HelpCommand
from callmon.config.places import find

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_CALLMON_COMPLETE"
Complete = Callable[[click.Context, click.Parameter, str], list[str]]


class _Context(CommandContext):
    @cached_property
    def path(self) -> Path:
        return self.config or find(in_folder=False)


def completed(read: Callable[[CommandContext], Iterable[str]]) -> Complete:
    """The completion of a parameter by the values that `read` returns."""

    def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        with suppress(Exception), context:
            return [name for name in read(_Context(context.params.get("config"))) if name.startswith(begun)]
        return []

    return complete


def _months(context: CommandContext) -> Iterator[str]:
    """Each month with a stored call, the latest first."""
    from callmon.store.queries.calls import first_arrival

    yield "last"
    first, last = first_arrival(context.store), context.today
    if first is not None:
        begin = first.astimezone(context.settings.timezone).date()
        while last >= begin.replace(day=1):
            yield f"{last:%Y-%m}"
            last = last.replace(day=1) - timedelta(days=1)


def _entries(context: CommandContext) -> Iterator[str]:
    from callmon.store.queries.obligations import obligations

    yield from (item.obligation.id for item in obligations(context.store))


def _disruptions(context: CommandContext) -> Iterator[str]:
    from callmon.store.queries.disruptions import live_disruptions

    yield from (disruption.id for disruption in live_disruptions(context.store))


LINES = completed(lambda context: context.settings.names("line"))
LINES_OR_ALL = completed(lambda context: ["all", *context.settings.names("line")])
SERVICES = completed(lambda context: context.settings.names("service"))
EXCHANGES = completed(lambda context: context.settings.names("exchange"))
MONTHS = completed(_months)
ENTRIES = completed(_entries)
DISRUPTIONS = completed(_disruptions)


@click.command(cls=HelpCommand)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that makes SHELL complete commands, options and values.

    \b
    Examples: callmon completion bash > /etc/bash_completion.d/callmon
              callmon completion fish > ~/.config/fish/completions/callmon.fish
    """
    kind: Any = get_completion_class(shell)
    script = kind(context.find_root().command, {}, "callmon", VARIABLE)
    click.echo(script.source_template % script.source_vars())
