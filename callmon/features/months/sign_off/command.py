"""`callmon report sign`, `signed` and `verify`: the sign-off of a month's report, and the check of a file.

A signature here needs the password of the account, from a prompt or from standard input. A person who signs in by
a proxy or by OpenID Connect signs on the page of the month.
"""

import sys
from pathlib import Path
from typing import Any

import click

from callmon.cli.common import (
    CommandContext,
    ContextWithKeys,
    ask_password,
    json_option,
    lang_option,
    print_json,
    with_context,
    write_file,
)
from callmon.cli.completion import MONTHS
from callmon.cli.errors import stop
from callmon.cli.help import HelpCommand
from callmon.cli.progress import fraction_bar
from callmon.core.statistics import period as months
from callmon.errors import ConfigError, StoreError
from callmon.features.months.remarks import read_remarks
from callmon.features.months.request import ReportRequest, filed
from callmon.features.months.sign_off_text import SignOffFormatter
from callmon.features.months.signed import prepare
from callmon.store import access, sign_off
from callmon.store.access import AuditRow
from callmon.store.sign_off import STEPS, SignedRevision, SignOffError, Step
from callmon.web.auth.identity import Right, person_with
from callmon.web.auth.passwords import is_right, nobodys


@click.command(cls=HelpCommand)
@click.argument("month", shell_complete=MONTHS)
@click.argument("step", type=click.Choice(STEPS))
@with_context(ContextWithKeys)
@lang_option
@click.option("--by", "name", required=True, help="the account that signs; the command asks for its password")
@click.option(
    "--format", "kind", type=click.Choice(["pdf", "html"]), default="pdf", show_default=True, help="with prepared"
)
@click.option(
    "--remarks", type=click.Path(path_type=Path), help="with prepared: TOML file with remarks, in fr and en"
)
def sign(context: CommandContext, month: str, step: Step, name: str, kind: str, remarks: Path | None) -> None:
    """Sign the report of MONTH as prepared, verified or approved.

    "prepared" makes the files of a final month in both languages, and keeps them bit for bit. "verified" and
    "approved" sign those. The person who prepared a revision signs no
    other step of it.

    \b
    Examples: callmon report sign 2026-10 prepared --by g.lavoie
              callmon report sign 2026-10 approved --by a.roy < password.txt
    """
    month = months.last(context.today) if month == "last" else month
    said, store = read_remarks(context, remarks), context.store
    audit_event = AuditRow(at=context.now, who=_signer(context, name), act="")
    try:
        if step == STEPS[0]:
            report_request = ReportRequest(month, kind, remarks=said, to_sign=True)
            files = filed(store, context.settings, report_request, context.now, fraction_bar("Making", 100))
            found = prepare(store, files, audit_event, has_remarks=bool(said))
        else:
            known = sign_off.revisions(store, month)
            found = sign_off.sign(store, month, known[-1].number if known else 0, step, audit_event)
    except SignOffError as error:
        stop((_speech(context).refusal(error),), 1)
    _print(context, found)


def _signer(context: CommandContext, name: str) -> str:
    """The account's name, once its password was given. Raises ConfigError."""
    given = ask_password()
    account = access.account(context.store, name)
    is_known = is_right(nobodys() if account is None else account.password, given)
    if account is None or account.is_locked or not is_known:
        audit_event = AuditRow(
            at=context.now, who="" if account is None else name, act="sign in refused", about="account"
        )
        access.record_event(context.store, audit_event)
        raise ConfigError("Wrong name or password, or a locked account. Nothing is signed.")
    if person_with(name, account.roles).services(Right.REPORT) is not None:
        raise ConfigError("Only an account with the role “manager” signs a report. Nothing is signed.")
    return account.name


def _speech(context: CommandContext) -> SignOffFormatter:
    return SignOffFormatter(context.language, context.settings.timezone)


def _print(context: CommandContext, revision: SignedRevision) -> None:
    """The state, the signatures, and the files as `sha256sum` writes them."""
    formatter = _speech(context)
    month = revision.month
    number = revision.number
    state = formatter.state(revision)
    said = context.say("{month}, revision {number}: {state}", month=month, number=number, state=state)
    click.echo(formatter.typeset(said))
    for signature in revision.signatures:
        click.echo(f"  {formatter.signed(signature)}")
    for name, digest in revision.digests.items():
        click.echo(f"{digest}  {name}")


@click.command(cls=HelpCommand)
@click.argument("month", required=False, shell_complete=MONTHS)
@with_context(ContextWithKeys)
@lang_option
@json_option
@click.option(
    "--save", type=click.Path(path_type=Path), help="also write the files of these revisions to this folder"
)
def signed(context: CommandContext, month: str | None, as_json: bool, save: Path | None) -> None:
    """List the signed revisions of MONTH (default: of every month), each file with its SHA-256.

    \b
    Examples: callmon report signed 2026-10 --save /srv/reports
              callmon report signed --json
    """
    found = sign_off.revisions(context.store, months.last(context.today) if month == "last" else month)
    if not found:
        click.echo(context.say("No signed report."), err=True)
    for revision in found:
        for name in revision.digests:
            if save is not None:
                write_file(save / name, sign_off.read_signed(context.store, revision, name))
        if as_json:
            print_json(_as_json(revision))
        else:
            _print(context, revision)


def _as_json(revision: SignedRevision) -> dict[str, Any]:
    signatures = [{"step": x.step, "by": x.who, "at": x.at.isoformat()} for x in revision.signatures]
    return {
        "month": revision.month,
        "revision": revision.number,
        "superseded_by": revision.superseded_by,
        "signatures": signatures,
        "files": dict(revision.digests),
    }


@click.command(cls=HelpCommand)
@click.argument("file", type=click.Path(path_type=Path))
@with_context(ContextWithKeys)
@lang_option
@json_option
def verify(context: CommandContext, file: Path, as_json: bool) -> None:
    """Check whether FILE has exactly the bytes that were signed, by whom and when.

    Exit status: 0 approved and in force; 1 not signed, altered, superseded or not yet approved; 2 FILE, the
    database or the key file cannot be read. The check needs neither the daemon nor the network.

    \b
    Examples: callmon report verify callmon-2026-10-r1-en.pdf
              callmon report verify callmon-2026-10-r1.json --json
    """
    data = file.read_bytes()
    try:
        check = sign_off.check_file(context.store, file.name, data)
    except StoreError as error:
        stop(error.sentences, 2)
    if as_json:
        revision = None if check.revision is None else _as_json(check.revision)
        print_json({"file": file.name, "sha256": check.digest, "result": check.result, "signed": revision})
    else:
        formatter = _speech(context)
        click.echo(formatter.checked(file.name, check))
        click.echo(f"SHA-256 {check.digest}")
        for signature in check.revision.signatures if check.revision and check.result != "altered" else ():
            click.echo(f"  {formatter.signed(signature)}")
    if check.result != "approved":
        sys.exit(1)
