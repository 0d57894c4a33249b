"""The queue for what a stranger can ask for and what is slow by design: a comparison of a password.

One comparison runs at a time. Who is known goes first. Of the others each network has its share of the places:
where all are taken, a newcomer gets the last place of the network that has the most. Where all have equally many,
it gets the place of the network whose turn was the latest, unless its own was later. So a few networks that return
at once keep no newcomer out.

Refuses: more than `MOST_WAITING` that wait, of each kind. Who is refused may try again; that was no attempt.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

MOST_WAITING = 8
MOST_NETWORKS = 4096  # whose turns are remembered: the latest


class TooManyError(Exception):
    """All places are taken."""


@dataclass(eq=False, slots=True)
class _Place:
    network: str
    is_known: bool
    turn: asyncio.Future[None]


class FairQueue:
    def __init__(self) -> None:
        self._places = list[_Place]()
        self._is_busy = False
        self._turns = dict[str, int]()  # network → number of its last turn, the latest last
        self._count = 0

    @asynccontextmanager
    async def turn(self, network: str, is_known: bool = False) -> AsyncIterator[None]:
        """Waits for the turn of one from this network. Raises TooManyError."""
        if self._is_busy:
            await self._wait(network, is_known)
        self._is_busy = True
        if not is_known:
            self._remember_turn(network)
        try:
            yield
        finally:
            self._call_next()

    async def _wait(self, network: str, is_known: bool) -> None:
        alike = [x for x in self._places if x.is_known == is_known]
        if len(alike) >= MOST_WAITING:
            self._make_room(network, alike)
        place = _Place(network, is_known, asyncio.get_running_loop().create_future())
        self._places.append(place)
        try:
            await place.turn
        except asyncio.CancelledError:
            if place in self._places:
                self._places.remove(place)
            elif place.turn.done() and not place.turn.cancelled():
                self._call_next()  # it was called, and left at the same moment
            raise

    def _remember_turn(self, network: str) -> None:
        self._count += 1
        self._turns.pop(network, None)
        self._turns[network] = self._count
        if len(self._turns) > MOST_NETWORKS:
            del self._turns[next(iter(self._turns))]

    def _last_turn(self, network: str) -> int:
        return self._turns.get(network, 0)

    def _make_room(self, network: str, alike: list[_Place]) -> None:
        shares = Counter(x.network for x in alike)
        loser, share = shares.most_common(1)[0]
        if share < shares[network] + 2:
            loser = max(shares, key=self._last_turn)
            if network in shares or self._last_turn(loser) <= self._last_turn(network):
                raise TooManyError
        last = [x for x in alike if x.network == loser][-1]
        self._places.remove(last)
        last.turn.set_exception(TooManyError())

    def _call_next(self) -> None:
        self._is_busy = bool(self._places)
        if self._places:
            called = next((x for x in self._places if x.is_known), self._places[0])
            self._places.remove(called)
            called.turn.set_result(None)
