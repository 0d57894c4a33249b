"""`callmon attest`: the result of a person's test of a line, for the monthly report.

Writes to the database at once. Refuses: to change or delete an earlier attestation, and to judge any call by
one.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from callmon.cli.callbacks import who
from callmon.cli.common import config_option, configuration, lines_named, report_errors, until_done
from callmon.core.attestations import SUBJECTS, Attestation, Subject, status_of
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from callmon.config.settings import Settings


@click.group()
def attest() -> None:
    """Attestations: who tried a line, and whether a person can be reached everywhere, in both languages.

    No switch can hear what a menu says. Call each line once a quarter, listen to all of it, and say here what you
    found; the monthly report prints it, and says when the last test is older than a quarter.
    """


@attest.command("add")
@click.argument("lines", nargs=-1, required=True)
@config_option
@click.option(
    "--what",
    "subjects",
    type=click.Choice(SUBJECTS),
    multiple=True,
    help="person: a way to a person in every menu and greeting; greetings: all in both languages (default: both)",
)
@click.option("--on", "tested", metavar="DATE", help="the day of the test call, 2026-11-20 (default: today)")
@click.option("--by", help="who made it (default: whoever is logged in); the report prints the name")
@click.option("--not-so", is_flag=True, help="the test found that it is not so")
@report_errors
def add(
    lines: tuple[str, ...], config: Path | None, subjects: tuple[Subject, ...], tested: str | None, by: str | None,
    not_so: bool,
) -> None:  # fmt: skip
    """Write down that LINES (or "all") were tried.

    \b
    Example: callmon attest add general tty --what person --on 2026-11-20 --by "A. Tremblay"
    """
    from callmon.store.database import open_store
    from callmon.store.queries.attestations import insert_attestations

    settings = configuration(config)
    day, name = _day(tested, settings), who(by)
    known = lines_named(settings, lines, settings.default_language)
    given = [Attestation(x, what, day, name, not not_so) for x in known for what in subjects or SUBJECTS]
    insert_attestations(until_done(open_store(settings.store.url)), given)
    _print(settings, settings.default_language)


@attest.command("list")
@config_option
@click.option("--lang", type=click.Choice(["fr", "en"]), help="of the answer (default: the settings')")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line and subject")
@report_errors
def listed(config: Path | None, lang: str | None, as_json: bool) -> None:
    """How each line stands today.

    \b
    Example: callmon attest list --lang en
    """
    settings = configuration(config)
    _print(settings, lang or settings.default_language, as_json)


def _print(settings: Settings, language: str, as_json: bool = False) -> None:
    from callmon.reports.formatter import ReportFormatter
    from callmon.reports.notes import attestation_notes
    from callmon.store.database import open_store
    from callmon.store.queries.attestations import attestations

    today = datetime.now(settings.timezone).date()
    lines = settings.lines()
    given = attestations(until_done(open_store(settings.store.url)))
    stands = status_of([line.name for line in lines], given, date.max, today)
    if as_json:
        for one in stands:
            click.echo(json.dumps(msgspec.to_builtins(one), ensure_ascii=False))
        return
    titles = {line.name: line.title(language) for line in lines}
    for row in attestation_notes(stands, titles, ReportFormatter(language, settings.timezone)):
        click.echo(f"{row.term}: {row.text}" if language == "en" else f"{row.term} : {row.text}")


def _day(written: str | None, settings: Settings) -> date:
    today = datetime.now(UTC).astimezone(settings.timezone).date()
    try:
        day = today if written is None else date.fromisoformat(written)
    except ValueError:
        raise ConfigError(f"--on {written}: a day is written as 2026-11-20.") from None
    if day > today:
        raise ConfigError(f"--on {written}: that day has not come yet.")
    return day
