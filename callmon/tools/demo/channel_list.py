"""The channels that are up, according to the recordings being played: the exchange's channel list.

`ChannelList` receives every message, in order. It answers with the events of CoreShowChannels and Status in
Asterisk's format. A value that a recording does not contain (formats, groups, a dialplan step's arguments) is
left out, not invented. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from callmon.ami.actions import parse_headers
from callmon.ami.framing import END

NEVER = "0.000000"
# The headers of every channel event, in Asterisk's order.
SNAPSHOT = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum",
    "ConnectedLineName", "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
APPLICATIONS = {"DialBegin": "Dial", "QueueCallerJoin": "Queue"}


@dataclass
class Channel:
    """One channel that is up."""

    born: float
    snapshot: dict[str, str]
    dialled: str  # Asterisk gives the dialled number only in the first event of the calling channel
    begun: str  # start of its CDR's newest record, and when that record was answered
    answered: str = NEVER
    application: str = ""
    bridge: str = ""

    @property
    def is_phone(self) -> bool:
        return self.snapshot.get("Uniqueid") != self.snapshot.get("Linkedid")

    def update(self, headers: dict[str, str]) -> None:
        """Apply one more event of this channel."""
        self.snapshot |= {name: headers[name] for name in SNAPSHOT if name in headers}
        match headers["Event"]:
            case "Newstate" if headers.get("ChannelState") == "6" and self.is_phone:
                self.answered = headers["Timestamp"]
            case "DialBegin" | "QueueCallerJoin" as event:
                self.application = APPLICATIONS[event]
            case "Newexten":
                self.application = headers["Application"]
            case "BridgeEnter":
                self.bridge = headers["BridgeUniqueid"]
            case "BridgeLeave":
                self.bridge = ""
                self.begun = self.answered = headers["Timestamp"]

    def lines(self) -> list[str]:
        return [f"{name}: {self.snapshot.get(name, '')}" for name in SNAPSHOT]

    def seconds(self, now: float) -> int:
        return max(0, int(now - self.born))


class ChannelList:
    """Every channel that is up, in order of creation."""

    def __init__(self) -> None:
        self._channels: dict[str, Channel] = {}

    def hear(self, at: float, message: bytes) -> None:
        """Update the channels from one more message of the recordings."""
        headers = parse_headers(message)
        event, uniqueid = headers.get("Event"), headers.get("Uniqueid", "")
        if event == "Newchannel":
            is_caller = uniqueid == headers.get("Linkedid")
            dialled = headers.get("Exten", "") if is_caller else ""
            self._channels[uniqueid] = Channel(at, headers, dialled, headers.get("Timestamp", NEVER))
        elif event == "Hangup":
            self._channels.pop(uniqueid, None)
        elif uniqueid in self._channels:
            self._channels[uniqueid].update(headers)
        if event == "DialBegin" and headers.get("DestUniqueid") in self._channels:
            self._channels[headers["DestUniqueid"]].application = "AppDial"

    def __len__(self) -> int:
        return len(self._channels)

    def core_show_channels(self, action_id: str, now: float) -> Iterator[bytes]:
        """The answer to CoreShowChannels."""
        for channel in self._channels.values():
            hours, rest = divmod(channel.seconds(now), 3600)
            yield ami_message(
                "Event: CoreShowChannel",
                action_id,
                *channel.lines(),
                f"Application: {channel.application}",
                "ApplicationData: ",
                f"Duration: {hours:02}:{rest // 60:02}:{rest % 60:02}",
                f"BridgeId: {channel.bridge}",
            )
        yield self._complete("CoreShowChannelsComplete", action_id)

    def status(self, action_id: str, now: float) -> Iterator[bytes]:
        """The answer to Status with `Variables: CDR(start,u),CDR(answer,u)`."""
        for channel in self._channels.values():
            yield ami_message(
                "Event: Status",
                "Privilege: Call",
                *channel.lines(),
                f"Type: {channel.snapshot.get('Channel', '').partition('/')[0]}",
                f"DNID: {channel.dialled}",
                f"BridgeID: {channel.bridge}",
                f"Application: {channel.application}",
                "Data: ",
                f"Seconds: {channel.seconds(now)}",
                f"Variable: CDR(start,u)={channel.begun}",
                f"Variable: CDR(answer,u)={channel.answered}",
                action_id,
            )
        yield self._complete("StatusComplete", action_id, f"Items: {len(self)}")

    def _complete(self, event: str, action_id: str, *more: str) -> bytes:
        return ami_message(f"Event: {event}", action_id, "EventList: Complete", f"ListItems: {len(self)}", *more)


def ami_message(*lines: str) -> bytes:
    """The message of these lines, without the empty ones."""
    return "\r\n".join(filter(None, lines)).encode() + END
