"""`callmon staffing`: how many phones each half-hour of the days to come takes.

Refuses: names. The answer has counts of phones; who is there is not its matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from statistics import median
from typing import Any, NamedTuple

import click

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.language import said
from callmon.cli.progress import progress_bar
from callmon.core.replay.record import SeenDay
from callmon.core.replay.staffing import HALF_HOUR, PhonesNeeded, phones_in_queue, phones_needed, queue_load
from callmon.core.replay.volume import Volumes, half_hours, past_residuals
from callmon.errors import ConfigError
from callmon.features.questions.options import print_answer, refuse_unless_on
from callmon.features.questions.record import read_days
from callmon.features.questions.volumes import after_closed, date_number, read_volumes

WEEKS, VOLUME_DAYS = 8, 210
SMALL_DAY = 10  # calls a day below which no middle is given
RING = 6000


class Wanted(NamedTuple):
    """What is asked: the target and how it is kept, in rings or in seconds."""

    line: str | None
    target: float
    rings: int | None
    within: float | None


@click.command(cls=HelpCommand)
@click.argument("day", required=False)
@with_context()
@click.option("--days", type=click.IntRange(1, 31), default=7, show_default=True, help="days from DAY on")
@click.option("--known-until", metavar="DAY", help="read nothing later (default: yesterday)")
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@click.option("--target", type=click.FloatRange(0.05, 0.99), default=0.9, show_default=True, help="share of calls")
@click.option("--rings", type=click.IntRange(1, 10), help="kept when answered before so many rings are over")
@click.option("--within", type=click.FloatRange(1, 600), help="in a queue: kept when answered in so many seconds")
@lang_option
@json_option
def staffing(
    context: CommandContext, day: str | None, days: int, known_until: str | None, as_json: bool, **given: Any
) -> None:
    """Estimate how many phones each half-hour from DAY on takes (default: tomorrow) to keep the target.

    Without --rings or --within: --rings 3. It reads eight weeks of calls or more.

    \b
    Examples: callmon staffing --rings 3
              callmon staffing 2026-12-07 --days 5 --within 20 --json
    """
    if given["rings"] and given["within"]:
        raise click.UsageError(said("--rings and --within exclude each other; give one of them."))
    refuse_unless_on(context, "staffing")
    refuse_unknown(context.settings, "line", given["line"])
    wanted = Wanted(**given | {"rings": None if given["within"] else given["rings"] or 3})
    first = _day(context, day)
    known = context.past_day(known_until, "--known-until", days_ago=1)
    if known >= first:
        raise ConfigError(
            "--known-until {known} is not before the day {first}; give an earlier day.",
            known=known,
            first=first,
        )
    rows = list(_rows(context, [first + timedelta(days=n) for n in range(days)], known, wanted))
    if as_json:
        print_answer(**{"from": first}, target=wanted.target, half_hours=rows)
    else:
        click.echo("\n".join(_text(context, rows)))


def _day(context: CommandContext, text: str | None) -> date:
    if text is None:
        return context.today + timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError("{name} {text}: write a day as 2026-11-20.", name="DAY", text=text) from None


def _rows(context: CommandContext, days: list[date], known: date, wanted: Wanted) -> Iterator[dict[str, Any]]:
    settings, calendar = context.settings, context.settings.calendar(wanted.line)
    since = known - timedelta(days=VOLUME_DAYS)
    volumes = read_volumes(context.store, settings.timezone, calendar, since, known, wanted.line)
    seen = read_days(context.store, settings.timezone, known - timedelta(weeks=WEEKS), known, wanted.line)
    advance = progress_bar(len(days), "Replaying")
    for day in days:
        if calendar.periods_on(day):
            yield from _of_day(context, day, (day - known).days, volumes, seen, wanted)
        advance(1)


def _of_day(
    context: CommandContext, day: date, ahead: int, volumes: list[Volumes], seen: list[SeenDay], wanted: Wanted
) -> Iterator[dict[str, Any]]:
    number = date_number(day)
    common: dict[str, Any] = {"day": day, "line": wanted.line or "all", "language": "all"}
    if not volumes or number - volumes[0].date < 7 * WEEKS:
        yield common | {"slot": None, "said": False, "why_not": _too_short(context)}
        return
    late = after_closed(context.settings.calendar(wanted.line), day)
    forecast, residuals = half_hours(volumes, number, ahead, late), past_residuals(volumes, ahead)
    intervals = {slot: residuals.interval(calls) for slot, calls in forecast.items()}
    is_small = sum(forecast.values()) < SMALL_DAY
    asked = {slot: one.high if is_small else one.middle for slot, one in intervals.items()}
    needed, usual = _needed(seen, asked, wanted), _usual_phones(seen, day)
    for slot, one in intervals.items():
        found = needed[slot]
        yield common | {
            "slot": f"{slot // 2:02}:{slot % 2 * 30:02}",
            "calls": {"low": one.low, "middle": None if is_small else one.middle, "high": one.high},
            "phones": found.phones,
            "usual_phones": usual.get(slot, 0),
            "reach": found.reach,
            "out_of_reach": found.out_of_reach,
            "limit": found.limit,
            "said": True,
            "why_not": None,
        }


def _too_short(context: CommandContext) -> str:
    return context.say("Fewer than eight weeks of calls are known: nothing is estimated.")


def _needed(seen: list[SeenDay], asked: dict[int, float], wanted: Wanted) -> dict[int, PhonesNeeded]:
    if wanted.rings:
        return phones_needed(seen, asked, wanted.target, wanted.rings * RING)
    loads = queue_load(seen, list(asked))
    return {
        slot: phones_in_queue(loads[slot], calls, wanted.target, wanted.within or 20.0)
        for slot, calls in asked.items()
    }


def _usual_phones(seen: list[SeenDay], day: date) -> dict[int, int]:
    """By half-hour, the median number of phones there in the last weeks' same weekday."""
    same = [one for one in seen if date.fromisoformat(one.name).weekday() == day.weekday()]
    found = {}
    for slot in range(48):
        at = slot * HALF_HOUR + HALF_HOUR // 2
        counts = [sum(any(a <= at < b for a, b in spans) for spans in one.phones.values()) for one in same]
        found[slot] = round(median(counts)) if counts else 0
    return found


def _text(context: CommandContext, rows: list[dict[str, Any]]) -> list[str]:
    say = context.say
    if not rows:
        return [say("The service is closed on these days.")]
    if not rows[0]["said"]:
        return [rows[0]["why_not"]]
    found = [table_row(say("Day").ljust(10), say("time"), say("calls").rjust(9), say("phones"), say("usually"))]
    for row in rows:
        calls = say("{low} to {high}", low=round(row["calls"]["low"]), high=round(row["calls"]["high"]))
        phones = say("out of reach") if row["out_of_reach"] else str(row["phones"])
        found.append(table_row(row["day"], row["slot"], calls.rjust(9), phones.rjust(6), row["usual_phones"]))
    limits = [row["limit"] for row in rows if row["limit"] is not None]
    if limits:
        times = round(10 * limits[0])
        found.append(
            say(
                "More phones do not help here: a phone is picked up in time only {times} times in 10.",
                times=times,
            )
        )
    return [*found, say("This is an estimate: it describes the line, not the people who work on it.")]
