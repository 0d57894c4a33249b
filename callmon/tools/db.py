"""`callmon db`: create and copy the database, compare its counters with its rows, judge its calls again."""

import sys
from datetime import datetime
from pathlib import Path

import click

from callmon.cli.common import (
    CommandContext,
    ContextWithKeys,
    account_line,
    confirm,
    current_user,
    json_option,
    make_folder,
    print_json,
    with_context,
)
from callmon.cli.help import HelpGroup
from callmon.cli.language import current_language, in_language, said, said_of_count
from callmon.cli.progress import print_result, progress_bar
from callmon.core.monitor import Monitor
from callmon.errors import ConfigError
from callmon.store import access
from callmon.store import backup as copies
from callmon.store import rejudge as judging
from callmon.store.access import AuditRow
from callmon.store.database import Database, parse_url, stored_revision
from callmon.store.opening import key_path, revision_found
from callmon.store.rollups import rebuild as rolled
from callmon.store.sign_off import altered_revisions
from callmon.text.records import verdict_line

DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=HelpGroup)
def db() -> None:
    """The database."""


@db.command()
@with_context()
def upgrade(context: CommandContext) -> None:
    """Create the database, or upgrade it to this version, with the roll-ups of the calls in it.

    Everybody has to sign in again, and the accounts are listed: a copy that was put back has those of its time.

    \b
    Examples: callmon db upgrade
              callmon db upgrade --config /etc/callmon/callmon.toml
    """
    before = revision_found(context.settings)
    _roll_up(context.upgraded_store)
    click.echo(_upgraded(context, before))
    _sign_everybody_out(context)


def _upgraded(context: CommandContext, before: str | None) -> str:
    """What became of the database, by its revision `before`."""
    store, revision = context.upgraded_store, stored_revision(context.upgraded_store)
    name = store.path or store
    if before is None:
        return said("{name}: created, empty (revision {revision}).", name=name, revision=revision)
    if before != revision:
        return said(
            "{name}: upgraded from revision {before} to {revision}.", name=name, before=before, revision=revision
        )
    return said("{name}: its tables are unchanged (revision {revision}).", name=name, revision=revision)


def _sign_everybody_out(context: CommandContext) -> None:
    """End all sessions, and list the accounts that may sign in."""
    known = access.accounts(context.upgraded_store)
    audit_event = AuditRow(at=context.now, who=current_user(), act=access.ENDED)
    ended = access.end_all(context.upgraded_store, audit_event)
    if not known and not ended:
        return
    click.echo(
        said(
            "Sessions ended: {ended}. These accounts may sign in unless they are locked; lock or remove others:",
            ended=ended,
        )
    )
    for account in known:
        click.echo(account_line(account))


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_context()
def backup(context: CommandContext, file: Path) -> None:
    """Copy the SQLite database to the new FILE, while callmon runs. Only its owner can read FILE.

    The key of the callers' numbers is not in FILE. The command names the key's file: copy it to another place.

    \b
    Examples: callmon db backup /backup/callmon.db
              callmon db backup before-upgrade.db
    """
    if parse_url(context.settings.configuration.store.url).get_backend_name() != "sqlite":
        raise ConfigError(
            "This command copies SQLite alone: the administrator of PostgreSQL copies the database with "
            "pg_dump --format=custom --file {file}.",
            file=file,
        )
    make_folder(file.parent)
    copies.backup(context.store, file)
    click.echo(said("{file}: copied, {size} bytes.", file=file, size=file.stat().st_size))
    key = key_path(context.settings)
    click.echo(said("Keep a copy of the key {key} in another place: without it no number can be read.", key=key))


@db.command()
@with_context(ContextWithKeys)
@click.option("--since", "first", type=DAY, help="first day of the roll-ups, as 2026-10-01 (default: all days)")
@click.option("--until", "last", type=DAY, help="last day of the roll-ups")
@json_option
def check(context: CommandContext, first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """Compare the stored data with itself. Each call and its verdicts are compared with its facts, and each
    callback with the ledger. The figures and each day's roll-ups are compared with the rows that they count.

    Prints a sentence for each difference; status 1 when it finds any. Changes nothing.

    \b
    Examples: callmon db check
              callmon db check --since 2026-10-01 --until 2026-10-31
    """
    if first is not None and last is not None and last < first:
        raise ConfigError("--until is before --since; exchange the two days.")
    settings, store = context.settings, context.store
    found = judging.counter_differences(store)
    days = [None if x is None else x.date() for x in (first, last)]
    of_days = progress_bar(rolled.count_days(store, settings.timezone, *days), "Comparing days")
    for differences in rolled.rollup_differences(store, settings.timezone, *days):
        of_days(1)
        found += differences
    advance = progress_bar(judging.count_ended(store), "Comparing calls")
    found += judging.inconsistencies(store, Monitor(settings, token=str), advance)
    found += altered_revisions(store)
    for line in found:
        print_json({"difference": line}) if as_json else click.echo(in_language(line))
    if found:
        sys.exit(1)
    click.echo(said("Facts, calls, ledger, figures and roll-ups agree."), err=as_json)


@db.command()
@with_context()
@click.option("--dry-run", is_flag=True, help="print what would change; change nothing")
@click.option("--yes", is_flag=True, help="do not ask for confirmation")
@json_option
def rejudge(context: CommandContext, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Judge every stored call again by the current standards and settings; print the changes.

    Asks first: figures of published months may change. Afterwards the roll-ups, from which reports are made, are
    rebuilt.

    \b
    Examples: callmon db rejudge --dry-run
              callmon db rejudge --yes
    """
    settings, store = context.settings, context.store
    if not dry_run and not yes:
        question = said("This judges every stored call again, also in published months. Continue?")
        confirm(question, "add --yes, or check first with --dry-run")
    changed = 0
    advance = progress_bar(judging.count_ended(store), "Judging")
    for change in judging.rejudge(store, Monitor(settings, token=str), writes=not dry_run, advance=advance):
        changed += 1
        print_json({"change": str(change)}) if as_json else print_result(verdict_line(change, current_language()))
    if dry_run:
        click.echo(said("{verdicts} would change; nothing was changed.", verdicts=_verdicts(changed)), err=True)
        return
    rolled.reset_rollups(store, settings.timezone)
    _roll_up(store)
    text = said_of_count("{count} verdict changed.", "{count} verdicts changed.", changed)
    click.echo(text if changed else said("No verdict changed."), err=True)


def _verdicts(count: int) -> str:
    return said_of_count("{count} verdict", "{count} verdicts", count) if count else said("No verdict")


def _roll_up(store: Database) -> None:
    """Add every call that is in no roll-up yet."""
    advance = progress_bar(rolled.count_missing(store), "Rolling up")
    for calls in rolled.rebuild_rollups(store):
        advance(calls)
