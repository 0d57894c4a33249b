"""When a channel's CDR began and was answered according to Asterisk: as measured on 22 and 16 in every situation.

CDR(start,u) and CDR(answer,u) refer to the channel's newest record. A channel that leaves its bridge, or dials
again, gets a new record. If the channel is up, the new record is answered when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Record:
    start: str
    answer: str = ""
    peer: str = ""
    in_bridge: bool = False
    is_final: bool = False


@dataclass
class Records:
    """The records of one channel, the oldest first."""

    is_up: bool
    all: list[Record] = field(default_factory=list)

    def begin(self, at: str, peer: str = "") -> Record:
        self.all.append(Record(at, at if self.is_up else "", peer))
        return self.all[-1]

    def dials(self, at: str, peer: str) -> None:
        last = self.all[-1]
        if last.peer or last.is_final:
            self.begin(at, peer)
        else:
            last.peer = peer

    def stops(self, peer: str) -> None:
        for record in self.all:
            record.is_final |= record.peer == peer

    def up(self, at: str) -> None:
        self.is_up = True
        for record in self.all:
            if not record.answer and not record.is_final:
                record.answer = at

    def enters(self, at: str) -> None:
        waiting = [record for record in self.all if not record.is_final and not record.in_bridge]
        for record in waiting or [self.begin(at)]:
            record.in_bridge = True

    def leaves(self, at: str) -> None:
        for record in self.all:
            record.is_final |= record.in_bridge
        if self.all[-1].is_final:
            self.begin(at)
