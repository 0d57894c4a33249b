"""Every button of every role of the demonstration is pressed, on a running daemon, at a given moment."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from callmon.daemon import daemon, runtime
from callmon.daemon.daemon import Daemon
from callmon.features.disruptions import page as disruptions
from callmon.features.months import page as months
from callmon.features.worklist import page as callbacks
from callmon.site import FEATURES
from callmon.store import sign_off
from callmon.store.commands import CALLBACK_QUEUE, DISRUPTION_QUEUE
from callmon.tools.demo.access import COOKIE, PEOPLE, DemoAccess
from callmon.tools.demo.exchange import DemoExchange
from callmon.tools.demo.schedule import USUAL
from callmon.web import context
from tests.pages.test_demonstration_day import MOMENTS, Demo, days_before, demo
from tests.support.store_fixtures import until

CLOCKS: tuple[ModuleType, ...] = (
    callbacks, context, daemon, disruptions, months, runtime,
)  # fmt: skip
PAGES = ("/en/", "/en/callbacks", "/en/calls", "/en/promises", "/en/disruptions", "/en/guide", "/en/wall")
OF_ROLES = {"manager": ("/en/months",), "verifier": ("/en/months",), "administrator": ("/en/accesses",)}
MOST = 6  # pages of one kind
TYPED = {"text": "demonstration", "in_charge": "D. Roy", "number": "416 555-0123", "when": "", "lasts": "2"}
TYPED |= {"role": "viewer", "days": "30"}  # of a token
Form = tuple[str, str, dict[str, str], list[tuple[str, str]]]  # method, action, fields, buttons


def moved(moment: datetime) -> type[datetime]:
    """A clock that shows this moment now, and goes on."""
    began = time.monotonic()

    class Moved(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return (moment + timedelta(seconds=time.monotonic() - began)).astimezone(tz)

    return Moved


class ButtonsPage(HTMLParser):
    """The links and forms of a page; each form is filled as a person would who tries its buttons."""

    def __init__(self, text: str, now: datetime) -> None:
        super().__init__()
        self._now, self.links, self.forms, self._select = now, list[str](), list[Form](), ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append((given.get("method", "get"), given.get("action", ""), {}, []))
        elif self.forms and tag == "button" and "disabled" not in given and kind != "button":
            self.forms[-1][3].append((name, given.get("value", "")))
        elif self.forms and tag in ("input", "select", "textarea") and name:
            self._fill(name, kind if tag == "input" else tag, given)

    def _fill(self, name: str, kind: str, given: dict[str, str]) -> None:
        fields = self.forms[-1][2]
        if kind in ("hidden", "radio"):
            fields.setdefault(name, given.get("value", ""))
        elif kind == "checkbox":
            fields[name] = given.get("value", "")
        elif kind == "datetime-local":
            hours = {"start": 24, "until": 26}.get(name, 0) if fields.get("action") == "plan" else 0
            fields[name] = (
                f"{self._now + timedelta(hours=hours):%Y-%m-%dT%H:%M}" if hours else given.get("value", "")
            )
        elif self.forms[-1][0] == "post":
            fields[name] = TYPED.get(name, "demonstration" if kind == "text" else "")


class Presser:
    """Presses each button of one role once."""

    def __init__(self, client: httpx.AsyncClient, it: Demo, formats: tuple[str, ...], name: str) -> None:
        self._client, self._store, self._formats = client, it.store, formats
        self._is_verifier = name == "verifier"  # who prepares nothing, and signs what the other has prepared
        self._now = it.now.astimezone(it.settings.timezone)
        self._visited: Counter[str] = Counter()
        self._pages: list[str] = []
        self.pressed: set[tuple[str, ...]] = set()
        self.wrong: list[str] = []

    async def press_all(self, pages: tuple[str, ...]) -> None:
        self._pages += pages
        while self._pages:
            path = self._pages.pop(0)
            if self._visited[path] or self._visited[_kind(path)] >= MOST:
                continue
            self._visited[path] += 1
            self._visited[_kind(path)] += _kind(path) != path
            while await self._press_one(path):
                pass

    async def _press_one(self, path: str) -> bool:
        """Whether a button of the page was pressed that was not before."""
        answer = await self._finished(await self._client.get(path))
        self._check(path, answer)
        if "html" not in answer.headers["content-type"]:
            return False
        page = ButtonsPage(answer.text, self._now)
        self._pages += [
            x for x in (urlsplit(urljoin(path, link)).path for link in page.links) if x.startswith("/en/")
        ]
        for method, action, fields, name, value in _buttons(page):
            reported = (fields.get(x, "") for x in ("action", "step", "to_sign"))
            key = (_kind(urlsplit(action or path).path), *reported, name, value)
            is_wanted = fields.get("kind", value if name == "kind" else "html") in self._formats
            is_other = action.endswith("/demonstration") or (self._is_verifier and "to_sign" in fields)
            if key in self.pressed or not is_wanted or is_other:
                continue
            self.pressed.add(key)
            sent = fields | ({name: value} if name else {})
            how = {"params": sent} if method == "get" else {"data": sent}
            answer = await self._client.request(method, urljoin(path, action), **how)  # type: ignore[arg-type]
            self._check(" ".join((path, *key)), await self._finished(answer))
            self._pages += [answer.url.path] if answer.history else []
            await asyncio.to_thread(self._wait_until_applied)
            return True
        return False

    def _wait_until_applied(self) -> None:
        """A page waits for five seconds: a busy machine may take longer to apply what was done on it."""
        assert until(
            lambda: not any(x.count_pending(self._store) for x in (CALLBACK_QUEUE, DISRUPTION_QUEUE)), 120
        )

    async def _finished(self, answer: httpx.Response) -> httpx.Response:
        """The page, once a report that it waits for is made."""
        async with asyncio.timeout(300):
            while "data-wait" in answer.text[:200_000]:
                await asyncio.sleep(0.2)
                answer = await self._client.get(answer.url)
        return answer

    def _check(self, what: str, answer: httpx.Response) -> None:
        if answer.status_code != 200 or 'role="alert"' in answer.text:
            reported = re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)
            self.wrong.append(f"{what}: {answer.status_code} {reported[1] if reported else ''}")


def _buttons(page: ButtonsPage) -> Iterator[tuple[str, str, dict[str, str], str, str]]:
    for method, action, fields, buttons in page.forms:
        for name, value in buttons:
            yield method, action, fields, name, value


def _kind(path: str) -> str:
    """A path without what it names: /en/callbacks/17955.0-complaint → /en/callbacks/#."""
    return re.sub(r"/[^/]*\d[^/]*", "/#", re.sub(r"(?<=/months/)(\d{4}-\d\d)/[\w-]{16}", r"\1/0", path))


async def pressed(folder: Path, moment: str, formats: tuple[str, ...], patch: pytest.MonkeyPatch) -> None:
    """The manager comes before the verifier: what one prepares, the other signs.

    A report is made by another process, at this machine's time: every month that is over is final for it.
    """
    async with DemoExchange(pace=USUAL) as exchange:
        with demo(folder, moment, days_before(moment, 64), exchange.port, exchange.secret) as it:
            clock = moved(it.now)
            for module in CLOCKS:
                patch.setattr(module, "datetime", clock)
            exchange.hold(it.now)
            access = DemoAccess(it.settings.web.access, it.store, now=lambda: clock.now(UTC))
            running = Daemon(it.settings, it.store, FEATURES, access=access)
            task = asyncio.create_task(running.run())
            try:
                async with asyncio.timeout(60):
                    while not running.address:  # noqa: ASYNC110 - a daemon says it to nobody
                        await asyncio.sleep(0.05)
                found = await _press(running.address, it, formats)
            finally:
                running.stop()
                await task
            assert found == ([], BUTTONS_OF)
            (revision,) = sign_off.revisions(it.store)
            assert (revision.step, [x.who for x in revision.signatures]) == (
                "approved", ["D. Roy", "F. Gagnon", "F. Gagnon"],
            )  # fmt: skip


async def _press(address: str, it: Demo, formats: tuple[str, ...]) -> tuple[list[str], dict[str, int]]:
    """What went wrong, and how many buttons each person pressed."""
    wrong, pressed = list[str](), dict[str, int]()
    for name in PEOPLE:
        async with httpx.AsyncClient(
            base_url=address, follow_redirects=True, timeout=120, cookies={COOKIE: name}
        ) as client:
            presser = Presser(client, it, formats, name)
            await presser.press_all(PAGES + OF_ROLES.get(name, ()))
            wrong += [f"{name}: {x}" for x in presser.wrong]
            pressed[name] = len(presser.pressed)
    return wrong, pressed


BUTTONS_OF = {"viewer": 6, "agent": 17, "manager": 18, "verifier": 18, "administrator": 8}


@pytest.mark.turns(2)
@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_button_of_every_role_works_and_two_people_sign_a_month(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(pressed(tmp_path, moment, ("html", "csv"), monkeypatch))
