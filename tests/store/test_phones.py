"""Phones free, in use, unreachable (R-26), and the cause that their states give to a promise not kept (R-10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from callmon.ami import decoding
from callmon.ami import events as e
from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.calls.phone_states import FORGOTTEN_AFTER, Phones, is_phone
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.sinks.metrics.exposition import Metrics
from callmon.store.database import Database
from callmon.store.queries import calls
from callmon.store.writer.committed import CommittedCounters
from tests.support.ami_builders import MORNING, Exchange, judged, listener, settings
from tests.support.store_fixtures import EXCHANGE, Daemon, account, wrote

THREE = ("101", "102", "103")
NUMBERS = 'numbers = ["416 327-2422"]'
TOLL_FREE = 'numbers = ["1 800 267-7329"]'
OF_TTY = 'numbers = ["416 325-0866"]'
GENERAL_LINE = settings({NUMBERS: f"{NUMBERS}\nextensions = {list(THREE)}"})
A, P = "answer_by_third_ring", "reach_a_person"


def stands(exchange: Exchange, *states: str, listed: bool = False) -> None:
    """Phones 101, 102, 103 … stand so; "" says nothing of one."""
    for number, state in zip(("101", "102", "103", "104"), states, strict=False):
        if state:
            exchange.event("DeviceStateChange", stamped=not listed, Device=f"PJSIP/{number}", State=state)


def reported(exchange: Exchange, given: Settings = GENERAL_LINE) -> list[tuple[float | None, str]]:
    """What was told of the phones while the caller waited, with the seconds since the start."""
    found: list[tuple[float | None, str]] = []
    for fact in facts_of(exchange, given):
        if isinstance(fact, f.PhonesSeen):
            found.append((None if fact.at is None else (fact.at - MORNING).total_seconds(), fact.best))
    return found


def facts_of(exchange: Exchange, given: Settings) -> list[f.Fact]:
    return [fact for outcome in outcomes(exchange, listener(given)) for fact in outcome.facts]


def outcomes(exchange: Exchange, monitor: Monitor) -> Iterator[Outcome]:
    """What follows from all that was written, one connection after the other."""
    for number, data in enumerate(exchange.connections):
        heard = [decoding.event(message) for message in bytes(data).split(b"\r\n\r\n")]
        events = [event for event in heard if isinstance(event, e.Event)]
        for event in [e.ConnectionLost(None), *events] if number else events:
            outcome = monitor.feed("toronto", event)
            if outcome is not None:
                yield outcome


def gauge(monitor: Monitor, line: str = "general") -> dict[str, int]:
    return {state: count for (name, state), count in monitor.phones().items() if name == line}


def heard(exchange: Exchange, given: Settings = GENERAL_LINE) -> Monitor:
    """A monitor that heard all that was written."""
    monitor = listener(given)
    list(outcomes(exchange, monitor))
    return monitor


# ── how phones stand ──


@pytest.mark.parametrize(
    ("state", "counted"),
    [
        ("NOT_INUSE", {"free": 1}),
        ("INUSE", {"in_use": 1}),
        ("BUSY", {"in_use": 1}),
        ("RINGING", {"in_use": 1}),
        ("RINGINUSE", {"in_use": 1}),
        ("ONHOLD", {"in_use": 1}),
        ("UNAVAILABLE", {"unreachable": 1}),
        ("INVALID", {"unreachable": 1}),
        ("UNKNOWN", {}),
        ("SOMETHING_NEW", {}),
    ],
)
def test_every_state_of_asterisk_is_free_in_use_unreachable_or_not_known(
    state: str, counted: dict[str, int]
) -> None:
    exchange = Exchange()
    stands(exchange, state)
    assert gauge(heard(exchange)) == counted


@pytest.mark.parametrize(
    "device",
    [
        "Queue:genline", "Queue:genline_avail", "Queue:genline_pause_PJSIP/101", "MWI:500@default",
        "Custom:DND101", "park:701@parkedcalls", "Local/104@internal", "confbridge:1", "",
    ],
)  # fmt: skip
def test_devices_that_are_no_phones_are_skipped_before_they_are_read(device: str) -> None:
    message = f"Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: {device}\r\nState: INUSE"
    assert decoding.event(message.encode()) is None
    assert not is_phone(device)


@pytest.mark.parametrize(
    "device", ["PJSIP/101", "SIP/101", "IAX2/desk", "DAHDI/3", "SCCP/101", "PJSIP/front-desk"]
)
def test_phones_of_every_technology_are_received(device: str) -> None:
    message = f"Event: DeviceStateChange\r\nActionID: callmon-4\r\nDevice: {device}\r\nState: ONHOLD\r\n"
    assert decoding.event(message.encode()) == e.DeviceStateChange("", device, "ONHOLD")
    assert is_phone(device)


def test_a_line_counts_its_own_phones_and_one_without_has_no_figure() -> None:
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "INUSE", "UNAVAILABLE", "INUSE", listed=True)
    assert heard(exchange).phones() == {
        ("general", "free"): 1, ("general", "in_use"): 1, ("general", "unreachable"): 1,
    }  # fmt: skip


def test_a_phone_of_two_lines_of_a_service_counts_once_for_it() -> None:
    shared = settings({number: f'{number}\nextensions = ["101", "102"]' for number in (NUMBERS, TOLL_FREE)})
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "INUSE", listed=True)
    monitor = heard(exchange, shared)
    assert (gauge(monitor), gauge(monitor, "general-toll-free")) == ({"free": 1, "in_use": 1},) * 2
    assert monitor.service_phones() == {
        (("general_inquiries", "voice"), "free"): 1,
        (("general_inquiries", "voice"), "in_use"): 1,
    }


def test_phones_of_a_services_tty_lines_are_counted_apart() -> None:
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "NOT_INUSE", listed=True)
    both = settings({NUMBERS: f'{NUMBERS}\nextensions = ["101"]', OF_TTY: f'{OF_TTY}\nextensions = ["102"]'})
    assert heard(exchange, both).service_phones() == {
        (("general_inquiries", "voice"), "free"): 1, (("general_inquiries", "tty"), "free"): 1,
    }  # fmt: skip


def test_an_extension_is_any_technology_and_an_endpoint_only_itself() -> None:
    both = settings({NUMBERS: f'{NUMBERS}\nextensions = ["101", "SIP/102"]'})
    exchange = Exchange()
    for device in ("PJSIP/101", "SIP/102", "PJSIP/102"):
        exchange.event("DeviceStateChange", Device=device, State="NOT_INUSE")
    assert gauge(heard(exchange, both)) == {"free": 2}


def test_without_a_configuration_phones_dialled_for_a_line_are_its() -> None:
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "NOT_INUSE", "NOT_INUSE", "NOT_INUSE", listed=True)
    caller = exchange.call()
    phones = exchange.at(0.1).rings(caller, "PJSIP/101", "PJSIP/102")
    exchange.at(3).answer(caller, phones[0], phones[1])
    exchange.at(4).dial(caller, "PJSIP/103")  # sent on by a person: no phone of this line
    assert gauge(heard(exchange, settings())) == {"free": 2}


def test_a_phone_to_which_another_forwards_is_not_the_lines() -> None:
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "NOT_INUSE", "", "NOT_INUSE", listed=True)
    caller = exchange.call()
    phone = exchange.at(0.1).rings(caller, "PJSIP/101")[0]
    exchange.at(0.5)._dial("DialEnd", caller, phone, DialStatus="CANCEL", Forward="104")
    exchange.hangup(phone, 23)
    exchange.rings(caller, "PJSIP/104")
    assert gauge(heard(exchange, settings())) == {"free": 1}


def test_a_phone_not_dialled_for_thirty_days_is_forgotten() -> None:
    phones, line = Phones(), settings().lines()["general"]
    for phone, at in (("PJSIP/101", MORNING), ("PJSIP/102", MORNING + timedelta(seconds=1))):
        phones.learn("general", phone, at)
        phones.record_state(phone, "NOT_INUSE")
    assert phones.counts([line], MORNING + FORGOTTEN_AFTER) == {"free": 2}
    assert phones.counts([line], MORNING + FORGOTTEN_AFTER + timedelta(seconds=1)) == {"free": 1}
    assert phones.counts([line], MORNING) == {"free": 1}


def test_a_gap_makes_every_phone_unknown_until_it_is_listed_again() -> None:
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "INUSE", "UNAVAILABLE", listed=True)
    monitor = heard(exchange)
    monitor.feed("toronto", e.ConnectionLost(MORNING))
    assert monitor.phones() == {}
    monitor.feed("toronto", e.DeviceStateChange("", "PJSIP/102", "NOT_INUSE"))
    assert gauge(monitor) == {"free": 1}


def test_a_phone_that_rings_twice_without_a_state_is_in_no_count() -> None:
    """chan_sip without callcounter: a phone looks free while somebody talks on it."""
    exchange = Exchange()
    stands(exchange, "NOT_INUSE", "NOT_INUSE", "NOT_INUSE", listed=True)
    for start in (0, 60):
        caller = exchange.at(start).call()
        phone = exchange.at(start + 0.1).rings(caller, "PJSIP/101")[0]
        if start:
            stands(exchange, "", "", "INUSE")
        exchange.at(start + 9).answer(caller, phone)
        exchange.at(start + 20).ends(caller, phone)
    assert gauge(heard(exchange)) == {"free": 1, "in_use": 1}
    stands(exchange, "NOT_INUSE")
    assert gauge(heard(exchange)) == {"free": 1, "in_use": 1}
    stands(exchange, "INUSE")
    assert gauge(heard(exchange)) == {"free": 1, "in_use": 2}


# ── causes ──

Case = Callable[[Exchange], None]


Later = tuple[float, tuple[str, ...]] | None


def ring_all(*before: str, later: Later = None, dialled: tuple[str, ...] = THREE) -> Case:
    """The phones stand so, then those dialled ring for 24 s; at `later` their states change."""

    def play(exchange: Exchange) -> None:
        stands(exchange, *before, listed=True)
        caller = exchange.at(0).call()
        phones = exchange.rings(caller, *(f"PJSIP/{number}" for number in dialled))
        if later is not None:
            exchange.at(later[0])
            stands(exchange, *later[1])
        exchange.at(24.02)
        for phone in phones:
            exchange.stop(caller, phone)
        exchange.hangup(caller)

    return play


def queue(
    *before: str, later: Later = None, rings: float | None = None, tried: tuple[str, float] | None = None
) -> Case:
    """The caller waits in a queue for 30 s; 101 may be tried in vain, one may become free, 101 may ring."""

    def play(exchange: Exchange) -> None:
        stands(exchange, *before, listed=True)
        caller = exchange.at(-1).call()
        exchange.up(caller, "queue")
        exchange.at(0).queue(caller)
        if tried is not None:
            phone = exchange.at(0.5).dial(caller, "PJSIP/101")
            if tried[0] == "NOANSWER":
                exchange.ring(caller, phone)
            exchange.at(tried[1]).stop(caller, phone, tried[0])
        if later is not None:
            exchange.at(later[0])
            stands(exchange, *later[1])
        phones = exchange.at(rings).rings(caller, "PJSIP/101") if rings is not None else []
        exchange.at(30).gives_up(caller, caller, *phones)

    return play


def refusing(*ends: str, before: tuple[str, ...] = ()) -> Case:
    """Phones are dialled, and each ends the dial at once, without a ring; then voicemail takes the caller."""

    def play(exchange: Exchange) -> None:
        stands(exchange, *before, listed=True)
        caller = exchange.at(0).call()
        phones = [exchange.dial(caller, f"PJSIP/{n}") for n, _ in zip(THREE, ends, strict=False)]
        for phone, end in zip(phones, ends, strict=True):
            exchange.at(0.05).stop(caller, phone, end)
        exchange.voicemail(caller)
        exchange.at(20).ends(caller)

    return play


FREE, TALKS, GONE = "NOT_INUSE", "INUSE", "UNAVAILABLE"
RANG_UNANSWERED = ("rang_unanswered", "rang_unanswered")
NOBODY_FREE = ("nobody_free", "nobody_free")
NO_PHONE_REACHABLE = ("no_phone_reachable", "no_phone_reachable")
OTHER = ("other", "other")
CASES: dict[str, tuple[Case, tuple[str, str], list[tuple[float, str]]]] = {
    # name: (what happened, (cause by the third ring, cause at all), what was told of the phones)
    "free phones ring": (ring_all(FREE, FREE, FREE), RANG_UNANSWERED, []),
    "states not heard, phones ring": (ring_all(), RANG_UNANSWERED, []),
    "all talk, and ring beside": (ring_all(TALKS, "ONHOLD", "BUSY"), NOBODY_FREE, [(0, "in_use")]),
    "one talks and rings beside, the others are unplugged": (
        ring_all(TALKS, GONE, GONE, dialled=("101",)), NOBODY_FREE, [(0, "in_use")],
    ),
    "one talks and rings beside, another is free and is not rung": (
        ring_all(TALKS, FREE, GONE, dialled=("101",)), OTHER, [(0, "in_use"), (0, "free")],
    ),
    "one talks and rings beside, a free one rings too": (
        ring_all(TALKS, FREE, GONE), RANG_UNANSWERED, [(0, "in_use"), (0, "ringing")],
    ),
    "one talks, of another nothing is known": (ring_all(TALKS, "", TALKS, dialled=("101",)), RANG_UNANSWERED, []),
    "a phone rings for another caller, and then for this one": (
        ring_all("RINGING", TALKS, TALKS), RANG_UNANSWERED, [],
    ),
    "all talk and ring beside, one hangs up in ring 2": (
        ring_all(TALKS, TALKS, TALKS, later=(10.0, ("RINGING",))),
        RANG_UNANSWERED, [(0, "in_use"), (10, "ringing")],
    ),
    "all talk and ring beside, one hangs up in ring 3, at its end": (
        ring_all(TALKS, TALKS, TALKS, later=(17.999, ("RINGING",))),
        RANG_UNANSWERED, [(0, "in_use"), (17.999, "ringing")],
    ),
    "all talk and ring beside, one hangs up in ring 4": (
        ring_all(TALKS, TALKS, TALKS, later=(18.0, ("RINGING",))),
        ("nobody_free", "rang_unanswered"), [(0, "in_use"), (18, "ringing")],
    ),
    "a queue with everybody talking dials nobody": (queue(TALKS, TALKS, GONE), NOBODY_FREE, [(0, "in_use")]),
    "a queue whose phones ring for others": (queue("RINGING", TALKS, TALKS), NOBODY_FREE, [(0, "in_use")]),
    "a queue with every phone unplugged": (queue(GONE, GONE, "INVALID"), NO_PHONE_REACHABLE, [(0, "unreachable")]),
    "a queue that leaves a free phone alone": (queue(FREE, TALKS, GONE), OTHER, [(0, "free")]),
    "a queue that leaves a phone alone which becomes free": (
        queue(TALKS, TALKS, GONE, later=(5.0, (FREE,))), OTHER, [(0, "in_use"), (5, "free")],
    ),
    "a queue in which a phone becomes free too late": (
        queue(TALKS, TALKS, GONE, later=(18.0, (FREE,))), ("nobody_free", "other"), [(0, "in_use"), (18, "free")],
    ),
    "a queue that rings a phone as soon as it is free": (
        queue(TALKS, TALKS, TALKS, later=(5.0, (FREE,)), rings=5.02),
        RANG_UNANSWERED, [(0, "in_use"), (5.02, "ringing")],
    ),
    "a queue that rings a free phone at once": (queue(FREE, TALKS, TALKS, rings=0.05), RANG_UNANSWERED, []),
    "a queue that rings a free phone too late": (
        queue(FREE, TALKS, TALKS, rings=20.0), ("other", "rang_unanswered"), [(0, "free"), (20, "ringing")],
    ),
    "a queue of which nothing is known": (queue(), OTHER, []),
    "all refuse as busy": (refusing("BUSY", "BUSY", "BUSY"), NOBODY_FREE, []),
    "all refuse as busy though they look free (do-not-disturb)": (
        refusing("BUSY", "BUSY", "BUSY", before=(FREE, FREE, FREE)), NOBODY_FREE, [],
    ),
    "some busy, some unplugged": (
        refusing("BUSY", "CHANUNAVAIL", "CHANUNAVAIL", before=(TALKS, GONE, GONE)),
        NOBODY_FREE, [(0.05, "in_use")],
    ),
    "one refuses as busy though it looks free, the others are unplugged": (
        refusing("BUSY", "CHANUNAVAIL", "CHANUNAVAIL", before=(FREE, GONE, GONE)), NOBODY_FREE, [(0.05, "in_use")],
    ),
    "a phone that refused as busy becomes free and is left alone": (
        queue(TALKS, TALKS, TALKS, tried=("BUSY", 1.0), later=(5.0, (FREE,))), OTHER, [(0, "in_use"), (5, "free")],
    ),
    "a phone that rang beside a conversation becomes free and is left alone": (
        queue(TALKS, TALKS, TALKS, tried=("NOANSWER", 4.0), later=(5.0, (FREE,))),
        OTHER, [(0, "in_use"), (5, "free")],
    ),
    "all unplugged": (
        refusing("CHANUNAVAIL", "CHANUNAVAIL", "CHANUNAVAIL", before=(GONE, GONE, GONE)), NO_PHONE_REACHABLE, [],
    ),
    "one busy, a free one is not tried": (refusing("BUSY", before=(TALKS, FREE, GONE)), OTHER, [(0.05, "free")]),
    "one busy, the others talk and are not tried": (
        refusing("BUSY", before=(TALKS, TALKS, TALKS)), NOBODY_FREE, [(0.05, "in_use")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_what_the_phones_offered_while_the_caller_waited(name: str) -> None:
    play, causes, seen = CASES[name]
    exchange = Exchange()
    play(exchange)
    call = exchange.one(GENERAL_LINE)
    assert (call["verdicts"][A], call["verdicts"][P]) == ("not_met", "not_met")
    assert (call["cause"][A], call["cause"][P]) == causes
    assert reported(exchange) == seen


@pytest.mark.parametrize("name", CASES)
def test_the_stored_facts_alone_give_the_same_causes_again(name: str) -> None:
    play, causes, _ = CASES[name]
    exchange = Exchange()
    play(exchange)
    decode = msgspec.json.Decoder(f.AnyFact).decode
    stored = [decode(msgspec.json.encode(fact)) for fact in facts_of(exchange, GENERAL_LINE)]
    outcome = listener(GENERAL_LINE).retell("toronto", stored)
    assert outcome is not None
    again = {finding.standard: finding.cause for finding in outcome.findings}
    assert (again[A], again[P]) == causes


def test_a_phone_that_is_silent_is_not_reachable_though_it_looks_free() -> None:
    exchange = Exchange()
    stands(exchange, FREE, FREE, FREE, listed=True)
    caller = exchange.at(0).call()
    phones = [exchange.dial(caller, f"PJSIP/{number}") for number in THREE]
    exchange.at(24.02)
    for phone in phones:
        exchange.stop(caller, phone)
    exchange.hangup(caller)
    call = exchange.one(GENERAL_LINE)
    assert judged(call, A) == ("not_met", "no_phone_reachable", "no_phone_reachable")
    assert reported(exchange) == []


def answered_late(exchange: Exchange, first: str, free_at: float) -> dict[str, Any]:
    """101 rings from the start and nobody takes it; 102 rings from ring 4 on and answers at once."""
    stands(exchange, first, TALKS, GONE, listed=True)
    caller = exchange.at(0).call()
    one = exchange.rings(caller, "PJSIP/101")[0]
    exchange.at(free_at)
    stands(exchange, "", FREE)
    two = exchange.at(19).rings(caller, "PJSIP/102")[0]
    exchange.at(21).answer(caller, two, one)
    exchange.at(40).ends(caller, two)
    return exchange.one(GENERAL_LINE)


def test_an_answer_in_ring_4_is_late_hunting_unless_nobody_was_free_before() -> None:
    assert answered_late(Exchange(), FREE, 2)["cause"] == {A: "late_hunting"}
    assert answered_late(Exchange(), TALKS, 18.5)["cause"] == {A: "nobody_free"}
    assert answered_late(Exchange(), TALKS, 2)["cause"] == {A: "late_hunting"}


def test_an_idle_phone_is_reported_when_another_answers_without_a_ring() -> None:
    exchange = Exchange()
    queue_of_one(exchange, FREE, TALKS, GONE)
    caller = next(iter(exchange.channels.values()))
    other = exchange.at(19.9).dial(caller, "PJSIP/104")
    exchange.at(20).answer(caller, other)
    exchange.at(40).ends(caller, other)
    assert exchange.one(GENERAL_LINE)["cause"] == {A: "other"}
    assert reported(exchange) == [(0, "free")]


def test_a_mobile_that_rings_is_free_however_busy_its_trunk() -> None:
    exchange = Exchange()
    exchange.event("DeviceStateChange", stamped=False, Device="PJSIP/trunk", State=TALKS)
    stands(exchange, TALKS, TALKS, GONE, listed=True)
    caller = exchange.at(0).call()
    mobile = exchange.dial(caller, "PJSIP/trunk", dial_string="6475550190@trunk")
    exchange.ring(caller, mobile)
    exchange.at(24.02).stop(caller, mobile)
    exchange.hangup(caller)
    assert exchange.one(GENERAL_LINE)["cause"] == {A: "rang_unanswered", P: "rang_unanswered"}
    assert reported(exchange) == []
    assert gauge(heard(exchange, settings())) == {}


def queue_of_one(exchange: Exchange, *states: str) -> None:
    stands(exchange, *states, listed=True)
    caller = exchange.at(-1).call()
    exchange.up(caller, "queue")
    exchange.at(0).queue(caller)


def test_a_phone_named_by_its_endpoint_matters_to_who_waits() -> None:
    named = settings({NUMBERS: f'{NUMBERS}\nextensions = ["PJSIP/101"]'})
    exchange = Exchange()
    queue_of_one(exchange, TALKS)
    exchange.at(5)
    stands(exchange, FREE, FREE)
    exchange.at(30).gives_up(next(iter(exchange.channels.values())))
    assert reported(exchange, named) == [(0, "in_use"), (5, "free")]


def test_after_a_gap_only_a_free_phone_that_rang_stands() -> None:
    for before, cause in ((TALKS, "other"), (FREE, "rang_unanswered")):
        exchange = Exchange()
        stands(exchange, before, TALKS, TALKS, listed=True)
        caller = exchange.at(0).call()
        phone = exchange.rings(caller, "PJSIP/101")[0]
        exchange.at(4)
        with exchange.unheard(until=6):
            pass
        exchange.at(24).gives_up(caller, caller, phone)
        call = exchange.one(GENERAL_LINE)
        assert (call["heard"], call["verdicts"][A], call["cause"].get(A)) == ("partly", "not_met", cause)


def test_a_phone_left_idle_until_a_gap_begins_is_reported_of_no_more() -> None:
    exchange = Exchange()
    queue_of_one(exchange, FREE, TALKS, GONE)
    caller = next(iter(exchange.channels.values()))
    exchange.at(20)
    with exchange.unheard(until=22):
        pass
    stands(exchange, TALKS, TALKS, GONE, listed=True)
    exchange.at(40).gives_up(caller)
    call = exchange.one(GENERAL_LINE)
    assert (call["heard"], call["verdicts"][A], call["cause"].get(A)) == ("partly", "unknown", None)
    assert reported(exchange) == []


def test_a_busy_signal_without_any_dial_is_nobody_free_when_nobody_was() -> None:
    for states, cause in (((TALKS, TALKS, GONE), "nobody_free"), ((FREE, TALKS, GONE), "other"), ((), "other")):
        exchange = Exchange()
        stands(exchange, *states, listed=True)
        caller = exchange.at(0).call()
        exchange.at(0.1).busy(caller)
        assert exchange.one(GENERAL_LINE)["cause"][A] == cause


def test_a_call_answered_in_time_tells_nothing_of_phones() -> None:
    exchange = Exchange()
    stands(exchange, FREE, FREE, FREE, listed=True)
    caller = exchange.at(0).call()
    phones = exchange.rings(caller, *(f"PJSIP/{number}" for number in THREE))
    stands(exchange, "RINGING", "RINGING", "RINGING")
    exchange.at(5)
    stands(exchange, "INUSE")
    exchange.answer(caller, *phones)
    stands(exchange, "", FREE, FREE)
    exchange.at(50).ends(caller, phones[0])
    assert reported(exchange) == []
    monitor = heard(exchange)
    assert monitor.exchanges["toronto"].tracker.state.waiting == {}


def test_however_often_phones_change_at_most_four_facts_are_reported() -> None:
    exchange = Exchange()
    queue_of_one(exchange, GONE, GONE, GONE)
    caller = next(iter(exchange.channels.values()))
    for second in range(2, 400, 2):
        exchange.at(second)
        stands(exchange, *((GONE, TALKS, FREE)[(second + n) % 3] for n in range(3)))
    exchange.at(400).gives_up(caller)
    assert reported(exchange) == [(0, "unreachable"), (2, "free")]


def test_no_fact_says_how_a_single_phone_stands() -> None:
    assert f.PhonesSeen.__struct_fields__ == ("call", "at", "best")


# ── after a restart, and on /metrics ──


def ended(number: int, *dialled: str, last: f.Fact | None = None) -> list[Outcome]:
    """A call for which phones were dialled, the last of them after what `last` tells."""
    call, at = f"{1795527733 + number}.{number}", MORNING + timedelta(minutes=number)
    facts: list[f.Fact] = [
        f.Arrived(call, at, "inbound", "general", "4163272422", None, "withheld", f"PJSIP/trunk-{number:08x}"),
        *(f.PhoneDialled(call, at, phone, f"PJSIP/{phone}-{number:08x}") for phone in dialled),
        *([last] if last is not None else []),
        f.PhoneDialled(call, at, "104", f"PJSIP/104-{number:08x}"),
        f.Ended(call, at, "caller"),
    ]
    return [Outcome(EXCHANGE, tuple(facts), calls=(account(facts),))]


def test_the_phones_of_a_line_are_known_again_after_a_restart(store: Database) -> None:
    wrote(store, *ended(1, "109"), *ended(2, "101", "outside", last=f.Answered("1795527735.2", None, "101", "x")))
    wrote(store, *ended(3, "102", last=f.Forwarded("1795527736.3", None, "102", "104")))
    newest = calls.phones_dialled(store, EXCHANGE, ["general", "tty"], last=2)
    assert [(line, channel) for line, channel, _ in newest] == [
        ("general", "PJSIP/101-00000002"),
        ("general", "PJSIP/102-00000003"),
    ]
    monitor = listener(settings())
    monitor.learn_phones(EXCHANGE, newest)
    for phone in ("101", "102", "104", "109"):
        monitor.feed(EXCHANGE, e.DeviceStateChange("", f"PJSIP/{phone}", "NOT_INUSE"))
    assert monitor.phones() == {("general", "free"): 2}


def test_metrics_show_only_lines_whose_phones_are_known() -> None:
    lines = [line for line in settings().lines() if line.name in ("general", "tty")]
    serving = {(("general", "voice"), "in_use"): 1}
    daemon = Daemon(phones_by_state={("general", "in_use"): 2}, serving=serving, lines=tuple(lines))
    page = Metrics(CommittedCounters({}), daemon, lines, ["answer_by_third_ring"], [EXCHANGE])
    text = page.render(page.read(), "")[0].decode()
    assert [line for line in text.splitlines() if line.startswith("callmon_phones")] == [
        'callmon_phones{line="general",state="free"} 0.0',
        'callmon_phones{line="general",state="in_use"} 2.0',
        'callmon_phones{line="general",state="unreachable"} 0.0',
    ]
    assert [line for line in text.splitlines() if line.startswith("callmon_service_phones")] == [
        'callmon_service_phones{mode="voice",public_service="general",state="free"} 0.0',
        'callmon_service_phones{mode="voice",public_service="general",state="in_use"} 1.0',
        'callmon_service_phones{mode="voice",public_service="general",state="unreachable"} 0.0',
    ]
