"""`callmon tokens`: the tokens with which programs read the API.

A token is printed once, and its hash is stored. Each change is written to the audit log. The page *Tokens* makes
a token by the same function.
"""

from collections.abc import Callable, Collection
from datetime import timedelta

import click

from callmon.cli.common import json_option, print_json, with_context
from callmon.cli.help import HelpGroup
from callmon.cli.language import said
from callmon.errors import ConfigError
from callmon.features.access.users import NAME, AccountCommandContext, RoleName, refuse_unknown_services
from callmon.store import access_tokens
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.text.records import instant
from callmon.web.auth.tokens import ROLES, new_token

MOST_DAYS = 3660


def make_token(
    store: Database,
    name: str,
    roles: Collection[str],
    days: int,
    audit_event: Callable[[str, str], AuditRow],
) -> str:
    """Stores the hash of a new token, and returns the token. Raises ConfigError for a name that is bad or taken.

    `audit_event`: the record of an act and its object.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            '"{name}" is no token\'s name; use a to z and 0 to 9, and . _ @ - after the first character.',
            name=name,
        )
    event = audit_event("token added", f"{name}: {' '.join(sorted(roles))}")
    secret, token = new_token(name, frozenset(roles), event.at, timedelta(days=days))
    access_tokens.add_token(store, token, event)
    return secret


@click.group(cls=HelpGroup)
def tokens() -> None:
    """Tokens with which programs read the API, /api/v1/."""


@tokens.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    default=["viewer"],
    show_default=True,
    type=RoleName(ROLES),
    help="viewer, or manager (months too); may be given several times; viewer:NAME for the service NAME alone",
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    default=365,
    show_default=True,
    help="after which the token expires",
)
@with_context(AccountCommandContext)
def add(context: AccountCommandContext, name: str, roles: tuple[str, ...], days: int) -> None:
    """Make the token NAME and print it. callmon shows it this once.

    \b
    Examples: callmon tokens add help-desk
              callmon tokens add dashboard --role manager:poci --days 90
    """
    refuse_unknown_services(context, roles)
    secret = make_token(context.store, name, roles, days, context.audit_event)
    click.echo(secret)
    click.echo(said("{name}: keep this token; callmon does not show it again.", name=name), err=True)


@tokens.command("list")
@with_context(AccountCommandContext)
@json_option
def list_tokens(context: AccountCommandContext, as_json: bool) -> None:
    """List every token, its roles, when it expires, and its last use.

    \b
    Examples: callmon tokens list
              callmon tokens list --json
    """
    found = access_tokens.tokens(context.store)
    if not found:
        click.echo(said("There is no token; make one with `callmon tokens add NAME`."), err=True)
    for token in found:
        roles, used = sorted(token.roles), token.used
        if as_json:
            dates = {"made": token.made, "expires": token.expires, "used": used}
            print_json({"name": token.name, "roles": roles} | {name: instant(at) for name, at in dates.items()})
            continue
        expires = context.local(token.expires)
        last = said("never used") if used is None else said("last used {when}", when=context.local(used))
        click.echo(f"{token.name:<24}{' '.join(roles):<24}{said('expires {when}', when=expires)}  {last}")


@tokens.command("revoke")
@click.argument("name")
@with_context(AccountCommandContext)
def revoke(context: AccountCommandContext, name: str) -> None:
    """Revoke the token NAME: no request with it is answered any more.

    \b
    Examples: callmon tokens revoke help-desk
              callmon tokens revoke dashboard --config callmon.toml
    """
    access_tokens.revoke_token(context.store, name, context.audit_event("token revoked", name))
    click.echo(said("{name}: revoked.", name=name))
