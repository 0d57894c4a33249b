"""`callmon what-if`: what another setting would have made of a period's calls, as a span.

Refuses: a figure from too few calls, or for a setting far beyond what was seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, table_row, with_context
from callmon.cli.completion import LINES
from callmon.cli.help import HelpCommand
from callmon.cli.progress import progress_bar
from callmon.core.replay.curves import RING
from callmon.core.replay.record import Rule, SeenDay, seen_rule
from callmon.core.replay.what_if import (
    CONFIDENCE,
    LEAST_ANSWERED,
    LEAST_CALLS,
    WORLDS,
    WhatIf,
    seen_until,
    why_silent,
)
from callmon.core.replay.what_if import (
    what_if as estimated,
)
from callmon.errors import ConfigError
from callmon.features.questions.options import print_answer, read_period, refuse_unless_on
from callmon.features.questions.record import read_days

Change = Callable[[Rule], Rule]
SEED, WITHIN = 1, 18_000
FOURTH_RING = 4 * RING
SETTINGS = ("voicemail_rings", "strategy", "ring_seconds", "phones", "pickup")
_PHONES = re.compile(r"([+-]\d{1,3})@(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
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
    help="voicemail_rings=5, strategy=ringall, ring_seconds=15, phones=+1@11:00-13:00, pickup=-20%",
)
@lang_option
@json_option
def what_if(
    context: CommandContext, first: str, last: str, line: str | None, changes: tuple[str, ...], as_json: bool
) -> None:
    """Estimate what another setting would have made of the calls from FROM to TO, both included.

    What was seen stays as it was; what was cut off is drawn from the line's own curves, in 40 worlds.

    \b
    Examples: callmon what-if 2026-10-01 2026-10-31 --set voicemail_rings=5
              callmon what-if 2026-10-01 2026-10-31 --set phones=+1@11:00-13:00
    """
    refuse_unless_on(context, "what-if")
    refuse_unknown(context.settings, "line", line)
    period, change = read_period(context, first, last), _change(context, changes)
    days = read_days(context.store, context.settings.timezone, *period, line)
    own = seen_rule(days)
    given: dict[str, Any] = {"from": period[0], "to": period[1], "set": _pairs(context, changes)}
    if (silent := why_silent(days, own, change(own))) is not None:
        sentence = _why_not(context, silent, days, own)
        if as_json:
            print_answer(**given, said=False, why_not=sentence)
        else:
            click.echo(sentence)
        return
    step = partial(progress_bar(WORLDS, "Replaying"), 1)
    found = estimated(days, change, within=WITHIN, seed=SEED, done=lambda _number: step())
    if as_json:
        until, assumptions = seen_until(days), _assumptions(context)
        print_answer(
            **given,
            said=True,
            why_not=None,
            confidence=CONFIDENCE,
            worlds=WORLDS,
            seed=SEED,
            seen_until_seconds=until,
            own_rule=found.own,
            changed=found.changed,
            assumptions=assumptions,
        )
    else:
        click.echo("\n".join(_text(context, days, found, own, change(own))))


def _pairs(context: CommandContext, changes: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for written in changes:
        name, equals, value = written.partition("=")
        if not equals or name not in SETTINGS:
            raise ConfigError(
                "--set {written}: SETTING=VALUE is needed, and one of these settings: {names}.",
                written=written,
                names=", ".join(SETTINGS),
            )
        if name in found:
            raise ConfigError("--set {name} is given twice; give it once.", name=name)
        found[name] = value
    return found


def _change(context: CommandContext, changes: Sequence[str]) -> Change:
    """The changes together. Raises ConfigError with what a value may be."""
    given = _pairs(context, changes)
    if given.get("strategy") == "ringall" and "ring_seconds" in given:
        raise ConfigError(
            "--set strategy=ringall excludes ring_seconds: all phones ring to the end; give one of them."
        )
    parsed = {name: _parsed(context, name, value) for name, value in given.items()}

    def changed(own: Rule) -> Rule:
        rule = own
        for change in parsed.values():
            rule = change(rule)
        return rule

    return changed


def _parsed(context: CommandContext, name: str, value: str) -> Change:
    if name == "voicemail_rings" and value.isascii() and value.isdigit() and 1 <= int(value) <= 30:
        return lambda rule: replace(rule, voicemail=_voicemail(rule, int(value)))
    if name == "strategy" and value in ("hunt", "ringall"):
        return lambda rule: _with_strategy(rule, value)
    if name == "ring_seconds" and value.isascii() and value.isdigit() and 1 <= int(value) <= 120:
        return lambda rule: replace(rule, ring=1000 * int(value))
    if name == "pickup" and (found := _PICKUP.fullmatch(value)):
        factor = 1 + int(found[1]) / 100
        return lambda rule: replace(rule, pickup=factor)
    if name == "phones" and (found := _PHONES.fullmatch(value)) and int(found[1]):
        more = int(found[1])
        span = tuple(
            (60 * int(hour) + int(minute)) * 60_000 for hour, minute in (found.group(2, 3), found.group(4, 5))
        )
        if span[0] < span[1] <= 24 * 3_600_000:
            return lambda rule: replace(rule, added=((more, (span[0], span[1])),))
    raise ConfigError(
        "--set {name}={value}: this value is refused; give for instance {example}.",
        name=name,
        value=value,
        example=EXAMPLES[name],
    )


EXAMPLES = {
    "voicemail_rings": "voicemail_rings=5",
    "strategy": "strategy=ringall, strategy=hunt",
    "ring_seconds": "ring_seconds=15",
    "phones": "phones=+1@11:00-13:00",
    "pickup": "pickup=-20%",
}


def _voicemail(rule: Rule, rings: int) -> int:
    """As much later or earlier as the rings say; what was seen is near a whole ring, not on it."""
    if rule.voicemail is None:
        return rings * RING
    return rule.voicemail + (rings - max(1, round(rule.voicemail / RING))) * RING


def _with_strategy(rule: Rule, strategy: str) -> Rule:
    if strategy == rule.strategy:
        return rule
    if strategy == "ringall":
        return replace(rule, strategy="ringall", ring=None, gap=0)
    return replace(rule, strategy="hunt", ring=rule.ring or 15_000)


def _why_not(context: CommandContext, silent: str, days: Sequence[SeenDay], own: Rule) -> str:
    calls = [call for day in days for call in day.calls if call.counted]
    match silent:
        case "few_calls":
            return context.say(
                "{calls} calls only: too few to say. From {least} calls on.",
                calls=len(calls),
                least=LEAST_CALLS,
            )
        case "few_answered":
            count = sum(call.outcome == "answered" for call in calls)
            return context.say(
                "{calls} answered calls only: too few to say. From {least} on.",
                calls=count,
                least=LEAST_ANSWERED,
            )
        case "unknown_calls":
            return context.say("More than 5% of the calls were not heard completely: nothing is concluded.")
        case "no_tries":
            return context.say("It is not known which phones rang: only the setting phones can be changed.")
    longest = max((tried.length for day in days for call in day.calls for tried in call.tries), default=0)
    return context.say(
        "Never tried: at most {rings} rings before voicemail, {seconds} s for a phone, {phones} phones more "
        "or less, and from half to double for pickup.",
        rings=2 * max(1, round((own.voicemail or longest) / RING)),
        seconds=2 * longest // 1000,
        phones=max((len(day.phones) for day in days), default=0),
    )


def _text(context: CommandContext, days: Sequence[SeenDay], found: WhatIf, own: Rule, rule: Rule) -> list[str]:
    say, was = context.say, msgspec.structs.asdict(found.own)
    names = {
        "answered": say("reached a person"),
        "third_ring": say("third ring kept"),
        "abandoned": say("gave up"),
        "voicemail": say("voicemail"),
    }
    rows = [table_row(f"{'':26}", say("as it was").rjust(9), say("changed, 9 chances in 10 between"))]
    for name, title in names.items():
        one = found.changed[name]
        span = say("{low} and {high}", low=round(one.low), high=round(one.high))
        if name == "third_ring" and not _moves_third_ring(own, rule):
            span = say("does not depend on it: voicemail comes after the third ring")
        rows.append(table_row(f"{title:26}", str(was[name]).rjust(9), span))
    until = seen_until(days)
    seen = say(
        "Seen up to {patience} s of patience and {pickup} s of a phone; beyond them, the last ring's rate "
        "is assumed.",
        patience=round(until.patience),
        pickup=round(until.pickup),
    )
    return [*rows, seen, *_assumptions(context)]


def _moves_third_ring(own: Rule, rule: Rule) -> bool:
    """Voicemail at or after the fourth ring cannot move the third."""
    only = replace(rule, voicemail=own.voicemail) == own
    return not (only and min(own.voicemail or FOURTH_RING, rule.voicemail or FOURTH_RING) >= FOURTH_RING - 500)


def _assumptions(context: CommandContext) -> list[str]:
    say = context.say
    return [
        say("This is an estimate: it describes the line, not the people who work on it."),
        say("Callers are assumed not to learn of the change."),
        say("Those who reach nobody are assumed to call again neither more nor less often."),
        say("A phone more is assumed to be picked up like the others."),
    ]
