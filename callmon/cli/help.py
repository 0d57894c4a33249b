"""The groups of commands. Help lists commands by task, each with its whole purpose and a page of documentation."""

from collections import UserDict
from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain
from typing import Any

import click

TASKS: Mapping[str, tuple[str, ...]] = {
    "Every day": ("status", "calls", "callbacks", "disruptions", "explain", "report"),
    "Set up": ("config", "check", "doctor", "users", "attest", "alerting", "completion"),
    "Run": ("run", "demo"),
    "Look after": ("backfill", "reconcile", "privacy", "db"),
    "For engineers": ("record", "replay"),
}
PAGES: Mapping[str, str] = {
    "alerting": "how-to/alerts.md",
    "attest": "explanation/disruptions-and-test-calls.md",
    "backfill": "explanation/gaps-and-reconciliation.md",
    "callbacks": "how-to/callbacks.md",
    "check": "reference/settings.md",
    "config": "reference/settings.md",
    "db": "how-to/back-up-and-restore.md",
    "disruptions": "how-to/disruptions.md",
    "doctor": "how-to/install.md",
    "explain": "reference/json.md",
    "reconcile": "explanation/gaps-and-reconciliation.md",
    "report": "how-to/monthly-report.md",
    "run": "how-to/install.md",
    "users": "how-to/who-may-sign-in.md",
}
EPILOG = """\b
Examples: callmon callbacks list --overdue
          callmon report last
Configuration: --config, $CALLMON_CONFIG, ./callmon.toml,
               /etc/callmon/callmon.toml
Documentation: docs/en/index.md, `man callmon`, /en/guide on the pages
"""


class HelpGroup(click.Group):
    """A group whose help cuts no purpose. The topmost one lists its commands by TASKS."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        tasks = TASKS if isinstance(self.commands, MainCommands) else {"Commands": tuple(self.commands)}
        width = max(map(len, self.commands))
        for task, names in tasks.items():
            with formatter.section(task):
                formatter.write_dl(
                    [(f"{name:<{width}}", self.commands[name].get_short_help_str(400)) for name in names]
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
    """The commands of TASKS by name. The first use of a command imports the module that has its name."""

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(TASKS.values())

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __missing__(self, name: str) -> click.Command:
        self[name] = getattr(import_module(f"callmon.cli.{name}"), name)
        return self[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        _add_page(command, PAGES.get(name, "reference/commands.md"))
        super().__setitem__(name, command)


def _add_page(command: click.Command, page: str) -> None:
    """Name the page of the documentation at the end of the help of each command."""
    command.epilog = f"More: docs/en/{page}"
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        _add_page(below, page)
