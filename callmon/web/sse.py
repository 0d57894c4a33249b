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
from collections import Counter
from collections.abc import Callable
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

MOST, MOST_OF_ONE = 600, 30  # clients; one account may be that of several wall screens
PATIENCE = 20.0  # seconds
TOGETHER, REST = 10, 0.005  # clients served at a time, then seconds for the loop to receive events
STILL = b"event: still\ndata:\n\n"  # nothing has changed: the page is not stale
STAYS_OPEN = b": callmon\nretry: 5000\n\n"

View = tuple[str, str]  # name, language
Render = Callable[[View], bytes]


def event(name: str, text: str) -> bytes:
    """One server-sent event."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()


class Client:
    """A client of one view."""

    __slots__ = ("_ready", "_text", "fetched", "gone", "has_begun", "person", "view")

    def __init__(self, view: View, person: str) -> None:
        self.view, self.person, self.fetched, self.gone = view, person, monotonic(), asyncio.Event()
        self._text: bytes | None = None
        self._ready = asyncio.Event()
        self.has_begun = False  # a whole text was offered, to which STILL may refer

    def offer(self, text: bytes) -> None:
        """Replaces a text that was not fetched."""
        if self._text is None:
            self.fetched = monotonic()  # all was fetched: the time limit begins with this text
        elif text is STILL:
            return  # the text not yet fetched is the latest
        self._text, self.has_begun = text, True
        self._ready.set()

    async def next(self) -> bytes:
        await self._ready.wait()
        self._ready.clear()
        text, self._text, self.fetched = self._text or b"", None, monotonic()
        return text

    def is_slow(self) -> bool:
        return self._text is not None and monotonic() - self.fetched > PATIENCE


class Live:
    """All clients. Used in the daemon's loop alone; only `render` is called in threads."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._clients: set[Client] = set()
        self._of: Counter[str] = Counter()  # clients by person
        self._latest: dict[View, bytes] = {}
        self._working: asyncio.Task[None] | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._clients)

    def is_full(self, person: str) -> bool:
        """Whether this person can open no further stream."""
        return self._is_closed or len(self._clients) >= MOST or self._of[person] >= MOST_OF_ONE

    def push(self) -> None:
        """Drops slow clients and starts a rendering. Never waits: a long one delays the next one, not the loop."""
        for client in [x for x in self._clients if x.is_slow()]:
            client.gone.set()
        views = {client.view for client in self._clients}
        if views and (self._working is None or self._working.done()):
            self._working = asyncio.ensure_future(self._work(views))

    async def _work(self, views: set[View]) -> None:
        for view in sorted(views):
            text = await asyncio.to_thread(self._render, view)
            is_same, self._latest[view] = text == self._latest.get(view), text
            for place, client in enumerate([x for x in self._clients if x.view == view]):
                client.offer(STILL if is_same and client.has_begun else text)
                if place % TOGETHER == TOGETHER - 1:
                    await asyncio.sleep(REST)

    def close(self) -> None:
        """Ends every stream; no further client is admitted."""
        self._is_closed = True
        for client in self._clients:
            client.gone.set()
        if self._working is not None:
            self._working.cancel()

    def join(self, view: View, person: str) -> Client:
        client = Client(view, person)
        self._clients.add(client)
        self._of[person] += 1
        return client

    def leave(self, client: Client) -> None:
        self._clients.discard(client)
        self._of -= Counter((client.person,))  # `-=` also drops persons without a client


class Stream(Response):
    """The streaming answer to one client."""

    def __init__(self, live: Live, view: View, person: str, request: Request) -> None:
        super().__init__(
            media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        self._live, self._view, self._person = live, view, person
        self._has_body = request.method != "HEAD"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        if not self._has_body:
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        client = self._live.join(self._view, self._person)
        await send(start)
        parts = (self._send(client, send), _left(receive), client.gone.wait())
        tasks = [asyncio.ensure_future(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._live.leave(client)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if client.gone.is_set():
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(0.2):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, client: Client, send: Send) -> None:
        await send({"type": "http.response.body", "body": STAYS_OPEN, "more_body": True})
        while True:
            await send({"type": "http.response.body", "body": await client.next(), "more_body": True})


async def _left(receive: Receive) -> None:
    """Returns when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
