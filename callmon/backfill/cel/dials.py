"""Finds the channel that dialled each channel. CEL does not name it; rows name application and data. Pure."""

from collections.abc import Sequence
from datetime import timedelta
from operator import itemgetter
from typing import NamedTuple

from callmon.backfill.cel.channels import AFTER, FORWARDED, CelChannel, CelChannels
from callmon.backfill.cel.rows import CelRow
from callmon.core.calls.endpoints import is_number

DIALS = frozenset(("dial", "queue", "followme", "page", "retrydial"))
NOWHERE = ("", "s")  # the extension of a channel that dialled no extension
# The longest delay between the end of a dial, or a parking, and the rows that belong to it.
CLOSE = timedelta(seconds=0.2)
SAME_SECOND = timedelta(seconds=1)
LATE_HANGUP = timedelta(seconds=2)


def nearness(row: CelRow) -> timedelta:
    """The longest delay between this row and the rows that belong to it."""
    return SAME_SECOND if row.is_whole else CLOSE


class Running(NamedTuple):
    """A run of an application that dials: from row `begin` to row `end` (None: to the last row)."""

    by: CelChannel
    app: str
    data: str
    begin: CelRow
    end: CelRow | None

    def covers(self, row: CelRow) -> bool:
        late = self.end is not None and (row.at, row.n) > (self.end.at, self.end.n)
        return (self.begin.at, self.begin.n) <= (row.at, row.n) and not late


class Dials:
    """All dials of a stretch of rows."""

    def __init__(self, rows: Sequence[CelRow], channels: CelChannels) -> None:
        self._channels = channels
        self._running: dict[str, list[Running]] = {}
        self._forwards: dict[str, list[CelRow]] = {}
        self._forwarded: dict[str, list[tuple[CelChannel, CelRow]]] = {}
        self._parked: dict[str, list[CelRow]] = {}
        self._first_app: dict[str, CelRow] = {}
        self._as_dialled: set[str] = set()
        self._open: dict[str, tuple[CelRow, CelRow]] = {}
        self._last: dict[str, CelRow] = {}
        for row in rows:
            self._note(row)
            self._last[row.uniqueid] = row
        for shown, begin in self._open.values():
            self._close(shown, begin, None)

    def _note(self, row: CelRow) -> None:
        if row.kind == "FORWARD":
            self._forwards.setdefault(row.linkedid, []).append(row)
        elif row.kind == "PARK_START":
            self._parked.setdefault(row.uniqueid, []).append(row)
        app = row.app.lower()
        if app.startswith("app") and row.data.startswith("(Outgoing"):
            self._as_dialled.add(row.uniqueid)
        if row.kind == "CHAN_START":
            return
        if app and row.exten != AFTER:
            self._first_app.setdefault(row.uniqueid, row)
        self._note_running(row, app)

    def _note_running(self, row: CelRow, app: str) -> None:
        """Tracks runs. Without APP_START (`apps` of cel.conf, redirects), a run begins after the last row."""
        shown, begin = self._open.get(row.uniqueid, (None, None))
        is_over = row.kind in ("APP_END", "HANGUP")
        is_other = shown is not None and (shown.app, shown.data) != (row.app, row.data)
        if shown is not None and begin is not None and (is_over or is_other):
            del self._open[row.uniqueid]
            self._close(shown, begin, row)
            shown = None
        if shown is None and app in DIALS and not is_over:
            began = row if row.kind == "APP_START" else self._last.get(row.uniqueid, row)
            self._open[row.uniqueid] = row, began

    def _close(self, shown: CelRow, begin: CelRow, end: CelRow | None) -> None:
        channel = self._channels.by_id(shown.uniqueid)
        if channel is not None:
            running = Running(channel, shown.app.lower(), shown.data, begin, end)
            self._running.setdefault(shown.linkedid, []).append(running)

    def is_originated(self, channel: CelChannel) -> bool:
        """Whether the exchange created the channel (Originate): it was answered before any dialplan ran for it."""
        first = self._first_app.get(channel.uniqueid)
        if channel.begun is None or channel.uniqueid in self._as_dialled:
            return True
        if channel.begun.exten not in NOWHERE:
            return False
        if first is None or channel.answered is None:
            return first is None and channel.answered is None
        return first.kind != "ANSWER" and first.at > channel.answered

    def dial_of(self, channel: CelChannel, row: CelRow) -> tuple[CelChannel | None, str, str | None]:
        """The dialling channel, the dial string, and the AppData of its Dial; None where no Dial is named."""
        name = channel.endpoint
        running = [run for run in self._running.get(row.linkedid, ()) if run.covers(row) and run.by is not channel]
        for run in reversed(running):
            for string in _strings(run):
                if _is_of(string, name, channel.name):
                    return run.by, string.partition("/")[2], _data(run)
        # A queue names no phone: of several that dial, the last to begin is the likeliest.
        last = max(running, key=lambda run: (run.begin.at, run.begin.n), default=None)
        by = last.by if last is not None else self._channels.by_id(row.linkedid)
        if by is channel:
            by = None
        return by, self._guessed(channel), None if last is None else _data(last)

    def _guessed(self, channel: CelChannel) -> str:
        """The dial string, guessed where no Dial is named (FreePBX), from the channel's own caller number.

        A number longer than any extension is the dialled one. A phone starts with its own name as its number; the
        dialplan may then set the number that the phone shows outside.
        """
        own = channel.endpoint.partition("/")[2]
        begun, ended = channel.begun, channel.ended
        if begun is not None and begun.number == own:
            return own
        if ended is not None and ended.number != own and is_number(ended.number) and not channel.is_local:
            return f"{ended.number}@{own}"
        return own

    def is_over_in_vain(self, channel: CelChannel, row: CelRow) -> bool:
        """Whether the dial timed out: no channel answered, and the caller has not hung up."""
        by = channel.dialler
        if by is None:
            return True
        near = nearness(row)
        dial = self._run_of(channel)
        if dial is not None and dial.end is not None and row.at + near < dial.end.at:
            return dial.app == "queue"  # a queue continues with its next member
        if by.ended is not None and by.ended.at - row.at <= near:
            return by.status == "NOANSWER" and not by.hung_up
        answers = (other.answered for other in self._beside(channel) if other.answered is not None)
        return not any(abs(at - row.at) <= near for at in answers)

    def is_passed(self, channel: CelChannel, row: CelRow) -> bool:
        """Whether a queue let nobody in (`joinempty`, `maxlen`): it ran for a moment and dialled no phone."""
        run = next((run for run in self._runs_at(channel, row) if run.app == "queue"), None)
        if run is None or run.end is None or run.end.at - run.begin.at > nearness(row):
            return False
        left = channel.hung_up and 0 < channel.leaving <= run.end.n
        return not left and self._made_no_channel(run)

    def has_no_phone(self, channel: CelChannel, row: CelRow) -> bool:
        """Whether the application in this row dials, and none of its phones could be called."""
        return any(
            run.app == row.app.lower() and self._made_no_channel(run) for run in self._runs_at(channel, row)
        )

    def _runs_at(self, channel: CelChannel, row: CelRow) -> list[Running]:
        return [run for run in self._running.get(row.linkedid, ()) if run.by is channel and run.covers(row)]

    def _made_no_channel(self, run: Running) -> bool:
        others = [other for other in self._channels.of_call.get(run.begin.linkedid, ()) if other is not run.by]
        return not any(other.begun is not None and run.covers(other.begun) for other in others)

    def _run_of(self, channel: CelChannel) -> Running | None:
        running = (run for run in self._running.get(channel.linkedid, ()) if run.by is channel.dialler)
        return next((run for run in running if channel.begun is not None and run.covers(channel.begun)), None)

    def _beside(self, channel: CelChannel) -> list[CelChannel]:
        return [
            other for other in self._channels.of_call.get(channel.linkedid, ()) if other.dialler is channel.dialler
        ]

    def is_parked_by(self, transferee: str, row: CelRow) -> bool:
        """Whether a blind transfer goes to a parking extension: the caller is then parked at the same time."""
        near = nearness(row)
        return any(abs(parked.at - row.at) <= near for parked in self._parked.get(transferee, ()))

    def forwarder(self, row: CelRow) -> CelChannel | None:
        """The phone that forwarded the call in this row, if its dial has begun and not ended; else None."""
        phone = next((x for x, forward in self._sent_on(row.linkedid) if forward is row), None)
        return phone if phone is not None and phone.tried and not phone.stopped else None

    def forward_of(self, channel: CelChannel) -> str:
        """The target of the phone's forwarding, for a hang-up written before the FORWARD row; else empty."""
        rows = (row for phone, row in self._sent_on(channel.linkedid) if phone is channel)
        return next((str(row.more.get("forward") or "") for row in rows), "")

    def rang(self, channel: CelChannel) -> bool:
        """Whether the phone rang, as far as CEL shows. A phone that forwarded the call at once did not ring."""
        return channel.rang() and not (self.forward_of(channel) and channel.is_over_at_once())

    def _sent_on(self, linkedid: str) -> list[tuple[CelChannel, CelRow]]:
        """Each phone that forwarded the call, with its FORWARD row.

        The dialling channel writes the row, and the row names no phone. The likeliest pairs are taken first, among
        equally likely ones the nearest in time. On a busy exchange they may be a second apart.
        """
        if linkedid not in self._forwarded:
            phones, rows = self._channels.of_call.get(linkedid, ()), self._forwards.get(linkedid, ())
            pairs = [
                (-_likelihood(x), abs(x.ended.at - row.at), x, row)
                for row in rows
                for x in phones
                if x.ended is not None and _may_send_on(x, row)
            ]
            found: list[tuple[CelChannel, CelRow]] = []
            for _, _, phone, row in sorted(pairs, key=itemgetter(0, 1)):
                if not any(phone is other or row is taken for other, taken in found):
                    found.append((phone, row))
            self._forwarded[linkedid] = found
        return self._forwarded[linkedid]


def _may_send_on(channel: CelChannel, row: CelRow) -> bool:
    """Whether the phone was dialled when the row was written (within LATE_HANGUP) and did not answer."""
    if channel.begun is None or channel.ended is None or channel.answered is not None or channel.is_local:
        return False
    if channel.uniqueid == row.uniqueid or channel.begun.at > row.at + LATE_HANGUP:
        return False
    return channel.cause == FORWARDED or abs(channel.ended.at - row.at) <= LATE_HANGUP


def _likelihood(channel: CelChannel) -> int:
    """2: hang-up with cause "redirected" (from 20.19, 22.9, 23.3 on). 1: the phone's own side hung up. 0: neither.

    Each version sometimes hangs up the phone before it has recorded that.
    """
    if channel.cause == FORWARDED:
        return 2
    return 1 if channel.hung_up else 0


def _strings(running: Running) -> list[str]:
    """`PJSIP/101&PJSIP/4165550101@trunk,24,tk` → the dialled strings; empty for a queue, whose row has none."""
    return running.data.partition(",")[0].split("&") if running.app != "queue" else []


def _is_of(string: str, name: str, channel: str) -> bool:
    """Whether the dial string dials this channel. The channel of `PJSIP/N@trunk` is `PJSIP/trunk-…`."""
    technology, _, rest = string.partition("/")
    if not channel.startswith(technology + "/"):
        return False
    own = name.partition("/")[2]
    return own in (rest, rest.partition("@")[2], rest.partition("/")[0], rest.partition("@")[0])


def _data(running: Running) -> str | None:
    return running.data if running.app == "dial" else None
