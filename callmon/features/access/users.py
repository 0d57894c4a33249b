"""`callmon users`: callmon's own accounts, for the pages.

A password comes from a prompt or from standard input, never from an argument, which every user of the machine
could read. Every change here ends all of the user's sessions and is written to the audit log.
"""

import re
from functools import cached_property

import click

from callmon.cli.common import (
    CommandContext,
    account_line,
    ask_password,
    current_user,
    json_option,
    print_json,
    refuse_unknown,
    until_done,
    with_context,
)
from callmon.cli.help import HelpGroup
from callmon.cli.language import said
from callmon.config.web import RoleSettings, ServiceRoleSettings
from callmon.errors import ConfigError
from callmon.store import access
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.store.opening import open_for_accounts
from callmon.web.auth.passwords import hashed, refuse_if_easy

ROLES, IN_SERVICES = tuple(RoleSettings.model_fields), tuple(ServiceRoleSettings.model_fields)
NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
ROLE_HELP = (
    "viewer, agent (callbacks, with numbers), manager (reports) or administrator; may be given several times; "
    "manager:NAME for the service NAME alone"
)


@click.group(cls=HelpGroup)
def users() -> None:
    """callmon's own accounts, which may sign in where web.access.accounts is true."""


class AccountCommandContext(CommandContext):
    @cached_property
    def store(self) -> Database:
        return until_done(open_for_accounts(self.settings))

    def audit_event(self, act: str, about: str) -> AuditRow:
        return AuditRow(at=self.now, who=current_user(), act=act, about=about)


class RoleName(click.Choice):  # type: ignore[type-arg]  # click 8.1 gives it none
    """One of ROLES, or one of IN_SERVICES with a colon and a service."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        role, colon, service = value.partition(":")
        if not colon or not service or role not in IN_SERVICES:
            return str(super().convert(value, param, ctx))
        return value


_role = click.option("--role", "roles", multiple=True, required=True, type=RoleName(ROLES), help=ROLE_HELP)


def refuse_unknown_services(context: AccountCommandContext, roles: tuple[str, ...]) -> None:
    refuse_unknown(context.settings, "service", *(x.partition(":")[2] or None for x in roles))


@users.command("add")
@click.argument("name")
@_role
@with_context(AccountCommandContext)
def add(context: AccountCommandContext, name: str, roles: tuple[str, ...]) -> None:
    """Add an account NAME. The command prompts for its password, or reads it from standard input.

    \b
    Examples: callmon users add marie.tremblay --role agent
              callmon users add a.cote --role manager:poci < password.txt
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            '"{name}" is no account\'s name; use a to z and 0 to 9, and . _ @ - after the first character.',
            name=name,
        )
    refuse_unknown_services(context, roles)
    store, audit_event = context.store, context.audit_event("account added", f"{name}: {' '.join(sorted(roles))}")
    access.check_account(store, name, exists=False)
    access.add_account(store, name, hashed(_password(name)), roles, audit_event)
    click.echo(said("{name}: added.", name=name))
    if not context.settings.web.access.accounts:
        click.echo(said("Accounts cannot sign in yet: set accounts = true under [web.access]."), err=True)


@users.command("list")
@with_context(AccountCommandContext)
@json_option
def list_(context: AccountCommandContext, as_json: bool) -> None:
    """List every account, its roles, and whether it is locked.

    \b
    Examples: callmon users list
              callmon users list --json
    """
    found = access.accounts(context.store)
    if not found:
        click.echo(said("There is no account; add one with `callmon users add NAME --role ROLE`."), err=True)
    for account in found:
        if as_json:
            print_json({"name": account.name, "roles": sorted(account.roles), "locked": account.is_locked})
        else:
            click.echo(account_line(account))


@users.command("role")
@click.argument("name")
@_role
@with_context(AccountCommandContext)
def role(context: AccountCommandContext, name: str, roles: tuple[str, ...]) -> None:
    """Replace the roles of the account NAME by these.

    \b
    Examples: callmon users role marie.tremblay --role viewer
              callmon users role marie.tremblay --role agent --role manager
    """
    refuse_unknown_services(context, roles)
    audit_event = context.audit_event("account roles", f"{name}: {' '.join(sorted(roles))}")
    access.change_account(context.store, name, audit_event, roles=frozenset(roles))
    click.echo(said("{name}: {roles}; signed out everywhere.", name=name, roles=" ".join(sorted(roles))))


@users.command("password")
@click.argument("name")
@with_context(AccountCommandContext)
def password(context: AccountCommandContext, name: str) -> None:
    """Set the password of the account NAME, from a prompt or from standard input.

    \b
    Examples: callmon users password marie.tremblay
              callmon users password marie.tremblay < password.txt
    """
    store = context.store
    access.check_account(store, name, exists=True)
    given = hashed(_password(name))
    access.change_account(store, name, context.audit_event("account password", name), password=given)
    click.echo(said("{name}: the password is changed; signed out everywhere.", name=name))


@users.command("lock")
@click.argument("name")
@click.option("--unlock", is_flag=True, help="allow sign-in again")
@with_context(AccountCommandContext)
def lock(context: AccountCommandContext, name: str, unlock: bool) -> None:
    """Lock the account NAME and end its sessions. Its roles stay.

    \b
    Examples: callmon users lock marie.tremblay
              callmon users lock marie.tremblay --unlock
    """
    audit_event = context.audit_event("account unlocked" if unlock else "account locked", name)
    access.change_account(context.store, name, audit_event, is_locked=not unlock)
    click.echo(said("{name}: may sign in." if unlock else "{name}: locked; signed out everywhere.", name=name))


@users.command("remove")
@click.argument("name")
@with_context(AccountCommandContext)
def remove(context: AccountCommandContext, name: str) -> None:
    """Remove the account NAME. Its entries in the access log stay.

    \b
    Examples: callmon users remove marie.tremblay
              callmon users remove marie.tremblay --config callmon.toml
    """
    access.remove_account(context.store, name, context.audit_event("account removed", name))
    click.echo(said("{name}: removed; signed out everywhere.", name=name))


def _password(name: str) -> str:
    """The password that the person chooses. Raises ConfigError if it is too easy."""
    given = ask_password(is_new=True)
    refuse_if_easy(given, name)
    return given
