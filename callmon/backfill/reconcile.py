"""`callmon reconcile`: the calls of one day that only the exchange, or only callmon, counted."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import click

from callmon.backfill.tasks import reconcile as compare
from callmon.backfill.tasks import refuse_without_cel
from callmon.cli.common import CommandContext, refuse_unknown, table_row, with_context
from callmon.cli.completion import EXCHANGES
from callmon.cli.errors import stop
from callmon.cli.help import HelpCommand
from callmon.cli.language import said, said_of_count
from callmon.cli.progress import progress_bar
from callmon.config.settings import Settings
from callmon.core.reconciliation import Difference, Reconciliation


@click.command(cls=HelpCommand)
@click.argument("day", required=False)
@with_context()
@click.option("--exchange", shell_complete=EXCHANGES, help="exchange to compare (default: all)")
@click.option("--json", "in_json", is_flag=True, help="one JSON object per exchange")
def reconcile(context: CommandContext, day: str | None, exchange: str | None, in_json: bool) -> None:
    """Compare a day's calls with the exchange's own records (CEL); list calls that only one side has.

    DAY is written as 2026-11-24 (default: yesterday). The daemon does the same each night. Status 1: they differ.
    `callmon backfill` adds the calls that callmon lacks.

    \b
    Examples: callmon reconcile
              callmon reconcile 2026-11-24 --exchange toronto
    """
    settings, when = context.settings, context.past_day(day, "DAY", days_ago=1)
    names, found = _names(settings, exchange), []
    for name in names:  # before a database is made
        refuse_without_cel(settings, name)
    advance = progress_bar(len(names), "Comparing exchanges")
    for name in names:
        found.append(compare(settings, context.upgraded_store, name, when))
        advance(1)
    for result in found:
        for line in [json.dumps(_as_json(result))] if in_json else _as_text(result, context):
            click.echo(line)
    if any(result.differences for result in found):
        stop((), 1)


def _names(settings: Settings, exchange: str | None) -> Sequence[str]:
    refuse_unknown(settings, "exchange", exchange)
    if exchange is not None:
        return [exchange]
    with_cel = [name for name, exchange_settings in settings.exchanges.items() if exchange_settings.cel.is_on]
    return with_cel or list(settings.exchanges)[:1]  # the missing source of this one is then reported


def _as_json(result: Reconciliation) -> dict[str, Any]:
    return {
        "exchange": result.exchange,
        "day": result.day.isoformat(),
        "agree": not result.differences,
        "lines": {x.line: {"exchange": x.exchange, "callmon": x.callmon} for x in result.lines},
        **{f"{side}_only": [_call(x) for x in result.only(side)] for side in ("exchange", "callmon")},
    }


def _call(x: Difference) -> dict[str, str]:
    return {"call": x.call, "line": x.line, "arrived": x.arrived.isoformat().replace("+00:00", "Z")}


def _as_text(result: Reconciliation, context: CommandContext) -> Iterator[str]:
    for x in result.differences:
        time = context.local(x.arrived).partition(" ")[2]
        yield table_row(result.exchange, result.day, time, x.line, x.call, _what(x))
    theirs, ours = (sum(getattr(x, side) for x in result.lines) for side in ("exchange", "callmon"))
    lost, unlogged = len(result.only("exchange")), len(result.only("callmon"))
    they = (
        said("{lost} not in callmon, {unlogged} not in the records.", lost=lost, unlogged=unlogged)
        if result.differences
        else said("They agree.")
    )
    sums = said_of_count(
        "{day}: {count} call in the exchange's records, {ours} here. {they}",
        "{day}: {count} calls in the exchange's records, {ours} here. {they}",
        theirs,
        day=result.day,
        ours=ours,
        they=they,
    )
    yield table_row(result.exchange, sums)


def _what(x: Difference) -> str:
    return said("not in callmon") if x.counted_by == "exchange" else said("not in the exchange's records")
