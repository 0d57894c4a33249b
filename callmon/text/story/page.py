"""The page of a story: header, timeline, verdicts and notes on how to read them. Pure."""

from collections.abc import Iterator, Sequence

from callmon.config.lines import Line
from callmon.config.phone_numbers import printed
from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.callbacks.entries import AnyEntry
from callmon.core.calls.call import IMPORTED, DurationRange
from callmon.core.calls.rings import NEAR
from callmon.core.disruptions.disruption import Disruption
from callmon.core.facts import OUTSIDE
from callmon.core.verdicts import Finding
from callmon.store.queries.calls import StoredCall
from callmon.text.story.sentences import QUOTES, entry_sentence, sentence
from callmon.text.story.timeline import Moment, StoryContext, moments

WIDTH = 100
GAP = "   "


def line_of(name: str | None, settings: Settings) -> Line | None:
    return settings.lines()[name] if name is not None and name in settings.lines() else None


class Page:
    """The page of one call. Each part is a sequence of finished lines."""

    def __init__(
        self, context: StoryContext, stored: StoredCall, settings: Settings, met: Sequence[Disruption] = ()
    ) -> None:
        self._context = context
        self._exchange = stored.exchange
        self._findings = stored.findings
        self._met = met
        self._say = context.say
        self._call = context.call
        self._line = line_of(context.call.line, settings)

    def lines_of_text(self, entries: Sequence[AnyEntry]) -> Iterator[str]:
        """All parts. `entries`: the ledger entries of the callback or complaint that the call opened."""
        yield from (*self.header(), *self.timeline(), *self.ledger(entries), *self.verdicts(), *self.notes())

    # Header.

    def header(self) -> Iterator[str]:
        """The line, the time, and the properties of the call as a whole."""
        yield from self._set(self.title())
        yield from self._set(self.when())
        yield ""
        rows = list(self.properties())
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            yield from self._set(value, f"  {name:<{width}}{GAP}")

    def title(self) -> str:
        if self._line is not None:
            return self._line.title(self._context.language)
        return self._call.line or self._say("No public line")

    def when(self) -> str:
        arrived = self._call.arrived
        direction = self._context.capital(self._context.word("direction", self._call.direction))
        if arrived is None:
            return self._say("{direction}, at a time not known", direction=direction)
        day, time = self._context.day(arrived), self._context.minute(arrived)
        return self._say("{direction} on {day}, {time}", direction=direction, day=day, time=time)

    def properties(self) -> Iterator[tuple[str, str]]:
        say, call = self._say, self._call
        yield say("Call"), say("{call}, exchange {exchange}", call=call.call, exchange=self._exchange)
        yield say("Number dialled"), self._dialled()
        if call.direction == "inbound":
            yield say("Caller's number"), self._caller()
            yield say("Language asked for"), self._language()
        if call.line is not None:
            yield say("Normal business hours"), self._hours()
        yield say("Outcome"), self._outcome()
        if call.outcome == "answered" and call.waited is not None:
            yield say("Time to answer"), self._waited(call.waited)
        if call.heard != "full":
            yield say("Heard"), self._heard()
        for disruption in self._met:
            what = self._context.word("disruption", disruption.shown_source)
            yield say("Disruption"), say("{what} ({id})", what=what, id=disruption.id)

    def _dialled(self) -> str:
        if self._call.dialled == OUTSIDE:
            return self._say("outside, number not shown")
        own = self._line.numbers if self._line is not None else ()
        return printed(own[0] if own else self._call.dialled, self._context.language)

    def _caller(self) -> str:
        call = self._call
        if call.withheld is not None:
            return self._context.word("hidden", call.withheld)
        if call.caller is not None:
            return printed(call.caller, self._context.language)
        return self._say("delivered, not shown here")

    def _language(self) -> str:
        language = self._call.language
        return self._say("not known") if language is None else self._context.word("language", language)

    def _waited(self, waited: DurationRange) -> str:
        shortest, longest = self._context.seconds(waited.shortest), self._context.seconds(waited.longest)
        if shortest == longest or waited.longest - waited.shortest <= NEAR:
            return shortest
        return self._say("between {shortest} and {longest}", shortest=shortest, longest=longest)

    def _hours(self) -> str:
        if self._call.in_hours is None:
            return self._say("not known", context="hours")
        return self._say("yes") if self._call.in_hours else self._say("no")

    def _outcome(self) -> str:
        if not self._call.is_ended:
            return self._say("call still in progress")
        outcome = self._context.word("outcome", self._call.outcome)
        if self._call.abandoned_in is None:
            return outcome
        return f"{outcome} {self._context.word('abandoned_in', self._call.abandoned_in)}"

    def _heard(self) -> str:
        if self._call.heard == "filled":
            return self._say("measurement gap, filled from the exchange's log")
        if self._call.is_imported:
            return self._say("imported call: {record} only", record=IMPORTED[self._call.heard])
        return self._say("in part: measurement gap")

    # Timeline.

    def timeline(self) -> Iterator[str]:
        """One sentence for each moment, with its local time and the seconds on the caller's clock."""
        yield ""
        yield from self._set(self.timeline_head())
        yield ""
        rows = self.happenings()
        clocks = max((len(clock) for clock, _, _ in rows), default=0)
        counts = max((len(count) for _, count, _ in rows), default=0)
        for clock, count, text in rows:
            yield from self._set(text, f"  {clock:>{clocks}}{GAP}{count:>{counts}}{GAP if counts else ''}")

    def happenings(self) -> list[tuple[str, str, str]]:
        """(local time, seconds on the caller's clock or "", sentence) of each moment."""
        facts = moments(self._context.facts, self._context.third_ring_over)
        return [(*self._times(x), self._context.typeset(sentence(self._context, x))) for x in facts]

    def timeline_head(self) -> str:
        if self._context.clock is None:
            return self._say("What happened, in local time")
        if self._call.by_queue:
            return self._say("What happened: local time, then seconds since entering the queue")
        if self._call.by_music:
            return self._say("Timeline: local time, then seconds since a phone first rang")
        return self._say("What happened: local time, then seconds since the caller's first ring")

    def _times(self, moment: Moment) -> tuple[str, str]:
        at, exact = moment[0].at, getattr(moment[0], "slack", f.EXACT) == f.EXACT
        if at is None:
            return self._say("time not known"), ""
        clock = self._context.clock if exact and self._context.clock_slack == f.EXACT else None
        return self._context.second(at), "" if clock is None else self._context.seconds(at - clock)

    def ledger(self, entries: Sequence[AnyEntry]) -> Iterator[str]:
        """The history of the callback or complaint."""
        if not entries:
            return
        yield ""
        yield from self._set(self._say("What was done about it, local time"))
        yield ""
        for entry in entries:
            day, time = self._context.day(entry.at), self._context.minute(entry.at)
            yield from self._set(f"{entry_sentence(self._context, entry)}.", f"  {day}, {time}{GAP}")

    # Verdicts.

    def verdicts(self) -> Iterator[str]:
        """Each promise: verdict, reason, cause, and the text of the policy."""
        if not self._findings:
            return
        yield ""
        yield from self._set(self._say("Service standards"))
        for finding in self._findings:
            yield ""
            yield from self._verdict(finding)

    def _verdict(self, finding: Finding) -> Iterator[str]:
        title = self._context.word("standard", finding.standard)
        verdict = self._context.word("verdict", finding.verdict)
        yield from self._set(self._say("{title}: {verdict}", title=title, verdict=verdict), "  ")
        for text in (*self.why(finding), *self.quoted(finding.standard)):
            yield from self._set(text, "    ")

    def why(self, finding: Finding) -> Iterator[str]:
        yield self._say("Reason: {reason}.", reason=self._context.reason(finding.reason_key, finding.number))
        if finding.cause is not None:
            yield self._say("Cause: {cause}.", cause=self._context.word("cause", finding.cause))
        if finding.verdict == "not_met" and finding.standard == "answer_by_third_ring":
            yield from self._answering_phone()

    def _answering_phone(self) -> Iterator[str]:
        """The caller's ring at which the answering phone began to ring: it may be as late as the fourth (R-10)."""
        call = self._call
        ring = self._context.ring_at(call.answering_phone_rang)
        if call.answered_by is None or ring is None:
            return
        phone = self._context.phones([call.answered_by])
        first = self._context.ordinal(ring)
        yield self._say("{phone} rang from the caller's ring {ring} on.", phone=phone, ring=first)

    def quoted(self, standard: str) -> Iterator[str]:
        """The policy's words and, in English, their translation."""
        if standard not in QUOTES:
            return
        quote = QUOTES[standard]
        yield self._say("The policy: « {words} » ({place})", words=quote.words, place=quote.place)
        if self._context.language != "fr":
            yield self._say("Our translation: “{words}”", words=quote.english)

    # Notes.

    def notes(self) -> Iterator[str]:
        """The note of R-11, if rings or seconds were counted."""
        if note := self.counting_note():
            yield ""
            yield from self._set(note)

    def counting_note(self) -> str:
        """How rings or seconds were counted; "" if neither was."""
        if self._call.rings is None and self._context.clock is None:
            return ""
        cycle = self._context.about(self._call.cycle)
        if self._call.by_queue:
            return self._say(
                "In a queue with music the caller hears no ring: the time to answer counts in seconds, "
                "{cycle} to a ring.",
                cycle=cycle,
            )
        if self._call.by_music:
            return self._say(
                "With music the caller hears no ringing: the wait counts in seconds since a phone first "
                "rang, {cycle} to a ring.",
                cycle=cycle,
            )
        return self._say(
            "A ring lasts {cycle} with the silence after it. Rings are counted at the exchange; the caller "
            "may have heard one fewer.",
            cycle=cycle,
        )

    def _set(self, text: str, head: str = "") -> Sequence[str]:
        """Lines of at most WIDTH columns: the first begins with `head`, the others are indented by its length."""
        return self._context.wrapped(text, WIDTH, head, " " * len(head))
