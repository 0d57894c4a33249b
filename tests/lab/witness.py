"""Truth put beside the exchange's words, without callmon: does Asterisk say what the script made happen?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tests.lab.listener import Event, messages, value
from tests.lab.model import Played

SLACK = 0.25  # seconds between a phone's answer in the script and the exchange's word for it


def save_truth(calls: Iterable[Played], path: Path) -> None:
    path.write_text(json.dumps([_truth(call) for call in calls], indent=1, ensure_ascii=False) + "\n")


def _truth(call: Played) -> dict[str, object]:
    return {
        "situation": call.situation.name,
        "caller": call.caller,
        "dialled": call.dialled,
        "expect": dict(call.situation.expect),
        "sip": {
            "invited": call.invited,
            "progress": call.progress,
            "answered": call.answered,
            "refused": call.refused,
            "ended": call.ended,
            "ended_by": call.ended_by,
        },
    }


def check(calls: Iterable[Played], stream: bytes) -> list[str]:
    """What contradicts the script, one sentence each."""
    heard = messages(stream)
    return [
        f"{call.situation.name} ({call.caller}): {fault}" for call in calls for fault in _faults(call, heard)
    ]


def linkedid(call: Played, heard: Iterable[Event]) -> str | None:
    """The call's id: of the first channel, born with this caller and this dialled number."""
    for event in heard:
        if value(event, "Event") != "Newchannel" or value(event, "Uniqueid") != value(event, "Linkedid"):
            continue
        if value(event, "Exten") == call.dialled and value(event, "CallerIDNum") in (
            call.caller,
            call.number,
        ):
            return value(event, "Linkedid")
    return None


def _faults(call: Played, heard: list[Event]) -> Iterable[str]:
    expect = call.situation.expect
    if call.fault:
        yield call.fault
    own = linkedid(call, heard)
    if own is None:
        yield "the exchange never saw it"
        return
    events = [event for event in heard if own in (value(event, "Linkedid"), value(event, "DestLinkedid"))]
    if not any(value(e, "Event") == "Hangup" and value(e, "Uniqueid") == own for e in events):
        yield "no Hangup of the caller"
    yield from _ringing_faults(call, events, own)
    yield from _outcome_faults(expect, events, own)


def _ringing_faults(call: Played, events: list[Event], own: str) -> Iterable[str]:
    """The caller's SIP side and the exchange must agree when ringing began."""
    told = [
        float(value(e, "Timestamp") or 0)
        for e in events
        if value(e, "Event") == "DialState" and value(e, "DialStatus") in ("RINGING", "PROGRESS")
    ]
    if call.ringing is not None and told and abs(min(told) - call.ringing) > SLACK:
        yield f"ringing at {call.ringing - call.invited:.3f} s, told at {min(told) - call.invited:.3f} s"
    if call.situation.expect.get("heard_ringing") is False and call.ringing is not None:
        yield "heard ringing"
    if call.situation.expect.get("heard_ringing") and call.ringing is None and not told:
        yield "heard no ringing"


def _outcome_faults(expect: object, events: list[Event], own: str) -> Iterable[str]:
    assert isinstance(expect, dict)
    phones = [
        e
        for e in events
        if value(e, "Event") == "DialEnd" and value(e, "DialStatus") == "ANSWER" and _is_phone(e)
    ]
    boxes = [e for e in events if value(e, "Event") == "Newexten" and value(e, "Application") == "VoiceMail"]
    left = [e for e in events if value(e, "Event") == "MessageWaiting" and value(e, "Uniqueid") == own]
    outcome = str(expect.get("outcome"))
    if outcome == "answered" and not phones:
        yield "no phone answered"
    if outcome.startswith("voicemail") and not boxes:
        yield "no voicemail"
    if outcome != "None" and (outcome == "voicemail_message") != bool(left) and not expect.get("transfers"):
        yield f"messages left: {len(left)}"
    if outcome in ("abandoned", "busy", "no_answer", "failed", "announcement") and (phones or boxes):
        yield "somebody or a box took it"
    by = expect.get("answered_by")
    if by and by != "outside" and not any(f"/{by}-" in (value(e, "DestChannel") or "") for e in phones):
        yield f"answered by {[value(e, 'DestChannel') for e in phones]}, not by {by}"


def _is_phone(event: Event) -> bool:
    return not (value(event, "DestChannel") or "").startswith("Local/")
