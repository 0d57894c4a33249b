"""`callmon staffing`: how many phones each half-hour of the days to come takes.

Refuses: names. The answer has counts of phones; who is there is not its matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from csv import DictWriter
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import click

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.language import said
from callmon.cli.progress import progress_bar
from callmon.core.replay.planned import Wanted
from callmon.core.replay.why import LEAST_PHONES
from callmon.errors import ConfigError
from callmon.features.questions.options import print_answer, refuse_unless_on
from callmon.store.queries.staffing import planned_rows
from callmon.text.formatter import Formatter, typeset

HALF_HOUR = timedelta(minutes=30)
SPANS = 3  # times that a sentence names
STAMP = "%Y%m%dT%H%M%SZ"  # of iCalendar, in UTC
COLUMNS = ("day", "slot", "line", "language", "low", "high", "phones", "usual_phones", "out_of_reach")


@click.command(cls=HelpCommand)
@click.argument("day", required=False)
@with_context()
@click.option("--days", type=click.IntRange(1, 31), default=7, show_default=True, help="days from DAY on")
@click.option(
    "--known-until", metavar="DAY", help="read nothing later (default: yesterday, or the day before DAY)"
)
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@click.option(
    "--language", type=click.Choice(["fr", "en"]), help="only calls in this language, and phones for them"
)
@click.option("--target", type=click.FloatRange(0.05, 0.99), default=0.9, show_default=True, help="share of calls")
@click.option("--rings", type=click.IntRange(1, 10), help="kept when answered before so many rings are over")
@click.option("--within", type=click.FloatRange(1, 600), help="in a queue: kept when answered in so many seconds")
@click.option("--format", "form", type=click.Choice(["csv", "ics"]), help="a table, or iCalendar events")
@lang_option
@json_option
def staffing(
    context: CommandContext,
    day: str | None,
    days: int,
    known_until: str | None,
    form: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Estimate how many phones each half-hour from DAY on takes (default: tomorrow) to keep the target.

    Without --rings or --within: --rings 3. It reads eight weeks of calls or more.

    \b
    Examples: callmon staffing --language fr --json
              callmon staffing 2026-12-07 --within 20 --format ics > phones.ics
    """
    if given["rings"] and given["within"]:
        raise click.UsageError(said("--rings and --within exclude each other; give one of them."))
    wanted = Wanted(**given | {"rings": None if given["within"] else given["rings"] or 3})
    step = partial(progress_bar(days, "Replaying"), 1)
    found = staffing_answer(context, day, days, known_until, wanted, lambda _share: step())
    match form:
        case "csv":
            click.echo(csv_text(found), nl=False)
        case "ics":
            click.echo(calendar_text(context, found), nl=False)
        case _:
            print_answer(found, _text(context, found["half_hours"]), as_json)


def staffing_answer(
    context: CommandContext,
    day: str | None,
    days: int,
    known_until: str | None,
    wanted: Wanted,
    progress: Callable[[float], None],
) -> dict[str, Any]:
    """The JSON of the command. `progress` receives the share of days done. Raises ConfigError."""
    refuse_unless_on(context, "staffing")
    refuse_unknown(context.settings, "line", wanted.line)
    first = context.day(day, "DAY", days_ago=-1)
    known = context.past_day(known_until, "--known-until", days_ago=1)
    if known_until is None:
        known = min(known, first - timedelta(days=1))
    if known >= first:
        raise ConfigError(
            "--known-until {known} is not before the day {first}; give an earlier day.",
            known=known,
            first=first,
        )
    settings = context.settings
    asked = [first + timedelta(days=n) for n in range(days)]
    planned = planned_rows(
        context.store, settings.timezone, settings.calendar(wanted.line), asked, known, wanted, progress
    )
    too_short = context.say("Fewer than eight weeks of calls are known: nothing is estimated.")
    rows = [row | {"why_not": None if row["said"] else too_short} for row in planned]
    return {"from": first, "target": wanted.target, "half_hours": rows}


def share(percent: str) -> float:
    """A target of a page, as a share. Raises ConfigError."""
    if percent.isascii() and percent.isdigit() and 5 <= int(percent) <= 99:
        return int(percent) / 100
    raise ConfigError("The target {percent} is refused; give a percentage from 5 to 99.", percent=percent)


def lack(row: Mapping[str, Any]) -> int:
    """How many phones more than usual the half-hour needs; 0 where no number reaches the target."""
    return 0 if row["out_of_reach"] else max(0, row["phones"] - row["usual_phones"])


def _first_to_do(context: CommandContext, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where most phones are lacking: the first SPANS times. Nothing where the target is always out of reach."""
    reached = [row for row in rows if not row["out_of_reach"]]
    most = max(map(lack, reached), default=None)
    if not most:
        return [] if most is None else [context.say("The phones that are usually there are enough.")]
    times = [*_times(context, [row for row in reached if lack(row) == most])]
    shown = "; ".join(times[:SPANS])
    if len(times) <= SPANS:
        text = context.say("Add phones first here ({most} more than usual): {times}.", most=most, times=shown)
    else:
        text = context.say(
            "Add phones first at {number} times ({most} more than usual), beginning with: {times}.",
            number=len(times),
            most=most,
            times=shown,
        )
    return [typeset(text, context.language)]


def _times(context: CommandContext, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The half-hours, those that follow one another together: "Monday 7 December 2026, 8 a.m. to 9 a.m."."""
    zone = context.settings.timezone
    formatter, spans = Formatter(context.language, zone), list[list[datetime]]()
    for row in rows:
        begin = datetime.fromisoformat(f"{row['day']} {row['slot']}").replace(tzinfo=zone)
        if spans and spans[-1][1] == begin:
            spans[-1][1] += HALF_HOUR
        else:
            spans.append([begin, begin + HALF_HOUR])
    for begin, end in spans:
        hours = context.say("{low} to {high}", low=formatter.minute(begin), high=formatter.minute(end))
        yield f"{formatter.weekday(begin)} {formatter.day(begin)}, {hours}"


def staffing_sentences(context: CommandContext, rows: list[dict[str, Any]]) -> list[str]:
    """What to do first; why nothing is estimated, or what limits the estimate."""
    say = context.say
    if not rows:
        return [say("The service is closed on these days.")]
    if not rows[0]["said"]:
        return [rows[0]["why_not"]]
    found = [
        *_first_to_do(context, rows),
        say("This is an estimate: it describes the line, not the people who work on it."),
    ]
    if (factor := max(row["factor"] for row in rows)) > 1:
        more = round(100 * (factor - 1))
        found += [
            say(
                "Phones are planned for {percent}% more calls than the forecast: with fewer, the last 50 days "
                "would have missed the target on average.",
                percent=more,
            )
        ]
    limits = [row["limit"] for row in rows if row["limit"] is not None and row["usual_phones"] >= LEAST_PHONES]
    if not limits:
        return found
    limit = say(
        "More phones do not help here: a phone is picked up in time only {times} times in 10.",
        times=round(10 * limits[0]),
    )
    return [limit, *found]


def _text(context: CommandContext, rows: list[dict[str, Any]]) -> list[str]:
    say, about = context.say, staffing_sentences(context, rows)
    if not rows or not rows[0]["said"]:
        return about
    found = [table_row(say("Day").ljust(10), say("time"), say("calls").rjust(9), say("phones"), say("usually"))]
    for row in rows:
        calls = say("{low} to {high}", low=round(row["calls"]["low"]), high=round(row["calls"]["high"]))
        phones = say("out of reach") if row["out_of_reach"] else str(row["phones"])
        found.append(table_row(row["day"], row["slot"], calls.rjust(9), phones.rjust(6), row["usual_phones"]))
    return [*found, *about]


def csv_text(found: Mapping[str, Any]) -> str:
    """One row a half-hour, with counts of phones alone. `phones` is empty where no number reaches the target."""
    text = StringIO()
    writer = DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in _said(found):
        low, high = (round(row["calls"][name], 1) for name in ("low", "high"))
        phones = "" if row["out_of_reach"] else row["phones"]
        kept = {name: row[name] for name in COLUMNS if name in row}
        writer.writerow(kept | {"low": low, "high": high, "phones": phones})
    return text.getvalue()


def calendar_text(context: CommandContext, found: Mapping[str, Any]) -> str:
    """An iCalendar (RFC 5545): one event for each run of half-hours that take the same number of phones."""
    made = f"{context.now.astimezone(UTC):{STAMP}}"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//callmon//staffing//EN"]
    for begin, end, row in _runs(found, context.settings.timezone):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{begin:{STAMP}}-{row['line']}-{row['language']}@callmon",
            f"DTSTAMP:{made}",
            f"DTSTART:{begin:{STAMP}}",
            f"DTEND:{end:{STAMP}}",
            f"SUMMARY:{context.say('Phones needed: {phones}', phones=row['phones'])}",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _runs(found: Mapping[str, Any], zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, dict[str, Any]]]:
    """Half-hours that follow each other and take as many phones: begin and end in UTC, and the first row."""

    def begin(row: Mapping[str, Any]) -> datetime:
        return datetime.fromisoformat(f"{row['day']} {row['slot']}").replace(tzinfo=zone).astimezone(UTC)

    rows = [row for row in _said(found) if not row["out_of_reach"]]
    runs = groupby(enumerate(rows), lambda one: (begin(one[1]) - one[0] * HALF_HOUR, one[1]["phones"]))
    for _, run in runs:
        first, *others = [row for _, row in run]
        yield begin(first), begin(first) + (1 + len(others)) * HALF_HOUR, first


def _said(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (row for row in found["half_hours"] if row["said"])
