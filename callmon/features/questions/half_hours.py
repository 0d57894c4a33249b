"""`callmon half-hours`: what each half-hour of the record holds, by line, for planning."""

from datetime import timedelta

import click
import msgspec

from callmon.cli.common import CommandContext, print_json, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.language import said
from callmon.core.statistics.period import midnight
from callmon.features.questions.options import read_period


@click.command(cls=HelpCommand)
@click.argument("since", metavar="FROM")
@click.argument("until", metavar="TO")
@with_context()
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@click.option("--json", "as_json", is_flag=True, help="one JSON object with all half-hours")
def half_hours(context: CommandContext, since: str, until: str, line: str | None, as_json: bool) -> None:
    """List the calls of each half-hour from day FROM to day TO: offered, answered, given up, wait, transfers.

    Days are written as 2026-11-24; TO is included. Times are local. A half-hour without a call is not listed. A
    wait lasts from the arrival to the answer, in whole seconds; within_20 includes an answer after 20 seconds.

    \b
    Examples: callmon half-hours 2026-11-01 2026-11-24 --json
              callmon half-hours yesterday today --line tty
    """
    from callmon.features.questions import recorded_half_hours as queries

    settings = context.settings
    first, last = read_period(context, since, until)
    refuse_unknown(settings, "line", line)
    begin, end = (midnight(day, settings.timezone) for day in (first, last + timedelta(days=1)))
    names = settings.names("line") if line is None else [line]
    found = queries.half_hours(context.store, begin, end, settings.timezone, names)
    shown = {name: slots for name, slots in found.items() if slots and (line is None or name == line)}
    if as_json:
        print_json({"half_hours": msgspec.to_builtins(shown)})
        return
    columns = queries.HalfHourRecord.__struct_fields__
    for name, slots in shown.items():
        for slot, counts in slots.items():
            click.echo(table_row(slot, name, *(f"{column}={getattr(counts, column)}" for column in columns)))
    if not shown:
        click.echo(said("No call arrived on these days."), err=True)
