"""The outcome of each channel, from its last row: whether it answered, why and by which side it ended. Pure.

CEL is read after the call has ended, so later rows can correct earlier ones. A channel that hung up with *busy*
never rang. If the caller's own side hung up, the caller leaves from the first row of leaving (`LEAVING`) on. An
application that ended more than LEAVES_WITHIN before the next row did not end with the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from callmon.backfill.cel.rows import CelRow
from callmon.core.calls.endpoints import endpoint, is_local

LEAVING = frozenset(("APP_END", "BRIDGE_EXIT", "HANGUP", "CHAN_END", "LINKEDID_END"))
LEAVES_WITHIN = timedelta(seconds=2)
# A stream ends when the caller leaves, but also by itself, long before.
PLAYED = "STREAM_END"
# Causes with which a phone refuses; if it refuses at once, it has not rung.
BUSY = "17"
DECLINED = "21"
FORWARDED = "23"
ELSEWHERE = "26"
AT_ONCE = timedelta(seconds=1)
# After one of these statuses the caller's hang-up only follows from it.
REFUSED = frozenset(("BUSY", "CONGESTION", "CHANUNAVAIL"))
# A CEL that names one of these names Busy and Congestion, too: a caller whose Dial runs was not refused.
BESIDE_DIAL = frozenset(("ringing", "answer", "playback", "busy", "congestion", "hangup"))
# The dialplan extension that runs after the caller has hung up.
AFTER = "h"


class CelChannel(msgspec.Struct, eq=False):
    """One channel. Channels may refer to each other: `dialler`, `held_by`."""

    uniqueid: str
    name: str
    linkedid: str
    begun: CelRow | None = None  # its CHAN_START
    answered: datetime | None = None
    taken: datetime | None = None  # another phone picked up the call that rang here
    ended: CelRow | None = None  # its HANGUP, else its CHAN_END
    cause: str = ""
    status: str = ""  # of its last Dial
    hung_up: bool = False  # its own side hung up
    last_app: str = ""  # the last one that began
    leaving: int = 0  # `n` of the row from which on all rows are of leaving; 0: none
    # State of the translation (`translator.py`).
    dialler: CelChannel | None = None
    emitted: bool = False
    tried: bool = False
    stopped: bool = False
    app: str = ""
    data: str = ""
    begun_app: datetime | None = None
    menu_context: str = ""
    app_exten: str = ""
    bridge: str = ""
    language: str = ""
    spoken_first: str = ""
    held_by: CelChannel | None = None

    @property
    def is_local(self) -> bool:
        return is_local(self.name)

    @property
    def is_own(self) -> bool:
        """Whether the channel began the call: no other channel dialled it."""
        return self.uniqueid == self.linkedid

    @property
    def is_half_that_dials(self) -> bool:
        return self.is_local and self.name.endswith(";2")

    @property
    def endpoint(self) -> str:
        return endpoint(self.name)

    def rang(self) -> bool:
        """Whether the phone rang, as far as CEL shows: each dialled phone that did not refuse at once."""
        if self.answered is not None or self.taken is not None or self.ended is None or self.begun is None:
            return True
        says_nothing = self.ended.kind == "HANGUP" and not self.ended.extra
        refused = says_nothing or self.cause not in ("0", "16", ELSEWHERE, "127", "")
        return not (refused and self.is_over_at_once())

    def is_over_at_once(self) -> bool:
        return self.ended is not None and self.begun is not None and self.ended.at - self.begun.at <= AT_ONCE


class CelChannels:
    """All channels of a stretch of rows."""

    def __init__(self, rows: Sequence[CelRow]) -> None:
        self._by_id: dict[str, CelChannel] = {}
        self._by_name: dict[str, list[CelChannel]] = {}
        self.of_call: dict[str, list[CelChannel]] = {}
        self._names_refusals = any(row.app.lower() in BESIDE_DIAL for row in rows)
        for row in rows:
            self._note(row)
        self._see_who_leaves(rows)

    def by_id(self, uniqueid: str) -> CelChannel | None:
        return self._by_id.get(uniqueid)

    def by_name(self, name: str, at: datetime) -> CelChannel | None:
        """The channel of that name at that time. After a restart the exchange uses the same names again."""
        known = reversed(self._by_name.get(name, ()))
        return next((channel for channel in known if channel.begun is not None and channel.begun.at <= at), None)

    def _note(self, row: CelRow) -> None:
        channel = self._by_id.get(row.uniqueid)
        if channel is None:
            channel = self._by_id[row.uniqueid] = CelChannel(row.uniqueid, row.channel, row.linkedid)
            self._by_name.setdefault(row.channel, []).append(channel)
            self.of_call.setdefault(row.linkedid, []).append(channel)
        match row.kind:
            case "CHAN_START":
                channel.begun, channel.name = channel.begun or row, row.channel
            case "APP_START":
                channel.last_app = row.app.lower()
            case "ANSWER":
                channel.answered = channel.answered or row.at
            case "PICKUP":
                channel.taken = row.at
            case "HANGUP":
                self._over(channel, row)
            case "CHAN_END" if channel.ended is None:
                channel.ended = row
            case _:
                pass

    def _over(self, channel: CelChannel, row: CelRow) -> None:
        more = row.more
        channel.ended = row
        channel.cause = str(more.get("hangupcause", ""))
        channel.status = str(more.get("dialstatus", ""))
        is_dialling = self._names_refusals and channel.last_app == "dial"
        refused = channel.answered is None and channel.status in REFUSED and not is_dialling
        channel.hung_up = more.get("hangupsource") == channel.name and not refused

    def _see_who_leaves(self, rows: Sequence[CelRow]) -> None:
        """Sets `leaving`: all later rows of the channel follow at once, and name no other application."""
        first: dict[str, CelRow] = {}
        last: dict[str, CelRow] = {}
        for row in rows:
            channel = self._by_id[row.uniqueid]
            if row.kind == PLAYED:
                continue
            if row.exten == AFTER:
                continue
            if row.kind not in LEAVING:
                channel.leaving = 0
                continue
            if not channel.leaving or _went_on(first[row.uniqueid], last[row.uniqueid], row):
                channel.leaving, first[row.uniqueid] = row.n, row
            last[row.uniqueid] = row


def _went_on(first: CelRow, before: CelRow, row: CelRow) -> bool:
    """Whether the dialplan went on in between, or another application ran whose start is not in the rows."""
    is_other = "" not in (first.app, row.app) and (first.app, first.data) != (row.app, row.data)
    return is_other or row.at - before.at > LEAVES_WITHIN
