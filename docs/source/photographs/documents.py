"""The pictures of the pages in the documentation, `dashboards/pages/NAME-LANGUAGE.png`.

    python -m docs.source.photographs.documents

It is 2 p.m. at the ministry whenever this runs, by the choice of the time zone. Months of invented calls lie
behind it. Each picture has few colours, so that a repository can hold it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from playwright.sync_api import Browser

from callmon.config.settings import Settings
from callmon.store import opening
from dashboards.source.pictures import few_colours
from docs.source.photographs import places
from docs.source.photographs.places import Seen
from docs.source.photographs.subjects import LANGUAGES, MANAGER, VIEWER, at
from tests.lab.browser import Chromium, Colours, connected, opened
from tests.support.daemon_process import ROOT
from tests.support.pages_daemon import EVERYTHING, Headers
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


def take(browser: Browser, seen: Seen, name: str, picture: Picture, language: str) -> None:
    address = seen.site.address + picture.paths(seen.names)[language]
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


def main() -> None:
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="callmon-pages-") as folder, places.exchange() as exchange:
        own = {"timezone": f'"{zone(now)}"', "hours": places.hours(now.replace(hour=HOUR), is_open=True)}
        site = places.place(Path(folder), "site", exchange, places.ROLES + places.TARGETS, **own)
        past(site.settings(), now)
        with places.seen(site) as seen, Chromium() as chromium, connected(chromium) as browser:
            places.announce(seen)
            for name, picture in PICTURES.items():
                for language in LANGUAGES:
                    take(browser, seen, name, picture, language)


if __name__ == "__main__":
    main()
