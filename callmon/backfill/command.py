"""`callmon backfill`: calls during gaps in the event stream, from the exchange's own records (CEL)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from callmon.backfill.apply import CallChange
from callmon.backfill.cel.rows import CelRow
from callmon.backfill.job import Backfill, Window, lines_of, rows
from callmon.cli.common import CommandContext, one_exchange, table_row, with_context
from callmon.cli.completion import EXCHANGES
from callmon.cli.errors import stop
from callmon.cli.help import HelpCommand
from callmon.cli.language import current_language, in_language, said, said_of_count
from callmon.cli.progress import counted, print_result, progress_bar
from callmon.config.settings import Settings
from callmon.core.calls.call import Call
from callmon.core.verdicts import Finding
from callmon.errors import ConfigError
from callmon.sinks.traces.sink import Traces
from callmon.text.labels import label
from callmon.text.records import as_json, verdict_line


@click.command(cls=HelpCommand)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, allow_dash=True))
@with_context()
@click.option("--exchange", shell_complete=EXCHANGES, help="exchange of the rows, if there are several")
@click.option("--json", "in_json", is_flag=True, help="one JSON object per call, with the callers' numbers")
@click.option("--dry-run", is_flag=True, help="print what would change; change nothing")
def backfill(
    context: CommandContext, files: tuple[Path, ...], exchange: str | None, in_json: bool, dry_run: bool
) -> None:
    """Fill gaps from CEL: add missing calls, and complete calls that callmon heard in part.

    FILES hold rows of cel_custom, oldest first (- for standard input; .gz is read too). Without FILES, the gaps
    are read from the configured source. Calls without a gap do not change, nor does a second run change anything.
    The daemon may be running.

    \b
    Examples: callmon backfill
              callmon backfill /var/log/asterisk/cel-custom/Master.csv --dry-run
    """
    settings = context.settings
    name = one_exchange(settings, exchange)
    if not files:
        _refuse_without_source(settings, name)
    context.with_numbers = True
    store = context.store if dry_run else context.upgraded_store
    work = Backfill(settings, store, name, writes=not dry_run)
    windows = None if files else work.measurement_gaps(context.now)
    cel = settings.exchanges[name].cel
    found = _rows(work, files) if files else rows(cel, name, work.reader(), windows)
    changed: Counter[str] = Counter()
    traces = Traces(lambda: settings.traces, store, lambda: True)
    for line in _lines(work, found, windows, in_json, changed, traces):
        print_result(line)
    _report(work, changed, in_json)
    if dry_run:
        click.echo(said("Nothing was written."), err=True)
    elif not traces.send_all():
        click.echo(in_language(traces.trouble() or ""), err=True)


def _rows(work: Backfill, files: Iterable[Path]) -> Iterator[CelRow]:
    reader, files = work.reader(), list(files)
    sizes = [path.stat().st_size if path.suffix != ".gz" and path.is_file() else None for path in files]
    length = 0 if None in sizes else sum(filter(None, sizes))  # compressed, or a pipe: no end is known
    advance = progress_bar(length, "Reading")
    for path in files:
        yield from reader.read_lines(counted(lines_of(path), advance))


def _refuse_without_source(settings: Settings, exchange: str) -> None:
    """Raises ConfigError if no CEL source is configured."""
    if not settings.exchanges[exchange].cel.is_on:
        where = f"[exchanges.{exchange}.cel]"
        raise ConfigError(
            "No FILE is given, and no source is configured. Give a FILE, or add {where} with file or url.",
            where=where,
        )


def _lines(
    work: Backfill,
    rows: Iterable[CelRow],
    windows: Sequence[Window] | None,
    in_json: bool,
    changed: Counter[str],
    traces: Traces,
) -> Iterator[str]:
    for filled in work.run(rows, windows):
        for change in filled.changes:
            changed[change.what] += 1
            traces.add(change.exchange, [change.call])
            yield from [_json_line(change.exchange, change.call, change.findings)] if in_json else _as_text(change)
        yield from _of_no_line(work, in_json)
    yield from _of_no_line(work, in_json)


def _json_line(exchange: str, call: Call, findings: Iterable[Finding] = ()) -> str:
    return json.dumps(as_json(exchange, call, findings), ensure_ascii=False)


def _of_no_line(work: Backfill, in_json: bool) -> Iterator[str]:
    """Staff's own calls: printed, never stored."""
    apart, work.apart = work.apart, []
    yield from (_json_line(work.exchange, call) for call in apart if in_json)


def _as_text(change: CallChange) -> Iterator[str]:
    call = change.call
    what = said("created") if change.what == "created" else said("completed")
    text = label("outcome", call.outcome, current_language())
    if call.answered_by is not None:
        text = said("{outcome} by {person}", outcome=text, person=call.answered_by)
    if call.rings is not None:
        text += ", " + said_of_count("{count} ring", "{count} rings", call.rings)
        text += said(" (estimated)") if call.rings_estimated else ""
    yield table_row(change.exchange, call.call, what, call.line, text)
    yield from (f"  {verdict_line(verdict, current_language())}" for verdict in change.verdicts)


def _report(work: Backfill, changed: Counter[str], in_json: bool) -> None:
    for sentence in work.bad.sentences():
        click.echo(in_language(sentence), err=True)
    if not work.rows and len(work.bad):
        stop((said("No row of CEL was found; give a file that cel_custom writes."),), 1)
    created, completed = changed["created"], changed["completed"]
    counts = [said_of_count("{count} call created", "{count} calls created", created)] if created else []
    if completed:
        counts.append(said_of_count("{count} call completed", "{count} calls completed", completed))
    sentences = [
        said("{count} rows of CEL read.", count=work.rows),
        f"{', '.join(counts)}." if counts else said("Nothing changed."),
    ]
    if work.called_back:
        sentences.append(
            said_of_count(
                "{count} call to a caller with an open callback: the daemon updates the ledger.",
                "{count} calls to a caller with an open callback: the daemon updates the ledger.",
                work.called_back,
            )
        )
    click.echo(" ".join(sentences), err=in_json)
