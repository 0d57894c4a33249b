"""From rows of CEL to what is stored: read, told, filled in. Blocks: run it in a thread beside an event loop.

    rows ─▶ stretches ─▶ facts of whole calls (`backfill/cel/extract.py`) ─▶ created or completed (`apply.py`)

Where a time is given, only the calls that were up in it are taken. Calls on no public line are never stored.
"""

from __future__ import annotations

import gzip
import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from callmon.ami.mailboxes import Growth
from callmon.backfill.apply import Filled, fill, is_settled
from callmon.backfill.cel import extract, mailbox_growth
from callmon.backfill.cel.incomplete import with_doubt
from callmon.backfill.cel.rows import LONGEST_LINE, Bad, Reader, Row
from callmon.backfill.outbound_calls import hand_over
from callmon.config.settings import Settings
from callmon.core import assembly
from callmon.core import facts as f
from callmon.core.callbacks.triggers import called
from callmon.core.calls.account import Account
from callmon.core.calls.call import Call
from callmon.core.facts import Fact
from callmon.core.statistics.counters import survey_was_heard
from callmon.errors import ConfigError
from callmon.store.database import Store
from callmon.store.queries import calls, obligations

Window = tuple[datetime, datetime]
# CEL writes a row when it happens: a call's own rows may lie this far outside the time in which it was up.
LONG_AGO = timedelta(days=60)
AROUND = timedelta(minutes=1)


class Backfill:
    """One exchange's CEL into the database."""

    def __init__(
        self, settings: Settings, store: Store, exchange: str, grown: Mapping[str, Sequence[Growth]] | None = None
    ) -> None:
        """`grown`: the boxes' growths while nobody listened, where these were counted."""
        self._grown = grown or {}
        self._store, self.exchange = store, exchange
        self._site = assembly.site(settings, exchange)
        self._monitor = assembly.monitor(settings, exchange, token=obligations.token(store))
        self._monitor.survey_heard = survey_was_heard(calls.counters(store))
        told = settings.exchanges.get(exchange)
        self._keys = {} if told is None else told.language_keys
        self._keeps_numbers = told is None or told.cel.numbers
        self._region = settings.region
        self.bad = Bad()
        self.apart: list[Call] = []
        self.called_back = 0  # calls out to somebody who waits, told to the ledger
        own = None if told is None else told.timezone
        self.zone = settings.timezone if own is None else ZoneInfo(own)
        self.rows = 0

    def unheard(self, now: datetime) -> list[Window] | None:
        """When nobody listened, as far as it is not long ago; None: nobody ever did."""
        heard = calls.heartbeats(self._store).get(self.exchange)
        if heard is None:
            return None
        gaps = [(gap.start, gap.end) for gap in calls.gaps(self._store, self.exchange)]
        return [gap for gap in [*gaps, (heard, now)] if now - gap[1] < LONG_AGO]

    def reader(self) -> Reader:
        """Of rows whose local times are the exchange's."""
        return Reader(self.zone, self.bad)

    def run(self, rows: Iterable[Row], windows: Sequence[Window] | None = None) -> Iterator[Filled]:
        """What changed, as each transaction is made. Raises StoreError."""
        messages: dict[str, str] = {}
        grown = {box: [x for x in told if _is_within(x, windows)] for box, told in self._grown.items()}
        if any(grown.values()):
            rows = list(rows)
            messages = mailbox_growth.left(rows, grown)
        for part in extract.stretches(self._counted(rows)):
            told = self.told(part)
            for call in messages.keys() & told.keys():
                told[call] = mailbox_growth.with_message(told[call], messages[call])
            if windows is not None:
                told = {call: facts for call, facts in told.items() if _was_up(facts, windows)}
            if not self._keeps_numbers:
                told = {call: [_without_number(facts[0]), *facts[1:]] for call, facts in told.items()}
            self.apart += [_alone(facts) for facts in told.values() if _line(facts) is None]
            yield from fill(self._store, self._monitor, self.exchange, told, datetime.now(UTC), self._region)
            self._hand_over(told)  # behind what is owed for the messages among them

    def told(self, part: Sequence[Row]) -> extract.Told:
        """The facts of each call that is over in a stretch of rows."""
        told = extract.told(part, self._site, self._keys)
        doubted = with_doubt(part, told, self.bad.lacks_apps)
        self.bad.doubted += len(doubted)
        return told | doubted

    def _hand_over(self, told: Mapping[str, Sequence[Fact]]) -> None:
        """The calls out, of which nothing is stored, to the ledger: one may be somebody's callback."""
        now = datetime.now(UTC)
        out = {call: facts for call, facts in told.items() if _goes_out(facts) and is_settled(facts, now)}
        heard = calls.known(self._store, self.exchange, out)
        rest = [facts for call, facts in out.items() if call not in heard]
        self.called_back += hand_over(self._store, self.exchange, rest, self._whom, now)

    def _whom(self, arrived: f.Arrived) -> str | None:
        return called(arrived, self._site)[0]

    def _counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            yield row


def _without_number(arrived: Fact) -> Fact:
    if not isinstance(arrived, f.Arrived) or arrived.direction != "inbound":
        return arrived
    return msgspec.structs.replace(arrived, caller=None, withheld=arrived.withheld or "unknown")


def _goes_out(facts: Sequence[Fact]) -> bool:
    return isinstance(facts[0], f.Arrived) and facts[0].direction == "outbound"


def _line(facts: Sequence[Fact]) -> str | None:
    arrived = facts[0]
    return arrived.line if isinstance(arrived, f.Arrived) else None


def _was_up(facts: Sequence[Fact], windows: Sequence[Window]) -> bool:
    begin, end = facts[0].at, facts[-1].at
    if begin is None or end is None:
        return False
    return any(since - AROUND <= end and begin <= until + AROUND for since, until in windows)


def _is_within(one: Growth, windows: Sequence[Window] | None) -> bool:
    """All rows of its time are read."""
    if windows is None:
        return True
    return any(since - AROUND <= one.since and one.until <= until + AROUND for since, until in windows)


def _alone(facts: Sequence[Fact]) -> Call:
    """The account of a call that no line and no standard knows."""
    arrived = facts[0]
    assert isinstance(arrived, f.Arrived)
    account = Account(arrived)
    for fact in facts:
        account.tell(fact)
    return account.call()


@contextmanager
def lines_of(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a file, compressed or not, or of standard input (`-`); none longer than can be a row."""
    if str(path) == "-":
        yield _lines(io.TextIOWrapper(sys.stdin.buffer, "utf-8", "replace", newline=""))
        return
    try:
        file = _opened(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error}).") from None
    with file:
        yield _lines(file)


def _opened(path: Path) -> io.TextIOBase:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="")
    return path.open(encoding="utf-8", errors="replace", newline="")


def _lines(file: io.TextIOBase) -> Iterator[str]:
    try:
        while line := file.readline(LONGEST_LINE + 1):
            yield line
    except (OSError, EOFError) as error:
        raise ConfigError(f"a file cannot be read to its end ({error}).") from None
