"""`callmon calls`: the calls of a day from the database, with the filters of the page *Calls*.

Refuses: to show a number. `callmon explain CALL --json` shows it, and logs the access.
"""

from collections.abc import Iterator
from datetime import timedelta

import click
import msgspec

from callmon.cli.common import (
    CommandContext,
    json_option,
    lang_option,
    print_json,
    refuse_unknown,
    with_context,
)
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.language import said
from callmon.config.standards import ALL_STANDARDS
from callmon.core.calls.call import OUTCOMES
from callmon.core.statistics.period import midnight
from callmon.core.verdicts import VERDICTS
from callmon.store.database import Database
from callmon.store.queries.call_search import CallFilter, CallSummary, search_calls
from callmon.text.labels import label


@click.command(cls=HelpCommand)
@click.argument("day", required=False)
@with_context()
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@click.option("--outcome", metavar="OUTCOME", type=click.Choice(OUTCOMES), help="only calls with this outcome")
@click.option(
    "--standard",
    metavar="STANDARD",
    type=click.Choice(ALL_STANDARDS),
    help="only calls that it judged",
)
@click.option("--verdict", type=click.Choice(VERDICTS), help="only calls with this verdict on --standard")
@lang_option
@json_option
def calls(context: CommandContext, day: str | None, as_json: bool, **only: str | None) -> None:
    """List the calls that arrived on DAY (2026-11-24; default: today), latest first, without numbers.

    The second column names the call: `callmon explain` shows all of it.

    \b
    Examples: callmon calls
              callmon calls 2026-11-24 --line tty --outcome abandoned
    """
    settings, when = context.settings, context.past_day(day, "DAY")
    refuse_unknown(settings, "line", only["line"])
    if only["verdict"] is not None and only["standard"] is None:
        raise click.UsageError(said("--verdict needs --standard; name the service standard."))
    begin, end = (midnight(when + timedelta(days=n), settings.timezone) for n in (0, 1))
    count = 0
    for call in _all(context.store, CallFilter(begin, end, **only)):
        count += 1
        if as_json:
            print_json(msgspec.to_builtins(call))
        else:
            click.echo(_row(call, context))
    click.echo(context.say("{day} : appels trouvés : {count}", day=when, count=count), err=True)


def _all(store: Database, wanted: CallFilter) -> Iterator[CallSummary]:
    page = search_calls(store, wanted, None)
    yield from page.calls
    while page.next is not None:
        page = search_calls(store, wanted, page.next)
        yield from page.calls


def _row(call: CallSummary, context: CommandContext) -> str:
    time = context.local(call.arrived).partition(" ")[2]
    outcome = label("outcome", call.outcome, context.language)
    if call.is_test:
        outcome = context.say("{outcome} (essai)", outcome=outcome)
    return f"{time}  {call.call:<13} {call.line or '-':<17} {outcome}"
