"""What callmon receives of it: bytes, connections, gaps with a listing after them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.model.tables import PARKING
from tests.model.wire import EPOCH, MORNING, STATES, WireMessage

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LOGIN = b"Response: Success\r\nMessage: Authentication accepted\r\n\r\n"


@dataclass(frozen=True)
class Cable:
    """The network cable is pulled, and put back: messages `first` to `last` nobody hears. Then the exchange
    lists its channels, with the time of each answer (`tells_answers`) or without.
    """

    first: int
    last: int
    tells_answers: bool = True


@dataclass
class Shown:
    """A channel as a listing shows it."""

    headers: dict[str, str]
    born: float = 0.0
    bridge: str = ""
    again: float | None = None
    more: dict[str, Any] = field(default_factory=dict)


def stamp(at: float) -> str:
    return f"{(MORNING - EPOCH) / timedelta(seconds=1) + at:.6f}"


def written(kind: str, headers: dict[str, Any], at: float | None = None) -> bytes:
    lines = [f"Event: {kind}", "Privilege: call,all"]
    if at is not None:
        lines.append(f"Timestamp: {stamp(at)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def connections(messages: Sequence[WireMessage], hears_steps: bool, cables: Iterable[Cable] = ()) -> list[bytes]:
    """The bytes of each connection; `hears_steps`: voicemail's own step of the dialplan is heard."""
    waiting = sorted(cables, key=lambda cable: cable.first)
    out = [bytearray(BANNER + LOGIN + _booted(0.0))]
    channels: dict[str, Shown] = {}
    for number, message in enumerate(messages):
        _keep(channels, message)
        unheard = waiting and waiting[0].first <= number <= waiting[0].last
        if not unheard and (hears_steps or message.kind != "Newexten"):
            out[-1] += written(message.kind, message.headers, message.at)
        if unheard and number == waiting[0].last:
            out.append(_again(channels, waiting.pop(0), message.at + 0.0005))
    return [bytes(data) for data in out]


def _booted(at: float) -> bytes:
    return written("FullyBooted", {"Uptime": int(at) + 1000, "LastReload": 1})


def _again(channels: dict[str, Shown], cable: Cable, at: float) -> bytearray:
    data = bytearray(BANNER + LOGIN + _booted(at))
    data += b"".join(written("CoreShowChannel", _entry(shown, "BridgeId")) for shown in channels.values())
    data += written("CoreShowChannelsComplete", {"EventList": "Complete"})
    for shown in channels.values():
        begun, answered = _record(shown) if cable.tells_answers else ("", "")
        variables = f"Variable: CDR(start,u)={begun}\r\nVariable: CDR(answer,u)={answered}\r\n\r\n"
        data += written("Status", _entry(shown, "BridgeID"))[:-2] + variables.encode()
    # As Asterisk: answers to actions bear no Timestamp; another event tells the time.
    return data + written("PeerStatus", {"Peer": "PJSIP/101"}, at) + written("StatusComplete", {})


def _record(shown: Shown) -> tuple[str, str]:
    """The newest of its CDR: one that begins in a later bridge is answered when it begins."""
    if shown.again is not None:
        return stamp(shown.again), stamp(shown.again)
    answered = shown.more.get("answered")
    return stamp(shown.born), "0.000000" if answered is None else stamp(answered)


def _entry(shown: Shown, bridge: str) -> dict[str, Any]:
    place = {name.capitalize(): shown.more[name] for name in ("context", "exten") if name in shown.more}
    entry = shown.headers | place | {"Application": shown.more.get("application", "AppDial")}
    if bridge == "BridgeID":
        entry["DNID"] = shown.more.get("dialled", "")
    return entry | {bridge: shown.bridge}


def _keep(channels: dict[str, Shown], message: WireMessage) -> None:
    """What a message changes in a listing."""
    own = message.headers.get("Uniqueid", "")
    match message.kind:
        case "Newchannel":
            channels[own] = Shown(dict(message.headers), message.at)
        case "Newstate":
            state = message.headers["ChannelState"]
            channels[own].headers |= {"ChannelState": state, "ChannelStateDesc": STATES[state]}
        case "BridgeEnter":
            channels[own].bridge = message.headers["BridgeUniqueid"]
            _share_linkedid([shown for shown in channels.values() if shown.bridge == channels[own].bridge])
        case "BridgeLeave":
            channels[own].bridge, channels[own].again = "", message.at
        case "Hangup":
            del channels[own]
    if own in channels:
        channels[own].headers["Language"] = message.headers.get("Language", "en")
    for channel, more in message.shows:
        if channel in channels:
            channels[channel].more |= more


def _share_linkedid(here: list[Shown]) -> None:
    """Who are in one bridge bear the id of the oldest from then on; in the parking lot each keeps its own."""
    if here[0].bridge == PARKING:
        return
    oldest = min((shown.headers["Linkedid"] for shown in here), key=lambda name: int(name.rpartition(".")[2]))
    for shown in here:
        shown.headers["Linkedid"] = oldest
