"""`callmon alerting`: the opening hours as Alertmanager reads them, and a test alert that a person must receive.

Refuses: to change anything in an Alertmanager configuration except its section `time_intervals:`; to send any
alert except `CallmonTest`, which says that no action is needed.
"""

import json
import re
import urllib.request
from datetime import datetime
from difflib import unified_diff
from http.client import HTTPException
from pathlib import Path

import click

from callmon.cli.common import CommandContext, lang_option, with_context, write_file
from callmon.cli.help import HelpGroup
from callmon.cli.http_answer import LONGEST_REASON, answer_of, plain
from callmon.cli.language import said
from callmon.errors import CallmonError, ConfigError
from callmon.tools.alertmanager import as_yaml, time_intervals

MONTHS = 26
ANSWER_SECONDS = 10
WHO = ("team", "lead", "administrator", "telephony")
# For readers who receive the alert without callmon's templates.
ANNOTATIONS = {
    "summary_fr": "Essai d’alerte de callmon : vous recevez bien les messages. Rien à faire.",
    "summary": "Test alert of callmon: messages do reach you. Nothing to do.",
}
SECTION = "time_intervals:"
# The section ends at the next section, or at a comment without indentation.
_SECTION = re.compile(rf"^{SECTION}[^\n]*\n(?:(?:[ \t-][^\n]*)?(?:\r?\n|$))*", re.MULTILINE)


@click.group(cls=HelpGroup)
def alerting() -> None:
    """Opening hours for Alertmanager from callmon's calendar, and a test alert."""


@alerting.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@with_context()
@click.option(
    "--months",
    default=MONTHS,
    show_default=True,
    type=click.IntRange(1, 120),
    help="months of closed days to print",
)
@click.option(
    "--since", "first", type=click.DateTime(["%Y-%m-%d"]), help="first day of the closed days (default: today)"
)
@click.option("--dry-run", is_flag=True, help="print the lines of FILE that would change; change nothing")
@lang_option
def hours(context: CommandContext, file: Path | None, months: int, first: datetime | None, dry_run: bool) -> None:
    """Print the section `time_intervals:` of alertmanager.yml from callmon's calendar, or replace it in FILE.

    Run it once a year and when the calendar changes, then reload Alertmanager.

    \b
    Examples: callmon alerting hours alertmanager.yml --dry-run
              callmon alerting hours /etc/prometheus/alertmanager.yml
    """
    day = first.date() if first else context.today
    section = as_yaml(time_intervals(context.settings.calendar(), day, months))
    if file is None:
        click.echo(section, nl=False)
        return
    before = _read(file)
    after = with_section(before, section)
    if after == before:
        click.echo(context.say("{file}: its hours are the calendar's already.", file=file))
        return
    if dry_run:
        old, new = (text.splitlines(keepends=True) for text in (before, after))
        click.echo("".join(unified_diff(old, new, str(file), str(file))), nl=False)
        return
    write_file(file, after.encode())
    click.echo(
        context.say("{file}: hours brought up to date; have Alertmanager read its configuration again.", file=file)
    )


@alerting.command()
@click.option("--to", type=click.Choice(WHO), default="lead", show_default=True, help="receiver of the test alert")
@click.option(
    "--alertmanager",
    "address",
    default="http://127.0.0.1:9093",
    show_default=True,
    metavar="URL",
    help="URL of Alertmanager",
)
@with_context()
@lang_option
def test(context: CommandContext, to: str, address: str) -> None:
    """Send the alert CallmonTest to Alertmanager: the receiver must get a message, at any hour.

    After five minutes Alertmanager resolves the alert and sends the same text.

    \b
    Examples: callmon alerting test --to lead
              callmon alerting test --alertmanager http://127.0.0.1:9093
    """
    send(address, to)
    click.echo(context.say('Test handed to Alertmanager: a message must reach "{to}".', to=to))


def with_section(written: str, section: str) -> str:
    """An Alertmanager configuration with its section replaced by `section`; appended if it has none."""
    found = list(_SECTION.finditer(written))
    if len(found) > 1:
        raise ConfigError("The file has {count} sections {section}; keep one.", count=len(found), section=SECTION)
    if not found:
        return written + ("" if written.endswith("\n") or not written else "\n") + "\n" + section
    rest = written[found[0].end() :]
    return written[: found[0].start()] + section + ("\n" if rest else "") + rest


def send(address: str, to: str) -> None:
    """Send the test alert. Raises CallmonError that names the person who can act."""
    if not re.match(r"https?://[^/\s]+", address):
        raise ConfigError("--alertmanager {address}: write it as http://127.0.0.1:9093.", address=address)
    url = address.rstrip("/") + "/api/v2/alerts"
    body = json.dumps([{"labels": {"alertname": "CallmonTest", "to": to}, "annotations": ANNOTATIONS}])
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    try:
        status, reason, _ = answer_of(request, ANSWER_SECONDS)
    except (OSError, HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        why = plain(str(getattr(cause, "strerror", None) or cause))[:LONGEST_REASON]
        raise CallmonError(
            "Alertmanager cannot be reached at {url} ({why}); check that it runs.", url=url, why=said(why)
        ) from None
    if not 200 <= status < 300:
        raise CallmonError(
            "The server at {url} refuses the alert ({why}); check that --alertmanager is Alertmanager's address.",
            url=url,
            why=f"{status} {reason}",
        )


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError("{path}: is not UTF-8; name Alertmanager's configuration file.", path=path) from None
