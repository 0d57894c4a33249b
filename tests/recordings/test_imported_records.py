"""queue_log and CDR of real Asterisks (22, 20, 16), against what people did: what each record holds, no more.

fact                      queue_log                                   CDR
calls                     of a queue                                  whose rows name the line
outcome                   answered, abandoned in the queue            answered, busy, failed, voicemail
who answered              the first member of the queue               the phone of the row
the wait in the queue     to the second                               no
transfers                 by a member                                 no
rings                     no                                          no
"""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from callmon.backfill.cel.extract import arrival
from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported.cdr import CdrReader
from callmon.backfill.imported.queue_log import QueueLogReader
from callmon.backfill.imported.records import RecordReader
from callmon.config.settings import Settings, example_text, parse
from callmon.core.calls.call import Call
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.monitor import Monitor
from callmon.core.verdicts import Finding

IMPORTED = Path(__file__).parents[1] / "data" / "imported"
RECORDS = ("queue_log", "cdr-custom.csv", "cdr-csv.csv")
VERSIONS = ("22", "20", "16")
LATER = datetime(2027, 1, 1, tzinfo=UTC)
# A call that a person had answered before its queue: the record begins with the queue.
ANSWERED_BEFORE = {"transfer_to_queue", "redirect_to_queue"}
OF_QUEUE_LOG = {
    "queue_answered": "answered",
    "queue_second_member": "answered",
    "queue_abandon": "abandoned",
    "queue_asks_for_callback": "unknown",
    "queue_asks_for_callback_late": "unknown",
    "queue_timeout_voicemail": "unknown",
    "queue_with_ringing": "answered",
    "queue_then_transfer": "answered",
    "queue_then_transfer_by_keys": "answered",
    "queue_in_french": "answered",
    "queue_of_locals": "answered",
    "transfer_to_queue": "answered",
    "redirect_to_queue": "answered",
    "transfer_to_queue_in_vain": "unknown",
}
# Only the context names the line here, and a transfer replaces it: these calls are on no line in CDR.
WITHOUT_LINE = {
    *(
        "queue_then_transfer",
        "queue_then_transfer_by_keys",
        "transfer_to_queue",
        "blind_transfer",
        "two_transfers",
    ),
    *("blind_transfer_by_keys", "transfer_to_queue_in_vain", "redirect_to_queue"),
}
NOT_IN_CDR = {  # who hung up, and whether a menu was left or an announcement heard
    *("abandon_ring1", "menu_hangup", "queue_abandon", "queue_asks_for_callback", "queue_asks_for_callback_late"),
    *("closed_announcement", "rings_in_vain"),
}


@cache
def truth(version: str) -> dict[str, dict[str, Any]]:
    return {
        one["call"]: one for one in json.loads((IMPORTED / version / "truth.json").read_text(encoding="utf-8"))
    }


def lines_of(version: str, record: str) -> list[str]:
    return (IMPORTED / version / record).read_text(encoding="utf-8").splitlines()


@cache
def settings(version: str, record: str) -> Settings:
    """The example, with the lab's queues and contexts in arrives_as of their line."""
    names: dict[str, dict[str, None]] = {}
    for line in lines_of(version, record):
        fields = line.split("|") if record == "queue_log" else next(csv.reader([line]))
        found = next((truth(version)[x] for x in fields if x in truth(version)), None)
        name = fields[2] if record == "queue_log" else fields[3]
        if found is not None and found["direction"] == "inbound" and name not in ("internal", "dial-out"):
            names.setdefault(found["line"], {})[name] = None
    text = example_text()
    for name, queues in names.items():
        text = text.replace(f"[lines.{name}]\n", f"[lines.{name}]\narrives_as = {json.dumps([*queues])}\n")
    return parse(text)


def reader_of(record: str, given: Settings) -> RecordReader:
    make = QueueLogReader if record == "queue_log" else CdrReader
    return make(ExchangeProfile(given, "toronto"), CelReader(UTC), LATER)


@cache
def reported(version: str, record: str) -> dict[str, tuple[Call, tuple[Finding, ...]]]:
    given = settings(version, record)
    monitor, reader = Monitor(given, "toronto", token=str), reader_of(record, given)
    found = {}
    calls = [x for x in reader.whole_calls([lines_of(version, record)]) if arrival(x).direction == "inbound"]
    for facts in calls:
        outcome = monitor.retell("toronto", facts)
        assert outcome is not None
        found[outcome.calls[0].call] = outcome.calls[0], outcome.findings
    assert (len(reader.errors), reader.unfinished) == (0, 0)
    return found


GIVEN = [(v, r) for v in VERSIONS for r in RECORDS if (IMPORTED / v / r).exists()]
EACH = pytest.mark.parametrize(("version", "record"), GIVEN)
OF_CDR = pytest.mark.parametrize(("version", "record"), [given for given in GIVEN if given[1].startswith("cdr")])


@EACH
def test_no_fact_and_no_verdict_of_a_record_differs_from_what_people_did(version: str, record: str) -> None:
    wrong = []
    for name, (call, findings) in reported(version, record).items():
        really = truth(version)[name]
        facts = {"line": call.line, "direction": call.direction, "abandoned_in": call.abandoned_in}
        if really["situation"] not in ANSWERED_BEFORE:
            facts["answered_by"] = call.answered_by
        if call.outcome != "unknown":
            facts["outcome"] = call.outcome
        for what, value in facts.items():
            if value is not None and what in really and not agree(value, really[what]):
                wrong.append((really["situation"], what, value, really[what]))
        for finding in findings:
            verdict = really["verdicts"].get(finding.standard, finding.verdict)
            if finding.verdict not in ("unknown", verdict):
                wrong.append((really["situation"], finding.standard, finding.verdict, verdict))
    assert wrong == []


def agree(value: str, really: str | None) -> bool:
    """Whether a message was left is in no record but CEL and the mailbox."""
    return value == really or (value == "voicemail" and str(really).startswith("voicemail"))


@EACH
def test_no_record_tells_rings_and_each_unknown_verdict_names_the_record(version: str, record: str) -> None:
    calls, findings = zip(*reported(version, record).values(), strict=True)
    assert {(call.heard, call.rings, call.ringing) for call in calls} == {(calls[0].heard, None, None)}
    assert calls[0].heard == record[:9].replace("cdr-custo", "cdr").replace("cdr-csv.c", "cdr")
    unknown = {finding.reason_key for some in findings for finding in some if finding.verdict == "unknown"}
    assert unknown == {"not_in_source"}


@pytest.mark.parametrize("version", VERSIONS)
def test_queue_log_tells_the_outcome_of_each_call_in_a_queue_and_no_other(version: str) -> None:
    found = {
        truth(version)[x]["situation"]: call.outcome for x, (call, _) in reported(version, "queue_log").items()
    }
    assert found == OF_QUEUE_LOG


@pytest.mark.parametrize("version", VERSIONS)
def test_queue_log_tells_waits_to_the_second_and_transfers_by_the_member(version: str) -> None:
    found = {truth(version)[name]["situation"]: call for name, (call, _) in reported(version, "queue_log").items()}
    joined = {x: (call.arrived, call.answered) for x, call in found.items()}
    waits = {x: (end - begin).total_seconds() for x, (begin, end) in joined.items() if begin and end}
    assert waits == {
        **dict.fromkeys(("queue_answered", "queue_in_french", "queue_of_locals"), 3.0),
        **dict.fromkeys(("transfer_to_queue", "redirect_to_queue"), 3.0),
        **dict.fromkeys(("queue_then_transfer", "queue_then_transfer_by_keys"), 2.0),
        "queue_second_member": 16.0,
        "queue_with_ringing": 8.0,
    }
    moved = {x: [(one.kind, one.to) for one in call.transfers] for x, call in found.items() if call.transfers}
    assert moved == {"queue_then_transfer": [("blind", "338")], "queue_then_transfer_by_keys": [("blind", "340")]}


@OF_CDR
def test_cdr_tells_the_outcome_where_it_does_not_lie_and_no_wait_at_all(version: str, record: str) -> None:
    found = reported(version, record)
    inbound = {name: one for name, one in truth(version).items() if one["direction"] == "inbound"}
    missing = {one["situation"] for name, one in inbound.items() if name not in found}
    assert missing == WITHOUT_LINE
    unknown = {truth(version)[name]["situation"] for name, (call, _) in found.items() if call.outcome == "unknown"}
    assert unknown == NOT_IN_CDR
    assert {(call.waited, call.answered, call.transfers) for call, _ in found.values()} == {(None, None, ())}


@OF_CDR
def test_cdr_tells_each_answered_call_of_a_phone_to_a_number_outside(version: str, record: str) -> None:
    reader = reader_of(record, settings(version, record))
    calls = [x for x in reader.whole_calls([lines_of(version, record)]) if arrival(x).direction == "outbound"]
    found = {truth(version)[x[0].call]["situation"]: [type(fact).__name__ for fact in x] for x in calls}
    assert found == {"outbound_answered": ["Arrived", "Answered", "Ended"], "outbound_busy": ["Arrived", "Ended"]}
