"""`callmon db`: create the database, compare its counters with its rows, judge its calls again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from callmon.cli.common import config_option, configuration, confirm, current_user, report_errors, until_done

if TYPE_CHECKING:
    from callmon.store.database import Database

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def db() -> None:
    """The database."""


@db.command()
@config_option
@report_errors
def upgrade(config: Path | None) -> None:
    """Make the database, or bring it up to this version, with the roll-ups of the calls in it.

    Everybody has to sign in again, and the accounts are listed: a copy that was put back has those of its time.

    \b
    Example: callmon db upgrade --config callmon.toml
    """
    from callmon.store.database import stored_revision
    from callmon.store.opening import open_for_writing

    store = until_done(open_for_writing(configuration(config)))
    _roll_up(store)
    click.echo(f"The database is at revision {stored_revision(store)}.")
    _sign_everybody_out(store)


def _sign_everybody_out(store: Database) -> None:
    """End all sessions, and list the accounts that may sign in."""
    from callmon.store.access import accounts, restored_copy
    from callmon.store.access.audit import AuditEvent

    known = accounts.accounts(store)
    ended = restored_copy.end_all(store, AuditEvent(datetime.now(UTC), current_user(), restored_copy.ENDED))
    if not known and not ended:
        return
    click.echo(
        f"Sessions ended: {ended}. These accounts may sign in unless they are locked; lock or remove others:"
    )
    for one in known:
        click.echo(f"{one.name:<24}{' '.join(sorted(one.roles))}{'  locked' if one.is_locked else ''}")


@db.command()
@config_option
@click.option("--from", "first", type=DAY, help="roll-ups from this day on (2026-10-01); else of all days")
@click.option("--to", "last", type=DAY, help="up to this day")
@report_errors
def check(config: Path | None, first: datetime | None, last: datetime | None) -> None:
    """Compare what is stored with itself: each call and its verdicts with its facts, what is owed with the ledger,
    the figures and each day's roll-ups with the rows that they count.

    A sentence for each thing that is wrong; status 1 when there is any. Changes nothing.

    \b
    Example: callmon db check --from 2026-10-01 --to 2026-10-31
    """
    from callmon.core.assembly import monitor
    from callmon.store.database import open_store
    from callmon.store.maintenance import consistency, rejudge
    from callmon.store.rollups import rebuild as rolled

    settings = configuration(config)
    store = until_done(open_store(settings.store.url))
    found = rejudge.counter_differences(store)
    days = (None if x is None else x.date() for x in (first, last))
    for told in rolled.rollup_differences(store, settings.timezone, *days):
        found += told
    found += consistency.inconsistencies(store, monitor(settings, token=str))
    for line in found:
        click.echo(line)
    if found:
        sys.exit(1)
    click.echo("Facts, calls, ledger, figures and roll-ups agree.")


@db.command()
@config_option
@click.option("--dry-run", is_flag=True, help="print what would change; change nothing")
@click.option("--yes", is_flag=True, help="do it without asking")
@report_errors
def rejudge(config: Path | None, dry_run: bool, yes: bool) -> None:
    """Judge every stored call again, by the standards and settings of now; print what changed.

    Asks first: figures of published months may change. Afterwards the roll-ups, from which reports are made, are
    made anew.

    \b
    Example: callmon db rejudge --dry-run
    """
    from callmon.core.assembly import monitor
    from callmon.store.database import open_store
    from callmon.store.maintenance import rejudge
    from callmon.store.rollups import rebuild as rolled

    settings = configuration(config)
    store = until_done(open_store(settings.store.url))
    if not dry_run and not yes:
        confirm("Every stored call is judged again, of published months too. Go on?")
    changed = 0
    for line in rejudge.rejudge(store, monitor(settings, token=str), writes=not dry_run):
        changed += 1
        click.echo(line)
    if dry_run:
        click.echo(f"{changed} findings would change; nothing was changed.", err=True)
        return
    rolled.reset_rollups(store, settings.timezone)
    _roll_up(store)
    click.echo(f"{changed} findings changed.", err=True)


def _roll_up(store: Database) -> None:
    """Add every call that is in no roll-up yet."""
    from callmon.store.rollups import rebuild as rolled

    with _progress(rolled.count_missing(store), "Rolling up") as advance:
        for built in rolled.rebuild_rollups(store):
            advance(built.calls)


@contextmanager
def _progress(length: int, label: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal, nothing in a pipe."""
    if not length or not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update
