"""The pictures of the pages in the documentation, `dashboards/pages/NAME-LANGUAGE.png`.

    python -m docs.source.photographs.documents [NAME...]

It is 2 p.m. at the ministry whenever this runs, by the choice of the time zone. Months of invented calls lie
behind it. The questions are asked of the demonstration. Each picture has few colours: a repository can hold it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo

import httpx
from playwright.sync_api import Browser

from callmon.config.settings import Settings, example_text
from callmon.site import FEATURES
from callmon.store import opening
from callmon.web.entries import page_table
from dashboards.source.pictures import few_colours
from docs.source.photographs import places
from docs.source.photographs.subjects import ADMINISTRATOR, LANGUAGES, MANAGER, VIEWER, at
from tests.lab.browser import Chromium, Colours, connected, opened
from tests.support.daemon_process import ROOT, free_port
from tests.support.made_queue_log import made
from tests.support.pages_daemon import EVERYTHING, Headers
from tests.support.store_fixtures import until
from tests.support.year import obligations, rows, stories

PLACE = ROOT / "dashboards" / "pages"
HOUR = 14  # of the ministry's day
MONTHS, CALLS, CALLBACKS = timedelta(days=190), 8_000, 900
PATIENCE = 120_000  # milliseconds
RINGING, BEATING = "main .dots", "[data-beat] main .dots"


class Picture(NamedTuple):
    """A page, from the heading `top` on where there is one; or the element `part` alone."""

    paths: Callable[[Mapping[str, str]], Mapping[str, str]]
    person: Headers = VIEWER
    size: tuple[int, int] = (1280, 860)
    part: str = ""
    top: str = ""
    zoom: float = 1
    colours: Colours = "light"
    waits: str = ""


def _call(story: str) -> Callable[[Mapping[str, str]], Mapping[str, str]]:
    return lambda names: at("call", exchange="toronto", call=names[f"call.{story}"])


PICTURES = {
    "now": Picture(lambda names: at("now"), waits=RINGING),
    "half-hours": Picture(lambda names: at("now"), part="#halves"),
    "wall": Picture(lambda names: at("wall"), size=(1280, 720), colours="dark", waits=BEATING, zoom=2 / 3),
    "callbacks": Picture(lambda names: at("callbacks"), EVERYTHING),
    "call": Picture(_call("late")),
    "call-phone": Picture(_call("transferred"), size=(320, 900), top="#h-story"),
    "months": Picture(lambda names: at("months"), MANAGER),
    "disruptions": Picture(lambda names: at("disruptions"), MANAGER),
    "imports": Picture(lambda names: at("imports"), ADMINISTRATOR, size=(1280, 360)),
}


def zone(now: datetime) -> str:
    """In which it is HOUR o'clock. The names of these zones have the sign of the west."""
    west = (now.hour - HOUR) % 24
    return f"Etc/GMT{west if west <= 12 else west - 24:+d}"


def past(settings: Settings, now: datetime) -> None:
    """The months before today, in the hours of the ministry."""
    local = now.astimezone(settings.timezone)

    def when(random: Random) -> datetime:
        while True:
            day = local - random.random() * MONTHS - timedelta(days=1)
            if day.weekday() < 5:
                return day.replace(hour=8, minute=30) + random.random() * timedelta(hours=8.4)

    store = opening.open_for_writing(settings)
    owings = [x for x in obligations.owings(CALLBACKS, settings, at=when) if x[0].settled is not None]
    rows.stored(store, settings, stories.calls(CALLS, at=when), owings)
    rows.listened(store, now - 1.1 * MONTHS, now)
    store.close()


def imported(config: Path, now: datetime) -> None:
    """A month of each record from before the calls that callmon heard, as the command imports it."""
    for before, kind in ((330, "cdr"), (290, "queue_log"), (250, "cel")):
        file = config.with_name(f"past-{kind}")
        first = (now - timedelta(days=before)).date()
        file.write_text(made(30, 40, str(first), record=kind)[0], encoding="ascii")
        words = ("import", kind, str(file), "--yes", "--config", str(config), "--timezone", "America/Toronto")
        subprocess.run([sys.executable, "-m", "callmon", *words], check=True, stdout=subprocess.DEVNULL)


def take(browser: Browser, address: str, name: str, picture: Picture, language: str) -> None:
    width, height = picture.size
    with opened(
        browser, "<p></p>", width=width, height=height, colours=picture.colours, zoom=picture.zoom
    ) as page:
        page.set_extra_http_headers(dict(picture.person))
        page.goto(address)
        if picture.waits:
            page.wait_for_selector(picture.waits, timeout=PATIENCE)
        if picture.top:
            page.locator(picture.top).evaluate("heading => heading.scrollIntoView()")
        png = page.locator(picture.part).screenshot() if picture.part else page.screenshot()
        few_colours(png, PLACE / f"{name}-{language}.png")


def questions() -> dict[str, tuple[str, dict[str, str]]]:
    """The page and the query of each question that is asked of the demonstration."""
    today = datetime.now(demo_zone()).date()
    last = today.replace(day=1) - timedelta(days=1)
    month = {"from": str(last.replace(day=1)), "to": str(last)}
    return {
        "why": ("why", {"day": str(today)}),
        "what-if": ("what if", month | {"voicemail": "5"}),
        "phones": ("phones needed", {}),
    }


def of_the_demonstration() -> None:
    """The questions of a lead, asked of the demonstration's day."""
    picture = Picture(lambda names: {}, size=(1280, 900), waits="main table")
    with demonstration() as address, Chromium() as chromium, connected(chromium) as browser:
        pages = page_table(FEATURES)
        for name, (page, query) in questions().items():
            for language in LANGUAGES:
                take(browser, address + pages[page].address(language, query), name, picture, language)


@contextmanager
def demonstration() -> Iterator[str]:
    """The address of `callmon demo`, once its pages answer."""
    listen = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "callmon", "demo", "--listen", listen]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        assert until(lambda: is_there(f"http://{listen}/healthz"), seconds=120)
        yield f"http://{listen}"
    finally:
        process.terminate()
        process.wait()


def is_there(address: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(address).is_success
    return False


def demo_zone() -> ZoneInfo:
    return ZoneInfo(tomllib.loads(example_text())["timezone"])


def main() -> None:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="callmon-pages-") as folder, places.exchange() as exchange:
        own = {"timezone": f'"{zone(now)}"', "hours": places.hours(now.replace(hour=HOUR), is_open=True)}
        site = places.place(Path(folder), "site", exchange, places.ROLES + places.TARGETS, **own)
        past(site.settings(), now)
        imported(site.config, now)
        with places.seen(site) as seen, Chromium() as chromium, connected(chromium) as browser:
            places.announce(seen)
            for name in sys.argv[1:] or PICTURES:
                picture = PICTURES[name]
                for language in LANGUAGES:
                    take(browser, seen.site.address + picture.paths(seen.names)[language], name, picture, language)
    if not sys.argv[1:]:
        of_the_demonstration()


if __name__ == "__main__":
    main()
