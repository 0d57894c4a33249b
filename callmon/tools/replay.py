"""Runs recordings through the same pipeline as a live exchange. The only I/O is reading the given files.

Several recordings are successive connections to one exchange: between them is a gap.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, Any

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.ami.framing import Framer
from callmon.core.calls.call import Call
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.verdicts import Finding
from callmon.text.records import as_json, outcome_lines

CHUNK = 64 * 1024


class Replay:
    """Feeds one exchange's recordings to a monitor and collects every call."""

    def __init__(self, monitor: Monitor, exchange: str) -> None:
        self.monitor = monitor
        self._exchange = exchange
        self._connections = 0
        self.messages = 0
        self.findings: dict[str, list[Finding]] = {}
        self.ended: list[Call] = []
        self.start: datetime | None = None
        self.last: datetime | None = None

    def connection(self, chunks: Iterable[bytes]) -> Iterator[Outcome]:
        """The outcomes of one connection's bytes. A message that is cut off at the end is dropped."""
        if self._connections:
            yield from self.feed(e.ConnectionLost(self.last))
        self._connections += 1
        framer = Framer()
        heard: datetime | None = None
        for chunk in chunks:
            for message in framer.receive(chunk):
                self.messages += 1
                heard = decoding.timestamp(message) or heard
                event = decoding.event(message)
                if isinstance(event, e.Reply):
                    event = e.presentation(event, heard)
                if isinstance(event, e.StatusComplete | e.CoreShowChannelsComplete):
                    event = type(event)(heard)  # it has no Timestamp: the clock is the last one seen
                if isinstance(event, e.Event) and type(event) is not e.VoicemailUserDetail:
                    self.start = self.start or event.at
                    yield from self.feed(event)
        self.last = heard or self.last

    def feed(self, event: e.Event) -> Iterator[Outcome]:
        outcome = self.monitor.feed(self._exchange, event)
        if outcome is not None:
            yield self.taken(outcome)
        deadline = self.monitor.ledger.next_deadline()
        if self.monitor.exchanges[self._exchange].tracker.listing.since is not None:
            return  # in a gap: until the listing, nobody knows which calls are still up
        if deadline is not None and event.at is not None and deadline < event.at:
            yield from map(self.taken, self.monitor.tick(event.at))

    def taken(self, outcome: Outcome) -> Outcome:
        of_obligations = (finding for written in outcome.ledger for finding in written.findings)
        for finding in (*outcome.findings, *of_obligations):
            self.findings.setdefault(finding.call, []).append(finding)
        for finding in (finding for written in outcome.ledger for finding in written.corrections):
            known = self.findings.get(finding.call, [])
            self.findings[finding.call] = [finding if x.standard == finding.standard else x for x in known]
        self.ended.extend(outcome.calls)
        return outcome

    def calls(self) -> list[dict[str, Any]]:
        """Every call received, by arrival, as interface.md's JSON. A call still in progress has `ended` null."""
        calls = self.ended + self.monitor.calls_in_progress(self._exchange)
        calls.sort(key=lambda call: (call.arrived.timestamp() if call.arrived else 0.0, call.call))
        return [as_json(self._exchange, call, self.findings.get(call.call, ())) for call in calls]


def chunks(source: IO[bytes], advance: Callable[[int], object] = int) -> Iterator[bytes]:
    while data := source.read(CHUNK):
        yield data
        advance(len(data))


def replayed_lines(
    replay: Replay, sources: Iterable[IO[bytes]], advance: Callable[[int], object] = int, language: str = "en"
) -> Iterator[str]:
    """The aligned lines of all facts and findings. `advance` receives the number of bytes that were read."""
    for source in sources:
        for outcome in replay.connection(chunks(source, advance)):
            yield from outcome_lines(outcome, replay.start, language)
