"""All entries of the pages and of the read API: those of the features, and the shell's own.

`auth/` enforces the least right of every entry; a test goes through them with every role.
"""

from collections.abc import Iterable
from functools import partial

from callmon.feature import Feature, parts
from callmon.web.api.answer import bound_resources
from callmon.web.api.openapi import send_document
from callmon.web.api.page import reference
from callmon.web.api.resource import Resource
from callmon.web.auth.identity import Right
from callmon.web.auth.route import PageRoute
from callmon.web.auth.tokens import API
from callmon.web.context import PageContext
from callmon.web.routing import bound, entry, front


def resources(features: Iterable[Feature]) -> tuple[Resource, ...]:
    """The read API, in the order of its reference."""
    return tuple(parts(features, "resources"))


def page_table(features: Iterable[Feature]) -> dict[str, PageRoute]:
    """Every page and form by name."""
    own = entry("api", "/api", "/api", reference(resources(features)))
    return {page.name: page for page in (*parts(features, "pages"), own)}


def entries(features: Iterable[Feature], context: PageContext) -> tuple[PageRoute, ...]:
    """Every entry, its page bound to this context; and the entries without a language."""
    features = tuple(features)
    context.features = tuple(feature.package for feature in features if feature.pages)
    context.table = page_table(features)
    context.menu = sorted((item for feature in features for item in feature.menu), key=lambda item: item.place)
    context.views.update((page.name, page.view) for page in context.table.values() if page.view is not None)
    read = resources(features)
    document = partial(send_document, read)
    openapi = PageRoute("openapi", {"": f"{API}/openapi.json"}, document, Right.OPEN, is_page=False)
    known = bound(context, context.table.values())
    return (front(context.table["now"]), *known, openapi, *bound_resources(context, read))
