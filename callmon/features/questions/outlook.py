"""`callmon outlook`: the chance that fewer than half of a coming half-hour's calls keep the third ring.

Refuses: a forecast of few calls, in a gap or a disruption, and before 60 open days are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from statistics import fmean
from typing import Any, NamedTuple

import click

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.core.replay.outlook import (
    LEAST_CALLS,
    LEAST_DAYS,
    HalfHour,
    OpenDay,
    Weights,
    breached,
    fit_weights,
    forecast,
    training_rows,
)
from callmon.core.replay.presence import Presence
from callmon.core.replay.record import SeenCall, SeenDay, Span, wrap_up
from callmon.core.replay.staffing import HALF_HOUR, giving_up_rate, slot_of
from callmon.core.statistics.coverage import Coverage
from callmon.core.statistics.period import midnight
from callmon.features.questions.options import print_answer, refuse_unless_on
from callmon.store.queries.coverage import Fingerprint, heard_spans
from callmon.store.queries.seen_days import DayReader, disrupted_spans, in_ms
from callmon.text.formatter import Formatter

READ_BACK = 150  # days before the month in which a forecast is made
WITHIN = 18.0  # seconds: three rings
ANY_DAY = date(1970, 1, 1)
SAID = 0.4  # from this chance on, the record counts a forecast as an announcement
AHEAD = {"30": 1, "60": 2, "120": 4}  # minutes: half-hours


class Known(NamedTuple):
    """The days of a line, by date, and what was fitted to those before `fitted`."""

    days: Mapping[date, OpenDay]
    fitted: date
    giving_up: float
    weights: Weights | None

    def before(self, day: date) -> list[OpenDay]:
        return [one for when, one in self.days.items() if when < day]


@click.command(cls=HelpCommand)
@with_context()
@click.option("--at", "moment", metavar="TIME", help="forecast from what was known at TIME (default: now)")
@click.option("--each-half-hour", "day", metavar="DAY", help="each half-hour of DAY, from what was known then")
@click.option("--ahead", type=click.Choice([*AHEAD]), default="60", show_default=True, help="minutes ahead")
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@lang_option
@json_option
def outlook(
    context: CommandContext, moment: str | None, day: str | None, ahead: str, line: str | None, as_json: bool
) -> None:
    """Estimate the chance that fewer than half of a coming half-hour's calls keep the third ring.

    A half-hour of fewer than 20 expected calls has no chance, only the phones that are there.

    \b
    Examples: callmon outlook
              callmon outlook --each-half-hour yesterday --ahead 30 --json
    """
    (found,) = answers(context, moment, day, [ahead], line)
    print_answer(found, outlook_sentences(context, found), as_json)


def answers(
    context: CommandContext, moment: str | None, day: str | None, aheads: Iterable[str], line: str | None
) -> Iterator[dict[str, Any]]:
    """The JSON of the command for each distance ahead, from one reading of the record. Raises ConfigError."""
    refuse_unless_on(context, "outlook")
    refuse_unknown(context.settings, "line", line)
    at = (context.moment(moment, "--at") or context.now).astimezone(context.settings.timezone)
    when = at.date() if day is None else context.past_day(day, "--each-half-hour")
    since = when.replace(day=1) - timedelta(READ_BACK)
    reader = DayReader(context.settings.timezone, line, in_progress=day is None)
    read = reader.read_days(context.store, since, when)
    lost = _lost(context, when, line)
    over = 2 * at.hour + at.minute // 30 - 1  # the last half-hour that is over
    calendar, begin = context.settings.calendar(line), midnight(when, context.settings.timezone)
    opened = [slot for slot in range(48) if calendar.is_open(begin + timedelta(minutes=30 * slot))]
    for steps in map(AHEAD.__getitem__, aheads):
        known = known_days(read, when, steps)
        slots = [slot for slot in opened if day is not None or slot == over + steps]
        weights: dict[str, float] = {}
        if known.weights is not None:
            weights = {"constant": known.weights.constant, **known.weights.by_feature}
        yield {
            "half_hours": [forecast_row(known, when, slot, steps, lost) for slot in slots],
            "weights": weights,
            "fitted": known.fitted,
            "record": announced(known, when, steps),
        }


def known_days(read: Sequence[SeenDay], when: date, steps: int) -> Known:
    """What the days before `when`'s month teach. No weights where they are fewer than LEAST_DAYS."""
    fitted = when.replace(day=1)
    before = [day for day in read if day.name < fitted.isoformat()]
    after, giving_up = wrap_up(before), giving_up_rate(before)
    days = {date.fromisoformat(day.name): open_day(day, after) for day in read}
    learnt = [one for at, one in days.items() if at < fitted]
    rows = training_rows(learnt, steps, giving_up, WITHIN) if len(learnt) >= LEAST_DAYS else []
    return Known(days, fitted, giving_up, fit_weights(rows) if rows else None)


def open_day(seen: SeenDay, after: float) -> OpenDay:
    """The half-hours of a day, each as known at its end. `after`: the seconds between a phone's calls."""
    arrived: dict[int, list[SeenCall]] = {}
    talks: dict[int, list[float]] = {}
    for call in seen.calls:
        if call.counted and call.judged:
            arrived.setdefault(slot_of(call.at), []).append(call)
            if call.outcome == "answered":
                talks.setdefault(slot_of(call.at + call.wait + call.talk), []).append(call.talk / 1000)
    presence = Presence(seen.calls)
    slots: dict[int, HalfHour] = {}
    for slot, calls in sorted(arrived.items()):
        phones = presence.phones(slot * HALF_HOUR, (slot + 1) * HALF_HOUR)
        busy = fmean(talks[slot]) + after if slot in talks else 0.0
        slots[slot] = HalfHour(len(calls), sum(call.met for call in calls), phones, busy)
    return OpenDay(date.fromisoformat(seen.name).weekday(), slots)


def forecast_row(known: Known, when: date, slot: int, steps: int, lost: Sequence[Span] = ()) -> dict[str, Any]:
    """One half-hour of the answer, from what was known `steps` half-hours before it. `lost`: in ms, as `_lost`."""
    today = known.days.get(when, OpenDay(when.weekday(), {}))
    found = forecast(today, known.before(when), slot - steps, steps, known.giving_up, WITHIN)
    row: dict[str, Any] = {"slot": f"{slot // 2:02}:{slot % 2 * 30:02}", "ahead": 30 * steps, "probability": None}
    if found is None:
        return row | {"volume": None, "phones": None, "because": []}
    row |= {"volume": found.volume, "phones": found.phones, "because": []}
    at = (slot - steps + 1) * HALF_HOUR
    is_lost = any(begin < at and end > at - HALF_HOUR for begin, end in lost)
    if known.weights is None or found.volume < LEAST_CALLS or is_lost:
        return row
    return row | {"probability": known.weights.probability(found.features), "because": found.reasons()}


def announced(known: Known, when: date, steps: int) -> dict[str, int]:
    """Of the half-hours since the weights were fitted: those announced, and those of them that came true."""
    breaches = [
        breach
        for day, one in known.days.items()
        if known.fitted <= day < when
        for slot, cell in one.slots.items()
        if (breach := breached(cell)) is not None
        and (forecast_row(known, day, slot, steps)["probability"] or 0.0) >= SAID
    ]
    return {"told": len(breaches), "came_true": sum(breaches)}


def _lost(context: CommandContext, when: date, line: str | None) -> list[Span]:
    """Of the day, in ms after midnight: gaps and disruptions. A day that was not heard at all was imported."""
    zone = context.settings.timezone
    begin = midnight(when, zone)
    end = min(midnight(when + timedelta(days=1), zone), context.now)
    with context.store.reading() as connection:
        heard = heard_spans(connection, begin, end, Fingerprint())
        disrupted = disrupted_spans(connection, zone, when, line)
    gaps = [span for one in heard.values() for span in Coverage(*one).unheard_spans(begin, end)]
    return [in_ms(a, b, begin) for a, b in gaps if (a, b) != (begin, end)] + disrupted


def outlook_sentences(context: CommandContext, found: Mapping[str, Any]) -> list[str]:
    """What is said of each half-hour, and how often such an announcement came true."""
    say = context.say
    rows = [half_hour_sentence(context, row) for row in found["half_hours"]]
    if not rows:
        return [say("The service is closed on these days.")]
    if not found["weights"]:
        rows.append(say("Fewer than 60 open days are known before this month: no chance is estimated."))
    elif found["record"]["told"]:
        rows.append(
            say(
                "Announced this month, from 4 chances in 10 on: {told}; came true: {came_true}.", **found["record"]
            )
        )
    return [*rows, say("This is an estimate: it describes the line, not the people who work on it.")]


def half_hour_sentence(context: CommandContext, row: Mapping[str, Any]) -> str:
    """What is said of one half-hour."""
    say, formatter = context.say, Formatter(context.language)
    begin = datetime.combine(ANY_DAY, time.fromisoformat(row["slot"]), UTC)
    span = {"begin": formatter.minute(begin), "end": formatter.minute(begin + timedelta(minutes=30))}
    if row["volume"] is None:
        return say("{begin} to {end}: too little is known to say.", **span)
    expected = {"calls": round(row["volume"]), "phones": round(row["phones"])}
    if row["probability"] is None:
        return say(
            "{begin} to {end}: about {calls} calls, {phones} phones; no chance is estimated.", **span, **expected
        )
    reasons = {
        "volume": say("calls above usual"),
        "phones": say("phones below usual"),
        "now": say("the last half-hour"),
    }
    because = ", ".join(reasons[one] for one in row["because"])
    return say(
        "{begin} to {end}: {chances} chances in 10 that fewer than half of some {calls} calls keep the third ring "
        "({because}; {phones} phones).",
        chances=round(10 * row["probability"]),
        because=because or say("as usual"),
        **span,
        **expected,
    )
