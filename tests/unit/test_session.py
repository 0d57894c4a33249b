"""Logging in, listing, keeping alive: bytes in, bytes out, no server."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.ami import events as e
from callmon.ami.session import GREETING_TIMEOUT, Session, SessionState
from tests.support.ami_builders import BANNER, Exchange
from tests.support.examples import examples

ACCEPTED = b"Response: Success\r\nActionID: callmon-2\r\nMessage: Authentication accepted\r\n\r\n"
CHALLENGE = b"Response: Success\r\nActionID: callmon-1\r\nChallenge: 155066612\r\n\r\n"
REFUSED = b"Response: Error\r\nMessage: Authentication failed\r\n\r\n"
BOOTED = b"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 97\r\nStatus: Fully Booted\r\n\r\n"
PONG = b"Response: Success\r\nActionID: callmon-3\r\nPing: Pong\r\nTimestamp: 1795527733.250000\r\n\r\n"
LISTED = [
    {"Action": "DeviceStateList"},
    {"Action": "CoreShowChannels"},
    {"Action": "Status", "Variables": "CDR(start,u),CDR(answer,u),CALLERID(num-pres)"},
    {"Action": "CoreStatus"},
]
AT = datetime(2026, 11, 24, 13, 42, 13, 250000, tzinfo=UTC)


def session(**more: Any) -> Session:
    return Session("toronto", more.pop("username", "callmon"), more.pop("secret", "s3cret"), 100.0, **more)


def listening() -> Session:
    """A session that is logged in, whose first Ping was answered at 100.0."""
    made = session(md5=False)
    made.receive_data(BANNER + ACCEPTED + BOOTED + PONG, 100.0)
    made.data_to_send()
    return made


def action(data: bytes) -> list[dict[str, str]]:
    blocks = [block for block in data.decode().split("\r\n\r\n") if block]
    return [dict(line.split(": ", 1) for line in block.split("\r\n")) for block in blocks]


def sent(made: Session) -> list[dict[str, str]]:
    return [{k: v for k, v in one.items() if k != "ActionID"} for one in action(made.data_to_send())]


def test_a_plain_login_sends_name_and_secret() -> None:
    made = session(md5=False)
    made.receive_data(BANNER, 100.0)
    assert sent(made) == [{"Action": "Login", "Username": "callmon", "Secret": "s3cret"}]
    assert made.state is SessionState.LOGGING_IN


def test_a_challenge_login_never_sends_the_secret() -> None:
    made = session()
    made.receive_data(BANNER, 100.0)
    assert sent(made) == [{"Action": "Challenge", "AuthType": "MD5"}]
    made.receive_data(CHALLENGE, 100.0)
    key = hashlib.md5(b"155066612s3cret").hexdigest()
    assert sent(made) == [{"Action": "Login", "Username": "callmon", "AuthType": "MD5", "Key": key}]
    made.receive_data(ACCEPTED, 100.0)
    assert made.state is SessionState.LISTENING


def test_after_the_login_come_the_clock_and_the_listing_in_order() -> None:
    made = session(md5=False)
    made.receive_data(BANNER, 100.0)
    made.data_to_send()
    made.receive_data(ACCEPTED + BOOTED, 100.0)
    assert sent(made) == [{"Action": "Ping"}, *LISTED]


def test_a_starting_exchange_is_asked_for_channels_once_it_has_booted() -> None:
    made = session(md5=False)
    made.receive_data(BANNER + ACCEPTED + PONG, 100.0)
    assert sent(made)[1:] == [{"Action": "Ping"}]
    booted = BOOTED.replace(b"Uptime: 97", b"Timestamp: 1795527735.0\r\nUptime: 0")
    heard = made.receive_data(booted, 101.8)
    assert [(type(event), event.at) for event in heard] == [
        (e.FullyBooted, datetime(2026, 11, 24, 13, 42, 15, tzinfo=UTC))
    ]
    assert sent(made) == LISTED
    made.receive_data(booted, 102.0)
    assert sent(made) == []


def test_an_account_without_news_of_the_boot_is_listed_after_ten_seconds() -> None:
    made = session(md5=False)
    made.receive_data(BANNER + ACCEPTED + PONG, 100.0)
    made.data_to_send()
    made.tick(105.0)
    made.receive_data(PONG, 105.5)
    assert (sent(made), made.next_deadline()) == ([{"Action": "Ping"}], 110.0)
    made.tick(110.0)
    assert (sent(made), made.next_deadline()) == (LISTED, 110.5)


def test_every_action_has_an_id_of_its_own() -> None:
    made = session(md5=False)
    made.receive_data(BANNER + ACCEPTED + BOOTED, 100.0)
    ids = [one["ActionID"] for one in action(made.data_to_send())]
    assert len(ids) == len(set(ids)) == 6


@pytest.mark.parametrize("md5", [True, False])
def test_a_refused_login_says_whose_and_where_to_look(md5: bool) -> None:
    made = session(md5=md5)
    made.receive_data(BANNER + (CHALLENGE if md5 else b"") + REFUSED, 100.0)
    assert (made.state, made.is_refused) == (SessionState.FAILED, True)
    assert str(made.failure) == (
        "Exchange toronto refuses the login of 'callmon' (Authentication failed): check its name, its secret and "
        "the permit lines of manager.conf; the exchange's log says which."
    )
    assert "s3cret" not in str(made.failure)


def test_a_challenge_that_is_not_permitted_is_a_refusal() -> None:
    made = session()
    made.receive_data(BANNER + b"Response: Error\r\nMessage: Must specify AuthType\r\n\r\n", 100.0)
    assert (made.state, made.is_refused) == (SessionState.FAILED, True)


@pytest.mark.parametrize("greeting", [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 400 Bad\r\n\r\n", b"\0\0", b"B"])
def test_what_does_not_greet_as_ami_is_given_up(greeting: bytes) -> None:
    made = session()
    made.receive_data(greeting, 100.0)
    assert (made.state, made.is_refused) == (SessionState.FAILED, False)
    assert str(made.failure) == "Exchange toronto is not an Asterisk manager interface; check host and port."
    assert made.data_to_send() == b""


def test_silence_instead_of_a_banner_is_given_up_in_time() -> None:
    made = session()
    assert made.next_deadline() == 100.0 + GREETING_TIMEOUT
    made.tick(made.next_deadline() - 0.001)
    assert made.state is SessionState.CONNECTED
    made.tick(made.next_deadline())
    assert made.state is SessionState.FAILED


def test_a_login_that_is_never_answered_is_given_up_in_time() -> None:
    made = session()
    made.receive_data(BANNER, 105.0)
    made.tick(114.999)
    assert made.state is SessionState.CHALLENGING
    made.tick(115.0)
    assert str(made.failure).startswith("Exchange toronto did not greet or answer the login")
    assert made.is_refused is False


def test_a_ping_follows_each_answered_one_after_five_seconds() -> None:
    made = listening()
    assert made.next_deadline() == 105.0
    made.tick(104.999)
    assert made.data_to_send() == b""
    made.tick(105.0)
    assert sent(made) == [{"Action": "Ping"}]
    assert made.next_deadline() == 110.0
    made.receive_data(PONG, 105.1)
    assert (made.next_deadline(), made.state) == (110.1, SessionState.LISTENING)


def test_a_hastened_ping_waits_only_for_the_reply_before_it() -> None:
    made = listening()
    made.hasten_ping(101.0)
    assert (sent(made), made.next_deadline()) == ([{"Action": "Ping"}], 106.0)
    made.hasten_ping(101.1)
    assert sent(made) == []
    made.receive_data(PONG, 101.2)
    assert made.next_deadline() == 106.2
    made.hasten_ping(101.3)
    assert sent(made) == [{"Action": "Ping"}]


def test_hastened_pings_do_not_keep_the_listing_from_being_asked() -> None:
    made, asked = listening(), []
    for n in range(100):
        made.hasten_ping(102.0 + 2 * n)
        asked += [one["Action"] for one in sent(made)]
        made.receive_data(PONG, 102.1 + 2 * n)
    assert (asked.count("Ping"), asked.count("CoreShowChannels")) == (100, 1)


def test_an_exchange_without_a_pong_is_given_up_after_five_seconds() -> None:
    made = listening()
    made.tick(105.0)
    made.tick(109.999)
    assert made.state is SessionState.LISTENING
    made.tick(110.0)
    assert made.state is SessionState.FAILED
    assert str(made.failure) == "Exchange toronto does not answer; closing the connection."


def test_a_late_alarm_leaves_time_to_read_what_has_come_once() -> None:
    """A paused virtual machine: the answer came meanwhile, and has not been read yet."""
    made = listening()
    made.tick(105.0)
    made.tick(118.0)
    assert (made.state, made.next_deadline()) == (SessionState.LISTENING, 123.0)
    made.receive_data(PONG, 118.001)
    assert (made.state, made.next_deadline()) == (SessionState.LISTENING, 123.001)
    made.tick(123.001)
    made.tick(140.0)
    made.tick(160.0)
    assert made.state is SessionState.FAILED


def test_an_exchange_that_still_talks_is_asked_again_instead_of_given_up() -> None:
    made = listening()
    made.tick(105.0)
    made.receive_data(b"Event: PeerStatus\r\n\r\n", 108.0)
    made.tick(110.0)
    assert made.state is SessionState.LISTENING
    assert sent(made) == [{"Action": "Ping"}, {"Action": "Ping"}]


def test_fully_booted_has_the_exchanges_own_time_once_it_is_known() -> None:
    made = session(md5=False)
    assert made.receive_data(BANNER + ACCEPTED + BOOTED, 100.0) == []
    assert made.receive_data(PONG, 100.4) == [e.FullyBooted(AT, "97")]
    assert made.receive_data(PONG, 105.4) == []


def test_the_end_of_the_listing_bears_the_exchange_s_time() -> None:
    made = listening()
    done = b"Event: StatusComplete\r\nActionID: callmon-4\r\nItems: 0\r\n\r\n"
    assert made.receive_data(done, 100.5) == [e.StatusComplete(AT + timedelta(seconds=0.5))]


HEARD = b"Event: Hangup\r\nTimestamp: 1795527735.000000\r\nUniqueid: 1.1\r\n\r\n"


def test_the_exchange_is_unreceived_from_its_last_report_on() -> None:
    made = listening()
    made.receive_data(HEARD, 102.0)
    made.receive_data(HEARD[:-9], 102.5)
    assert made.lost() == e.ConnectionLost(e.instant("1795527735.000000"))


def test_a_gap_does_not_begin_before_the_end_of_the_one_before() -> None:
    made = listening()
    (done,) = made.receive_data(b"Event: StatusComplete\r\nActionID: callmon-4\r\nItems: 0\r\n\r\n", 100.5)
    assert made.lost() == e.ConnectionLost(done.at) == e.ConnectionLost(AT + timedelta(seconds=0.5))


def test_an_exchange_without_a_time_is_unreceived_from_an_unknown_moment() -> None:
    made = session()
    assert made.lost() == e.ConnectionLost(None)


@pytest.mark.parametrize(
    ("username", "secret"), [("a\r\nAction: Command", "s3"), ("a", "s3\nb"), ("a\r", "s3"), ("a", "s3\rb")]
)
def test_a_line_break_in_the_user_name_or_secret_is_never_sent(username: str, secret: str) -> None:
    made = session(username=username, secret=secret, md5=False)
    made.receive_data(BANNER, 100.0)
    assert (made.data_to_send(), made.state) == (b"", SessionState.FAILED)
    sentence = "Exchange toronto cannot be contacted: the user name or secret holds a line break."
    assert str(made.failure) == sentence


def test_an_originate_s_outcome_is_an_event_and_no_answer_to_us() -> None:
    made = listening()
    made.receive_data(b"Event: OriginateResponse\r\nResponse: Success\r\nPing: Pong\r\n\r\n", 101.0)
    assert made.next_deadline() == 105.0


def test_events_are_counted_and_answers_to_us_are_not() -> None:
    made = session(md5=False)
    made.receive_data(BANNER + ACCEPTED + BOOTED + PONG, 100.0)
    assert made.received == 1
    made.receive_data(BOOTED + PONG + b"Event: OfNoUse\r\n\r\nnothing\r\n\r\n" + REFUSED, 101.0)
    assert made.received == 3


def test_messages_of_no_use_are_counted_and_skipped() -> None:
    made = listening()
    assert made.receive_data(b"what is this\r\n\r\nEvent: NewThing\r\nA: b\r\n\r\n\xff\xfe\r\n\r\n", 101.0) == []
    assert (made.unusable, made.state) == (2, SessionState.LISTENING)


def whole() -> bytes:
    exchange = Exchange()
    caller = exchange.at(1).call()
    phone = exchange.at(1.1).rings(caller, "PJSIP/101")[0]
    exchange.at(4).answer(caller, phone)
    exchange.at(9).ends(caller, phone)
    return bytes(exchange.connections[0])


@effort(max_examples=examples(60), deadline=None)
@given(cuts=st.lists(st.integers(0, 10**5), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_events(cuts: list[int]) -> None:
    data = whole()
    bounds = sorted({0, *(cut % len(data) for cut in cuts), len(data)})
    at_once, bit_by_bit = session(md5=False), session(md5=False)
    expected = at_once.receive_data(data, 100.0)
    heard = [event for one, two in pairwise(bounds) for event in bit_by_bit.receive_data(data[one:two], 100.0)]
    assert heard == expected
    assert bit_by_bit.data_to_send() == at_once.data_to_send()
    assert [type(event).__name__ for event in heard].count("Hangup") == 2


@effort(max_examples=examples(200), deadline=None)
@given(data=st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([BANNER, CHALLENGE, ACCEPTED, PONG, BOOTED,
       b"Event: Newchannel\r\nTimestamp: nan\r\n\r\n", b"Response: \r\n\r\n", b"\r\n\r\n"]))))  # fmt: skip
def test_no_bytes_raise(data: list[bytes]) -> None:
    made = session()
    for now, chunk in enumerate(data):
        made.receive_data(chunk, 100.0 + now)
        made.tick(100.0 + now)
        made.data_to_send()
    made.lost()


def test_the_channels_are_listed_again_every_three_minutes_beside_a_ping() -> None:
    made = listening()
    asked = []
    for second in range(100, 500):
        made.tick(float(second))
        actions = [one["Action"] for one in sent(made)]
        asked += [(second, action) for action in actions if action != "Ping"]
        if "Ping" in actions:
            made.receive_data(PONG, float(second))
    shortly = ("CoreShowChannels", "CoreStatus")
    assert asked == [(at, action) for at in (280, 460) for action in shortly]


@pytest.mark.parametrize("name", [b"PJSIP/a\nb-00000001", b"PJSIP/a\rb-00000001", b"\n"])
def test_a_line_break_in_a_channels_name_cuts_no_connection(name: bytes) -> None:
    made = listening()
    event = b"Event: Newchannel\r\nTimestamp: %d.5\r\nChannel: %s\r\nChannelState: 4\r\n"
    event += b"Uniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n"
    reported = made.receive_data(event % (AT.timestamp(), name), 100.1)
    assert ([type(x) for x in reported], made.data_to_send(), made.failure) == ([e.Newchannel], b"", None)
    reported = made.receive_data(event % (AT.timestamp(), b"PJSIP/trunk-00000001"), 100.2)
    assert (made.state, [x["Action"] for x in sent(made)]) == (SessionState.LISTENING, ["Getvar"])
