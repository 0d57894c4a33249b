"""`callmon why`: why a day kept the third ring less than usual, in parts that add up.

Refuses: to speak of a day within the usual spread, and of a person; a part is never a phone or a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import click

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.config.business_calendar import Calendar
from callmon.core.replay.record import SeenDay
from callmon.core.replay.volume import kind_of
from callmon.core.replay.why import explain, is_explained, kept
from callmon.core.statistics.period import midnight
from callmon.features.questions.options import in_language_of, print_answer, refuse_unless_on, signed_points
from callmon.store.queries.seen_days import DayReader, disrupted_spans
from callmon.store.queries.staffing import after_closed
from callmon.text.formatter import Formatter
from callmon.text.labels import label


class Behind(NamedTuple):
    """A call behind a part, and when its wait began."""

    call: str
    exchange: str
    at: datetime


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
    Of today, calls are counted until now; of usual days, until the same time.

    \b
    Examples: callmon why yesterday
              callmon why 2026-10-30 --line general --json
    """
    found = why_answer(context, day, line)
    parts = [part | {"calls": [call.call for call in part["calls"]]} for part in found["parts"]]
    print_answer(found | {"parts": parts}, _text(context, found), as_json)


def why_answer(context: CommandContext, day: str | None, line: str | None) -> dict[str, Any]:
    """The JSON of the command; behind each part its calls: their name, exchange and time. Raises ConfigError."""
    refuse_unless_on(context, "why")
    settings, when = context.settings, context.past_day(day, "DAY", days_ago=1)
    refuse_unknown(settings, "line", line)
    reader = DayReader(settings.timezone, line)
    until = _until(context, when)
    ended_by = None if until is None else until.astimezone(settings.timezone).time()
    read = reader.read_days(context.store, when - timedelta(READ_BACK), when, ended_by)
    today = next((one for one in read if one.name == when.isoformat()), SeenDay(when.isoformat(), (), {}))
    usual = [one for one in read if one is not today and _alike(settings.calendar(line), one.name, when.weekday())]
    with context.store.reading() as connection:
        disrupted = disrupted_spans(connection, settings.timezone, when)
    compared, parts = explain(today, usual[-USUAL_DAYS:], disrupted=disrupted)
    begin = midnight(when, settings.timezone)
    at = {call.key: begin + timedelta(milliseconds=call.at) for call in today.calls}
    met, judged = kept(today)
    return {
        "day": today.name,
        "until": until,
        "usual": {"days": compared.days, "rate": compared.usual},
        "today": {"met": met, "not_met": judged - met, "rate": compared.rate},
        "change": compared.rate - compared.usual,
        "z": compared.z,
        "unusual": compared.unusual,
        "why_not": _why_not(context) if compared.unusual and not is_explained(parts) else None,
        "parts": [
            {
                "part": part.part,
                "points": part.points,
                "calls": [Behind(*reader.names[key], at[key]) for key in part.calls],
            }
            for part in parts
        ],
    }


def _until(context: CommandContext, day: date) -> datetime | None:
    """The present minute, up to which the calls of an unfinished day are counted. None: the day is over."""
    return None if day < context.today else context.now.replace(second=0, microsecond=0)


def _alike(calendar: Calendar, name: str, weekday: int) -> bool:
    """Another open day of the kind of this weekday, not after a closed day."""
    day = date.fromisoformat(name)
    return kind_of(day.weekday()) == kind_of(weekday) and not after_closed(calendar, day)


def why_sentences(context: CommandContext, found: Mapping[str, Any]) -> list[str]:
    """What is said of the day, in the reader's language."""
    sentences = [_compared(context, found)]
    if found["until"] is not None:
        clock = Formatter(context.language, context.settings.timezone).minute(found["until"])
        sentences.append(
            context.say("The day is not over: it is counted until {time}, as usual days are.", time=clock)
        )
    return sentences if found["why_not"] is None else [*sentences, found["why_not"]]


def _compared(context: CommandContext, found: Mapping[str, Any]) -> str:
    """The day's rate beside the usual one."""
    say = context.say
    if found["z"] is None:
        return say("Too few calls or days to compare: 20 judged calls and 10 usual days are needed.")
    values: dict[str, Any] = {
        "rate": round(100 * found["today"]["rate"]),
        "usual": round(100 * found["usual"]["rate"]),
    }
    if not found["unusual"]:
        return say("{rate}%, usually {usual}%: within the usual spread.", **values)
    change = in_language_of(context, 100 * abs(found["change"]))
    return say(
        "{rate}%, usually {usual}%: {change} points lower, more than a normal day varies.", **values, change=change
    )


def _why_not(context: CommandContext) -> str:
    return context.say("This difference is not explained by what callmon sees.")


def _text(context: CommandContext, found: Mapping[str, Any]) -> list[str]:
    head = why_sentences(context, found)
    if not found["unusual"]:
        return head
    if found["why_not"] is not None:
        (other,) = found["parts"]
        calls = (f"{context.local(call.at)}  {call.call}" for call in other["calls"])
        return [*head, context.say("Calls that missed the third ring:"), *calls]
    return [*head, *_parts(context, found)]


def _parts(context: CommandContext, found: Mapping[str, Any]) -> list[str]:
    """A row for each part, and what they are."""
    points = signed_points(context, [part["points"] for part in found["parts"]])
    rows = [
        table_row(f"{label('part', part['part'], context.language):26}", one.rjust(6))
        for part, one in zip(found["parts"], points, strict=True)
    ]
    return [
        *rows,
        context.say("This is an estimate: it describes the line, not the people who work on it."),
    ]
