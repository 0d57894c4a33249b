"""Facts, calls and findings as aligned lines for people and as JSON for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from callmon.core import facts as f
from callmon.core.callbacks.entries import LedgerEntry
from callmon.core.calls.call import Call
from callmon.core.calls.rings import NEAR
from callmon.core.facts import Fact
from callmon.core.outcome import Outcome
from callmon.core.verdicts import Finding
from callmon.text.labels import label, reason

if TYPE_CHECKING:
    from callmon.store.rejudge import VerdictChange


def instant(at: datetime | None) -> str | None:
    """A time in UTC to the microsecond, with a Z: `2026-11-24T13:42:13.217087Z`."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def as_json(exchange: str, call: Call, findings: Iterable[Finding]) -> dict[str, Any]:
    """One call as JSON values, as interface.md specifies."""
    took, findings = call.voicemail, list(findings)
    fields = {
        "call": call.call,
        "exchange": exchange,
        "direction": call.direction,
        "line": call.line,
        "dialled": call.dialled,
        "caller": call.caller,
        "caller_channel": call.channel,
        "language": call.language,
        "in_hours": call.in_hours,
        "arrived": instant(call.arrived),
        "ringing": instant(call.ringing),
        "answered": instant(call.answered),
        "ended": instant(call.ended),
        "rings": call.rings,
        "rings_estimated": call.rings_estimated,
        "heard_ringing": call.heard_ringing,
        "wait_start": call.wait_start,
        "wait_seconds": _wait(call),
        "outcome": call.outcome,
        "abandoned_in": call.abandoned_in,
        "answered_by": _answerer(call),
        "transfers": [msgspec.to_builtins(transfer) for transfer in call.transfers],
        "forwards": call.forwards,
        "parked": call.parked,
        "holds": call.holds,
        "voicemail": took and {"mailbox": took.mailbox, "rings": took.rings, "message": took.message},
        "heard": call.heard,
        "gaps": [{"start": instant(start), "end": instant(end)} for start, end in call.gaps],
        "verdicts": {finding.standard: finding.verdict for finding in findings},
        "reasons": {x.standard: reason(x.reason_key, x.number, "en") for x in findings},
        "cause": {finding.standard: finding.cause for finding in findings if finding.cause is not None},
    }
    return fields | {"test": True} if call.test else fields


def _wait(call: Call) -> float | None:
    """Seconds from the first ring (or the entry into the queue) to the person; None if not known exactly."""
    waited = call.waited
    if call.outcome != "answered" or waited is None or waited.longest - waited.shortest > NEAR:
        return None
    return waited.shortest.total_seconds()


def _answerer(call: Call) -> dict[str, str | None] | None:
    if call.answered_by is None:
        return None
    return {"extension": call.answered_by, "channel": call.answered_channel}


def verdict_text(finding: Finding, language: str) -> str:
    """The verdict with its reason and its cause: "not met (answered on ring 5, phone tried too late)"."""
    why = [reason(finding.reason_key, finding.number, language)]
    why += [label("cause", finding.cause, language)] if finding.cause else []
    return f"{label('verdict', finding.verdict, language)} ({', '.join(why)})"


def verdict_line(change: VerdictChange, language: str) -> str:
    """A verdict that changed, on one line."""
    verdicts = [verdict_text(finding, language) for finding in (change.old, change.new) if finding is not None]
    standard = label("standard", change.new.standard, language)
    return f"{change.exchange}  {change.call}  {standard}  {' → '.join(verdicts)}"


def outcome_lines(outcome: Outcome, start: datetime | None, language: str = "en") -> list[str]:
    """An outcome as aligned lines: facts by the names of their fields, verdicts in words.

    Times are seconds since `start`; if it is None, the time of day in UTC.
    """
    said = [_fact_line(fact, start) for fact in outcome.facts]
    said += [_line(x.end, start, "-", "Unheard", f"since={_seconds(x.start, start)}") for x in outcome.gaps]
    said += [_entry_line(written.entry, start) for written in outcome.ledger]
    of_obligations = [finding for x in outcome.ledger for finding in (*x.findings, *x.corrections)]
    return said + [_finding_line(finding, start, language) for finding in (*outcome.findings, *of_obligations)]


def _line(at: datetime | None, start: datetime | None, call: str, name: str, rest: str) -> str:
    return f"{_seconds(at, start):>12}  {call:<22}  {name:<28}  {rest}".rstrip()


def _seconds(at: datetime | None, start: datetime | None) -> str:
    if at is None:
        return "?"
    return at.strftime("%H:%M:%S.%f")[:-3] if start is None else f"{(at - start).total_seconds():.3f}"


def _fact_line(fact: Fact, start: datetime | None) -> str:
    hidden = ("call", "at", "caller") if isinstance(fact, f.Arrived) else ("call", "at")
    return _line(fact.at, start, fact.call, f.tag_of(type(fact)), "  ".join(_values(fact, hidden, start)))


def _entry_line(entry: LedgerEntry, start: datetime | None) -> str:
    """An entry of the ledger as a line. It shows no number. Its due time is in UTC, not relative to `start`."""
    values = _values(entry, ("exchange", "obligation", "at", "dues", "call"), start)
    dues = getattr(entry, "dues", None)
    values += [] if dues is None else [f"due={instant(dues.judging.at)}"]
    return _line(entry.at, start, entry.obligation, f.tag_of(type(entry)), "  ".join(values))


def _values(record: msgspec.Struct, hidden: Iterable[str], start: datetime | None) -> list[str]:
    """The fields that are neither None nor their default."""
    return [
        f"{field.name}={_value(value, start)}"
        for field in msgspec.structs.fields(record)
        if field.name not in hidden and (value := getattr(record, field.name)) not in (None, field.default)
    ]


def _value(value: object, start: datetime | None) -> str:
    match value:
        case datetime():
            return _seconds(value, start)
        case timedelta():
            return f"{value.total_seconds():g}s"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _finding_line(finding: Finding, start: datetime | None, language: str) -> str:
    return _line(finding.at, start, finding.call, finding.standard, verdict_text(finding, language))
