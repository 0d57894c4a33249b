"""`callmon report`: the monthly statistics, in both languages at once.

Reads the database, makes the Report (`reports/builder`) and writes it in one format. A report has the same bytes
each time, if neither the data nor the configuration changed and nothing fell due meanwhile.
"""

import sys
from functools import partial
from pathlib import Path

import click

from callmon.cli.common import CommandContext, with_context, write_file
from callmon.cli.completion import LINES, MONTHS
from callmon.cli.help import CommandWithOthers
from callmon.cli.progress import progress_bar
from callmon.config.settings import Settings
from callmon.core.statistics import period as months
from callmon.core.statistics.period import Month
from callmon.errors import ConfigError, NoDataError
from callmon.features.months import request, sample
from callmon.features.months.formats.html import completeness, state
from callmon.features.months.formats.json import Published, parse_report
from callmon.features.months.formatter import formatter_of
from callmon.features.months.mail.command import send
from callmon.features.months.model import FORMATS, Report
from callmon.features.months.remarks import read_remarks
from callmon.features.months.request import STDOUT, ReportRequest, files, localized_path
from callmon.features.months.sign_off.command import sign, signed, verify
from callmon.text.labels import LANGUAGES, label


@click.command(cls=CommandWithOthers, invoke_without_command=True, subcommand_metavar="")
@click.argument("month", shell_complete=MONTHS)
@with_context()
@click.option("--format", "kind", type=click.Choice(FORMATS), default="html", show_default=True)
@click.option("--lang", "one", type=click.Choice(LANGUAGES), help="one language (default: both, a file each)")
@click.option("--public", "is_public", is_flag=True, help="the public edition: numbers rounded to tens")
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
@click.option(
    "--package", is_flag=True, help="with --public: a folder, or with -o NAME.zip a zip, for data portals"
)
@click.option("--card", "is_card", is_flag=True, help="with --public: one page with five figures, HTML or PDF")
@click.option("--phones", is_flag=True, help="with an annex: the phones needed in the week after the month")
@click.option("--scheduled", is_flag=True, help="for a timer: run once, from the first business day on")
@click.option("--overwrite", is_flag=True, help="replace an existing report")
@click.option(
    "--remarks", type=click.Path(path_type=Path), help="TOML file with the manager's remarks, in fr and en"
)
def report(
    context: CommandContext,
    month: str,
    kind: str,
    one: str | None,
    is_public: bool,
    output: Path | None,
    to_date: bool,
    lines: tuple[str, ...],
    compare: bool,
    sample: str | None,
    revises: Path | None,
    beside: tuple[Path, ...],
    package: bool,
    is_card: bool,
    phones: bool,
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
    _check_output(None if package else output, kind, one)
    if sample and (is_public or package):
        raise ConfigError(
            "--sample and --public exclude each other, as a sample shows single calls; leave one of them out."
        )
    month = months.last(context.today) if month == "last" else month
    if scheduled and not _is_due(context, month, kind, output, one):
        return
    earlier, others = None if revises is None else _published(revises), tuple(map(_published, beside))
    wanted, said = context.known_lines(lines) if lines else None, read_remarks(context, remarks)
    report_request = ReportRequest(
        month, kind, one, is_public, to_date, wanted, compare, said, earlier, others, is_card, phones=phones
    )
    period = request.checked(report_request, context.settings, context.now)
    if sample is None:
        _make(context, report_request, output, overwrite, scheduled, package)
    else:
        _draw(context, period, sample, output, overwrite, one)


report.add_command(send)
report.add_command(sign)
report.add_command(signed)
report.add_command(verify)


def _check_output(output: Path | None, kind: str, one: str | None) -> None:
    """Raises ConfigError, before the report is made, if it could not be written to `output`."""
    if output is None:
        return
    if output == STDOUT:
        if one is None and kind != "json":
            raise ConfigError("-o - writes one language: say which with --lang fr or --lang en.")
    elif output.is_dir():
        raise ConfigError("{path} is a folder; give the name of a file.", path=output)


def _make(
    context: CommandContext,
    report_request: ReportRequest,
    output: Path | None,
    overwrite: bool,
    scheduled: bool,
    package: bool,
) -> None:
    """Write the ordered statistics. `scheduled`: no error if callmon did not run yet in that month."""
    is_whole = (
        report_request.is_public
        and report_request.lang is None
        and report_request.kind == "html"
        and not report_request.is_card
    )
    if package and (not is_whole or output == STDOUT):
        raise ConfigError(
            "--package goes with --public, without --format, --lang and -o -: the package has every format, "
            "in both languages."
        )
    settings, now = context.settings, context.now
    try:
        made = request.made(
            context.store, settings, report_request, now, lambda days: partial(progress_bar(days, "Reading"), 1)
        )
    except NoDataError:
        error = NoDataError(label("no_report", "no_data", context.language).format(month=report_request.month))
        if not scheduled:
            raise error from None
        click.echo(error, err=True)
        return
    written = _packaged(made, settings, output) if package else files(made, settings, report_request, output)
    _write(context, written, overwrite)
    click.echo(_summary(context, made), err=True)


def _summary(context: CommandContext, report: Report) -> str:
    """What was written: the month, whether its figures can still change, how much was heard, the calls."""
    formatter = formatter_of(report, context.language, context.settings.timezone)
    return context.say(
        "{month}, {state}; completeness: {complete}; calls offered: {count}",
        month=formatter.month(report.month.first),
        state=state(report, formatter),
        complete=completeness(report, formatter),
        count=formatter.figure(report.figure("calls_offered")),
    )


def _packaged(report: Report, settings: Settings, output: Path | None) -> list[tuple[Path, bytes]]:
    """The paths and bytes of the open-data package."""
    from callmon.features.months.open_data import package

    path = output or Path(f"callmon-{report.month.name}-public")
    return package.output_files(package.package(report, settings), path)


def _draw(
    context: CommandContext, period: Month, seed: str, output: Path | None, overwrite: bool, one: str | None
) -> None:
    found = sample.packs(context.store, context.settings, period, seed)
    if not found:
        raise NoDataError(label("no_report", "no_call", context.language).format(month=period.name))
    path = output or Path(f"callmon-{period.name}-sample.txt")
    written = [(localized_path(path, x), found[x]) for x in LANGUAGES if one in (None, x)]
    _write(context, written, overwrite)


def _is_due(context: CommandContext, month: str, kind: str, output: Path | None, one: str | None) -> bool:
    """Whether the first business day has come, and the internal report's first file is missing."""
    if not months.is_due(context.settings.calendar(), context.today):
        return False
    path = output or Path(f"callmon-{month}.{kind}")
    return not (path if kind == "json" or one else localized_path(path, "fr")).exists()


def _published(path: Path) -> tuple[Published, str]:
    """An earlier report, and its name in messages. Raises ConfigError."""
    return parse_report(path.read_bytes(), str(path)), str(path)


def _write(context: CommandContext, written: list[tuple[Path, bytes]], overwrite: bool) -> None:
    """Raises ConfigError, before anything is written, if a file exists with other content (R-31)."""
    for path, data in written:
        if path != STDOUT and not overwrite and path.exists() and path.read_bytes() != data:
            raise ConfigError(
                "{path} exists with other content and is not replaced. Give another name with -o, and "
                "--revises to list the changes; or replace a draft with --overwrite.",
                path=path,
            )
    for path, data in written:
        if path == STDOUT:
            sys.stdout.buffer.write(data)
        else:
            write_file(path, data)
            click.echo(path)
