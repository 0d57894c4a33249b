"""A call to the number of an open callback reaches the ledger: first phone, a code dialled, a call handed on."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from callmon.core import facts as f
from callmon.core.callbacks.index import summary_of
from callmon.core.callbacks.obligation import Obligation
from callmon.core.facts import OUTSIDE
from callmon.sinks.mqtt import topics
from callmon.store.queries.obligations import WorklistItem
from callmon.store.row_mapping import without_numbers
from callmon.text.lists import CallbackList, obligation_as_json
from callmon.text.records import instant
from tests.support.ami_builders import Channel, Exchange
from tests.support.fact_builder import CALLER, OTHER, Office, Timed, usual
from tests.unit.test_callbacks_settled import DAY, LATER, SECOND, TUESDAY, owing

STRICT = usual("[callbacks]\nattempt_counts = false")
TRUNK, PHONE = "PJSIP/trunk-00000008", "PJSIP/102-00000007"
DEBTOR = CALLER[2:]


def after(seconds: float) -> datetime:
    return LATER + timedelta(seconds=seconds)


def rung_first(
    office: Office, answers: float | None = 5, joined: float | None = 8, until: float = 30, rang: float = 0
) -> list[Timed]:
    """The exchange calls the person at LATER; a phone is joined with the person, or none is."""
    call = office.call()
    first = f.Arrived(call, LATER, "outbound", None, DEBTOR, None, None, TRUNK, person_first=True)
    facts: list[f.Fact] = [first, f.PhoneRang(call, after(rang), OUTSIDE, TRUNK)]
    if answers is not None:
        facts.append(f.LineOpened(call, after(answers)))
    if joined is not None:
        facts.append(f.Answered(call, after(joined), "102", PHONE))
    facts.append(f.Ended(call, after(until), "exchange"))
    return [(fact.at, fact) for fact in facts if fact.at is not None]


def due(office: Office) -> list[tuple[str, str]]:
    return office.tick(TUESDAY + 3 * DAY).verdicts()


# Rung first.


@pytest.mark.parametrize(
    ("until", "verdict"), [(18, ("met", "called_back")), (17.999, ("met", "answered_too_short"))]
)
def test_a_person_rung_first_is_called_back_after_ten_seconds_of_talk(
    until: float, verdict: tuple[str, str]
) -> None:
    office = owing()
    office.hear(rung_first(office, until=until))
    assert due(office) == [verdict]
    assert [(type(x).__name__, getattr(x, "phone", None)) for x in office.entries[1:2]] == [
        ("CalledBack" if verdict[1] == "called_back" else "Attempted", "102")
    ]


@pytest.mark.parametrize("given", [None, STRICT])
def test_a_call_that_no_phone_joined_leaves_the_callback_unknown(given: Any) -> None:
    office = owing(given=given)
    office.hear(rung_first(office, joined=None))
    assert (office.story(), due(office)) == (["Owed", "Unattributed"], [("unknown", "not_attributed")])


@pytest.mark.parametrize(
    ("language", "history"),
    [
        ("fr", "Message vocal, mardi 10 h · appel à ce numéro que callmon ne peut attribuer, mardi 12 h"),
        (
            "en",
            "Voicemail message, Tuesday 10 a.m. · "
            "a call to this number that callmon cannot attribute, Tuesday noon",
        ),
    ],
)
def test_the_list_tells_of_a_call_that_callmon_cannot_attribute(language: str, history: str) -> None:
    office = owing()
    office.hear(rung_first(office, joined=None))
    reported = CallbackList(usual(), language, LATER).history(office.one())
    assert reported.replace("\N{NO-BREAK SPACE}", " ") == history


def test_programs_and_boards_learn_of_a_call_that_is_not_attributed() -> None:
    office = owing()
    assert unattributed(office) == (None, None)
    office.hear(rung_first(office, joined=None))
    at = instant(after(5))
    assert unattributed(office) == (at, at)


def unattributed(office: Office) -> tuple[str | None, str | None]:
    """In `callmon callbacks list --json`, and over MQTT."""
    (one,) = office.kept.values()
    summary = summary_of(one)
    assert summary is not None
    board = json.loads(topics.of_callback(summary))
    return obligation_as_json(WorklistItem(one, None, None))["unattributed"], board["unattributed"]


@pytest.mark.parametrize(
    ("rang_for", "given", "verdict"),
    [
        (24, None, ("unknown", "not_attributed")),
        (23.999, None, ("not_met", "not_called_back")),
        (60, STRICT, ("not_met", "not_called_back")),
    ],
)
def test_four_rings_for_an_unknown_person_may_be_an_attempt(
    rang_for: float, given: Any, verdict: tuple[str, str]
) -> None:
    office = owing(given=given)
    office.hear(rung_first(office, None, None, until=rang_for))
    assert due(office) == [verdict]


@pytest.mark.parametrize(
    ("lasted", "verdict"), [(10, ("unknown", "not_attributed")), (9.999, ("not_met", "not_called_back"))]
)
def test_ten_seconds_with_an_unknown_person_may_be_the_callback(lasted: float, verdict: tuple[str, str]) -> None:
    office = owing(given=STRICT)
    office.hear(rung_first(office, joined=None, until=5 + lasted))
    assert due(office) == [verdict]


def test_the_verdict_waits_for_a_person_rung_first_before_due() -> None:
    office = owing()
    call, answered = office.call(), TUESDAY + DAY - 2 * SECOND
    office.hear_fact(f.Arrived(call, answered, "outbound", None, DEBTOR, None, None, TRUNK, person_first=True))
    office.hear_fact(f.LineOpened(call, answered))
    office.tick(TUESDAY + DAY + 5 * SECOND)
    assert office.verdicts() == []
    office.hear_fact(f.Ended(call, TUESDAY + DAY + 6 * SECOND, "exchange"))
    assert office.verdicts() == [("unknown", "not_attributed")]


def test_a_call_in_time_that_is_known_late_removes_not_met() -> None:
    office = owing()
    assert due(office) == [("not_met", "not_called_back")]
    office.hear(rung_first(office, joined=None))
    assert [(x.verdict, x.reason_key) for x in office.corrections] == [("unknown", "not_attributed")]


def test_a_complaint_is_not_missed_if_the_call_may_be_of_another() -> None:
    office = Office()
    call = office.call()
    made = f.ComplaintMade(call, TUESDAY)
    office.hear(
        [office.arrival(call, TUESDAY, "general"), (TUESDAY, made), (TUESDAY, f.Ended(call, TUESDAY, "caller"))]
    )
    office.hear(rung_first(office, joined=None)).tick(TUESDAY + 40 * DAY)
    assert office.verdicts("complaint_within_2_business_days") == [("unknown", "not_attributed")]
    assert office.verdicts("complaint_answered_within_15_business_days") == [("not_met", "too_late")]


def test_a_restart_in_the_middle_of_such_a_call_loses_nothing() -> None:
    for place in range(1, 5):
        office = owing()
        facts = rung_first(office)
        office.hear(facts[:place]).restart().hear(facts[place:])
        assert due(office) == [("met", "called_back")]


def test_another_persons_call_is_not_reported_and_no_number_is_clear() -> None:
    office = Office()
    office.hear(office.message(TUESDAY, caller=OTHER))
    facts = rung_first(office)
    office.hear(facts)
    assert list(office.reported) == ["1700000001.0"]
    first = facts[0][1]
    assert isinstance(first, f.Arrived)
    assert without_numbers(first).dialled == OUTSIDE


# Handed on: the talk of all phones counts.


def handed_on(office: Office, first: float, ringing: float, second: float | None) -> list[Timed]:
    """102 talks for so long; then 103 rings, and talks for so long."""
    facts = office.call_out(LATER, talked=first)[:-1]
    call = facts[0][1].call
    sent = after(first)
    facts.append((sent, f.SentOff(call, sent, "blind", PHONE, "103")))
    facts.append((sent, f.Parted(call, sent)))
    over = after(first + ringing)
    if second is not None:
        facts.append((over, f.Transferred(call, sent, "blind", PHONE, "103", True)))
        facts.append((over, f.PersonJoined(call, over, "103", "PJSIP/103-00000009")))
        over += timedelta(seconds=second)
    return [*facts, (over, f.Ended(call, over, "exchange"))]


@pytest.mark.parametrize(
    ("first", "ringing", "second", "reason"),
    [
        (5, 3, 10, "called_back"),
        (6, 3, 4, "called_back"),
        (6, 3, 3.999, "answered_too_short"),
        (6, 60, None, "answered_too_short"),
        (6, 60, 1, "answered_too_short"),
    ],
)
def test_the_talk_with_each_phone_counts_and_the_ringing_between_does_not(
    first: float, ringing: float, second: float | None, reason: str
) -> None:
    for restarts in (False, True):
        office = owing()
        facts = handed_on(office, first, ringing, second)
        office.hear(facts[:5])
        office = office.restart() if restarts else office
        office.tick(after(first + ringing)).hear(facts[5:])
        assert due(office) == [("met", reason)]


def test_four_rings_and_a_short_talk_differ_in_the_verdict() -> None:
    for given, verdict in ((None, "met"), (STRICT, "not_met")):
        office = owing(given=given)
        office.hear(office.call_out(LATER, talked=6, rang=30))
        assert (office.story(), due(office)) == (
            ["Owed", "Attempted", "Attempted"],
            [(verdict, "answered_too_short")],
        )


# From events.


def debt(exchange: Exchange) -> Obligation:
    (one,) = exchange.replayed().monitor.ledger.index
    return one


def exchange_with_callback() -> Exchange:
    """DEBTOR has left a message at 40 s."""
    exchange = Exchange()
    caller = exchange.at(0).call(caller=DEBTOR)
    exchange.at(12).voicemail(caller)
    exchange.at(40).message(caller)
    exchange.gives_up(caller)
    return exchange.at(100)


def calls_out(exchange: Exchange, exten: str, string: str = f"{DEBTOR}@trunk") -> tuple[Channel, Channel]:
    """101 dials, the trunk rings, and the person answers 5 s later."""
    phone = exchange.new("PJSIP/101", 4, exten, caller="101", context="internal")
    far = exchange.dial(phone, "PJSIP/trunk", dial_string=string)
    exchange.ring(phone, far)
    exchange.at(exchange.now + 5).answer(phone, far)
    return phone, far


def test_a_number_that_was_dialled_is_not_replaced_by_what_the_trunk_dials() -> None:
    exchange = exchange_with_callback()
    both = calls_out(exchange, "94165550103")
    exchange.at(116).ends(*both)
    assert debt(exchange).state == "open"


def test_a_code_for_another_number_is_no_callback() -> None:
    exchange = exchange_with_callback()
    both = calls_out(exchange, "*69", "4165550103@trunk")
    exchange.at(116).ends(*both)
    assert (debt(exchange).state, debt(exchange).attempts) == ("open", ())


def verdict(exchange: Exchange) -> tuple[str, str]:
    replay = exchange.replayed()
    due_at = debt(exchange).dues.judging.at + SECOND
    (found,) = [x for o in replay.monitor.tick(due_at) for written in o.ledger for x in written.findings]
    return found.verdict, found.reason_key


@pytest.mark.parametrize("number", ["2422", "4163272422"])
def test_a_forwarded_outside_caller_has_called_nobody_back(number: str) -> None:
    """The number is a mobile of ours, say: the two who talk are both outside. Nobody knows, all the same."""
    exchange = exchange_with_callback()
    caller = exchange.call(number, "PJSIP/other", caller="4165550104")
    far = exchange.dial(caller, "PJSIP/trunk", dial_string=f"{DEBTOR}@trunk")
    exchange.ring(caller, far)
    exchange.at(105).answer(caller, far)
    exchange.at(130).ends(caller, far)
    assert debt(exchange).state == "open"
    assert verdict(exchange) == ("unknown", "not_attributed")


@pytest.mark.parametrize(
    ("exten", "string", "answered", "known"),
    [
        ("*72", "*72@trunk", True, "unknown"),
        ("*72", "*72@trunk", False, "not_met"),
        ("9911", "911@trunk", True, "not_met"),
    ],
)
def test_a_code_of_an_unknown_number_may_be_the_callback_if_answered(
    exten: str, string: str, answered: bool, known: str
) -> None:
    exchange = exchange_with_callback()
    phone = exchange.new("PJSIP/101", 4, exten, caller="101", context="internal")
    far = exchange.dial(phone, "PJSIP/trunk", dial_string=string)
    exchange.ring(phone, far)
    if answered:
        exchange.at(105).answer(phone, far)
    exchange.at(130).ends(phone, far)
    assert verdict(exchange)[0] == known
