"""Compares truth with the exchange's events, without callmon: does Asterisk report what the script made happen?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.lab.listener import Event, messages, value
from tests.lab.model import PlayedSituation

SLACK = 0.05  # seconds between an event on the caller's SIP side and the exchange's report of it
BUSY = 1.0  # the same on a busy machine
RING, GRACE = 6.0, 0.5
NOISE = {"VarSet", "RTCPSent", "RTCPReceived", "TestEvent", "DTMFBegin", "DTMFEnd", "DeviceStateChange", "Cdr"}
TAKEN = {"abandoned", "busy", "no_answer", "failed", "announcement"}


def save_truth(calls: Iterable[PlayedSituation], stream: bytes, path: Path) -> None:
    heard = messages(stream)
    path.write_text(json.dumps([_truth(call, heard) for call in calls], indent=1, ensure_ascii=False) + "\n")


def _truth(call: PlayedSituation, heard: list[Event]) -> dict[str, object]:
    return {
        "situation": call.situation.name,
        "linkedid": linkedid(call, heard),
        "caller": call.caller,
        "dialled": call.dialled,
        "expect": dict(call.situation.expect),
        "sip": {
            "invited": call.invited,
            "progress": call.progress,
            "answered": call.answered,
            "tone": call.tone,
            "early_tone": call.early_tone,
            "refused": call.refused,
            "ended": call.ended,
            "ended_by": call.ended_by,
        },
    }


def linkedid(call: PlayedSituation, heard: Iterable[Event]) -> str | None:
    """The call's id: that of the first channel created with this caller and this dialled number.

    (Click-to-dial: that of the phone that rings first. Its channel is created before a number is dialled; behind
    a Local channel it has that channel's Linkedid. Where the desk rings no phone: that of the person outside.)
    """
    caller = call.situation.caller
    for event in heard:
        if caller.by_desk and caller.phone is None:
            if value(event, "DialString") == f"{call.dialled.removeprefix('9')}@trunk":
                return value(event, "DestUniqueid")
            continue
        if value(event, "Event") != "Newchannel":
            continue
        if not caller.by_desk and value(event, "Uniqueid") != value(event, "Linkedid"):
            continue
        if float(value(event, "Timestamp") or 0) < call.invited - (SLACK if caller.withheld else BUSY):
            continue  # another caller that withholds its number, or an earlier call by the same number
        if caller.by_desk:
            technology, _, rest = (value(event, "Channel") or "").partition("/")
            if technology != "Local" and rest.startswith(f"{caller.phone}-"):
                return value(event, "Uniqueid")
        elif value(event, "Exten") == call.dialled and value(event, "CallerIDNum") in (
            call.caller,
            call.number,
        ):
            return value(event, "Linkedid")
    return None


def note_voicemail(calls: Iterable[PlayedSituation], heard: list[Event]) -> None:
    """Give each call the moment at which voicemail took it."""
    steps = [e for e in _of(heard, "Newexten") if value(e, "Application") == "VoiceMail"]
    took = {value(step, "Uniqueid"): float(value(step, "Timestamp") or 0) for step in reversed(steps)}
    for call in calls:
        call.boxed = took.get(linkedid(call, heard))


def check(calls: Iterable[PlayedSituation], stream: bytes) -> list[str]:
    """Contradictions to the script, one sentence each."""
    heard = [event for event in messages(stream) if value(event, "Event") not in NOISE and not _aside(event)]
    return [f"{call.situation.name} ({call.caller}): {fault}" for call in calls for fault in _faults(call, heard)]


def _faults(call: PlayedSituation, heard: list[Event]) -> Iterable[str]:
    if call.fault:
        yield call.fault
    own = linkedid(call, heard)
    if own is None:
        yield "the exchange never saw it"
        return
    born = next(event for event in _of(heard, "Newchannel") if value(event, "Uniqueid") == own)
    root = value(born, "Linkedid")  # another channel's if a Local channel rings the phone of a click-to-dial
    events = [event for event in heard if root in (value(event, "Linkedid"), value(event, "DestLinkedid"))]
    if not any(value(event, "Uniqueid") == own for event in _of(events, "Hangup")):
        yield "no Hangup of the caller"
    yield from _ringing(call, events)
    yield from _rings(call)
    yield from _outcome(call, events + _came_back_in(call, heard), _with(heard, own), own)
    yield from _transfers(call, heard, own)
    yield from _on_the_way(call.situation.expect, heard, own)


def _ringing(call: PlayedSituation, events: list[Event]) -> Iterable[str]:
    """The caller's SIP side and the exchange must agree when ringing began."""
    states = [e for e in _of(events, "DialState") if value(e, "DialStatus") in ("RINGING", "PROGRESS")]
    states += [e for e in _of(events, "Newexten") if value(e, "Application") == "Ringing"]
    reported = [float(value(event, "Timestamp") or 0) for event in states]
    if call.ringing is not None and reported and abs(min(reported) - call.ringing) > SLACK:
        yield f"ringing at {call.ringing - call.invited:.3f} s, told at {min(reported) - call.invited:.3f} s"
    expected = call.situation.expect.get("heard_ringing")
    if expected is False and call.ringing is not None:
        yield "heard ringing"
    if expected and call.ringing is None and not reported:
        yield "heard no ringing"


def _rings(call: PlayedSituation) -> Iterable[str]:
    """By the caller's own clock, if its line went up at the end of ringing."""
    expected, end = call.situation.expect.get("rings"), call.answered or call.ended
    if call.ringing is None or end is None or expected is None:
        return
    grace = 0.0 if call.situation.expect.get("answered_by") else GRACE
    rings = int(max(end - call.ringing - grace, 0) // RING) + 1
    if rings != expected:
        yield f"{rings} rings by the caller's clock, not {expected}"


def _came_back_in(call: PlayedSituation, heard: list[Event]) -> list[Event]:
    """Events of this caller under another id: the call left by a trunk and came back in."""
    if call.situation.caller.phone is not None or call.situation.caller.withheld:
        return []
    return [event for event in _of(heard, "DialEnd") if value(event, "CallerIDNum") == call.caller]


def _with(heard: list[Event], own: str) -> list[str]:
    """Channels that were in a bridge with the caller at some time, as in a conference."""
    entered = [e for e in _of(heard, "BridgeEnter") if value(e, "BridgeTechnology") != "holding_bridge"]
    rooms = {value(event, "BridgeUniqueid") for event in entered if value(event, "Uniqueid") == own}
    return [value(event, "Channel") or "" for event in entered if value(event, "BridgeUniqueid") in rooms]


def _outcome(call: PlayedSituation, events: list[Event], beside: list[str], own: str) -> Iterable[str]:
    expect = call.situation.expect
    phones = [e for e in _of(events, "DialEnd") if value(e, "DialStatus") == "ANSWER" and _is_phone(e)]
    phones = [e for e in phones if value(e, "DestUniqueid") != own]  # click-to-dial rings its own first
    steps = [value(e, "Application") for e in _of(events, "Newexten")]
    is_voicemail = "VoiceMail" in steps
    left = [] if "VoiceMailMain" in steps else _of(events, "MessageWaiting")
    outcome = str(expect.get("outcome", "unsaid"))
    if outcome == "answered" and not phones and len(set(beside)) < 2:
        yield "no phone answered"
    if outcome.startswith("voicemail") and not (is_voicemail or left):
        yield "no voicemail"
    if outcome != "unsaid" and (outcome == "voicemail_message") != bool(left) and not expect.get("transfers"):
        yield f"messages left: {len(left)}"
    if outcome in TAKEN and (phones or is_voicemail):
        yield "somebody or a box took it"
    by = expect.get("answered_by")
    by_whom = [value(event, "DestChannel") or "" for event in phones] + beside
    if by and by != "outside" and not any(f"/{by}-" in channel for channel in by_whom):
        yield f"answered by {by_whom}, not by {by}"


def _transfers(call: PlayedSituation, heard: list[Event], own: str) -> Iterable[str]:
    transfers = _of(heard, "BlindTransfer") + _of(heard, "AttendedTransfer")
    ours = [e for e in transfers if own in (value(e, "TransfereeLinkedid"), value(e, "OrigTransfererLinkedid"))]
    made = call.situation.expect.get("transfers")
    if not isinstance(made, list):
        return
    expected = sum(transfer["kind"] != "redirect" for transfer in made) + call.situation.other_transfers
    if len(ours) != expected:
        yield f"{len(ours)} transfers told, {len(made)} made"


def _on_the_way(expect: Mapping[str, object], heard: list[Event], own: str) -> Iterable[str]:
    """Other events of the call between its answer and its end, and the caller's language."""
    events = [event for event in heard if value(event, "Linkedid") == own]
    for key, event in (("holds", "Hold"), ("parked", "ParkedCall")):
        reported = [e for e in _of(heard, event) if own in (value(e, "Linkedid"), value(e, "ParkeeLinkedid"))]
        if key in expect and len(reported) != expect[key]:
            yield f"{key}: {len(reported)} told, {expect[key]} made"
    forwards = [e for e in _of(events, "DialEnd") if value(e, "Forward")]
    if "forwards" in expect and len(forwards) != expect["forwards"]:
        yield f"forwards: {len(forwards)} told, {expect['forwards']} made"
    languages = [value(e, "Language") for e in events if value(e, "Uniqueid") == own and value(e, "Language")]
    if expect.get("language") and languages[-1] != expect["language"]:
        yield f"language {languages[-1]}, not {expect['language']}"


def _aside(event: Event) -> bool:
    """A dialplan step that does not concern a call."""
    return value(event, "Event") == "Newexten" and value(event, "Application") not in (
        "VoiceMail",
        "VoiceMailMain",
    )


def _of(events: Iterable[Event], name: str) -> list[Event]:
    return [event for event in events if value(event, "Event") == name]


def _is_phone(event: Event) -> bool:
    return not (value(event, "DestChannel") or "").startswith("Local/")
