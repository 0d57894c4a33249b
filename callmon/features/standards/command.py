"""`callmon attest`: the result of a person's test of a line, for the monthly report.

Writes to the database at once. Refuses: to change or delete an earlier attestation, and to judge any call by
one.
"""

from datetime import date

import click
import msgspec

from callmon.cli.common import CommandContext, lang_option, print_json, with_context
from callmon.cli.completion import LINES_OR_ALL
from callmon.cli.help import HelpGroup
from callmon.core.attestations import SUBJECTS, Attestation, Subject, status_of
from callmon.store.queries.attestations import attestations, insert_attestations
from callmon.text.attestations import AttestationFormatter, attestation_notes


@click.group(cls=HelpGroup)
def attest() -> None:
    """Attestations: test calls to a line. Can a person be reached from every menu, in both languages?

    Asterisk cannot tell what a menu says. Call each line once a quarter, listen to all of it, and record the
    result. The monthly report prints it, and marks a test that is older than a quarter.
    """


@attest.command("add")
@with_context()
@click.option(
    "--line", "lines", multiple=True, required=True, shell_complete=LINES_OR_ALL, help='tested line, or "all"'
)
@click.option(
    "--what",
    "subjects",
    type=click.Choice(SUBJECTS),
    multiple=True,
    help="person: every menu and greeting leads to a person; greetings: all are in both languages (default: both)",
)
@click.option("--at", "tested", metavar="DATE", help="day of the test call, as 2026-11-20 (default: today)")
@click.option("--by", help="name of the tester, printed in the report (default: the logged-in user)")
@click.option("--not-so", is_flag=True, help="the test failed")
def add(
    context: CommandContext,
    lines: tuple[str, ...],
    subjects: tuple[Subject, ...],
    tested: str | None,
    not_so: bool,
) -> None:
    """Record a test call to one or more lines.

    \b
    Examples: callmon attest add --line general --line tty --at 2026-11-20
              callmon attest add --line all --what greetings --by "A. Tremblay"
    """
    day, name = context.past_day(tested, "--at"), context.actor
    known, whats = context.known_lines(lines), subjects or SUBJECTS
    given = [Attestation(line, what, day, name, not not_so) for line in known for what in whats]
    insert_attestations(context.store, given)
    _print(context)


@attest.command("list")
@with_context()
@lang_option
@click.option("--json", "as_json", is_flag=True, help="one JSON object per line and subject")
def list_(context: CommandContext, as_json: bool) -> None:
    """Show the last test of each line.

    \b
    Examples: callmon attest list --lang en
              callmon attest list --json
    """
    _print(context, as_json)


def _print(context: CommandContext, as_json: bool = False) -> None:
    lines, language = context.settings.lines(), context.language
    statuses = status_of([line.name for line in lines], attestations(context.store), date.max, context.today)
    if as_json:
        for status in statuses:
            print_json(msgspec.to_builtins(status))
        return
    titles = {line.name: line.title(language) for line in lines}
    for row in attestation_notes(statuses, titles, AttestationFormatter(language, context.settings.timezone)):
        click.echo(f"{row.term}: {row.text}" if language == "en" else f"{row.term} : {row.text}")
