"""One of two callmons that heard an exchange takes the other's place: the database is as if there were one."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from callmon.ami.events import ConnectionLost
from callmon.core.facts import Fact, Unheard
from callmon.core.monitor import Monitor
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.core.snapshot import CallbackStatus
from callmon.core.statistics.counters import Figures
from callmon.core.takeover import take_over
from callmon.store import takeover
from callmon.store.database import Database, upgrade
from callmon.store.queries import calls
from callmon.store.rejudge import counter_differences
from callmon.tools.replay import Replay, chunks
from tests.support.ami_builders import MORNING, Channel, Exchange, listener
from tests.support.store_fixtures import RING, facts_on, wrote
from tests.unit.test_resuming import sends_off

RECORDINGS = Path(__file__).parents[1] / "recordings"
SOME = (
    "blind_transfer", "answered_ring4", "attended_by_three", "abandon_ring4", "attended_then_blind", "vm_message",
    "menu_voicemail_message", "hunt_voicemail", "transfer_to_voicemail",
)  # fmt: skip
TABLES = ("call", "finding", "obligation", "gap", "number")
SECOND = timedelta(seconds=1)
NOTHING = timedelta(0)
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LISTED = b"Event: CoreShowChannelsComplete\r\n\r\nEvent: StatusComplete\r\n\r\n"


class TakeoverInstance:
    """One that hears: each outcome with the exchange's time at which it was told."""

    def __init__(self) -> None:
        self.monitor: Monitor = listener()
        self.replay = Replay(self.monitor, "toronto")
        self.reported: list[tuple[datetime, Outcome]] = []

    def hear(self, *connections: bytes) -> TakeoverInstance:
        for data in connections:
            for outcome in self.replay.connection(chunks(io.BytesIO(bytes(data)))):
                at = self.monitor.exchanges.get("toronto").tracker.state.exchange_time  # type: ignore[union-attr]  # it is configured
                assert at is not None
                self.reported.append((at, outcome))
        return self

    def between(self, begin: datetime | None, end: datetime | None) -> list[Outcome]:
        return [one for at, one in self.reported if (begin is None or at > begin) and (end is None or at <= end)]


def everything(store: Database) -> dict[str, Any]:
    """What can be compared: a fact's and an entry's place in the stream is not."""
    with store.reading() as connection:
        found: dict[str, Any] = {
            name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in TABLES
        }
        found["open_call"] = sorted(connection.scalars(text('SELECT "call" FROM open_call')))
        ledger = connection.execute(text("SELECT obligation, data FROM ledger ORDER BY obligation, n"))
        found["ledger"] = list(map(tuple, ledger))
        found["fact"] = facts_on(connection)
    found["number"] = len(found["number"])  # encrypted anew each time
    return found


def new(folder: Path, name: str) -> Database:
    return upgrade(f"sqlite:///{folder}/{name}.db", RING)


def written(store: Database, reported: Iterable[Item]) -> Figures:
    items = list(reported)
    return wrote(store, *items) if items else calls.counters(store)  # type: ignore[arg-type]  # heartbeats too


def alone(folder: Path, *connections: bytes) -> tuple[dict[str, Any], Figures]:
    store = new(folder, "alone")
    figures = written(store, TakeoverInstance().hear(*connections).between(None, None))
    found = everything(store)
    store.close()
    return found, figures


def succeed(store: Database, second: Monitor, kept: list[Outcome]) -> list[Outcome]:
    here = [("toronto", call.call) for call in second.calls_in_progress("toronto")]
    known = takeover.stored_state(store, ["toronto"], kept, here, second.ledger.empty(), MORNING)
    return take_over(second, known, kept)


class Shared:
    """A database of two callmons: the first hears `whole`, the second hears it from `place` on."""

    def __init__(self, folder: Path, whole: bytes, place: int = 0) -> None:
        self.expected, self.figures = alone(folder, whole)
        self.store, self.rest = new(folder, "shared"), BANNER + whole[place:] if place else whole
        self.first, self.second = TakeoverInstance().hear(whole), TakeoverInstance()
        self.stored: datetime | None = None  # what the first heard until then
        self.taken = 0  # what the second has heard of `rest`

    def write(self, until: datetime, behind: timedelta = NOTHING) -> None:
        """The first writes what it heard until then, with a heartbeat so much older."""
        written(self.store, [*self.first.between(self.stored, until), Heartbeat("toronto", until - behind)])
        self.stored = until

    def begin(self, at: datetime) -> None:
        """The first writes what it heard until then, by which the second begins."""
        self.write(at)
        self.second = begun_anew(self.store)

    def hear(self, until: datetime) -> None:
        place, heard = _place(self.rest, until), self.taken
        self.taken = place
        if heard:
            _go_on(self.second, self.rest[heard:place])
        else:
            self.second.hear(self.rest[:place])

    def succeed(self, since: datetime | None = None) -> list[Outcome]:
        """What the second, which buffers since then, writes as the new leader."""
        return succeed(self.store, self.second.monitor, self.second.between(since, None))

    def go_on(self, missing: list[Outcome]) -> None:
        """The second leads to the end of the stream: all is counted once."""
        heard = len(self.second.reported)
        _go_on(self.second, self.rest[self.taken :])
        later = [one for _, one in self.second.reported[heard:]]
        assert written(self.store, [*missing, *later]) == pytest.approx(self.figures)
        assert counter_differences(self.store) == []

    def is_alike(self, missing: list[Outcome]) -> None:
        """So that everything is stored as if there were one."""
        self.go_on(missing)
        assert everything(self.store) == self.expected
        self.store.close()


@pytest.mark.parametrize("name", SOME)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_an_instance_that_received_all_writes_what_is_missing(tmp_path: Path, name: str, part: float) -> None:
    shared = Shared(tmp_path, recording(name))
    begin, end = shared.first.reported[0][0], shared.first.reported[-1][0]
    died = begin + (end - begin) * part
    shared.write(died, behind=SECOND)
    shared.hear(died + 10 * SECOND)
    missing = shared.succeed(died - 3 * SECOND)
    assert facts_of(missing) == facts_of(shared.second.between(died, None))
    shared.is_alike(missing)


def facts_of(outcomes: list[Outcome]) -> list[Fact]:
    return [fact for outcome in outcomes for fact in outcome.facts]


def recording(name: str) -> bytes:
    """Heard from a moment on when no channel was up."""
    banner, end, rest = (RECORDINGS / f"{name}.ami").read_bytes().partition(b"\r\n")
    return banner + end + LISTED + rest


def _place(whole: bytes, until: datetime) -> int:
    """Where the first message later than that begins."""
    place = 0
    for block in whole.split(b"\r\n\r\n"):
        for line in block.split(b"\r\n"):
            if line.startswith(b"Timestamp: ") and float(line[11:]) > until.timestamp():
                return place
        place += len(block) + 4
    return len(whole)


def _go_on(callmon: TakeoverInstance, rest: bytes) -> None:
    """The same connection, further on."""
    callmon.replay._connections = 0
    callmon.hear(BANNER + rest)


# One that began in the middle of a call, while the other led.


def two(until: float) -> tuple[Exchange, int]:
    """A call rings at 2 s, is answered at 9 s; another comes at 10 s. One callmon is begun at 12 s, or sooner."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller)
    begun = 0
    for at in (6.0, 8.0, 12.0):
        if at == 12.0:
            exchange.at(9).answer(caller, phones[0], phones[1])
            late = exchange.at(10).call()
            other = exchange.rings(late, "PJSIP/103")
        if at == until:
            begun = len(exchange.connections[-1])
            exchange.at(at).log_in()
            exchange.list_channels()
    exchange.at(14).answer(late, *other)
    exchange.at(20).ends(caller, phones[0])
    exchange.at(21).event("PeerStatus", Peer="PJSIP/101")
    exchange.at(30).ends(late, *other)
    return exchange, begun


def begun_anew(store: Database) -> TakeoverInstance:
    """As the daemon begins: by what is stored."""
    callmon = TakeoverInstance()
    open_calls = calls.open_calls(store, "toronto", numbers=True)
    judged = {call: [finding.standard for finding in known.findings] for call, known in open_calls.items()}
    facts = {call: known.facts for call, known in open_calls.items()}
    callmon.monitor.restore("toronto", calls.heartbeats(store).get("toronto"), facts, judged)
    return callmon


def answered_at_5() -> tuple[Exchange, Channel, list[Channel]]:
    """A call comes at 1 s, rings at 2 s and is answered."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller, "PJSIP/101")
    exchange.at(5).answer(caller, *phones)
    return exchange, caller, phones


def begins(exchange: Exchange, at: float) -> int:
    """A second callmon logs in: the place of the stream from which it hears."""
    place = len(exchange.connections[-1])
    exchange.at(at).log_in()
    exchange.list_channels()
    return place


@pytest.mark.parametrize("begun_at", [8.0, 12.0])
@pytest.mark.parametrize("behind", [0.5, 7.5])
@pytest.mark.parametrize("died_at", [13.7, 19.0, 25.0, 40.0])
def test_who_began_in_mid_call_reads_what_it_missed_in_the_database(
    tmp_path: Path, begun_at: float, behind: float, died_at: float
) -> None:
    """`behind`: what was stored when it began was so much older."""
    exchange, place = two(begun_at)
    shared, died = Shared(tmp_path, bytes(exchange.connections[-1]), place), MORNING + died_at * SECOND
    shared.begin(MORNING + (begun_at - behind) * SECOND)
    shared.write(died, behind=SECOND)
    shared.hear(died + SECOND)
    shared.is_alike(shared.succeed(died - 3 * SECOND))


def test_a_caller_sent_off_before_it_was_transferred_if_another_answers(tmp_path: Path) -> None:
    exchange, caller, phones = answered_at_5()
    sends_off(exchange.at(10), caller, phones[0])
    place = begins(exchange, 11)
    others = exchange.at(13).rings(caller, "PJSIP/102")
    exchange.at(17).answer(caller, *others)
    exchange.at(30).ends(caller, *others)
    shared = Shared(tmp_path, bytes(exchange.connections[-1]), place)
    begun, learns, died = (MORNING + n * SECOND for n in (8, 12, 15))
    shared.begin(begun)
    shared.write(learns)
    shared.hear(learns)
    shared.succeed()  # still standing by: what it missed is stored now
    shared.hear(died + SECOND)
    shared.write(died)
    shared.is_alike(shared.succeed(died - 3 * SECOND))


@pytest.mark.parametrize("requested", [True, False])
@pytest.mark.parametrize("died_at", [8.0, 11.0])
def test_a_menu_that_a_standby_found_is_ended_by_the_same_party(
    tmp_path: Path, requested: bool, died_at: float
) -> None:
    """The caller requests the hang-up before the standby lists, and the dialplan runs on; or nobody requests."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    exchange.at(2).menu(caller)
    if requested:
        exchange.at(5).event("HangupRequest", **exchange._of(caller))
    exchange.at(5.5).event("PeerStatus", Peer="PJSIP/101")
    place = begins(exchange, 6)
    exchange.at(9).hangup(caller)
    exchange.at(12).event("PeerStatus", Peer="PJSIP/101")
    whole = bytes(exchange.connections[-1])
    shared = Shared(tmp_path, whole, place)
    first, beat = TakeoverInstance(), _place(whole, MORNING + 5 * SECOND)
    first.hear(whole[:beat])
    written(shared.store, [*first.between(None, None), *first.monitor.requested_hangups("toronto")])
    assert first.monitor.requested_hangups("toronto") == []
    written(shared.store, [Heartbeat("toronto", MORNING + 8 * SECOND)])
    shared.hear(MORNING + died_at * SECOND)
    shared.go_on(shared.succeed())
    found = everything(shared.store)
    assert (found["call"], found["finding"]) == (shared.expected["call"], shared.expected["finding"])
    shared.store.close()


@pytest.mark.parametrize("learnt", [True, False])
def test_a_redirect_soon_after_is_the_one_transfer_the_other_stored(tmp_path: Path, learnt: bool) -> None:
    """By its own listing alone it could be that of a transfer which it did not hear."""
    exchange, caller, phones = answered_at_5()
    place = begins(exchange, 11)
    exchange.at(11.6).leave(caller)
    others = exchange.at(11.7).rings(caller, "PJSIP/102")
    exchange.leave(phones[0])
    exchange.hangup(phones[0])
    exchange.at(14).answer(caller, *others)
    exchange.at(30).ends(caller, *others)
    shared = Shared(tmp_path, bytes(exchange.connections[-1]), place)
    begun, learns, died = (MORNING + n * SECOND for n in (8, 11.3, 16))
    shared.begin(begun)
    shared.write(learns)
    shared.hear(learns)
    if learnt:
        shared.succeed()
    shared.hear(died)
    shared.write(died)
    missing = shared.succeed(learns)
    assert facts_of(missing) == []
    shared.is_alike(missing)


@pytest.mark.parametrize("place_of_login", ["before the transfer", "after the transfer"])
def test_a_transfer_that_the_other_received_is_not_inferred_again(tmp_path: Path, place_of_login: str) -> None:
    """The inferred transfer has another kind and another time than the event that only the leader received."""
    exchange, caller, phones = answered_at_5()
    place = len(exchange.connections[-1])
    if place_of_login == "before the transfer":
        exchange.at(11).log_in()
    exchange.at(11.6).event(
        "BlindTransfer", Result="Success", TransfererChannel=phones[0].name, TransfererUniqueid=phones[0].uniqueid,
        TransfereeChannel=caller.name, TransfereeUniqueid=caller.uniqueid, IsExternal="Yes", Context="staff",
        Extension="102",
    )  # fmt: skip
    exchange.leave(caller)
    if place_of_login == "after the transfer":
        place = len(exchange.connections[-1])
        exchange.at(11.601).log_in()
    others = exchange.at(11.603).rings(caller, "PJSIP/102")
    exchange.leave(phones[0])
    exchange.hangup(phones[0])
    exchange.at(11.9).list_channels()
    exchange.at(14).answer(caller, *others)
    exchange.at(30).ends(caller, *others)
    shared = Shared(tmp_path, bytes(exchange.connections[-1]), place)
    begun, died = (MORNING + n * SECOND for n in (8, 16))
    shared.begin(begun)
    shared.hear(died)
    shared.write(died)
    missing = shared.succeed()
    assert [fact for fact in facts_of(missing) if not isinstance(fact, Unheard)] == []
    shared.is_alike(missing)


def test_a_gap_before_the_whole_listing_is_none_where_the_other_received(tmp_path: Path) -> None:
    """No heartbeat of its own is passed yet: the exchange said nothing for a while."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller)
    place = len(exchange.connections[-1])
    exchange.at(8).log_in()
    exchange.at(8.5).answer(caller, *phones)
    exchange.at(8.7).list_channels()
    exchange.at(30).ends(caller, phones[0])
    shared = Shared(tmp_path, bytes(exchange.connections[-1]), place)
    begun, died = (MORNING + n * SECOND for n in (7, 10))
    shared.begin(begun)
    shared.write(died)
    shared.hear(died)
    second = shared.second
    assert [type(fact) for _, one in second.reported if not one.gaps for fact in one.facts].count(Unheard) == 1
    shared.go_on(shared.succeed())
    (stored_call,) = calls.stored_calls(shared.store, caller.uniqueid)
    assert stored_call.account is not None
    assert (stored_call.account.heard, stored_call.account.outcome) == ("full", "answered")
    shared.store.close()


def test_what_is_written_during_the_read_is_not_lost_to_a_standby(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last heartbeat is no later than the calls that are read with it."""
    exchange, caller, _ = answered_at_5()
    exchange.at(6).event("PeerStatus", Peer="PJSIP/101")
    whole, store = bytes(exchange.connections[-1]), new(tmp_path, "shared")
    first, second = TakeoverInstance().hear(whole), TakeoverInstance().hear(whole)
    early, late = (MORNING + n * SECOND for n in (1.5, 5.5))
    written(store, [*first.between(None, early), Heartbeat("toronto", early)])
    kept = [*second.between(None, early), Heartbeat("toronto", early), *second.between(early, late)]
    kept.append(Heartbeat("toronto", late - SECOND))
    heartbeats = calls.heartbeats

    def meanwhile(read: Database) -> dict[str, datetime]:
        written(store, [*first.between(early, late), Heartbeat("toronto", late)])
        return heartbeats(read)

    monkeypatch.setattr(calls, "heartbeats", meanwhile)
    reported = [item for item in kept if isinstance(item, Outcome)]
    here = [("toronto", caller.uniqueid)]
    known = takeover.stored_state(store, ["toronto"], reported, here, second.monitor.ledger.empty(), MORNING)
    take_over(second.monitor, known, kept)
    (call,) = second.monitor.calls_in_progress("toronto")
    assert (call.outcome, call.ringing, call.answered) == ("answered", MORNING + 2 * SECOND, MORNING + 5 * SECOND)
    store.close()


@pytest.mark.parametrize("late", [0.4, 1.0, 2.0])
def test_an_event_later_than_the_others_last_heartbeat_is_not_lost(tmp_path: Path, late: float) -> None:
    """On a busy machine an answer to Ping overtakes events that Asterisk has not written yet."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller, "PJSIP/101")
    exchange.at(4.2).event("PeerStatus", Peer="PJSIP/101")
    exchange.at(5).answer(caller, *phones)
    exchange.at(30).ends(caller, *phones)
    shared = Shared(tmp_path, bytes(exchange.connections[-1]))
    before = MORNING + 1.5 * SECOND
    store, second = shared.store, shared.second
    shared.write(before, behind=-late * SECOND)
    shared.hear(MORNING + 10 * SECOND)
    kept: list[Any] = [*second.between(None, before + 0.5 * SECOND), Heartbeat("toronto", before + 0.5 * SECOND)]
    kept += second.between(before + 0.5 * SECOND, None)
    here = [("toronto", caller.uniqueid)]
    reported = [item for item in kept if isinstance(item, Outcome)]
    known = takeover.stored_state(store, ["toronto"], reported, here, second.monitor.ledger.empty(), MORNING)
    shared.is_alike(take_over(second.monitor, known, kept))


def test_an_answer_that_both_received_is_stored_once(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2.3).rings(caller, "PJSIP/101")
    place = begins(exchange, 4)
    exchange.at(6).answer(caller, *phones)
    exchange.at(30).ends(caller, *phones)
    shared = Shared(tmp_path, bytes(exchange.connections[-1]), place)
    begun, died = MORNING + 2.2 * SECOND, MORNING + 7 * SECOND
    shared.begin(begun)
    shared.write(died)
    shared.hear(died)
    missing = shared.succeed()
    assert facts_of(missing) == []
    shared.is_alike(missing)


def withheld(answered: float) -> bytes:
    """A call whose number is delivered and withheld, as one heard it who was told so at `answered`."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    (phone,) = exchange.at(1.1).rings(caller, "PJSIP/101")
    exchange.at(answered).event("PeerStatus", Peer="PJSIP/101")
    name = f"callmon-presentation-{caller.uniqueid}"
    lines = ("Response: Success", f"ActionID: {name}", "Variable: CALLERID(num-pres)", "Value: prohib")
    exchange.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    exchange.at(5).answer(caller, phone)
    exchange.at(30).ends(caller, phone)
    return bytes(exchange.connections[-1])


def test_a_number_withheld_at_another_moment_by_each_begins_no_call_anew(tmp_path: Path) -> None:
    """What is stored of the arrival has no number any more."""
    shared = Shared(tmp_path, withheld(1.2))
    written(shared.store, shared.first.between(None, MORNING + 2 * SECOND))
    shared.rest = withheld(1.3)
    shared.hear(MORNING + 10 * SECOND)
    missing = shared.succeed()
    assert [type(fact).__name__ for fact in facts_of(missing)] == ["Answered"]
    shared.is_alike(missing)


# What else is known after it.


def test_a_message_only_the_other_received_is_due_by_its_successor(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller, "PJSIP/101")
    exchange.at(26).stop(caller, *phones)
    exchange.at(26.1).voicemail(caller)
    exchange.at(40).message(caller)
    exchange.ends(caller)
    exchange.at(60).event("PeerStatus", Peer="PJSIP/101")
    first, store = TakeoverInstance().hear(*exchange.connections), new(tmp_path, "shared")
    written(store, [*first.between(None, None), Heartbeat("toronto", MORNING + 60 * SECOND)])
    quiet = Exchange()  # begun a minute later, and nothing has happened since
    quiet.at(61).list_channels()
    second = TakeoverInstance().hear(*quiet.connections)
    second.monitor.ledger.gap("toronto", MORNING, MORNING + 60 * SECOND)
    before = CallbackStatus().updated(second.monitor.ledger.index)
    assert succeed(store, second.monitor, second.between(None, None)) == []
    assert [one.call for one in second.monitor.ledger.index] == [one.call for one in first.monitor.ledger.index]
    assert len(second.monitor.ledger.index) == 1
    assert second.monitor.ledger._gaps._gaps == []  # a callback made meanwhile was heard
    assert before.updated(second.monitor.ledger.index).revision > before.revision
    store.close()


def test_a_message_that_both_received_is_complete_though_timed_later(tmp_path: Path) -> None:
    whole, store = recording("vm_message"), new(tmp_path, "shared")
    written(store, TakeoverInstance().hear(whole).between(None, None))
    second = TakeoverInstance().hear(whole)
    kept = [with_later_entries(outcome) for outcome in second.between(None, None)]
    assert [type(x.entry).__name__ for outcome in kept for x in outcome.ledger] == ["Owed"]
    assert succeed(store, second.monitor, kept) == []
    store.close()


def with_later_entries(outcome: Outcome) -> Outcome:
    change = msgspec.structs.replace
    later = (change(x, entry=change(x.entry, at=x.entry.at + SECOND / 5)) for x in outcome.ledger)
    return change(outcome, ledger=tuple(later))


@pytest.mark.parametrize(("died_at", "expected"), [(20.5, []), (13.0, [(13.0, 20.0)]), (5.0, [(10.0, 20.0)])])
def test_only_the_time_in_which_neither_heard_the_exchange_is_unheard(
    tmp_path: Path, died_at: float, expected: list[tuple[float, float]]
) -> None:
    """The second was cut off from 10 s to 20 s; the first died, having heard all until then."""
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller)
    exchange.at(9).answer(caller, *phones)
    exchange.at(10).event("PeerStatus", Peer="PJSIP/101")
    with exchange.at(10).unheard(20.0):
        pass
    exchange.at(30).ends(caller, phones[0])
    died, store = MORNING + died_at * SECOND, new(tmp_path, "shared")
    second = TakeoverInstance().hear(*exchange.connections)
    written(store, [*second.between(None, min(died, MORNING + 9 * SECOND)), Heartbeat("toronto", died)])
    written(store, succeed(store, second.monitor, second.between(None, None)))
    gaps = [((gap.start - MORNING) / SECOND, (gap.end - MORNING) / SECOND) for gap in calls.gaps(store, "toronto")]
    (stored_call,) = calls.stored_calls(store, caller.uniqueid)
    assert stored_call.account is not None
    assert gaps == expected
    assert (stored_call.account.heard == "full") == (not expected)
    store.close()


def test_who_is_cut_off_at_its_turn_has_a_gap_since_the_others_end(tmp_path: Path) -> None:
    exchange = Exchange()
    exchange.list_channels()
    caller = exchange.at(1).call()
    phones = exchange.at(2).rings(caller)
    exchange.at(5).event("PeerStatus", Peer="PJSIP/101")
    before = bytes(exchange.connections[-1])
    exchange.at(9).answer(caller, *phones)
    first, store = TakeoverInstance().hear(*exchange.connections), new(tmp_path, "shared")
    written(store, [*first.between(None, None), Heartbeat("toronto", MORNING + 12 * SECOND)])
    with exchange.at(13).unheard(15.0):
        pass
    exchange.at(30).ends(caller, phones[0])
    second = TakeoverInstance().hear(before)
    assert second.monitor.feed("toronto", ConnectionLost(MORNING + 5 * SECOND)) is None
    assert succeed(store, second.monitor, second.between(None, None)) == []
    heard = len(second.reported)
    _go_on(second, bytes(exchange.connections[-1]).partition(b"\r\n")[2])
    written(store, [one for _, one in second.reported[heard:]])
    (gap,) = calls.gaps(store, "toronto")
    (stored_call,) = calls.stored_calls(store, caller.uniqueid)
    assert ((gap.start - MORNING) / SECOND, (gap.end - MORNING) / SECOND) == (12.0, 15.0)
    assert stored_call.account is not None
    assert (stored_call.account.outcome, stored_call.account.answered) == ("answered", MORNING + 9 * SECOND)
    assert [(x.at, x.until) for x in stored_call.facts if isinstance(x, Unheard)] == [(gap.start, gap.end)]
    store.close()


def test_what_was_done_by_hand_is_done_once(tmp_path: Path) -> None:
    second, store = TakeoverInstance(), new(tmp_path, "shared")
    kept = [Outcome("toronto", callback_command=1), Outcome("toronto", callback_command=3)]
    assert succeed(store, second.monitor, kept) == [Outcome("toronto", callback_command=3)]
    written(store, [Outcome("toronto", callback_command=3)])
    assert succeed(store, second.monitor, kept) == []
    store.close()


def test_every_part_of_an_outcome_is_thought_of() -> None:
    """Whoever adds one: say in `succession.py` what is missing of it, and then here that you did."""
    ours = ("exchange", "facts", "findings", "calls", "gaps", "ledger", "callback_command")
    seen_again = ("disruptions", "disruption_command")  # `standby.py`: replaced by what is stored
    assert Outcome.__struct_fields__ == (*ours, *seen_again, "contacts")
