"""`callmon what-if`: what another setting would have made of a period's calls, as a span.

Refuses: a figure from too few calls, or for a setting far beyond what was seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache, partial, reduce
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.progress import progress_bar
from callmon.config.business_calendar import Calendar
from callmon.config.settings import Settings
from callmon.config.times import day_periods
from callmon.core.replay import what_if as engine
from callmon.core.replay.curves import RING
from callmon.core.replay.draws import SEED
from callmon.core.replay.record import Rule, SeenDay, Span, seen_rule, with_ring, with_strategy
from callmon.errors import ConfigError
from callmon.features.questions.options import print_answer, read_period, refuse_unless_on
from callmon.store.queries.seen_days import MS, DayReader, Speaks

Change = Callable[[Rule], Rule]
FOURTH_RING = 4 * RING
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PHONES = re.compile(rf"([+-]\d{{1,3}})(?::(fr|en))?@(?:({'|'.join(WEEKDAYS)}) )?(.*)")
_WHOLE = re.compile(r"[0-9]{1,9}")
_PICKUP = re.compile(r"([+-]\d{1,2})%")


@click.command("what-if", cls=HelpCommand)
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@with_context()
@click.option("--line", shell_complete=LINES, help="only calls on this line")
@click.option(
    "--set",
    "changes",
    metavar="SETTING=VALUE",
    multiple=True,
    required=True,
    help="voicemail_rings=5, strategy=ringall, ring_seconds=15, phones=+1@11:00-13:00, "
    "phones='+1@mon 11:00-13:00', phones=-1:fr@11:00-12:00, pickup=-20%, hours=9:00-16:00",
)
@lang_option
@json_option
def what_if(
    context: CommandContext, first: str, last: str, line: str | None, changes: tuple[str, ...], as_json: bool
) -> None:
    """Estimate what another setting would have made of the calls from FROM to TO, both included.

    What was seen stays as it was; what was cut off is drawn from the line's own curves, in 40 worlds. Phones
    with :fr or :en are those to which [[staff]] gives that language.

    \b
    Examples: callmon what-if 2026-10-01 2026-10-31 --set voicemail_rings=5
              callmon what-if 2026-10-01 2026-10-31 --set phones=+1@11:00-13:00
    """
    step = partial(progress_bar(engine.WORLDS, "Replaying"), 1)
    found = what_if_answer(context, first, last, line, changes, lambda _share: step())
    print_answer(found, _text(context, found), as_json)


def what_if_answer(
    context: CommandContext,
    first: str,
    last: str,
    line: str | None,
    changes: Sequence[str],
    progress: Callable[[float], None],
) -> dict[str, Any]:
    """The JSON of the command. `progress` receives the share of worlds done. Raises ConfigError."""
    refuse_unless_on(context, "what-if")
    refuse_unknown(context.settings, "line", line)
    period, pairs = read_period(context, first, last), _pairs(changes)
    change = _change(pairs)
    reader = DayReader(context.settings.timezone, line, speaks=_speaks(context.settings, pairs))
    days = reader.read_days(context.store, *period)
    own = seen_rule(days)
    given: dict[str, Any] = {"from": period[0], "to": period[1], "set": pairs}
    rule = change(own)
    _refuse_longer(context.settings.calendar(line), rule, *period)
    if not any(day.is_on(rule.weekday) for day in days) and rule.weekday is not None:
        raise ConfigError("--set phones: the period has no calls on this day of the week; give a longer period.")
    if (silent := engine.why_silent(days, own, rule)) is not None:
        return given | {"said": False, "why_not": _why_not(context, silent, days, own, rule)}
    found = engine.what_if(days, change, done=lambda number: progress((number + 1) / engine.WORLDS))
    return given | {
        "said": True,
        "why_not": None,
        "confidence": engine.CONFIDENCE,
        "worlds": engine.WORLDS,
        "seed": SEED,
        "seen_until_seconds": engine.seen_until(days),
        "own_rule": found.own,
        "changed": found.changed,
        "unmoved": () if _moves_third_ring(own, rule) else ("third_ring",),
        "assumptions": _assumptions(context, rule),
    }


def _speaks(settings: Settings, pairs: Mapping[str, str]) -> Speaks | None:
    """Which phones speak the language that is asked about. Raises ConfigError where [[staff]] has it nowhere."""
    found = _PHONES.fullmatch(pairs.get("phones", ""))
    language = found[2] if found else None
    if language is None:
        return None
    if not any(language in entry.languages for entry in settings.configuration.staff):
        raise ConfigError(
            '--set phones: no [[staff]] has "{language}" among its languages; add an extension and its languages, '
            "or leave the language out.",
            language=language,
        )
    staff = cache(settings.staff)
    return lambda exchange, phone, at: staff(exchange).speaks(phone, language, at)


def _pairs(changes: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for written in changes:
        name, equals, value = written.partition("=")
        if not equals or name not in EXAMPLES:
            raise ConfigError(
                "--set {written}: SETTING=VALUE is needed, and one of these settings: {names}.",
                written=written,
                names=", ".join(EXAMPLES),
            )
        if name in found:
            raise ConfigError("--set {name} is given twice; give it once.", name=name)
        found[name] = value
    return found


def _change(given: Mapping[str, str]) -> Change:
    """The changes together. Raises ConfigError with what a value may be."""
    if given.get("strategy") == "ringall" and "ring_seconds" in given:
        raise ConfigError(
            "--set strategy=ringall excludes ring_seconds: all phones ring to the end; give one of them."
        )
    parsed = [_parsed(name, value) for name, value in given.items()]
    return lambda own: reduce(lambda rule, change: change(rule), parsed, own)


def _parsed(name: str, value: str) -> Change:
    number = int(value) if _WHOLE.fullmatch(value) else 0
    if name == "voicemail_rings" and 1 <= number <= 30:
        return lambda rule: replace(rule, voicemail=_voicemail(rule, number))
    if name == "strategy" and value in ("hunt", "ringall"):
        return lambda rule: with_strategy(rule, value)
    if name == "ring_seconds" and 1 <= number <= 120:
        return lambda rule: with_ring(rule, 1000 * number)
    if name == "pickup" and (found := _PICKUP.fullmatch(value)):
        factor = 1 + int(found[1]) / 100
        return lambda rule: replace(rule, pickup=factor)
    phones = _PHONES.fullmatch(value) if name == "phones" else None
    if phones and (more := int(phones[1])) and (span := _span(phones[4])):
        weekday = WEEKDAYS.index(phones[3]) if phones[3] else None
        return lambda rule: replace(rule, added=(more, span), weekday=weekday, speaking=phones[2] is not None)
    if name == "hours" and (span := _span(value)):
        return lambda rule: replace(rule, hours=span)
    raise ConfigError(
        "--set {name}={value}: this value is refused; give for instance {example}.",
        name=name,
        value=value,
        example=EXAMPLES[name],
    )


def _span(between: str) -> Span | None:
    """Two local times, in ms after midnight; None where the first is not earlier."""
    try:
        (found,) = day_periods(between)
    except ValueError:
        return None
    return found.opens // MS, found.closes // MS


def _refuse_longer(calendar: Calendar, rule: Rule, first: date, last: date) -> None:
    """Raises ConfigError for longer hours: the record has no wait of a call to a closed line."""
    days = range((last - first).days + 1)
    periods = [period for n in days for period in calendar.periods_on(first + timedelta(days=n))]
    if rule.hours is None or not periods:
        return
    opens, closes = min(one.opens for one in periods), max(one.closes for one in periods)
    if rule.hours[0] * MS < opens or rule.hours[1] * MS > closes:
        raise ConfigError(
            "--set hours: the line was open from {opens} to {closes} at most; only shorter hours can be tried.",
            opens=_clock(opens),
            closes=_clock(closes),
        )


def _clock(since_midnight: timedelta) -> str:
    hour, minute = divmod(since_midnight // timedelta(minutes=1), 60)
    return f"{hour}:{minute:02}"


EXAMPLES = {
    "voicemail_rings": "voicemail_rings=5",
    "strategy": "strategy=ringall, strategy=hunt",
    "ring_seconds": "ring_seconds=15",
    "phones": "phones=+1@11:00-13:00, phones=-1:fr@11:00-12:00, phones=+1@mon 11:00-13:00",
    "pickup": "pickup=-20%",
    "hours": "hours=9:00-16:00",
}


def _voicemail(rule: Rule, rings: int) -> int:
    """As much later or earlier as the rings say; what was seen is near a whole ring, not on it."""
    if rule.voicemail is None:
        return rings * RING
    return rule.voicemail + (rings - max(1, round(rule.voicemail / RING))) * RING


def _why_not(context: CommandContext, silent: str, days: Sequence[SeenDay], own: Rule, rule: Rule) -> str:
    calls = [call for day in days for call in day.calls if call.counted]
    match silent:
        case "few_calls":
            return context.say(
                "{calls} calls only: too few to say. From {least} calls on.",
                calls=len(calls),
                least=engine.LEAST_CALLS,
            )
        case "few_answered":
            count = sum(call.outcome == "answered" for call in calls)
            return context.say(
                "{calls} answered calls only: too few to say. From {least} on.",
                calls=count,
                least=engine.LEAST_ANSWERED,
            )
        case "unknown_waits":
            return context.say(
                "The record does not tell how long the callers of more than 5% of the calls waited: "
                "nothing is concluded."
            )
        case "unknown_verdicts":
            return context.say(
                "The record does not tell whether more than 5% of the calls kept the third ring: "
                "nothing is concluded."
            )
        case "own_rule":
            return context.say(
                "Replayed as it was, {count} of {calls} calls end differently. The record lacks what decided "
                "them, for instance a phone outside. Nothing is concluded.",
                count=engine.differing_calls(days, own),
                calls=len(calls),
            )
        case "unknown_calls":
            return context.say("More than 5% of the calls were not heard completely: nothing is concluded.")
        case "no_tries":
            return context.say("It is not known which phones rang: only the setting phones can be changed.")
    longest = max((tried.length for day in days for call in day.calls for tried in call.tries), default=0)
    return context.say(
        "Never tried: at most {rings} rings before voicemail, {seconds} s for a phone, {phones} more or less "
        "for phones, and from half to double for pickup.",
        rings=2 * max(1, round((own.voicemail or longest) / RING)),
        seconds=2 * longest // 1000,
        phones=engine.most_phones(days, rule),
    )


def _text(context: CommandContext, found: Mapping[str, Any]) -> list[str]:
    if not found["said"]:
        return [found["why_not"]]
    say, was = context.say, msgspec.structs.asdict(found["own_rule"])
    rows = [table_row(f"{'':26}", say("as it was").rjust(9), say("changed, 9 chances in 10 between"))]
    for name, title in titles(context).items():
        one = found["changed"][name]
        span = say("{low} and {high}", low=round(one.low), high=round(one.high))
        if name in found["unmoved"]:
            span = say("does not depend on it: voicemail comes after the third ring")
        rows.append(table_row(f"{title:26}", str(was[name]).rjust(9), span))
    return [headline(context, found), *rows, seen(context, found), *found["assumptions"]]


def titles(context: CommandContext) -> dict[str, str]:
    """The name of each figure."""
    say = context.say
    return {
        "answered": say("reached a person"),
        "third_ring": say("third ring kept"),
        "abandoned": say("gave up"),
        "voicemail": say("voicemail"),
    }


def headline(context: CommandContext, found: Mapping[str, Any]) -> str:
    """How many callers more or fewer would have reached a person."""
    say = context.say
    one = found["changed"]["answered"]
    was = found["own_rule"].answered
    low, high = round(one.low) - was, round(one.high) - was
    if low == high == 0:
        return say("Nothing would have changed: this is the setting as it was.")
    if low >= 0:
        return say("Between {low} and {high} more callers would have reached a person.", low=low, high=high)
    if high <= 0:
        return say("Between {low} and {high} fewer callers would have reached a person.", low=-high, high=-low)
    return say(
        "It is not known whether more callers would have reached a person: from {low} fewer to {high} more.",
        low=-low,
        high=high,
    )


def seen(context: CommandContext, found: Mapping[str, Any]) -> str:
    """From which second on a hazard is assumed."""
    until = found["seen_until_seconds"]
    return context.say(
        "Seen up to {patience} s of patience and {pickup} s of a phone; beyond them, the last ring's rate "
        "is assumed.",
        patience=round(until["patience"]),
        pickup=round(until["pickup"]),
    )


def _moves_third_ring(own: Rule, rule: Rule) -> bool:
    """Voicemail at or after the fourth ring cannot move the third."""
    only = replace(rule, voicemail=own.voicemail) == own
    return not (only and min(own.voicemail or FOURTH_RING, rule.voicemail or FOURTH_RING) >= FOURTH_RING - 500)


def _assumptions(context: CommandContext, rule: Rule) -> list[str]:
    say = context.say
    of_language = [
        say("The phones of a language are assumed to ring for the same callers as in the period."),
        say("A phone without an entry in [[staff]] counts as one that does not speak the language."),
    ]
    fewer = [
        say(
            "Which phone is missing is not known: each is missing with the same chance, "
            "and the span includes that."
        )
    ]
    return [
        say("This is an estimate: it describes the line, not the people who work on it."),
        say("Callers are assumed not to learn of the change."),
        say("Those who reach nobody are assumed to call again neither more nor less often."),
        say("A phone more is assumed to be picked up like the others."),
        *(fewer if rule.added is not None and rule.added[0] < 0 else ()),
        *(of_language if rule.speaking else ()),
    ]
