"""Translates CEL rows to the events that AMI would have sent, so that one tracker processes both. Pure.

    CHAN_START ─▶ Newchannel (and, for a dialled phone, DialBegin and DialState)
    ANSWER ─▶ DialEnd ANSWER, or Newstate Up       HANGUP ─▶ DialEnd, HangupRequest, Hangup
    APP_START, or the application a row names ─▶ VoiceMail, Queue, Busy, UserEvent
    BRIDGE_ENTER, BRIDGE_EXIT, BLINDTRANSFER, ATTENDEDTRANSFER, PICKUP, PARK_START, PARK_END, FORWARD: as they are

CEL has no ringing: a dialled phone is taken to ring from its channel's start, unless it refused at once. CEL has
no language except that of prompts and of the keys that callers press (`language_keys`).

Refuses: to emit events of a channel whose start it has not read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from callmon.ami import events as e
from callmon.ami.events import RING, UP
from callmon.backfill.cel.channels import BUSY, DECLINED, CelChannel, CelChannels
from callmon.backfill.cel.dials import DIALS, Dials, nearness
from callmon.backfill.cel.rows import CelRow, in_order
from callmon.core.calls.ringback import dial_indication

DOWN = "0"
CONGESTED = frozenset(("34", "38", "41", "42", "44", "58"))
UNREACHABLE = frozenset(("1", "3", "20", "27"))
REFUSALS = frozenset((BUSY, DECLINED)) | CONGESTED | UNREACHABLE
HOLDING = "holding_bridge"
QUEUE, DIAL = "queue", "dial"
ANY_KEY = "#"  # the extension of a key that is not told
STEPS = {name.lower(): name for name in e.STEPS}
# The error of a length between two times in whole seconds, or in microseconds.
TWO_ENDS, NO_TIME = timedelta(seconds=1), timedelta(0)


class CelTranslator:
    """Translates one stretch of rows, which contains its calls from begin to end. Sorts the rows first.

    The methods `_on_KIND` translate the rows of each kind.
    """

    def __init__(self, rows: Sequence[CelRow], keys: Mapping[str, str]) -> None:
        self._rows = in_order(rows)
        self.channels = CelChannels(self._rows)
        self._dials = Dials(self._rows, self.channels)
        self._keys = keys
        self._logs_menus = any(_is_of_a_menu(row) for row in self._rows)
        self.without_message: set[str] = set()  # calls without a message, as the dialplan reports
        self._bridges: dict[str, list[CelChannel]] = {}
        self._holding: set[str] = set()
        self._requested: set[str] = set()
        self._talking: dict[str, CelChannel] = {}  # by endpoint, the channel that entered a bridge last

    def events(self) -> Iterator[e.Event]:
        for row in self._rows:
            channel = self.channels.by_id(row.uniqueid)
            if channel is None or channel.begun is None:
                continue
            if channel.leaving == row.n and channel.hung_up:
                yield from self._hangup_request(row, channel)
            if row.kind not in ("CHAN_START", "APP_END"):
                yield from self._in_application(row, channel)
            step = METHODS.get(row.kind)
            if step is not None:
                yield from step(self, row, channel)

    # Channels begin and end.

    def _on_chan_start(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        if channel.emitted:
            return
        channel.emitted = True
        calls = channel.is_own and not channel.is_local and not self._dials.is_originated(channel)
        if calls:
            yield from self._second_line(row, channel)
        state = RING if calls else DOWN
        dialled = row.context, row.exten or row.dnid
        yield e.Newchannel(
            row.at, row.channel, state, row.number, row.name, "", *dialled, row.uniqueid, row.linkedid
        )
        if channel.is_half_that_dials:
            other = self.channels.by_name(row.channel[:-1] + "1", row.at)
            if other is not None and other.emitted:
                yield e.LocalBridge(row.at, other.uniqueid, row.uniqueid)
        elif not channel.is_own or self._dials.is_originated(channel):
            yield from self._dial(row, channel)

    def _second_line(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """Emits Hold: a phone that calls while it is in a bridge has put the other party on hold."""
        person = self._talking.get(channel.endpoint)
        if person is None or not person.bridge or person.bridge in self._holding:
            return
        near = [other for other in self._bridges.get(person.bridge, ()) if other is not person]
        if near and not any(other.held_by is not None for other in near):
            yield e.Hold(row.at, person.uniqueid)

    def _dial(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        channel.dialler, string, data = self._dials.dial_of(channel, row)
        channel.tried, by = True, self._dialler(channel)
        if data is not None:
            yield e.Newexten(row.at, "", "", "", "", by, "Dial", data)
        language = channel.dialler.language if channel.dialler is not None else ""
        yield e.DialBegin(row.at, language, by, row.channel, row.uniqueid, string)
        if channel.is_local or not self._dials.rang(channel):
            return
        if data is not None and dial_indication(data) == "music":
            yield e.MusicOnHoldStart(row.at, by)
        yield e.DialState(row.at, by, row.uniqueid, "RINGING")

    def _hangup_request(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """Emits HangupRequest, once: the channel's own side hangs up."""
        if channel.uniqueid not in self._requested:
            self._requested.add(channel.uniqueid)
            yield e.HangupRequest(row.at, row.context, row.exten, channel.uniqueid, channel.cause)

    def _on_hangup(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        if channel.ended is not row:
            return
        yield from self._leave_application(row, channel)
        yield from self._given_up(row, channel)
        yield from self._refused_at_the_end(row, channel)
        yield e.Hangup(row.at, channel.language, row.context, row.exten, row.uniqueid, channel.cause)

    _on_chan_end = _on_hangup

    def _refused_at_the_end(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """Emits the refusals of phones that ended the call: CEL may write them a moment after the caller's end."""
        near = nearness(row)
        for phone in self.channels.of_call.get(channel.linkedid, ()):
            if phone.dialler is not channel or phone.cause not in REFUSALS or phone.ended is None:
                continue
            if phone.ended.at - row.at <= near:
                if phone.hung_up:
                    yield from self._hangup_request(_on(row, phone), phone)
                yield from self._given_up(_on(row, phone), phone)

    def _given_up(self, row: CelRow, channel: CelChannel, forward: str = "") -> Iterator[e.Event]:
        """Emits DialEnd for a dialled phone that did not answer."""
        if not channel.tried or channel.stopped or channel.answered is not None or channel.taken is not None:
            return
        channel.stopped = True
        forward = forward or self._dials.forward_of(channel)
        status = "CANCEL" if forward else self._why(row, channel)
        yield e.DialEnd(row.at, self._dialler(channel), row.channel, row.uniqueid, status, forward)

    def _why(self, row: CelRow, channel: CelChannel) -> str:
        """The status of DialEnd by the phone's cause; else NOANSWER (timeout) or CANCEL (other answer, caller)."""
        if channel.cause == BUSY:
            return "BUSY"
        if channel.cause in CONGESTED:
            return "CONGESTION"
        if channel.cause in UNREACHABLE:
            return "CHANUNAVAIL"
        return "NOANSWER" if self._dials.is_over_in_vain(channel, row) else "CANCEL"

    def _dialler(self, channel: CelChannel) -> str:
        return channel.dialler.uniqueid if channel.dialler is not None else ""

    # A person or an application takes the call.

    def _on_answer(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        if channel.tried:
            yield e.DialEnd(row.at, self._dialler(channel), row.channel, row.uniqueid, "ANSWER")
        # While one of DIALS runs, the dialled channel answered.
        elif channel.is_own and row.app.lower() not in DIALS:
            yield e.Newstate(row.at, UP, "", row.context, row.exten, row.uniqueid)

    def _in_application(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """Emits the change of application. Each row names it, even if `apps` of cel.conf omits it."""
        if (row.app == channel.app and row.data == channel.data) or row.app.lower().startswith("app"):
            return
        yield from self._leave_application(row, channel)
        channel.app = row.app
        channel.data = row.data
        channel.app_exten = row.exten
        channel.begun_app = row.at
        match row.app.lower():
            case "voicemail":
                yield _step(row, "VoiceMail")
            case "answer" if self._logs_menus:
                yield _step(row, "Answer")
            case "voicemailmain" | "background" | "read" | "waitexten" | "playback" if self._logs_menus:
                channel.menu_context = row.context
                yield _step(row, STEPS.get(row.app.lower(), row.app))
            case "ringing" | "progress":
                yield _step(row, row.app.capitalize())
            case "queue":
                queue = row.data.partition(",")[0]
                yield _step(row, "Queue")
                if not self._dials.is_passed(channel, row):
                    yield e.QueueCallerJoin(row.at, channel.language, row.context, row.exten, row.uniqueid, queue)
            case "dial" | "followme" | "page" | "retrydial" if self._dials.has_no_phone(channel, row):
                # A key before it was for a person. What it would let the caller hear does not count.
                yield _step(msgspec.structs.replace(row, data=""), "Dial")
            case "userevent":
                name, _, headers = row.data.partition(",")
                yield from self._from_dialplan(row, name, headers)
            case "busy":
                yield e.Newstate(row.at, e.BUSY, "", row.context, row.exten, row.uniqueid)
            case _:
                pass

    def _leave_application(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        app, channel.app = channel.app, ""
        if app.lower() == QUEUE:
            priority = e.LED_OUT if row.exten != channel.app_exten else ""
            yield e.QueueCallerLeave(row.at, row.uniqueid, channel.data.partition(",")[0], row.exten, priority)
        elif app.lower() == DIAL and self._logs_menus and _may_be_left_by_key(row, channel):
            yield _step(row, "Read")
        elif app.lower() == "waitexten" and (key := _waited_for_a_key(row, channel)):
            yield e.Newexten(row.at, "", channel.menu_context, key, "1", row.uniqueid, "", "")

    def _on_app_end(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        if row.app == channel.app:
            yield from self._leave_application(row, channel)

    def _on_bridge_enter(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        more = row.more
        bridge = str(more.get("bridge_id") or row.linkedid)  # a table may lack the column (`incomplete.py`)
        if channel.app.lower() == QUEUE:  # an agent answers: the caller leaves the queue
            yield from self._leave_application(row, channel)
        self._leave_bridge(channel)
        channel.bridge = bridge
        self._talking[channel.endpoint] = channel
        self._bridges.setdefault(bridge, []).append(channel)
        if more.get("bridge_technology") == HOLDING:
            self._holding.add(bridge)
        yield e.BridgeEnter(row.at, bridge, row.uniqueid)

    def _on_bridge_exit(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        bridge = str(row.more.get("bridge_id") or channel.bridge)
        if bridge == channel.bridge:
            self._leave_bridge(channel)
        yield e.BridgeLeave(row.at, bridge, row.uniqueid)

    def _leave_bridge(self, channel: CelChannel) -> None:
        members = self._bridges.get(channel.bridge)
        if members is not None and channel in members:
            members.remove(channel)
            if not members:
                del self._bridges[channel.bridge]
        channel.bridge = ""

    def _on_pickup(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        taker = self.channels.by_id(str(row.more.get("pickup_channel_uniqueid", "")))
        taker = taker or self.channels.by_name(str(row.more.get("pickup_channel", "")), row.at)
        if taker is not None:
            yield e.DialEnd(row.at, self._dialler(channel), taker.name, taker.uniqueid, "ANSWER")

    # The caller is transferred, forwarded or parked.

    def _on_blindtransfer(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        more = row.more
        transferee = _given(more, "transferee_channel_uniqueid")
        extension = _given(more, "extension")
        if not self._dials.is_parked_by(transferee, row):
            yield e.BlindTransfer(row.at, "Success", row.channel, transferee, extension)

    def _on_attendedtransfer(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        more = row.more
        second = self.channels.by_id(_given(more, "channel2_uniqueid"))
        yield e.AttendedTransfer(
            row.at,
            "Success",
            row.channel,
            row.uniqueid,
            second.begun.exten if second is not None and second.begun is not None else "",
            second.uniqueid if second is not None else row.uniqueid,
            _given(more, "transferee_channel_uniqueid"),
            _given(more, "transfer_target_channel_name"),
        )

    def _on_forward(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """Emits DialEnd of the forwarding phone. The dialling channel writes the row; `Dials` finds the phone."""
        phone = self._dials.forwarder(row)
        if phone is not None and phone.begun is not None:
            yield from self._given_up(_on(row, phone), phone, _given(row.more, "forward"))

    def _on_park_start(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        yield e.ParkedCall(row.at, row.uniqueid, "")

    def _on_park_end(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        more = row.more
        match more.get("reason"):
            case "ParkedCallUnparked":
                name = _given(more, "retriever")
                retriever = self.channels.by_name(name, row.at)
                uniqueid = retriever.uniqueid if retriever is not None else ""
                yield e.UnParkedCall(row.at, row.uniqueid, name, uniqueid)
            case "ParkedCallTimeOut":
                yield e.ParkedCallTimeOut(row.at, row.uniqueid)
            case _:
                pass

    # User events, keys and streams.

    def _on_user_defined(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """CELGenUserEvent(NAME,Header: value, …): in the key `extra`, or as plain text in an older Asterisk."""
        yield from self._from_dialplan(row, row.said, str(row.more.get("extra", row.extra)))

    def _from_dialplan(self, row: CelRow, name: str, headers: str) -> Iterator[e.Event]:
        """What the dialplan tells by CELGenUserEvent or UserEvent; for VoiceMail's result, what AMI would tell."""
        words = _headers(headers)
        if name == "CallmonVoicemail":
            status = words.get("status", "").upper()
            if status == "FAILED":  # hung up in the greeting, too short, or no such mailbox: no message
                self.without_message.add(row.linkedid)
            if status == "SUCCESS":
                yield e.MessageWaiting(row.at, row.uniqueid, words.get("mailbox", ""), "1")
            return
        number, language = words.get("number", ""), words.get("language", "")
        yield e.UserEvent(row.at, row.uniqueid, name, number, language, row.number)

    def _on_dtmf(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        """A key that the caller presses before any bridge. One of the language menu sets the language."""
        language = self._keys.get(str(row.more.get("digit", "")))
        is_waiting = row.app.lower() in DIALS  # a key that leads out shows where the application ends
        if channel.is_own and not channel.bridge and row.app and row.said != "Sent":
            if language is not None:
                channel.language = language
                yield e.LanguageKey(row.at, channel.uniqueid, language)
            if is_waiting:
                return
            yield _step(row, "Read")
            yield e.Newexten(row.at, "", row.context, ANY_KEY, "1", row.uniqueid, "", "")

    def _on_stream_begin(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        more = row.more
        language = _given(more, "language")
        if language:
            if not channel.spoken_first:
                channel.spoken_first = language
            elif language[:2] != channel.spoken_first[:2]:
                channel.language = language
        if "class" not in more:
            return
        person = self._beside(channel)
        if person is not None:
            channel.held_by = person
            yield e.Hold(row.at, person.uniqueid)

    def _on_stream_end(self, row: CelRow, channel: CelChannel) -> Iterator[e.Event]:
        person, channel.held_by = channel.held_by, None
        if person is not None:
            yield e.Unhold(row.at, person.uniqueid)

    def _beside(self, channel: CelChannel) -> CelChannel | None:
        """The other channel in the bridge of a caller who hears music; None in a parking lot."""
        if not channel.bridge or channel.bridge in self._holding or not channel.is_own:
            return None
        near = (
            other for other in self._bridges.get(channel.bridge, ()) if other is not channel and not other.is_local
        )
        return next(near, None)


# By kind of row. A lookup by a name composed for each row fills the interpreter's cache of attributes.
METHODS = {
    name.removeprefix("_on_").upper(): method
    for name, method in vars(CelTranslator).items()
    if name.startswith("_on_")
}


def _on(row: CelRow, channel: CelChannel) -> CelRow:
    """The row with the ids of another channel."""
    return msgspec.structs.replace(row, channel=channel.name, uniqueid=channel.uniqueid)


def _is_of_a_menu(row: CelRow) -> bool:
    """Whether the log names what asks for a key. One that names Answer or Playback does (site guide)."""
    is_named = row.kind == "APP_START" and row.app in ("Answer", "Playback")
    return is_named or row.app.lower() in ("background", "waitexten")


def _step(row: CelRow, app: str) -> e.Newexten:
    """The dialplan's step. CEL has no priority: an extension that a menu leads to is taken to be at its first."""
    return e.Newexten(row.at, "", row.context, row.exten, "1", row.uniqueid, app, row.data)


def _waited_for_a_key(row: CelRow, channel: CelChannel) -> str:
    """The extension to which WaitExten leads, by its length: a key ends it before its time-out. Empty: unclear."""
    try:
        longest = timedelta(seconds=float(channel.data.partition(",")[0]))
    except (ValueError, OverflowError):
        return ""
    unsure = TWO_ENDS if row.is_whole else NO_TIME
    if channel.begun_app is None:
        return ""
    lasted = row.at - channel.begun_app
    if lasted + unsure < longest:
        return ANY_KEY
    return e.TIMED_OUT if lasted >= longest + unsure else ""


def _may_be_left_by_key(row: CelRow, channel: CelChannel) -> bool:
    """Whether a Dial with option `d` ended before its time-out. No row tells whether a key ended it."""
    _, seconds, options, *_ = (*channel.data.split(","), "", "")
    if "d" not in re.sub(r"\([^)]*\)", "", options) or channel.begun_app is None:
        return False
    return not seconds.isdecimal() or row.at - channel.begun_app < timedelta(seconds=int(seconds))


def _given(more: Mapping[str, Any], name: str) -> str:
    value = str(more.get(name) or "")
    return "" if value == "N/A" else value


def _headers(text: str) -> dict[str, str]:
    """Parses `Status: SUCCESS,Mailbox: 500`."""
    pairs = (part.partition(":") for part in text.split(","))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
