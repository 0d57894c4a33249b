"""Shared formats of lists on a terminal of 80 columns: times, lengths and wrapped lines. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from textwrap import wrap
from typing import TYPE_CHECKING

from callmon.text.formatter import Formatter

if TYPE_CHECKING:
    from callmon.config.settings import Settings

WIDTH = 80
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class TerminalPage:
    """Base of the lists, with the time and the language of the list."""

    def __init__(self, settings: Settings, language: str, now: datetime) -> None:
        self._settings, self._now = settings, now
        self._speech = Formatter(language, settings.timezone)
        self._say = self._speech.say

    def _when(self, at: datetime) -> str:
        """A time: « mardi 16 h 45 »; with the date if it is more than six days away."""
        local, now = (x.astimezone(self._settings.timezone).date() for x in (at, self._now))
        name = self._speech.weekday(at)
        day = name if abs((local - now).days) < 7 else f"{name} {self._day(at)}"
        return f"{day} {self._time(at)}"

    def _day(self, at: datetime) -> str:
        return self._speech.day(at)

    def _time(self, at: datetime) -> str:
        return self._speech.minute(at)

    def _length(self, length: timedelta) -> str:
        """A length: « 12 min », « 2 h 10 », « 3 j 4 h ». Truncated, so that the time left is never overstated."""
        minutes, days = length // MINUTE, length // (24 * HOUR)
        if days:
            hours = (minutes - days * 1440) // 60
            return (
                self._say("{days} j {hours} h", days=days, hours=hours)
                if hours
                else self._say("{days} j", days=days)
            )
        if minutes < 60:
            return self._say("{minutes} min", minutes=minutes)
        return self._say("{hours} h {minutes}", hours=minutes // 60, minutes=f"{minutes % 60:02}")

    def _set(self, text: str, first: str = "", under: str | None = None) -> list[str]:
        lines = wrap(
            self._speech.typeset(text), WIDTH, initial_indent=first,
            subsequent_indent=first if under is None else under, break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        return [line.rstrip() for line in lines]
