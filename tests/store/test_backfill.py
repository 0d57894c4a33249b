"""`callmon backfill`: what is stored of CEL, what stays as it is, what is counted, where the rows come from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from callmon.backfill.apply import FilledGap, fill
from callmon.backfill.job import Backfill
from callmon.config.settings import Settings, example, load, parse
from callmon.core import facts as f
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import CALLS, CORRECTED, VERDICT, Figures
from callmon.main import main
from callmon.sinks.traces.spans import trace_id
from callmon.store import opening
from callmon.store.commands import pending_callback_commands
from callmon.store.database import Database
from callmon.store.queries import calls as queries
from callmon.store.queries import obligations
from callmon.store.rejudge import counter_differences, rejudge
from tests.recordings.test_cel import DESK_PHONES, RECORDINGS, cut, reported, rows_of, scripted, vouched
from tests.recordings.test_traces import NAMES, TRACES, concluding, expected, recording, truth
from tests.support.collector import Collector
from tests.support.store_fixtures import EXCHANGE, stored_facts, wrote

EXAMPLE = Path(__file__).parents[2] / "callmon" / "config" / "callmon.example.toml"


class BackfillOffice:
    """A folder with a configuration and a database of its own."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.config = folder / "callmon.toml"
        written = vouched(EXAMPLE.read_text(encoding="utf-8"))
        written = written.replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db")
        self.config.write_text(written + more, encoding="utf-8")

    def run(self, *words: str, status: int = 0) -> Result:
        result = CliRunner(env={"LC_ALL": "en_CA.UTF-8"}).invoke(main, [*words, "--config", str(self.config)])
        assert result.exit_code == status, result.output
        return result

    def calls(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("backfill", "--json", *words).stdout.splitlines()]

    def store(self) -> Database:
        return opening.open_for_writing(self.settings())

    def settings(self) -> Settings:
        return load(self.config)


@pytest.fixture
def office(tmp_path: Path) -> BackfillOffice:
    return BackfillOffice(tmp_path)


def cel(name: str) -> str:
    return str(TRACES / name / "cel.csv")


@pytest.mark.parametrize("name", NAMES)
def test_every_recordings_cel_alone_stores_what_really_happened(office: BackfillOffice, name: str) -> None:
    wanted = [expected(said, by_key=True) for said in truth(name)]
    for said in wanted:
        said["outcome"] = "voicemail" if said["outcome"].startswith("voicemail") else said["outcome"]
    printed = office.calls(cel(name))
    assert [concluding(call) for call in printed] == wanted
    for call, said in zip(printed, truth(name), strict=True):
        if call["line"] is not None:
            assert json.loads(office.run("explain", "--json", call["call"]).stdout) == call
        if "caller" in said and call["direction"] == "inbound":
            assert call["caller"] == (said["caller"] and "+1" + said["caller"])
        if "holds" in said:
            assert call["holds"] == said["holds"]
    assert office.run("db", "check").stdout == "Facts, calls, ledger, figures and roll-ups agree.\n"


@pytest.mark.parametrize("name", ["vm_message", "blind_transfer_1", "two_calls", "queue_abandon"])
def test_running_it_twice_changes_nothing_and_says_so(office: BackfillOffice, name: str) -> None:
    first = office.run("backfill", cel(name)).stdout.splitlines()
    assert [line.split("  ")[2] for line in first[:-1]] == ["created"] * len(truth(name))
    with office.store().reading() as connection:
        before = sorted(map(repr, connection.execute(text('SELECT * FROM "call"'))))
    rows = len(rows_of(TRACES / name / "cel.csv"))
    assert office.run("backfill", cel(name)).stdout == f"{rows} rows of CEL read. Nothing changed.\n"
    assert office.run("backfill", "--json", cel(name)).stdout == ""
    with office.store().reading() as connection:
        assert sorted(map(repr, connection.execute(text('SELECT * FROM "call"')))) == before


def test_a_whole_busy_run_is_stored_counted_and_judged_again_alike(office: BackfillOffice) -> None:
    run = str(RECORDINGS / "run-16.cel.csv")
    created = [call for call in office.calls(run) if call["line"] is not None]
    assert len(created) == sum(expect.get("direction") == "inbound" for _, _, expect in scripted("run-16"))
    assert office.run("db", "check").stdout == "Facts, calls, ledger, figures and roll-ups agree.\n"
    assert office.run("db", "rejudge", "--yes").stdout == ""
    assert [call for call in office.calls(run) if call["line"] is not None] == []


def test_a_backfill_prints_no_number_no_name_and_no_address(
    office: BackfillOffice, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    rows = Path(cel("vm_message")).read_text().replace('"","4165550101"', '"Maxime Sansnom","4165550101"')
    rows = rows.replace("PJSIP/trunk", "SIP/fd12:3456:789a::5a77").replace("PJSIP/101", "PJSIP/zoe.tremblay")
    file = tmp_path / "cel.csv"
    file.write_text(rows + rows[:60])  # a row that is cut off behind the number
    said = office.run("backfill", str(file)).output + caplog.text
    secrets = ("4165550101", "Maxime Sansnom", "fd12:3456:789a::5a77", "zoe.tremblay")
    assert [(secret in rows, secret in said) for secret in secrets] == [(True, False)] * 4


def test_a_backfill_sends_the_traces_of_what_it_wrote(tmp_path: Path) -> None:
    with Collector() as collector:
        office = BackfillOffice(tmp_path, f'\n[traces]\nendpoint = "{collector.endpoint}"\n')
        office.store().close()
        office.run("backfill", cel("vm_message"), "--dry-run")
        assert collector.spans == []
        written = {trace_id(EXCHANGE, call["call"]) for call in office.calls(cel("vm_message"))}
        assert (len(written), collector.traces()) == (1, written)
        office.run("backfill", cel("vm_message"))
        assert len(collector.bodies) == 1


def test_a_backfill_whose_traces_nobody_takes_says_so_and_is_stored(tmp_path: Path) -> None:
    office = BackfillOffice(tmp_path, '\n[traces]\nendpoint = "http://127.0.0.1:9"\n')
    said = [line for line in office.run("backfill", cel("vm_message")).stderr.splitlines() if "traces" in line]
    assert said == [
        "traces: http://127.0.0.1:9/v1/traces takes no traces (Connection refused). "
        "Check endpoint and header_file, and install callmon[traces]."
    ]
    assert office.calls(cel("vm_message")) == []


def test_what_is_no_cel_is_said_to_be_none(office: BackfillOffice) -> None:
    result = office.run("backfill", str(TRACES / "vm_message" / "ami.raw"), status=1)
    assert result.stderr.splitlines()[-1] == "No row of CEL was found; give a file that cel_custom writes."


def test_a_half_written_last_row_is_left_out_and_named(office: BackfillOffice, tmp_path: Path) -> None:
    rows = Path(cel("vm_message")).read_text().splitlines(keepends=True)
    file = tmp_path / "half.csv"
    file.write_text("".join(rows) + rows[0][:40])
    result = office.run("backfill", str(file))
    assert result.stderr == "CEL: rows left out: 1, cut off (the first is row 33).\n"
    assert result.stdout.splitlines()[-1] == "32 rows of CEL read. 1 call created."


def test_a_compressed_file_is_known_by_its_content(office: BackfillOffice, tmp_path: Path) -> None:
    file = tmp_path / "cel.csv-20261130"
    file.write_bytes(gzip.compress(Path(cel("vm_message")).read_bytes()))
    assert office.run("backfill", str(file)).stdout.splitlines()[-1] == "32 rows of CEL read. 1 call created."


def test_a_damaged_file_is_named(office: BackfillOffice, tmp_path: Path) -> None:
    data = gzip.compress(Path(cel("vm_message")).read_bytes())
    file = tmp_path / "cel.csv.gz"
    file.write_bytes(data[:100] + b"\xff" * 100 + data[200:])
    sentence = f"{file}: is cut off or damaged; copy it again from the exchange.\n"
    assert office.run("backfill", str(file), status=2).stderr == sentence


# What was heard, and what was not.


def facts_of_cel(name: str) -> tuple[str, list[Fact]]:
    return next(iter(reported(rows_of(TRACES / name / "cel.csv")).items()))


def stored(store: Database, facts: Iterable[Fact]) -> Figures:
    """As the daemon stores what it heard of one call."""
    outcome = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, facts)
    assert outcome is not None
    return wrote(store, outcome)


def filled(store: Database, name: str) -> list[FilledGap]:
    return list(Backfill(DESK_PHONES, store, EXCHANGE).run(rows_of(TRACES / name / "cel.csv")))


def half_heard(name: str) -> list[Fact]:
    """The connection was lost before anybody answered and came back when the call was over."""
    data = recording(name, "ami-callmon")[0]
    heard = cut(data, data.index(b"Event: Newstate"), len(data))
    call = next(fact.call for fact in heard if isinstance(fact, f.Arrived))
    return [*(fact for fact in heard if fact.call == call), f.Ended(call, None, "unknown", "unheard")]


def test_a_call_received_in_part_is_completed_and_its_verdicts_return(store: Database) -> None:
    stored(store, half_heard("answered_ring2"))
    (one,) = filled(store, "answered_ring2")
    (change,) = one.changes
    assert (change.what, change.call.outcome, change.call.answered_by, change.call.rings) == (
        "completed", "answered", "102", 2,
    )  # fmt: skip
    corrected = {figure[1:]: value for figure, value in one.added.items() if figure[0] == CORRECTED.name}
    assert corrected == {
        ("answer_by_third_ring", "general", "unknown", "met"): 1,
        ("one_transfer_at_most", "general", "unknown", "met"): 1,
        ("reach_a_person", "general", "unknown", "met"): 1,
        ("voicemail_after_fourth_ring", "general", "unknown", "exempt"): 1,
    }
    assert counter_differences(store) == []
    assert list(rejudge(store, Monitor(example(), token=str))) == []
    assert filled(store, "answered_ring2")[0].changes == ()


def test_a_known_verdict_stays_known_where_cel_is_less_exact(store: Database) -> None:
    """By CEL the answer came 18.2 s after the phone's channel: it may have rung half a second later."""
    call, _ = facts_of_cel("answered_ring2")
    known = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, half_heard("answered_ring2"))
    assert known is not None
    met = [
        msgspec.structs.replace(x, verdict="met") if x.standard == "answer_by_third_ring" else x
        for x in known.findings
    ]
    wrote(store, msgspec.structs.replace(known, findings=tuple(met)))
    rows = rows_of(TRACES / "answered_ring2" / "cel.csv")
    answer = next(row.at for row in rows if row.kind == "ANSWER")
    by = timedelta(seconds=18.2) - (answer - rows[2].at)
    moved = [msgspec.structs.replace(row, at=row.at + by) if row.at >= answer else row for row in rows]
    (one,) = Backfill(DESK_PHONES, store, EXCHANGE).run(moved)
    verdicts = {x.standard: x.verdict for x in one.changes[0].findings}
    assert (one.changes[0].call.rings, verdicts["answer_by_third_ring"]) == (None, "met")
    kept = queries.stored_calls(store, call)[0].findings
    assert [x.verdict for x in kept if x.standard == "answer_by_third_ring"] == ["met"]


def test_a_call_that_was_received_throughout_is_never_touched(store: Database) -> None:
    call, _ = facts_of_cel("answered_ring2")
    data = recording("answered_ring2", "ami-callmon")[0]
    stored(store, [fact for fact in cut(data, len(data), len(data)) if not isinstance(fact, f.Unheard)])
    before = queries.stored_calls(store, call)
    assert [one.changes for one in filled(store, "answered_ring2")] == [()]
    assert queries.stored_calls(store, call) == before
    assert before[0].account is not None
    assert before[0].account.heard == "full"


def test_a_call_that_is_in_progress_for_the_daemon_is_left_to_it(store: Database) -> None:
    call, facts = facts_of_cel("answered_ring2")
    wrote(store, Outcome(EXCHANGE, (facts[0],)))
    assert [one.changes for one in filled(store, "answered_ring2")] == [()]
    assert queries.stored_calls(store, call)[0].account is None


def test_created_calls_are_counted_as_calls_just_received(store: Database) -> None:
    (one,) = filled(store, "vm_message")
    assert one.added[CALLS.name, "general", "voicemail", "unknown", "open"] == 1
    assert one.added[VERDICT.name, "answer_by_third_ring", "general", "unknown", "not_met"] == 1
    assert queries.counters(store) == one.added


def test_numbers_are_stored_encrypted_and_no_fact_holds_one(store: Database) -> None:
    filled(store, "vm_message")
    call, _ = facts_of_cel("vm_message")
    kept = queries.stored_calls(store, call, numbers=True)[0].account
    assert kept is not None
    assert kept.caller == "+14165550101"
    stored = stored_facts(store)
    assert (len(stored) > 1, "4165550101" in repr(stored)) == (True, False)


def test_a_number_received_as_withheld_stays_withheld(store: Database) -> None:
    call, _ = facts_of_cel("answered_ring2")
    heard = half_heard("answered_ring2")
    stored(store, [*heard[:-1], f.NumberWithheld(call, heard[0].at), heard[-1]])
    filled(store, "answered_ring2")
    kept = queries.stored_calls(store, call, numbers=True)[0].account
    assert kept is not None
    assert (kept.caller, kept.withheld, kept.heard) == (None, "withheld", "filled")


def test_no_number_of_calls_known_by_cel_alone_is_stored_if_unwanted(store: Database, tmp_path: Path) -> None:
    source = f'\n[exchanges.toronto.cel]\nfile = "{cel("vm_message")}"\nnumbers = false\n'
    settings = parse(EXAMPLE.read_text(encoding="utf-8") + source)
    list(Backfill(settings, store, EXCHANGE).run(rows_of(TRACES / "vm_message" / "cel.csv")))
    kept = queries.stored_calls(store, facts_of_cel("vm_message")[0], numbers=True)[0].account
    assert kept is not None
    assert (kept.caller, kept.withheld, kept.outcome) == (None, "unknown", "voicemail")


def test_a_call_that_voicemail_took_must_be_checked_once(store: Database) -> None:
    filled(store, "vm_message")
    filled(store, "vm_message")
    asked = pending_callback_commands(store, 0, store.ring.token)
    assert [(hand.action, hand.obligation, before) for hand, before in asked] == [
        ("owe", facts_of_cel("vm_message")[0], None)
    ]
    owing = Monitor(example(), token=store.ring.token)
    (hand, _) = asked[0]
    wrote(store, *owing.apply_callback_command(hand))
    (one,) = obligations.obligations(store, numbers=True)
    assert (one.obligation.opening, one.obligation.line, one.number) == ("unheard", "general", "+14165550101")
    assert owing.apply_callback_command(hand)[0].ledger == ()


@pytest.mark.parametrize(("known", "actions"), [(True, []), (False, ["owe"])])
def test_a_voicemail_known_to_have_no_message_is_due_nothing(
    store: Database, known: bool, actions: list[str]
) -> None:
    call, facts = facts_of_cel("vm_message")
    silent = [x for x in facts if not isinstance(x, f.MessageLeft | f.MessageUnclear)]
    reported = [msgspec.structs.replace(x, message=known) if isinstance(x, f.Filled) else x for x in silent]
    monitor = Monitor(example(), token=store.ring.token)
    assert [len(one.changes) for one in fill(store, monitor, EXCHANGE, {call: reported}, datetime.now(UTC))] == [1]
    assert [hand.action for hand, _ in pending_callback_commands(store, 0, store.ring.token)] == actions
