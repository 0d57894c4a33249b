"""Replays a recording as if it happened now: the same call, with other times, ids and callers.

Times move by whole seconds, so that the second inside every id stays the one in which the channel was created.
Ids, bridges and channel names are replaced, so that two replays are never taken for one call. Callers get
numbers from 555-0100 to 555-0199, which belong to no one. Pure: no clock; the random source is an argument.
"""

import math
import re
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


Messages = tuple[tuple[float, bytes], ...]  # of one recorded call, each with its time (epoch seconds), in order


@lru_cache
def recording(name: str) -> Messages:
    """A shipped recording, without the messages that concern the recording client (login, FullyBooted)."""
    return timed_messages(files("callmon.tools.demo").joinpath("recordings", f"{name}.ami").read_bytes())


def timed_messages(data: bytes) -> Messages:
    """The messages of a recording that have a time."""
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

    def retimed(self, recorded: Messages, start: float) -> list[tuple[float, bytes]]:
        """The messages with their new times, beginning within the second after `start`.

        Equal values in the recording stay equal.
        """
        shift = math.ceil(start - recorded[0][0])
        replaced: dict[bytes, bytes] = {}

        def once(text: bytes) -> bytes:
            if text not in replaced:
                replaced[text] = self._new(text)
            return replaced[text]

        def moved(found: re.Match[bytes]) -> bytes:
            text = found[0]
            second, _, rest = text.partition(b".")
            match found.lastgroup:
                case "time":
                    return b"%d.%s" % (int(second) + shift, rest)
                case "id":
                    return b"%d.%s" % (int(second) + shift, once(text))
                case "caller":
                    return found["before"] + once(found["nobody"])
                case _:
                    return once(text)

        return [(at + shift, _TOKEN.sub(moved, message)) for at, message in recorded]

    def _new(self, text: bytes) -> bytes:
        """A new id's counter, channel's suffix, bridge or caller, in place of this one."""
        if b"." in text:
            return b"%d" % next(self._ids)
        if text.startswith(b"-"):
            return b"-%08x" % next(self._channels)
        if b"-" in text:
            return str(UUID(int=self._chance.getrandbits(128), version=4)).encode()
        return self._chance.choice(AREA_CODES) + b"55501%02d" % self._chance.randrange(100)
