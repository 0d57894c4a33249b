"""`callmon privacy`: keys, access requests, disposal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from callmon.cli.common import (
    ask_number,
    config_option,
    configuration,
    current_user,
    number_is_asked,
    report_errors,
    until_done,
)
from callmon.config.phone_numbers import as_delivered, e164
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from callmon.config.settings import Settings
    from callmon.store.access.audit import AuditEvent
    from callmon.store.database import Database
    from callmon.store.privacy.subject_access import AccessReason, AccessRecord, NumberUse
    from callmon.store.queries.obligations import WorklistItem

NUMBER = "Telephone number"


def _purpose(command: Callable[..., Any]) -> Callable[..., Any]:
    told = click.option("--purpose", required=True, help="why, for the log of accesses")(command)
    return click.option("--who", help="who looks (default: the user of this machine)")(told)


@click.group()
def privacy() -> None:
    """People's numbers: keys, access requests, disposal."""


@privacy.command("key")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@config_option
@report_errors
def key(file: Path | None, config: Path | None) -> None:
    """Put a new key for callers' numbers first in the key FILE, made if there is none.

    \b
    Example: callmon privacy key /etc/callmon/number.key
    """
    from callmon.store.key_file import add_new_key
    from callmon.store.opening import key_path

    path = file or key_path(configuration(config))
    if add_new_key(path, datetime.now().astimezone().date()):
        click.echo(f"{path}: a new key stands first. Restart callmon, then run `callmon privacy rotate`.")
    else:
        click.echo(f"{path}: made. Without it the numbers are lost: keep a copy, apart from the database.")


@privacy.command("rotate")
@config_option
@report_errors
def rotate(config: Path | None) -> None:
    """Move every number to the newest key; callmon may be running, since its last restart with that key.

    \b
    Example: callmon privacy rotate --config /etc/callmon/callmon.toml
    """
    from callmon.store.database import names_of_needed_keys
    from callmon.store.privacy.key_rotation import rotate as moved

    store = _store(configuration(config))
    total = 0
    for count in moved(store):
        total += count
        if sys.stderr.isatty():
            click.echo(f"\r{total:>9,} numbers", nl=False, err=True)
    click.echo(f"{_count(total, 'number')} moved to the key {store.ring.name}.")
    older = sorted(names_of_needed_keys(store) - {store.ring.name})
    if older:
        click.echo(f"Some are under {' '.join(older)} still: restart callmon, then run this again.", err=True)
        sys.exit(1)
    if len(store.ring.names) > 1:
        click.echo("No number needs the older lines of the key file; copies of the database from before do.")


@privacy.command("find")
@number_is_asked
@config_option
@_purpose
@report_errors
def find(config: Path | None, purpose: str, who: str | None) -> None:
    """Every place in which a number is kept; it is asked for, or read from standard input.

    \b
    Example: callmon privacy find --purpose "access request 2026-14"
    """
    from callmon.store.privacy import subject_access as people

    settings = configuration(config)
    store, look = _store(settings), _look("find", purpose, who)
    number = ask_number(NUMBER)
    found = _uses(store, number, settings, look)
    for use in found:
        click.echo(_told(use, settings))
    for debt in people.obligations_of_number(store, _forms(number, settings)):
        click.echo(_debt(debt, settings))
    click.echo(f"{_count(len(found), 'call')}.", err=True)


@privacy.command("export")
@number_is_asked
@config_option
@_purpose
@report_errors
def export(config: Path | None, purpose: str, who: str | None) -> None:
    """All that is kept about a number, as JSON for the person whose it is.

    The number is asked for, or read from standard input.

    \b
    Example: callmon privacy export --purpose "access request 2026-14" > request.json
    """
    from callmon.store.privacy import subject_access as people
    from callmon.text.callback_list import owed_as_json
    from callmon.text.story import as_json

    settings = configuration(config)
    store, look = _store(settings), _look("export", purpose, who)
    number = ask_number(NUMBER)
    before = people.accesses(store, _forms(number, settings))
    found = _uses(store, number, settings, look)
    told = {
        "number": _forms(number, settings)[0],
        "exported": look.at.isoformat(),
        "calls": [{"role": use.role} | as_json(use.stored, settings) for use in found],
        "callbacks": [
            owed_as_json(debt) for debt in people.obligations_of_number(store, _forms(number, settings))
        ],
        "accesses": [{"at": a.look.at.isoformat(), "purpose": a.look.purpose} for a in before],
    }
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


@privacy.command("correct")
@number_is_asked
@click.option("--call", help="in this call alone")
@config_option
@_purpose
@report_errors
def correct(call: str | None, config: Path | None, purpose: str, who: str | None) -> None:
    """Replace a number that is kept wrongly by the right one.

    Both are asked for, or read from standard input: the wrong one on a line, the right one on the next.

    \b
    Example: callmon privacy correct --purpose "correction 2026-15"
    """
    from callmon.store.privacy import subject_access as people

    settings = configuration(config)
    store, look = _store(settings), _look("correct", purpose, who)
    number, right = ask_number("Number that is kept"), ask_number("Right number")
    new = e164(right, settings.region)
    if new is None:
        raise ConfigError(f'"{right}" is no telephone number; write it as "416 555-0102".')
    places = people.correct_number(store, _forms(number, settings), new, look, call)
    click.echo(f"Corrected in {_count(places, 'call')}.")
    if not places:
        sys.exit(1)


@privacy.command("purge")
@config_option
@click.option("--yes", is_flag=True, help="do it; without this, only say what would be done")
@click.option("--authority", help="the records schedule that allows it (default: retention_authority)")
@click.option("--who", help="who disposes (default: the user of this machine)")
@report_errors
def purge(config: Path | None, yes: bool, authority: str | None, who: str | None) -> None:
    """Dispose of numbers not used for retention_days, and of files whose last day is over.

    Figures stay. What was disposed of, when, by whom and by what right is written down and kept.

    \b
    Example: callmon privacy purge --yes --authority "records schedule 12-345"
    """
    from callmon.store.privacy import retention as disposal
    from callmon.store.privacy.dated_files import expired

    settings = configuration(config)
    store, at = _store(settings), datetime.now(UTC)
    since = at - timedelta(days=settings.retention_days)
    files = expired(_folders(settings), at.astimezone(settings.timezone).date())
    if not yes:
        click.echo(_disposed(disposal.count_due(store, since), since, settings, len(files)))
        click.echo("Nothing was changed; --yes does it.", err=True)
        return
    by_what_right = authority or settings.retention_authority
    if not by_what_right:
        raise ConfigError('Name the records schedule that allows it: --authority "…", or retention_authority.')
    done = disposal.purge(store, disposal.DisposalTerms(at, since, who or current_user(), by_what_right), files)
    click.echo(_disposed(done, since, settings, done.files))


@privacy.command("log")
@click.option("--number", "has_number", is_flag=True, help="only of one number, which is asked for")
@number_is_asked
@config_option
@report_errors
def log(has_number: bool, config: Path | None) -> None:
    """Who looked at a number, when and why; who saw and changed what on the pages; what was disposed of.

    With --number: who looked at that one, by a command or on the pages, for as long as it is kept.

    \b
    Example: callmon privacy log --config /etc/callmon/callmon.toml
    """
    from callmon.store.access import audit
    from callmon.store.database import open_store
    from callmon.store.privacy import retention as disposal
    from callmon.store.privacy import subject_access as people

    settings = configuration(config)
    if has_number:
        store, number = _store(settings), ask_number(NUMBER)
        for access in people.accesses(store, _forms(number, settings)):
            click.echo(_access(access, settings))
        return
    store = until_done(open_store(settings.store.url))
    told = [(access.look.at, _access(access, settings)) for access in people.accesses(store)]
    told += [(deed.at, _done(deed, settings)) for deed in audit.audit_events(store)]
    for terms, done in disposal.disposals(store):
        what = _disposed(done, terms.unused_since, settings, done.files)
        told.append((terms.at, f"{_when(terms.at, settings)}  {terms.who}  purge  {terms.authority}  {what}"))
    for _, line in sorted(told, key=lambda one: one[0]):
        click.echo(line)


def _store(settings: Settings) -> Database:
    from callmon.store.opening import open_with_keys

    return until_done(open_with_keys(settings))


def _look(command: str, purpose: str, who: str | None) -> AccessReason:
    from callmon.store.privacy.subject_access import AccessReason

    if not purpose.strip():
        raise ConfigError("--purpose is empty: say why the number is looked at.")
    return AccessReason(datetime.now(UTC), who or current_user(), purpose, f"privacy {command}")


def _uses(store: Database, number: str, settings: Settings, look: AccessReason) -> list[NumberUse]:
    from callmon.store.privacy import subject_access as people

    return people.number_uses(store, _forms(number, settings), look)


def _forms(number: str, settings: Settings) -> list[str]:
    """All forms in which the number may be stored: E.164, as the exchange delivered it, as staff dial it."""
    known = e164(number, settings.region)
    if known is None:
        return [number]
    prefixes = {prefix for exchange in settings.exchanges.values() for prefix in exchange.dial_prefixes}
    plain = (*as_delivered(known, settings.region), known.removeprefix("+1"))
    dialled = (prefix + form for prefix in sorted(prefixes) for form in plain)
    abroad = (prefix + known.removeprefix("+") for prefix in sorted(prefixes))
    return list(dict.fromkeys((known, number, *plain, *dialled, *abroad)))


def _folders(settings: Settings) -> list[Path]:
    """Folders that may hold files with an expiry date: the configured ones, and the flight recorder's."""
    from callmon.store.database import own_folder, parse_url

    beside = [Path(str(parse_url(settings.store.url).database)).parent] if "sqlite" in settings.store.url else []
    return [*settings.privacy.folders, *(folder / "faults" for folder in (*beside, own_folder()))]


def _told(use: NumberUse, settings: Settings) -> str:
    call = use.stored.account
    when = _when(call.arrived if call else None, settings)
    line = (call.line if call else None) or "-"
    return f"{when}  {use.stored.exchange}  {use.call}  {use.role}  {line}  {call.outcome if call else '-'}"


def _debt(debt: WorklistItem, settings: Settings) -> str:
    one = debt.obligation
    return f"{_when(one.opened, settings)}  {one.exchange}  {one.id}  {one.kind}  {one.line}  {one.state}"


def _access(access: AccessRecord, settings: Settings) -> str:
    at, who, purpose, command = access.look
    return f"{_when(at, settings)}  {who}  {command}  {purpose}  {_count(access.found, 'call')}"


def _done(deed: AuditEvent, settings: Settings) -> str:
    """One audit line. "-" replaces an unknown account: a name without an account may be a password."""
    origin = f"  from {deed.address}" if deed.address else ""
    return f"{_when(deed.at, settings)}  {deed.who or '-'}  {deed.act}  {deed.about}".rstrip() + origin


def _disposed(what: Any, since: datetime, settings: Settings, files: int) -> str:
    period = (
        f", used from {_day(what.first_use, settings)} to {_day(what.last_use, settings)}" if what.uses else ""
    )
    return (
        f"{_count(what.numbers, 'number')} not used since {_when(since, settings)}, "
        f"of {_count(what.uses, 'use')}{period}; {_count(files, 'file')} whose last day is over."
    )


def _when(at: datetime | None, settings: Settings) -> str:
    return f"{at.astimezone(settings.timezone):%Y-%m-%d %H:%M:%S}" if at else "-"


def _day(at: datetime | None, settings: Settings) -> str:
    return _when(at, settings)[:10]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
