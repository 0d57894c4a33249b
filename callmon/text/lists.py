"""The lists of callbacks, complaints and disruptions for the agent on call, on a terminal of 80 columns. Pure.

Callbacks are sorted by urgency: the last time at which a person can act. Cautions precede the number. Callbacks
that cannot be returned are in a separate part. A disruption with an incomplete notice has a sign, and the list
states in words what is missing: the promise requires the reason, the expected end and the alternative in both
languages.

Refuses: to show a number that was not requested from the store.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from callmon.config.phone_numbers import printed
from callmon.config.settings import Settings
from callmon.core.callbacks.obligation import Obligation
from callmon.core.disruptions.disruption import Disruption
from callmon.store.queries.obligations import WorklistItem
from callmon.text.formatter import Formatter
from callmon.text.records import instant

WIDTH = 80
INDENT = "    "
# shown beside the words, so that nothing depends on colour
LATE = "■"
SOON = "▲"
NONE = " "


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

    def _entry(self, sign: str, title: str, texts: Iterable[str]) -> Iterator[str]:
        yield from self._set(title, f"  {sign} ", INDENT)
        for text in texts:
            yield from self._set(text, INDENT)

    def _set(self, text: str, first: str = "", under: str | None = None) -> list[str]:
        return self.wrapped(text, WIDTH, first, first if under is None else under)


def urgency(obligation: Obligation) -> tuple[datetime, datetime]:
    return (obligation.due.actionable or obligation.due.at, obligation.opened)


class CallbackList(TerminalPage):
    def text(self, listed: Iterable[WorklistItem]) -> str:
        parts: dict[str, list[WorklistItem]] = {"callback": []}
        for found in sorted(listed, key=lambda x: urgency(x.obligation)):
            parts.setdefault(_part_of(found.obligation), []).append(found)
        lines = [*self._set(self._head()), *self._closed_until()]
        for part in ("callback", "complaint", "hidden", "closed"):
            if part in parts:
                title = self._part_title(part, len(parts[part]))
                lines += self._part(title, map(self.entry, parts[part]))
        return "\n".join(lines)

    def _part_title(self, part: str, number: int) -> str:
        return {
            "callback": self._say("Callbacks to make: {number}", number=number),
            "complaint": self._say("Complaints to deal with: {number}", number=number),
            "hidden": self._say("Cannot be called back, message to listen to: {number}", number=number),
            "closed": self._say("Closed entries: {number}", number=number),
        }[part]

    def _closed_until(self) -> Iterator[str]:
        calendar = self.settings.calendar()
        opens = None if calendar.is_open(self.now) else calendar.opens_next(self.now)
        if opens is not None:
            yield from self._set(self._say("Closed: do not call the public before {when}.", when=self.when(opens)))

    def entry(self, listed: WorklistItem) -> Iterator[str]:
        obligation = listed.obligation
        sign = LATE if obligation.is_overdue else SOON if obligation.is_soon else NONE
        cautions = [f"!! {self.capital(self.word('caution', caution))} !!" for caution in obligation.cautions]
        texts = [self.where(obligation), *cautions, self.printed_number(listed)]
        if obligation.in_hand is not None and obligation.taken is not None:
            when = self.when(obligation.taken)
            texts.append(self._say("In hand: {who}, {when}", who=obligation.in_hand, when=when))
        texts += [self.history(obligation), self._say("Entry {id}", id=obligation.id)]
        yield from self._entry(sign, self.time_left(obligation), texts)

    def time_left(self, obligation: Obligation) -> str:
        say, until = self._say, obligation.due.actionable
        if not obligation.is_open:
            state = self.capital(self.word("obligation_state", obligation.state))
            return say("{state}, {when}", state=state, when=self.when(obligation.settled or obligation.opened))
        if obligation.kind == "callback" and not obligation.can_be_called:
            return say("Received {when}", when=self.when(obligation.opened))
        if until is None:
            when = self.when(obligation.due.at)
            return say("No opening hour before it is due ({when}): to be done at opening", when=when)
        if until < self.now and obligation.attempts and not obligation.is_overdue:
            return say("Attempted in time: the person is still to be reached")
        if until < self.now:
            late = self.duration(self.now - until)
            return say("OVERDUE by {late}: was to be done before {when}", late=late, when=self.when(until))
        left = self.duration(until - self.now)
        return say("{left} left: to be done before {when}", left=left, when=self.when(until))

    def where(self, obligation: Obligation) -> str:
        title = self.line_title(obligation.line)
        if obligation.language == "unknown":
            return title
        language = self.word("language", obligation.language)
        return self._say("{title} · asked for in {language}", title=title, language=language)

    def printed_number(self, listed: WorklistItem) -> str:
        obligation = listed.obligation
        if obligation.is_erased:
            return self._say("Number destroyed at the end of its retention")
        if listed.other is not None:
            number = printed(listed.other, self.language)
            return self._say("{number} (number to call, given apart)", number=number)
        if obligation.hidden is not None:
            return self.capital(self.word("not_returnable", obligation.hidden))
        if listed.number is None:
            return self._say("Number not kept")
        number = printed(listed.number, self.language)
        if obligation.tty:
            return self._say("{number} (teletypewriter)", number=number)
        if obligation.shared:
            return self._say("{number} (shared number: to be written down by hand)", number=number)
        return number

    def history(self, obligation: Obligation) -> str:
        parts = [f"{self.capital(self.word('opening', obligation.opening))}, {self.when(obligation.opened)}"]
        if obligation.count > 1:
            parts.append(self._say("{count} messages", count=obligation.count))
        if obligation.attempts:
            last = self.when(obligation.attempts[-1])
            parts.append(
                self._say("attempts: {count}, the last {when}", count=len(obligation.attempts), when=last)
            )
        if obligation.unattributed is not None:
            parts.append(f"{self.word('reason', 'not_attributed')}, {self.when(obligation.unattributed)}")
        if obligation.acknowledged is not None:
            parts.append(self._say("acknowledged {when}", when=self.when(obligation.acknowledged)))
        return " · ".join(parts)


def _part_of(obligation: Obligation) -> str:
    if not obligation.is_open:
        return "closed"
    return "hidden" if obligation.kind == "callback" and not obligation.can_be_called else obligation.kind


def obligation_as_json(listed: WorklistItem) -> dict[str, Any]:
    entry = listed.obligation
    state = "overdue" if entry.is_overdue else "due_soon" if entry.is_soon else "open"
    return {
        "id": entry.id,
        "exchange": entry.exchange,
        "call": entry.call,
        "kind": entry.kind,
        "opening": entry.opening,
        "line": entry.line,
        "service": entry.service,
        "language": entry.language,
        "state": state if entry.is_open else entry.state,
        "opened": instant(entry.opened),
        "due": instant(entry.due.at),
        "due_by_clock": instant(entry.dues.clock),
        "due_by_business_day": instant(entry.dues.business),
        "actionable": instant(entry.due.actionable),
        "no_open_hour": entry.no_open_hour,
        "messages": entry.count,
        "attempts": [instant(at) for at in entry.attempts],
        "unattributed": instant(entry.unattributed),
        "acknowledged": instant(entry.acknowledged),
        "settled": instant(entry.settled),
        "closed_because": entry.reason,
        "in_hand": None if entry.in_hand is None else {"by": entry.in_hand, "since": instant(entry.taken)},
        "message_left": entry.message_left,
        "cautions": list(entry.cautions),
        "not_returnable": entry.hidden,
        "shared": entry.shared,
        "tty": entry.tty,
        "number": listed.number,
        "other_number": listed.other,
    }


class DisruptionList(TerminalPage):
    def text(self, found: Iterable[Disruption], met: Mapping[str, int]) -> str:
        """The whole list. `met`: the number of affected calls by disruption id."""
        parts: dict[str, list[Iterator[str]]] = {}
        for disruption in found:
            parts.setdefault(disruption.state(self.now), []).append(self.entry(disruption, met.get(disruption.id)))
        going_on = parts.get("going_on", [])
        lines = [*self._set(self._head())]
        lines += self._part(self._say("Disruptions now: {number}", number=len(going_on)), going_on)
        if planned := parts.get("planned"):
            lines += self._part(self._say("Planned work: {number}", number=len(planned)), planned)
        if over := [*parts.get("over", ()), *parts.get("cancelled", ())]:
            lines += self._part(self._say("Over: {number}", number=len(over)), over)
        return "\n".join(lines)

    def entry(self, disruption: Disruption, met: int | None = None) -> Iterator[str]:
        sign = LATE if disruption.counts and disruption.notice.missing() else NONE
        texts = [self.line_titles(disruption), *self.notice(disruption)]
        if met is not None and disruption.counts:
            texts.append(self._say("Calls that met it: {number}", number=met))
        texts.append(self._say("Disruption {id}", id=disruption.id))
        yield from self._entry(sign, self.title(disruption), texts)

    def title(self, disruption: Disruption) -> str:
        say, what = self._say, self.capital(self.word("disruption", disruption.shown_source))
        if disruption.how == "cancelled":
            return say("{what}, cancelled", what=what)
        began = self.when(disruption.began)
        if disruption.ended is not None:
            ended, length = self.when(disruption.ended), self.duration(disruption.ended - disruption.began)
            how = self.word("disruption_end", disruption.how or "over")
            return say(
                "{what}, from {began} to {ended} ({length}): {how}",
                what=what,
                began=began,
                ended=ended,
                length=length,
                how=how,
            )
        if self.now < disruption.began:
            return say("{what}, from {began} on", what=what, began=began)
        length = self.duration(self.now - disruption.began)
        return say("{what}, since {began} ({length})", what=what, began=began, length=length)

    def line_titles(self, disruption: Disruption) -> str:
        return " · ".join(map(self.line_title, disruption.lines))

    def notice(self, disruption: Disruption) -> Iterator[str]:
        say = self._say
        notice = disruption.notice
        french = self.language == "fr"
        if (reason := notice.reason_fr if french else notice.reason_en) is not None:
            yield say("Reason: {text}", text=reason)
        if notice.until is not None:
            yield say("Expected end: {when}", when=self.when(notice.until))
        if (other := notice.alternative_fr if french else notice.alternative_en) is not None:
            yield say("Alternative: {text}", text=other)
        if missing := notice.missing():
            what = ", ".join(self.word("notice", x) for x in _both_languages(missing))
            yield say("NOTICE INCOMPLETE, missing: {what}", what=what)
        elif disruption.noticed_after:
            yield say("Notice given {length} after the beginning", length=self.duration(disruption.noticed_after))
        else:
            yield say("Notice given beforehand")


def _both_languages(missing: Sequence[str]) -> Iterator[str]:
    """A text that is missing in both languages is named once."""
    for name in missing:
        text, _, language = name.partition("_")
        if f"{text}_fr" not in missing or f"{text}_en" not in missing:
            yield name
        elif language == "fr":
            yield text


def disruption_fields(disruption: Disruption) -> dict[str, Any]:
    """The JSON fields that do not change by time alone; MQTT publishes these."""
    notice = disruption.notice
    return {
        "id": disruption.id,
        "source": disruption.source,
        "exchange": disruption.exchange or None,
        "lines": list(disruption.lines),
        "began": instant(disruption.began),
        "until": instant(notice.until),
        "ended": instant(disruption.ended),
        "reason": {"fr": notice.reason_fr, "en": notice.reason_en},
        "alternative": {"fr": notice.alternative_fr, "en": notice.alternative_en},
        "missing": list(notice.missing()),
        "announced": instant(disruption.announced),
        "confirmed": disruption.confirmed,
        "work": disruption.work,
    }


def disruption_as_json(disruption: Disruption, now: datetime, met: int | None) -> dict[str, Any]:
    """One disruption as JSON values, in its state at `now`."""
    after = disruption.noticed_after
    return {
        **disruption_fields(disruption),
        "state": disruption.state(now),
        "ended_how": disruption.how,
        "by": disruption.actor,
        "seconds_to_notice": None if after is None else after.total_seconds(),
        "calls_met": met,
        "at": instant(now),
    }
