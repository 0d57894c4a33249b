"""Facts to the account of one call: the order in which outcomes win, and what is never claimed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from callmon.core import facts as f
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import OUTCOMES, Call
from callmon.core.facts import Fact
from callmon.text.records import as_json
from tests.support.ami_builders import MORNING

ID = "1795528800.0"


def at(seconds: float) -> datetime:
    return MORNING + timedelta(seconds=seconds)


def reported(*facts: Fact, direction: f.Direction = "inbound") -> Call:
    arrived = f.Arrived(ID, at(0), direction, "general", "4163272422", "+14165550101", None, "PJSIP/trunk-1")
    account = CallAccount(arrived)
    for fact in facts:
        account.record_fact(fact)
    return account.call()


def rang(phone: str = "101", seconds: float = 1.0) -> tuple[Fact, Fact]:
    channel = f"PJSIP/{phone}-1"
    return f.PhoneDialled(ID, at(seconds), phone, channel), f.PhoneRang(ID, at(seconds), phone, channel)


def stopped(seconds: float, why: f.StopReason = "no_answer", phone: str = "101", rang: bool = True) -> Fact:
    return f.PhoneStopped(ID, at(seconds), phone, f"PJSIP/{phone}-1", why, rang)


ANSWERED = f.Answered(ID, at(5), "101", "PJSIP/101-1")
TOOK = f.VoicemailTook(ID, at(25), "500")
LEFT = f.MessageLeft(ID, at(40), "500")
BUSY = f.CallerBusy(ID, at(2))
GAVE_UP = f.Ended(ID, at(60), "caller")
ENDED = f.Ended(ID, at(60), "exchange")
STOPPED = f.Ended(ID, at(60), "exchange", "stopped")
UNHEARD = f.Ended(ID, None, "unknown", "unheard")


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        ((*rang(), ANSWERED, TOOK, LEFT, STOPPED), "answered"),
        ((*rang(), stopped(25), TOOK, LEFT, STOPPED), "voicemail_message"),
        ((*rang(), stopped(25), TOOK, GAVE_UP), "voicemail_no_message"),
        ((*rang(), stopped(25), TOOK, UNHEARD), "voicemail"),
        ((*rang(), BUSY, STOPPED), "lost"),
        ((*rang(), UNHEARD), "unknown"),
        ((f.PhoneDialled(ID, at(1), "101", "P"), stopped(2, "busy", rang=False), BUSY, GAVE_UP), "busy"),
        ((*rang(), GAVE_UP), "abandoned"),
        ((f.LineOpened(ID, at(1)), ENDED), "announcement"),
        ((*rang(), stopped(25), ENDED), "no_answer"),
        ((f.PhoneDialled(ID, at(1), "101", "P"), stopped(2, "unreachable", rang=False), ENDED), "failed"),
        ((f.DialFailed(ID, at(1)), ENDED), "failed"),
        ((f.QueueEntered(ID, at(1), "q"), f.QueueLeft(ID, at(50), "q"), ENDED), "no_answer"),
    ],
)
def test_outcomes_win_in_the_order_of_the_interface(facts: tuple[Fact, ...], outcome: str) -> None:
    assert reported(*facts).outcome == outcome


def test_the_outcomes_are_those_of_the_interface() -> None:
    assert OUTCOMES == (
        "answered", "voicemail_message", "voicemail_no_message", "voicemail", "lost", "unknown", "busy",
        "abandoned", "announcement", "no_answer", "failed",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        (rang(), "ringing"),
        ((f.LineOpened(ID, at(1)),), "menu"),
        ((f.LineOpened(ID, at(1)), f.QueueEntered(ID, at(2), "q")), "queue"),
        ((f.LineOpened(ID, at(1)), f.QueueEntered(ID, at(2), "q"), f.QueueLeft(ID, at(59), "q", True)), "queue"),
        ((f.PhoneDialled(ID, at(1), "101", "P"),), None),
        ((f.LineOpened(ID, at(1)), f.PhoneDialled(ID, at(9), "101", "P")), None),
        ((), None),
    ],
)
def test_a_caller_abandons_where_the_call_was(facts: tuple[Fact, ...], where: str | None) -> None:
    assert reported(*facts, GAVE_UP).abandoned_in == where


def test_a_gap_before_an_unanswered_end_may_make_the_outcome_unknown() -> None:
    gap = f.Unheard(ID, at(5), at(9), may_hide_answer=True)
    assert reported(*rang(), gap, GAVE_UP).outcome == "unknown"
    assert reported(*rang(), f.Unheard(ID, at(5), at(9)), GAVE_UP).outcome == "abandoned"


def test_json_has_the_keys_of_the_interface_in_its_order() -> None:
    call = as_json("toronto", reported(*rang(), ANSWERED, GAVE_UP), ())
    assert list(call) == [
        "call", "exchange", "direction", "line", "dialled", "caller", "caller_channel", "language", "in_hours",
        "arrived", "ringing", "answered", "ended", "rings", "rings_estimated", "heard_ringing", "wait_start",
        "wait_seconds", "outcome", "abandoned_in", "answered_by", "transfers", "forwards", "parked", "holds",
        "voicemail", "heard", "gaps", "verdicts", "reasons", "cause",
    ]  # fmt: skip
    assert (call["arrived"], call["wait_seconds"]) == ("2026-11-24T14:00:00.000000Z", 4.0)
    assert call["answered_by"] == {"extension": "101", "channel": "PJSIP/101-1"}
