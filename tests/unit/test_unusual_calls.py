"""Calls that look like two, or like none: click-to-dial, hairpins, conferences; hand-overs that no event names."""

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


# Click-to-dial: the exchange rings a phone of ours first, and dials for whoever picks it up.


def clicked(exchange: Exchange, endpoint: str = "PJSIP/313", string: str = "313", **more: Any) -> Channel:
    """Originate: the phone is dialled by nobody, and picked up after three seconds."""
    agent = exchange.at(-3.1).dial(None, endpoint, dial_string=string, **more)
    exchange.ring(None, agent)
    agent.state = 6
    exchange.at(-0.1).event("Newstate", **exchange._of(agent))
    exchange._dial("DialEnd", None, agent, DialStatus="ANSWER")
    return agent


def far_end(exchange: Exchange, source: Channel, caller: Channel, far: Channel, how: str) -> Exchange:
    match how:
        case "answered":
            exchange.at(0).ring(source, far)
            exchange.at(8).answer(source, far)
            exchange.at(20).ends(far, caller)
        case "busy":
            exchange.at(1).stop(source, far, "BUSY", 17)
            exchange.at(5).hangup(caller, 17)
        case "unanswered":
            exchange.at(0).ring(source, far)
            exchange.at(10).gives_up(caller, source, far)
    return exchange


@pytest.mark.parametrize("dial_states", [True, False])
@pytest.mark.parametrize(("trunk", "string"), [("PJSIP/trunk", ABROAD), ("SIP/trunk", "trunk/4165550101")])
@pytest.mark.parametrize(
    ("how", "outcome", "rings", "by"),
    [("answered", "answered", 2, "outside"), ("busy", "busy", None, None), ("unanswered", "no_answer", 2, None)],
)
def test_a_click_to_dial_is_an_outbound_call_of_the_agent(
    how: str, outcome: str, rings: int | None, by: str | None, trunk: str, string: str, dial_states: bool
) -> None:
    exchange = Exchange(dial_states=dial_states)
    agent = clicked(exchange)
    far_end(exchange, agent, agent, exchange.dial(agent, trunk, dial_string=string), how)
    assert reported(exchange) == [("outbound", None, outcome, rings, by)]
    call = exchange.one()
    assert (call["dialled"], call["caller"], call["caller_channel"]) == ("4165550101", "313", agent.name)
    # It arrives when it is dialled: until then nobody's telephone rang but our own.
    assert call["arrived"] == "2026-11-24T13:59:59.900000Z"
    assert call["answered"] == ("2026-11-24T14:00:08.000000Z" if by else None)


def test_a_click_to_dial_at_home_is_an_internal_call() -> None:
    exchange = Exchange()
    agent = clicked(exchange)
    far_end(exchange, agent, agent, exchange.dial(agent, "PJSIP/316"), "answered")
    assert reported(exchange) == [("internal", None, "answered", 2, "316")]
    assert exchange.one()["dialled"] == "316"


def halves(exchange: Exchange) -> tuple[Channel, Channel]:
    """Originate of Local/313@from-internal: one half is dialled by nobody, the other runs the dialplan."""
    name = "Local/313@from-internal-00000001"
    one = exchange.new(f"{name};1", 0, "s")
    two = exchange.new(f"{name};2", 4, "313", one.linkedid)
    exchange.event("LocalBridge", **{f"LocalOne{k}": v for k, v in exchange._of(one).items()},
                   **{f"LocalTwo{k}": v for k, v in exchange._of(two).items()})  # fmt: skip
    exchange._dial("DialBegin", None, one, DialString="313@from-internal/n")
    return one, two


@pytest.mark.parametrize("joined", ["before the dial", "after the dial"])
@pytest.mark.parametrize("optimised", [False, True])
def test_the_phone_behind_a_local_channel_is_the_caller_of_a_click_to_dial(optimised: bool, joined: str) -> None:
    exchange = Exchange()
    one, two = halves(exchange.at(-3.1))
    agent = exchange.rings(two, "PJSIP/313")[0]
    exchange.at(-0.2).answer(two, agent, join=joined == "before the dial")
    exchange._dial("DialEnd", None, one, DialStatus="ANSWER")
    exchange.up(one)
    far = exchange.at(-0.1).dial(one, "PJSIP/trunk", dial_string=ABROAD)
    if joined == "after the dial":  # the two halves go their ways at once
        exchange.join(two, agent)
    exchange.at(0).ring(one, far)
    exchange.at(8).answer(one, far)
    if optimised:
        for channel in (agent, two, one):
            exchange.at(8.3).leave(channel)
        agent.bridge = far.bridge
        exchange.event("BridgeEnter", BridgeUniqueid=far.bridge, BridgeType="basic", **exchange._of(agent))
        exchange.hangup(one)
        exchange.hangup(two)
    exchange.at(20).ends(*((far, agent) if optimised else (far, one, two, agent)))
    assert reported(exchange) == [("outbound", None, "answered", 2, "outside")]
    call = exchange.one()
    assert (call["dialled"], call["caller"], call["caller_channel"]) == ("4165550101", "313", agent.name)
    assert call["ended"] == "2026-11-24T14:00:20.000000Z"


@pytest.mark.parametrize(
    ("trunk", "string"),
    [("PJSIP/trunk", ABROAD), ("SIP/trunk", "trunk/4165550101"), ("PJSIP/900", "4165550101@900")],
)
def test_a_dialler_that_rings_the_citizen_first_is_reported_as_no_call(trunk: str, string: str) -> None:
    exchange = Exchange()
    citizen = clicked(exchange, trunk, string, caller="<unknown>")
    far_end(exchange, citizen, citizen, exchange.dial(citizen, "PJSIP/316"), "answered")
    assert reported(exchange) == []


def test_a_phone_that_the_exchange_rings_and_that_dials_nobody_is_no_call() -> None:
    exchange = Exchange()
    exchange.at(9).hangup(clicked(exchange))
    assert reported(exchange) == []


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


@pytest.mark.parametrize("timestamps", [True, False])
@pytest.mark.parametrize("number", [POCI, "1" + POCI, "+1" + POCI])
def test_a_call_that_goes_out_and_comes_back_is_one_answered_call(number: str, timestamps: bool) -> None:
    exchange = Exchange(timestamps=timestamps)
    taken(exchange, *hairpin(exchange, number=number))
    assert reported(exchange) == [("inbound", "general", "answered", 2 if timestamps else None, "105")]


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


def test_every_phone_busy_behind_a_hairpin_is_busy() -> None:
    exchange = Exchange()
    public, out, back = hairpin(exchange)
    exchange.at(1).stop(back, exchange.dial(back, "PJSIP/105"), "BUSY", 17)
    exchange.busy(back)
    exchange.stop(public, out, "BUSY", 17)
    exchange.busy(public)
    assert reported(exchange) == [("inbound", "general", "busy", None, None)]


def test_voicemail_behind_a_hairpin_has_the_caller_s_message() -> None:
    exchange = Exchange()
    public, out, back = hairpin(exchange)
    phones = exchange.rings(back, "PJSIP/105")
    exchange.ring(public, out)
    exchange.at(24).stop(back, phones[0])
    exchange.voicemail(back)
    exchange.answer(public, out)
    exchange.at(40).message(back)
    exchange.ends(public, out, back)
    assert reported(exchange) == [("inbound", "general", "voicemail_message", 4, None)]


# Conferences: nobody is dialled, and the two are in one bridge.


def meets(exchange: Exchange, *channels: Channel, bridge: str = "conference") -> None:
    for channel in channels:
        channel.bridge = bridge
        exchange.event("BridgeEnter", BridgeUniqueid=bridge, BridgeType="base", **exchange._of(channel))


def dials_in(exchange: Exchange, endpoint: str = "PJSIP/329", exten: str = "627", caller: str = "329") -> Channel:
    channel = exchange.new(endpoint, 4, exten, caller=caller, context="internal")
    exchange.up(channel)
    return channel


@pytest.mark.parametrize("order", ["caller first", "colleague first"])
def test_a_colleague_who_comes_to_the_caller_in_a_conference_answers(order: str) -> None:
    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.at(0.1).up(caller, "conference")
    colleague = dials_in(exchange.at(1))
    meets(exchange.at(2), *((caller, colleague) if order == "caller first" else (colleague, caller)))
    exchange.at(9).hangup(colleague)
    exchange.at(12).gives_up(caller)
    assert reported(exchange) == [("inbound", "general", "answered", None, "329")]
    assert exchange.one()["answered"] == "2026-11-24T14:00:02.000000Z"


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


def test_a_caller_sent_to_a_conference_was_transferred_to_who_is_in_it() -> None:
    exchange, caller, phone = talking()
    colleague = dials_in(exchange.at(5), "PJSIP/331", "622", "331")
    meets(exchange, colleague)
    sends_off(exchange.at(6), caller, phone, "622")
    meets(exchange.at(7), caller)
    exchange.at(20).ends(colleague, caller)
    assert reported(exchange) == [("inbound", "general", "answered", 1, "101")]
    assert sent(exchange.one()) == [("blind", "622", True)]


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


@pytest.mark.parametrize("is_late", [True, False])
def test_a_transfer_whose_event_comes_after_the_dial_is_no_redirect(is_late: bool) -> None:
    exchange, caller, phone = talking()
    exchange.at(6)
    if not is_late:
        sends_off(exchange, caller, phone, "102")
    (other,) = exchange.rings(caller, "PJSIP/102")
    if is_late:
        sends_off(exchange.at(6.01), caller, phone, "102")
    exchange.at(9).answer(caller, other)
    exchange.at(20).ends(caller, other)
    assert sent(exchange.one()) == [("blind", "102", True)]


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


def outside_consulted(on_hold: bool, joins: bool) -> Exchange:
    exchange, caller, phone = talking()
    if on_hold:
        exchange.at(4).event("Hold", **exchange._of(phone))
    second = exchange.at(5).new("PJSIP/101", 4, "94165550199", caller="101", context="internal")
    far = exchange.dial(second, "PJSIP/trunk", dial_string=ABROAD)
    exchange.ring(second, far)
    exchange.at(7).answer(second, far)
    exchange.at(9)
    if joins:
        consults(exchange, caller, phone, second)
        caller.bridge = far.bridge
        exchange.event("BridgeEnter", BridgeUniqueid=far.bridge, BridgeType="basic", **exchange._of(caller))
        exchange.hangup(second)
        exchange.at(20).ends(far, caller)
    else:
        exchange.ends(second, far)
        exchange.at(10).event("Unhold", **exchange._of(phone))
        exchange.at(20).ends(caller, phone)
    return exchange


@pytest.mark.parametrize("joins", [True, False])
def test_an_outside_party_consulted_for_a_held_caller_is_a_leg(joins: bool) -> None:
    exchange = outside_consulted(on_hold=True, joins=joins)
    assert reported(exchange) == [("inbound", "general", "answered", 1, "101")]
    assert sent(exchange.one()) == ([("attended", "outside", True)] if joins else [])


def test_a_call_outward_of_a_phone_that_has_nobody_on_hold_is_its_own() -> None:
    exchange = outside_consulted(on_hold=False, joins=False)
    assert sorted(call[0] for call in reported(exchange)) == ["inbound", "outbound"]


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


def test_a_caller_sent_to_a_mailbox_without_greeting_was_transferred() -> None:
    """No dialplan step is heard: who stays in voicemail's context is in voicemail."""
    exchange, caller, phone = talking()
    sends_off(exchange.at(6), caller, phone, "500")
    caller.context, caller.exten = "box", "500"
    exchange.at(25).gives_up(caller)
    call = exchange.one()
    assert (sent(call), call["voicemail"]["mailbox"]) == ([("blind", "500", False)], "500")


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


def test_music_after_ringing_leaves_the_ringing_known() -> None:
    """The first phones ring in vain; for the next ones the dialplan plays music."""
    exchange = Exchange()
    caller = exchange.at(-0.1).call()
    (first,) = exchange.at(0).rings(caller, "PJSIP/101")
    exchange.at(6).stop(caller, first)
    second = exchange.dial(caller, "PJSIP/102")
    exchange.event("MusicOnHoldStart", **exchange._of(caller), Class="default")
    exchange.ring(caller, second)
    exchange.at(13).answer(caller, second)
    exchange.at(20).ends(caller, second)
    call = exchange.one()
    assert (call["heard_ringing"], judged(call)[1]) == (True, "answered_on_ring")


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
