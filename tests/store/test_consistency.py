"""`callmon db check`: a sound database says nothing, and each planted fault is told in a sentence of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from callmon.backfill.job import Backfill
from callmon.config.settings import example
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.monitor import Monitor
from callmon.store.database import Database
from callmon.store.fact_packing import pack_facts, unpack_facts
from callmon.store.queries import obligations
from callmon.store.rejudge import inconsistencies
from tests.recordings.test_cel import RECORDINGS, heard, rows_of
from tests.recordings.test_traces import NAMES, TRACES, recording
from tests.store.test_backfill import BackfillOffice
from tests.support.store_fixtures import EXCHANGE, wrote

CALL = "lab-1795528013.0"  # of vm_message


@pytest.fixture
def full(store: Database) -> Database:
    """A message that was heard, taken in hand and closed, and calls that CEL told of."""
    owing = Monitor(example(), token=store.ring.token)
    facts = tuple(heard(recording("vm_message", "ami-callmon")[0]))
    at = facts[0].at
    assert at is not None
    wrote(
        store,
        *owing.apply_callback_command(
            CallbackCommand(at=at, actor="", action="called", exchange=EXCHANGE, obligation="", facts=facts)
        ),
    )
    asked = {"exchange": EXCHANGE, "obligation": CALL, "actor": "lead", "at": at.replace(hour=23)}
    for hand in (
        CallbackCommand(action="take", **asked),
        CallbackCommand(action="close", reason="otherwise", text="seen to", **asked),
    ):  # type: ignore[arg-type]
        wrote(store, *owing.apply_callback_command(hand))
    for name in NAMES[:8]:
        list(Backfill(example(), store, EXCHANGE).run(rows_of(TRACES / name / "cel.csv")))
    return store


def said(store: Database) -> list[str]:
    return list(inconsistencies(store, Monitor(example(), token=str)))


def plant(store: Database, *statements: str) -> None:
    with store.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_what_callmon_itself_has_stored_is_sound(full: Database) -> None:
    assert said(full) == []
    assert [one.obligation.state for one in obligations.obligations(full, state="closed")] == ["closed"]


def test_a_whole_run_that_a_backfill_stored_is_sound(sqlite_store: Database) -> None:
    list(Backfill(example(), sqlite_store, EXCHANGE).run(rows_of(RECORDINGS / "run-22.cel.csv")))
    assert said(sqlite_store) == []


HERE = f"exchange = 'toronto' AND \"call\" = '{CALL}'"
OF_CALL = f"exchange = 'toronto' AND obligation = '{CALL}'"
OTHER = "and the stored figures differ; run `callmon db rejudge`."
FAULTS = {
    "an account was changed": (
        f'UPDATE "call" SET data = REPLACE(data, \'"rings":4\', \'"rings":3\') WHERE {HERE}',
        f"its facts {OTHER}",
    ),
    "a verdict was changed": (
        f"UPDATE finding SET verdict = 'met' WHERE standard = 'reach_a_person' AND {HERE}",
        "its facts and the stored verdicts differ; run `callmon db rejudge`.",
    ),
    "its account is gone": (
        f'DELETE FROM "call" WHERE {HERE}',
        "its facts are stored, but it is neither in progress nor ended.",
    ),
    "it is said to be in progress": (
        f"INSERT INTO open_call VALUES ('{CALL}', 'toronto', 0, '[{{\"type\":\"Arrived\",…')",
        "it is both in progress and ended.",
    ),
    "nothing began": (
        "INSERT INTO open_call VALUES ('1.1', 'toronto', 0, '[]')",
        "it is in progress, but its beginning is not stored.",
    ),
    "an entry of the ledger is gone": (
        f"DELETE FROM ledger WHERE kind = 'ClosedByHand' AND {OF_CALL}",
        "its ledger entries and the stored obligation differ.",
    ),
    "the first entry is gone": (
        f"DELETE FROM ledger WHERE kind = 'Owed' AND {OF_CALL}",
        "the first ledger entry does not open the obligation.",
    ),
    "the whole ledger is gone": (f"DELETE FROM ledger WHERE {OF_CALL}", "the obligation has no ledger entry."),
    "the obligation is gone": (
        f"DELETE FROM obligation WHERE {HERE}",
        "the ledger has entries, but the obligation is not stored.",
    ),
    "it is found among the open ones": (
        f"UPDATE obligation SET state = 'open' WHERE {HERE}",
        "its ledger entries give another state than the index.",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_reported_with_the_call_that_it_is_in(full: Database, fault: str) -> None:
    statement, sentence = FAULTS[fault]
    plant(full, statement)
    call = "1.1" if fault == "nothing began" else CALL
    assert said(full) == [f"toronto {call}: {sentence}"]


def test_a_call_of_which_a_fact_is_gone_is_reported(full: Database) -> None:
    with full.writing() as connection:
        (data,) = connection.execute(text(f"SELECT data FROM fact WHERE {HERE}")).one()
        facts = json.loads(unpack_facts(data))
        rest = pack_facts(json.dumps([fact for fact in facts if fact["type"] != "VoicemailTook"]))
        connection.execute(text(f"UPDATE fact SET data = :rest WHERE {HERE}"), {"rest": rest})
    # The message alone tells of voicemail: not when it took the call, until which the caller heard ringing.
    reported = f"toronto {CALL}: its facts and the stored figures differ; run `callmon db rejudge`."
    assert (len(facts) > 1, said(full)) == (True, [reported])


def test_a_call_with_only_its_account_and_verdicts_of_none_are_reported(full: Database) -> None:
    plant(full, f"DELETE FROM fact WHERE {HERE}")
    assert said(full) == [f"toronto {CALL}: it has ended, but none of its facts is stored."]
    plant(
        full,
        f'DELETE FROM "call" WHERE {HERE}',
        f"DELETE FROM obligation WHERE {HERE}",
        f"DELETE FROM ledger WHERE {OF_CALL}",
    )
    assert said(full) == [f"toronto {CALL}: it has verdicts, but the call is not stored."]


def test_of_many_faults_of_one_kind_twenty_are_named_and_the_rest_counted(full: Database) -> None:
    calls = ", ".join(f"('{n}.1', 'toronto', 0, '[]')" for n in range(25))
    plant(full, f"INSERT INTO open_call VALUES {calls}")
    reported = said(full)
    assert (len(reported), reported[-1]) == (21, "… and more calls of this kind: 5.")


def test_the_command_tells_them_with_status_1_and_a_sound_database_with_0(tmp_path: Path) -> None:
    office = BackfillOffice(tmp_path)
    office.run("backfill", str(TRACES / "vm_message" / "cel.csv"))
    sound = "Facts, calls, ledger, figures and roll-ups agree.\n"
    assert office.run("db", "check").stdout == sound
    plant(office.store(), "INSERT INTO open_call VALUES ('1.1', 'toronto', 0, '[]')")
    reported = office.run("db", "check", status=1).stdout
    assert reported == "toronto 1.1: it is in progress, but its beginning is not stored.\n"
