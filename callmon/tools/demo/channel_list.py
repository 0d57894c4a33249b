"""The channels that are up, according to the recordings being played: the exchange's channel list.

`ChannelList` receives every message, in order. It answers with the events of CoreShowChannels and Status in
Asterisk's format. A value that a recording does not contain (formats, groups, a dialplan step's arguments) is
left out, not invented. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from callmon.ami.framing import END

CRLF = b"\r\n"
Headers = dict[bytes, bytes]
# The headers of every channel event, in Asterisk's order.
SNAPSHOT = (
    b"Channel", b"ChannelState", b"ChannelStateDesc", b"CallerIDNum", b"CallerIDName", b"ConnectedLineNum",
    b"ConnectedLineName", b"Language", b"AccountCode", b"Context", b"Exten", b"Priority", b"Uniqueid", b"Linkedid",
)  # fmt: skip


@dataclass
class Channel:
    """One channel that is up."""

    born: float
    snapshot: Headers
    dialled: bytes = b""
    application: bytes = b""
    bridge: bytes = b""
    begun: bytes = b"0.000000"  # start of its CDR's newest record, and when that record was answered
    answered: bytes = b"0.000000"
    is_phone: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_phone = self.snapshot.get(b"Uniqueid") != self.snapshot.get(b"Linkedid")

    def lines(self) -> list[bytes]:
        return [name + b": " + self.snapshot.get(name, b"") for name in SNAPSHOT]

    def seconds(self, now: float) -> int:
        return max(0, int(now - self.born))


class ChannelList:
    """Every channel that is up, in order of creation."""

    def __init__(self) -> None:
        self._channels: dict[bytes, Channel] = {}

    def hear(self, at: float, message: bytes) -> None:
        """Update the channels from one more message of the recordings."""
        headers = _headers(message)
        uniqueid = headers.get(b"Uniqueid", b"")
        if headers.get(b"Event") == b"Newchannel":
            begun = headers.get(b"Timestamp", b"0.000000")
            self._channels[uniqueid] = Channel(at, headers, _dialled(headers), begun=begun)
        elif uniqueid in self._channels:
            self._changed(headers, self._channels[uniqueid])
        if headers.get(b"Event") == b"DialBegin" and headers.get(b"DestUniqueid") in self._channels:
            self._channels[headers[b"DestUniqueid"]].application = b"AppDial"

    def _changed(self, headers: Headers, channel: Channel) -> None:
        channel.snapshot = {**channel.snapshot, **{n: headers[n] for n in SNAPSHOT if n in headers}}
        match headers[b"Event"]:
            case b"Newstate" if headers.get(b"ChannelState") == b"6" and channel.is_phone:
                channel.answered = headers[b"Timestamp"]
            case b"DialBegin":
                channel.application = b"Dial"
            case b"QueueCallerJoin":
                channel.application = b"Queue"
            case b"Newexten":
                channel.application = headers[b"Application"]
            case b"BridgeEnter":
                channel.bridge = headers[b"BridgeUniqueid"]
            case b"BridgeLeave":
                channel.bridge = b""
                channel.begun = channel.answered = headers[b"Timestamp"]
            case b"Hangup":
                del self._channels[headers[b"Uniqueid"]]

    def __len__(self) -> int:
        return len(self._channels)

    def core_show_channels(self, action_id: bytes, now: float) -> Iterator[bytes]:
        """The answer to CoreShowChannels."""
        for channel in self._channels.values():
            hours, rest = divmod(channel.seconds(now), 3600)
            yield _message(
                b"Event: CoreShowChannel",
                action_id,
                *channel.lines(),
                b"Application: " + channel.application,
                b"ApplicationData: ",
                b"Duration: %02d:%02d:%02d" % (hours, *divmod(rest, 60)),
                b"BridgeId: " + channel.bridge,
            )
        yield self._complete(b"CoreShowChannelsComplete", action_id)

    def status(self, action_id: bytes, now: float) -> Iterator[bytes]:
        """The answer to Status with `Variables: CDR(start,u),CDR(answer,u)`."""
        for channel in self._channels.values():
            yield _message(
                b"Event: Status",
                b"Privilege: Call",
                *channel.lines(),
                b"Type: " + channel.snapshot.get(b"Channel", b"").partition(b"/")[0],
                b"DNID: " + channel.dialled,
                b"BridgeID: " + channel.bridge,
                b"Application: " + channel.application,
                b"Data: ",
                b"Seconds: %d" % channel.seconds(now),
                b"Variable: CDR(start,u)=" + channel.begun,
                b"Variable: CDR(answer,u)=" + channel.answered,
                action_id,
            )
        yield self._complete(b"StatusComplete", action_id, b"Items: %d" % len(self))

    def _complete(self, event: bytes, action_id: bytes, *more: bytes) -> bytes:
        listed = b"ListItems: %d" % len(self)
        return _message(b"Event: " + event, action_id, b"EventList: Complete", listed, *more)


def _message(*lines: bytes) -> bytes:
    return CRLF.join(line for line in lines if line) + END


def _headers(message: bytes) -> Headers:
    lines = (line.partition(b": ") for line in message.split(CRLF))
    return {name: value for name, colon, value in lines if colon}


def _dialled(headers: Headers) -> bytes:
    """Asterisk gives the dialled number only in the first event of the calling channel."""
    is_caller = headers.get(b"Uniqueid") == headers.get(b"Linkedid")
    return headers.get(b"Exten", b"") if is_caller else b""
