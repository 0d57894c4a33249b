"""`callmon users`: callmon's own accounts, for the pages.

A password comes from a prompt or from standard input, never from an argument, which every user of the machine
could read. Every change here ends all of the user's sessions and is written to the audit log.
"""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from callmon.cli.common import Command, config_option, configuration, current_user, report_errors, until_done
from callmon.errors import ConfigError

if TYPE_CHECKING:
    from callmon.store.access.audit import AuditEvent
    from callmon.store.database import Database

ROLES = ("viewer", "agent", "manager", "administrator")
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
ROLE_HELP = (
    "viewer, agent (callbacks, with numbers), manager (reports) or administrator; may be given several times"
)


@click.group()
def users() -> None:
    """callmon's own accounts, which may sign in where web.access.accounts is true."""


def _role(command: Command) -> Command:
    return click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help=ROLE_HELP)(
        command
    )


@users.command("add")
@click.argument("name")
@_role
@config_option
@report_errors
def add(name: str, roles: tuple[str, ...], config: Path | None) -> None:
    """A new account NAME; its password is asked for, or read from standard input.

    \b
    Example: callmon users add marie.tremblay --role agent --role manager
    """
    from callmon.store.access import accounts
    from callmon.web.auth.passwords import hashed

    if not NAME.fullmatch(name):
        raise ConfigError(f'"{name}" is no account\'s name; use a to z, 0 to 9, and . _ @ - within.')
    store = _store(config)
    password = _password(name)
    accounts.add_account(
        store, name, hashed(password), roles, _deed("account added", f"{name}: {' '.join(sorted(roles))}")
    )
    click.echo(f"{name}: added.")
    if not configuration(config).web.access.accounts:
        click.echo("Nobody can sign in yet: set accounts = true under [web.access].", err=True)


@users.command("list")
@config_option
@report_errors
def show(config: Path | None) -> None:
    """Every account, its roles, and whether it is locked.

    \b
    Example: callmon users list --config /etc/callmon/callmon.toml
    """
    from callmon.store.access import accounts

    found = accounts.accounts(_store(config))
    if not found:
        click.echo("There is no account yet; `callmon users add NAME --role ROLE` makes one.", err=True)
    for one in found:
        click.echo(f"{one.name:<24}{' '.join(sorted(one.roles))}{'  locked' if one.is_locked else ''}")


@users.command("role")
@click.argument("name")
@_role
@config_option
@report_errors
def role(name: str, roles: tuple[str, ...], config: Path | None) -> None:
    """Give the account NAME these roles instead of those it has.

    \b
    Example: callmon users role marie.tremblay --role viewer
    """
    from callmon.store.access import accounts

    accounts.give_roles(_store(config), name, roles, _deed("account roles", f"{name}: {' '.join(sorted(roles))}"))
    click.echo(f"{name}: {' '.join(sorted(roles))}; signed out everywhere.")


@users.command("password")
@click.argument("name")
@config_option
@report_errors
def password(name: str, config: Path | None) -> None:
    """Another password for the account NAME, asked for or read from standard input.

    \b
    Example: callmon users password marie.tremblay
    """
    from callmon.store.access import accounts
    from callmon.web.auth.passwords import hashed

    store = _store(config)
    accounts.give_password(store, name, hashed(_password(name)), _deed("account password", name))
    click.echo(f"{name}: the password is changed; signed out everywhere.")


@users.command("lock")
@click.argument("name")
@click.option("--unlock", is_flag=True, help="let it sign in again")
@config_option
@report_errors
def lock(name: str, unlock: bool, config: Path | None) -> None:
    """Let the account NAME sign in no more, and sign it out; its roles stay.

    \b
    Example: callmon users lock marie.tremblay
    """
    from callmon.store.access import accounts

    deed = _deed("account unlocked" if unlock else "account locked", name)
    accounts.lock_account(_store(config), name, not unlock, deed)
    click.echo(f"{name}: may sign in." if unlock else f"{name}: locked; signed out everywhere.")


@users.command("remove")
@click.argument("name")
@config_option
@report_errors
def remove(name: str, config: Path | None) -> None:
    """Remove the account NAME. What it did stays on record under its name.

    \b
    Example: callmon users remove marie.tremblay
    """
    from callmon.store.access import accounts

    accounts.remove_account(_store(config), name, _deed("account removed", name))
    click.echo(f"{name}: removed; signed out everywhere.")


def _store(config: Path | None) -> Database:
    from callmon.store.opening import open_for_accounts

    return until_done(open_for_accounts(configuration(config)))


def _deed(act: str, about: str) -> AuditEvent:
    from callmon.store.access.audit import AuditEvent

    return AuditEvent(datetime.now(UTC), current_user(), act, about)


def _password(name: str) -> str:
    """Prompt twice on a terminal; else read one line of standard input. Raises ConfigError if too easy."""
    from callmon.web.auth.passwords import refuse_if_easy

    if sys.stdin.isatty():
        given: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    refuse_if_easy(given, name)
    return given
