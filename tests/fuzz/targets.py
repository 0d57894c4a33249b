"""What is given nonsense to read, each as the daemon and the commands use it."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callmon.ami import events as e
from callmon.ami.framing import Framer
from callmon.ami.mailboxes import Mailboxes
from callmon.ami.recording import public_numbers, redacted
from callmon.ami.session import Session
from callmon.backfill import job
from callmon.backfill.cel import extract
from callmon.backfill.cel.extract import with_doubt
from callmon.backfill.cel.rows import CelReader
from callmon.backfill.job import bounded_lines
from callmon.backfill.merge import merged
from callmon.config.settings import Settings, example, example_text, parse
from callmon.core import facts as f
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat
from callmon.errors import ConfigError, StoreError
from callmon.store.writer.outbox import Outbox, decode_item, encode_item
from callmon.text.records import outcome_lines
from callmon.tools.check import report
from callmon.tools.replay import Replay
from tests.support.store_fixtures import RING

TESTS = Path(__file__).parent.parent
SETTINGS = example()
EXCHANGE = next(iter(SETTINGS.exchanges))
KEPT = public_numbers(SETTINGS.lines())
SITE = ExchangeProfile(SETTINGS, EXCHANGE)
ZONE = ZoneInfo("America/Toronto")
NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)
NOTHING_IS_UP = (e.ConnectionLost(NOON), e.CoreShowChannelsComplete(NOON), e.StatusComplete(NOON))
# Odd lengths, so that a chunk ends anywhere in a message.
CHUNK = 1_357


class Target(NamedTuple):
    """`read` may raise nothing. `mark`: between what is moved as a whole."""

    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    mark: bytes


def fresh() -> tuple[Session, Monitor]:
    """As the daemon has them for a new connection."""
    mailboxes = Mailboxes()
    mailboxes.want(frozenset(("500@default",)))
    session = Session(EXCHANGE, "callmon", "secret", 0.0, mailboxes=mailboxes)
    return session, Monitor(SETTINGS, EXCHANGE, token=str)


class FuzzListener:
    """The daemon's way from bytes to what the database gets, without the daemon."""

    def __init__(self) -> None:
        self._session, self._monitor = fresh()
        self._now = 0.0

    def hear(self, data: bytes) -> None:
        """One connection, and what the daemon asks each second."""
        session, monitor = self._session, self._monitor
        for begin in range(0, len(data), CHUNK):
            self._now += 0.3
            self._tell(session.receive_data(data[begin : begin + CHUNK], self._now))
            session.tick(self._now)
            session.data_to_send()
        heard = session.heard_until()
        if heard is not None:
            encode_item(Heartbeat(EXCHANGE, heard))
            reported = monitor.tick(heard, {EXCHANGE: heard})
            self._written(reported)
        self._tell([session.lost()])
        monitor.count_in_progress(), monitor.phones(), monitor.waits({} if heard is None else {EXCHANGE: heard})

    def end(self) -> None:
        """The exchange lists no channel any more: no call is left."""
        self._tell(NOTHING_IS_UP)

    def again(self) -> None:
        """A new connection to the same exchange, heard by the same monitor."""
        mailboxes = self._session._mailboxes  # the exchange's, which outlives a connection
        self._session = Session(EXCHANGE, "callmon", "secret", self._now, mailboxes=mailboxes)

    def _tell(self, events: Iterable[e.Event]) -> None:
        for event in events:
            outcome = self._monitor.feed(EXCHANGE, event)
            if outcome is not None:
                self._written([outcome])

    @staticmethod
    def _written(outcomes: Iterable[object]) -> None:
        for outcome in outcomes:
            decode_item(encode_item(outcome))
            list(outcome_lines(outcome, NOON))  # type: ignore[arg-type]  # outcomes all


def ami(data: bytes) -> None:
    """Bytes to session and monitor as the daemon has them, and through a replay."""
    listener = FuzzListener()
    listener.hear(data)
    listener.end()
    replay = Replay(Monitor(SETTINGS, EXCHANGE, True, True, token=str), EXCHANGE)
    middle = len(data) // 2
    for connection in (data[:middle], data[middle:]):
        for outcome in replay.connection([connection]):
            list(outcome_lines(outcome, replay.start))
    replay.calls()
    for event in NOTHING_IS_UP:
        list(replay.feed(event))


class Forever:
    """One monitor that hears one bad connection after the other: what of it stays?"""

    def __init__(self) -> None:
        self._listener = FuzzListener()

    def __call__(self, data: bytes) -> None:
        self._listener.hear(data)
        self._listener.again()


def cel(data: bytes) -> None:
    """A file of CEL to facts, judged, and laid over what was heard of the same calls."""
    text = io.TextIOWrapper(io.BytesIO(data), "utf-8", "replace", newline="")
    reader = CelReader(ZONE)
    monitor = Monitor(SETTINGS, EXCHANGE, token=str)
    for part in extract.stretches(reader.read_lines(bounded_lines(text))):
        reported = extract.extract_calls(part, SITE, {"1": "fr", "2": "en"})
        for facts in (reported | with_doubt(part, reported, reader.bad.lacks_apps)).values():
            outcome = monitor.retell(EXCHANGE, facts)
            if outcome is not None:
                decode_item(encode_item(outcome))
            job._account(facts)
            job._was_up(facts, [(NOON, NOON + timedelta(hours=1))])
            _retold(monitor, facts)
    list(reader.bad.sentences())


def _retold(monitor: Monitor, facts: list[Fact]) -> None:
    """With a half of it as if it had been heard."""
    if isinstance(facts[0], f.Arrived):
        reported = merged([facts[0], *facts[1::2]], facts)
        monitor.retell(EXCHANGE, reported)


def configuration(data: bytes) -> None:
    """A file that somebody wrote: taken, or refused in sentences; what was taken can be used."""
    try:
        settings = parse(data.decode("utf-8", "replace"), "a file")
    except ConfigError as error:
        if not (error.sentences and all(sentence.strip() for sentence in error.sentences)):
            raise ValueError("refused without a sentence") from error
        return
    _used(settings)


def _used(settings: Settings) -> None:
    try:
        monitor = Monitor(settings, token=str)
    except ConfigError:  # a standard's own parameters
        return
    for line in settings.lines():
        settings.calendar(line).is_open(NOON)
    monitor.tick(NOON)
    report(settings, NOON.date())
    report(settings, NOON.date(), shows_all=True)


def recording(data: bytes) -> None:
    """Bytes as they are written down after a fault: without people, and as long as a replay can read them."""
    reported = b"".join(redacted([data[: len(data) // 3], data[len(data) // 3 :]], KEPT))
    Framer().receive(reported)


def waiting(data: bytes) -> None:
    """An outbox of somebody's, or what a disk has made of ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "waiting"
        path.write_bytes(data)
        try:
            outbox = Outbox(path, RING, 1 << 20)
        except StoreError:
            return
        for entry in outbox.entries:
            outbox.read(entry)
        outbox.close()


def _outboxes() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "waiting"
        outbox = Outbox(path, RING, 1 << 20)
        outbox.begin_term(0, "", "token")
        for number in range(1, 20):
            outbox.append([b"an item " * number], 0.0)
        outbox.close()
        return [path.read_bytes()]


def _files(*patterns: str, most: int = 200_000) -> Iterator[bytes]:
    for pattern in patterns:
        for path in sorted(TESTS.glob(pattern)):
            yield path.read_bytes()[:most]


def _recorded() -> list[bytes]:
    return list(_files("recordings/*.ami", "data/traces/*/*.raw", "data/asked/*.ami", "data/surveys/*.ami"))


def _diaries() -> list[bytes]:
    return list(_files("data/traces/*/cel.csv", "recordings/*.csv"))


def _configurations() -> list[bytes]:
    return [example_text().encode(), *_files("bad_settings/*.toml", "data/*/*.toml")]


def targets() -> dict[str, Target]:
    return {
        "ami": Target(ami, _recorded, b"\r\n\r\n"),
        "forever": Target(Forever(), _recorded, b"\r\n\r\n"),
        "cel": Target(cel, _diaries, b"\n"),
        "configuration": Target(configuration, _configurations, b"\n"),
        "recording": Target(recording, _recorded, b"\r\n\r\n"),
        "waiting": Target(waiting, _outboxes, b"\0\0\0"),
    }
