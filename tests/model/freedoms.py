"""Which orders the tables leave free, and what the recordings show of them: `python -m tests.model.freedoms`.

Each channel's events come from the thread that runs it, and threads do not wait for each other. An order is left
free between messages of two threads; where both are about one channel it is free only if it was recorded both
ways.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from tests.model import likeness
from tests.model.acts import Act
from tests.model.handing import play
from tests.model.scripts import RECORDINGS, TRACES
from tests.model.wire import ModelWire, WireMessage, ordered

HERE = Path(__file__).parent.parent
Pair = tuple[str, str]


def scripted() -> Iterator[tuple[list[Act], bytes]]:
    """Every script with what was recorded."""
    for name, script in RECORDINGS.items():
        yield script, (HERE / "recordings" / f"{name}.ami").read_bytes()
    for name, script in TRACES.items():
        yield script, (HERE / "data" / "traces" / name / "ami.raw").read_bytes()


def freedoms() -> dict[tuple[bool, Pair], list[int]]:
    """Of each pair left free, about one channel or not: how often each order of the two was recorded."""
    counts: dict[tuple[bool, Pair], list[int]] = defaultdict(lambda: [0, 0])
    for script, data in scripted():
        wire = ModelWire()
        caller = play(wire, script).caller.name
        messages = ordered(wire.messages)
        where = _places(messages, data)
        for one, two in _free(messages):
            if one.number in where and two.number in where:
                labels = _label(one, caller), _label(two, caller)
                pair = min(labels), max(labels)
                first = where[one.number] < where[two.number]
                one_channel = bool(_channels(one) & _channels(two))
                counts[one_channel, pair][(pair == labels) != first] += 1
    return dict(counts)


def _places(messages: list[WireMessage], data: bytes) -> dict[int, int]:
    places: dict[likeness.Said, list[int]] = {}
    for place, said in enumerate(likeness.reduced(likeness.recorded(data))):
        places.setdefault(said, []).append(place)
    messages = likeness.compared(messages)
    made = likeness.reduced(likeness.generated(messages))
    return {
        message.number: places[said].pop(0) for message, said in zip(messages, made, strict=True) if said in places
    }


def _free(messages: Iterable[WireMessage]) -> Iterator[tuple[WireMessage, WireMessage]]:
    moments: dict[float, list[WireMessage]] = {}
    for message in messages:
        moments.setdefault(message.at, []).append(message)
    for moment in moments.values():
        before = _before(moment)
        for one, two in combinations(moment, 2):
            if one.number not in before[two.number] and two.number not in before[one.number]:
                yield one, two


def _before(moment: list[WireMessage]) -> dict[int, set[int]]:
    """What must come before each message of a moment, directly or not."""
    here = {message.number for message in moment}
    before: dict[int, set[int]] = {}
    for message in moment:
        direct = set(message.after) & here
        before[message.number] = direct.union(*(before[number] for number in direct))
    return before


def _channels(message: WireMessage) -> set[str]:
    return {value for name, value in message.headers.items() if name.endswith("Uniqueid") and "Bridge" not in name}


def _label(message: WireMessage, caller: str) -> str:
    headers = message.headers
    who = headers.get("DestChannel") or headers.get("Channel") or ""
    role = "caller" if who == caller else "half" if who.startswith("Local/") else "phone"
    said = headers.get("DialStatus") or (headers["ChannelStateDesc"] if message.kind == "Newstate" else "")
    return " ".join(filter(None, (message.kind, said, role)))


if __name__ == "__main__":
    for (one_channel, pair), (first, second) in sorted(freedoms().items()):
        said = "one channel" if one_channel else "two threads"
        print(f"{said}  {first:4} {second:4}  {pair[0]} · {pair[1]}")  # noqa: T201
