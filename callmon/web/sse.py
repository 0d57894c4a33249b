"""The live pages: one rendering a second, view and language, sent to all its clients. Server-sent events.

    push() ──▶ each view that has clients is rendered once, in a thread
                 └▶ each client's queue of one: a new text replaces one that was not fetched
    a client that has fetched nothing for PATIENCE is dropped, not waited for
    close() ends every stream at once

Bounded: one text a view, one queue of one a client, at most MOST clients. One person (by name, or by address
without a name) has at most MOST_OF_ONE. A client above a limit reads the page without live updates.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from time import monotonic

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from callmon.web.auth.identity import Services

MOST, MOST_OF_ONE = 600, 30  # clients; one account may be that of several wall screens
PATIENCE = 20.0  # seconds
TOGETHER, REST = 10, 0.005  # clients served at a time, then seconds for the loop to receive events
STILL = b"event: still\ndata:\n\n"  # nothing has changed: the page is not stale
STAYS_OPEN = b": callmon\nretry: 5000\n\n"

View = tuple[str, str, Services]  # name, language, whose data
Render = Callable[[View], bytes]


def event(name: str, text: str) -> bytes:
    """One server-sent event."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()


class Client:
    """A client of one view, and the text that it has not fetched."""

    def __init__(self, view: View, person: str) -> None:
        self.view = view
        self.person = person
        self.gone = asyncio.Event()
        self.texts: asyncio.Queue[bytes] = asyncio.Queue(1)
        self.has_begun = False  # a whole text was offered, to which STILL may refer
        self._waits_since = 0.0

    def offer(self, text: bytes) -> None:
        """Replaces a text that was not fetched."""
        if self.texts.empty():
            self._waits_since = monotonic()
        elif text is STILL:
            return  # the text not yet fetched is the latest
        else:
            self.texts.get_nowait()
        self.texts.put_nowait(text)
        self.has_begun = True

    def is_slow(self) -> bool:
        return self.texts.full() and monotonic() - self._waits_since > PATIENCE


class Live:
    """All clients. Used in the daemon's loop alone; only `render` is called in threads."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self.clients: set[Client] = set()
        self._latest: dict[View, bytes] = {}
        self._working: asyncio.Task[None] | None = None
        self._is_closed = False

    def is_full(self, person: str) -> bool:
        """Whether this person can open no further stream."""
        theirs = sum(client.person == person for client in self.clients)
        return self._is_closed or len(self.clients) >= MOST or theirs >= MOST_OF_ONE

    def push(self) -> None:
        """Drops slow clients and starts a rendering. Never waits: a long one delays the next one, not the loop."""
        for client in [x for x in self.clients if x.is_slow()]:
            client.gone.set()
        views = {client.view for client in self.clients}
        if views and (self._working is None or self._working.done()):
            self._working = asyncio.ensure_future(self._work(views))

    async def _work(self, views: set[View]) -> None:
        for view in sorted(views, key=str):
            text = await asyncio.to_thread(self._render, view)
            is_same, self._latest[view] = text == self._latest.get(view), text
            for place, client in enumerate([x for x in self.clients if x.view == view]):
                client.offer(STILL if is_same and client.has_begun else text)
                if place % TOGETHER == TOGETHER - 1:
                    await asyncio.sleep(REST)

    def close(self) -> None:
        """Ends every stream; no further client is admitted."""
        self._is_closed = True
        for client in self.clients:
            client.gone.set()
        if self._working is not None:
            self._working.cancel()


class Stream(StreamingResponse):
    """The streaming answer to one client."""

    def __init__(self, live: Live, view: View, person: str, request: Request) -> None:
        self._live, self._client = live, Client(view, person)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._texts(request.method == "HEAD"), headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._live.clients.add(self._client)
        parts = (super().__call__(scope, receive, send), self._client.gone.wait())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live.clients.discard(self._client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._client.gone.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.2):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _texts(self, is_head: bool) -> AsyncIterator[bytes]:
        if is_head:
            return
        yield STAYS_OPEN
        while True:
            yield await self._client.texts.get()
