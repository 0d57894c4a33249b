"""Replays a recording as if it happened now: the same call, with other times, ids and callers.

Times move by whole seconds, so that the second inside every id stays the one in which the channel was created.
Ids, bridges and channel names are replaced, so that two replays are never taken for one call. Callers get
numbers from 555-0100 to 555-0199, which belong to no one. Pure: no clock; the random source is an argument.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import count
from random import Random
from uuid import UUID

from callmon.ami.framing import END, Framer

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


@dataclass(frozen=True)
class Recording:
    """The messages of one recorded call, each with its time (epoch seconds), in non-decreasing order."""

    name: str
    messages: tuple[tuple[float, bytes], ...]

    @property
    def start(self) -> float:
        return self.messages[0][0]

    @property
    def seconds(self) -> float:
        return self.messages[-1][0] - self.start


@lru_cache
def recording(name: str) -> Recording:
    """A shipped recording, without the messages that concern the recording client (login, FullyBooted)."""
    data = files("callmon.tools.demo").joinpath("recordings", f"{name}.ami").read_bytes()
    told: list[tuple[float, bytes]] = []
    at = 0.0
    for message in Framer().receive(data):
        if found := _TIMESTAMP.search(message):
            at = max(at, float(found[1]))  # Asterisk's own times sometimes go back by a millisecond
            told.append((at, message + END))
    return Recording(name, tuple(told))


class RecordingPlayer:
    """Replays recordings repeatedly. A generated value is never generated twice."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._ids = count()
        self._channels = count()

    def tell(self, recorded: Recording, start: float) -> list[tuple[float, bytes]]:
        """The messages with their new times, beginning within the second after `start`."""
        return _Telling(self, math.ceil(start - recorded.start)).told(recorded)

    def new_id(self) -> bytes:
        return b"%d" % next(self._ids)

    def new_channel(self) -> bytes:
        return b"-%08x" % next(self._channels)

    def new_bridge(self) -> bytes:
        return str(UUID(int=self._chance.getrandbits(128), version=4)).encode()

    def new_caller(self) -> bytes:
        return self._chance.choice(AREA_CODES) + b"55501%02d" % self._chance.randrange(100)


class _Telling:
    """One replay of one recording: equal values in the recording stay equal."""

    def __init__(self, teller: RecordingPlayer, shift: int) -> None:
        self._teller = teller
        self._shift = shift
        self._known: dict[bytes, bytes] = {}

    def told(self, recorded: Recording) -> list[tuple[float, bytes]]:
        return [(at + self._shift, _TOKEN.sub(self._moved, message)) for at, message in recorded.messages]

    def _moved(self, found: re.Match[bytes]) -> bytes:
        text = found[0]
        match found.lastgroup:
            case "time":
                second, _, rest = text.partition(b".")
                return b"%d.%s" % (int(second) + self._shift, rest)
            case "id":
                return b"%d." % (int(text.partition(b".")[0]) + self._shift) + self._once(text)
            case "caller":
                return found["before"] + self._once(found["nobody"])
            case _:
                return self._once(text)

    def _once(self, text: bytes) -> bytes:
        if text not in self._known:
            self._known[text] = self._new(text)
        return self._known[text]

    def _new(self, text: bytes) -> bytes:
        if b"." in text:
            return self._teller.new_id()
        if text.startswith(b"-"):
            return self._teller.new_channel()
        return self._teller.new_bridge() if b"-" in text else self._teller.new_caller()
