"""The lab's sipp callers: which callers sipp plays, the row each is given, and what its log tells."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tests.lab.media import recording
from tests.lab.model import LabCaller, PlayedSituation, Situation, Step
from tests.lab.play import cast
from tests.lab.sipp import at_once, behaviour, read, row
from tests.lab.sipp_scripts import SCRIPTS, script
from tests.lab.situations import SITUATIONS, named
from tests.lab.truths import GENERAL, LEAVES_MESSAGE, TALKS


def played(caller: LabCaller) -> PlayedSituation:
    return cast([Situation("some", caller)])[0]


def message(at: float, way: str, number: int, method: str, first_line: str, pid: int = 77) -> str:
    return f"2026-11-24\t10:00:00\t{at}\t{way}\t{number}@127.0.0.2-{pid}\tCSeq:1 {method}\t{first_line}"


def test_sipp_plays_every_caller_of_the_public_who_presses_one_key_at_most() -> None:
    public = [situation for situation in SITUATIONS if situation.caller.phone is None]
    own = {situation.name for situation in public if behaviour(situation.caller) is None}
    # Several keys, or an action of the desk.
    assert own == {
        *("box_checked_from_outside", "box_opened_in_the_greeting", "menu_two_digits_to_the_box"),
        *("waiting_caller_sent_to_a_box", "waiting_caller_sent_to_a_box_leaves"),
    }
    assert len(public) >= 20
    assert sum(situation.copies for situation in public) >= 40


@pytest.mark.parametrize(
    "caller",
    [
        LabCaller("131", phone="130", steps=TALKS),
        LabCaller(GENERAL, steps=(Step(2, "press", "12"), Step(9, "hang_up"))),
        LabCaller(GENERAL, steps=(Step(0.2, "press", "1"), Step(9, "hang_up"))),
        LabCaller(GENERAL, steps=(Step(0, "speak", "3"), Step(9, "hang_up"))),
        LabCaller(GENERAL, steps=(Step(9, "hold"),)),
        LabCaller(GENERAL, steps=TALKS, gives_up=4),
    ],
)
def test_what_sipp_cannot_play_stays_with_the_station(caller: LabCaller) -> None:
    assert behaviour(caller) is None


def test_a_row_says_all_that_is_this_callers_own() -> None:
    caller = LabCaller(GENERAL, route="menu", steps=(Step(2, "press", "2"), Step(14, "hang_up")))
    assert row(played(caller), 1.25) == (
        "1250;4163272422;4165550100;<sip:4165550100@127.0.0.2>;X-Lab-Route: menu,s,1;Privacy: none;"
        "X-Lab-Identity: none;1200;2;11300"
    )


def test_a_withheld_number_is_asserted_by_the_carrier_alone() -> None:
    columns = row(played(LabCaller(GENERAL, withheld=True, delivered=True, gives_up=4)), 0).split(";")
    assert columns[2:7] == [
        "anonymous",
        '"Anonymous" <sip:anonymous@anonymous.invalid>',
        "X-Lab-Route: ",
        "Privacy: id",
        "P-Asserted-Identity: <sip:4165550100@127.0.0.2>",
    ]
    assert columns[-1] == "4000"


def test_every_byte_of_a_name_reaches_the_row() -> None:
    assert b'"Ren\xe9 \x80\xff" <sip:' in row(played(LabCaller(GENERAL, name=b"Ren\xe9 \x80\xff")), 0).encode(
        "latin-1"
    )


def test_the_log_tells_when_it_rang_was_answered_and_ended_and_by_whom() -> None:
    talks, leaves = played(LabCaller(GENERAL, steps=TALKS)), played(LabCaller(GENERAL, gives_up=4))
    refused, dropped = played(LabCaller(GENERAL)), played(LabCaller(GENERAL, steps=LEAVES_MESSAGE))
    log = [
        message(1.0, "S", 1, "INVITE", "INVITE sip:1@x SIP/2.0"),
        message(1.1, "R", 1, "INVITE", "SIP/2.0 100 Trying"),
        message(1.2, "R", 1, "INVITE", "SIP/2.0 180 Ringing"),
        message(5.0, "R", 1, "INVITE", "SIP/2.0 200 OK"),
        message(9.0, "S", 1, "BYE", "BYE sip:1@x SIP/2.0"),
        message(9.1, "R", 1, "BYE", "SIP/2.0 200 OK"),
        message(2.0, "S", 2, "INVITE", "INVITE sip:1@x SIP/2.0"),
        message(6.0, "S", 2, "CANCEL", "CANCEL sip:1@x SIP/2.0"),
        message(6.1, "R", 2, "CANCEL", "SIP/2.0 200 OK"),
        message(6.2, "R", 2, "INVITE", "SIP/2.0 487 Request Terminated"),
        message(2.0, "S", 3, "INVITE", "INVITE sip:1@x SIP/2.0"),
        message(2.1, "R", 3, "INVITE", "SIP/2.0 503 Service Unavailable"),
        message(3.0, "S", 4, "INVITE", "INVITE sip:1@x SIP/2.0"),
        message(4.0, "R", 4, "INVITE", "SIP/2.0 200 OK"),
        message(7.0, "R", 4, "BYE", "BYE sip:2@y SIP/2.0"),
        message(7.1, "S", 4, "BYE", "SIP/2.0 200 OK"),
    ]
    read("\n".join([*log, "half a li"]), [talks, leaves, refused, dropped], 77)
    assert (talks.invited, talks.progress, talks.answered) == (1.0, [(1.2, 180)], 5.0)
    assert (talks.ended, talks.ended_by) == (9.0, "caller")
    assert (leaves.refused, leaves.ended, leaves.ended_by, leaves.answered) == (487, 6.2, "caller", None)
    assert (refused.refused, refused.ended, refused.ended_by) == (503, 2.1, "exchange")
    assert (dropped.answered, dropped.ended, dropped.ended_by) == (4.0, 7.0, "exchange")
    assert [call.fault for call in (talks, leaves, refused, dropped)] == [None] * 4
    assert at_once([talks, leaves, refused, dropped]) == 3


def test_a_call_without_an_end_is_a_fault_that_says_what_sipp_said() -> None:
    call = played(LabCaller(GENERAL))
    call.trouble.append("Aborting call")
    read(message(1.0, "S", 1, "INVITE", "INVITE sip:1@x SIP/2.0"), [call], 77)
    assert call.fault == "sipp saw no end of it / Aborting call"


def test_a_late_message_for_an_earlier_sipp_is_no_call_of_this_one() -> None:
    call = played(LabCaller(GENERAL))
    late = [message(2.0, "R", number, "BYE", "BYE sip:1@x SIP/2.0", pid=7) for number in (1, 25)]
    read("\n".join([message(1.0, "S", 1, "INVITE", "INVITE sip:1@x SIP/2.0"), *late]), [call], 77)
    assert (call.invited, call.ended) == (1.0, None)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_well_formed(name: str) -> None:
    # sipp wants this very first line, but takes bytes as they come.
    assert ElementTree.fromstring(script(name).encode()).get("name") == name


def test_sound_is_a_capture_of_whole_packets() -> None:
    assert len(recording(1.0)) == 24 + 50 * (16 + 14 + 20 + 8 + 12 + 160)


def test_situations_are_distinguished_by_number() -> None:
    calls = cast(named("vm_message", "abandon_ring1"))
    assert len({call.number for call in calls}) == 5
