"""The table of what each record holds, in the documentation, beside what recorded calls give."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from datetime import UTC

import pytest

from callmon.backfill.cel.extract import arrival, extract_calls
from callmon.backfill.cel.rows import CelReader
from callmon.core.calls.call import Call
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from tests.recordings.test_imported_records import IMPORTED, lines_of, reader_of, reported, settings
from tests.support.daemon_process import ROOT

RECORDS = {"CEL": "cel.csv.gz", "queue_log": "queue_log", "CDR": "cdr-custom.csv"}
HOLDS: dict[str, Callable[[Call], bool]] = {
    "arrival": lambda call: call.arrived is not None,
    "rings": lambda call: call.rings is not None,
    "time to answer": lambda call: call.outcome == "answered" and call.waited is not None,
    "outcome": lambda call: call.outcome != "unknown",
    "who answered": lambda call: call.answered_by is not None,
    "who hung up": lambda call: call.ended_by == "caller",
    "transfers": lambda call: bool(call.transfers),
    "messages": lambda call: call.voicemail is not None and call.voicemail.message is True,
}
# By the word of the table, the outcomes that it names.
OUTCOMES = {
    "answered": {"answered"},
    "abandoned in the queue": {"abandoned"},
    "busy": {"busy"},
    "failed": {"failed"},
    "voicemail": {"voicemail"},
}


def table() -> dict[str, dict[str, str]]:
    """By row, the cell of each record."""
    page = (ROOT / "docs" / "en" / "explanation" / "gaps-and-reconciliation.md").read_text(encoding="utf-8")
    lines = page[page.index("| what | CEL |") :].partition("\n\n")[0].splitlines()
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def facts(record: str) -> list[list[Fact]]:
    given = settings("22", RECORDS["CDR"])
    if record != "CEL":
        return [*reader_of(RECORDS[record], given).whole_calls([lines_of("22", RECORDS[record])])]
    with gzip.open(IMPORTED / "22" / RECORDS["CEL"], "rt", encoding="utf-8", newline="") as file:
        rows = [*CelReader(UTC).read_lines(file)]
    return [*extract_calls(rows, ExchangeProfile(given, "toronto"), {}, imported=True).values()]


def calls(record: str) -> Iterable[Call]:
    if record != "CEL":
        return [call for call, _ in reported("22", RECORDS[record]).values()]
    monitor = Monitor(settings("22", RECORDS["CDR"]), "toronto", token=str)
    outcomes = (monitor.retell("toronto", found) for found in facts(record))
    return [outcome.calls[0] for outcome in outcomes if outcome is not None]


@pytest.mark.parametrize("record", RECORDS)
def test_the_table_says_no_of_exactly_what_no_call_of_a_record_has(record: str) -> None:
    written = table()
    found = {what: any(map(holds, calls(record))) for what, holds in HOLDS.items()}
    words = {what: written[what][record].partition(" ")[0] for what in HOLDS}
    assert {what: word not in ("no", "only") for what, word in words.items()} == found  # only: on some sites


@pytest.mark.parametrize("record", ["queue_log", "CDR"])
def test_the_table_names_each_outcome_that_calls_of_a_record_have(record: str) -> None:
    named = {x for word in table()["outcome"][record].split(", ") for x in OUTCOMES[word]}
    assert {call.outcome for call in calls(record)} - {"unknown"} == named


@pytest.mark.parametrize("record", RECORDS)
def test_the_table_says_which_records_have_the_calls_to_the_outside(record: str) -> None:
    has_them = any(arrival(found).direction == "outbound" for found in facts(record))
    assert (table()["callbacks"][record] != "no") == has_them
