"""The demonstration's schedule: which call begins when, without end, replayed as if it happened now. Pure.

Most calls are answered by the third ring. Some are answered late, some by voicemail; in a few the caller hangs
up or the line is busy.

A recording is replayed with other times, ids and callers. Times move by whole seconds, so that the second inside
every id stays the one in which the channel was created. Ids, bridges and channel names are replaced, so that two
replays are never taken for one call. Callers get numbers from 555-0100 to 555-0199, which belong to no one.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache, partial
from heapq import heappop, heappush
from importlib.resources import files
from itertools import chain, count
from math import inf
from random import Random
from typing import NamedTuple
from uuid import UUID

from callmon.ami.framing import END, Framer

FOLDER = files("callmon.tools.demo")
# How often each recording is played in one loop.
MORNING: dict[str, int] = tomllib.loads(FOLDER.joinpath("recordings.toml").read_text(encoding="utf-8"))


class CallPace(NamedTuple):
    """Seconds between two calls, and by which a conversation is longer than the recorded one.

    `is_cut`: the trunk is cut CUT_AFTER the start, for CUT_FOR.
    """

    between: tuple[float, float]
    talk: tuple[int, int] = (0, 0)
    is_cut: bool = False


# A recorded call lasts 16 s on average: of LOAD about a dozen are up at once.
LOAD, USUAL = CallPace((0.6, 2.0)), CallPace((30.0, 60.0), (20, 200))
CUT_AFTER, CUT_FOR = 90.0, 600.0
TRUNK = "PJSIP/trunk"
# The first loop's seed: an order that soon has an example of every kind of call.
FIRST = 284
AREA_CODES = (b"416", b"437", b"519", b"613", b"647", b"705", b"807", b"905")

_TIMESTAMP = re.compile(rb"\r\nTimestamp: ([0-9]+\.[0-9]+)")
# A time has six decimals. In a recording of minutes an id's counter is always shorter.
_TOKEN = re.compile(
    rb"(?P<time>(?<![0-9])1[0-9]{9}\.[0-9]{6}(?![0-9]))"
    rb"|(?P<id>(?<![0-9])1[0-9]{9}\.[0-9]+)"
    rb"|(?P<bridge>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    rb"|(?P<channel>-[0-9a-f]{8}(?![0-9A-Za-z]))"
    rb"|(?P<caller>(?<![0-9])(?P<before>9?1?)(?P<nobody>[2-9][0-9]{2}55501[0-9]{2})(?![0-9]))"
)

Messages = tuple[tuple[float, bytes], ...]  # of one recorded call, each with its time (epoch seconds), in order


@lru_cache
def recording(name: str) -> Messages:
    """A shipped recording, without the messages that concern the recording client (login, FullyBooted)."""
    return timed_messages(FOLDER.joinpath("recordings", f"{name}.ami").read_bytes())


def timed_messages(data: bytes) -> Messages:
    timed: list[tuple[float, bytes]] = []
    at = 0.0
    for message in Framer().receive(data):
        if found := _TIMESTAMP.search(message):
            at = max(at, float(found[1]))  # Asterisk's own times sometimes go back by a millisecond
            timed.append((at, message + END))
    return tuple(timed)


class RecordingPlayer:
    """Replays recordings repeatedly. A generated value is never generated twice."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._ids = count()
        self._channels = count()

    def retimed(
        self, recorded: Messages, start: float, talk: tuple[int, int] = (0, 0)
    ) -> list[tuple[float, bytes]]:
        """The messages with their new times, beginning within the second after `start`.

        Equal values in the recording stay equal. `talk`: by how much a conversation is longer.
        """
        shift, longer = math.ceil(start - recorded[0][0]), self._chance.randint(*talk)
        joined = max((n for n, (_, x) in enumerate(recorded) if b"Event: BridgeEnter" in x), default=len(recorded))
        replaced: dict[bytes, bytes] = {}

        def once(text: bytes) -> bytes:
            if text not in replaced:
                replaced[text] = self._new(text)
            return replaced[text]

        def moved(by: int, found: re.Match[bytes]) -> bytes:
            text = found[0]
            second, _, rest = text.partition(b".")
            match found.lastgroup:
                case "time":
                    return b"%d.%s" % (int(second) + by, rest)
                case "id":
                    return b"%d.%s" % (int(second) + shift, once(text))
                case "caller":
                    return found["before"] + once(found["nobody"])
                case _:
                    return once(text)

        times = [shift + longer * (n > joined) for n in range(len(recorded))]
        return [
            (at + by, _TOKEN.sub(partial(moved, by), message))
            for by, (at, message) in zip(times, recorded, strict=True)
        ]

    def _new(self, text: bytes) -> bytes:
        """A new id's counter, channel's suffix, bridge or caller, in place of this one."""
        if b"." in text:
            return b"%d" % next(self._ids)
        if text.startswith(b"-"):
            return b"-%08x" % next(self._channels)
        if b"-" in text:
            return str(UUID(int=self._chance.getrandbits(128), version=4)).encode()
        return self._chance.choice(AREA_CODES) + b"55501%02d" % self._chance.randrange(100)


def calls(begin: float, loops: int | None = None, pace: CallPace = LOAD) -> Iterator[tuple[float, str]]:
    """Each call's start (epoch seconds) and its recording. Loops differ in order, equally at every start."""
    at, cut = begin, begin + CUT_AFTER
    for number in count() if loops is None else range(loops):
        chance, names = Random(FIRST + number), list(Counter(MORNING).elements())
        Random(FIRST + number).shuffle(names)
        for name in names:
            yield at, name
            at += chance.uniform(*pace.between)
            if pace.is_cut and cut <= at < cut + CUT_FOR:
                at = cut + CUT_FOR


def messages(
    begin: float, player: RecordingPlayer, loops: int | None = None, pace: CallPace = LOAD
) -> Iterator[tuple[float, bytes]]:
    """All messages of the exchange, each with its time, in order."""
    order = count()
    cut = begin + CUT_AFTER
    states = ((begin, "NOT_INUSE"), (cut, "UNAVAILABLE"), (cut + CUT_FOR, "NOT_INUSE")) if pace.is_cut else ()
    waiting = [(at, next(order), _trunk_state(at, state)) for at, state in states]
    for start, name in chain(calls(begin, loops, pace), [(inf, "")]):
        while waiting and waiting[0][0] < start:
            at, _, message = heappop(waiting)
            yield at, message
        for at, message in player.retimed(recording(name), start, pace.talk) if name else ():
            heappush(waiting, (at, next(order), message))


def _trunk_state(at: float, state: str) -> bytes:
    head = f"Event: DeviceStateChange\r\nPrivilege: call,all\r\nTimestamp: {at:.6f}\r\n"
    return f"{head}Device: {TRUNK}\r\nState: {state}".encode() + END
