"""Calls that look like two, or like none: hairpins, conferences; hand-overs that no event names."""

from __future__ import annotations

from typing import Any

import pytest

from callmon.core.facts import MusicPlayed, SentOff
from tests.store.test_phones import facts_of
from tests.support.ami_builders import TTY, Channel, Exchange, judged, left, settings
from tests.unit.test_tracker import summary

POCI = "4163270374"
ABROAD = "4165550101@trunk"


def reported(exchange: Exchange) -> list[tuple[Any, ...]]:
    """Every call that was told; nothing of any is remembered."""
    replay = exchange.replayed()
    assert left(replay) == (0, 0, 0, 0)
    state = replay.monitor.exchanges["toronto"].tracker.state
    assert (state.gone_out, state.originations) == ({}, {})
    return [summary(call) for call in replay.calls()]


def sent(call: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(each["kind"], each["to"], each["answered"]) for each in call["transfers"]]


# Hairpins: the carrier brings back what was sent out to it.


def hairpin(
    exchange: Exchange, comes: float = 0.0, caller: str = "4165550101", number: str = POCI, **more: Any
) -> tuple[Channel, Channel, Channel]:
    """The caller, the channel that goes out, and the one that comes in again."""
    public = exchange.at(-0.1).call(**more)
    out = exchange.dial(public, "PJSIP/carrier", dial_string=f"{POCI}@carrier")
    back = exchange.at(comes).new("PJSIP/carrier", 4, number, caller=caller)
    back.context, back.exten = "ring-poci", "s"
    return public, out, back


def taken(exchange: Exchange, public: Channel, out: Channel, back: Channel) -> Exchange:
    """105 rings, and answers after eight seconds."""
    (phone,) = exchange.rings(back, "PJSIP/105")
    exchange.ring(public, out)
    exchange.at(exchange.now + 8).answer(back, phone)
    exchange.answer(public, out)
    exchange.at(20).ends(public, out, back, phone)
    return exchange


def early_return(exchange: Exchange, dial_begins: float, number: str = POCI) -> tuple[Channel, Channel, Channel]:
    """The call comes back before the DialBegin of the channel that goes out."""
    public = exchange.at(-0.1).call()
    with exchange.unsaid():
        out = exchange.dial(public, "PJSIP/carrier", dial_string=f"{POCI}@carrier")
    exchange.event("Newchannel", **exchange._of(out))
    back = exchange.at(0).new("PJSIP/carrier", 4, number, caller="4165550101")
    back.context, back.exten = "ring-poci", "s"
    if dial_begins > 0.5:
        exchange.hangup(exchange.at(dial_begins - 0.01).dial(back, "PJSIP/105"))
    exchange.at(dial_begins)._dial("DialBegin", public, out, DialString=f"{POCI}@carrier")
    return public, out, back


@pytest.mark.parametrize("timestamps", [True, False])
def test_a_call_that_returns_before_its_dial_begins_is_one_call(timestamps: bool) -> None:
    exchange = Exchange(timestamps=timestamps)
    taken(exchange, *early_return(exchange, 0.01))
    assert reported(exchange) == [("inbound", "general", "answered", 2 if timestamps else None, "105")]


@pytest.mark.parametrize(("dial_begins", "number"), [(0.6, POCI), (0.01, TTY)])
def test_the_same_callers_call_soon_after_is_a_call_of_its_own(dial_begins: float, number: str) -> None:
    exchange = Exchange()
    public, out, other = early_return(exchange, dial_begins, number)
    exchange.at(12).gives_up(other)
    exchange.gives_up(public, public, out)
    assert len(reported(exchange)) == 2


@pytest.mark.parametrize(
    ("comes", "caller", "number"),
    [
        (0.0, "4165550102", POCI),  # another caller
        (0.0, "4163272422", POCI),  # the carrier shows our own number: nobody can know
        (0.0, "4165550101", "4163250866"),  # the same caller, on another line
        (10.0, "4165550101", POCI),  # the same caller, later
    ],
)  # fmt: skip
def test_who_calls_meanwhile_is_a_caller_of_their_own(comes: float, caller: str, number: str) -> None:
    exchange = Exchange()
    public, out, other = hairpin(exchange, comes, caller, number)
    exchange.at(12).gives_up(other)
    exchange.gives_up(public, public, out)
    assert len(reported(exchange)) == 2


@pytest.mark.parametrize(("after", "calls"), [(10.0, 1), (10.001, 2)])
def test_a_call_comes_back_within_ten_seconds(after: float, calls: int) -> None:
    exchange = Exchange()
    public, out, back = hairpin(exchange, after - 0.1)
    exchange.at(12).gives_up(public, public, out, back)
    assert len(reported(exchange)) == calls


def test_a_withheld_caller_who_goes_out_and_comes_back_is_one_call() -> None:
    exchange, anonymous = Exchange(), {"caller": "anonymous", "caller_name": "Anonymous"}
    public = exchange.at(-0.1).call(**anonymous)
    out = exchange.dial(public, "PJSIP/carrier", dial_string=f"{POCI}@carrier")
    back = exchange.at(0).new("PJSIP/carrier", 4, POCI, **anonymous)
    taken(exchange, public, out, back)
    assert reported(exchange) == [("inbound", "general", "answered", 2, "105")]


def test_who_calls_again_after_all_dialling_is_a_new_calls_caller() -> None:
    exchange = Exchange()
    public = exchange.at(-0.1).call()
    exchange.at(1)._dial("DialEnd", public, exchange.dial(public, "PJSIP/carrier", dial_string=f"{POCI}@carrier"),
                         DialStatus="CONGESTION")  # fmt: skip
    again = exchange.at(2).call(POCI)
    exchange.at(3).gives_up(again)
    for channel in list(exchange.channels.values()):
        exchange.hangup(channel)
    assert len(reported(exchange)) == 2


def test_two_callers_who_go_out_at_once_come_back_as_themselves() -> None:
    exchange = Exchange()
    one = exchange.at(-0.1).call(caller="4165550101")
    two = exchange.call(caller="4165550102")
    outs = [exchange.dial(public, "PJSIP/carrier", dial_string=f"{POCI}@carrier") for public in (one, two)]
    back_two = exchange.at(0).new("PJSIP/carrier", 4, POCI, caller="4165550102")
    back_one = exchange.new("PJSIP/carrier", 4, POCI, caller="4165550101")
    (phone,) = exchange.rings(back_two, "PJSIP/105")
    exchange.ring(two, outs[1])
    exchange.at(3).answer(back_two, phone)
    exchange.answer(two, outs[1])
    exchange.at(9).ends(two, outs[1], back_two, phone)
    exchange.hangup(back_one)
    exchange.gives_up(one, one, outs[0])
    assert sorted(reported(exchange), key=str) == [
        ("inbound", "general", "abandoned", None, None), ("inbound", "general", "answered", 1, "105"),
    ]  # fmt: skip


# Conferences: nobody is dialled, and the two are in one bridge.


def meets(exchange: Exchange, *channels: Channel, bridge: str = "conference") -> None:
    for channel in channels:
        channel.bridge = bridge
        exchange.event("BridgeEnter", BridgeUniqueid=bridge, BridgeType="base", **exchange._of(channel))


def dials_in(exchange: Exchange, endpoint: str = "PJSIP/329", exten: str = "627", caller: str = "329") -> Channel:
    channel = exchange.new(endpoint, 4, exten, caller=caller, context="internal")
    exchange.up(channel)
    return channel


def test_callers_who_meet_have_nobody_who_answers() -> None:
    """Two of the public, and one who dialled in from outside, on a number of no line."""
    exchange = Exchange()
    callers = [exchange.at(0).call(caller=f"416555010{n}") for n in (1, 2)]
    for caller in callers:
        exchange.at(0.1).up(caller, "conference")
    outside = dials_in(exchange, "PJSIP/trunk", "4165550199", "4165550103")
    meets(exchange.at(2), callers[0], outside, callers[1])
    for channel in (*callers, outside):
        exchange.at(9).gives_up(channel)
    assert [call[2] for call in reported(exchange)] == ["abandoned"] * 3


def test_two_callers_in_one_conference_both_have_the_colleague() -> None:
    exchange = Exchange()
    one, two = (exchange.at(0).call(caller=f"416555010{n}") for n in (1, 2))
    for caller in (one, two):
        exchange.at(0.1).up(caller, "conference")
    colleague = dials_in(exchange.at(1))
    meets(exchange.at(2), one, colleague)
    exchange.at(5).gives_up(one)
    meets(exchange.at(6), two)
    exchange.at(9).gives_up(two)
    exchange.hangup(colleague)
    assert [call[2:] for call in reported(exchange)] == [("answered", None, "329")] * 2


def test_a_parking_lot_is_no_conference() -> None:
    """All who are parked are in one bridge: a colleague who parks a call of their own has not taken this one."""
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    (phone,) = exchange.at(0).rings(caller, "PJSIP/101")
    exchange.at(3).answer(caller, phone)
    exchange.at(5).event("ParkedCall", ParkeeUniqueid=caller.uniqueid, ParkingSpace="701")
    exchange.leave(caller)
    exchange.hangup(phone)
    meets(exchange, caller, bridge="lot")
    colleague = dials_in(exchange.at(7), "PJSIP/102", "700", "102")
    meets(exchange, colleague, bridge="lot")
    exchange.at(9).hangup(colleague)
    exchange.at(12).gives_up(caller)
    calls = {call["direction"]: call for call in exchange.calls()}
    assert [person.phone for person in exchange.replayed().ended[-1].people] == ["101"]
    assert (calls["inbound"]["parked"], calls["inbound"]["answered_by"]["extension"]) == (1, "101")


def test_who_joins_the_caller_by_a_conference_has_transferred_them() -> None:
    """The bridges are joined before the transfer is told: the second line is the same person's, and leaves."""
    exchange, caller, phone = talking()
    second = exchange.at(5).new("PJSIP/101", 4, "622", caller="101", context="internal")
    exchange.up(second)
    meets(exchange, second)
    exchange.at(8).leave(caller)
    meets(exchange, caller)
    consults(exchange, caller, phone, second, leaves=False)
    exchange.hangup(second)
    exchange.at(20).gives_up(caller)
    assert reported(exchange) == [("inbound", "general", "answered", 1, "101")]
    assert sent(exchange.one()) == [("attended", "622", False)]


# Hand-overs that no event names, or that reach nothing.


def talking(timestamps: bool = True) -> tuple[Exchange, Channel, Channel]:
    exchange = Exchange(timestamps=timestamps)
    caller = exchange.at(-0.1).call()
    (phone,) = exchange.at(0).rings(caller, "PJSIP/101")
    exchange.at(3).answer(caller, phone)
    return exchange, caller, phone


def sends_off(exchange: Exchange, caller: Channel, phone: Channel, to: str) -> None:
    exchange.event("BlindTransfer", Result="Success", TransfererChannel=phone.name,
                   TransfererUniqueid=phone.uniqueid, TransfereeUniqueid=caller.uniqueid,
                   Extension=to)  # fmt: skip
    for channel in (caller, phone):
        exchange.leave(channel)
    exchange.hangup(phone)


@pytest.mark.parametrize(
    ("cause", "redirections"), [(21, [("blind", "102", False)]), (17, [("blind", "102", False)]), (19, [])]
)
def test_a_phone_that_refuses_before_its_dial_was_reached_all_the_same(
    cause: int, redirections: list[tuple[str, str, bool]]
) -> None:
    """The SIP answer can overtake the DialBegin: another thread of Asterisk reports the request to hang up."""
    exchange, caller, phone = talking()
    sends_off(exchange.at(6), caller, phone, "102")
    other = exchange.new("PJSIP/102", 0, "s", caller.linkedid)
    exchange.event("HangupRequest", **exchange._of(other), Cause=cause)
    exchange._dial("DialBegin", caller, other, DialString="102")
    exchange.at(6.01).stop(caller, other, "NOANSWER", cause)
    exchange.hangup(caller)
    assert sent(exchange.one()) == redirections


@pytest.mark.parametrize("timestamps", [True, False])
def test_a_transfer_reported_after_voicemail_is_one_transfer(timestamps: bool) -> None:
    exchange, caller, phone = talking(timestamps)
    exchange.at(6).voicemail(caller)
    sends_off(exchange.at(6.01), caller, phone, "500")
    exchange.at(25).message(caller)
    exchange.gives_up(caller)
    call = exchange.one()
    verdict = "met" if timestamps else "unknown"  # no time, no opening hours
    assert (sent(call), judged(call, "one_transfer_at_most")[0]) == ([("blind", "500", False)], verdict)


@pytest.mark.parametrize("heard", ["dialplan", "message"])
def test_a_redirect_to_voicemail_is_known_by_voicemail(heard: str) -> None:
    exchange, caller, phone = talking()
    exchange.at(6).leave(caller)
    exchange.leave(phone)
    exchange.voicemail(caller, reported=heard == "dialplan")
    exchange.hangup(phone)
    exchange.at(25).message(caller)
    exchange.gives_up(caller)
    call = exchange.one()
    assert (call["outcome"], sent(call), call["voicemail"]["mailbox"]) == (
        "answered", [("redirect", "500", False)], "500",
    )  # fmt: skip


def test_voicemail_after_the_person_hung_up_is_no_redirect() -> None:
    exchange, caller, phone = talking()
    exchange.at(6).ends(phone)
    exchange.leave(caller)
    exchange.voicemail(caller)
    exchange.at(25).message(caller)
    exchange.gives_up(caller)
    call = exchange.one()
    assert (sent(call), call["voicemail"]["mailbox"]) == ([], "500")


@pytest.mark.parametrize("on_hold", [True, False])
def test_the_step_that_joins_the_caller_with_voicemail_names_it(on_hold: bool) -> None:
    exchange, caller, phone = talking()
    if on_hold:
        exchange.at(4).event("Hold", **exchange._of(phone))
    second = exchange.at(5).new("PJSIP/101", 4, "500", caller="101", context="internal")
    exchange.voicemail(second, context="box")
    second.exten = "500"
    consults(exchange.at(8), caller, phone, second)
    exchange.voicemail(caller)
    exchange.hangup(second)
    exchange.at(25).gives_up(caller)
    (call,) = (call for call in exchange.calls() if call["direction"] == "inbound")
    assert sent(call) == [("attended", "500", False)]


def consults(exchange: Exchange, caller: Channel, phone: Channel, second: Channel, leaves: bool = True) -> None:
    """AttendedTransfer: the phone joins its two calls, and goes."""
    exchange.event("AttendedTransfer", Result="Success", OrigTransfererChannel=phone.name,
                   OrigTransfererUniqueid=phone.uniqueid, SecondTransfererChannel=second.name,
                   SecondTransfererExten=second.exten, SecondTransfererUniqueid=second.uniqueid,
                   TransfereeUniqueid=caller.uniqueid)  # fmt: skip
    for channel in (caller, phone) if leaves else (phone,):
        exchange.leave(channel)
    exchange.hangup(phone)


def test_a_consulted_group_is_named_and_not_its_phone_without_answer() -> None:
    """Its box took the consultation; the phone's channel is still there."""
    exchange, caller, phone = talking()
    group = exchange.at(5).dial(phone, "Local/600@internal-00000001;1", dial_string="600@internal")
    half = exchange.new("Local/600@internal-00000001;2", 4, "600", group.linkedid, context="internal")
    (silent,) = exchange.at(6).rings(half, "PJSIP/102")
    exchange.at(30)._dial("DialEnd", half, silent, DialStatus="NOANSWER")
    exchange.voicemail(half, "504")
    exchange.at(31).answer(phone, group, join=False)
    consults(exchange.at(33), caller, phone, group)
    assert [fact.to for fact in facts_of(exchange, settings()) if isinstance(fact, SentOff)] == ["600"]


def test_a_trunk_whose_far_end_holds_us_consults_nobody() -> None:
    """The far end of a call outward holds it; over the same trunk comes a call that goes out again."""
    exchange = Exchange()
    agent = exchange.at(0).call("94165550199", "PJSIP/101", caller="101")
    far = exchange.dial(agent, "PJSIP/trunk", dial_string=ABROAD)
    exchange.ring(agent, far)
    exchange.at(3).answer(agent, far)
    exchange.at(4).event("Hold", **exchange._of(far))
    stranger = exchange.at(5).call("9055550100", caller="4165550107")
    mobile = exchange.dial(stranger, "PJSIP/trunk", dial_string="6475550106@trunk")
    exchange.at(9).gives_up(stranger, stranger, mobile)
    exchange.at(10).ends(agent, far)
    assert len(reported(exchange)) == 2


@pytest.mark.parametrize(("timestamps", "dialplan_heard"), [(True, True), (True, False), (False, True)])
def test_a_caller_sent_to_a_box_that_is_not_there_reached_nothing(timestamps: bool, dialplan_heard: bool) -> None:
    """The dialplan tries a phone that nobody registered, goes on to voicemail's context, and hangs up."""
    exchange, caller, phone = talking(timestamps)
    if dialplan_heard:
        before = exchange.call(caller="4165550102")
        exchange.voicemail(before)
        exchange.gives_up(before)
    sends_off(exchange.at(6), caller, phone, "198")
    caller.context, caller.exten = "box", "198"
    exchange.at(6.01).hangup(caller, 3)
    (call,) = (call for call in exchange.calls() if call["outcome"] == "answered")
    assert (sent(call), call["voicemail"]) == ([], None)


# Music instead of ringing: Dial with `m`.


def to_music(answers: float, played: bool = True, **more: Any) -> Exchange:
    """The dial begins, the music starts, and 3 s later the phone is heard to ring."""
    exchange = Exchange(**more)
    caller = exchange.at(-0.1).call()
    phone = exchange.at(0).dial(caller, "PJSIP/101")
    if played:
        exchange.event("MusicOnHoldStart", **exchange._of(caller), Class="default")
    exchange.at(3).ring(caller, phone)
    exchange.at(answers).answer(caller, phone)
    exchange.event("MusicOnHoldStart", **exchange._of(caller), Class="default")  # on hold: replaces no ringing
    exchange.at(40).ends(caller, phone)
    return exchange


@pytest.mark.parametrize(
    ("answers", "played", "heard", "rings", "verdict"),
    [
        (8.0, True, False, 2, ("met", "answered_after_music", None)),
        (17.999, True, False, 3, ("met", "answered_after_music", None)),
        (18.0, True, False, 4, ("not_met", "answered_after_music", "rang_unanswered")),
        (8.0, False, True, 1, ("met", "answered_on_ring", None)),
    ],
)
def test_a_caller_with_music_hears_no_ringing_and_is_judged_by_seconds(
    answers: float, played: bool, heard: bool, rings: int, verdict: tuple[str, str, str | None]
) -> None:
    call = to_music(answers, played).one()
    assert (call["heard_ringing"], call["rings"], judged(call)) == (heard, rings, verdict)


def test_music_in_a_menu_or_before_anything_is_dialled_replaces_no_ringing() -> None:
    exchange = Exchange()
    caller = exchange.at(-9).call()
    exchange.menu(caller)
    exchange.at(-5).event("MusicOnHoldStart", **exchange._of(caller), Class="default")
    (phone,) = exchange.at(0).rings(caller, "PJSIP/101")
    exchange.at(8).answer(caller, phone)
    exchange.at(20).ends(caller, phone)
    assert exchange.one()["heard_ringing"] is True


@pytest.mark.parametrize("where", ["in a queue", "on hold"])
def test_music_in_a_queue_or_on_hold_replaces_no_ringing(where: str) -> None:
    """Though a phone is being rung at that time: the queue's member, a colleague who is asked by keys."""
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    if where == "in a queue":
        exchange.up(caller, "queue")
        exchange.queue(caller)
    else:
        (first,) = exchange.rings(caller, "PJSIP/101")
        exchange.answer(caller, first)
    phone = exchange.dial(caller, "PJSIP/102", dial_string="102")
    exchange.event("MusicOnHoldStart", **exchange._of(caller), Class="default")
    exchange.at(9).stop(caller, phone)
    exchange.at(20).hangup(caller)
    assert [fact for fact in facts_of(exchange, settings()) if isinstance(fact, MusicPlayed)] == []
