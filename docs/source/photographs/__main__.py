"""`python -m docs.source.photographs FOLDER [WORD…]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Browser

from docs.source.photographs import places, subjects
from docs.source.photographs.places import Seen
from docs.source.photographs.subjects import LANGUAGES, Subject
from tests.lab.browser import Chromium, connected, opened, shot

LOOKS = {
    "light": {},
    "dark": {"colours": "dark"},
    "forced": {"forced_colours": True},
    "print": {"width": 720, "height": 930},
    "phone": {"width": 320, "height": 640},
}
PATIENCE = 10_000  # milliseconds
EVERY = ("light", "dark")


class Camera:
    """Takes the pictures of those whose names are wanted, and says what it could not take."""

    def __init__(self, browser: Browser, folder: Path, words: list[str]) -> None:
        self._browser, self._folder, self._words = browser, folder, words
        self.taken = 0
        self.failed: list[str] = []

    def wants(self, some: Iterable[Subject]) -> list[Subject]:
        return [x for x in some if not self._words or any(word in x.name for word in self._words)]

    def take(self, seen: Seen, some: Iterable[Subject]) -> None:
        for subject in self.wants(some):
            for look in LOOKS if subject.is_main else EVERY:
                for language in LANGUAGES:
                    self._take(seen, subject, look, language)

    def _take(self, seen: Seen, subject: Subject, look: str, language: str) -> None:
        name = f"{subject.name}.{language}.{look}"
        how = {"width": subject.size[0], "height": subject.size[1], **LOOKS[look]}
        try:
            with opened(self._browser, "<p></p>", **how) as page:  # type: ignore[arg-type]  # what `opened` takes
                page.set_default_timeout(PATIENCE)
                page.set_extra_http_headers(subject.person)
                page.goto(seen.site.address + subject.paths[language])
                if subject.act is not None:
                    subject.act(page)
                if look == "print":
                    page.emulate_media(media="print")
                page.evaluate("scrollTo(0, 0)")
                shot(page, self._folder / f"{name}.png")
            self.taken += 1
        except Exception as error:
            self.failed.append(f"{name}: {str(error).splitlines()[0]}")


Taking = Callable[[Camera, Path], None]


def in_full(camera: Camera, folder: Path) -> None:
    zone_now = datetime.now().astimezone(places.ZONE)
    with places.exchange() as exchange:
        hours = places.hours(zone_now, is_open=True)
        site = places.place(folder, "full", exchange, places.ROLES + places.TARGETS, hours=hours)
        with places.seen(site) as seen:
            places.announce(seen)
            camera.take(seen, subjects.full(seen.names))


def without(camera: Camera, folder: Path) -> None:
    """Unheard; closed; on a holiday; before the first call."""
    now = datetime.now().astimezone(places.ZONE)
    pages = ("now", "wall", "callbacks")
    with places.seen(places.place(folder, "unheard", None), disruption=True) as seen:
        camera.take(seen, subjects.quiet("unheard", *pages))
    with places.exchange() as exchange:
        closed = places.place(folder, "closed", exchange, hours=places.hours(now, is_open=False))
        with places.seen(closed) as seen:
            camera.take(seen, subjects.quiet("closed", *pages))
        day = f'{{ day = {now.date()}, title_fr = "fête du Travail", title_en = "Labour Day" }}'
        holiday = places.place(folder, "holiday", exchange, closed_days_add=f"[{day}]")
        with places.seen(holiday) as seen:
            camera.take(seen, subjects.quiet("holiday", *pages, "promises"))
    with places.exchange() as exchange, places.seen(places.place(folder, "first", exchange), False) as seen:
        names = ("now", "wall", "callbacks", "calls", "months", "disruptions", "accesses")
        camera.take(seen, subjects.quiet("first", *names))


def away(camera: Camera, folder: Path) -> None:
    with places.exchange() as exchange, places.seen(places.place(folder, "away", exchange)) as seen:
        places.take_away(seen.site, only=places.OF_A_REPORT)
        camera.take(seen, subjects.failing())
        places.take_away(seen.site)
        camera.take(seen, subjects.away(seen.names))


def door(camera: Camera, folder: Path) -> None:
    """A person who types a wrong password must wait: each such page at a site that nobody tried yet."""
    for name, some in subjects.door().items():
        if camera.wants(some):
            with places.seen(places.place(folder, f"door-{name}", None, places.ACCOUNTS), False) as seen:
                camera.take(seen, some)


@contextmanager
def camera(folder: Path, words: list[str]) -> Iterator[Camera]:
    with ExitStack() as stack:
        chromium = stack.enter_context(Chromium())
        yield Camera(stack.enter_context(connected(chromium)), folder, words)


def main(folder: str, *reported: str) -> int:
    words, sites = [x for x in reported if x[0] != "@"], {x[1:] for x in reported if x[0] == "@"}
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="callmon-seen-") as where, camera(Path(folder), words) as lens:
        for taking in (in_full, without, away, door):
            if not sites or taking.__name__ in sites:
                taking(lens, Path(where))
    sys.stdout.write("\n".join((f"{lens.taken} pictures in {folder}", *lens.failed, "")))
    return bool(lens.failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
