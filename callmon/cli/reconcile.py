"""`callmon reconcile`: the calls of one day that only the exchange, or only callmon, counted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from callmon.cli.common import config_option, configuration, refuse_unknown, report_errors, stop, until_done
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.core.reconciliation import Difference, Reconciliation

WHAT = {"exchange": "not in callmon", "callmon": "not in the exchange's records"}


@click.command()
@click.argument("day", required=False)
@config_option
@click.option("--exchange", help="which one, when the configuration has several (all of them otherwise)")
@click.option("--json", "in_json", is_flag=True, help="one JSON object an exchange")
@report_errors
def reconcile(day: str | None, config: Path | None, exchange: str | None, in_json: bool) -> None:
    """Compare a day's calls with the exchange's own records (CEL): which does only one side have?

    DAY as 2026-11-24; yesterday when it is left out. The daemon does the same each night. Status 1: they differ.
    What callmon lacks, `callmon backfill` brings.

    \b
    Example: callmon reconcile 2026-11-24
    """
    from callmon.backfill.reconcile import reconcile as compare
    from callmon.store.opening import open_for_writing

    settings = configuration(config)
    when, names = _day(settings, day), _names(settings, exchange)
    store = until_done(open_for_writing(settings))
    found = [compare(settings, store, name, when) for name in names]
    for one in found:
        for line in [json.dumps(_as_json(one))] if in_json else _as_text(one, settings):
            click.echo(line)
    if any(one.differences for one in found):
        stop((), 1)


def _day(settings: Settings, told: str | None) -> date:
    today = datetime.now(UTC).astimezone(settings.timezone).date()
    if told is None:
        return today - timedelta(days=1)
    try:
        day = date.fromisoformat(told)
    except ValueError:
        raise ConfigError(f"{told} is no day: write it as 2026-11-24.") from None
    if day > today:
        raise ConfigError(f"{told} has not begun yet.")
    return day


def _names(settings: Settings, exchange: str | None) -> Sequence[str]:
    refuse_unknown(settings, "exchange", exchange)
    if exchange is not None:
        return [exchange]
    with_diary = [name for name, one in settings.exchanges.items() if one.cel.is_on]
    return with_diary or list(settings.exchanges)[:1]  # the missing source of this one is then reported


def _as_json(one: Reconciliation) -> dict[str, Any]:
    return {
        "exchange": one.exchange,
        "day": one.day.isoformat(),
        "agree": not one.differences,
        "lines": {x.line: {"exchange": x.exchange, "callmon": x.callmon} for x in one.lines},
        **{f"{side}_only": [_call(x) for x in one.only(side)] for side in ("exchange", "callmon")},
    }  # fmt: skip


def _call(one: Difference) -> dict[str, str]:
    return {"call": one.call, "line": one.line, "arrived": one.arrived.isoformat().replace("+00:00", "Z")}


def _as_text(one: Reconciliation, settings: Settings) -> Iterator[str]:
    for x in one.differences:
        at = x.arrived.astimezone(settings.timezone)
        yield f"{one.exchange}  {one.day}  {at:%H:%M:%S}  {x.line}  {x.call}  {WHAT[x.counted_by]}"
    counts = [sum(getattr(x, side) for x in one.lines) for side in ("exchange", "callmon")]
    lost, unlogged = len(one.only("exchange")), len(one.only("callmon"))
    said = "They agree." if not one.differences else f"{lost} not in callmon, {unlogged} not in the records."
    yield f"{one.exchange}  {one.day}: {_calls(counts[0])} in the exchange's records, {counts[1]} here. {said}"


def _calls(count: int) -> str:
    return f"{count} call" if count == 1 else f"{count} calls"
