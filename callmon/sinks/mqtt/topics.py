"""The MQTT topics and their payloads. Pure.

    PREFIX status           online · offline
    PREFIX lines/LINE       a line now and today
    PREFIX callbacks/ID     one callback to make
    PREFIX disruptions/ID   a disruption, or planned work, that is not over
    PREFIX calls/ended      one call, without any name of a person or a device

Every payload but the status is one JSON object. A time is UTC; an unknown value is null.

Refuses: to publish a caller's number or a name. An extension that is not a short run of digits is not published.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from callmon.core.callbacks.index import ObligationSummary
from callmon.core.calls import rings
from callmon.core.calls.call import Call, Wait
from callmon.core.disruptions.disruption import Disruption
from callmon.core.snapshot import LineStatus
from callmon.core.verdicts import Finding
from callmon.text.lists import disruption_fields
from callmon.text.records import as_json, instant
from callmon.text.sent import MQTT, MQTT_VOICEMAIL

ONLINE, OFFLINE = b"online", b"offline"
STATUS, ENDED = "status", "calls/ended"
LINES = "lines/"
CALLBACKS = "callbacks/"
DISRUPTIONS = "disruptions/"
OUTSIDE = "outside"
EXTENSION = re.compile(r"[0-9*#]{1,6}", re.ASCII)
PLAIN = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)


def encoded(payload: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate becomes a question mark."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def of_line(line: LineStatus) -> bytes:
    """`callmon/lines/LINE`."""
    states = line.states
    return encoded(
        {
            "line": line.name,
            "open": line.is_open,
            "heard": line.is_heard,
            "ringing": {
                "calls": states.get("ringing", 0),
                "longest_ring": _ring(line.ringing),
                "since": _since(line.ringing),
            },
            "queue": {"calls": states.get("queue", 0), "since": _since(line.queue)},
            "talking": sum(states.get(state, 0) for state in ("talking", "held", "parked")),
            "phones": _phones(line.phones),
            "today": {"day": line.day, "calls": line.calls, "verdicts": line.verdicts},
            "callbacks": {"open": line.callbacks[0], "overdue": line.callbacks[1]},
        }
    )


def _ring(wait: Wait | None) -> int | None:
    return None if wait is None or wait.waited is None else rings.begun(wait.waited, wait.cycle)


def _since(wait: Wait | None) -> str | None:
    return None if wait is None else instant(wait.since)


def _phones(phones: Mapping[str, int]) -> dict[str, int] | None:
    return {state: phones.get(state, 0) for state in ("free", "in_use", "unreachable")} if phones else None


def of_callback(summary: ObligationSummary) -> bytes:
    """`callmon/callbacks/ID`."""
    return encoded(
        {
            "id": summary.id,
            "line": summary.line,
            "language": summary.language,
            "opened": instant(summary.opened),
            "due": instant(summary.due),
            "actionable": instant(summary.actionable),
            "state": summary.state,
            "attempts": summary.attempts,
            "unattributed": instant(summary.unattributed),
            "in_hand": summary.in_hand,
        }
    )


def of_disruption(disruption: Disruption) -> bytes:
    """`callmon/disruptions/ID`: what is announced to the public."""
    return encoded(disruption_fields(disruption))


def of_call(exchange: str, call: Call, findings: Iterable[Finding]) -> bytes:
    """`callmon/calls/ended`."""
    return encoded(without_people(as_json(exchange, call, findings)))


def without_people(call: Mapping[str, Any]) -> dict[str, Any]:
    """Of a call as JSON (interface.md) what `text/sent.py` names, without outside numbers."""
    kept = {name: call[name] for name in MQTT if name in call}
    if call["direction"] != "inbound" or call["line"] is None:
        kept["dialled"] = extension(call["dialled"])
    if call["answered_by"] is not None:
        kept["answered_by"] = {"extension": extension(call["answered_by"]["extension"])}
    kept["transfers"] = [
        {"kind": t["kind"], "to": extension(t["to"]), "answered": t["answered"]} for t in call["transfers"]
    ]
    if (took := call["voicemail"]) is not None:
        voicemail = {name: took[name] for name in MQTT_VOICEMAIL if name in took}
        kept["voicemail"] = voicemail | {"mailbox": extension(took["mailbox"])}
    return kept


def extension(text: str | None) -> str | None:
    """A short extension of digits, or "outside"; None for anything else, which may be a number or a name."""
    return text if text is not None and (text == OUTSIDE or EXTENSION.fullmatch(text)) else None


def topic_of(branch: str, name: str) -> str:
    """The topic below the prefix. Characters of a name that a topic level cannot have become "_"."""
    return branch + PLAIN.sub("_", name)
