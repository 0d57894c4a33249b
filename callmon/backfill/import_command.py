"""`callmon import`: the calls of the past, from an older record of the exchange: queue_log, CDR or CEL."""

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from callmon.backfill.imported.job import Days, Import, plan
from callmon.backfill.imported.records import Source, file_and_line
from callmon.backfill.imported.sources import Search
from callmon.cli.common import CommandContext, current_user, one_exchange, print_json, table_row, with_context
from callmon.cli.completion import EXCHANGES
from callmon.cli.help import HelpCommand
from callmon.cli.language import in_language, said
from callmon.cli.progress import progress_bar
from callmon.config.exchange import time_zone
from callmon.config.wording import placed
from callmon.core.calls.call import IMPORTED
from callmon.errors import ConfigError, RefusedValueError, Sentence
from callmon.store.imports import ImportProgress, note_import
from callmon.store.privacy.subject_access import AccessReason, log_access

LEFT_OUT = {
    "older": Sentence("Older than the retention, and not read: {count}."),
    "broken_lines": Sentence("Broken lines: {count}."),
    "in_progress": Sentence("Perhaps still in progress, and left out: {count}."),
}
NOTED_EVERY_SECONDS = 1.0
FOLDER = click.Path(path_type=Path)


@click.command("import", cls=HelpCommand)
@click.argument("kind", type=click.Choice(list(IMPORTED)), required=False)
@click.argument("files", nargs=-1)
@with_context()
@click.option("--exchange", shell_complete=EXCHANGES, help="exchange of the files, if there are several")
@click.option("--logs", type=FOLDER, default="/var/log/asterisk", show_default=True, help="where files are found")
@click.option("--etc", type=FOLDER, default="/etc", show_default=True, help="where an exchange names its database")
@click.option("--table", help="table of the database that FILES names; when left out, one of a usual name")
@click.option("--password-file", type=FOLDER, help="file with the password of that database")
@click.option("--password-env", metavar="NAME", help="environment variable with that password")
@click.option("--from", "since", metavar="DAY", help="only calls that arrived on this day or later")
@click.option("--until", metavar="DAY", help="only calls that arrived on this day or earlier")
@click.option("--timezone", metavar="ZONE", help="zone of the times; when left out, the exchange's")
@click.option("--dry-run", is_flag=True, help="print what would change; change nothing")
@click.option("--yes", is_flag=True, help="do not ask on a terminal")
@click.option("--json", "as_json", is_flag=True, help="one JSON object with the result of each record")
def import_(
    context: CommandContext,
    kind: str | None,
    files: tuple[str, ...],
    exchange: str | None,
    since: str | None,
    until: str | None,
    timezone: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **where: Any,
) -> None:
    """Import calls of the past from FILES of queue_log, CDR (Master.csv) or CEL, also rotated and compressed ones.

    A file may be the address of a database, such as mysql://USER@HOST/asteriskcdrdb. Without FILES, records are
    found in the folder of the logs, and in the databases of FreePBX, Issabel or Wazo. The command says first what
    each month will be able to tell.

    A call that callmon heard stays as it is; of several records, the one that holds most of a call wins. A second
    import changes nothing, and one that was interrupted is continued by running it again. What a record does not
    hold is unknown. Queues are named in arrives_as of their line. The daemon may be running.

    \b
    Examples: callmon import queue_log /var/log/asterisk/queue_log --dry-run
              callmon import cdr Master.csv --from 2026-11-01 --yes
    """
    name = one_exchange(context.settings, exchange)
    days = _day(context, since, "--from"), _day(context, until, "--until")
    zone = None if timezone is None else _zone(timezone)
    context.with_numbers = True
    store = context.store if dry_run else context.upgraded_store

    def new(record: str) -> Import:
        return Import(context.settings, store, record, name, not dry_run, context.now, zone)

    found = Search(new, context.settings.exchanges[name].cel, where).records(kind, files)
    for line in plan(found, context.settings, context.now, days):
        click.echo(" ".join(map(in_language, line)), err=True)
    if sys.stdin.isatty() and not (yes or dry_run):
        click.confirm(said("Import them?"), abort=True, err=True)
    for job, sources in found:
        _run(context, job, sources, days)
        _report(job, sources, as_json)
    if dry_run:
        click.echo(said("Nothing was written."), err=True)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zone(name))
    except RefusedValueError as error:
        raise ConfigError(placed("--timezone", error.args[0])) from None


def _run(context: CommandContext, job: Import, sources: list[Source], days: Days) -> None:
    """Imports a record. The record of access says who imported, also where it was interrupted."""
    lines = sum(x.size for x in sources)
    bar = progress_bar(lines, "Importing", lambda: job.work.calls)
    read = 0
    noted = 0.0
    try:
        for _ in job.run(sources, days):
            bar(job.reader.lines - read)
            read = job.reader.lines
            if time.monotonic() - noted > NOTED_EVERY_SECONDS:
                _note(context, job, lines)
                noted = time.monotonic()
    finally:
        if job.changed and job.writes:
            look = AccessReason(context.now, current_user(), f"import {job.kind}", "import")
            log_access(context.upgraded_store, look, job.changed.total())
        _note(context, job, lines)


def _note(context: CommandContext, job: Import, lines: int) -> None:
    if job.writes:
        changed = job.changed["created"], job.changed["completed"]
        place = job.work.exchange, job.kind, datetime.now(UTC)
        note_import(context.upgraded_store, ImportProgress(*place, lines, job.reader.lines, *changed))


def _day(context: CommandContext, text: str | None, option: str) -> date | None:
    return None if text is None else context.past_day(text, option)


def _report(job: Import, sources: list[Source], as_json: bool) -> None:
    for sentence in job.reader.errors.sentences() if job.kind == "cel" else ():
        click.echo(in_language(sentence), err=True)
    for number, what in job.reader.errors.first:
        file, line = file_and_line(sources, number)
        if file.is_sorted:
            text = said("{file}, sorted, line {line}: {what}.", file=file.place, line=line, what=what)
        else:
            text = said("{file}, line {line}: {what}.", file=file.place, line=line, what=what)
        click.echo(text, err=True)
    for name, count in job.reader.without_line.most_common(10):
        unknown = said(
            "{name}: calls on no line: {count}; name it in arrives_as of its line.", name=name, count=count
        )
        click.echo(unknown, err=True)
    created, replaced = job.changed["created"], job.changed["completed"]
    if as_json:
        result = {"source": job.kind, "exchange": job.work.exchange, "lines": job.reader.lines, "created": created}
        print_json(
            result | {"replaced": replaced, "left_out": job.left_out, "months": dict(sorted(job.months.items()))}
        )
        return
    for month, count in sorted(job.months.items()):
        click.echo(table_row(month, IMPORTED[job.kind], count))
    changed = said("Calls created: {count}, replaced: {other}.", count=created, other=replaced)
    left = [said(LEFT_OUT[x], count=count) for x, count in job.left_out.items() if count and x in LEFT_OUT]
    click.echo(" ".join([said("{count} lines read.", count=job.reader.lines), changed, *left]))
