"""One backfill, from CEL rows to stored calls. Blocks: beside an event loop, run it in a thread.

    rows ─▶ stretches ─▶ facts of whole calls (`backfill/cel/extract.py`) ─▶ created or completed (`apply.py`)

With time windows, only calls that were up within them are taken.

Refuses: to store a call on no public line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from callmon.ami.mailboxes import MailboxGrowth
from callmon.backfill.apply import FilledGap, fill, is_settled
from callmon.backfill.cel import extract, mailbox_growth
from callmon.backfill.cel.incomplete import with_doubt
from callmon.backfill.cel.rows import CelReader, CelRow, ParseErrors
from callmon.backfill.outbound_calls import hand_over
from callmon.config.settings import Settings
from callmon.core.callbacks.triggers import called
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import Call
from callmon.core.calls.site import ExchangeProfile
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.core.statistics.counters import survey_was_heard
from callmon.store.database import Database
from callmon.store.queries import calls, obligations

Window = tuple[datetime, datetime]
Windows = Sequence[Window] | None  # None: all rows
LONG_AGO = timedelta(days=60)
# CEL writes a row when its event happens: rows of a call may lie this far outside the time in which it was up.
AROUND = timedelta(minutes=1)


class Backfill:
    """The backfill of one exchange's CEL into the database."""

    def __init__(
        self,
        settings: Settings,
        store: Database,
        exchange: str,
        grown: Mapping[str, Sequence[MailboxGrowth]] | None = None,
        writes: bool = True,
    ) -> None:
        """`grown`: by mailbox, its growth during measurement gaps, where messages were counted.

        Without `writes`, the same changes are found and nothing is written.
        """
        self._grown, self._writes = grown or {}, writes
        self._store, self.exchange = store, exchange
        self._site = ExchangeProfile(settings, exchange)
        self._monitor = Monitor(settings, exchange, token=obligations.token_function(store))
        self._monitor.survey_heard = survey_was_heard(calls.counters(store))
        known = settings.exchanges.get(exchange)
        self._keys = {} if known is None else known.language_keys
        self._keeps_numbers = known is None or known.cel.numbers
        self._region = settings.region
        self.bad = ParseErrors()
        self.apart: list[Call] = []
        self.called_back = 0  # outbound calls to open obligations, handed over to the ledger
        own = None if known is None else known.timezone
        self._zone = settings.timezone if own is None else ZoneInfo(own)
        self.rows = 0

    def measurement_gaps(self, now: datetime) -> list[Window] | None:
        """The measurement gaps of the last LONG_AGO, up to `now`; None if no event was ever received."""
        heard = calls.heartbeats(self._store).get(self.exchange)
        if heard is None:
            return None
        gaps = [(gap.start, gap.end) for gap in calls.gaps(self._store, self.exchange)]
        return [gap for gap in [*gaps, (heard, now)] if now - gap[1] < LONG_AGO]

    def reader(self) -> CelReader:
        """A reader for rows with local times in the exchange's time zone."""
        return CelReader(self._zone, self.bad)

    def run(self, rows: Iterable[CelRow], windows: Windows = None) -> Iterator[FilledGap]:
        """Yields the changes of each transaction after its commit. Raises StoreError."""
        messages: dict[str, str] = {}
        grown = {box: [x for x in growths if _is_within(x, windows)] for box, growths in self._grown.items()}
        if any(grown.values()):
            rows = list(rows)
            messages = mailbox_growth.messages_left(rows, grown)
        for part in extract.stretches(self._counted(rows)):
            found = self.calls_of(part)
            for call in messages.keys() & found.keys():
                found[call] = mailbox_growth.with_message(found[call], messages[call])
            if windows is not None:
                found = {call: facts for call, facts in found.items() if _was_up(facts, windows)}
            if not self._keeps_numbers:
                found = {call: [_without_number(facts), *facts[1:]] for call, facts in found.items()}
            self.apart += [_account(facts) for facts in found.values() if extract.arrival(facts).line is None]
            now = datetime.now(UTC)
            yield from fill(self._store, self._monitor, self.exchange, found, now, self._region, self._writes)
            if self._writes:
                self._hand_over(found)  # after the commands that open obligations for their messages

    def calls_of(self, part: Sequence[CelRow]) -> extract.ExtractedCalls:
        """The facts of each call that ends in this stretch of rows."""
        found = extract.extract_calls(part, self._site, self._keys)
        doubted = with_doubt(part, found, self.bad.lacks_apps)
        self.bad.doubted += len(doubted)
        return found | doubted

    def _hand_over(self, found: extract.ExtractedCalls) -> None:
        """Hands over the outbound calls that are not stored to the ledger: each may be a callback."""
        now, out = datetime.now(UTC), {}
        for call, facts in found.items():
            arrived = extract.arrival(facts)
            number = called(arrived, self._site)[0] if arrived.direction == "outbound" else None
            if number is not None and is_settled(facts, now):
                out[call] = number, facts
        stored = calls.names_with_facts(self._store, self.exchange, out)
        rest = [to_call for call, to_call in out.items() if call not in stored]
        self.called_back += hand_over(self._store, self.exchange, rest, now)

    def _counted(self, rows: Iterable[CelRow]) -> Iterator[CelRow]:
        for row in rows:
            self.rows += 1
            yield row


def _without_number(facts: Sequence[Fact]) -> Fact:
    arrived = extract.arrival(facts)
    if arrived.direction != "inbound":
        return arrived
    return msgspec.structs.replace(arrived, caller=None, withheld=arrived.withheld or "unknown")


def _was_up(facts: Sequence[Fact], windows: Sequence[Window]) -> bool:
    begin, end = facts[0].at, facts[-1].at
    if begin is None or end is None:
        return False
    return any(since - AROUND <= end and begin <= until + AROUND for since, until in windows)


def _is_within(growth: MailboxGrowth, windows: Windows) -> bool:
    """Whether the windows cover the whole time span of the growth."""
    if windows is None:
        return True
    return any(since - AROUND <= growth.since and growth.until <= until + AROUND for since, until in windows)


def _account(facts: Sequence[Fact]) -> Call:
    """The account of a call on no line, which no standard judges."""
    account = CallAccount(extract.arrival(facts))
    for fact in facts:
        account.record_fact(fact)
    return account.call()
