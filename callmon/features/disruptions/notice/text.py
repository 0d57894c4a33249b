"""The notice of a disruption or of planned work as the public reads it, in one language. Pure.

    what                                                                  shown to the public
    lines, their public numbers, start, expected end, reason, alternative yes
    source, exchange, trunk, author, affected calls                       no

The French and the English of a text appear at the same moment: until both exist, neither is shown. A published
page is read later: each time has its date. Refuses: to state that all is well. Nothing known is no more than that.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from callmon.config.phone_numbers import printed
from callmon.core.disruptions.disruption import NO_NOTICE, Disruption
from callmon.text.lists import TerminalPage
from callmon.text.records import instant

FILES = {"fr": "perturbations", "en": "disruptions"}  # the names of the published files, without the ending
STALE_MINUTES = 15  # an older page no longer states what is known


def public_disruptions(found: Iterable[Disruption], now: datetime) -> list[Disruption]:
    """The disruptions that the notice lists: in progress first, then planned, each by its start.

    Leaves out: an exchange that is only unheard, unless staff announced it; an outage within the planned work
    that announces it.
    """
    live = [x for x in found if x.counts and x.ended is None and (x.confirmed or x.notice != NO_NOTICE)]
    names = {x.id for x in live}
    shown = [x for x in live if x.work not in names]
    return sorted(shown, key=lambda x: (x.state(now) == "planned", x.began, x.id))


def public_ids(shown: Iterable[Disruption]) -> dict[str, str]:
    """By disruption, a UUID of what the notice says of it anyway: lines and beginning.

    The identifier within callmon has the name of a trunk or an exchange. A reader who guesses that name could
    compute its UUID and compare.
    """
    made, count = dict[str, str](), Counter[str]()
    for x in sorted(shown, key=lambda x: x.id):
        said = f"{instant(x.began)} {' '.join(sorted(x.lines))}"
        made[x.id] = str(uuid5(NAMESPACE_URL, f"callmon:{said} {count[said]}"))
        count[said] += 1
    return made


def is_late(disruption: Disruption, now: datetime) -> bool:
    """Whether its expected end has passed."""
    return disruption.notice.until is not None and disruption.notice.until <= now


class PublicNotice(TerminalPage):
    """The notices of one language at one time."""

    def title(self, disruption: Disruption) -> str:
        if disruption.source == "work":
            return self._say("Planned work on the telephone service")
        return self._say("Temporary disruption of the telephone service")

    def where(self, disruption: Disruption) -> str:
        return " · ".join(map(self._line, disruption.lines))

    def _line(self, line: str) -> str:
        """The title with the public numbers, by which people know a line."""
        lines = self.settings.lines()
        numbers = [printed(number, self.language) for number in lines[line].numbers] if line in lines else []
        return f"{self.line_title(line)} ({', '.join(numbers)})" if numbers else self.line_title(line)

    def text(self, disruption: Disruption) -> str:
        """The whole notice, one statement a line: for a web page, an e-mail, a greeting."""
        where = self._say("Lines affected: {lines}", lines=self.where(disruption))
        return "\n".join([self.title(disruption), where, *self.details(disruption)])

    def details(self, disruption: Disruption) -> Iterator[str]:
        """Start, reason, expected end and alternative."""
        say, notice = self._say, disruption.notice
        yield say("Start: {when}", when=self.full(disruption.began))
        reason = self._both(notice.reason_fr, notice.reason_en)
        yield say("Reason: {text}", text=reason) if reason else say("Reason: not announced yet")
        if notice.until is None:
            yield say("Expected end: not announced yet")
        elif is_late(disruption, self.now):
            when = self.full(notice.until)
            yield say("Expected end: {when}; this time has passed, a new one will be announced", when=when)
        else:
            yield say("Expected end: {when}", when=self.full(notice.until))
        other = self._both(notice.alternative_fr, notice.alternative_en)
        yield say("Alternative: {text}", text=other) if other else say("Alternative: not announced yet")

    def full(self, at: datetime) -> str:
        """« mardi 24 novembre 2026, 9 h 12 »."""
        return self._say("{day}, {time}", day=f"{self.weekday(at)} {self.day(at)}", time=self.minute(at))

    def _both(self, french: str | None, english: str | None) -> str | None:
        """The text of this language; None until it exists in both."""
        return (french if self.language == "fr" else english) if french and english else None

    # The page around the notices.

    def heading(self) -> str:
        return self._say("Temporary disruptions of the telephone service")

    def status(self, count: int, is_heard: bool) -> Iterator[str]:
        """What is known of disruptions in progress. `is_heard`: whether every exchange is monitored now."""
        if not is_heard:
            yield self._say(
                "Monitoring of the telephone lines is interrupted: there may be disruptions that are not known."
            )
        elif not count:
            yield self._say("No disruption is known at present.")

    def parts(self) -> tuple[tuple[str, str], ...]:
        """(state, title) of each part of the page."""
        return ("going_on", self._say("At present")), ("planned", self._say("Planned work"))

    def updated(self) -> str:
        return self._say("Updated: {when}", when=self.full(self.now))

    def stale(self) -> str:
        return self._say(
            "If that is more than {count} minutes ago, this page is out of date: there may be other disruptions.",
            count=STALE_MINUTES,
        )

    def other_formats(self) -> dict[str, str]:
        """By the file's ending, the text of its link."""
        return {"ics": self._say("Subscribe to the calendar (iCalendar)"), "json": self._say("Data (JSON)")}


def notice_as_json(found: Iterable[Disruption], is_heard: bool, pages: Iterable[PublicNotice]) -> dict[str, Any]:
    """The published JSON. A text is null until it exists in both languages."""
    notices = {page.language: page for page in pages}
    now, found = notices["fr"].now, list(found)
    ids = public_ids(found)
    return {
        "updated": instant(now),
        "heard": is_heard,
        "disruptions": [
            {
                "id": ids[x.id],
                "state": x.state(now),
                "planned_work": x.source == "work",
                "lines": [
                    {"line": line, **{name: page.line_title(line) for name, page in notices.items()}}
                    for line in x.lines
                ],
                "began": instant(x.began),
                "until": instant(x.notice.until),
                "reason": _translated(x.notice.reason_fr, x.notice.reason_en),
                "alternative": _translated(x.notice.alternative_fr, x.notice.alternative_en),
            }
            for x in found
        ],
    }


def _translated(french: str | None, english: str | None) -> dict[str, str] | None:
    return {"fr": french, "en": english} if french and english else None
