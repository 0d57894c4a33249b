"""The demonstration's schedule: which call begins when, without end. Pure.

Most calls are answered by the third ring. Some are answered late, some by voicemail; in a few the caller hangs
up or the line is busy.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import chain, count
from math import inf
from random import Random

from callmon.tools.demo.retime import RecordingPlayer, recording

# How often each recording is played in one loop.
MORNING = {
    "answered_ring1": 4,
    "answered_ring2": 5,
    "answered_ring3": 3,
    "answered_at_17_3": 1,
    "answered_ring4": 2,
    "anonymous_answered": 1,
    "name_with_accents": 1,
    "hold_unhold": 1,
    "menu_french": 4,
    "menu_english": 3,
    "menu_hangup": 1,
    "tollfree_answered": 4,
    "tty_answered": 1,
    "tty_tollfree_answered": 1,
    "tty_voicemail": 1,
    "poci_answered": 2,
    "poci_tollfree_answered": 2,
    "hunt_second_stage": 1,
    "hunt_voicemail": 1,
    "queue_answered": 2,
    "queue_second_member": 1,
    "queue_abandon": 1,
    "vm_message": 2,
    "vm_hangup_greeting": 1,
    "voicemail_early": 1,
    "abandon_ring1": 1,
    "abandon_ring4": 1,
    "busy_all": 1,
    "internal_call": 1,
    "outbound_answered": 1,
}
# A call lasts 16 s on average: about a dozen are up at once.
BETWEEN_CALLS = (0.6, 2.0)
# The first loop's seed: an order that soon has an example of every kind of call.
FIRST = 284


def loop(number: int) -> list[str]:
    """The recordings of one loop, shuffled. Each loop has a different order, which is the same at every start."""
    names = [name for name, times in MORNING.items() for _ in range(times)]
    Random(FIRST + number).shuffle(names)
    return names


def calls(begin: float, loops: int | None = None) -> Iterator[tuple[float, str]]:
    """Each call's start (epoch seconds) and its recording."""
    at = begin
    for number in count() if loops is None else range(loops):
        chance = Random(FIRST + number)
        for name in loop(number):
            yield at, name
            at += chance.uniform(*BETWEEN_CALLS)


def messages(begin: float, player: RecordingPlayer, loops: int | None = None) -> Iterator[tuple[float, bytes]]:
    """All messages of the exchange, each with its time, in order."""
    waiting: list[tuple[float, int, bytes]] = []
    order = count()
    for start, name in chain(calls(begin, loops), [(inf, "")]):
        while waiting and waiting[0][0] < start:
            at, _, message = heappop(waiting)
            yield at, message
        for at, message in player.retimed(recording(name), start) if name else ():
            heappush(waiting, (at, next(order), message))
