"""A call that was received in part and its facts from CEL: each source where it is more exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from callmon.backfill.apply import SETTLED, is_settled
from callmon.backfill.merge import merged
from callmon.core import facts as f
from callmon.core.facts import Fact

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
CALL, CALLER, PHONE = "1795532400.0", "+14165550101", "PJSIP/102-00000002"
OTHER = "+14165550102"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def arrived(caller: str | None = CALLER, withheld: str | None = None, found: bool = False) -> f.Arrived:
    trunk = "PJSIP/trunk-00000001"
    return f.Arrived(CALL, START, "inbound", "general", "4163272422", caller, withheld, trunk, found=found)


def logged(answered: float = 9.0) -> list[Fact]:
    """As CEL has it: to the second of its own clock, and with the number."""
    return [
        arrived(), f.Filled(CALL, START), f.Answered(CALL, at(answered), "102", PHONE, at(4)),
        f.Ended(CALL, at(60), "caller"),
    ]  # fmt: skip


@pytest.mark.parametrize("withheld", ["withheld", "unknown"])
def test_a_number_listed_as_withheld_is_not_brought_back_by_cel(withheld: str) -> None:
    heard = [arrived(None, withheld, found=True), f.Ended(CALL, None, "unknown", "unheard")]
    first = merged(heard, logged())[0]
    assert isinstance(first, f.Arrived)
    assert (first.caller, first.withheld) == (None, withheld)


@pytest.mark.parametrize(
    ("caller", "withheld", "found", "merges_to"),
    [
        (None, None, False, (at(0.4), CALLER)),
        (OTHER, None, False, (at(0.4), OTHER)),
        (None, "withheld", False, (at(0.4), None)),
        (None, None, True, (START, CALLER)),  # listed in mid-call: only CEL knows when it arrived
    ],
)
def test_a_heard_arrival_keeps_its_time_and_takes_only_the_number_from_cel(
    caller: str | None, withheld: str | None, found: bool, merges_to: tuple[datetime, str | None]
) -> None:
    heard = [
        msgspec.structs.replace(arrived(caller, withheld, found), at=at(0.4)),
        f.Ended(CALL, at(60), "caller"),
    ]
    first = merged(heard, logged())[0]
    assert isinstance(first, f.Arrived)
    assert (first.at, first.caller) == merges_to


@pytest.mark.parametrize(("apart", "answered"), [(2.0, 8.4), (2.001, 10.401)])
def test_a_received_answer_is_within_two_seconds_of_cels_time(apart: float, answered: float) -> None:
    heard = [arrived(), f.Answered(CALL, at(8.4), "102", PHONE, at(4)), f.Ended(CALL, None, "unknown", "unheard")]
    found = [fact.at for fact in merged(heard, logged(8.4 + apart)) if isinstance(fact, f.Answered)]
    assert found == [at(answered)]


@pytest.mark.parametrize(("ago", "settled"), [(SETTLED, True), (SETTLED - timedelta.resolution, False)])
def test_a_call_is_filled_two_seconds_after_its_end(ago: timedelta, settled: bool) -> None:
    assert is_settled(logged(), at(60) + ago) is settled


@pytest.mark.parametrize(("until", "by"), [(29.999, "caller"), (30.0, "exchange"), (59.0, "exchange")])
def test_who_ended_a_call_is_cels_where_a_gap_may_hide_a_refusal(until: float, by: str) -> None:
    heard = [arrived(), f.Unheard(CALL, at(1), at(until)), f.Ended(CALL, at(60), "caller")]
    rows = [*logged()[:2], f.Ended(CALL, at(60), "exchange")]
    (ended,) = (fact for fact in merged(heard, rows) if isinstance(fact, f.Ended))
    assert ended.by == by
