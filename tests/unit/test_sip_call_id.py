"""The dialplan's `UserEvent(CallmonSipCall,SipCallId: …)`: kept as it is, and never with the caller's number."""

from __future__ import annotations

import pytest

from callmon.core import facts as f
from tests.store.test_phones import GENERAL_LINE, facts_of
from tests.support.ami_builders import Exchange


def given(written: str, name: str = "CallmonSipCall", shown: str = "4165550101", **call: str) -> list[str]:
    """The ids that are kept of a call from 416 555-0101. `shown`: the number of its channel at that moment."""
    exchange = Exchange()
    caller = exchange.at(-0.1).call(**call)
    phones = exchange.at(0).rings(caller)
    reported = {"CallerIDNum": shown, "UserEvent": name, "SipCallId": written}
    exchange.event("UserEvent", **(exchange._of(caller) | reported))
    exchange.at(8).ends(caller, *phones)
    facts = facts_of(exchange, GENERAL_LINE)
    return [fact.sip_call_id for fact in facts if isinstance(fact, f.SipCallIdGiven)]


@pytest.mark.parametrize("written", ["a84b4c76e66710@192.0.2.10", "5f3-0101-4165550@trunk", "x" * 255])
def test_the_call_id_is_kept_as_it_is(written: str) -> None:
    assert given(written) == [written]


@pytest.mark.parametrize(
    "written",
    [
        *("4165550101-a84b@192.0.2.10", "a84b-416-555-0101", "+14165550101", "5550101@trunk.example"),
        *("", "x" * 256, "a84b 4c76", "a84b\u00e94c76"),
    ],
)
def test_a_call_id_with_the_number_or_that_is_none_is_not_kept(written: str) -> None:
    assert given(written) == []


UNKNOWN = {"caller": "<unknown>"}
WITHHELD = {"caller_name": "Anonymous"}


@pytest.mark.parametrize(
    ("written", "shown", "call", "is_kept"),
    [
        ("4165550101-a84b@trunk", "101", {}, False),  # the channel shows another number
        ("a84b-4165550102@trunk", "4165550102", {}, False),
        ("a84b-4165550102@trunk", "101", {}, True),
        *(("4165550101-a84b@trunk", "<unknown>", call, False) for call in (UNKNOWN, WITHHELD)),
        *(("5550101@trunk", "<unknown>", call, False) for call in (UNKNOWN, WITHHELD, {"caller": "711"})),
        ("a84b+416.555-0101", "<unknown>", UNKNOWN, False),
        ("a84b@4165550101.example", "<unknown>", UNKNOWN, False),
        ("a84b416555010@192.168.100.100", "<unknown>", UNKNOWN, True),
    ],
)
def test_the_number_of_the_call_is_found_whatever_its_channel_shows(
    written: str, shown: str, call: dict[str, str], is_kept: bool
) -> None:
    assert given(written, shown=shown, **call) == [written] * is_kept


def test_another_word_of_the_dialplan_gives_none() -> None:
    assert given("a84b4c76e66710", "CallmonComplaint") == []
