"""What a real exchange does that surprises: each trap of asterisk.md, and what callmon must make of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from callmon.core.calls.endpoints import Endpoints
from tests.support.ami_builders import BANNER, GENERAL, Channel, Exchange, judged, left, replayed, settings
from tests.support.examples import examples


def summary(call: dict[str, Any]) -> tuple[Any, ...]:
    by = call["answered_by"]
    return call["direction"], call["line"], call["outcome"], call["rings"], by and by["extension"]


def ringing(exchange: Exchange, *endpoints: str) -> tuple[Channel, list[Channel]]:
    caller = exchange.at(-0.1).call()
    return caller, exchange.at(0).rings(caller, *(endpoints or ("PJSIP/101", "PJSIP/102")))


# Order.


def test_a_second_dial_end_of_one_leg_changes_nothing() -> None:
    exchange = Exchange()
    caller, (one, two) = ringing(exchange)
    exchange.at(6)
    for status in ("NOANSWER", "CANCEL"):
        exchange._dial("DialEnd", caller, one, DialStatus=status)
    exchange.hangup(one, 0)
    exchange.at(12).answer(caller, two)
    exchange._dial("DialEnd", caller, two, DialStatus="ANSWER")
    exchange.at(15).ends(caller, two)
    replay = exchange.replayed()
    (call,) = replay.calls()
    assert summary(call) == ("inbound", "general", "answered", 3, "102")
    assert replay.ended[0].phones.busy == 0


def test_a_dial_end_whose_beginning_was_not_received_still_answers() -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    phone = exchange.new("PJSIP/101", 5, "s", caller.linkedid)
    exchange.at(0)._dial("DialState", caller, phone, DialStatus="RINGING")
    exchange.at(3).answer(caller, phone)
    exchange.at(9).ends(caller, phone)
    assert summary(exchange.one()) == ("inbound", "general", "answered", 1, "101")


@pytest.mark.parametrize("ended", ["answered", "abandoned", "voicemail", "in vain"])
def test_an_exchange_without_dial_states_is_known_by_its_phones(ended: str) -> None:
    """Asterisk before 13."""
    exchange = Exchange(dial_states=False)
    caller, (one, two) = ringing(exchange)
    exchange.at(25)
    if ended == "answered":
        exchange.answer(caller, one, two)
        exchange.at(30).ends(caller, one)
    elif ended == "abandoned":
        exchange.gives_up(caller, caller, one, two)
    else:
        exchange.stop(caller, one)
        exchange.stop(caller, two)
        if ended == "voicemail":
            exchange.voicemail(caller)
        exchange.at(40).hangup(caller)
    call = exchange.one()
    assert call["rings"] == 5
    assert call["ringing"] == "2026-11-24T14:00:00.000000Z"
    assert judged(call)[0] == "not_met"


@pytest.mark.parametrize("order", [("pickup", "hangup", "answer"), ("answer", "pickup", "hangup")])
def test_a_picked_up_phone_without_dial_states_rang_for_the_caller(order: tuple[str, ...]) -> None:
    exchange = Exchange(dial_states=False)
    caller, (one,) = ringing(exchange, "PJSIP/101")
    taker = exchange.at(19).call("*8", "PJSIP/102", caller="102")
    pickup(exchange, caller, one, taker, order)
    exchange.at(30).ends(caller, taker)
    call = exchange.one()
    assert (call["outcome"], call["rings"], judged(call)[0]) == ("answered", 4, "not_met")


# Pick-up: the taker's channel has a Linkedid of its own.


def pickup(exchange: Exchange, caller: Channel, rang: Channel, taker: Channel, order: tuple[str, ...]) -> None:
    exchange.up(taker)
    for step in order:
        match step:
            case "pickup":
                target = {f"Target{key}": value for key, value in exchange._of(rang).items()}
                exchange.event("Pickup", **exchange._of(taker), **target)
            case "hangup":
                exchange.hangup(rang, 26)
            case "answer":
                exchange._dial("DialEnd", caller, taker, DialStatus="ANSWER")
    if caller.state != 6:
        exchange.up(caller)
    exchange.join(caller, taker)


# Two who are joined later than the answer.


@pytest.mark.parametrize(("joined", "rings"), [(7.4, 2), (18.2, 4), (None, 2)])
def test_an_answer_counts_from_the_moment_when_the_two_are_joined(joined: float | None, rings: int) -> None:
    """Dial's U option: DialEnd ANSWER comes at the pick-up, the bridge only after the prompt."""
    exchange = Exchange()
    caller, (phone,) = ringing(exchange, "PJSIP/101")
    exchange.at(7).answer(caller, phone, join=False)
    if joined is None:
        exchange.at(12).hangup(phone)
        exchange.at(13).hangup(caller)
        call = exchange.one()
        assert (call["outcome"], call["answered_by"]) != ("answered", "101")
        return
    exchange.at(joined).join(caller, phone)
    exchange.at(30).ends(caller, phone)
    call = exchange.one()
    assert (call["outcome"], call["rings"]) == ("answered", rings)


# Voicemail.


@pytest.mark.parametrize(
    ("new", "old", "opened", "outcome"),
    [
        (1, 0, False, "voicemail_message"),
        (0, 0, False, "voicemail_message"),  # the box mails each message and deletes it
        (0, 3, False, "voicemail"),  # or a colleague opened the box in the greeting, which is not reported
        (1, 3, True, "voicemail_no_message"),
        (0, 0, True, "voicemail_no_message"),
    ],
)
def test_a_callers_message_waiting_is_a_message_unless_it_is_listened_to(
    new: int, old: int, opened: bool, outcome: str
) -> None:
    exchange = Exchange()
    caller, (one, two) = ringing(exchange)
    exchange.at(24)
    exchange.stop(caller, one)
    exchange.stop(caller, two)
    exchange.voicemail(caller)
    if opened:
        exchange.at(26).runs(caller, "VoiceMailMain", "500@default,s", "a")
    exchange.at(39).message(caller, new=new, old=old)
    exchange.at(40).ends(caller)
    assert exchange.one()["outcome"] == outcome


@pytest.mark.parametrize(("step", "context", "box"), [(True, "", "500"), (False, "", "500"), (False, "box", None)])
def test_menu_then_ringing_then_voicemail_on_a_line_already_up(step: bool, context: str, box: str | None) -> None:
    """There is no Newstate: the dialplan step tells it, or (without class dialplan) the message or the context."""
    exchange = Exchange()
    caller = exchange.at(-5).call()
    exchange.menu(caller)
    phone = exchange.at(0).rings(caller, "PJSIP/101")[0]
    exchange.at(24.02).stop(caller, phone)
    exchange.voicemail(caller, reported=step, **({"context": context} if context else {}))
    exchange.at(40)
    if box:
        exchange.message(caller)
    exchange.ends(caller)
    call, is_left = exchange.one(), box is not None
    outcome = "voicemail_message" if is_left else "voicemail_no_message"
    assert (call["outcome"], call["voicemail"]) == (outcome, {"mailbox": box, "rings": 4, "message": is_left})
    assert judged(call, "voicemail_after_fourth_ring") == ("met", "voicemail_on_time", None)


# Names of channels.


@pytest.mark.parametrize(
    ("trunk", "phone", "extension"),
    [
        ("PJSIP/trunk", "PJSIP/102", "102"), ("SIP/telco", "SIP/102", "102"), ("DAHDI/i1", "DAHDI/12", "12"),
        ("DAHDI/1", "SIP/reception", "reception"), ("IAX2/carrier", "SCCP/204", "204"),
        ("PJSIP/my-trunk", "PJSIP/a-b", "a-b"),
        ("DAHDI/i1/4165550101", "PJSIP/102", "102"),
    ],
)  # fmt: skip
def test_other_channel_drivers_name_their_channels_otherwise(trunk: str, phone: str, extension: str) -> None:
    exchange = Exchange()
    caller = exchange.at(-0.1).call(trunk=trunk)
    one = exchange.at(0).rings(caller, phone)[0]
    exchange.at(3).answer(caller, one)
    exchange.at(9).ends(caller, one)
    call = exchange.one(settings({'trunks = ["PJSIP/trunk*"]': 'trunks = ["SIP/elsewhere"]'}))
    assert summary(call) == ("inbound", "general", "answered", 1, extension)
    assert "4165550101" not in call["caller_channel"]


# Lines and directions.


def answered(exchange: Exchange, caller: Channel, endpoint: str = "PJSIP/102", **more: Any) -> None:
    phone = exchange.dial(caller, endpoint, **more)
    exchange.ring(caller, phone)
    exchange.at(exchange.now + 3).answer(caller, phone)
    exchange.at(exchange.now + 6).ends(caller, phone)


def test_a_colleague_who_dials_the_public_line_is_no_member_of_the_public() -> None:
    exchange = Exchange()
    answered(exchange, exchange.call(GENERAL, "PJSIP/101", caller="101"))
    answered(exchange, exchange.at(60).call(GENERAL))
    answered(exchange, exchange.at(90).call(GENERAL), "PJSIP/101")
    assert [summary(call) for call in exchange.calls()] == [
        ("internal", None, "answered", 1, "102"),
        ("inbound", "general", "answered", 1, "102"),
        ("inbound", "general", "answered", 1, "101"),
    ]


@pytest.mark.parametrize("found", [False, True])
@pytest.mark.parametrize(
    ("endpoint", "context", "number"),
    [
        ("PJSIP/anonymous", "from-trunk", "4165550101"),
        ("SIP/192.0.2.7", "from-sip-external", "100"),  # shows the number of an extension
    ],
)
def test_a_call_by_no_trunk_is_a_strangers(endpoint: str, context: str, number: str, found: bool) -> None:
    exchange = Exchange()
    with exchange.unheard() if found else nullcontext():
        caller = exchange.call(GENERAL, endpoint, context=context, caller=number)
        caller.context = context
    answered(exchange, exchange.call(GENERAL), "PJSIP/101")
    exchange.at(20).hangup(caller)
    for trunks, strangers, lines in ((endpoint, 0, ["general"] * 2), ("PJSIP/trunk", 1, [None, "general"])):
        replay = exchange.replayed(settings({'trunks = ["PJSIP/trunk*"]': f'trunks = ["{trunks}"]'}))
        calls = replay.calls()
        assert [(call["direction"], call["line"]) for call in calls] == [("inbound", line) for line in lines]
        assert [bool(call["verdicts"]) for call in calls] == [line is not None for line in lines]
        assert replay.monitor.others == {"inbound": 0, "outbound": 0, "internal": 0, "stranger": strangers}
    assert not Endpoints().is_stranger(f"{endpoint}-1", context)


@pytest.mark.parametrize(
    "string",
    ["911@trunk", "trunk/911", "+14165550101@trunk", "4165550101@trunk", "trunk/sip:911@h", "PJSIP/311@trunk"],
)
@pytest.mark.parametrize("trunks", ['trunks = ["SIP/elsewhere"]', 'trunks = ["PJSIP/trunk*"]'])
def test_a_trunk_used_for_an_outbound_call_still_brings_public_calls(string: str, trunks: str) -> None:
    exchange = Exchange()
    answered(exchange, exchange.call("9911", "PJSIP/101", caller="101"), "PJSIP/trunk", dial_string=string)
    answered(exchange, exchange.at(60).call())
    given = settings({'trunks = ["PJSIP/trunk*"]': trunks})
    out, public = exchange.calls(given)
    assert (out["direction"], summary(public)) == ("outbound", ("inbound", "general", "answered", 1, "102"))


@pytest.mark.parametrize("string", ["101", "PJSIP/101", "101/sip:101@10.0.0.5:5060", "101/sip:4165550101@h"])
def test_a_phones_own_address_in_the_dial_makes_it_no_outside_party(string: str) -> None:
    exchange = Exchange()
    answered(exchange, exchange.call(), "PJSIP/101", dial_string=string)
    assert summary(exchange.one()) == ("inbound", "general", "answered", 1, "101")


def test_with_any_line_every_number_dialled_from_outside_is_a_line() -> None:
    exchange = Exchange()
    answered(exchange, exchange.call("5145559999"))
    answered(exchange, exchange.at(60).call("102", "PJSIP/101", caller="101"))
    calls = exchange.calls(any_line=True)
    assert [summary(call) for call in calls] == [
        ("inbound", "5145559999", "answered", 1, "102"), ("internal", None, "answered", 1, "102"),
    ]  # fmt: skip
    assert judged(calls[0])[0] == "met"


# Hold.


def test_a_stray_unhold_is_no_hold() -> None:
    exchange = Exchange()
    caller, (one, two) = ringing(exchange)
    exchange.at(3).answer(caller, one, two)
    exchange.at(5).event("Unhold", **exchange._of(one))
    exchange.at(6).event("Hold", **exchange._of(one))
    exchange.at(8).event("Unhold", **exchange._of(one))
    exchange.at(9).ends(caller, one)
    assert exchange.one()["holds"] == 1


# Disorder that no exchange makes: nothing raises, nothing stays.

IDS = ["lab-1795528013.0", "lab-1795528013.1", "lab-1795528014.2", "lab-1795528014.3", "", "x", "9" * 150]
names = st.sampled_from(["PJSIP/trunk-01", "PJSIP/101-02", "PJSIP/2-3", "Local/1@a-0;1", "Local/1@a-0;2", "-"])
FIELDS: dict[str, st.SearchStrategy[str]] = {
    "Channel": names, "DestChannel": names,
    "ChannelState": st.sampled_from(["0", "4", "5", "6", "7", ""]),
    "CallerIDNum": st.sampled_from(["4165550101", "101", "<unknown>", "anonymous", ""]),
    "CallerIDName": st.sampled_from(["", "\xff", "Anonymous"]),
    "Language": st.sampled_from(["en", "fr", ""]),
    "Context": st.sampled_from(["box", "ring", ""]),
    "Exten": st.sampled_from([GENERAL, "s", "500", "102", ""]),
    "Uniqueid": st.sampled_from(IDS), "Linkedid": st.sampled_from(IDS), "DestUniqueid": st.sampled_from(IDS),
    "LocalOneUniqueid": st.sampled_from(IDS), "LocalTwoUniqueid": st.sampled_from(IDS),
    "DialString": st.sampled_from(["101", "4165550101@trunk", ""]),
    "DialStatus": st.sampled_from(["ANSWER", "RINGING", "PROGRESS", "NOANSWER", "BUSY", "CANCEL", "?"]),
    "BridgeUniqueid": st.sampled_from(["b1", "b2", ""]), "BridgeId": st.sampled_from(["b1", ""]),
    "BridgeID": st.sampled_from(["b1", ""]),
    "ToBridgeUniqueid": st.sampled_from(["b1", "b2"]), "FromBridgeUniqueid": st.sampled_from(["b1", "b2"]),
    "Cause": st.sampled_from(["0", "4", "17", "16", "3", "?"]),
    "Queue": st.just("q"), "Application": st.sampled_from(["VoiceMail", "Dial", "Queue", "Read", ""]),
    "AppData": st.sampled_from(["500@default,u", ""]), "Mailbox": st.sampled_from(["500@default", ""]),
    "New": st.sampled_from(["1", "0", "", "?"]), "Uptime": st.sampled_from(["5", "1000", "-1", "?", "9" * 30]),
    "DNID": st.sampled_from([GENERAL, "", "s"]),
    "Timestamp": st.one_of(
        st.integers(1795528013, 1795528060).map(str),
        st.sampled_from(["nan", "inf", "-1", "0", "1e300", "?", "", "253402300799.999999", "99999999999"]),
    ),
}  # fmt: skip
EVENTS = [
    "Newchannel", "Newstate", "DialBegin", "DialState", "DialEnd", "BridgeEnter", "BridgeLeave",
    "LocalBridge", "Hangup", "HangupRequest", "SoftHangupRequest", "Hold", "Unhold", "Newexten", "MessageWaiting",
    "QueueCallerJoin", "QueueCallerLeave", "FullyBooted", "Shutdown", "CoreShowChannel",
    "CoreShowChannelsComplete", "Status", "StatusComplete",
]  # fmt: skip


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    name = draw(st.sampled_from(EVENTS))
    left_out = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=3))
    lines = [f"Event: {name}"]
    lines += [f"{field}: {draw(value)}" for field, value in FIELDS.items() if field not in left_out]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"


def all_gone() -> bytes:
    """Every channel hangs up."""
    return b"".join(
        f"Event: Hangup\r\nTimestamp: 1795528099.0\r\nUniqueid: {uniqueid[:256]}\r\nCause: 16\r\n\r\n".encode()
        for uniqueid in IDS
    )


@effort(max_examples=examples(120), deadline=None)
@given(streams=st.lists(st.lists(messages(), max_size=25).map(b"".join), min_size=1, max_size=3))
@example(streams=[b"Event: CoreShowChannel\r\nUniqueid: \r\n\r\n"])
def test_no_order_of_events_raises_or_is_remembered_after_all_hung_up(streams: list[bytes]) -> None:
    streams[-1] += all_gone()
    replay = replayed(*(BANNER + stream for stream in streams))
    replay.calls()
    assert left(replay) == (0, 0, 0, 0)


@effort(max_examples=examples(50), deadline=None)
@given(data=st.data())
def test_a_real_call_amid_disorder_keeps_its_outcome(data: st.DataObject) -> None:
    """Its phones are not the disorder's: what is dialled first at an endpoint teaches whether it leads outside."""
    exchange = Exchange(system="real-")
    caller, (one, two) = ringing(exchange, "PJSIP/105", "PJSIP/106")
    exchange.at(7).answer(caller, one, two)
    exchange.at(9).ends(caller, one)
    blocks = bytes(exchange.connections[0]).removeprefix(BANNER).split(b"\r\n\r\n")[:-1]
    mixed = b"".join(
        block + b"\r\n\r\n" + b"".join(data.draw(st.lists(messages().filter(_harmless), max_size=2)))
        for block in blocks
    )
    calls = {call["call"]: call for call in replayed(BANNER + mixed + all_gone()).calls()}
    assert summary(calls[caller.uniqueid]) == ("inbound", "general", "answered", 2, "105")


def _harmless(message: bytes) -> bool:
    """Other calls' events, not news of the whole exchange; bridges of their own."""
    whole = (b"FullyBooted", b"Shutdown", b"StatusComplete", b"CoreShow", b"Status")
    return not any(message.startswith(b"Event: " + name) for name in whole)


PRESENTATIONS = [
    *((shown, "+14165550101") for shown in ("allowed", "allowed_not_screened", "unavailable")),
    *((f"prohib{more}", None) for more in ("", "_not_screened", "_passed_screen", "_failed_screen")),
]


@pytest.mark.parametrize(("value", "expected"), PRESENTATIONS)
def test_a_number_is_withheld_however_the_exchange_says_so(value: str, expected: str | None) -> None:
    exchange = Exchange()
    caller = exchange.call()
    answer = f"ActionID: callmon-presentation-{caller.uniqueid}\r\nVariable: CALLERID(num-pres)\r\nValue: {value}"
    exchange.write(f"Response: Success\r\n{answer}\r\n\r\n".encode())
    exchange.at(5).ends(caller)
    assert exchange.one()["caller"] == expected


@pytest.mark.parametrize(("value", "expected"), PRESENTATIONS)
def test_a_number_that_a_listing_says_is_restricted_is_withheld(value: str, expected: str | None) -> None:
    exchange = Exchange()
    with exchange.unheard(until=1):
        caller = exchange.call()
    said, cdr = f"Variable: CALLERID(num-pres)={value}\r\n".encode(), b"Variable: CDR(start,u)="
    exchange.connections[-1] = exchange.connections[-1].replace(cdr, said + cdr)
    exchange.at(5).ends(caller)
    assert exchange.one()["caller"] == expected
