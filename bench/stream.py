"""The stream that everybody reads: a recorded run of a real Asterisk, repeated so that every loop is new calls.

``run-22-all.ami.xz`` is what an AMI user with ``read=all`` heard of Asterisk 22.10 while the lab played its
situations, 40 calls and more at once. Each loop has the epoch inside every id and Timestamp moved on, and
other numbers in channel names and bridges. No I/O but reading that file.
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from callmon.ami.decoding import READERS, event
from callmon.ami.framing import END
from callmon.config.lines import Lines

RECORDED = Path(__file__).with_name("run-22-all.ami.xz")
# What the recording's own login got; ours gets its own.
OPENING = (b"Response: ", b"Event: FullyBooted")
CALLS_A_LOOP_AT_MOST = 0x1000


class Template:
    """Recorded messages whose ids and times can be moved."""

    def __init__(self, messages: Iterable[bytes]) -> None:
        self.messages = tuple(messages)
        recorded = b"".join(message + END for message in self.messages)
        times = [float(text) for text in re.findall(rb"\r\nTimestamp: ([0-9.]+)", recorded)]
        self.begun = datetime.fromtimestamp(min(times), UTC)
        self.seconds = int(max(times) - min(times)) + 60
        movable = re.compile(
            rb"(?<![0-9])(?P<epoch>%s[0-9]{5})(?![0-9])" % str(int(min(times)))[:5].encode()
            + rb"|(?<=-)(?P<channel>[0-9a-f]{8})(?=[;\s,&]|$)|(?<=-)(?P<bridge>[0-9a-f]{12})(?![0-9a-f])"
        )
        self._between: list[bytes] = []
        self._moved: list[tuple[str, bytes]] = []
        end = 0
        for found in movable.finditer(recorded):
            self._between.append(recorded[end : found.start()])
            self._moved.append((str(found.lastgroup), found[0]))
            end = found.end()
        self._rest = recorded[end:]

    def loop(self, number: int, seconds: int | None = None) -> bytes:
        """The messages once more, as new calls; number 0 is the recording itself."""
        shift = number * self.seconds if seconds is None else seconds
        table = {key: _move(*key, number, shift) for key in set(self._moved)}
        parts = [text for pair in zip(self._between, map(table.get, self._moved), strict=True) for text in pair]
        return b"".join([*map(bytes, parts), self._rest])  # type: ignore[arg-type]


def _move(kind: str, text: bytes, number: int, shift: int) -> bytes:
    match kind:
        case "epoch":
            return b"%d" % (int(text) + shift)
        case "channel":
            return b"%08x" % ((int(text, 16) + number * CALLS_A_LOOP_AT_MOST) & 0xFFFFFFFF)
        case _:
            return b"%012x" % ((int(text, 16) + number) & 0xFFFFFFFFFFFF)


def recorded() -> Template:
    """The whole run, all event classes."""
    stream = lzma.decompress(RECORDED.read_bytes())
    return Template(m for m in messages_of(stream) if not m.startswith(OPENING))


def messages_of(stream: bytes) -> list[bytes]:
    """The whole messages after the banner."""
    return [m for m in stream.partition(b"\r\n")[2].split(END)[:-1] if m]


def used(messages: Iterable[bytes]) -> Iterator[bytes]:
    """Those that callmon reads, and does not skip by their name."""
    for message in messages:
        name = message.lstrip(b"\r\n").partition(b"\r\n")[0].removeprefix(b"Event: ")
        if name in READERS and (name != b"Newexten" or event(message) is not None):
            yield message


class Contents(NamedTuple):
    """What one loop holds."""

    events: int
    size: int
    calls: int  # on public lines: those that are stored
    most_at_once: int


def contents(template: Template, lines: Lines, trunk: bytes = b"PJSIP/trunk-") -> Contents:
    """Counted from the messages alone, with nothing of what is measured."""
    calls = now = most = 0
    up: set[bytes] = set()
    for message in template.messages:
        event, uniqueid = header(message, b"Event"), header(message, b"Uniqueid")
        if event == b"Hangup" and uniqueid in up:
            up.discard(uniqueid)
            now -= 1
        elif event == b"Newchannel" and uniqueid == header(message, b"Linkedid"):
            up.add(uniqueid)
            now += 1
            most = max(most, now)
            on_trunk = header(message, b"Channel").startswith(trunk)
            calls += on_trunk and lines.by_number(header(message, b"Exten").decode()) is not None
    return Contents(len(template.messages), len(template.loop(0)), calls, most)


def header(message: bytes, name: bytes) -> bytes:
    """The value of a header, b"" when it is not there."""
    found = re.search(rb"(?:^|\r\n)%s: ([^\r]*)" % name, message)
    return found[1] if found else b""
