"""Shared formats of a site's lists: times near the list's own, titles of lines, lines of 80 columns. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from callmon.config.settings import Settings
from callmon.text.formatter import Formatter

WIDTH = 80
INDENT = "    "


class TerminalPage(Formatter):
    """Base of the lists: the formatter of one language at one time."""

    def __init__(self, settings: Settings, language: str, now: datetime) -> None:
        super().__init__(language, settings.timezone)
        self.settings, self.now = settings, now

    def when(self, at: datetime) -> str:
        """A time: « mardi 16 h 45 »; with the date if it is more than six days away."""
        local, now = (x.astimezone(self.timezone).date() for x in (at, self.now))
        day = "" if abs((local - now).days) < 7 else f" {self.day(at)}"
        return f"{self.weekday(at)}{day} {self.minute(at)}"

    def line_title(self, line: str) -> str:
        """The title of a line; a line that is no longer configured is shown by its name."""
        lines = self.settings.lines()
        return lines[line].title(self.language) if line in lines else line

    def _head(self) -> str:
        return self._say("{day}, {time}", day=self.day(self.now), time=self.minute(self.now))

    def _part(self, title: str, entries: Iterable[Iterable[str]]) -> Iterator[str]:
        """A title and its entries, each after an empty line."""
        yield ""
        yield from self._set(title)
        for entry in entries:
            yield ""
            yield from entry

    def _set(self, text: str, first: str = "", under: str | None = None) -> list[str]:
        return self.wrapped(text, WIDTH, first, first if under is None else under)
