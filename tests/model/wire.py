"""What an exchange says, as a set of messages with the order that Asterisk keeps among them.

Messages of different moments come in the order of time. Within a moment a message comes after those about the
same channel that were written before it, unless its table says what else it must come after; all else is free,
and `ordered` lets a random choice decide. Every message bears the time of its moment.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A Tuesday, 9:00 in Toronto.
MORNING = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)
STATES = {"0": "Down", "4": "Ring", "5": "Ringing", "6": "Up", "7": "Busy"}


@dataclass(eq=False)
class ModelChannel:
    """One channel: what its messages say of it, and (`application`, …) what only a listing says."""

    name: str
    uniqueid: str
    linkedid: str
    state: str = "0"
    caller: str = "<unknown>"
    caller_name: str = "<unknown>"
    language: str = "en"
    context: str = "elsewhere"
    exten: str = "s"
    dialled: str = ""

    def headers(self, prefix: str = "") -> dict[str, str]:
        said = {
            "Channel": self.name, "ChannelState": self.state, "ChannelStateDesc": STATES[self.state],
            "CallerIDNum": self.caller, "CallerIDName": self.caller_name, "ConnectedLineNum": "<unknown>",
            "ConnectedLineName": "<unknown>", "Language": self.language, "AccountCode": "",
            "Context": self.context, "Exten": self.exten, "Priority": "1", "Uniqueid": self.uniqueid,
            "Linkedid": self.linkedid,
        }  # fmt: skip
        return {prefix + name: value for name, value in said.items()} if prefix else said


@dataclass(eq=False)
class WireMessage:
    """One event: when, what, after which others of its moment, and what a listing shows from then on."""

    number: int
    at: float
    kind: str
    headers: dict[str, str]
    after: frozenset[int]
    shows: tuple[tuple[str, dict[str, Any]], ...] = ()


@dataclass
class ModelWire:
    """Collects messages. Their numbers are handles: what `after` refers to."""

    start: datetime = MORNING
    messages: list[WireMessage] = field(default_factory=list)
    last: dict[str, tuple[int, ...]] = field(default_factory=dict)
    channels: int = 0
    bridges: int = 0

    def say(
        self,
        at: float,
        kind: str,
        headers: dict[str, str],
        *about: ModelChannel,
        after: Iterable[int] | None = None,
        also: Iterable[int] = (),
        beside: Iterable[ModelChannel] = (),
        shows: tuple[tuple[str, dict[str, Any]], ...] = (),
    ) -> int:
        """One more message, after the last ones about the same channels (or `after`), and after `also`.

        `beside`: in no order with what else is about these, but what comes later comes after all of it.
        """
        before = [n for channel in about for n in self.latest(channel)] if after is None else after
        number = len(self.messages)
        self.messages.append(WireMessage(number, at, kind, headers, frozenset((*before, *also)), shows))
        for channel in about:
            self.last[channel.uniqueid] = (number,)
        for channel in beside:
            self.last[channel.uniqueid] = (*self.latest(channel), number)
        return number

    def latest(self, channel: ModelChannel) -> tuple[int, ...]:
        """The last messages about this channel."""
        return self.last.get(channel.uniqueid, ())

    def channel(self, at: float, endpoint: str, linkedid: str = "", **more: str) -> ModelChannel:
        """A channel with a name and an id of its own."""
        name = endpoint if ";" in endpoint else f"{endpoint}-{self.channels:08x}"
        uniqueid = f"lab-{int((self.start - EPOCH + timedelta(seconds=at)).total_seconds())}.{self.channels}"
        self.channels += 1
        return ModelChannel(name, uniqueid, linkedid or uniqueid, **more)

    def bridge(self) -> str:
        self.bridges += 1
        return f"bridge-{self.bridges}"


def ordered(messages: Iterable[WireMessage], draw: random.Random | None = None) -> list[WireMessage]:
    """One of the orders in which Asterisk may say this; without `draw` the one in which it was written."""
    moments: dict[float, list[WireMessage]] = {}
    for message in messages:
        moments.setdefault(message.at, []).append(message)
    out: list[WireMessage] = []
    for at in sorted(moments):
        out += _one_order(moments[at], draw)
    return out


def _one_order(moment: list[WireMessage], draw: random.Random | None) -> list[WireMessage]:
    if draw is None or len(moment) == 1:
        return moment
    here = {message.number for message in moment}
    waiting, out = list(moment), []
    while waiting:
        ready = [message for message in waiting if not message.after & here]
        message = draw.choice(ready)
        waiting.remove(message)
        here.discard(message.number)
        out.append(message)
    return out
