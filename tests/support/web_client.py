"""A browser in front of the application: requests without a socket, with stored cookies."""

from __future__ import annotations

import asyncio
import re
from typing import Any, cast

import httpx
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = ("127.0.0.1", 40000)
ELSEWHERE = ("198.51.100.7", 40000)
OURS = "http://localhost"
PATIENCE = 60.0  # seconds: an answer that takes longer never comes
FIELD = re.compile(r'name="csrf" value="([^"]*)"')


class Visitor:
    """One browser at one address. An exception of the application is raised here."""

    def __init__(self, application: ASGIApp, at: tuple[str, int] = HERE, url: str = OURS, **headers: str) -> None:
        self._application, self._at, self._url, self._headers = application, at, url, headers
        self.cookies = httpx.Cookies()
        self.is_behind_tls = False  # the browser speaks TLS to a proxy; the application receives plain HTTP

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.send("POST", path, **options)

    def token(self, path: str) -> str:
        """The form token of the page at `path`."""
        text = self.get(path).text
        found = FIELD.search(text)
        return found[1] if found else text

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._sent_alone(method, path, **options))

    async def _sent_alone(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The jobs that the request began end before the loop.

        The end of a loop cancels also tasks in which asyncio starts a process. Python 3.13 can then wait forever.
        """
        answer = await self.sent(method, path, **options)
        jobs = [task for task in asyncio.all_tasks() if task.get_name().startswith("job ")]
        for job in jobs:
            job.cancel()
        if jobs:
            await asyncio.wait(jobs)
        return answer

    async def sent(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._asked, client=self._at)
        async with httpx.AsyncClient(
            transport=transport, base_url=self._url, headers=self._headers, cookies=self.cookies
        ) as browser:
            answer = await browser.request(method, path, **options)
            self.cookies = browser.cookies
        return answer

    async def _asked(self, scope: Scope, receive: Receive, send: Send) -> None:
        reported = scope | {"scheme": "http"} if self.is_behind_tls else scope
        live, is_over = asyncio.Event(), False

        async def leaving() -> Message:
            """The visitor of a live page disconnects as soon as there was something to see."""
            parts = [asyncio.ensure_future(receive()), asyncio.ensure_future(live.wait())]
            try:
                await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
                if not live.is_set():
                    return cast(Message, parts[0].result())
                await asyncio.sleep(0.02)
                return {"type": "http.disconnect"}
            finally:
                for part in parts:
                    part.cancel()

        async def seen(message: Message) -> None:
            nonlocal is_over
            kind = dict(message.get("headers", ())).get(b"content-type", b"")
            if b"text/event-stream" in kind:
                live.set()
            is_over = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        async with asyncio.timeout(PATIENCE):
            await self._application(reported, leaving, seen)
        if live.is_set() and not is_over:
            await send({"type": "http.response.body", "body": b""})
