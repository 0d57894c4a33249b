"""`callmon explain`: one stored call as a timeline, each verdict with its reason."""

import click

from callmon.cli.common import CommandContext, current_user, lang_option, print_json, with_context
from callmon.cli.help import HelpCommand
from callmon.errors import CallmonError


@click.command(cls=HelpCommand)
@click.argument("call")
@with_context()
@lang_option
@click.option("--json", "as_json", is_flag=True, help="the call as JSON, with the caller's number")
@click.option(
    "--purpose", default="explain --json", help="purpose of the access to the number, for the access log"
)
def explain(context: CommandContext, call: str, as_json: bool, purpose: str) -> None:
    """Show one stored call as a timeline, each verdict with its reason.

    \b
    Examples: callmon explain 1795527733.0 --lang fr
              callmon explain 1795527733.0 --json
    """
    from callmon.store.privacy import subject_access
    from callmon.store.queries import calls as queries
    from callmon.store.queries import disruptions as stored_disruptions
    from callmon.store.queries import obligations
    from callmon.text.story import as_json as call_as_json
    from callmon.text.story import story

    context.with_numbers = as_json
    settings, store = context.settings, context.store
    found = queries.stored_calls(store, call, numbers=as_json)
    if not found:
        raise CallmonError("No call {call} is stored. `callmon calls DAY` gives their names.", call=call)
    if as_json:
        look = subject_access.AccessReason(context.now, current_user(), purpose, "explain --json")
        subject_access.log_access_to_call(store, look, call)
    for stored in found:
        met = stored_disruptions.disruptions_of_call(store, stored.account)
        if as_json:
            print_json(call_as_json(stored, settings, met))
        else:
            entries = obligations.ledger_entries(
                store, stored.account.call if stored.account else call, stored.exchange
            )
            click.echo(story(stored, settings, context.language, entries, met))
