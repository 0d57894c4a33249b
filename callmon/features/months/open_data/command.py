"""`callmon export`: calls, verdicts, callbacks and unheard time as Parquet files, for analysis by other engines.

    calls/exchange=toronto/month=2026-10/2026-10-31.parquet

A file has one local day, so that exporting a day again replaces it and doubles nothing. A file without rows says
that the day was exported and had none. Refuses: a caller's number, and a day that is not over.
"""

from datetime import date, timedelta
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import click

from callmon.cli.common import CommandContext, with_context, write_file
from callmon.cli.help import HelpCommand
from callmon.cli.progress import progress_bar
from callmon.core.statistics import period as months
from callmon.errors import ConfigError
from callmon.features.months.open_data.parquet import parquet


@click.command(cls=HelpCommand)
@with_context()
@click.option(
    "--parquet",
    "when",
    metavar="DAY|MONTH",
    required=True,
    help='the days to write: 2026-10-31, 2026-10 or "last"; days that are not over are left out',
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("callmon-parquet"),
    show_default=True,
    help="folder of the files",
)
@click.option("-v", "--verbose", is_flag=True, help="print the name of each file that was written or changed")
def export(context: CommandContext, when: str, output: Path, verbose: bool) -> None:
    """Write calls, verdicts and callbacks as Parquet files, without numbers, for analysis.

    A file for each table, exchange and day. The same day again replaces its files.

    \b
    Examples: callmon export --parquet last
              callmon export --parquet 2026-10-31 -o /srv/callmon
    """
    days = _days(context, when)
    step, count = partial(progress_bar(len(days), "Exporting"), 1), 0
    for day in days:
        for path, data in _files(context, output, day):
            if path.exists() and path.read_bytes() == data:
                continue
            write_file(path, data)
            if verbose:
                click.echo(path)
            count += 1
        step()
    click.echo(context.say("Files written or changed: {count}", count=count), err=True)


def _days(context: CommandContext, when: str) -> list[date]:
    """The days that are over. Raises ConfigError if there is none."""
    when = months.last(context.today) if when == "last" else when
    if len(when) == len("2026-10"):
        month = months.month(when, context.settings.timezone)
        days = [month.first + timedelta(n) for n in range((month.after - month.first).days)]
    else:
        days = [context.past_day(when, "DAY|MONTH")]
    found = [day for day in days if day < context.today]
    if not found:
        raise ConfigError("{when}: no day of it is over yet; give an earlier day or month.", when=when)
    return found


def _files(context: CommandContext, output: Path, day: date) -> list[tuple[Path, bytes]]:
    """Each table of each exchange, read from one state of the database."""
    from callmon.features.months.open_data.queries import COLUMNS, exported_rows

    found: list[tuple[Path, bytes]] = []
    name = Path(f"month={day:%Y-%m}", f"{day}.parquet")
    with context.store.snapshot() as connection:
        for table, columns in COLUMNS.items():
            rows = sorted(
                exported_rows(connection, table, day, context.settings.timezone), key=itemgetter("exchange")
            )
            by_exchange = {of: list(some) for of, some in groupby(rows, itemgetter("exchange"))}
            written = {path.parts[-3].partition("=")[2] for path in output.glob(f"{table}/exchange=*/{name}")}
            for exchange in sorted({*context.settings.exchanges, *by_exchange, *written}):
                data = parquet(columns, by_exchange.get(exchange, ()))
                found.append((output / table / f"exchange={exchange}" / name, data))
    return found
