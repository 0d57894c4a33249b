"""Is what the tables make of a script what a real Asterisk said? Compared up to names, ids, times and free order.

A message is reduced to what callmon reads of it; `REDUCED` says, reviewed, what is not compared and why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from callmon.ami.events import FIELDS
from callmon.ami.framing import Framer
from tests.model.wire import WireMessage

READ = {kind.__name__: fields for kind, fields in FIELDS.items()}
# Not compared: field, and why that loses nothing.
REDUCED = {
    "FullyBooted": "said at login, not of a call",
    "DeviceStateChange": "said of a device, not of a call; the causes that rest on it are not the model's",
    "UserEvent": "a site's own word, on which nothing depends",
    "MusicOnHoldStart": "read only where a dial plays music instead of ringing, which nobody does here",
    "SoftHangupRequest": "read only when the exchange goes down (`Wire` has no such act)",
    "Newexten": "compared of VoiceMail alone, and only where the recording's user heard the class dialplan",
    "Context, Exten": "callmon reads whether it is a place of voicemail, a menu's option or the queue joined",
    "Priority": "read only of a menu's option",
    "Exten, CallerIDNum, CallerIDName": "of Newchannel callmon reads them only of a channel that calls in",
    "CallerIDName": "read only to tell a withheld number: Anonymous, or not",
    "Language": "read only of the caller's channel",
    "CallerIDNum, Exten": "which ten digits; which feature code, which place of the parking lot",
    "Cause": "of Hangup read only of the caller, and only what a dial in vain leaves; of HangupRequest only busy "
    "and declined, of a phone",
    "TransferTargetChannel, TransferTargetUniqueid": "there in some runs and absent in others (asterisk.md)",
    "ParkingSpace": "a number without meaning",
    "Queue": "the queue's name",
    "New": "whether it is 0",
    "BridgeUniqueid": "a name: bridges are known by who is ever in them",
}
OF_NO_CALL = ("FullyBooted", "DeviceStateChange", "UserEvent", "SoftHangupRequest", "MusicOnHoldStart")
NO_CHANNEL = ("1", "2", "3", "17", "20", "27", "34", "38", "42", "44", "58")
DROPPED = (
    "Priority",
    "TransferTargetChannel",
    "TransferTargetUniqueid",
    "ParkingSpace",
    "ToBridgeUniqueid",
    "FromBridgeUniqueid",
)


class Said(NamedTuple):
    """One message, reduced."""

    kind: str
    fields: tuple[tuple[str, str], ...]


class LikenessRecord(NamedTuple):
    kind: str
    headers: dict[str, str]


def recorded(data: bytes) -> list[LikenessRecord]:
    """The messages of a recording that callmon reads."""
    out = []
    for message in Framer().receive(data):
        headers: dict[str, str] = {}
        for line in message.decode("utf-8", "replace").strip().split("\r\n"):
            name, _, value = line.partition(": ")
            headers.setdefault(name, value)
        kind = headers.pop("Event", "")
        unread = kind == "Newexten" and headers.get("Application") != "VoiceMail"
        if kind in READ and kind not in OF_NO_CALL and not unread:
            out.append(LikenessRecord(kind, headers))
    return out


def generated(messages: Iterable[WireMessage]) -> list[LikenessRecord]:
    return [LikenessRecord(message.kind, message.headers) for message in messages]


def compared(messages: Iterable[WireMessage]) -> list[WireMessage]:
    """Without the steps of a menu, which not every recording's user received."""
    return [one for one in messages if one.kind != "Newexten" or one.headers["Application"] == "VoiceMail"]


def reduced(records: list[LikenessRecord]) -> list[Said]:
    """Names and ids become roles; what callmon does not read is left out."""
    names = _roles(records)
    bridges = _bridges(records, names)
    caller = next(r.headers["Uniqueid"] for r in records if r.kind == "Newchannel")
    return [_reduced(record, names, bridges, caller) for record in records]


def _roles(records: list[LikenessRecord]) -> dict[str, str]:
    """`PJSIP/101-00000003` and its id become `PJSIP/101#1`: the first channel of that endpoint."""
    roles: dict[str, str] = {}
    born: Counter[str] = Counter()
    for kind, headers in records:
        if kind == "Newchannel":
            name = headers["Channel"]
            stem, _, half = name.partition(";")
            endpoint = stem.rpartition("-")[0] + (";" + half if half else "")
            born[endpoint] += 1
            roles[name] = roles[headers["Uniqueid"]] = f"{endpoint}#{born[endpoint]}"
    return roles


def _bridges(records: list[LikenessRecord], names: dict[str, str]) -> dict[str, str]:
    members: dict[str, set[str]] = {}
    for kind, headers in records:
        if kind == "BridgeEnter":
            members.setdefault(headers["BridgeUniqueid"], set()).add(names[headers["Uniqueid"]])
    return {bridge: "+".join(sorted(here)) for bridge, here in members.items()}


def _reduced(record: LikenessRecord, names: dict[str, str], bridges: dict[str, str], caller: str) -> Said:
    fields = {}
    for name in READ[record.kind]:
        value = record.headers.get(name, "")
        if name not in DROPPED:
            fields[name] = _value(record, name, names.get(value, value), caller, bridges)
    return Said(record.kind, tuple(sorted(fields.items())))


def _value(record: LikenessRecord, name: str, value: str, caller: str, bridges: dict[str, str]) -> str:
    own = record.headers.get("Uniqueid")
    calls_in = own == record.headers.get("Linkedid")
    match record.kind, name:
        case _, "Language":
            return value if own == caller else ""
        case "Newchannel", "CallerIDName":
            return value if calls_in and value == "Anonymous" else ""
        case "Newchannel", "CallerIDNum":
            return "number" if len(value) == 10 else value if calls_in else ""
        case "Newchannel", "Exten":
            code = value.startswith("*") or (value.startswith("7") and len(value) == 3)
            return "code" if code else value if calls_in else ""
        case _, "Context":
            return value if value == "box" and own == caller else ""
        case _, "Exten" if record.kind != "Newchannel":
            return ""
        case "Hangup", "Cause":
            return value if own == caller and value in NO_CHANNEL else ""
        case "HangupRequest", "Cause":
            return value if own != caller and value in ("17", "21") else ""
        case _, "BridgeUniqueid":
            return bridges[value]
        case _, "Queue":
            return "queue"
        case _, "New":
            return "none" if value == "0" else "some"
    return value


def differences(real: list[Said], made: list[Said], messages: list[WireMessage]) -> list[str]:
    """What one has and the other has not; and messages whose order the tables deny. `made` as `messages`."""
    heard = {said.kind for said in real}
    kept = [n for n, said in enumerate(made) if said.kind != "Newexten" or (said.kind in heard and _is_box(said))]
    had, have = Counter(real), Counter(made[n] for n in kept)
    found = [f"recorded, not made: {said}" for said in (had - have).elements()]
    found += [f"made, not recorded: {said}" for said in (have - had).elements()]
    return found or _out_of_order(real, made, messages, kept)


def _is_box(said: Said) -> bool:
    return ("Application", "VoiceMail") in said.fields


def _out_of_order(real: list[Said], made: list[Said], messages: list[WireMessage], kept: list[int]) -> list[str]:
    places: dict[Said, list[int]] = {}
    for place, said in enumerate(real):
        places.setdefault(said, []).append(place)
    where = {messages[n].number: places[made[n]].pop(0) for n in kept}
    said_of = {message.number: made[n] for n, message in enumerate(messages)}
    wrong = []
    for message in messages:
        for other in messages:
            if message.number not in where or other.number not in where:
                continue
            kept_order = where[other.number] < where[message.number]
            if (other.at < message.at or other.number in message.after) and not kept_order:
                wrong.append(f"{said_of[other.number]} must come before {said_of[message.number]}")
    return wrong
