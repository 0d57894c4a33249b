"""What an administrator runs manually: `callmon replay`, `record`, `doctor` and `demo`."""

import asyncio
import dataclasses
import sys
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from shutil import get_terminal_size

import click

from callmon.cli.common import (
    CommandContext,
    LengthOfTime,
    confirm,
    json_option,
    one_exchange,
    print_json,
    with_context,
)
from callmon.cli.completion import EXCHANGES
from callmon.cli.errors import report_errors
from callmon.cli.help import HelpCommand
from callmon.cli.language import current_language, said
from callmon.cli.progress import print_result, progress_bar
from callmon.config.settings import Settings, example
from callmon.errors import CallmonError, ConfigError


@click.command(cls=HelpCommand)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@with_context(lambda config: CommandContext(config) if config else None)
@click.option("--json", "as_json", is_flag=True, help="one JSON object per call, instead of facts and findings")
@click.option("--any-line", is_flag=True, help="treat every number dialled from outside as a line")
def replay(context: CommandContext | None, files: tuple[Path, ...], as_json: bool, any_line: bool) -> None:
    """Replay recordings (AMI bytes) through the same pipeline; print facts and verdicts.

    Several FILES are successive connections to one exchange. FILE may be - for standard input.

    \b
    Examples: callmon replay monday.ami --any-line
              callmon replay --json monday.ami
    """
    from callmon.core.monitor import Monitor
    from callmon.tools.replay import Replay, replayed_lines

    settings = context.settings if context else example()
    exchange = next(iter(settings.exchanges), "recording")
    replayed = Replay(Monitor(settings, exchange, any_line, every_call=True, token=str), exchange)
    with ExitStack() as opened:
        advance = progress_bar(sum(path.stat().st_size for path in files if path.is_file()), "Replaying")
        sources = (opened.enter_context(click.open_file(str(path), "rb")) for path in files)
        for line in replayed_lines(replayed, sources, advance, current_language()):
            if not as_json:
                print_result(line)
    if not replayed.messages:
        raise CallmonError("No AMI message was found; give a file that `callmon record` writes.")
    for call in replayed.calls() if as_json else ():
        print_json(call)


@click.command(cls=HelpCommand)
@click.argument("file", type=click.Path(path_type=Path))
@with_context()
@click.option("--exchange", shell_complete=EXCHANGES, help="exchange to record, if there are several")
@click.option(
    "--with-numbers", is_flag=True, help="keep numbers and names: the file then holds personal information"
)
@click.option("--for", "length", type=LengthOfTime(), help="stop after this time: 30s, 1h (default: at Ctrl-C)")
@click.option("--overwrite", is_flag=True, help="replace an existing file")
def record(
    context: CommandContext,
    file: Path,
    exchange: str | None,
    with_numbers: bool,
    length: timedelta | None,
    overwrite: bool,
) -> None:
    """Write an exchange's AMI bytes to a .ami FILE; numbers and names are redacted.

    With --with-numbers, the expiry date is added to the name of FILE; `callmon privacy purge` deletes it.

    \b
    Examples: callmon record monday.ami --for 1h
              callmon record fault.ami --exchange toronto --overwrite
    """
    from callmon.ami.connection import bytes_of
    from callmon.store.privacy.dated_files import dated
    from callmon.tools.record import Redacting, Verbatim
    from callmon.tools.record import record as write

    settings = context.settings
    name = one_exchange(settings, exchange)
    if with_numbers:
        file = dated(file, context.today)
        question = "{file} will hold callers' numbers and names. Will it be protected and deleted in time?"
        confirm(said(question, file=file), "run the command on a terminal")
    chunks = bytes_of(name, settings.exchanges[name])
    cut = Verbatim() if with_numbers else Redacting(settings.lines(), settings.region)
    begun = partial(click.echo, said("Recording to {file}; Ctrl-C stops it.", file=file), err=True)
    done = asyncio.run(write(chunks, file, cut, length, overwrite, begun))
    counts = said("{file}: {messages} messages, {size} bytes.", file=file, messages=done.messages, size=done.size)
    click.echo(counts, err=True)


@click.command(cls=HelpCommand)
@with_context()
@click.option("--listen", type=LengthOfTime(), help="listen for this long (30s, 1h), then propose a configuration")
@click.option("--acceptance", is_flag=True, help="check five scripted test calls against callmon's verdicts")
@click.option("--routes", is_flag=True, help="read where each public number leads; no call is placed")
@json_option
def doctor(
    context: CommandContext, listen: timedelta | None, acceptance: bool, routes: bool, as_json: bool
) -> None:
    """Check the configuration of each exchange; print each fault and the lines that fix it.

    \b
    Examples: callmon doctor --routes
              callmon doctor --listen 1h > proposed.toml
    """
    from callmon.tools.doctor import LANGUAGE, as_text, examine

    settings = context.settings
    if not settings.exchanges:
        raise ConfigError("No exchange is configured; add a table [exchanges.NAME].")
    if (listen is not None) + acceptance + routes > 1:
        raise ConfigError("--listen, --acceptance and --routes exclude each other; give one of them.")
    if listen is not None:
        _listen(settings, listen, context.language)
        return
    if acceptance:
        _accept(settings, context.language)
        return
    click.get_current_context().call_on_close(partial(LANGUAGE.reset, LANGUAGE.set(context.language)))
    if routes:
        _print_routes(settings, as_json)
        return
    findings = examine(settings, context.now, _last_seen(context))
    for finding in findings if as_json else ():
        print_json(dataclasses.asdict(finding))
    if not as_json:
        click.echo(as_text(findings, settings.exchanges, get_terminal_size().columns))
    if any(finding.severity == "error" for finding in findings):
        sys.exit(1)


def _print_routes(settings: Settings, as_json: bool) -> None:
    """Exit status 1 where an exchange could not be asked."""
    from callmon.tools import routes
    from callmon.tools.doctor import as_text

    found = routes.read(settings.exchanges)
    for name, given in found.items():
        findings = list(routes.route_findings(name, given.routes))
        if as_json:
            print_json({"exchange": name, **dataclasses.asdict(given)})
            for finding in findings:
                print_json(dataclasses.asdict(finding))
        else:
            click.echo(f"{name}:\n{routes.as_text(given)}\n")
            click.echo(as_text(findings, (name,), get_terminal_size().columns) if not given.failure else "")
    if any(given.failure for given in found.values()):
        sys.exit(1)


def _last_seen(context: CommandContext) -> dict[str, datetime | None] | None:
    """Time of each line's last call. None if there is no database yet: then last calls are not judged."""
    from callmon.store.queries import calls as queries

    try:
        known = queries.last_calls(context.store)
    except CallmonError:
        return None
    return {line.name: known.get(line.name) for line in context.settings.lines()}


def _listen(settings: Settings, length: timedelta, language: str) -> None:
    """Listen to all exchanges for `length`, or until Ctrl-C. Print a configuration for each."""
    from callmon.config.times import formatted_duration
    from callmon.tools.doctor import TrafficSample, propose
    from callmon.tools.doctor.receive import hear

    click.echo(said("Listening for {length}; Ctrl-C stops earlier.", length=formatted_duration(length)), err=True)
    heard = {name: TrafficSample(settings.region) for name in settings.exchanges}
    hear(settings, lambda name, chunk: heard[name].heard(chunk), length.total_seconds())
    for name, listening in heard.items():
        click.echo(propose(listening, name, settings.exchanges[name], language))


def _accept(settings: Settings, language: str) -> None:
    """Run until all five calls came out as scripted, or until Ctrl-C: then exit status 1."""
    from callmon.tools.doctor import Acceptance
    from callmon.tools.doctor.receive import hear

    test = Acceptance(settings, language)

    def heard(name: str, chunk: bytes) -> bool:
        for line in test.heard(name, chunk):
            click.echo(line)
        return test.is_over

    click.echo("\n".join(test.sheet()))
    hear(settings, heard)
    click.echo("\n".join(test.result_sheet()))
    if not test.is_over:
        sys.exit(1)


@click.command(cls=HelpCommand)
@click.option("--listen", default="127.0.0.1:10469", show_default=True, help="address and port of the pages")
@click.option("--for", "length", type=LengthOfTime(), help="stop after this time: 30s, 1h (default: at Ctrl-C)")
@click.option("--fast", "is_fast", is_flag=True, help="a dozen calls at once, for load")
@click.option(
    "--day",
    type=click.Choice(("usual", "bad")),
    default="usual",
    show_default=True,
    help="bad: the trunk is cut 90 s after the start, for ten minutes",
)
@report_errors
def demo(listen: str, length: timedelta | None, is_fast: bool, day: str) -> None:
    """Try callmon without an exchange: it plays recordings of a real Asterisk in a loop.

    The pages have callbacks to make now, thirteen past months, and every role without a password: this machine
    alone can open them.

    \b
    Examples: callmon demo
              callmon demo --listen 127.0.0.1:8080 --day bad
    """
    from callmon.tools.demo import play
    from callmon.tools.demo.schedule import LOAD, USUAL

    pace = (LOAD if is_fast else USUAL)._replace(is_cut=day == "bad")
    asyncio.run(play(listen, length, current_language(), pace))
