"""The context of the pages: the latest snapshot, the templates, the query threads, and the live clients.

    daemon, each second with live clients ─ update ─▶ snapshot ─▶ live.push()    one rendering a view, for all
    a request ─▶ renew ─▶ routes ─▶ a view's endpoint ─▶ ask(question) in a thread ─▶ page(template)

Never touches the monitor. The context has a few threads of its own: a slow query delays other pages, not the
daemon's writing. A database error becomes a page that says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from time import monotonic
from typing import Any, ParamSpec, Protocol, TypeVar, cast

import msgspec
from jinja2 import Environment
from sqlalchemy.exc import SQLAlchemyError

from callmon.config.settings import Settings
from callmon.core.snapshot import DaemonSnapshot
from callmon.errors import Sentence, StoreError
from callmon.feature import MenuItem
from callmon.store.database import Database, is_damage, reason
from callmon.store.view import View as ReaderView
from callmon.threads import BlockingThreads
from callmon.web.auth.identity import Role, Services
from callmon.web.auth.route import PageRoute
from callmon.web.formatter import WebFormatter, templates_of
from callmon.web.sse import Live, View, event

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 4
MOST_WAITING = 100  # queries
KEPT_FOR = timedelta(minutes=1)
FRESH_SECONDS = 1.0


class Closing(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=Closing)


class AwayError(Exception):
    """The database cannot be queried now, or too many queries are pending."""


class PageContext:
    """One for a daemon, in whose loop `settings` and `snapshot` run. Queries use `reader`; commands, `store`."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        snapshot: Callable[[], DaemonSnapshot],
        store: Database,
        entries: Callable[["PageContext"], tuple[PageRoute, ...]],
    ) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self.store = store
        self.reader = store.reader()
        self.entries = partial(entries, self)  # the pages' routes
        self.snapshot: DaemonSnapshot | None = None
        self.live = Live(self.render_live)
        self.views: dict[str, Callable[[DaemonSnapshot, WebFormatter], dict[str, Any]]] = {}
        self.features: Sequence[str] = ()  # the packages of their templates
        self.table: Mapping[str, PageRoute] = {}  # the pages by name
        self.menu: Sequence[MenuItem] = ()
        self.menus: dict[tuple[str, frozenset[Role]], list[tuple[MenuItem, str, str]]] = {}  # title and path
        self.notes: Sequence[Sentence] = ()  # what each page says first
        self.damaged: Callable[[], None] = lambda: None  # called where a query has met a damaged page
        self.outdated: Callable[[], None] = lambda: None  # called where the latest snapshot is a second old
        self._taken = 0.0  # monotonic: the latest snapshot
        self.services: Services = None  # whose data it shows; None: of all
        self._shared: dict[type[Closing], Closing] = {}
        self._parts: dict[tuple[str, ...], _Part] = {}
        self._kept: dict[str, tuple[Any, datetime, Any]] = {}  # by name: key, time, value
        self._waiting = 0
        self._threads = BlockingThreads(THREADS, "pages")

    def shared(self, kind: type[C]) -> C:
        """The one object of this kind for all requests: made at its first use, closed with the context."""
        if kind not in self._shared:
            self._shared[kind] = kind()
        return cast(C, self._shared[kind])

    @property
    def settings(self) -> Settings:
        return self._settings()

    def of_services(self, services: Services) -> "PageContext":
        """The context of a reader of these services: its settings, queries and snapshot have nothing else."""
        if services is None:
            return self
        known = self._parts.get(services)
        if known is None or known.made_of != (self.settings, self.reader):
            known = self._parts[services] = _Part(self, services)
        return known

    @property
    def is_over_pairs(self) -> bool:
        return bool(self.settings.configuration.store.over)

    @property
    def lines(self) -> tuple[str, ...] | None:
        """The lines of its services; None: all."""
        return None if self.services is None else tuple(self.settings.names("line"))

    def update(self, snapshot: DaemonSnapshot) -> None:
        """Shows a new snapshot to the live clients."""
        self.snapshot = snapshot
        self._taken = monotonic()
        self.live.push()

    def renew(self) -> None:
        """Has a snapshot taken that is at most a second old. Call it in the daemon's loop."""
        if monotonic() - self._taken >= FRESH_SECONDS:
            self.outdated()

    def seen(self) -> DaemonSnapshot:
        """The latest snapshot; a new one where there is none yet."""
        if self.snapshot is None:
            self.snapshot = self._snapshot()
        return self.snapshot

    def formatter(self, language: str) -> WebFormatter:
        return WebFormatter(self.settings, language, datetime.now(UTC))

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of a query that blocks. Raises AwayError: no database, or too many queries are pending."""
        if self._waiting >= MOST_WAITING:
            raise AwayError
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, partial(question, *args, **kwargs))
        except (StoreError, SQLAlchemyError, OSError) as error:
            if is_damage(reason(error)):
                self.damaged()
            raise AwayError from error
        finally:
            self._waiting -= 1

    async def each_minute(self, name: str, key: object, make: Callable[[], Awaitable[T]]) -> T:
        """The value of this name and key for all viewers: made at most once a minute."""
        kept = self._kept.get(name)
        now = self.seen().at
        key = (key, self.reader)
        if kept is None or kept[0] != key or not timedelta(0) <= now - kept[1] < KEPT_FOR:
            kept = self._kept[name] = (key, now, await make())
        value: T = kept[2]
        return value

    async def render(
        self, template: str, values: dict[str, Any], asked: Callable[[], Mapping[str, Any]] | None = None
    ) -> str:
        """Renders a template in a thread: a long list takes milliseconds in which the loop receives no event.

        `asked`: a query of further values, in the same thread; as with `ask`, it raises AwayError.
        """
        if asked is not None:
            return await self.ask(lambda: self._render(template, {**values, **asked()}))
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self._render, template, values))

    def _render(self, template: str, values: dict[str, Any]) -> str:
        return self._templates.get_template(template).render(values)

    def part(self, name: str, language: str) -> str:
        """The live part of a page at this moment. Call it in a thread."""
        formatter = self.formatter(language)
        return self._render(f"_{name}.html", self.common(formatter) | self.views[name](self.seen(), formatter))

    def render_live(self, view: View) -> bytes:
        """The event for a view's clients: the live part, or (for a list with filters) that the list changed."""
        name, language, services = view
        context = self.of_services(services)
        if name not in self.views:
            return event("changed", context.seen().revision)
        return event("part", context.part(name, language))

    def common(self, formatter: WebFormatter) -> dict[str, Any]:
        """The values that every template may use."""
        own = {"formatter": formatter, "settings": formatter.settings, "known_pages": self.table}
        own["language"] = formatter.language
        own["link"] = lambda name, query={}, /, **parts: self.table[name].address(
            formatter.language, query, **parts
        )
        return own | {"say": formatter.say, "word": formatter.word}

    def close(self) -> None:
        """Ends the live streams, so that the server can stop; then reports, query threads and `reader`."""
        self.live.close()
        for one in self._shared.values():
            one.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.reader.close()

    @cached_property
    def _templates(self) -> Environment:
        return templates_of("callmon.web", *self.features)


class _Part(PageContext):
    """The context of some services. Threads, templates, live clients and reports are those of the whole."""

    def __init__(self, whole: PageContext, services: tuple[str, ...]) -> None:
        self.__dict__.update(whole.__dict__ | {"_templates": whole._templates})
        self._whole = whole
        self.services = services
        self.made_of = (whole.settings, whole.reader)
        settings = whole.settings.of_services(services)
        self._settings = lambda: settings
        self._kept = {}
        self.menus = {}
        view = whole.reader.view or ReaderView()
        self.reader = whole.reader.seen_as(msgspec.structs.replace(view, lines=tuple(settings.names("line"))))

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._whole.ask(question, *args, **kwargs)  # which counts the queries of all

    def seen(self) -> DaemonSnapshot:
        return self._whole.seen().of_lines(self.settings.names("line"))
