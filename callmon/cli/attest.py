"""`callmon attest`: the result of a person's test of a line, for the monthly report.

Writes to the database at once. Refuses: to change or delete an earlier attestation, and to judge any call by
one.
"""

from datetime import date

import click
import msgspec

from callmon.cli.common import CommandContext, lang_option, print_json, who, with_context
from callmon.core.attestations import SUBJECTS, Attestation, Subject, status_of


@click.group()
def attest() -> None:
    """Attestations: who tried a line, and whether a person can be reached everywhere, in both languages.

    No switch can hear what a menu says. Call each line once a quarter, listen to all of it, and say here what you
    found; the monthly report prints it, and says when the last test is older than a quarter.
    """


@attest.command("add")
@click.argument("lines", nargs=-1, required=True)
@with_context()
@click.option(
    "--what",
    "subjects",
    type=click.Choice(SUBJECTS),
    multiple=True,
    help="person: a way to a person in every menu and greeting; greetings: all in both languages (default: both)",
)
@click.option("--on", "tested", metavar="DATE", help="the day of the test call, 2026-11-20 (default: today)")
@click.option("--by", help="the tester (default: the user logged in); the report prints the name")
@click.option("--not-so", is_flag=True, help="the test found that it is not so")
def add(
    context: CommandContext, lines: tuple[str, ...], subjects: tuple[Subject, ...], tested: str | None,
    by: str | None, not_so: bool,
) -> None:  # fmt: skip
    """Write down that LINES (or "all") were tried.

    \b
    Example: callmon attest add general tty --what person --on 2026-11-20 --by "A. Tremblay"
    """
    from callmon.store.queries.attestations import insert_attestations

    day, name = context.past_day(tested, "--on"), who(by)
    known, whats = context.known_lines(lines), subjects or SUBJECTS
    given = [Attestation(line, what, day, name, not not_so) for line in known for what in whats]
    insert_attestations(context.store, given)
    _print(context)


@attest.command("list")
@with_context()
@lang_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line and subject")
def list_(context: CommandContext, as_json: bool) -> None:
    """How each line stands today.

    \b
    Example: callmon attest list --lang en
    """
    _print(context, as_json)


def _print(context: CommandContext, as_json: bool = False) -> None:
    from callmon.reports.formatter import ReportFormatter
    from callmon.reports.notes import attestation_notes
    from callmon.store.queries.attestations import attestations

    lines, language = context.settings.lines(), context.language
    statuses = status_of([line.name for line in lines], attestations(context.store), date.max, context.today)
    if as_json:
        for status in statuses:
            print_json(msgspec.to_builtins(status))
        return
    titles = {line.name: line.title(language) for line in lines}
    for row in attestation_notes(statuses, titles, ReportFormatter(language, context.settings.timezone)):
        click.echo(f"{row.term}: {row.text}" if language == "en" else f"{row.term} : {row.text}")
