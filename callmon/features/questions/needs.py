"""`callmon needs`: how many callers reached a person, not how many calls.

Refuses: to show a number, and to take one for a person.
"""

from datetime import datetime, timedelta

import click

from callmon.cli.common import CommandContext, json_option, lang_option, refuse_unknown, with_context
from callmon.cli.completion import SERVICES
from callmon.cli.help import HelpCommand
from callmon.core.replay.needs import Needs, count_needs
from callmon.core.statistics.period import midnight
from callmon.features.questions.options import print_answer, read_period, refuse_unless_on
from callmon.store.queries.contacts import read_contacts, shared_tokens


@click.command(cls=HelpCommand)
@click.argument("first", metavar="FROM")
@click.argument("last", metavar="TO")
@with_context()
@click.option("--service", shell_complete=SERVICES, help="only calls to this service")
@lang_option
@json_option
def needs(context: CommandContext, first: str, last: str, service: str | None, as_json: bool) -> None:
    """Count callers who reached a person, not calls: from FROM to TO (2026-11-24), both included.

    A need is all calls of a number within 24 hours of its first call. It is met when a person speaks with the
    caller, also when the service calls back.

    \b
    Examples: callmon needs 2026-10-01 2026-10-31
              callmon needs 2026-11-01 yesterday --service poci --json
    """
    found = needs_answer(context, first, last, service)
    print_answer(found, needs_sentences(context, found), as_json)


def needs_answer(context: CommandContext, first: str, last: str, service: str | None) -> Needs:
    """The counts of both days and of those between. Raises ConfigError."""
    refuse_unless_on(context, "needs")
    settings = context.settings
    begin, end = read_period(context, first, last)
    refuse_unknown(settings, "service", service)
    since, until = midnight(begin, settings.timezone), midnight(end + timedelta(days=1), settings.timezone)
    return counted_needs(context, since, until, service)


def counted_needs(context: CommandContext, since: datetime, until: datetime, service: str | None) -> Needs:
    """The counts of [since, until) on the lines of a service; None: of all."""
    lines = {line.name for line in context.settings.lines() if service in (None, line.service)}
    shared = shared_tokens(context.store.ring, context.settings.rules.shared_numbers)
    with context.store.reading() as connection:
        return count_needs(read_contacts(connection, since, until, lines, shared), since, until)


def needs_sentences(context: CommandContext, found: Needs) -> list[str]:
    """What is said of the period, in the reader's language."""
    say = context.say
    if not found.needs:
        sentences = [say("No call from a known number, in opening hours.")]
    else:
        met, first = (round(100 * count / found.needs) for count in (found.met, found.met_at_first))
        sentences = [
            say(
                "{met} of 100 callers reached a person within 24 hours, {first} of them with one call; "
                "{others} did not.",
                met=met,
                first=first,
                others=100 - met,
            ),
            say(
                "Needs: {needs}; met: {met}, of which {first} at the first call; calls: {tries}.",
                needs=found.needs,
                met=found.met,
                first=found.met_at_first,
                tries=found.tries,
            ),
        ]
    if found.gave_up:
        sentences.append(
            say(
                "Calls given up: {gave_up}; called again within 24 hours: {again}; answered within 24 "
                "hours: {answered}.",
                gave_up=found.gave_up,
                again=found.again,
                answered=found.answered_after,
            )
        )
    sentences.append(say("Calls without a known number, counted apart: {unknown}.", unknown=found.unknown_number))
    return [*sentences, say("A number is not a person: several may share the same.")]
