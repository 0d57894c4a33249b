"""`callmon report`: the monthly statistics, in both languages at once.

Reads the database, makes the Report (`reports/builder`) and writes it in one format. A report has the same bytes
each time, if neither the data nor the configuration changed and nothing fell due meanwhile.
"""

import sys
import tomllib
from functools import partial
from pathlib import Path

import click

from callmon.cli.common import CommandContext, with_context, write_file
from callmon.cli.completion import LINES, MONTHS
from callmon.cli.help import HelpCommand
from callmon.cli.progress import progress_bar
from callmon.core.statistics import period as months
from callmon.core.statistics.period import Month
from callmon.errors import ConfigError, NoDataError
from callmon.reports import request, sample
from callmon.reports.formats.json import Published, parse_report
from callmon.reports.model import FORMATS
from callmon.reports.notes import Remarks
from callmon.reports.request import STDOUT, ReportRequest, files, localized_path
from callmon.text.labels import LANGUAGES, label, translate

NOT_OVER = "Ce mois n'est pas fini : ses chiffres sont provisoires."  # same text as on the month's page


@click.command(cls=HelpCommand)
@click.argument("month", shell_complete=MONTHS)
@with_context()
@click.option("--format", "kind", type=click.Choice(FORMATS), default="html", show_default=True)
@click.option("--lang", type=click.Choice(LANGUAGES), help="one language (default: both, a file each)")
@click.option("--public", "is_public", is_flag=True, help="the public edition: small numbers are suppressed")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    help="output file; - for standard output, with --lang",
)
@click.option("--month-to-date", "to_date", is_flag=True, help="only the past days of the month")
@click.option("--line", "lines", multiple=True, shell_complete=LINES, help="only this line")
@click.option(
    "--compare/--no-compare",
    default=True,
    show_default=True,
    help="compare with the previous month and the same month last year",
)
@click.option(
    "--sample",
    metavar="SEED",
    help="instead of the report, a random sample of 20 calls by this seed, one page each",
)
@click.option(
    "--revises",
    type=click.Path(path_type=Path),
    help="JSON of an earlier report of this month; list the changes since",
)
@click.option(
    "--beside",
    type=click.Path(path_type=Path),
    multiple=True,
    help="JSON of the public edition of the previous month, or of the same month last year, to print beside",
)
@click.option("--scheduled", is_flag=True, help="for a timer: run once, from the first business day on")
@click.option("--overwrite", is_flag=True, help="replace an existing report")
@click.option(
    "--remarks", type=click.Path(path_type=Path), help="TOML file with the manager's remarks, in fr and en"
)
def report(
    context: CommandContext,
    month: str,
    kind: str,
    is_public: bool,
    output: Path | None,
    to_date: bool,
    lines: tuple[str, ...],
    compare: bool,
    sample: str | None,
    revises: Path | None,
    beside: tuple[Path, ...],
    scheduled: bool,
    overwrite: bool,
    remarks: Path | None,
) -> None:
    """The monthly statistics of MONTH (2026-10, or "last"), in French and English.

    A file each, -fr and -en. An existing report with other content is not replaced: it may have been signed.

    \b
    Examples: callmon report last
              callmon report 2026-10 --format xlsx -o october.xlsx
    """
    settings, lang = context.settings, context.lang
    month = months.last(context.today) if month == "last" else month
    if scheduled and not _is_due(context, month, kind, output):
        return
    if is_public and sample:
        raise ConfigError("--sample and --public exclude each other: a sample shows single calls.")
    earlier, others = None if revises is None else _published(revises), tuple(map(_published, beside))
    wanted, said = context.known_lines(lines) if lines else None, _remarks_of(remarks)
    order = request.ReportRequest(month, kind, lang, is_public, to_date, wanted, compare, said, earlier, others)
    period = request.checked(order, settings, context.now)
    if sample is None:
        _make(context, order, output, overwrite, scheduled)
    else:
        _draw(context, period, sample, output, overwrite)


def _make(
    context: CommandContext, order: ReportRequest, output: Path | None, overwrite: bool, scheduled: bool
) -> None:
    """Write the ordered statistics. `scheduled`: no error if callmon did not run yet in that month."""
    settings, now = context.settings, context.now
    try:
        made = request.made(
            context.store, settings, order, now, lambda days: partial(progress_bar(days, "Reading"), 1)
        )
    except NoDataError as error:
        if not scheduled:
            raise
        click.echo(error, err=True)
        return
    _write(files(made, settings, order.kind, order.lang, output, order.remarks), overwrite)
    if now < months.month(order.month, settings.timezone).end:
        click.echo(translate(NOT_OVER, context.language, "page"), err=True)


def _draw(context: CommandContext, period: Month, seed: str, output: Path | None, overwrite: bool) -> None:
    found = sample.packs(context.store, context.settings, period, seed)
    if not found:
        raise NoDataError(label("no_report", "no_call", context.language).format(month=period.name))
    path = output or Path(f"callmon-{period.name}-sample.txt")
    _write([(localized_path(path, x), found[x]) for x in LANGUAGES if context.lang in (None, x)], overwrite)


def _is_due(context: CommandContext, month: str, kind: str, output: Path | None) -> bool:
    """Whether the first business day has come, and the internal report's first file is missing."""
    if not months.is_due(context.settings.calendar(), context.today):
        return False
    path = output or Path(f"callmon-{month}.{kind}")
    return not (path if kind == "json" or context.lang else localized_path(path, "fr")).exists()


def _published(path: Path) -> tuple[Published, str]:
    """An earlier report, and its name in messages. Raises ConfigError."""
    return parse_report(path.read_bytes(), str(path)), str(path)


def _write(written: list[tuple[Path, bytes]], overwrite: bool) -> None:
    """Raises ConfigError, before anything is written, if a file exists with other content (R-31)."""
    for path, data in written:
        if path != STDOUT and not overwrite and path.exists() and path.read_bytes() != data:
            raise ConfigError(
                f"{path} exists with other content and is not replaced. Give another name with -o, and "
                "--revises to list the changes; or replace a draft with --overwrite."
            )
    for path, data in written:
        if path == STDOUT:
            sys.stdout.buffer.write(data)
        else:
            write_file(path, data)
            click.echo(path)


def _remarks_of(path: Path | None) -> Remarks:
    """Remarks from TOML: [section] fr = "…", en = "…". Raises ConfigError if a remark lacks a language (R-33)."""
    if path is None:
        return {}
    try:
        remarks: Remarks = tomllib.loads(path.read_bytes().decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as TOML: {error}") from None
    for key, text in remarks.items():
        if not isinstance(text, dict) or not all(isinstance(text.get(x), str) and text[x] for x in LANGUAGES):
            raise ConfigError(f"{path}: the remark [{key}] needs fr and en, and neither may be empty.")
    return remarks
