"""`callmon why`: why a day kept the third ring less than usual, in parts that add up.

Refuses: to speak of a day within the usual spread, and of a person; a part is never a phone or a name.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import click

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.config.business_calendar import Calendar
from callmon.core.replay.record import SeenDay
from callmon.core.replay.why import Part, Usual, explain
from callmon.features.questions.options import in_language_of, print_answer, refuse_unless_on, signed_points
from callmon.features.questions.record import read_days

READ_BACK, USUAL_DAYS = 45, 20


@click.command(cls=HelpCommand)
@click.argument("day", required=False)
@with_context()
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@lang_option
@json_option
def why(context: CommandContext, day: str | None, line: str | None, as_json: bool) -> None:
    """Say why fewer calls than usual kept the third ring on DAY (default: yesterday), in parts that add up.

    Usual days are the last 20 open days of the same kind. A day within their spread is not explained.

    \b
    Examples: callmon why yesterday
              callmon why 2026-10-30 --line general --json
    """
    refuse_unless_on(context, "why")
    settings, when = context.settings, context.past_day(day, "DAY", days_ago=1)
    refuse_unknown(settings, "line", line)
    names: list[str] = []
    read = read_days(context.store, settings.timezone, when - timedelta(READ_BACK), when, line, names)
    today = next((one for one in read if one.name == when.isoformat()), SeenDay(when.isoformat(), (), {}))
    usual = [one for one in read if one is not today and _alike(settings.calendar(line), one.name, when.weekday())]
    compared, parts = explain(today, usual[-USUAL_DAYS:])
    if as_json:
        print_answer(**_answer(today, compared, parts, names))
    else:
        click.echo("\n".join(_text(context, compared, parts)))


def _alike(calendar: Calendar, name: str, weekday: int) -> bool:
    """Another open day of the kind of this weekday, not after a closed day."""
    day = date.fromisoformat(name)
    before = day - timedelta(days=3 if day.weekday() == 0 else 1)
    return max(day.weekday(), 4) == max(weekday, 4) and calendar.closed.on(before) is None


def _answer(today: SeenDay, compared: Usual, parts: tuple[Part, ...], names: list[str]) -> dict[str, Any]:
    judged = [call for call in today.calls if call.judged and call.counted]
    met = sum(call.met for call in judged)
    return {
        "day": today.name,
        "usual": {"days": compared.days, "rate": compared.usual},
        "today": {"met": met, "not_met": len(judged) - met, "rate": compared.rate},
        "change": compared.rate - compared.usual,
        "z": compared.z,
        "unusual": compared.unusual,
        "parts": [
            {"part": part.part, "points": part.points, "calls": [names[key] for key in part.calls]}
            for part in parts
        ],
    }


def _text(context: CommandContext, compared: Usual, parts: tuple[Part, ...]) -> list[str]:
    say = context.say
    if compared.z is None:
        return [say("Too few calls or days to compare: 20 judged calls and 10 usual days are needed.")]
    values: dict[str, Any] = {"rate": round(100 * compared.rate), "usual": round(100 * compared.usual)}
    if not compared.unusual:
        return [say("{rate}%, usually {usual}%: within the usual spread.", **values)]
    change = in_language_of(context, 100 * abs(compared.rate - compared.usual))
    head = say(
        "{rate}%, usually {usual}% ({change} points less, outside the usual spread).",
        **values,
        change=change,
    )
    titles = {
        "volume": say("number of calls"),
        "hours": say("hours of the calls"),
        "talk": say("talk time"),
        "phones": say("phones offered"),
        "pickup": say("picking up"),
        "settings": say("settings"),
        "disruption": say("disruption"),
        "other": say("other"),
    }
    points = signed_points(context, [part.points for part in parts])
    rows = [table_row(f"{titles[part.part]:26}", one.rjust(6)) for part, one in zip(parts, points, strict=True)]
    return [
        head,
        *rows,
        say("This is an estimate: it describes the line, not the people who work on it."),
    ]
