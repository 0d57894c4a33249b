"""One call, cut between two moments: what a callmon says of it that was cut off, or killed, between them."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal, NamedTuple

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.backfill.merge import merged
from callmon.core import facts as f
from callmon.core.calls.call import Call
from callmon.core.facts import Fact, as_it_stands
from callmon.core.monitor import Monitor
from callmon.core.verdicts import Finding
from callmon.tools.replay import Replay
from tests.model.exam.judging import wrongs
from tests.model.exam.subjects import SaidOfCall, Subject, said_in, said_of
from tests.support.cut_recordings import END, listing

Way = Literal["cut", "kill"]
WAYS: tuple[Way, ...] = ("cut", "kill")
UPTIME = "100000"
SOON = timedelta(seconds=0.0002)
LATER = 3  # messages that are heard before the listing


class Cut(NamedTuple):
    """Heard before moment `end` and from `begin` on; the listing comes at moment `listed`."""

    end: int
    begin: int
    listed: int
    way: Way


class Stored(NamedTuple):
    """What a callmon had told when it was killed."""

    facts: list[Fact]
    findings: dict[str, list[Finding]]
    ended: list[Call]


def fresh(subject: Subject) -> Monitor:
    return Monitor(subject.settings, "toronto", every_call=True, token=str)


class Examined:
    """One subject under examination: each of its listings is made once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self._listings: dict[int, list[e.Event]] = {}

    def pairs(self, most: int | None, seed: int) -> list[tuple[int, int]]:
        """The last moment before the gap, and the first after it: all, or so many of them."""
        count = len(self.subject.moments)
        every = [(i, j) for i in range(count) for j in range(i, count)]
        chance = random.Random(f"{seed} {self.subject.name}")
        return every if most is None or len(every) <= most else chance.sample(every, most)

    def cuts(self, pair: tuple[int, int]) -> Iterator[Cut]:
        end, begin = pair
        last = len(self.subject.moments) - 1
        for listed in sorted({begin, min(begin + LATER, last)}):
            yield from (Cut(end, begin, listed, way) for way in WAYS)

    def wrongs(self, cut: Cut) -> list[str]:
        """In what more is claimed than is true."""
        replay, facts = self.replayed(cut)
        heard, found = said_in(replay), []
        for own, said in heard.items():
            true = self.subject.true.get(own)
            if true is not None:
                found += wrongs(said, true)
            elif said.call.line is not None and said.call.direction == "inbound":
                found.append(f"nobody made {own}")
        found += [f"lost {own}" for own in self._begun_before(cut.end) - heard.keys()]
        for own, said in self._filled(heard, facts):
            found += [f"filled {wrong}" for wrong in wrongs(said, self.subject.true[own], filled=True)]
        return [f"{self.subject.name} {tuple(cut)}: {wrong}" for wrong in found]

    def replayed(self, cut: Cut) -> tuple[Replay, list[Fact]]:
        """After the cut; with all facts that were told."""
        events, subject = self.subject.events, self.subject
        lost, back = subject.time(subject.moments[cut.end]), subject.time(subject.moments[cut.begin])
        if cut.way == "kill":
            stored = self._stored[cut.end]
            replay, facts = _begun_again(subject, stored, lost), list(stored.facts)
        else:
            replay = Replay(fresh(subject), "toronto")
            facts = _fed(replay, [*events[: cut.end], e.ConnectionLost(lost)])
        facts += _fed(replay, [e.FullyBooted(back, UPTIME), *events[cut.begin : cut.listed]])
        facts += _fed(replay, [*self.listing(cut.listed), *events[cut.listed :]])
        return replay, facts

    @cached_property
    def _stored(self) -> list[Stored]:
        """At each moment."""
        replay, facts, found = Replay(fresh(self.subject), "toronto"), list[Fact](), list[Stored]()
        for event in (None, *self.subject.events):
            facts += _fed(replay, [event]) if event else []
            findings = {call: list(known) for call, known in replay.findings.items()}
            found.append(Stored(list(facts), findings, list(replay.ended)))
        return found

    def listing(self, moment: int) -> list[e.Event]:
        if moment not in self._listings:
            self._listings[moment] = list(self._listed(moment))
        return self._listings[moment]

    def _listed(self, moment: int) -> Iterator[e.Event]:
        subject, message = self.subject, self.subject.moments[moment]
        at = subject.time(message)
        is_last = moment == len(subject.events)
        at += SOON if is_last else max(timedelta(0), min(SOON, (subject.time(message + 1) - at) / 2))
        applications = {row.uniqueid: (row.app, row.data) for row in subject.rows if row.at <= at}
        shown = subject.recording.shown[message - 1] if message > 0 else {}
        for block in listing(shown, applications, "0").split(END):
            event = decoding.event(block) if block else None
            if isinstance(event, e.CoreShowChannelsComplete | e.StatusComplete):
                yield type(event)(at)
            elif isinstance(event, e.Event):
                yield event

    def _begun_before(self, end: int) -> set[str]:
        born = {event.uniqueid for event in self.subject.events[:end] if isinstance(event, e.Newchannel)}
        return born & self.subject.true.keys()

    def _filled(self, heard: dict[str, SaidOfCall], known: list[Fact]) -> Iterator[tuple[str, SaidOfCall]]:
        """What CEL makes of each call that was not heard throughout."""
        for own, in_diary in self.subject.diary.items():
            said = heard.get(own)
            if said is not None and said.call.heard == "full" and said.call.is_ended:
                continue
            facts = list(as_it_stands([fact for fact in known if fact.call == own]))
            is_whole = bool(facts) and isinstance(facts[0], f.Arrived) and isinstance(facts[-1], f.Ended)
            outcome = self.subject.retelling.retell("toronto", merged(facts, in_diary) if is_whole else in_diary)
            if outcome is not None:
                yield own, said_of(outcome)


def _fed(replay: Replay, events: Iterable[e.Event]) -> list[Fact]:
    return [fact for event in events for outcome in replay.feed(event) for fact in outcome.facts]


def _begun_again(subject: Subject, stored: Stored, lost: datetime) -> Replay:
    """A callmon that knows what the one before it had stored."""
    ended = {fact.call for fact in stored.facts if isinstance(fact, f.Ended)}
    calls: dict[str, list[Fact]] = {}
    for fact in stored.facts:
        if fact.call not in ended:
            calls.setdefault(fact.call, []).append(fact)
    judged = {call: [finding.standard for finding in found] for call, found in stored.findings.items()}
    second = Replay(fresh(subject), "toronto")
    second.findings = {call: list(found) for call, found in stored.findings.items()}
    second.ended = list(stored.ended)
    second.monitor.restore("toronto", lost, calls, judged)
    return second
