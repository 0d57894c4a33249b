"""Voicemail boxes and the exchange's own count of calls: asked, heard, and not known until then (R-27)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callmon.ami.call_counts import CallCountMonitor, CallCounts
from callmon.ami.connection import ExchangeClient
from callmon.ami.mailboxes import Mailbox, Mailboxes, short
from callmon.ami.session import Session
from callmon.config.settings import Settings
from callmon.core.snapshot import MailboxStatus
from callmon.daemon.host_state import ServiceStateTask, mailboxes
from callmon.store.database import Database
from tests.support.ami_builders import BANNER, settings
from tests.support.fact_builder import Office
from tests.support.store_fixtures import wrote
from tests.unit.test_session import ACCEPTED, AT, BOOTED, PONG, sent

ASKED = {"Action": "VoicemailUserStatus", "Context": "default", "Mailbox": "500"}
# A Tuesday, 13:00 in Toronto; the lines open at 8:30.
NOON = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def detail(box: str = "500", new: Any = 2, most: Any = 100, context: str = "default") -> bytes:
    """What Asterisk answers for one box, trimmed to the telling fields."""
    return (
        f"Event: VoicemailUserDetail\r\nActionID: callmon-9\r\nVMContext: {context}\r\nVoiceMailbox: {box}\r\n"
        f"Fullname: General inquiries\r\nMaxMessageCount: {most}\r\nMaxMessageLength: 180\r\n"
        f"NewMessageCount: {new}\r\nOldMessageCount: 7\r\n\r\n"
    ).encode()


def left(box: str = "500@default", new: Any = 1, at: datetime = AT) -> bytes:
    return (
        f"Event: MessageWaiting\r\nPrivilege: call,all\r\nTimestamp: {at.timestamp():.6f}\r\nUniqueid: x.1\r\n"
        f"Mailbox: {box}\r\nWaiting: 1\r\nNew: {new}\r\nOld: 0\r\n\r\n"
    ).encode()


def listening(mailboxes: Mailboxes, feed: CallCountMonitor | None = None) -> Session:
    made = Session("toronto", "callmon", "s", 100.0, md5=False, mailboxes=mailboxes, feed=feed)
    made.receive_data(BANNER + ACCEPTED + BOOTED + PONG, 100.0)
    return made


def known_mailboxes(
    *wanted: str, waiting: Iterable[datetime | None] = (), capacity: int | None = 100
) -> Mailboxes:
    made = Mailboxes(wanted)
    made.known = {wanted[0]: Mailbox(tuple(waiting), capacity)}
    return made


# ── what the exchange is asked, and what it says ──


def test_after_the_listing_each_mailbox_is_asked_each_three_minutes() -> None:
    made = listening(Mailboxes(["500", "504@elsewhere"]))
    elsewhere = {"Action": "VoicemailUserStatus", "Context": "elsewhere", "Mailbox": "504"}
    assert sent(made)[-2:] == [ASKED, elsewhere]
    made.tick(281.0)
    assert sent(made)[1:] == [{"Action": "CoreShowChannels"}, {"Action": "CoreStatus"}, ASKED, elsewhere]


def test_of_a_box_that_nobody_asked_about_nothing_is_stored() -> None:
    known = Mailboxes(["500"])
    listening(known).receive_data(left("101@default", 3) + detail("101") + detail("500", context="private"), 101.0)
    assert known.known == {}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (detail(new=2, most=100), Mailbox((AT, AT), 100)),
        (detail(new=0, most=100), Mailbox((), 100)),
        (left(new=1), Mailbox((AT,), None)),
        (detail(new="?"), None),
        (detail(new="-1"), None),
        (detail(new="9" * 30), None),
        (detail(new=1, most="many"), Mailbox((AT,), None)),
        (detail(new=1, most=0), Mailbox((AT,), None)),
        (left(new=""), None),
    ],
)
def test_what_is_reported_of_a_box_is_known_and_nothing_else(said: bytes, expected: Mailbox | None) -> None:
    known = Mailboxes(["500"])
    listening(known).receive_data(said, 100.0)
    assert known.known.get("500") == expected


def test_a_capacity_once_reported_stays_when_a_message_is_left() -> None:
    known = Mailboxes(["500"])
    listening(known).receive_data(detail(new=0, most=20) + left(new=1), 100.0)
    assert known.known == {"500": Mailbox((AT,), 20)}


def test_an_events_message_still_reaches_the_core() -> None:
    heard = listening(Mailboxes(["500"])).receive_data(left() + detail(), 100.0)
    assert [type(event).__name__ for event in heard] == ["MessageWaiting"]


def test_the_oldest_messages_count_as_listened_to_first() -> None:
    known, made = Mailboxes(["500"]), None
    made = listening(known)
    for n in range(1, 4):
        made.receive_data(left(new=n, at=AT + n * MINUTE), 100.0)
    made.receive_data(left(new=1, at=AT + 9 * MINUTE), 100.0)
    assert known.known["500"].waiting == (AT + 3 * MINUTE,)


def test_a_mailbox_is_unknown_in_a_gap_and_its_messages_keep_their_time() -> None:
    known = Mailboxes(["500"])
    made = listening(known)
    made.receive_data(left(new=1), 100.0)
    made.lost()
    assert known.known == {}
    again = listening(known)
    again.receive_data(detail(new=2), 160.0)
    first, second = known.known["500"].waiting
    assert (first, second is not None and second >= AT + MINUTE) == (AT, True)


def test_a_configuration_with_other_mailboxes_forgets_those_that_went() -> None:
    known = known_mailboxes("500")
    known.want(["504"])
    assert (known.known, known.questions()) == ({}, [("default", "504")])


def test_no_name_of_a_box_can_slip_an_action_in() -> None:
    made = listening(Mailboxes(["500\r\nAction: Shutdown"]))
    assert [one["Action"] for one in sent(made)][-1] == "CoreStatus"


@pytest.mark.parametrize(
    ("name", "expected"), [("500", "500"), ("500@default", "500"), ("500@public", "500@public"), ("500@", "500")]
)
def test_a_box_has_one_name(name: str, expected: str) -> None:
    assert short(name) == expected


@pytest.mark.parametrize(
    ("count", "waiting"),
    [
        (0, ()),
        (2, (AT - 2 * MINUTE, AT - MINUTE)),
        (3, (AT - 3 * MINUTE, AT - 2 * MINUTE, AT - MINUTE)),
        (4, (AT - 3 * MINUTE, AT - 2 * MINUTE, AT - MINUTE, AT)),
    ],
)
def test_messages_received_by_an_earlier_run_keep_their_time(count: int, waiting: tuple[datetime, ...]) -> None:
    known = Mailboxes(["500"])
    known.remember("500", [AT - n * MINUTE for n in (3, 2, 1)])
    assert known.known == {}
    listening(known).receive_data(detail(new=count), 100.0)
    assert known.known["500"].waiting == waiting


def test_what_is_known_of_a_box_is_not_remembered_otherwise() -> None:
    known = known_mailboxes("500", waiting=[AT])
    known.remember("500", [AT - HOUR])
    listening(known).receive_data(detail(new=1), 100.0)
    assert known.known["500"].waiting == (AT,)


# ── the exchange's own count of calls ──


def new(uniqueid: str, linkedid: str, state: str = "4") -> bytes:
    return (
        f"Event: Newchannel\r\nTimestamp: {AT.timestamp():.6f}\r\nChannel: PJSIP/x-1\r\n"
        f"ChannelState: {state}\r\nUniqueid: {uniqueid}\r\nLinkedid: {linkedid}\r\n\r\n"
    ).encode()


def core_status(processed: Any) -> bytes:
    return f"Response: Success\r\nCoreCurrentCalls: 1\r\nCoreProcessedCalls: {processed}\r\n\r\n".encode()


def test_calls_received_are_those_that_began_before_the_same_answer() -> None:
    feed = CallCountMonitor()
    made = listening(Mailboxes(), feed)
    assert feed.counts is None
    made.receive_data(new("x.1", "x.1") + new("x.2", "x.1") + new("x.3", "x.3", "0") + core_status(41), 100.0)
    made.receive_data(new("x.4", "x.4"), 101.0)
    assert feed.counts == CallCounts(41, 2)
    listening(Mailboxes(), feed).receive_data(core_status(42), 102.0)
    assert feed.counts == CallCounts(42, 3)


def test_the_callers_presentation_is_asked_for_and_no_dialled_phones() -> None:
    made = listening(Mailboxes())
    sent(made)
    made.receive_data(new("x.1", "x.1") + new("x.2", "x.1") + new("x.3", "x.3", "0"), 100.0)
    assert [one["Action"] for one in sent(made)] == ["Getvar"]


@pytest.mark.parametrize("said", ["", "-1", "many", "9" * 40])
def test_what_is_no_count_is_not_taken_for_one(said: str) -> None:
    feed = CallCountMonitor()
    listening(Mailboxes(), feed).receive_data(core_status(said), 100.0)
    assert feed.counts is None


# ── what is shown of it ──


def shown(given: Settings, known: Mailboxes, now: datetime, store: Database) -> list[MailboxStatus]:
    exchange = ExchangeClient("toronto", next(iter(given.exchanges.values())), lambda events: None)
    exchange.mailboxes = known
    return list(ServiceStateTask(store).status_at(now, given, {"toronto": exchange}).mailboxes)


@pytest.mark.parametrize(
    ("waits", "unheard"),
    [
        (4 * HOUR, 1),
        (4 * HOUR - timedelta(microseconds=1), 0),
        (4 * HOUR + timedelta(microseconds=1), 1),
        (timedelta(days=3), 1),
    ],
)
def test_a_message_is_unheard_after_four_opening_hours(
    waits: timedelta, unheard: int, sqlite_store: Database
) -> None:
    (reported,) = shown(settings(), known_mailboxes("500", waiting=[NOON - waits]), NOON, sqlite_store)
    assert reported == MailboxStatus("toronto", "500", 1, 100, unheard)


def test_hours_in_which_the_line_is_closed_do_not_count(sqlite_store: Database) -> None:
    """Left on Friday at 16:00: by Monday at 11:29 three hours and 59 minutes of opening time have passed."""
    friday = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    monday = datetime(2026, 11, 23, 16, 29, tzinfo=UTC)
    at = [
        shown(settings(), known_mailboxes("500", waiting=[friday]), now, sqlite_store)[0]
        for now in (monday, monday + MINUTE)
    ]
    assert [reported.unheard for reported in at] == [0, 1]


def test_a_message_of_unknown_time_is_counted_and_not_called_unreceived(sqlite_store: Database) -> None:
    (reported,) = shown(settings(), known_mailboxes("500", waiting=[None], capacity=None), NOON, sqlite_store)
    assert reported == MailboxStatus("toronto", "500", 1, None, 0)


def test_messages_before_the_start_are_known_by_exchange_and_mailbox(store: Database) -> None:
    office = Office()
    for n, line in enumerate(("general", "poci", "tty")):  # the first two have one box
        office.hear(office.message(NOON - timedelta(days=3 - n), line=line))
    old = Office()
    old._n = 50
    old.hear(old.message(NOON - timedelta(days=15)), old.call_in(NOON - HOUR))
    wrote(store, *office.outcomes, *old.outcomes)
    made = ServiceStateTask(store)
    made.restore(settings(), NOON)
    exchange = ExchangeClient("toronto", next(iter(settings().exchanges.values())), lambda events: None)
    made.furnish(exchange, settings())
    assert exchange.mailboxes.wanted == {"500", "504"}
    listening(exchange.mailboxes).receive_data(detail(new=3) + detail("504", new=1), 100.0)
    reported = {name: [at - NOON for at in box.waiting if at] for name, box in exchange.mailboxes.known.items()}
    days = [timedelta(days=-n) for n in (3, 2, 1)]
    assert reported == {"500": days, "504": [AT - NOON]}
    other = ExchangeClient("ottawa", next(iter(settings().exchanges.values())), lambda events: None)
    made.furnish(other, settings())
    listening(other.mailboxes).receive_data(detail(new=1), 100.0)
    assert other.mailboxes.known["500"].waiting == (AT,)


def test_a_box_is_the_same_by_its_short_and_by_its_whole_name(sqlite_store: Database) -> None:
    given = settings({'mailboxes = ["500"]': 'mailboxes = ["500@default"]'})
    assert mailboxes(given) == {"500", "504"}
    assert [reported.mailbox for reported in shown(given, known_mailboxes("500"), NOON, sqlite_store)] == ["500"]


def test_a_mailbox_of_several_lines_is_reported_once_or_never(sqlite_store: Database) -> None:
    assert mailboxes(settings()) == {"500", "504"}
    assert [reported.mailbox for reported in shown(settings(), known_mailboxes("500"), NOON, sqlite_store)] == [
        "500"
    ]
    assert shown(settings(), Mailboxes(["500"]), NOON, sqlite_store) == []
