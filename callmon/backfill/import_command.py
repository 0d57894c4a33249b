"""`callmon import`: the calls of the past, from an older record of the exchange: queue_log, CDR or CEL."""

import sys
from datetime import date
from pathlib import Path

import click

from callmon.backfill.imported.files import RecordFile
from callmon.backfill.imported.job import NAMES, Days, Import
from callmon.backfill.imported.sources import records_in
from callmon.cli.common import CommandContext, current_user, one_exchange, print_json, table_row, with_context
from callmon.cli.completion import EXCHANGES
from callmon.cli.help import HelpCommand
from callmon.cli.language import in_language, said, said_of_count
from callmon.cli.progress import progress_bar
from callmon.errors import ConfigError, Sentence
from callmon.store.privacy.subject_access import AccessReason, log_access

HOLDS = {
    "queue_log": Sentence(
        "queue_log tells the wait, the outcome and transfers; no rings, and nothing before the queue."
    ),
    "cdr": Sentence("CDR tells who was answered, busy or taken by voicemail; no rings, no waits, no transfers."),
    "cel": Sentence("CEL tells nearly all that callmon hears; no messages and no holds."),
}


@click.command("import", cls=HelpCommand)
@click.argument("kind", type=click.Choice(list(NAMES)), required=False)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@with_context()
@click.option("--exchange", shell_complete=EXCHANGES, help="exchange of the files, if there are several")
@click.option(
    "--logs",
    type=click.Path(path_type=Path),
    default=Path("/var/log/asterisk"),
    show_default=True,
    help="folder of the exchange's logs, in which records are found without FILES",
)
@click.option("--from", "since", metavar="DAY", help="only calls that arrived on this day or later")
@click.option("--until", metavar="DAY", help="only calls that arrived on this day or earlier")
@click.option("--dry-run", is_flag=True, help="print what would change; change nothing")
@click.option("--yes", is_flag=True, help="do not ask on a terminal")
@click.option("--json", "as_json", is_flag=True, help="one JSON object with the result of each record")
def import_(
    context: CommandContext,
    kind: str | None,
    files: tuple[Path, ...],
    exchange: str | None,
    logs: Path,
    since: str | None,
    until: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Import calls of the past from FILES of queue_log, CDR (Master.csv) or CEL, also rotated and compressed ones.

    Without FILES, the records are found in the folder of the logs. A call that callmon heard stays as it is; of
    several records, the one that holds most of a call wins. A second import changes nothing, and one that was
    interrupted is continued by running it again. What a record does not hold is unknown. Queues are named in
    arrives_as of their line. The daemon may be running.

    \b
    Examples: callmon import queue_log /var/log/asterisk/queue_log --dry-run
              callmon import cdr Master.csv --from 2026-11-01 --yes
    """
    name = one_exchange(context.settings, exchange)
    days = _day(context, since, "--from"), _day(context, until, "--until")
    records = _records(kind, files, logs)
    context.with_numbers = True
    store = context.store if dry_run else context.upgraded_store
    jobs = [Import(context.settings, store, record, name, writes=not dry_run) for record in records]
    found = [job.examine(records[job.kind], context.now) for job in jobs]
    for job, some in zip(jobs, found, strict=True):
        _say_what_was_found(context, job.kind, some)
    if sys.stdin.isatty() and not (yes or dry_run):
        click.confirm(said("Import them?"), abort=True, err=True)
    for job, some in zip(jobs, found, strict=True):
        _run(context, job, some, days)
        _report(job, name, as_json)
    if dry_run:
        click.echo(said("Nothing was written."), err=True)


def _run(context: CommandContext, job: Import, found: list[RecordFile], days: Days) -> None:
    """Imports a record. The record of access says who imported, also where it was interrupted."""
    try:
        job.run(found, context.now, days, progress_bar(sum(x.size for x in found), "Importing"))
    finally:
        if job.changed and job.writes:
            look = AccessReason(context.now, current_user(), f"import {job.kind}", "import")
            log_access(context.upgraded_store, look, job.changed.total())


def _records(kind: str | None, files: tuple[Path, ...], logs: Path) -> dict[str, list[Path]]:
    """The files by record: those that are given, or those of the folder."""
    records = {kind: list(files)} if kind is not None and files else records_in(logs, kind)
    if not records:
        sentence = said("{folder}: no CEL, queue_log or CDR was found there; name KIND and FILES.", folder=logs)
        raise ConfigError(sentence)
    return records


def _day(context: CommandContext, text: str | None, option: str) -> date | None:
    return None if text is None else context.past_day(text, option)


def _say_what_was_found(context: CommandContext, kind: str, found: list[RecordFile]) -> None:
    zone = context.settings.timezone
    first, last = (at.astimezone(zone).date() for at in (found[0].first, max(x.last for x in found)))
    sentence = said("{record} from {first} to {last}.", record=NAMES[kind], first=first, last=last)
    click.echo(f"{sentence} {in_language(HOLDS[kind])}", err=True)


def _report(job: Import, exchange: str, as_json: bool) -> None:
    reader = job.reader
    for sentence in job.work.bad.sentences():
        click.echo(in_language(sentence), err=True)
    if reader is not None:
        for file, number, what in reader.broken.first:
            click.echo(said("{file}, line {line}: {what}.", file=file, line=number, what=what), err=True)
        for name, count in reader.without_line.most_common(10):
            text = said_of_count(
                "{name}: {count} call on no line; name it in arrives_as of its line.",
                "{name}: {count} calls on no line; name it in arrives_as of its line.",
                count,
                name=name,
            )
            click.echo(text, err=True)
    if as_json:
        print_json(_as_json(job, exchange))
        return
    for month, count in sorted(job.months.items()):
        click.echo(table_row(month, NAMES[job.kind], count))
    click.echo(_sums(job))


def _as_json(job: Import, exchange: str) -> dict[str, object]:
    reader = job.reader
    left_out = {"older": job.older}
    if reader is not None:
        more = {"without_line": reader.without_line.total(), "in_progress": reader.unfinished}
        left_out |= {"broken_lines": reader.broken.count} | more
    return {
        "source": job.kind,
        "exchange": exchange,
        "lines": job.work.rows if reader is None else reader.lines,
        "created": job.changed["created"],
        "replaced": job.changed["completed"],
        "left_out": left_out,
        "months": dict(sorted(job.months.items())),
    }


def _sums(job: Import) -> str:
    reader = job.reader
    done = said(
        "Calls created: {count}, replaced: {other}.", count=job.changed["created"], other=job.changed["completed"]
    )
    lines = job.work.rows if reader is None else reader.lines
    sentences = [said("{count} lines read.", count=lines), done]
    if job.older:
        sentences.append(said("Older than the retention, and not read: {count}.", count=job.older))
    if reader is not None and reader.broken.count:
        sentences.append(said("Broken lines: {count}.", count=reader.broken.count))
    if reader is not None and reader.unfinished:
        sentences.append(said("Perhaps still in progress, and left out: {count}.", count=reader.unfinished))
    return " ".join(sentences)
