"""`callmon callbacks`: the ledger on the command line, the one place where a number is shown.

A manual action is a request (`actions.py`). Refuses: with a sentence, an action that is not possible, before it
is stored.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from callmon.cli.common import (
    CommandContext,
    by_option,
    current_user,
    lang_option,
    number_is_asked,
    print_json,
    refuse_unknown,
    with_context,
)
from callmon.cli.completion import ENTRIES, EXCHANGES, LINES, SERVICES
from callmon.cli.errors import Command
from callmon.cli.help import HelpGroup
from callmon.config.phone_numbers import e164
from callmon.core.callbacks import commands, entries
from callmon.core.callbacks.obligation import Obligation
from callmon.core.callbacks.triggers import hidden_of
from callmon.core.calls.call import language_label
from callmon.errors import CallmonError, ConfigError
from callmon.features.actions import CALLBACKS
from callmon.store.privacy import subject_access
from callmon.store.queries import calls
from callmon.store.queries.obligations import WorklistItem, obligations, obligations_named
from callmon.text.lists import CallbackList, obligation_as_json, urgency


@click.group(cls=HelpGroup)
def callbacks() -> None:
    """Callbacks that are due, and complaints: list them, and record what staff did."""


class CallbackCommandContext(CommandContext):
    """The context of a command on the ledger: `exchange` limits the search, `by` is the acting person."""

    with_numbers = True

    def __init__(
        self, config: Path | None, lang: str | None, exchange: str | None = None, by: str | None = None
    ) -> None:
        super().__init__(config, lang, by)
        self.exchange = exchange
        refuse_unknown(self.settings, "exchange", exchange)

    def find(self, name: str) -> WorklistItem:
        """The entry of this name. Refuses if there is none, or if several exchanges have one."""
        found = obligations_named(self.store, name, self.exchange, numbers=True)
        if not found:
            CALLBACKS.refuse("not_known", self.language)
        if len(found) > 1:
            names = ", ".join(sorted(x.obligation.exchange for x in found))
            raise ConfigError(
                "Several exchanges have an entry {name}; add --exchange with one of {names}.",
                name=name,
                names=names,
            )
        return found[0]

    def execute(self, command: commands.CallbackCommand, number: str | None = None) -> None:
        """Store the request, wait until the daemon has executed it, and show the resulting state."""
        if not CALLBACKS.run(self, command, number):
            return
        entry = self.find(command.obligation)
        self.log_access([entry])
        page = CallbackList(self.settings, self.language, datetime.now(UTC))
        click.echo("\n".join(page.entry(entry)))

    def log_access(self, listed: list[WorklistItem]) -> None:
        """Log the access before numbers are shown (R-35)."""
        count = sum(entry.number is not None or entry.other is not None for entry in listed)
        if count:
            look = subject_access.AccessReason(datetime.now(UTC), current_user(), "to call back", "callbacks")
            subject_access.log_access(self.store, look, count)

    def request(self, name: str, action: Any, number: str | None = None, **more: Any) -> None:
        entry, now = self.find(name).obligation, datetime.now(UTC)
        command = commands.parse_command(self.settings, entry, self.actor, action, now, **more)
        if command == "no_reason":
            option = "--reason" if action == "reopen" else "--text"
            raise ConfigError("Say why, in a few words: add {option}.", option=option)
        if command == "nobody_in_charge":
            raise ConfigError("A complaint is closed with the name of the person in charge: --in-charge NAME.")
        if not isinstance(command, commands.CallbackCommand):
            CALLBACKS.refuse(command, self.language)
        self.execute(command, number)


def _usual(command: Command) -> Command:
    exchange = click.option("--exchange", shell_complete=EXCHANGES, help="exchange of the entry")
    return with_context(CallbackCommandContext)(by_option(exchange(lang_option(command))))


def _on_entry(command: Command) -> click.Command:
    """A command whose first argument is the name of an entry."""
    return callbacks.command()(click.argument("name", metavar="ENTRY", shell_complete=ENTRIES)(command))


@callbacks.command("list")
@with_context(CallbackCommandContext)
@click.option("--state", type=click.Choice(["open", "closed", "all"]), default="open", show_default=True)
@click.option("--kind", type=click.Choice(["callback", "complaint"]), help="only entries of this kind")
@click.option("--line", shell_complete=LINES, help="only entries of this line")
@click.option("--service", shell_complete=SERVICES, help="only entries of this service")
@click.option(
    "--language",
    type=click.Choice(["fr", "en", "other", "unknown"]),
    help="only entries requested in this language",
)
@click.option("--overdue", is_flag=True, help="only overdue entries")
@click.option("--untaken", is_flag=True, help="only entries that no one has taken")
@lang_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object per entry")
def list_(
    context: CallbackCommandContext,
    state: str,
    as_json: bool,
    overdue: bool,
    untaken: bool,
    **only: str | None,
) -> None:
    """List callbacks to make and complaints, most urgent first, with the numbers. The access is logged.

    \b
    Examples: callmon callbacks list --overdue --lang en
              callmon callbacks list --line tty --json
    """
    for kind in ("line", "service"):
        refuse_unknown(context.settings, kind, only[kind])
    CALLBACKS.print_pending(context)
    found = obligations(context.store, state="open" if state == "open" else None, numbers=True)
    wanted = [x for x in found if _is_wanted(x.obligation, state, overdue, untaken, only)]
    context.log_access(wanted)
    if not as_json:
        click.echo(CallbackList(context.settings, context.language, context.now).text(wanted))
        return
    for entry in sorted(wanted, key=lambda x: urgency(x.obligation)):
        print_json(obligation_as_json(entry))


def _is_wanted(x: Obligation, state: str, overdue: bool, untaken: bool, only: dict[str, str | None]) -> bool:
    if (state == "closed" and x.is_open) or (overdue and not x.is_overdue) or (untaken and x.in_hand is not None):
        return False
    return all(value in (None, getattr(x, name)) for name, value in only.items())


@_on_entry
@click.option("--result", type=click.Choice(list(commands.RESULTS)), help="result of the call")
@click.option(
    "--at", "when", metavar="TIME", help='time of the call: "10:12" or "2026-11-24 10:12" (default: now)'
)
@_usual
def attempt(context: CallbackCommandContext, name: str, result: str | None, when: str | None) -> None:
    """Record a call that callmon cannot see: by mobile phone, or through the relay service.

    `spoke` and `message-left` settle a callback; `no-answer` is an attempt.

    \b
    Examples: callmon callbacks attempt 1795527733.0 --result spoke
              callmon callbacks attempt 1795527733.0 --result no-answer --at 9:12
    """
    context.find(name)
    if result is None:
        raise ConfigError(
            "The result of the call is missing. Add --result with one of {words}.",
            words=", ".join(commands.RESULTS),
        )
    called = context.moment(when, "--at")
    context.request(name, "attempt", result=commands.RESULTS[result], when=called)


@_on_entry
@click.option("--reason", type=click.Choice(list(commands.REASONS)), help="reason for closing the entry")
@click.option("--text", default="", help="explanation in words; required for `listened` and `otherwise`")
@click.option("--in-charge", default="", metavar="NAME", help="person responsible for the reply to a complaint")
@_usual
def close(context: CallbackCommandContext, name: str, reason: str | None, text: str, in_charge: str) -> None:
    """Close an entry without a call. An answered complaint needs the person in charge.

    no-request: the caller asked for no callback. unreachable: attempts on different days failed. listened: staff
    listened to the message, and no number can be called. answered: a complaint. otherwise: see --text.

    \b
    Examples: callmon callbacks close 1795527733.0 --reason no-request
              callmon callbacks close 1795527733.0 --reason otherwise --text test
    """
    context.find(name)
    if reason is None:
        raise ConfigError(
            "The reason for closing is missing. Add --reason with one of {words}.",
            words=", ".join(commands.REASONS),
        )
    context.request(name, "close", reason=commands.REASONS[reason], text=text, in_charge=in_charge)


@_on_entry
@click.option("--reason", "text", default="", help="reason for opening the entry again")
@_usual
def reopen(context: CallbackCommandContext, name: str, text: str) -> None:
    """Open an entry again. Its first due time and its verdict do not change.

    \b
    Examples: callmon callbacks reopen 1795527733.0 --reason mistake
              callmon callbacks reopen 1795527733.0 --reason "it was for us"
    """
    context.request(name, "reopen", text=text)


@_on_entry
@_usual
def take(context: CallbackCommandContext, name: str) -> None:
    """Assign an entry to yourself. It stays due.

    \b
    Examples: callmon callbacks take 1795527733.0
              callmon callbacks take 1795527733.0 --by "A. Tremblay"
    """
    context.request(name, "take")


@_on_entry
@_usual
def release(context: CallbackCommandContext, name: str) -> None:
    """Release an entry, also one of an absent colleague. Any person may then take it.

    \b
    Examples: callmon callbacks release 1795527733.0
              callmon callbacks release 1795527733.0 --by "A. Tremblay"
    """
    context.request(name, "release")


@_on_entry
@click.option("--no-message", is_flag=True, help="do not leave a message at this number")
@click.option("--not-safe", is_flag=True, help="another person may answer at this number")
@click.option(
    "--number",
    "has_number",
    is_flag=True,
    help="prompt for another number; a call to it settles the entry",
)
@number_is_asked
@click.option("--text", default="", help="note in words")
@_usual
def mark(
    context: CallbackCommandContext, name: str, no_message: bool, not_safe: bool, has_number: bool, text: str
) -> None:
    """Record a note for the callback, or another number to call.

    \b
    Examples: callmon callbacks mark 1795527733.0 --no-message
              callmon callbacks mark 1795527733.0 --number --text "at work"
    """
    context.find(name)
    typed = context.ask_number(context.say("Other number to call")) if has_number else None
    other = None if typed is None else e164(typed, context.settings.region)
    if typed is not None and other is None:
        raise ConfigError('"{typed}" is not a telephone number; write it as "416 327-2422".', typed=typed)
    given: dict[entries.Caution, bool] = {"no_message": no_message, "not_safe": not_safe}
    chosen = tuple(caution for caution, is_given in given.items() if is_given)
    if not chosen and other is None:
        raise ConfigError("Nothing to record: add --no-message, --not-safe or --number.")
    context.request(name, "mark", other, cautions=chosen, other_number=other is not None, text=text)


@callbacks.command()
@click.argument("call")
@_usual
def complaint(context: CallbackCommandContext, call: str) -> None:
    """Mark a stored call as a complaint. Its two due times count from its arrival.

    \b
    Examples: callmon callbacks complaint 1795527733.0
              callmon callbacks complaint 1795527733.0 --exchange toronto
    """
    where, received = _received(context, call)
    name = f"{call}-complaint"
    if obligations_named(context.store, name, where, numbers=False):
        CALLBACKS.refuse("already_complaint", context.language)
    command = commands.CallbackCommand(
        at=context.now,
        actor=context.actor,
        action="complaint",
        exchange=where,
        obligation=name,
        received=received,
    )
    context.execute(command)


def _received(context: CallbackCommandContext, call: str) -> tuple[str, commands.Received]:
    """The call's exchange, and the facts about it that the ledger needs."""
    found = calls.stored_calls(context.store, call, context.exchange, numbers=True)
    if not found or found[0].account is None:
        raise CallmonError("No ended call {call} is stored. `callmon calls DAY` gives their names.", call=call)
    account = found[0].account
    if account.line is None or account.arrived is None or account.direction != "inbound":
        CALLBACKS.refuse("no_line", context.language)
    own = frozenset(number for line in context.settings.lines() for number in line.numbers)
    hidden = hidden_of(account, context.settings.region, own)
    language = language_label(account.language)
    return found[0].exchange, commands.Received(call, account.arrived, account.line, language, hidden)
