"""Recorded calls cut anywhere: what callmon says of them is what people did, or less (`tests/model/exam`).

python -m tests.model.exam --whole         every pair of moments, not a sample
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path

import pytest

from tests.model.exam.cuts import Cut, Examined
from tests.model.exam.subjects import (
    Subject,
    calls_of_folder,
    calls_of_runs,
    french_lines,
    named,
    recordings,
    traces,
)
from tests.model.exam.takeovers import Takeover, disagreements, takeovers
from tests.recordings.test_recordings import RECORDINGS

SEED = 1
PAIRS = 2  # of each recording
TAKEOVERS = 3  # of each recording
EVERY = 12  # of the calls of the mixed runs


def sampled() -> Iterator[Subject]:
    return chain(recordings(), french_lines(), traces(), calls_of_runs(EVERY))


def test_a_call_cut_anywhere_is_reported_as_it_was_or_less() -> None:
    wrong: list[str] = []
    examined = 0
    for one in map(Examined, sampled()):
        cuts = [cut for pair in one.pairs(PAIRS, SEED) for cut in one.cuts(pair)]
        wrong += [line for cut in cuts for line in one.wrongs(cut)]
        examined += 1
    assert wrong == []
    assert examined == 146 + 4 + 28 + 17 + 8


def test_a_call_that_a_standby_takes_over_is_stored_as_by_one_or_less() -> None:
    wrong: list[str] = []
    tried = 0
    for one in map(Examined, chain(recordings(), french_lines(), traces())):
        for takeover in takeovers(one, TAKEOVERS, SEED):
            wrong += disagreements(one, takeover)
            tried += 1
    assert wrong == []
    assert tried == 474 + TAKEOVERS * (12 + 4 + 4)


def test_a_folder_of_the_lab_is_examined_as_its_recording_is_at_any_hour(tmp_path: Path) -> None:
    written = {"ami-callmon.raw": "run-16.ami", "cel.csv": "run-16.cel.csv", "truth.json": "run-16.truth.json"}
    run = tmp_path / "run-16"
    run.mkdir()
    for name, recorded in written.items():
        (run / name).symlink_to(RECORDINGS / recorded)
    by_folder, by_run = islice(calls_of_folder(run), 4), islice(calls_of_runs(), 4)
    verdicts = [[said.verdicts for said in one.true.values()] for one in by_folder]
    assert verdicts == [[said.verdicts for said in one.true.values()] for one in by_run]


BACK = "run-16/blonde_returned_by_desk/1795546657.892"
SENT_AWAY = "run-22-boxes/waiting_caller_sent_to_a_box_leaves/1796050733.10"
TAKEN_OVER = {
    "a language chosen after the take-over": ("menu_voicemail_hangup", (1, 1, 1, 5, 5, 0.0)),
    "a transfer refused before it": ("transfer_refused", (2, 2, 2, 20, 20, 1.0)),
    "a phone that rings in two events": ("follow_me_by_application", (20, 25, 25, 32, 32, 0.0)),
    "an answer found in a listing": ("transfer_to_a_phones_voicemail", (7, 7, 7, 23, 23, 1.0)),
    "a join shown by a listing": ("attended_transfer", (24, 26, 26, 34, 34, 1.0)),
    "a transfer of which only its end was received": ("blonde_by_phone", (16, 20, 20, 24, 27, 0.0)),
    "a transfer whose end no standby could tell": ("blonde_by_phone_unanswered", (14, 16, 19, 24, 25, 1.0)),
    "a transfer received after a listing": ("blonde_completed", (7, 7, 7, 23, 32, 1.0)),
    "a caller who is back": ("blonde_returned_as_bridges_merged", (26, 28, 28, 39, 41, 1.0)),
    "an answer before the standby's start": ("redirect_to_queue", (6, 8, 11, 22, 25, 1.0)),
    "an answer picked up before the standby's start, joined after it": (
        "follow_me_by_application",
        (27, 32, 32, 34, 40, 1.0),
    ),
    "an answer picked up before it, joined after the take-over": (
        "follow_me_by_application",
        (32, 32, 32, 34, 34, 0.0),
    ),
    "a phone whose ringing both received, at different events": (
        "hunt_first_unregistered_phone",
        (0, 4, 4, 9, 13, 0.0),
    ),
    "a phone that each received the end of, at different events": (
        "run-16/hunt_voicemail/1795546662.2264",
        (6, 6, 6, 12, 15, 1.0),
    ),
    "a refusal that no fact states": (
        "run-16/transfer_declined_at_once_by_keys/1795546653.311",
        (2, 2, 2, 19, 20, 1.0),
    ),
    "a transfer back to the sender of an earlier one": ("there_and_back", (21, 26, 29, 33, 41, 0.0)),
    "an inferred transfer from before the pending one": (
        "run-16/there_and_back/1795546655.624",
        (11, 13, 13, 35, 40, 1.0),
    ),
    "a return that the standby takes for the first answer": (
        "blonde_returned_as_bridges_merged",
        (9, 13, 16, 40, 44, 1.0),
    ),
    "a person whose phone was listed as stopped": (
        "run-22-apart/attended_to_voicemail/1795546922.4",
        (4, 4, 7, 8, 14, 1.0),
    ),
    "a recall of the phone that parked the caller": ("run-16/park_timeout/1795546649.0", (2, 10, 13, 22, 27, 0.0)),
    "a recall of the phone that parked the caller in the standby's gap": (
        "run-16/park_timeout_by_phone/1795546649.5",
        (11, 18, 18, 20, 31, 0.0),
    ),
    "a caller retrieved by the phone that parked": (
        "run-16/park_fetched_back/1795546650.25",
        (10, 14, 14, 18, 25, 0.0),
    ),
    "a transfer by a person who retrieved the caller in the gap": (
        "run-16/park_then_transfer/1795546650.40",
        (17, 18, 18, 22, 32, 0.0),
    ),
    "a retrieval that is reported after the join": (
        "run-16/park_withheld/1795546650.45",
        (9, 11, 11, 19, 20, 1.0),
    ),
    "a retrieval that is reported after the join, after the take-over": (
        "run-16/park_withheld/1795546650.45",
        (1, 1, 1, 14, 19, 0.0),
    ),
    "a hold by a person whose own call a listing showed": (
        "run-16/pickup_by_extension/1795546650.55",
        (5, 11, 11, 13, 17, 0.0),
    ),
    "a request to hang up before the busy signal": ("busy_all", (12, 13, 13, 13, 14, 1.0)),
    "an agent whose channel has the Linkedid of a caller who has left": (
        "agent_of_a_pool",
        (28, 35, 38, 51, 54, 1.0),
    ),
    "an agent who was up for hours before the caller arrived": ("agent_of_a_pool", (9, 9, 12, 26, 48, 0.0)),
    "a phone that a push message woke": ("woken_phone_left", (0, 5, 5, 5, 7, 1.0)),
    "a dial whose options the leader received": ("woken_phone_left", (2, 4, 4, 5, 5, 1.0)),
    "the same, received by the standby before the take-over": ("woken_phone_to_voicemail", (2, 2, 2, 5, 11, 0.0)),
    "a queue of which the leader knows what it plays": ("queue_left_by_key", (3, 3, 3, 15, 16, 1.0)),
    "a caller who left a queue by a key": ("queue_left_by_key_to_the_end", (12, 12, 12, 12, 12, 1.0)),
    "a caller in the queue whose line a listing shows in a menu": (
        "queue_left_by_key_to_the_end",
        (0, 7, 10, 10, 10, 1.0),
    ),
    "a caller taken out of a queue, before the take-over reports the departure": (
        SENT_AWAY,
        (1, 1, 1, 4, 12, 0.0),
    ),
    "a caller taken out of a queue in which a listing showed the caller": (SENT_AWAY, (6, 6, 9, 12, 16, 0.0)),
    "a caller whom a listing showed in a queue and on the way out": (SENT_AWAY, (7, 7, 10, 15, 15, 0.0)),
    "a sending by a person whose answer the standby did not receive": (BACK, (6, 14, 17, 25, 29, 1.0)),
    "a caller who is back, and whose sending the standby did not receive": (BACK, (27, 29, 29, 39, 45, 1.0)),
    "a caller who is back from a party that the standby does not know": (BACK, (18, 26, 29, 39, 45, 1.0)),
    "the same, where the sending is the last that the leader received": (BACK, (17, 25, 28, 28, 45, 0.0)),
}


@pytest.mark.parametrize("case", TAKEN_OVER)
def test_a_take_over_once_misjudged_is_no_more(case: str) -> None:
    name, (*moments, lag) = TAKEN_OVER[case]
    examined = Examined(named(name))
    assert disagreements(examined, Takeover(*moments, timedelta(seconds=lag))) == []


FOUND = {
    "a consultation begun in the gap is not the answer": ("attended_returned", (7, 24, 24, "cut")),
    "nor is a consultation at a desk phone": ("attended_returned_by_desk", (6, 30, 30, "cut")),
    "nor is one that ended as a transfer": ("blonde_completed", (2, 16, 19, "kill")),
    "nor is the return from one": ("attended_returned", (3, 28, 31, "cut")),
    "a picked-up phone that asks first has not answered": ("confirm_accepted", (14, 18, 21, "cut")),
    "nor has one behind a Local channel": ("follow_me_by_application", (11, 36, 36, "cut")),
    "a phone rung within a second need not be the first": ("forward_302", (0, 14, 17, "cut")),
    "a taker's own answer is not the pick-up": ("pickup", (6, 10, 13, "cut")),
    "ringing before an unheard pick-up counts": ("traces/pickup_group", (2, 14, 17, "cut")),
    "who answered first is not known after an unheard transfer": ("blind_transfer", (8, 22, 22, "cut")),
    "nor behind a Local channel": ("local_then_transfer", (0, 32, 32, "cut")),
    "a caller's wish to hang up may go unheard": ("abandon_ring1", (3, 16, 16, "cut")),
    "also in a queue": ("queue_abandon", (0, 11, 11, "cut")),
    "a busy signal may go unheard before its echo": ("congestion", (0, 4, 7, "cut")),
    "a wait in doubt has no exact end": ("anonymous_answered", (13, 15, 18, "cut")),
    "a line that goes up after a gap is not voicemail's": ("pickup", (4, 8, 8, "cut")),
    "also when callmon was ended": ("pickup_by_group", (6, 6, 9, "kill")),
    "a taker in the list keeps its caller": ("pickup_by_replaces", (10, 10, 10, "cut")),
    "voicemail found in a list comes after all ringing": ("traces/hunt_voicemail", (11, 24, 24, "cut")),
    "voicemail told late did not begin before the gap": ("queue_timeout_voicemail", (11, 18, 21, "cut")),
    "a message may be left in the gap": ("tty_voicemail", (3, 11, 12, "cut")),
    "also where CEL fills it": ("menu_chosen_voicemail", (0, 5, 5, "cut")),
    "voicemail behind a Local channel is shown by the half that runs it": (
        "run-22-boxes/phone_sends_the_caller_to_its_box/1796050734.13",
        (7, 15, 15, "cut"),
    ),
    "so is that of a queue's member": (
        "run-22-boxes/queue_member_box_takes_the_call/1796050734.15",
        (0, 17, 17, "cut"),
    ),
    "`0` in a greeting leads to a person": (
        "run-22-boxes/box_then_0_for_the_operator/1796050734.11",
        (4, 17, 17, "kill"),
    ),
    "of several boxes the caller's is told last": (
        "run-22-boxes/message_to_two_boxes/1796050733.2",
        (5, 8, 8, "cut"),
    ),
    "a caller who was sent off may come back unheard": ("blonde_returned", (28, 42, 45, "cut")),
    "a transfer whose name went unheard is no redirect": ("blind_transfer", (10, 16, 16, "cut")),
    "a list just before a caller leaves shows no return": ("there_and_back", (21, 22, 25, "cut")),
    "a trunk is known as one after a restart": ("forward_to_mobile", (1, 16, 16, "kill")),
    "a request to hang up may be the echo of a refusal that goes unheard": ("busy_all", (12, 13, 13, "cut")),
    "a wait may have ended with a pick-up just before the gap": ("pickup_by_replaces", (12, 18, 18, "cut")),
    "people may be gone unheard": ("transfer_to_voicemail", (10, 15, 15, "cut")),
    "a first hold may go unheard": ("park_by_desk", (7, 14, 14, "cut")),
    "an exchange that stops later hides no answer": ("traces/shutdown_midcall", (8, 37, 38, "cut")),
    "music that ended is not the end of the call": ("traces/hold_unhold", (28, 41, 41, "cut")),
    "a phone that rang in a queue was not heard to ring": ("traces/queue_abandon", (18, 22, 25, "cut")),
    "a phone that rings after a queue and a gap may be a transfer's": (
        "run-16/queue_then_transfer/1795546658.1011",
        (8, 15, 18, "cut"),
    ),
    "also when callmon was ended in the queue": (
        "run-16/queue_then_transfer_by_keys/1795546658.1023",
        (11, 18, 18, "kill"),
    ),
    "a transfer to a menu may be said just before the list": ("transfer_to_menu", (5, 12, 12, "cut")),
    "a menu after a gap need not be the one that offers languages": (
        "run-16/transfer_to_menu/1795546654.386",
        (1, 15, 15, "cut"),
    ),
    "a caller who was retrieved unheard is parked no longer": (
        "run-16/park_then_transfer/1795546650.40",
        (17, 18, 21, "cut"),
    ),
    "a trunk whose dial went unheard is outside": (
        "run-22-apart/attended_outside/1795546922.6",
        (13, 26, 29, "cut"),
    ),
    "a trunk that was not heard at all is outside, too": (
        "run-22-apart/attended_outside/1795546922.6",
        (11, 24, 27, "cut"),
    ),
    "a caller who leaves a second dial left by it, not by the first": (
        "run-16/transfer_left_while_ringing/1795546653.323",
        (14, 23, 23, "cut"),
    ),
    "a found answer may be a pick-up just before the gap": ("pickup_by_replaces", (12, 13, 13, "cut")),
    "also when callmon was ended before the two were joined": (
        "run-16/transfer_to_queue_in_vain/1795546654.378",
        (9, 9, 9, "kill"),
    ),
    "a caller may pass through voicemail's place unheard": ("transfer_refused", (1, 18, 21, "cut")),
    "a phone found ringing may have begun seconds after its channel": ("woken_phone", (0, 2, 5, "cut")),
    "also where its caller gives up": ("woken_phone_left", (0, 2, 5, "cut")),
    "and where voicemail takes the call": ("woken_phone_to_voicemail", (0, 2, 5, "cut")),
    "an agent's own channel that a listing finds takes the call": ("agent_of_a_pool", (0, 3, 3, "cut")),
    "a taker found before its line is up takes the call": ("pickup_of_a_queue", (0, 9, 9, "cut")),
    "a colleague who joins a caller in a lounge was not rung": ("lounge", (0, 6, 9, "kill")),
    "a caller who hangs up as a phone answers was not rung in vain": (
        "hangs_up_as_it_is_answered",
        (0, 3, 6, "kill"),
    ),
    "a queue may be left between a gap and its list": ("queue_left_by_key_to_the_end", (5, 7, 10, "cut")),
    "a wait that ended before the gap is no longer": ("queue_left_by_key_to_the_end", (12, 12, 12, "cut")),
    "a queue that lets nobody in is none by CEL": ("queue_of_nobody", (0, 1, 1, "cut")),
    "a queue that a consultation reaches dials its own phone by CEL": (
        "attended_to_queue_by_keys",
        (0, 1, 1, "cut"),
    ),
    "a transfer into a queue need not have reached the queue alone": (
        "attended_to_queue_by_keys",
        (11, 36, 39, "cut"),
    ),
    "music may play where a phone rings, unheard in between": ("queue_left_by_key", (3, 6, 9, "cut")),
    "a line's language is not the channel's after a kill": ("french/poci_answered", (1, 13, 13, "kill")),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_was_once_reported_wrong_of_a_call_that_was_cut(what: str) -> None:
    name, where = FOUND[what]
    assert Examined(named(name)).wrongs(Cut(*where)) == []  # type: ignore[arg-type]  # written as a plain tuple above
