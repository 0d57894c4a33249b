"""The command `callmon`: it joins the commands of the features, and runs the daemon.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 the command ran and
found a fault, 2 bad usage or configuration.
"""

import logging
import os
import sys
from functools import partial

import click

from callmon import __version__, backfill, logs, tools
from callmon.cli.common import CommandContext, until_done, with_context
from callmon.cli.help import HelpGroup, MainCommands
from callmon.cli.language import said
from callmon.errors import ConfigError
from callmon.feature import Feature, ListedCommand
from callmon.site import FEATURES

OWN = Feature(
    "callmon",
    commands=(
        ListedCommand("completion", "Set up", 350, "cli.completion"),
        ListedCommand("run", "Run", 405, "main", "how-to/install.md"),
        ListedCommand("pages", "Beyond one machine", 705, "main", "how-to/beyond-one-machine.md"),
    ),
)
EPILOG = """\b
Examples: callmon callbacks list --overdue
          callmon report last
Configuration: --config, $CALLMON_CONFIG, ./callmon.toml,
               /etc/callmon/callmon.toml
Documentation: /en/guide on the pages, docs/en/index.md in the source"""


@click.group(
    cls=HelpGroup,
    commands=MainCommands((OWN, *FEATURES, backfill.FEATURE, tools.FEATURE)),
    epilog=EPILOG,
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__, prog_name="callmon")
@click.option("-q", "--quiet", is_flag=True, help="log warnings only, and show no progress bar")
@click.option("-v", "--verbose", is_flag=True, help="log details too")
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text", help="format of log lines")
@click.pass_context
def main(context: click.Context, quiet: bool, verbose: bool, log_format: str) -> None:
    """callmon measures whether a ministry keeps its telephone service standards."""
    if quiet and verbose:
        raise click.UsageError(said("--quiet and --verbose exclude each other; give one of them."))
    _open_closed_streams()
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    if logging.lastResort is not None:  # the warnings of commands that set up no log
        logging.lastResort.setFormatter(logs.KeyValueFormatter())
    context.obj = partial(logs.set_up, level, log_format == "json")
    if quiet or verbose or log_format == "json":
        context.obj()


def _open_closed_streams() -> None:
    """Where standard input or output was closed (`<&-`), read nothing and discard what is written."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  for the whole process


@main.command()
@with_context()
def run(context: CommandContext) -> None:
    """Run the monitor: it follows and judges every call. In the foreground; systemd runs this.

    \b
    Examples: callmon run --config /etc/callmon/callmon.toml
              callmon --log-format json run
    """
    import asyncio

    from callmon.daemon.daemon import Daemon
    from callmon.store.opening import open_for_writing

    settings = context.settings
    if settings.configuration.store.over:
        raise ConfigError("{path}: store.over is for `callmon pages`.", path=context.path)
    if not settings.exchanges:
        raise ConfigError("{path}: no exchange is configured; add a table [exchanges.NAME].", path=context.path)
    click.get_current_context().obj()
    store = open_for_writing(settings)

    async def listen() -> None:
        await Daemon(settings, store, FEATURES, context.path).run()

    asyncio.run(listen())


@main.command()
@with_context()
def pages(context: CommandContext) -> None:
    """Serve the pages over several pairs of callmon (store.over). In the foreground; it listens to no exchange.

    \b
    Examples: callmon pages --config /etc/callmon/province.toml
              callmon --log-format json pages
    """
    import asyncio

    from callmon.daemon.pages import PairsPages
    from callmon.store.opening import open_for_writing

    if not context.settings.configuration.store.over:
        sentence = said("{path}: store.over is missing; name the schemas of all pairs.", path=context.path)
        raise ConfigError(sentence)
    click.get_current_context().obj()
    store = until_done(open_for_writing(context.settings))
    asyncio.run(PairsPages(context.settings, store, FEATURES).run())
