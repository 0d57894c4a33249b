"""Voicemail on a real Asterisk 22 (`tests/lab/situations_boxes.toml`): what callmon concludes by each source."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.situations import LEFT_UNTOLD
from tests.recordings.test_cel import as_cel_may_say, of_public, rows_of
from tests.recordings.test_cel import calls as cel_calls
from tests.recordings.test_recordings import RECORDINGS, scripted
from tests.support.ami_builders import replayed
from tests.support.scripted_truth import unlike

RUN = "run-22-boxes"
STREAM = (RECORDINGS / f"{RUN}.ami").read_bytes()
# The key came while the prompt played: without its event DTMF, CEL tells of keys that end WaitExten alone.
KEY_IN_THE_PROMPT = "menu_chosen_voicemail"
# It never tells where a key leads.
CHOSEN = (KEY_IN_THE_PROMPT, "menu_two_digits_to_the_box")
END = b"\r\n\r\n"


def by_name(reported: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    calls = {call["call"]: call for call in reported}
    return {call["situation"]: calls[call["linkedid"]] for call in scripted(RUN)}


def without_steps(stream: bytes) -> bytes:
    """As an older white list passes it: of the dialplan's steps that of VoiceMail alone."""
    kept = [
        block
        for block in stream.split(END)
        if not block.startswith(b"Event: Newexten") or b"\r\nApplication: VoiceMail\r\n" in block
    ]
    return END.join(kept)


@pytest.mark.parametrize("name", LEFT_UNTOLD)
def test_what_no_event_tells_is_not_known_and_cel_tells_it(name: str) -> None:
    heard, filled = (
        by_name(replayed(STREAM).calls())[name],
        by_name(cel_calls(rows_of(RECORDINGS / f"{RUN}.cel.csv")))[name],
    )
    third, reached = "answer_by_third_ring", "reach_a_person"
    assert (heard["outcome"], heard["verdicts"][third], heard["verdicts"][reached]) == ("unknown",) * 3
    assert (filled["outcome"], filled["verdicts"][third], filled["verdicts"][reached]) == (
        "voicemail",
        "not_met",
        "not_met",
    )


def test_cel_alone_tells_every_box_but_whether_a_key_chose_it() -> None:
    made = [(call["situation"], call["linkedid"], as_cel_may_say(call["expect"])) for call in scripted(RUN)]
    made = [one for one in made if one[0] not in CHOSEN]
    reported = cel_calls(rows_of(RECORDINGS / f"{RUN}.cel.csv"))
    assert of_public(unlike(made, reported)) == []
    chosen = [by_name(reported)[name]["verdicts"] for name in CHOSEN]
    judged = ("answer_by_third_ring", "voicemail_after_fourth_ring")
    assert {verdicts[name] for verdicts in chosen for name in judged} == {"unknown"}


def test_with_an_older_event_filter_no_verdict_is_wrong() -> None:
    reported, full = by_name(replayed(without_steps(STREAM)).calls()), by_name(replayed(STREAM).calls())
    wrong = [
        (name, standard, verdict)
        for name, call in reported.items()
        for standard, verdict in call["verdicts"].items()
        if verdict not in ("unknown", full[name]["verdicts"][standard])
    ]
    assert wrong == []
    unknown = [name for name, call in reported.items() if call["verdicts"]["answer_by_third_ring"] == "unknown"]
    assert sorted(unknown) == [
        "announcement_then_the_box",
        "box_checked_from_outside",
        "box_within_execif_left",
        "box_without_a_sound",
        KEY_IN_THE_PROMPT,
        "menu_silent_then_the_box",
        "menu_two_digits_to_the_box",
        "waiting_caller_sent_to_a_box_leaves",
    ]


def test_a_talk_that_ends_in_a_colleagues_box_has_its_length() -> None:
    call = next(call for call in replayed(STREAM).ended if call.outcome == "answered" and call.transfers)
    assert call.talked is not None
    assert round(call.talked.total_seconds(), 1) == 5.0
    assert call.redirections == 2  # by the strict reading: the transfer, and voicemail


def test_a_box_that_may_not_exist_took_no_message_by_either_source() -> None:
    """The dialplan says goodbye after VoiceMail(599), and hangs up 1.4 s after that step.

    CEL alone tells it like the caller's own hang-up in the greeting of a real box.
    """
    cel = cel_calls(rows_of(RECORDINGS / f"{RUN}.cel.csv"))
    for source, outcome in ((replayed(STREAM).calls(), "unknown"), (cel, "voicemail")):
        call = by_name(source)["box_that_does_not_exist"]
        assert (call["outcome"], call["voicemail"]["message"], call["verdicts"]) == (
            outcome,
            None,
            {
                "answer_by_third_ring": "not_met",
                "one_transfer_at_most": "exempt",
                "reach_a_person": "not_met",
                "voicemail_after_fourth_ring": "unknown",
            },
        )
