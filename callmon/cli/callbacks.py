"""`callmon callbacks`: the ledger on the command line, the one place where a number is shown.

A manual action is stored in the database as a request. The daemon executes it; only the daemon writes the
result. The command waits briefly to show the effect. Refuses: with a sentence, an action that is not possible,
before it is stored.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from callmon.cli.common import (
    ask_number,
    config_option,
    configuration,
    current_user,
    is_done,
    number_is_asked,
    refuse_unknown,
    report_errors,
    say,
    tell_waiting,
    until_done,
)
from callmon.core.callbacks import commands, entries
from callmon.errors import CallmonError, ConfigError
from callmon.text.labels import label

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.store.database import Database
    from callmon.store.queries.obligations import WorklistItem

Command = TypeVar("Command", bound=Callable[..., Any])
NOBODY = ("root", "callmon", "")


@click.group()
def callbacks() -> None:
    """Who must be called back, and complaints: list them, and write down what was done by hand."""


def _usual(command: Command) -> Command:
    """The options of every action."""
    by = click.option("--by", "actor", help="who did it (default: whoever is logged in)")
    exchange = click.option("--exchange", help="which one, when two have an entry of this name")
    lang = click.option("--lang", type=click.Choice(["fr", "en"]), help="of the answer (default: the settings')")
    return config_option(by(exchange(lang(command))))


class CallbackCommandContext:
    """The settings, the database and the language of one command."""

    def __init__(self, config: Path | None, lang: str | None, exchange: str | None = None) -> None:
        from callmon.store.opening import open_with_keys

        self.settings: Settings = configuration(config)
        self.store: Database = until_done(open_with_keys(self.settings))
        self.language = lang or self.settings.default_language
        self._exchange = exchange
        refuse_unknown(self.settings, "exchange", exchange, language=self.language)

    def find(self, name: str) -> WorklistItem:
        """The entry of this name. Refuses if there is none, or if several exchanges have one."""
        from callmon.store.queries.obligations import obligations

        found = obligations(self.store, state=None, ids=[name], numbers=True)
        found = [x for x in found if self._exchange in (None, x.obligation.exchange)]
        if not found:
            self.refuse("not_known")
        if len(found) > 1:
            names = ", ".join(sorted(x.obligation.exchange for x in found))
            raise ConfigError(f"--exchange is needed: {name} is an entry of {names}.")
        return found[0]

    def refuse(self, why: entries.Refusal) -> NoReturn:
        raise CallmonError(label("refusal", why, self.language))

    def do(self, hand: commands.CallbackCommand, number: str | None = None) -> None:
        """Store the request, wait until the daemon has executed it, and show the resulting state."""
        from callmon.store.commands import (
            callback_rejections,
            last_applied_callback_command,
            queue_callback_command,
        )

        place, is_new = queue_callback_command(self.store, hand, number)
        if not is_done(lambda: last_applied_callback_command(self.store), place, is_new, self.language):
            return
        for told in callback_rejections(self.store, (hand.exchange, hand.obligation), hand.actor, hand.at):
            self.refuse(told.why)
        self.show([self.find(hand.obligation)])

    def show(self, listed: list[WorklistItem]) -> None:
        from callmon.text.callback_list import CallbackList

        self.note(listed)
        page = CallbackList(self.settings, self.language, datetime.now(UTC))
        for one in listed:
            click.echo("\n".join(page.entry(one)))

    def note(self, listed: list[WorklistItem]) -> None:
        """Log the access before numbers are shown (R-35)."""
        from callmon.store.privacy import subject_access

        shown = sum(one.number is not None or one.other is not None for one in listed)
        if shown:
            subject_access.log_access(
                self.store,
                subject_access.AccessReason(datetime.now(UTC), current_user(), "to call back", "callbacks"),
                shown,
            )

    def asked(self, name: str, actor: str | None, action: Any, **more: Any) -> commands.CallbackCommand:
        """The requested action, if this entry allows it."""
        one = self.find(name).obligation
        day = self.settings.calendar().local_day
        hand = commands.parse_command(one, who(actor), action, datetime.now(UTC), self.settings.rules, day, **more)
        return hand if isinstance(hand, commands.CallbackCommand) else self.refuse(hand)


def who(given: str | None) -> str:
    """The actor: `given`, else the logged-in user if that is a person. Raises ConfigError otherwise."""
    name = given or os.environ.get("SUDO_USER") or getpass.getuser()
    if not name.strip() or (given is None and name in NOBODY):
        raise ConfigError("Who did it? Add --by NAME: the ledger keeps it.")
    return name.strip()[: commands.LONGEST_NAME]


def moment(text: str | None, settings: Settings) -> datetime | None:
    """A time in the ministry's time zone: "10:12" (today) or "2026-11-24 10:12"."""
    if text is None:
        return None
    read = commands.local_moment(text, settings.timezone, datetime.now(settings.timezone).date())
    if read is None:
        raise ConfigError(f'--at {text}: write it as "10:12" (today) or "2026-11-24 10:12", in local time.')
    return read


@callbacks.command("list")
@config_option
@click.option("--state", type=click.Choice(["open", "closed", "all"]), default="open", show_default=True)
@click.option("--kind", type=click.Choice(["callback", "complaint"]), help="only these")
@click.option("--line", help="only of this line")
@click.option("--service", help="only of this service")
@click.option("--language", type=click.Choice(["fr", "en", "other", "unknown"]), help="only asked for in it")
@click.option("--overdue", is_flag=True, help="only what is late")
@click.option("--untaken", is_flag=True, help="only what nobody has in hand")
@click.option("--lang", type=click.Choice(["fr", "en"]), help="the language of the list (default: the settings')")
@click.option("--json", "as_json", is_flag=True, help="one JSON object an entry")
@report_errors
def list_(
    config: Path | None,
    state: str,
    lang: str | None,
    as_json: bool,
    overdue: bool,
    untaken: bool,
    **only: str | None,
) -> None:
    """List who must be called back, most urgent first, with the numbers. They are shown here alone.

    \b
    Example: callmon callbacks list --overdue --lang en
    """
    from callmon.store.commands import count_callback_commands
    from callmon.store.queries import obligations as ledger
    from callmon.text.callback_list import CallbackList, owed_as_json, urgency

    desk = CallbackCommandContext(config, lang)
    for kind in ("line", "service"):
        refuse_unknown(desk.settings, kind, only[kind], language=desk.language)
    tell_waiting(count_callback_commands(desk.store), desk.language)
    found = ledger.obligations(desk.store, state="open" if state == "open" else None, numbers=True)
    found = [x for x in found if not untaken or x.obligation.in_hand is None]
    wanted = [x for x in found if _is_wanted(x, state, overdue, only)]
    desk.note(wanted)
    if not as_json:
        click.echo(CallbackList(desk.settings, desk.language, datetime.now(UTC)).text(wanted))
        return
    for one in sorted(wanted, key=lambda x: urgency(x.obligation)):
        click.echo(json.dumps(owed_as_json(one), ensure_ascii=False))


def _is_wanted(listed: WorklistItem, state: str, overdue: bool, only: dict[str, str | None]) -> bool:
    one = listed.obligation
    if state == "closed" and one.is_open:
        return False
    if overdue and not one.is_overdue:
        return False
    return all(value is None or getattr(one, name) == value for name, value in only.items())


@callbacks.command()
@click.argument("name", metavar="ENTRY")
@click.option("--result", type=click.Choice(list(commands.RESULTS)), help="what came of it")
@click.option("--at", "when", metavar="TIME", help='when the call was made: "10:12" or "2026-11-24 10:12" (now)')
@_usual
@report_errors
def attempt(
    name: str,
    config: Path | None,
    result: str | None,
    when: str | None,
    actor: str | None,
    exchange: str | None,
    lang: str | None,
) -> None:
    """Write down a call that callmon did not hear: by mobile phone, or through the relay service.

    `spoke` and `message-left` settle a callback; `no-answer` is an attempt.

    \b
    Example: callmon callbacks attempt 1795527733.0 --result spoke --at 10:12
    """
    desk = CallbackCommandContext(config, lang, exchange)
    desk.find(name)
    if result is None:
        raise ConfigError(f"What came of the call? Add --result: {', '.join(commands.RESULTS)}.")
    called = moment(when, desk.settings)
    desk.do(desk.asked(name, actor, "attempt", result=commands.RESULTS[result], when=called))


@callbacks.command()
@click.argument("name", metavar="ENTRY")
@click.option("--reason", type=click.Choice(list(commands.REASONS)), help="why it is closed")
@click.option("--text", default="", help="in your own words (for `listened` and `otherwise` it is needed)")
@click.option("--in-charge", default="", metavar="NAME", help="who answers for the reply to a complaint")
@_usual
@report_errors
def close(
    name: str,
    config: Path | None,
    reason: str | None,
    text: str,
    in_charge: str,
    actor: str | None,
    exchange: str | None,
    lang: str | None,
) -> None:
    """Close an entry without a call, with a reason; a complaint when it was answered, with the person in charge.

    no-request: nobody asked to be called. unreachable: after attempts on different days. listened: the message was
    heard, and nobody can be called. answered: a complaint. otherwise: say how.

    \b
    Example: callmon callbacks close 1795527733.0 --reason no-request --text "wrong number"
    """
    desk = CallbackCommandContext(config, lang, exchange)
    desk.find(name)
    if reason is None:
        raise ConfigError(f"Why is it closed? Add --reason: {', '.join(commands.REASONS)}.")
    desk.do(
        desk.asked(
            name,
            actor,
            "close",
            reason=commands.REASONS[reason],
            text=text[: commands.LONGEST_TEXT],
            in_charge=in_charge[: commands.LONGEST_NAME],
        )
    )


@callbacks.command()
@click.argument("name", metavar="ENTRY")
@click.option("--reason", "text", default="", help="why it is opened again")
@_usual
@report_errors
def reopen(
    name: str, config: Path | None, text: str, actor: str | None, exchange: str | None, lang: str | None
) -> None:
    """Open an entry again; its first due time stays, and a verdict that was given stands.

    \b
    Example: callmon callbacks reopen 1795527733.0 --reason "the message was for us after all"
    """
    desk = CallbackCommandContext(config, lang, exchange)
    desk.do(desk.asked(name, actor, "reopen", text=text[: commands.LONGEST_TEXT]))


@callbacks.command()
@click.argument("name", metavar="ENTRY")
@_usual
@report_errors
def take(name: str, config: Path | None, actor: str | None, exchange: str | None, lang: str | None) -> None:
    """Say that you have an entry in hand, so that nobody else sees to it; it stays due.

    \b
    Example: callmon callbacks take 1795527733.0
    """
    desk = CallbackCommandContext(config, lang, exchange)
    desk.do(desk.asked(name, actor, "take"))


@callbacks.command()
@click.argument("name", metavar="ENTRY")
@_usual
@report_errors
def release(name: str, config: Path | None, actor: str | None, exchange: str | None, lang: str | None) -> None:
    """Give an entry back, or take it from a colleague who is away: anybody may have it in hand then.

    \b
    Example: callmon callbacks release 1795527733.0
    """
    desk = CallbackCommandContext(config, lang, exchange)
    desk.do(desk.asked(name, actor, "release"))


@callbacks.command()
@click.argument("name", metavar="ENTRY")
@click.option("--no-message", is_flag=True, help="no message may be left there")
@click.option("--not-safe", is_flag=True, help="somebody else may answer there")
@click.option(
    "--number",
    "has_number",
    is_flag=True,
    help="another number to be called, which is asked for: a call to it settles the entry",
)
@number_is_asked
@click.option("--text", default="", help="in your own words")
@_usual
@report_errors
def mark(
    name: str,
    config: Path | None,
    no_message: bool,
    not_safe: bool,
    has_number: bool,
    text: str,
    actor: str | None,
    exchange: str | None,
    lang: str | None,
) -> None:
    """Say what whoever calls must know, or which other number is to be called.

    \b
    Example: callmon callbacks mark 1795527733.0 --no-message --number
    """
    from callmon.config.phone_numbers import e164

    desk = CallbackCommandContext(config, lang, exchange)
    desk.find(name)
    asked = ask_number(say("Autre numéro à appeler", desk.language)) if has_number else None
    other = None if asked is None else e164(asked, desk.settings.region)
    if asked is not None and other is None:
        raise ConfigError(f'"{asked}" is no telephone number; write it as "416 327-2422".')
    given: dict[entries.Caution, bool] = {"no_message": no_message, "not_safe": not_safe}
    chosen = tuple(caution for caution, is_given in given.items() if is_given)
    if not chosen and other is None:
        raise ConfigError("Nothing to mark: add --no-message, --not-safe or --number.")
    text = text[: commands.LONGEST_TEXT]
    hand = desk.asked(name, actor, "mark", cautions=chosen, other_number=other is not None, text=text)
    desk.do(hand, other)


@callbacks.command()
@click.argument("call")
@_usual
@report_errors
def complaint(call: str, config: Path | None, actor: str | None, exchange: str | None, lang: str | None) -> None:
    """Mark a stored call as a complaint; its two due times run from when it arrived.

    \b
    Example: callmon callbacks complaint 1795527733.0
    """
    from callmon.store.queries import obligations as ledger

    desk = CallbackCommandContext(config, lang, exchange)
    where, received = received_of(desk, call, exchange)
    name = f"{call}-complaint"
    known = ledger.obligations(desk.store, state=None, ids=[name])
    if any(x.obligation.exchange == where for x in known):
        desk.refuse("already_complaint")
    hand = commands.CallbackCommand(
        at=datetime.now(UTC), actor=who(actor), action="complaint", exchange=where, obligation=name,
        received=received,
    )  # fmt: skip
    desk.do(hand)


def received_of(desk: CallbackCommandContext, call: str, exchange: str | None) -> tuple[str, commands.Received]:
    """The call's exchange, and the facts about it that the ledger needs."""
    from callmon.core.callbacks.triggers import hidden_of
    from callmon.core.calls.call import language_label
    from callmon.store.queries import calls

    found = calls.stored_calls(desk.store, call, exchange, numbers=True)
    if not found or found[0].account is None:
        raise CallmonError(f"No ended call {call} is stored; it is named by its caller's Uniqueid.")
    account = found[0].account
    if account.line is None or account.arrived is None or account.direction != "inbound":
        desk.refuse("no_line")
    own = frozenset(number for line in desk.settings.lines() for number in line.numbers)
    hidden = hidden_of(account, desk.settings.region, own)
    language = language_label(account.language)
    return found[0].exchange, commands.Received(call, account.arrived, account.line, language, hidden)
