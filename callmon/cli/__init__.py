"""The commands. Each is short and calls functions that the tests call too.

Results go to standard output, everything else to standard error. Exit status: 0 done, 1 the command ran and
found a fault, 2 bad usage or configuration.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import get_terminal_size
from typing import BinaryIO

import click

from callmon import __version__
from callmon.cli import (
    alerting,
    attest,
    backfill,
    callbacks,
    database,
    disruptions,
    privacy,
    reconcile,
    report,
    users,
)
from callmon.cli.common import (
    DEFAULT_CONFIG,
    config_option,
    configuration,
    current_user,
    one_exchange,
    report_errors,
    stop,
    until_done,
)
from callmon.config.settings import Settings, example, load
from callmon.errors import CallmonError, ConfigError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="callmon")
def main() -> None:
    """callmon: the witness of what a ministry promised its callers on the telephone."""


main.add_command(backfill.backfill)
main.add_command(database.db)
main.add_command(reconcile.reconcile)
main.add_command(privacy.privacy)
main.add_command(alerting.alerting)
main.add_command(report.report)
main.add_command(attest.attest)
main.add_command(users.users)


@main.command()
@config_option
@report_errors
def check(config: Path | None) -> None:
    """Load the configuration; print the settings in force and the next twelve months' closed days.

    \b
    Example: callmon check --config /etc/callmon/callmon.toml
    """
    from callmon.cli.check import report as check_report
    from callmon.core.standards import load as load_standards

    settings = configuration(config)
    load_standards(settings.standards)
    click.echo(check_report(settings, datetime.now(settings.timezone).date()))


@main.command()
@config_option
@report_errors
def run(config: Path | None) -> None:
    """The daemon: listen to the exchanges, judge every call, store it and show it on /metrics.

    \b
    Example: callmon run --config /etc/callmon/callmon.toml
    """
    from callmon.daemon.daemon import Daemon
    from callmon.logs import set_up
    from callmon.store.opening import open_for_writing

    path = config or DEFAULT_CONFIG
    settings = load(path)
    if not settings.exchanges:
        raise ConfigError(f"{path}: no exchange to listen to; add a table [exchanges.NAME].")
    set_up()
    store = open_for_writing(settings)

    async def listen() -> None:
        await Daemon(settings, store, path).run()

    asyncio.run(listen())


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@config_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object a call, instead of facts and findings")
@click.option("--any-line", is_flag=True, help="treat every number dialled from outside as a line")
@report_errors
def replay(files: tuple[Path, ...], config: Path | None, as_json: bool, any_line: bool) -> None:
    """Put recordings (AMI bytes) through the same pipeline, and print what callmon concludes.

    Several FILES are successive connections to one exchange. FILE may be - for standard input.

    \b
    Example: callmon replay --json tests/recordings/vm_message.ami
    """
    from callmon.core.assembly import monitor
    from callmon.tools.replay import Replay, told

    settings = configuration(config) if config else example()
    exchange = next(iter(settings.exchanges), "recording")
    replayed = Replay(monitor(settings, exchange, any_line, every_call=True, token=str), exchange)
    with ExitStack() as opened:
        lines = told(replayed, (_open(opened, path) for path in files))
        for line in lines:
            if not as_json:
                click.echo(line)
    if as_json:
        for call in replayed.calls():
            click.echo(json.dumps(call, ensure_ascii=False))


def _open(opened: ExitStack, path: Path) -> BinaryIO:
    if str(path) == "-":
        return sys.stdin.buffer
    try:
        return opened.enter_context(path.open("rb"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@config_option
@click.option("--exchange", help="which one, when the configuration has several")
@click.option("--with-numbers", is_flag=True, help="do not redact: the file will hold personal information")
@click.option("--seconds", type=float, help="stop after this long (default: until Ctrl-C)")
@click.option("--overwrite", is_flag=True, help="write over a file that is there")
@report_errors
def record(
    file: Path,
    config: Path | None,
    exchange: str | None,
    with_numbers: bool,
    seconds: float | None,
    overwrite: bool,
) -> None:
    """Write an exchange's AMI bytes to a .ami FILE, numbers and names redacted unless asked.

    With numbers the name of FILE gets the last day on which it may be kept; `privacy purge` disposes of it.

    \b
    Example: callmon record monday.ami --seconds 3600
    """
    from callmon.ami.connection import bytes_of
    from callmon.store.privacy.dated_files import dated
    from callmon.tools.record import record as write

    settings = configuration(config)
    name = one_exchange(settings, exchange)
    if with_numbers:
        file = dated(file, datetime.now(settings.timezone).date())
        question = f"{file} will hold callers' numbers and names. Is it kept safe and disposed of?"
        click.confirm(question, abort=True, err=True)
    done = asyncio.run(
        write(
            settings.exchanges[name],
            file,
            settings.lines(),
            with_numbers,
            lambda told: bytes_of(name, told),
            settings.region,
            None if seconds is None else timedelta(seconds=seconds),
            overwrite,
        )
    )
    click.echo(f"{file}: {done.messages} messages, {done.size} bytes.", err=True)


@main.command()
@config_option
@click.option("--listen", metavar="DURATION", help="listen this long (30s, 1h), then propose a configuration")
@click.option("--acceptance", is_flag=True, help="five scripted test calls, and what callmon makes of each")
@report_errors
def doctor(config: Path | None, listen: str | None, acceptance: bool) -> None:
    """Ask each exchange whether callmon can do its job there; print what is wrong and the lines that mend it.

    \b
    Example: callmon doctor --config callmon.toml
    """
    from callmon.tools.doctor import as_text, examine

    settings = configuration(config)
    if not settings.exchanges:
        raise ConfigError("No exchange to examine; add a table [exchanges.NAME].")
    if listen is not None and acceptance:
        raise ConfigError("--listen and --acceptance are two different things; give one of them.")
    if listen is not None:
        _listen(settings, listen)
        return
    if acceptance:
        _accept(settings)
        return
    complaints = examine(settings, datetime.now(UTC), _last_seen(settings))
    click.echo(as_text(complaints, settings.exchanges, get_terminal_size().columns))
    if any(complaint.severity == "error" for complaint in complaints):
        sys.exit(1)


def _last_seen(settings: Settings) -> dict[str, datetime | None] | None:
    """Time of each line's last call. None if there is no database yet: then last calls are not judged."""
    from callmon.store.database import open_store
    from callmon.store.queries import calls as queries

    try:
        store = open_store(settings.store.url)
    except CallmonError:
        return None
    known = queries.last_calls(store)
    store.close()
    return {line.name: known.get(line.name) for line in settings.lines()}


def _listen(settings: Settings, length: str) -> None:
    """Listen to all exchanges for `length`, or until Ctrl-C. Print a configuration for each."""
    from callmon.config.durations import duration
    from callmon.tools.doctor import TrafficSample, propose
    from callmon.tools.doctor.listen import hear

    try:
        seconds = duration(length).total_seconds()
    except ValueError as error:
        raise ConfigError(f"--listen {length}: {error}") from None
    click.echo(f"Listening for {length}; Ctrl-C ends it sooner.", err=True)
    heard = {name: TrafficSample(settings.region) for name in settings.exchanges}
    hear(settings, lambda name, chunk: heard[name].heard(chunk), seconds)
    for name, listening in heard.items():
        click.echo(propose(listening, name, settings.exchanges[name]))


def _accept(settings: Settings) -> None:
    """Run until all five calls came out as scripted, or until Ctrl-C: then exit status 1."""
    from callmon.tools.doctor import Acceptance
    from callmon.tools.doctor.listen import hear

    test = Acceptance(settings)

    def heard(name: str, chunk: bytes) -> bool:
        for line in test.heard(name, chunk):
            click.echo(line)
        return test.is_over

    click.echo("\n".join(test.sheet()))
    hear(settings, heard)
    click.echo("\n".join(test.end()))
    if not test.is_over:
        sys.exit(1)


@main.command()
@click.argument("call")
@config_option
@click.option("--lang", type=click.Choice(["fr", "en"]), help="the language of the story (default: the settings')")
@click.option("--json", "as_json", is_flag=True, help="the call as JSON, with the caller's number")
@click.option("--purpose", default="explain --json", help="why the number is looked at, for the log of accesses")
@report_errors
def explain(call: str, config: Path | None, lang: str | None, as_json: bool, purpose: str) -> None:
    """Tell one stored call as a timeline, each verdict with its reason.

    \b
    Example: callmon explain 1795527733.0 --lang fr
    """
    from callmon.store import opening
    from callmon.store.database import open_store
    from callmon.store.privacy import subject_access
    from callmon.store.queries import calls as queries
    from callmon.store.queries import disruptions as stored_disruptions
    from callmon.store.queries import obligations
    from callmon.text.story import as_json as told_as_json
    from callmon.text.story import story

    settings = configuration(config)
    store = until_done(opening.open_with_keys(settings) if as_json else open_store(settings.store.url))
    found = queries.stored_calls(store, call, numbers=as_json)
    if not found:
        told = (
            f"No call {call} is stored; it is named by its caller's Uniqueid, as the page of a day's calls shows."
        )
        stop((told,), 1)
    if as_json:
        look = subject_access.AccessReason(datetime.now(UTC), current_user(), purpose, "explain --json")
        subject_access.log_access_to_call(store, look, call)
    for stored in found:
        met = stored_disruptions.disruptions_of_call(store, stored.account)
        if as_json:
            click.echo(json.dumps(told_as_json(stored, settings, met), ensure_ascii=False))
        else:
            entries = obligations.ledger_entries(
                store, stored.account.call if stored.account else call, stored.exchange
            )
            click.echo(story(stored, settings, lang or settings.default_language, entries, met))


@main.command()
@click.option("--listen", default="127.0.0.1:9469", show_default=True, help="where the pages are")
@click.option("--seconds", type=float, help="stop after this long")
@report_errors
def demo(listen: str, seconds: float | None) -> None:
    """Everything with nothing installed: recordings of a real Asterisk played for ever, SQLite, metrics.

    \b
    Example: callmon demo
    """
    from callmon.tools.demo import play

    asyncio.run(play(listen, None if seconds is None else timedelta(seconds=seconds)))


main.add_command(callbacks.callbacks)
main.add_command(disruptions.disruptions)
