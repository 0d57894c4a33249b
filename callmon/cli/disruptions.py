"""`callmon disruptions`: when lines cannot take calls, planned work, and the notices to the public.

A manual entry is stored in the database as a request. The daemon executes it; only the daemon writes the result.
The command waits briefly to show the effect. Refuses: with a sentence, an action that is not possible, before it
is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from callmon.cli.callbacks import who
from callmon.cli.common import (
    config_option,
    configuration,
    is_done,
    lines_named,
    refuse_unknown,
    report_errors,
    tell_waiting,
    until_done,
)
from callmon.config.durations import duration
from callmon.core.callbacks.commands import local_moment
from callmon.core.disruptions.commands import MOST, TEXTS, DisruptionCommand, validate
from callmon.core.disruptions.entries import Notice, Refusal
from callmon.errors import CallmonError, ConfigError
from callmon.text.labels import label

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.core.disruptions.disruption import Disruption
    from callmon.store.database import Database

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def disruptions() -> None:
    """Disruptions: list them, tell the public why, until when and what instead; plan work beforehand.

    A notice is complete when it has a reason, an end and an alternative, in French and in English. It is shown on
    boards: it must hold nothing about a caller.
    """


def _usual(command: Command) -> Command:
    """The options of every command."""
    lang = click.option("--lang", type=click.Choice(["fr", "en"]), help="of the answer (default: the settings')")
    told = click.option("--json", "as_json", is_flag=True, help="one JSON object a disruption")
    return config_option(lang(told(command)))


def _notice(command: Command) -> Command:
    """The options that hold the public notice, and its author."""
    for name, what in (
        ("--by", "who says so (default: whoever is logged in)"),
        ("--alternative-en", "what callers can do instead, in English"),
        ("--alternative-fr", "what callers can do instead, in French"),
        ("--reason-en", "the reason, in English"),
        ("--reason-fr", "the reason, in French"),
    ):
        command = click.option(name, help=what)(command)
    return command


_until = click.option("--until", metavar="TIME", help='expected end: "16:30" or "2026-11-24 16:30", local time')
_for = click.option("--for", "length", metavar="DURATION", help="the same as a length from its start: 45m, 2h")


class DisruptionCommandContext:
    """The settings, the database and the language of one command."""

    def __init__(self, config: Path | None, lang: str | None, as_json: bool) -> None:
        from callmon.store.database import open_store

        self.settings: Settings = configuration(config)
        self.store: Database = until_done(open_store(self.settings.store.url))
        self.language, self.as_json = lang or self.settings.default_language, as_json
        self.now = datetime.now(UTC)

    def refuse(self, why: Refusal) -> NoReturn:
        raise CallmonError(label("disruption_refusal", why, self.language))

    def find(self, name: str | None) -> Disruption:
        """The disruption of this name. Without a name, the only disruption in progress. Raises ConfigError."""
        from callmon.store.queries import disruptions as stored

        if name is not None:
            return stored.disruption_by_id(self.store, name) or self.refuse("not_known")
        going_on = [one for one in stored.live_disruptions(self.store) if one.state(self.now) == "going_on"]
        if len(going_on) == 1:
            return going_on[0]
        names = ", ".join(one.id for one in going_on)
        raise ConfigError(
            f"Which disruption? Name one of {names}." if names else "No disruption is going on: name its lines "
            "with --line LINE to tell of one that callmon cannot see."
        )  # fmt: skip

    def lines(self, given: tuple[str, ...]) -> tuple[str, ...]:
        """Lines of the configuration; "all" is every line."""
        return lines_named(self.settings, given, self.language)

    def moment(self, text: str | None, option: str, day: datetime | None = None) -> datetime | None:
        """A time in the ministry's time zone. If `text` has only the hour, it is of `day` (default: today)."""
        if text is None:
            return None
        zone = self.settings.timezone
        read = local_moment(text, zone, (day or self.now).astimezone(zone).date())
        if read is not None:
            return read
        raise ConfigError(f'{option} {text}: write it as "10:12" (today) or "2026-11-24 10:12", in local time.')

    def until(self, until: str | None, length: str | None, start: datetime) -> datetime | None:
        if until is not None and length is not None:
            raise ConfigError("--until and --for say the same in two ways; give one of them.")
        if length is None:
            return self.moment(until, "--until")
        try:
            return start + duration(length)
        except ValueError as error:
            raise ConfigError(f"--for {length}: {error}") from None

    def do(self, hand: DisruptionCommand) -> None:
        """Store the request, wait until the daemon has executed it, and show the resulting state."""
        from callmon.store.commands import (
            disruption_rejections,
            last_applied_disruption_command,
            queue_disruption_command,
        )
        from callmon.store.queries import disruptions as stored

        place, is_new = queue_disruption_command(self.store, hand)
        if not is_done(lambda: last_applied_disruption_command(self.store), place, is_new, self.language):
            return
        for told in disruption_rejections(self.store, hand):
            self.refuse(told.why)
        one = (
            stored.disruption_by_id(self.store, hand.disruption)
            if hand.disruption
            else stored.created_by(self.store, hand)
        )
        if one is not None:
            self.show([one])

    def show(self, found: list[Disruption]) -> None:
        from callmon.text.disruption_list import DisruptionList

        if self.as_json:
            self.tell_programs(found)
            return
        page = DisruptionList(self.settings, self.language, datetime.now(UTC))
        for one in found:
            click.echo("\n".join(page.entry(one)))

    def tell_programs(self, found: list[Disruption]) -> None:
        from callmon.store.queries import disruptions as stored
        from callmon.text.disruption_list import disruption_as_json

        for one in found:
            met = stored.calls_met(self.store, one)
            click.echo(json.dumps(disruption_as_json(one, datetime.now(UTC), met), ensure_ascii=False))

    def check(self, one: Disruption | None, hand: DisruptionCommand) -> DisruptionCommand:
        why = validate(one, hand)
        if why is not None:
            self.refuse(why)
        return hand


def said(until: datetime | None, texts: dict[str, str | None]) -> Notice:
    """The given parts of a notice; each text becomes one line. Raises ConfigError if one is empty or too long."""
    given = {name: " ".join(text.split()) for name in TEXTS if (text := texts.get(name)) is not None}
    for name, text in given.items():
        option = "--" + name.replace("_", "-")
        if not text:
            raise ConfigError(f"{option} is empty; say it in a few words.")
        if len(text) > MOST:
            raise ConfigError(f"{option} has {len(text)} characters; boards show {MOST} at most.")
    return Notice(**given, until=until)


@disruptions.command("list")
@click.option("--state", type=click.Choice(["open", "over", "all"]), default="open", show_default=True)
@click.option(
    "--days", type=click.IntRange(1, 36500), default=31, show_default=True, help="of those that are over"
)
@click.option("--line", help="only of this line")
@_usual
@report_errors
def list_(config: Path | None, state: str, days: int, line: str | None, lang: str | None, as_json: bool) -> None:
    """List disruptions and planned work, with what is missing of their notices and the calls that they met.

    \b
    Example: callmon disruptions list --state all --lang en
    """
    from callmon.store.commands import count_disruption_commands
    from callmon.store.queries import disruptions as stored
    from callmon.text.disruption_list import DisruptionList

    desk = DisruptionCommandContext(config, lang, as_json)
    refuse_unknown(desk.settings, "line", line, language=desk.language)
    tell_waiting(count_disruption_commands(desk.store), desk.language)
    found = (
        stored.live_disruptions(desk.store)
        if state == "open"
        else stored.all_of(desk.store, desk.now - timedelta(days))
    )
    found = [x for x in found if _is_wanted(x, state, line)]
    if as_json:
        desk.tell_programs(found)
        return
    met = {one.id: stored.calls_met(desk.store, one) for one in found if one.began <= desk.now}
    click.echo(DisruptionList(desk.settings, desk.language, desk.now).text(found, met))


def _is_wanted(one: Disruption, state: str, line: str | None) -> bool:
    if line is not None and line not in one.lines:
        return False
    return state == "all" or (one.ended is None) == (state == "open")


@disruptions.command()
@click.argument("start", metavar="START")
@click.argument("end", metavar="END")
@click.argument("lines", nargs=-1, required=True, metavar="LINE...")
@_notice
@_usual
@report_errors
def plan(
    start: str, end: str, lines: tuple[str, ...], config: Path | None, lang: str | None, as_json: bool,
    by: str | None, **texts: str | None,
) -> None:  # fmt: skip
    """Plan work from START to END on lines ("all" for every one): its alerts are held for that time.

    \b
    Example: callmon disruptions plan "2026-12-01 02:00" 04:00 all --reason-en "telephone system update"
    """
    desk = DisruptionCommandContext(config, lang, as_json)
    begin = desk.moment(start, "START")
    until = desk.moment(end, "END", begin)
    hand = DisruptionCommand(at=desk.now, actor=who(by), action="plan", lines=desk.lines(lines), start=begin,
                notice=said(until, texts))  # fmt: skip
    desk.do(desk.check(None, hand))


@disruptions.command()
@click.argument("name", required=False, metavar="[DISRUPTION]")
@click.option("--line", "lines", multiple=True, help="tell of one that callmon cannot see, on this line")
@click.option("--since", metavar="TIME", help="with --line: since when (now)")
@_until
@_for
@_notice
@_usual
@report_errors
def announce(
    name: str | None, lines: tuple[str, ...], since: str | None, until: str | None, length: str | None,
    config: Path | None, lang: str | None, as_json: bool, by: str | None, **texts: str | None,
) -> None:  # fmt: skip
    """Tell the public of a disruption: why, until when, what instead; all at once or little by little.

    Without a name it is the only one that is going on.

    \b
    Example: callmon disruptions announce --for 2h --reason-fr "panne de courant" --reason-en "power failure"
    """
    desk = DisruptionCommandContext(config, lang, as_json)
    if name is not None and lines:
        raise ConfigError(f"--line is for a disruption that has no name yet; {name} has its lines.")
    if since is not None and not lines:
        raise ConfigError("--since goes with --line: callmon knows when the others began.")
    one = None if lines else desk.find(name)
    start = desk.moment(since, "--since") or (desk.now if one is None else one.began)
    told = said(desk.until(until, length, start), texts)
    if one is not None and told == Notice():
        raise ConfigError("Nothing to announce: add --reason-fr, --reason-en, --until or another of its options.")
    hand = DisruptionCommand(at=desk.now, actor=who(by), action="announce", disruption=one.id if one else "",
                lines=desk.lines(lines), start=None if one else start, notice=told)  # fmt: skip
    desk.do(desk.check(one, hand))


@disruptions.command()
@click.argument("name", metavar="DISRUPTION")
@click.option("--line", "lines", multiple=True, help="its lines from now on, instead of those it had")
@click.option("--start", metavar="TIME", help="another start, of planned work that has not begun")
@_until
@_for
@_notice
@_usual
@report_errors
def change(
    name: str, lines: tuple[str, ...], start: str | None, until: str | None, length: str | None,
    config: Path | None, lang: str | None, as_json: bool, by: str | None, **texts: str | None,
) -> None:  # fmt: skip
    """Change what was said of a disruption, or when planned work begins and ends.

    \b
    Example: callmon disruptions change work-1796108400 --until "2026-12-01 05:00"
    """
    desk = DisruptionCommandContext(config, lang, as_json)
    one = desk.find(name)
    begin = desk.moment(start, "--start")
    told = said(desk.until(until, length, begin or one.began), texts)
    if told == Notice() and begin is None and not lines:
        raise ConfigError("Nothing to change: add --until, --start, --line or a text.")
    hand = DisruptionCommand(at=desk.now, actor=who(by), action="change", disruption=one.id,
                             lines=desk.lines(lines), start=begin, notice=told)  # fmt: skip
    desk.do(desk.check(one, hand))


@disruptions.command()
@click.argument("name", required=False, metavar="[DISRUPTION]")
@click.option("--at", "when", metavar="TIME", help='when it was over: "10:12" or "2026-11-24 10:12" (now)')
@click.option("--by", help="who says so (default: whoever is logged in)")
@_usual
@report_errors
def end(
    name: str | None, when: str | None, by: str | None, config: Path | None, lang: str | None, as_json: bool
) -> None:
    """Say that a disruption is over; end planned work sooner, or cancel it before it begins.

    \b
    Example: callmon disruptions end work-1796108400
    """
    desk = DisruptionCommandContext(config, lang, as_json)
    one = desk.find(name)
    over = desk.moment(when, "--at")
    hand = DisruptionCommand(at=desk.now, actor=who(by), action="end", disruption=one.id, when=over)
    desk.do(desk.check(one, hand))
