"""The pages' workshop: the latest sight, the templates, the threads that ask the database, and who looks on live.

    daemon, each second ─ look(now) ─▶ sight ─▶ live.tell()      a rendering a view, for everybody
    a request ─▶ routes ─▶ a view's endpoint ─▶ ask(question) in a thread ─▶ page(template)

Never touches the monitor. A few threads of its own: a question that takes long delays other pages, not the
daemon's writing. The database's trouble becomes a page that says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, ParamSpec, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy.exc import SQLAlchemyError

from callmon.config.settings import Settings
from callmon.errors import StoreError
from callmon.reports.jobs import Makings
from callmon.store.database import Store
from callmon.web.formatter import Tongue
from callmon.web.half_hours import Today
from callmon.web.snapshot import NOTHING_OWED, Sight, Told, sight
from callmon.web.sse import Live, View, event

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 4
MOST_WAITING = 100  # questions
STEPS, STEP_SECONDS = 50, 0.1  # so long a page waits for the daemon to do what was asked by hand


class AwayError(Exception):
    """The database cannot be asked now, or too many ask."""


class Site:
    """One for a daemon. `told` is read in the daemon's loop alone; questions go to `reader`, what is asked by hand
    to `store`.
    """

    def __init__(self, told: Told, store: Store) -> None:
        self._told, self.store, self.reader = told, store, store.reader()
        self.sight: Sight | None = None
        self.live = Live(self.render_live)
        self.views: dict[str, Callable[[Sight, Tongue], dict[str, Any]]] = {}
        self.makings = Makings()
        self.today: Today | None = None  # by the half-hour, kept for a minute
        self._waiting = 0

    @property
    def settings(self) -> Settings:
        return self._told.settings

    def look(self, now: datetime) -> None:
        """What there is to see now. Called once a second."""
        before = NOTHING_OWED if self.sight is None else self.sight.owed
        self.sight = sight(self._told, before, now)
        self.live.tell()

    def seen(self) -> Sight:
        """The latest."""
        if self.sight is None:
            self.look(datetime.now(UTC))
        assert self.sight is not None
        return self.sight

    def tongue(self, language: str) -> Tongue:
        return Tongue(self.settings, language, datetime.now(UTC))

    async def ask(self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer to a question that blocks. Raises AwayError when the database does not give one."""
        if self._waiting >= MOST_WAITING:
            raise AwayError
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, partial(question, *args, **kwargs))
        except (StoreError, SQLAlchemyError, OSError) as error:
            raise AwayError from error
        finally:
            self._waiting -= 1

    async def until_done(self, done: Callable[[Store], int], place: int) -> bool:
        """Whether the daemon did what was asked for by hand (its number is `place`) while a person waits."""
        for _ in range(STEPS):
            if await self.ask(done, self.store) >= place:
                return True
            await asyncio.sleep(STEP_SECONDS)
        return False

    async def render(self, template: str, values: dict[str, Any]) -> str:
        """A template, in a thread: a long list takes milliseconds that the exchange is not listened to."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(self._render, template, values))

    def _render(self, template: str, values: dict[str, Any]) -> str:
        return self._templates.get_template(template).render(values)

    def part(self, name: str, language: str) -> str:
        """The live part of a page, as it is now. In a thread."""
        tongue = self.tongue(language)
        return self._render(f"_{name}.html", self.common(tongue) | self.views[name](self.seen(), tongue))

    def render_live(self, view: View) -> bytes:
        """What is sent to those who look at it: the live part, or (of lists that have filters) that it changed."""
        name, language = view
        if name not in self.views:
            return event("changed", self.seen().revision)
        return event("part", self.part(name, language))

    def common(self, tongue: Tongue) -> dict[str, Any]:
        """What every template may use."""
        return {"tongue": tongue, "say": tongue.say, "word": tongue.word, "language": tongue.language}

    def close(self) -> None:
        """Streams end, so that the server can."""
        self.live.close()
        self.makings.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.reader.close()

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(THREADS, thread_name_prefix="pages")

    @cached_property
    def _templates(self) -> Environment:
        return Environment(
            loader=PackageLoader("callmon.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
