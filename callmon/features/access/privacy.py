"""`callmon privacy`: keys, access requests, disposal."""

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from callmon.cli.common import (
    CommandContext,
    current_user,
    json_option,
    number_is_asked,
    print_json,
    table_row,
    with_context,
)
from callmon.cli.errors import Command
from callmon.cli.help import HelpGroup
from callmon.cli.language import current_language, said, said_of_count
from callmon.cli.progress import progress_bar
from callmon.config.phone_numbers import as_delivered, e164
from callmon.config.settings import Settings
from callmon.errors import ConfigError
from callmon.store.access import AuditRow, audit_events
from callmon.store.database import names_of_needed_keys, own_folder, parse_url
from callmon.store.key_file import add_new_key
from callmon.store.opening import key_path
from callmon.store.privacy import key_rotation
from callmon.store.privacy import retention as disposal
from callmon.store.privacy import subject_access as people
from callmon.store.privacy.dated_files import expired
from callmon.store.privacy.subject_access import AccessReason, AccessRow, NumberUse
from callmon.text.formatter import Formatter
from callmon.text.labels import labelled, recorded
from callmon.text.lists import obligation_as_json
from callmon.text.story import as_json

NUMBER = "Telephone number"
Row = tuple[str, ...]
USE = ("arrived", "exchange", "call", "role", "line", "outcome")
OBLIGATION = ("opened", "exchange", "entry", "kind", "line", "state")
LOG = ("at", "by", "act", "about", "result")


class PrivacyCommandContext(CommandContext):
    """The context of a command on callers' numbers: the acting person (`by`) and the `purpose` of the access."""

    with_numbers = True

    def __init__(self, config: Path | None, purpose: str = "", by: str | None = None) -> None:
        super().__init__(config, by=by)
        self.purpose = purpose

    def access(self, command: str) -> AccessReason:
        if not self.purpose.strip():
            raise ConfigError("--purpose is empty; state the purpose of the access.")
        return AccessReason(self.now, self.by or current_user(), self.purpose, f"privacy {command}")

    def forms(self, number: str) -> list[str]:
        """All forms in which the number may be stored: E.164, as the exchange delivered it, as staff dial it."""
        known = e164(number, self.settings.region)
        if known is None:
            return [number]
        prefixes = {prefix for exchange in self.settings.exchanges.values() for prefix in exchange.dial_prefixes}
        plain = (*as_delivered(known, self.settings.region), known.removeprefix("+1"))
        dialled = (prefix + form for prefix in sorted(prefixes) for form in plain)
        abroad = (prefix + known.removeprefix("+") for prefix in sorted(prefixes))
        return list(dict.fromkeys((known, number, *plain, *dialled, *abroad)))


def _with_purpose(command: Command) -> Command:
    purpose = click.option("--purpose", required=True, help="purpose of the access, for the access log")
    who = click.option("--by", help="the acting person, for the access log (default: the logged-in user)")
    return with_context(PrivacyCommandContext)(who(purpose(command)))


@click.group(cls=HelpGroup)
def privacy() -> None:
    """Callers' numbers: encryption keys, access requests, disposal."""


@privacy.command("key")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@with_context()
def key(context: CommandContext, file: Path | None) -> None:
    """Add a new encryption key at the top of the key FILE; create the file if it is missing.

    \b
    Examples: callmon privacy key
              callmon privacy key /etc/callmon/number.key
    """
    path = file or key_path(context.settings)
    if add_new_key(path, datetime.now().astimezone().date()):
        done = said("{path}: a new key was added. Restart callmon, then run `callmon privacy rotate`.", path=path)
    else:
        done = said(
            "{path}: created. Without it the numbers are lost: keep a copy, separate from the database.", path=path
        )
    click.echo(done)


@privacy.command("rotate")
@with_context(PrivacyCommandContext)
def rotate(context: PrivacyCommandContext) -> None:
    """Encrypt every number with the newest key. callmon may run, if restarted with that key.

    The steps of signed months are signed with that key, too.

    \b
    Examples: callmon privacy rotate
              callmon privacy rotate --config /etc/callmon/callmon.toml
    """
    store, total = context.store, 0
    advance = progress_bar(key_rotation.count_left(store), "Encrypting")
    for count in key_rotation.rotate(store):
        total += count
        advance(count)
    done = said_of_count(
        "{count} number encrypted with the key {key}.",
        "{count} numbers encrypted with the key {key}.",
        total,
        key=store.ring.name,
    )
    click.echo(done)
    older = sorted(names_of_needed_keys(store) - {store.ring.name})
    if older:
        left = said("Some still use the key {keys}: restart callmon, then run this again.", keys=" ".join(older))
        click.echo(left, err=True)
        sys.exit(1)
    if len(store.ring.names) > 1:
        click.echo(
            said("Nothing here needs the older lines of the key file, but earlier copies of the database do.")
        )


@privacy.command("find")
@number_is_asked
@_with_purpose
@json_option
def find(context: PrivacyCommandContext, as_json: bool) -> None:
    """List every record that holds a number. The command prompts for it, or reads standard input.

    \b
    Examples: callmon privacy find --purpose "access request 2026-14"
              callmon privacy find --purpose "access request 2026-14" --json
    """
    store, look = context.store, context.access("find")
    forms = context.forms(context.ask_number(said(NUMBER)))
    found = people.number_uses(store, forms, look)
    for use in found:
        _print_row(_use(use, context), USE, as_json)
    for x in (item.obligation for item in people.obligations_of_number(store, forms)):
        row = context.local(x.opened), x.exchange, x.id, x.kind, x.line, x.state
        _print_row(row, OBLIGATION, as_json)
    click.echo(said_of_count("{count} call.", "{count} calls.", len(found)), err=True)


@privacy.command("export")
@number_is_asked
@_with_purpose
def export(context: PrivacyCommandContext) -> None:
    """Export all data about a number, as JSON for the person concerned.

    The command prompts for the number, or reads it from standard input.

    \b
    Examples: callmon privacy export --purpose "request 14" > request.json
              callmon privacy export --purpose "request 14" --by "M. Roy"
    """
    store, look = context.store, context.access("export")
    forms = context.forms(context.ask_number(said(NUMBER)))
    before = people.accesses(store, forms)
    found = people.number_uses(store, forms, look)
    data = {
        "number": forms[0],
        "exported": look.at.isoformat(),
        "calls": [{"role": use.role} | as_json(use.stored, context.settings) for use in found],
        "callbacks": [obligation_as_json(item) for item in people.obligations_of_number(store, forms)],
        "accesses": [{"at": a.at.isoformat(), "purpose": a.purpose} for a in before],
    }
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


@privacy.command("correct")
@number_is_asked
@click.option("--call", help="only in this call")
@_with_purpose
def correct(context: PrivacyCommandContext, call: str | None) -> None:
    """Replace a wrong stored number by the right one.

    The command prompts for both, or reads standard input: the wrong one on a line, the right one on the next.

    \b
    Examples: callmon privacy correct --purpose "correction 2026-15"
              callmon privacy correct --purpose "request 15" --call 1795527733.0
    """
    store, look = context.store, context.access("correct")
    number, right = context.ask_number(said("Stored number")), context.ask_number(said("Right number"))
    new = e164(right, context.settings.region)
    if new is None:
        raise ConfigError('"{number}" is not a telephone number; write it as "416 555-0102".', number=right)
    places = people.correct_number(store, context.forms(number), new, look, call)
    click.echo(said_of_count("Corrected in {count} call.", "Corrected in {count} calls.", places))
    if not places:
        sys.exit(1)


@privacy.command("purge")
@with_context(PrivacyCommandContext)
@click.option("--yes", is_flag=True, help="delete; without this option, only print what is due")
@click.option("--authority", help="records schedule that allows the disposal (default: retention_authority)")
@click.option("--by", help="the acting person, for the disposal record (default: the logged-in user)")
def purge(context: PrivacyCommandContext, yes: bool, authority: str | None) -> None:
    """Delete numbers that were not used for retention_days, and expired files.

    Figures stay. A permanent record states the time, the person, the authority and the counts.

    \b
    Examples: callmon privacy purge
              callmon privacy purge --yes --authority "records schedule 12-345"
    """
    settings, store = context.settings, context.store
    since = context.now - timedelta(days=settings.retention_days)
    files = expired(_folders(settings), context.today)
    if not yes:
        click.echo(_disposed(disposal.count_due(store, since), since, context, len(files)))
        click.echo(said("Nothing was changed; add --yes to delete."), err=True)
        return
    by_what_right = authority or settings.retention_authority
    if not by_what_right:
        raise ConfigError(
            'No records schedule allows the disposal. Add --authority "…", or set retention_authority.'
        )
    terms = disposal.DisposalTerms(context.now, since, context.by or current_user(), by_what_right)
    done = disposal.purge(store, terms, files)
    click.echo(_disposed(done, since, context, done.files))


@privacy.command("log")
@click.option(
    "--number", "has_number", is_flag=True, help="only accesses to one number; the command prompts for it"
)
@number_is_asked
@with_context(PrivacyCommandContext)
@json_option
def log(context: PrivacyCommandContext, has_number: bool, as_json: bool) -> None:
    """List accesses to numbers, accesses and changes on the pages, and disposals: time, person, purpose.

    With --number: accesses to that number, by a command or on the pages, for as long as it is stored.

    \b
    Examples: callmon privacy log --json
              callmon privacy log --number
    """
    if has_number:
        for access in people.accesses(context.store, context.forms(context.ask_number(said(NUMBER)))):
            _print_row(_access(access, context), LOG, as_json)
        return
    context.with_numbers = False
    for _, row in sorted(_log(context), key=lambda entry: entry[0]):
        _print_row(row, LOG, as_json)


def _print_row(row: Row, names: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print_json(dict(zip(names, row, strict=True)))
    else:
        cells = dict(zip(names, row, strict=True))
        words = (_in_words(column, cell, cells.get("act", "")) for column, cell in cells.items())
        click.echo(table_row(*filter(None, words)))


def _in_words(column: str, cell: str, act: str) -> str:
    """A cell for people: an identifier by its label. `act`: that of its row, in the log."""
    language = current_language()
    match column:
        case "act" | "outcome":
            return labelled(column, cell, language)
        case "state":
            return labelled("obligation_state", cell, language)
        case "about":
            return recorded(act, cell, language)
        case "role" | "kind":
            return said(cell)
    return cell


def _log(context: PrivacyCommandContext) -> Iterator[tuple[datetime, Row]]:
    for access in people.accesses(context.store):
        yield access.at, _access(access, context)
    for audit_event in audit_events(context.store):
        yield audit_event.at, _audit_row(audit_event, context)
    for done in disposal.disposals(context.store):
        what = _disposed(done, done.unused_since, context, done.files)
        yield done.at, (context.local(done.at), done.who, "purge", done.authority, what)


def _folders(settings: Settings) -> list[Path]:
    """Folders that may hold files with an expiry date: the configured ones, and the flight recorder's."""
    beside = [Path(str(parse_url(settings.store.url).database)).parent] if "sqlite" in settings.store.url else []
    return [*settings.privacy.folders, *(folder / "faults" for folder in (*beside, own_folder()))]


def _use(use: NumberUse, context: PrivacyCommandContext) -> Row:
    call, stored = use.stored.account, use.stored
    line, outcome = (call.line or "-", call.outcome) if call else ("-", "-")
    when = context.local(call.arrived if call else None)
    return when, stored.exchange, use.call, use.role, line, outcome


def _access(access: AccessRow, context: PrivacyCommandContext) -> Row:
    found = said_of_count("{count} call", "{count} calls", access.found)
    return context.local(access.at), access.who, access.command, access.purpose, found


def _audit_row(audit_event: AuditRow, context: PrivacyCommandContext) -> Row:
    """One audit row. "-" replaces an unknown account: a name without an account may be a password."""
    origin = said("from {address}", address=audit_event.address) if audit_event.address else ""
    return context.local(audit_event.at), audit_event.who or "-", audit_event.act, audit_event.about, origin


def _disposed(what: Any, since: datetime, context: PrivacyCommandContext, files: int) -> str:
    formatter = Formatter(current_language(), context.settings.timezone)
    first, last = ("-" if at is None else formatter.day(at) for at in (what.first_use, what.last_use))
    uses = (
        said_of_count(
            " ({count} use from {first} to {last})",
            " ({count} uses from {first} to {last})",
            what.uses,
            first=first,
            last=last,
        )
        if what.uses
        else ""
    )
    expired = said_of_count("{count} expired file", "{count} expired files", files)
    numbers = said_of_count("{count} number", "{count} numbers", what.numbers)
    return said(
        "{numbers} last used before {since}{uses}; {expired}.",
        numbers=numbers if what.numbers else said("No number"),
        since=f"{formatter.day(since)}, {formatter.second(since)}",
        uses=uses,
        expired=expired if files else said("no expired file"),
    )
