"""What the model found: the smallest history of each fault, in every order that may come."""

from __future__ import annotations

import pytest

from tests.model import acts as a
from tests.model.acts import Act
from tests.model.played import Played
from tests.model.reception import Cable
from tests.model.scripts import GENERAL, OUTSIDE, by_keys, group, ring

ORDERS = range(30)
QUEUE: list[Act] = [a.Calls(0, GENERAL), a.LineUp(0, "queue"), a.Queues(0)]

HEARD: dict[str, list[Act]] = {
    "a queue that rings on after the last of its phones": [
        a.Calls(0, GENERAL), a.Queues(0), *group(0, "101", through="queue"), a.DialOver(23), a.QueueOver(24),
        a.Voicemail(24, "500"), a.HangsUp(30),
    ],
    "phones behind Local channels that ring in vain for 24.02 s rang four times": [
        a.Calls(0, GENERAL), *group(0, "101", through="local"), a.DialOver(24.02), a.Ended(24.02, "played")
    ],
    "phones behind Local channels that rang in vain, and then silence": [
        a.Calls(0, GENERAL), *group(0, "101", through="local"), a.DialOver(12.02), a.Tries(12.02, ("102",)),
        a.HangsUp(14),
    ],
    "a caller who gives up is not ended by the time-out of phones before": [
        *ring("101"), a.DialOver(5), *group(5, "102", through="local"), a.HangsUp(6.3)
    ],
    "phones that never rang do not end the ringing": [
        *ring("101"), a.DialOver(24.02), a.Tries(24.02, ("102",)), a.Refuses(24.02, "102", "busy"),
        a.Ended(24.02, "played"),
    ],
    "a person who was called back holds the caller": [
        *ring("101"), a.PicksUp(2, "101"), *by_keys("102", 4.4, 7.2), a.HandsOver(11), a.CallsBack(22),
        a.Rings(22, "101"), a.PicksUp(24, "101"), a.Holds(26), a.Resumes(28), a.HangsUp(30),
    ],
    "a queue is no menu: nobody chose English there": [
        *QUEUE, *group(9, "101", through="queue"), a.PicksUp(12, "101"), a.HangsUp(20)
    ],
    "a congested line is no caller's hang-up, whichever is said first": [
        a.Calls(0, GENERAL), a.Tries(0, (OUTSIDE,)), a.Refuses(0, OUTSIDE, "congested"), a.Ended(0, "congested")
    ],
    "a caller is gone from the wish to hang up on, however long the dialplan clears up": [
        *ring("101", "102"), a.HangsUp(17.5, clears=3.0)
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", HEARD)
@pytest.mark.parametrize("steps", [True, False])
def test_what_was_received_is_reported_as_it_was(name: str, steps: bool) -> None:
    found = [Played([HEARD[name]], order).disagreements(steps) for order in ORDERS]
    assert found == [{}] * len(ORDERS)


def own(*more: Act) -> list[Act]:
    """A colleague calls the outside."""
    return [a.Calls(0, f"9{OUTSIDE}", "", "111"), *group(0, OUTSIDE), *more]


def sent(at: float, to: str, picked: float) -> list[Act]:
    return [a.SendsOff(at, to), *group(at, to), a.PicksUp(picked, to)]


# Each with the messages, as the tables write them, that nobody heard (first and last).
UNHEARD: dict[str, tuple[list[Act], int, int]] = {
    "an outside party whose dial was not heard is still outside": (
        own(a.PicksUp(5, OUTSIDE), a.HangsUp(20)), 2, 2
    ),
    "a colleague's call whose dial was not heard rang in vain": (own(a.HangsUp(9)), 1, 2),
    "a phone that had picked up when the exchange was listed answers with its join": (
        [a.Calls(0, GENERAL), *group(0, "101", through="local"), a.PicksUp(5, "101"), a.HangsUp(20)], 0, 12
    ),
    "rings are not known when an answer before may have gone unheard": (
        [*ring("101"), a.PicksUp(2, "101"), *sent(5, "102", 9), a.HangsUp(20)], 5, 18
    ),
    "rings are not known when the phone that was found talking was dialled in the gap": (
        [*ring("101"), a.PicksUp(2, "101"), *sent(5, "102", 9), a.HangsUp(20)], 5, 22
    ),
    "a transfer before the first person who was heard may have gone unheard": (
        [*ring("101"), a.PicksUp(2, "101"), *sent(5, "102", 9), *sent(12, "103", 15), a.HangsUp(20)], 3, 20
    ),
    "a person who was being called back when the exchange was listed takes the caller back": (
        [
            *ring("101"), a.PicksUp(2, "101"), *by_keys("102", 4.4, 7.2), a.HandsOver(11), a.CallsBack(22),
            a.Rings(22, "101"), a.PicksUp(24, "101"), a.HangsUp(30),
        ],
        28, 37,
    ),
    "whoever picked up another's phone in the gap has no call of an own": (
        [*ring("101"), a.TakesFrom(5, "104", "101"), a.HangsUp(20)], 7, 11
    ),
    "a caller who was handed over may have come back, and gone, in the gap": (
        [
            *ring("101"), a.PicksUp(2, "101"), *by_keys("102", 4.4, 7.2), a.HandsOver(11), a.CallsBack(22),
            a.Rings(22, "101"), a.PicksUp(24, "101"), a.HangsUp(30),
        ],
        28, 46,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNHEARD)
@pytest.mark.parametrize("tells", [True, False])
def test_what_was_not_received_is_not_made_up(name: str, tells: bool) -> None:
    acts, first, last = UNHEARD[name]
    assert Played([acts], 0).disagreements_after([Cable(first, last, tells)], steps=True) == {}


def test_who_parked_a_caller_is_found_beside_another_parked_caller() -> None:
    parked = [
        [*ring("101"), a.PicksUp(2, "101"), a.Parks(5), a.LetsGo(12), a.HangsUp(20)],
        [*ring("121"), a.PicksUp(2, "121"), a.Parks(5), a.LetsGo(12), a.HangsUp(20)],
    ]
    played = Played(parked, 0)
    after = next(n for n, message in enumerate(played.messages) if message.at > 5)
    assert played.disagreements_after([Cable(0, after - 1, True)], steps=True) == {}
