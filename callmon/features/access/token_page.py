"""*Tokens*: the tokens with which programs read the API; one is made, and one revoked. For the administrator.

The answer to the form shows a new token, once. Refuses: a token that reads more than the person who makes it.
"""

from collections.abc import Mapping
from functools import partial

from starlette.responses import Response

from callmon.errors import CallmonError, ConfigError
from callmon.features.access.tokens import MOST_DAYS, make_token
from callmon.features.actions import RefusedError
from callmon.store import access_tokens
from callmon.text.labels import labelled, translate
from callmon.web.auth.identity import RIGHTS, Right, Role
from callmon.web.auth.tokens import ROLES
from callmon.web.page_request import PageRequest
from callmon.web.routing import entry, form

EMPTY: Mapping[str, str] = {"days": "365"}


async def show(
    page_request: PageRequest,
    given: Mapping[str, str] = EMPTY,
    secret: str = "",
    refused: CallmonError | None = None,
) -> Response:
    """The tokens, by name. `given`: the form as it was sent; `secret`: the token made of it, or `refused`."""
    in_language = partial(translate, language=page_request.language)
    return await page_request.page(
        "tokens.html",
        page_request.say("Tokens"),
        status=409 if refused else 200,
        rows=await page_request.ask(access_tokens.tokens, page_request.context.reader),
        roles=_roles(page_request),
        title_of=partial(_title, page_request),
        given=given,
        secret=secret,
        refused=" ".join(x.translated(in_language) for x in refused.sentences) if refused else "",
        field="" if given.get("revoke") else getattr(refused, "field", "name"),
        most_days=MOST_DAYS,
        said=page_request.parameter("said"),
    )


async def change(page_request: PageRequest) -> Response:
    """Makes the token of the form, or revokes the one of the button that was pressed."""
    given = await page_request.form()
    store = page_request.context.store
    event = page_request.audit_event
    revoked = given.get("revoke", "")
    try:
        if revoked:
            await page_request.ask(access_tokens.revoke_token, store, revoked, event("token revoked", revoked))
            return page_request.go("tokens", {"said": "done"})
        role, days = _role(page_request, given), _days(page_request, given)
        secret = await page_request.ask(make_token, store, given.get("name", ""), {role}, days, event)
    except (ConfigError, RefusedError) as why:
        return await show(page_request, given, refused=why)
    return await show(page_request, given, secret)


def _roles(page_request: PageRequest) -> list[str]:
    """The roles that this person may give to a token."""
    services = ("", *page_request.settings.names("service"))
    pairs = [(role, service) for role in ROLES for service in services]
    return [f"{role}:{x}" if x else role for role, x in pairs if _has(page_request, role, x)]


def _has(page_request: PageRequest, role: str, service: str) -> bool:
    theirs = [page_request.person.services(right) for right in RIGHTS[Role(role)]]
    return all(services is None or service in services for services in theirs)


def _title(page_request: PageRequest, name: str) -> str:
    """The title of the role, and of its service: "manager, Provincial office"."""
    role, _, service = name.partition(":")
    title = labelled("role", role, page_request.language)
    return f"{title}, {page_request.formatter.service(service)}" if service else title


def _role(page_request: PageRequest, given: Mapping[str, str]) -> str:
    """The chosen role. Raises RefusedError for one that the form does not offer."""
    if (role := given.get("role", "")) not in _roles(page_request):
        raise RefusedError(page_request.say("Choose one of the roles of this list."), "role")
    return role


def _days(page_request: PageRequest, given: Mapping[str, str]) -> int:
    """The days until the token expires. Raises RefusedError."""
    text = given.get("days", "")
    if not (text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST_DAYS):
        raise RefusedError(page_request.say("A token lasts 1 to {most} days.", most=MOST_DAYS), "days")
    return int(text)


PAGES = (
    entry("tokens", "/jetons", "/tokens", show, Right.ADMINISTER),
    form("change tokens", "/jetons", "/tokens", change, Right.ADMINISTER, twin="tokens"),
)
