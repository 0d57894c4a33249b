"""`callmon disruptions`: when lines cannot take calls, planned work, and the notices to the public.

A manual entry is a request (`actions.py`). Refuses: with a sentence, an action that is not possible, before it is
stored.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from callmon.cli.common import (
    CommandContext,
    LengthOfTime,
    by_option,
    lang_option,
    make_folder,
    print_json,
    refuse_unknown,
    with_context,
)
from callmon.cli.completion import DISRUPTIONS as DISRUPTION_NAMES
from callmon.cli.completion import LINES, LINES_OR_ALL
from callmon.cli.errors import Command
from callmon.cli.help import HelpGroup
from callmon.core.disruptions.commands import MOST, TEXTS, Action, DisruptionCommand, validate
from callmon.core.disruptions.disruption import Disruption, Notice
from callmon.errors import ConfigError
from callmon.features.actions import DISRUPTIONS
from callmon.features.disruptions.notice.folder import publish_notice
from callmon.store.queries import disruptions as stored
from callmon.store.queries.calls import heartbeats
from callmon.text.lists import DisruptionList, disruption_as_json

HEARD_WITHIN = timedelta(seconds=15)  # a daemon that receives an exchange stores so each second


@click.group(cls=HelpGroup)
def disruptions() -> None:
    """Disruptions of lines: list and announce them, and plan work.

    A notice is complete when it has a reason, an end and an alternative, in French and in English. Boards
    show it: it must contain nothing about a caller.
    """


def _notice(command: Command) -> Command:
    command = by_option(command)
    for name, what in (
        ("--alternative-en", "alternative for callers, in English"),
        ("--alternative-fr", "alternative for callers, in French"),
        ("--reason-en", "the reason, in English"),
        ("--reason-fr", "the reason, in French"),
    ):
        command = click.option(name, help=what)(command)
    return command


_until = click.option("--until", metavar="TIME", help='expected end: "16:30" or "2026-11-24 16:30", local time')
_for = click.option(
    "--for", "length", type=LengthOfTime(), help="expected end, as a time after the start: 45m, 2h"
)


class DisruptionCommandContext(CommandContext):
    """The context of a command on disruptions; `by` is its author."""

    def __init__(self, config: Path | None, lang: str | None, as_json: bool, by: str | None = None) -> None:
        super().__init__(config, lang, by)
        self.as_json = as_json

    def find(self, name: str | None) -> Disruption:
        """The disruption of this name. Without a name, the only disruption in progress. Raises ConfigError."""
        if name is not None:
            return stored.disruption_by_id(self.store, name) or DISRUPTIONS.refuse("not_known", self.language)
        going_on = [x for x in stored.live_disruptions(self.store) if x.state(self.now) == "going_on"]
        if len(going_on) == 1:
            return going_on[0]
        names = ", ".join(x.id for x in going_on)
        if names:
            raise ConfigError("Several disruptions are in progress. Name one of {names}.", names=names)
        raise ConfigError(
            "No disruption is in progress. For one that callmon cannot detect, name its lines with --line LINE."
        )

    def until(self, until: str | None, length: timedelta | None, start: datetime) -> datetime | None:
        if until is not None and length is not None:
            raise ConfigError("--until and --for exclude each other; give one of them.")
        return self.moment(until, "--until", max(start, self.now)) if length is None else start + length

    def notice(self, until: datetime | None, texts: dict[str, str | None]) -> Notice:
        """The given parts of a notice; each text becomes one line. Raises ConfigError if empty or too long."""
        given = {name: " ".join(text.split()) for name in TEXTS if (text := texts.get(name)) is not None}
        for name, text in given.items():
            option = "--" + name.replace("_", "-")
            if not text:
                raise ConfigError("{option} is empty; write a few words.", option=option)
            if len(text) > MOST:
                raise ConfigError(
                    "{option} has {count} characters; boards show {most} at most.",
                    option=option,
                    count=len(text),
                    most=MOST,
                )
        return Notice(**given, until=until)

    def print_as_json(self, *found: Disruption) -> None:
        for disruption in found:
            met = stored.calls_met(self.store, disruption)
            print_json(disruption_as_json(disruption, datetime.now(UTC), met))

    def request(
        self, disruption: Disruption | None, action: Action, lines: tuple[str, ...] = (), **more: Any
    ) -> None:
        """Store a valid request on `disruption`, or on a new one; wait until it is applied; show the result."""
        name = disruption.id if disruption else ""
        actor = self.actor
        lines = self.known_lines(lines)
        command = DisruptionCommand(at=self.now, actor=actor, action=action, disruption=name, lines=lines, **more)
        if (why := validate(disruption, command)) is not None:
            DISRUPTIONS.refuse(why, self.language)
        if not DISRUPTIONS.run(self, command):
            return
        result = stored.disruption_by_id(self.store, name) if name else stored.created_by(self.store, command)
        if result is not None and self.as_json:
            self.print_as_json(result)
        elif result is not None:
            page = DisruptionList(self.settings, self.language, datetime.now(UTC))
            click.echo("\n".join(page.entry(result)))


def _usual(command: Command) -> Command:
    as_json = click.option("--json", "as_json", is_flag=True, help="one JSON object per disruption")
    return with_context(DisruptionCommandContext)(lang_option(as_json(command)))


@disruptions.command("list")
@click.option("--state", type=click.Choice(["open", "over", "all"]), default="open", show_default=True)
@click.option(
    "--days",
    type=click.IntRange(1, 36500),
    default=31,
    show_default=True,
    help="days for which ended ones are listed",
)
@click.option("--line", shell_complete=LINES, help="only disruptions of this line")
@_usual
def list_(context: DisruptionCommandContext, state: str, days: int, line: str | None) -> None:
    """List disruptions and planned work, with missing parts of notices and affected calls.

    \b
    Examples: callmon disruptions list --state all --lang en
              callmon disruptions list --line tty --json
    """
    refuse_unknown(context.settings, "line", line)
    DISRUPTIONS.print_pending(context)
    found = (
        stored.live_disruptions(context.store)
        if state == "open"
        else stored.all_of(context.store, context.now - timedelta(days))
    )
    found = [x for x in found if state == "all" or (x.ended is None) == (state == "open")]
    found = [x for x in found if line is None or line in x.lines]
    if context.as_json:
        context.print_as_json(*found)
        return
    met = {x.id: stored.calls_met(context.store, x) for x in found if x.began <= context.now}
    click.echo(DisruptionList(context.settings, context.language, context.now).text(found, met))


@disruptions.command()
@click.argument("start", metavar="START")
@click.argument("end", metavar="END")
@click.option(
    "--line", "lines", multiple=True, required=True, shell_complete=LINES_OR_ALL, help='affected line, or "all"'
)
@_notice
@_usual
def plan(
    context: DisruptionCommandContext, start: str, end: str, lines: tuple[str, ...], **texts: str | None
) -> None:
    """Plan work from START to END on lines; alerts are held for that time.

    \b
    Examples: callmon disruptions plan "2026-12-01 02:00" 04:00 --line all
              callmon disruptions plan 22:00 23:30 --line tty --reason-en update
    """
    begin = context.moment(start, "START")
    until = context.moment(end, "END", begin)
    context.request(None, "plan", lines, start=begin, notice=context.notice(until, texts))


@disruptions.command()
@click.argument("name", required=False, metavar="[DISRUPTION]", shell_complete=DISRUPTION_NAMES)
@click.option("--line", "lines", multiple=True, shell_complete=LINES, help="line of a disruption to announce")
@click.option("--since", metavar="TIME", help="start of a disruption given with --line (default: now)")
@_until
@_for
@_notice
@_usual
def announce(
    context: DisruptionCommandContext,
    name: str | None,
    lines: tuple[str, ...],
    since: str | None,
    until: str | None,
    length: timedelta | None,
    **texts: str | None,
) -> None:
    """Announce a disruption to the public: reason, end, alternative; together or one by one.

    Without a name, the command applies to the only disruption in progress.

    \b
    Examples: callmon disruptions announce --for 2h --reason-en "power failure"
              callmon disruptions announce --line tty --until 16:30
    """
    if name is not None and lines:
        raise ConfigError(
            "--line is for a new disruption, and {name} already has its lines; leave one of them out.",
            name=name,
        )
    if since is not None and not lines:
        raise ConfigError(
            "--since is valid only with --line, as callmon records the start of detected disruptions; leave "
            "it out, or add --line."
        )
    disruption = None if lines else context.find(name)
    start = context.moment(since, "--since") or (context.now if disruption is None else disruption.began)
    notice = context.notice(context.until(until, length, start), texts)
    if disruption is not None and notice == Notice():
        raise ConfigError(
            "Nothing to announce: add --reason-fr, --reason-en, --until or another part of the notice."
        )
    context.request(disruption, "announce", lines, start=None if disruption else start, notice=notice)


@disruptions.command()
@click.argument("name", metavar="DISRUPTION", shell_complete=DISRUPTION_NAMES)
@click.option(
    "--line", "lines", multiple=True, shell_complete=LINES, help="affected line, instead of the previous"
)
@click.option("--since", "start", metavar="TIME", help="new start of planned work that has not begun")
@_until
@_for
@_notice
@_usual
def change(
    context: DisruptionCommandContext,
    name: str,
    lines: tuple[str, ...],
    start: str | None,
    until: str | None,
    length: timedelta | None,
    **texts: str | None,
) -> None:
    """Change the notice of a disruption, or the times of planned work.

    \b
    Examples: callmon disruptions change work-1796108400 --until 05:00
              callmon disruptions change work-1796108400 --line tty --for 3h
    """
    disruption = context.find(name)
    begin = context.moment(start, "--since")
    notice = context.notice(context.until(until, length, begin or disruption.began), texts)
    if notice == Notice() and begin is None and not lines:
        raise ConfigError("Nothing to change: add --until, --since, --line or a text.")
    context.request(disruption, "change", lines, start=begin, notice=notice)


@disruptions.command()
@click.argument("name", required=False, metavar="[DISRUPTION]", shell_complete=DISRUPTION_NAMES)
@click.option(
    "--at", "when", metavar="TIME", help='end of the disruption: "10:12" or "2026-11-24 10:12" (default: now)'
)
@by_option
@_usual
def end(context: DisruptionCommandContext, name: str | None, when: str | None) -> None:
    """Record the end of a disruption; end planned work earlier, or cancel it before it begins.

    \b
    Examples: callmon disruptions end
              callmon disruptions end work-1796108400 --at 10:12
    """
    disruption = context.find(name)
    context.request(disruption, "end", when=context.moment(when, "--at"))


@disruptions.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@with_context()
def publish(context: CommandContext, folder: Path) -> None:
    """Write the public notice into the folder DIR: pages in French and English, calendars, JSON. DIR is made.

    For a web server, from a timer. `callmon run` writes the same by itself with [disruptions] publish. Without a
    running callmon the pages state that the lines are not monitored.

    \b
    Examples: callmon disruptions publish /srv/callmon-notice
              callmon disruptions publish /var/www/html/notice
    """
    settings = context.settings
    now = context.now
    heard = heartbeats(context.store)
    is_heard = bool(settings.exchanges) and all(
        name in heard and abs(now - heard[name]) <= HEARD_WITHIN for name in settings.exchanges
    )
    make_folder(folder)
    publish_notice(folder, settings, stored.live_disruptions(context.store), is_heard, now)
