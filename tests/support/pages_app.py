"""All of the pages, over a database in which every number is known, and a browser for each role."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.routing import Route

from callmon.config.settings import Settings, example_text, parse
from callmon.core.callbacks.commands import CallbackCommand
from callmon.daemon.daemon import Daemon
from callmon.feature import Feature
from callmon.site import FEATURES
from callmon.store import opening
from callmon.store.access import AuditRow
from callmon.store.commands import queue_callback_command
from callmon.store.database import Database
from callmon.store.sign_off import keep_prepared
from callmon.web.app import WebApplication
from callmon.web.auth.middleware import AccessMiddleware
from callmon.web.auth.route import PageRoute
from callmon.web.auth.service import AccessService
from callmon.web.auth.sign_in import SignIn
from callmon.web.entries import entries
from tests.support.fact_builder import CALLER, OTHER, Office
from tests.support.sign_in_app import ROLES, quick_passwords, sign_in, with_accounts
from tests.support.store_fixtures import wrote
from tests.support.web_client import Visitor

HOUR = timedelta(hours=1)
THIRD, WITHHELD = "+14165550103", "+14165550104"  # another number to call; one that is never shown
NUMBERS = (CALLER, OTHER, THIRD, WITHHELD)
EXCHANGE, ENTRY, CALL = "toronto", "1700000001.0", "1700000001.0"
NOBODY = ""


class Pages(NamedTuple):
    """The application, its routes, and the signed-in user (NOBODY: a browser without a session)."""

    gate: AccessMiddleware
    entries: tuple[PageRoute, ...]
    routes: list[Route]
    visitors: Mapping[str, Visitor]
    store: Database
    daemon: Daemon
    opened: datetime  # when the first call of `_fill` began


def settings(folder: Path, url: str | None = None, first: str = "") -> Settings:
    """The example's settings with accounts; `first` stands before them."""
    text = first + example_text().replace("sqlite:///callmon.db", url or f"sqlite:///{folder}/callmon.db")
    return parse(text.replace("[web]\n", "[web]\naccess = { accounts = true }\n"))


@contextmanager
def pages(
    folder: Path,
    url: str | None = None,
    fill: Callable[[Database], None] = lambda store: None,
    first: str = "",
    features: Sequence[Feature] = FEATURES,
) -> Iterator[Pages]:
    """A daemon that does not run: its pages, its database (SQLite in the folder), its stored requests.

    `fill` writes more to the database before the daemon has it.
    """
    with quick_passwords():
        yield from _pages(settings(folder, url, first), fill, features)


def _pages(reported: Settings, fill: Callable[[Database], None], features: Sequence[Feature]) -> Iterator[Pages]:
    store = opening.open_for_writing(reported)
    opened = datetime.now(UTC).replace(microsecond=0) - 3 * HOUR
    _fill(store, opened)
    fill(store)
    with_accounts(store)
    daemon = Daemon(reported, store, features)
    try:
        daemon.restore()
        signing = SignIn(AccessService(reported.web.access, store))
        gate = WebApplication(
            daemon.metrics,
            daemon.troubles,
            daemon.remarks,
            daemon.standby.role,
            daemon.page_context,
            signing.access,
        ).asgi()
        assert isinstance(gate, AccessMiddleware)
        inner = gate._app
        assert isinstance(inner, Starlette)
        known = (*entries(features, daemon.page_context), *signing.entries())
        routes = [route for route in inner.routes if isinstance(route, Route)]
        yield Pages(gate, known, routes, _visitors(gate), store, daemon, opened)
    finally:
        daemon.page_context.close()
        daemon.runtime.writer.close()


def _visitors(gate: AccessMiddleware) -> dict[str, Visitor]:
    found = {NOBODY: Visitor(gate)}
    for role in ROLES:
        found[role] = Visitor(gate)
        assert sign_in(found[role], role).status_code == 303
    return found


def _fill(store: Database, opened: datetime) -> None:
    """Two callbacks to make, one of them at another number; a withheld number; a complaint; answered calls."""
    office = Office()
    office.hear(
        office.message(opened, language="fr"),
        office.message(opened + HOUR, OTHER, "poci"),
        office.message(opened + HOUR, WITHHELD, withheld="withheld"),
        office.call_in(opened + HOUR, OTHER),
        office.call_out(opened + 2 * HOUR, number="9" + OTHER[2:]),
    )
    wrote(store, *office.outcomes)
    hand = CallbackCommand(
        at=opened, actor="m.tremblay", action="mark", exchange=EXCHANGE, obligation=ENTRY, other_number=True
    )
    queue_callback_command(store, hand, THIRD)
    keep_prepared(store, "2026-10", 1, [("r1.json", b"{}")], AuditRow(at=opened, who="lead", act=""))


def shown(text: str) -> list[str]:
    """The numbers that a text shows, in any notation."""
    digits = re.sub(r"\D", "", html.unescape(text))
    return [number for number in NUMBERS if number[-7:] in digits]
