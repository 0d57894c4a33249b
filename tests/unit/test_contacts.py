"""One ledger over two pairs: what a pair hears of a caller counts for what another pair owes to this caller."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from callmon.core.callbacks.contact import Contact
from callmon.errors import ConfigError
from tests.support.fact_builder import CALLER, OTHER, Office, local, usual

TUESDAY = local("2026-11-24 10:00")
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(hours=24)
LATER = TUESDAY + 2 * HOUR
STORE = 'url = "sqlite:///callmon.db"'
SHARED = 'url = "postgresql://callmon@db/callmon"\npairs = ["{}"]'


def pair(other: str, **more: Any) -> Office:
    return Office(usual(**{STORE: SHARED.format(other), **more}))


def contacts(office: Office) -> list[Contact]:
    return [contact for outcome in office.outcomes for contact in outcome.contacts]


def shared(there: Office, here: Office, *settled: Any) -> Office:
    """`here` reads everything that `there` has stored."""
    found = [
        msgspec.structs.replace(x, exchange=f"there/{x.exchange}", phone=f"there/{x.phone}")
        for x in contacts(there)
    ]
    for outcome in here.monitor.record_contacts(found, settled):
        here._keep(outcome)
    return here


def owing(at: datetime = TUESDAY, **more: Any) -> Office:
    office = pair("there")
    return office.hear(office.message(at, **more))


def test_a_caller_who_reaches_the_other_pair_is_due_no_callback() -> None:
    here, there = owing(), pair("here")
    there.hear(there.call_in(LATER))
    assert shared(there, here).one().state == "reached_us"


@pytest.mark.parametrize(("apart", "attempts"), [(1, 1), (1.999, 1), (2, 2)])
def test_one_call_that_two_exchanges_carry_is_one_attempt(apart: float, attempts: int) -> None:
    here, there = owing(), pair("here")
    here.hear(here.call_out(None, rang_at=LATER, rang=30))
    there.hear(there.call_out(None, rang_at=LATER + apart * SECOND, rang=30))
    found = shared(there, here).one().attempts
    assert found == (LATER + 24 * SECOND, LATER + (24 + apart) * SECOND)[:attempts]


def test_contacts_that_are_read_twice_change_nothing_more() -> None:
    here, there = owing(), pair("here")
    there.hear(there.call_out(None, rang_at=LATER, rang=30), there.call_out(LATER + HOUR))
    shared(there, here)
    reported = here.story()
    shared(there, here)
    shared(there, here.restart())
    assert (here.story(), here.one().state) == (reported, "paid")


def test_the_earlier_of_two_callbacks_counts_in_any_order() -> None:
    here, there = owing(), pair("here")
    there.hear(there.call_out(LATER))
    here.hear(here.call_out(LATER + HOUR))
    assert here.one().settled == LATER + HOUR
    shared(there, here)
    assert (here.one().settled, here.one().phone) == (LATER, "there/102")


def test_a_pair_that_was_cut_off_corrects_the_verdict_of_the_due_time() -> None:
    here, there = owing(), pair("here")
    there.hear(there.call_out(LATER))
    here.tick(TUESDAY + DAY + SECOND)
    assert here.verdicts() == [("not_met", "not_called_back")]
    shared(there, here)
    assert [(x.verdict, x.reason_key) for x in here.corrections] == [("met", "called_back")]


def test_an_obligation_dropped_by_the_ledger_is_settled_by_earlier_contact() -> None:
    here, there = owing(), pair("here")
    there.hear(there.call_out(LATER))
    here.hear(here.call_out(TUESDAY + DAY + HOUR)).tick(TUESDAY + 2 * DAY)
    stored = here.one()
    assert (stored.settled, len(here.monitor.ledger.index)) == (TUESDAY + DAY + HOUR, 0)
    shared(there, here, stored)
    assert (here.one().settled, [x.verdict for x in here.corrections]) == (LATER, ["met"])


def test_the_verdict_waits_for_what_the_other_pair_may_still_store() -> None:
    here, due = owing(), TUESDAY + DAY
    here.tick(due + HOUR, {"toronto": due + HOUR, "there/ottawa": due - SECOND})
    assert here.verdicts() == []
    here.tick(due + HOUR, {"toronto": due + HOUR, "there/ottawa": due + SECOND})
    assert here.verdicts() == [("not_met", "not_called_back")]


def test_the_verdict_is_unknown_when_the_other_pair_stored_nothing() -> None:
    here, due = owing(), TUESDAY + DAY
    here.tick(due + HOUR, {"toronto": due + HOUR, "there/ottawa": due - HOUR}, ["there/ottawa"])
    assert here.verdicts() == [("unknown", "gap")]


def test_a_late_call_by_an_untrusted_clock_is_not_judged_late() -> None:
    here, there = owing(), pair("here")
    there.monitor.ledger.unbelieved = ["toronto"]
    there.hear(there.call_out(TUESDAY + DAY + HOUR))
    shared(there, here)
    assert (here.one().state, [x for x, _ in here.verdicts()]) == ("paid", ["unknown"])


SERVICES = {
    'numbers = ["416 327-2422"]': 'numbers = ["416 327-2422"]\nextensions = ["102"]',
    'numbers = ["416 327-0374"]': 'numbers = ["416 327-0374"]\nextensions = ["105"]',
    'numbers = ["416 325-0866"]': 'numbers = ["416 325-0866"]\nextensions = ["104"]',
}


@pytest.mark.parametrize(("phone", "line", "state"), [
    ("102", "general", "paid"),  # of this service
    ("103", "general", "paid"),  # of none
    ("105", "general", "open"),  # of another service
    ("102", "tty", "open"),  # speaks only
    ("104", "tty", "paid"),
])  # fmt: skip
def test_the_other_pair_says_for_which_callers_its_phone_may_call_back(phone: str, line: str, state: str) -> None:
    here, there = owing(line=line), pair("here", **SERVICES)
    there.hear(there.call_out(LATER, phone=phone))
    assert shared(there, here).one().state == state


def test_a_call_to_somebody_else_and_one_to_a_shared_number_pay_nothing() -> None:
    there = pair("here")
    there.hear(there.call_out(LATER, number="9" + OTHER[2:]))
    assert shared(there, owing()).one().state == "open"
    many = pair("there", **{"# shared_numbers = []": f'shared_numbers = ["{CALLER}"]'})
    many.hear(many.message(TUESDAY))
    there.hear(there.call_out(LATER))
    assert shared(there, many).one().state == "open"


def test_a_pair_without_others_keeps_no_contacts() -> None:
    alone = Office()
    alone.hear(alone.message(TUESDAY), alone.call_out(LATER), alone.call_in(LATER))
    assert contacts(alone) == []


def test_all_contacts_are_stored_for_others_also_without_obligation() -> None:
    there = pair("here")
    there.hear(there.call_out(LATER), there.call_in(LATER + HOUR, caller=OTHER))
    assert [(x.kind, x.at, x.token) for x in contacts(there)] == [
        ("called_back", LATER, CALLER),
        ("reached_us", LATER + HOUR, OTHER),
    ]


def test_other_pairs_need_a_shared_database() -> None:
    with pytest.raises(ConfigError) as refused:
        usual(**{STORE: STORE + '\npairs = ["there"]'})
    assert "store.pairs: needs PostgreSQL" in str(refused.value)
