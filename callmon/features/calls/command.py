"""`callmon calls`: the calls of a day from the database, with the filters of the page *Calls*.

Refuses: to show a number. `callmon explain CALL --json` shows it, and logs the access.
"""

from collections.abc import Iterator
from datetime import timedelta

import click
import msgspec

from callmon.cli.common import CommandContext, json_option, lang_option, print_json, refuse_unknown, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.language import said
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.calls.call import OUTCOMES
from callmon.core.statistics.period import midnight
from callmon.core.verdicts import VERDICTS
from callmon.features.calls.search import CallFilter, CallSummary, search_calls
from callmon.store.database import Database
from callmon.text.labels import label

MARKED = CALL_STANDARDS[:4]  # as on the page
MARKS = {"met": "✓", "not_met": "■", "exempt": "○", "unknown": "?"}


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
    """List the calls that arrived on DAY (2026-11-24 or yesterday; default: today), latest first, without numbers.

    The second column names the call: `callmon explain` shows all of it.

    \b
    Examples: callmon calls yesterday
              callmon calls 2026-11-24 --line tty --outcome abandoned
    """
    settings, when = context.settings, context.past_day(day, "DAY")
    refuse_unknown(settings, "line", only["line"])
    if only["verdict"] is not None and only["standard"] is None:
        raise click.UsageError(said("--verdict needs --standard; name the service standard."))
    begin, end = (midnight(when + timedelta(days=n), settings.timezone) for n in (0, 1))
    count = 0
    wanted = CallFilter(begin, end, only["line"], only["outcome"], only["standard"], only["verdict"])
    for call, verdicts in _all(context.store, wanted):
        count += 1
        if as_json:
            print_json(msgspec.to_builtins(call) | {"verdicts": verdicts})
        else:
            if count == 1:
                click.echo(_head(context))
            click.echo(_row(call, verdicts, context))
    if count and not as_json:
        click.echo(_legend(context), err=True)
    click.echo(context.say("{day}: calls found: {count}", day=when, count=count), err=True)


def _all(store: Database, wanted: CallFilter) -> Iterator[tuple[CallSummary, dict[str, str]]]:
    """Each call with its verdicts by standard."""
    after = None
    while True:
        page = search_calls(store, wanted, after)
        yield from ((call, page.verdicts[call.call, call.exchange]) for call in page.calls)
        if (after := page.next) is None:
            return


def _head(context: CommandContext) -> str:
    say = context.say
    return _columns(say("Arrival"), say("Call"), say("Line"), say("Rings"), "Verdicts", say("Outcome"))


def _columns(time: str, call: str, line: str, rings: str, verdicts: str, outcome: str) -> str:
    return f"{time:<8}  {call:<20}  {line:<17}  {rings:>9}  {verdicts:<8}  {outcome}"


def _row(call: CallSummary, verdicts: dict[str, str], context: CommandContext) -> str:
    outcome = label("outcome", call.outcome, context.language)
    if call.is_test:
        outcome = context.say("{outcome} (test call)", outcome=outcome)
    marks = " ".join(MARKS.get(verdicts.get(standard, ""), "-") for standard in MARKED)
    rings = "-" if call.rings is None else str(call.rings)
    time = context.local(call.arrived).partition(" ")[2]
    return _columns(time, call.call, call.line or "-", rings, marks, outcome)


def _legend(context: CommandContext) -> str:
    return context.say(
        "Verdicts, in this order: third ring, voicemail, reach a person, redirections. ✓ met, ■ not met, ○ "
        "exempt, ? not known, - none."
    )
