"""Who looks on live: one rendering for all, the slow are dropped, nobody is waited for at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from starlette.requests import Request

from callmon.web import sse
from callmon.web.sse import STAYS_OPEN, STILL, Live, Stream, event

VIEW = ("now", "fr")
Sent = list[bytes]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def taking(found: Sent) -> Send:
    """A client that takes everything."""

    async def send(message: MutableMapping[str, Any]) -> None:
        found.append(message.get("body", b""))

    return send


def looking(many: Live, send: Send, person: str = "marie", method: str = "GET") -> asyncio.Task[None]:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    request = Request({"type": "http", "method": method, "path": "/", "headers": [], "query_string": b""})
    stream = Stream(many, VIEW, person, request)
    return asyncio.ensure_future(stream(request.scope, receive, send))


async def settled(many: Live) -> None:
    """The rendering in progress is done, and the streams have sent what they can: independent of the load."""
    if many._working is not None:
        await asyncio.wait([many._working])
    for _ in range(100):
        await asyncio.sleep(0)


async def test_a_view_is_rendered_once_for_all_and_again_only_when_it_changed() -> None:
    texts, asked = [b"one", b"one", b"two"], []

    def render(view: tuple[str, str]) -> bytes:
        asked.append(view)
        return texts[len(asked) - 1]

    many, first, second = Live(render), Sent(), Sent()
    tasks = [looking(many, taking(first)), looking(many, taking(second))]
    await settled(many)
    for _ in range(3):
        many.push()
        await settled(many)
    assert asked == [VIEW] * 3
    assert first == second == [b"", STAYS_OPEN, b"one", STILL, b"two"]
    many.close()
    await asyncio.gather(*tasks)
    assert (len(many.clients), many.is_full("marie")) == (0, True)


async def test_who_comes_later_is_sent_the_whole_though_nothing_changed() -> None:
    many, first, second = Live(lambda _: b"one"), Sent(), Sent()
    tasks = [looking(many, taking(first))]
    await settled(many)
    many.push()
    await settled(many)
    tasks.append(looking(many, taking(second)))
    await settled(many)
    many.push()
    await settled(many)
    assert (first[2:], second[2:]) == ([b"one", STILL], [b"one"])
    many.close()
    await asyncio.gather(*tasks)


async def test_a_client_that_takes_nothing_is_dropped_and_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PATIENCE", 0.0)
    numbers = iter(range(100))
    many, quick = Live(lambda _: str(next(numbers)).encode()), Sent()

    async def stuck(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    slow, other = looking(many, stuck), looking(many, taking(quick))
    await settled(many)
    for number in range(6):
        many.push()
        async with asyncio.timeout(60):
            await settled(many)
            while len(quick) < number + 3:
                await settled(many)
    await asyncio.wait_for(slow, 60)
    assert (slow.done(), other.done(), len(many.clients)) == (True, False, 1)
    assert quick[2:] == [b"0", b"1", b"2", b"3", b"4", b"5"]
    many.close()
    await other


async def test_nobody_is_let_in_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MOST", 1)
    many = Live(lambda _: b"")
    task = looking(many, taking([]))
    await settled(many)
    assert many.is_full("luc")
    many.close()
    await task


async def test_one_person_takes_no_more_than_their_own_places() -> None:
    many = Live(lambda _: b"")
    tasks = [looking(many, taking([])) for _ in range(sse.MOST_OF_ONE)]
    await settled(many)
    assert (many.is_full("marie"), many.is_full("luc")) == (True, False)
    tasks.pop().cancel()
    await settled(many)
    assert not many.is_full("marie")
    many.close()
    await asyncio.gather(*tasks)


async def test_a_head_request_takes_no_place_and_ends_at_once() -> None:
    many, sent = Live(lambda _: b""), Sent()
    await asyncio.wait_for(looking(many, taking(sent), method="HEAD"), 10)
    assert (len(many.clients), sent) == (0, [b"", b""])


def test_an_event_has_a_line_for_each_line_of_its_text() -> None:
    assert event("part", "<p>\nx") == b"event: part\ndata: <p>\ndata: x\n\n"
