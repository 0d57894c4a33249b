"""`callmon backfill`: what is stored of CEL, what stays as it is, what is counted, where the rows come from."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from callmon import facts as f
from callmon.assembly import monitor
from callmon.backfill import Backfill
from callmon.cel.rows import COLUMNS
from callmon.cli import main
from callmon.errors import ConfigError
from callmon.facts import Fact
from callmon.figures import CALLS, CORRECTED, VERDICT, Figures
from callmon.findings import Gap, Outcome
from callmon.refill import Refills
from callmon.settings import Settings, example, load, parse
from callmon.store import keyed, ledger, queries
from callmon.store.engine import Store
from callmon.store.filling import Filled
from callmon.store.rejudge import differences, rejudge
from tests.store_fixtures import EXCHANGE, wrote
from tests.test_cel import RECORDINGS, TORONTO, cut, rows_of, scripted, told
from tests.test_traces import NAMES, TRACES, concluding, expected, recording, truth

EXAMPLE = Path(__file__).parents[1] / "callmon" / "callmon.example.toml"


class Office:
    """A folder with a configuration and a database of its own."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.config = folder / "callmon.toml"
        written = EXAMPLE.read_text(encoding="utf-8")
        written = written.replace("sqlite:///callmon.db", f"sqlite:///{folder}/callmon.db")
        self.config.write_text(written + more, encoding="utf-8")

    def run(self, *words: str, status: int = 0) -> Result:
        result = CliRunner().invoke(main, [*words, "--config", str(self.config)])
        assert result.exit_code == status, result.output
        return result

    def calls(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.run("backfill", "--json", *words).stdout.splitlines()]

    def store(self) -> Store:
        return keyed.ready(self.settings())

    def settings(self) -> Settings:
        return load(self.config)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def cel(name: str) -> str:
    return str(TRACES / name / "cel.csv")


@pytest.mark.parametrize("name", NAMES)
def test_every_recordings_cel_on_an_empty_database_prints_and_stores_what_really_happened(
    office: Office, name: str
) -> None:
    wanted = [expected(said) for said in truth(name)]
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
    assert office.run("db", "check").stdout == "Figures and rows agree.\n"


@pytest.mark.parametrize("name", ["vm_message", "blind_transfer_1", "two_calls", "queue_abandon"])
def test_running_it_twice_changes_nothing_and_says_so(office: Office, name: str) -> None:
    first = office.run("backfill", cel(name)).stdout.splitlines()
    assert [line.split("  ")[2] for line in first[:-1]] == ["created"] * len(truth(name))
    with office.store().reading() as connection:
        before = sorted(map(repr, connection.execute(text('SELECT * FROM "call"'))))
    rows = len(rows_of(TRACES / name / "cel.csv"))
    assert office.run("backfill", cel(name)).stdout == f"{rows} rows of CEL read. Nothing changed.\n"
    assert office.run("backfill", "--json", cel(name)).stdout == ""
    with office.store().reading() as connection:
        assert sorted(map(repr, connection.execute(text('SELECT * FROM "call"')))) == before


def test_a_whole_busy_run_is_stored_counted_and_judged_again_alike(office: Office) -> None:
    run = str(RECORDINGS / "run-16.cel.csv")
    created = [call for call in office.calls(run) if call["line"] is not None]
    assert len(created) == sum(expect.get("direction") == "inbound" for _, _, expect in scripted("run-16"))
    assert office.run("db", "check").stdout == "Figures and rows agree.\n"
    assert office.run("db", "rejudge").stdout == ""
    assert [call for call in office.calls(run) if call["line"] is not None] == []


def test_what_is_no_cel_is_said_to_be_none(office: Office) -> None:
    result = office.run("backfill", str(TRACES / "vm_message" / "ami.raw"), status=1)
    assert result.stderr.splitlines()[-1] == "No row of CEL was found: is this a file that cel_custom wrote?"


def test_a_half_written_last_row_is_left_out_and_named(office: Office, tmp_path: Path) -> None:
    rows = Path(cel("vm_message")).read_text().splitlines(keepends=True)
    file = tmp_path / "half.csv"
    file.write_text("".join(rows) + rows[0][:40])
    result = office.run("backfill", str(file))
    assert result.stderr == "CEL: 1 row left out, cut off (the first is row 33).\n"
    assert result.stdout.splitlines()[-1] == "32 rows of CEL read. 1 call created."


def test_a_file_that_is_not_there_is_named(office: Office) -> None:
    result = office.run("backfill", "nowhere.csv", status=2)
    assert result.stderr == "nowhere.csv: cannot be read (No such file or directory).\n"


def test_without_file_and_source_it_says_what_to_configure(office: Office) -> None:
    result = office.run("backfill", status=2)
    assert result.stderr == (
        "No FILE is given, and no source is configured: name one, or add [exchanges.toronto.cel] with a file or "
        "url.\n"
    )


# What was heard, and what was not.


def facts_of_cel(name: str) -> tuple[str, list[Fact]]:
    return next(iter(told(rows_of(TRACES / name / "cel.csv")).items()))


def stored(store: Store, facts: Iterable[Fact]) -> Figures:
    """As the daemon stores what it heard of one call."""
    outcome = monitor(example(), EXCHANGE).retell(EXCHANGE, facts)
    assert outcome is not None
    return wrote(store, outcome)


def filled(store: Store, name: str) -> list[Filled]:
    return list(Backfill(example(), store, EXCHANGE).run(rows_of(TRACES / name / "cel.csv")))


def half_heard(name: str) -> list[Fact]:
    """The connection was lost before anybody answered and came back when the call was over."""
    data = recording(name, "ami-callmon")[0]
    heard = cut(data, data.index(b"Event: Newstate"), len(data))
    call = next(fact.call for fact in heard if isinstance(fact, f.Arrived))
    return [*(fact for fact in heard if fact.call == call), f.Ended(call, None, "unknown", "unheard")]


def test_a_call_of_which_a_part_was_heard_is_completed_and_its_verdicts_come_back_from_unknown(
    store: Store,
) -> None:
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
    assert differences(store) == []
    assert list(rejudge(store, monitor(example()))) == []
    assert filled(store, "answered_ring2")[0].changes == ()


def test_a_call_that_was_heard_throughout_is_never_touched(store: Store) -> None:
    call, _ = facts_of_cel("answered_ring2")
    data = recording("answered_ring2", "ami-callmon")[0]
    stored(store, [fact for fact in cut(data, len(data), len(data)) if not isinstance(fact, f.Unheard)])
    before = queries.call(store, call)
    assert [one.changes for one in filled(store, "answered_ring2")] == [()]
    assert queries.call(store, call) == before
    assert before[0].account is not None
    assert before[0].account.heard == "full"


def test_a_call_that_is_in_progress_for_the_daemon_is_left_to_it(store: Store) -> None:
    call, facts = facts_of_cel("answered_ring2")
    wrote(store, Outcome(EXCHANGE, (facts[0],)))
    assert [one.changes for one in filled(store, "answered_ring2")] == [()]
    assert queries.call(store, call)[0].account is None


def test_created_calls_are_counted_as_calls_that_were_just_heard(store: Store) -> None:
    (one,) = filled(store, "vm_message")
    assert one.added[CALLS.name, "general", "voicemail", "unknown", "open"] == 1
    assert one.added[VERDICT.name, "answer_by_third_ring", "general", "unknown", "not_met"] == 1
    assert queries.counters(store) == one.added


def test_numbers_are_stored_sealed_and_no_fact_holds_one(store: Store) -> None:
    filled(store, "vm_message")
    call, _ = facts_of_cel("vm_message")
    kept = queries.call(store, call, numbers=True)[0].account
    assert kept is not None
    assert kept.caller == "+14165550101"
    with store.reading() as connection:
        everything = " ".join(map(repr, connection.execute(text("SELECT data FROM fact"))))
    assert "4165550101" not in everything


def test_a_withheld_number_that_was_heard_to_be_so_stays_withheld(store: Store) -> None:
    call, _ = facts_of_cel("answered_ring2")
    heard = half_heard("answered_ring2")
    stored(store, [*heard[:-1], f.NumberWithheld(call, heard[0].at), heard[-1]])
    filled(store, "answered_ring2")
    kept = queries.call(store, call, numbers=True)[0].account
    assert kept is not None
    assert (kept.caller, kept.withheld, kept.heard) == (None, "withheld", "filled")


def test_no_number_is_kept_of_calls_that_cel_alone_tells_where_the_site_wants_it_so(
    store: Store, tmp_path: Path
) -> None:
    settings = sourced(tmp_path, f'file = "{cel("vm_message")}"\nnumbers = false')
    list(Backfill(settings, store, EXCHANGE).run(rows_of(TRACES / "vm_message" / "cel.csv")))
    kept = queries.call(store, facts_of_cel("vm_message")[0], numbers=True)[0].account
    assert kept is not None
    assert (kept.caller, kept.withheld, kept.outcome) == (None, "unknown", "voicemail")


def test_a_call_that_voicemail_took_is_owed_to_be_checked_once(store: Store) -> None:
    filled(store, "vm_message")
    filled(store, "vm_message")
    asked = ledger.asked(store, 0, store.ring.token)
    assert [(hand.action, hand.obligation, before) for hand, before in asked] == [
        ("owe", facts_of_cel("vm_message")[0], None)
    ]
    owing = monitor(example(), token=store.ring.token)
    (hand, _) = asked[0]
    wrote(store, *owing.hand(hand))
    (one,) = ledger.obligations(store, numbers=True)
    assert (one.obligation.opening, one.obligation.line, one.number) == ("unheard", "general", "+14165550101")
    assert owing.hand(hand)[0].ledger == ()


# Where the rows come from.


def at_of(name: str) -> tuple[datetime, datetime]:
    times = [row.at for row in rows_of(TRACES / name / "cel.csv")]
    return min(times), max(times)


def later(name: str, days: int) -> list[list[str]]:
    """The fields of a recording's rows, some days later, as other calls."""
    by = days * 86_400
    found = []
    for row in csv_rows(name):
        row[1] = f"{float(row[1]) + by:.6f}"
        row[14], row[15] = (f"{int(x[4:14]) + by}{x[14:]}" for x in (row[14], row[15]))
        found.append(row)
    return found


def csv_rows(name: str) -> list[list[str]]:
    import csv

    with open(cel(name), newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def write_csv(path: Path, rows: Iterable[list[str]]) -> None:
    import csv

    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)


def sourced(folder: Path, source: str) -> Settings:
    return parse(EXAMPLE.read_text(encoding="utf-8") + f"\n[exchanges.toronto.cel]\n{source}\n")


def from_source(
    settings: Settings, store: Store, windows: list[tuple[datetime, datetime]] | None
) -> tuple[int, list[str]]:
    """How many rows were read, and which calls were created."""
    from callmon.cel_source import rows

    work = Backfill(settings, store, EXCHANGE)
    found = rows(settings.exchanges[EXCHANGE].cel, EXCHANGE, work.reader(), work.zone, windows)
    created = [change.call.call for filled in work.run(found, windows) for change in filled.changes]
    return work.rows, created


def test_of_a_long_file_only_the_end_is_read_and_only_the_gaps_calls_are_filled(
    store: Store, tmp_path: Path
) -> None:
    file = tmp_path / "Master.csv"
    days = range(-299, 1)
    write_csv(file, [row for day in days for row in later("blind_transfer_1", day)])
    settings = sourced(tmp_path, f'file = "{file}"')
    begin, end = (at + timedelta(days=-2) for at in at_of("blind_transfer_1"))
    read, created = from_source(settings, store, [(begin + timedelta(seconds=5), end)])
    assert len(created) == 1
    one_day = len(csv_rows("blind_transfer_1"))
    assert read <= 10 * one_day  # and what a block of the file holds
    assert from_source(settings, store, None)[0] == 300 * one_day


def test_rotated_files_are_read_in_the_order_in_which_they_were_written(store: Store, tmp_path: Path) -> None:
    rows = csv_rows("blind_transfer_1")
    write_csv(tmp_path / "Master.csv-20261124", rows[:10])
    write_csv(tmp_path / "Master.csv", rows[10:])
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv*"')
    assert from_source(settings, store, [at_of("blind_transfer_1")])[1] == ["lab-1795528229.84"]


def test_a_file_that_cannot_be_found_says_which_setting_names_it(store: Store, tmp_path: Path) -> None:
    settings = sourced(tmp_path, f'file = "{tmp_path}/nowhere"')
    with pytest.raises(ConfigError) as told_of:
        from_source(settings, store, None)
    where = "exchanges.toronto.cel.file"
    assert str(told_of.value) == f"{where}: there is no {tmp_path}/nowhere that callmon's user can see"


FREEPBX = """CREATE TABLE cel (id INTEGER PRIMARY KEY {serial}, eventtype VARCHAR(30), eventtime {time},
cid_name VARCHAR(80), cid_num VARCHAR(80), cid_ani VARCHAR(80), cid_rdnis VARCHAR(80), cid_dnid VARCHAR(80),
exten VARCHAR(80), context VARCHAR(80), channame VARCHAR(80), appname VARCHAR(80), appdata VARCHAR(255),
amaflags INTEGER, accountcode VARCHAR(20), uniqueid VARCHAR(32), linkedid VARCHAR(32), peer VARCHAR(80),
userdeftype VARCHAR(255), extra VARCHAR(512))"""
SERIAL = {"sqlite": "", "postgresql": "GENERATED ALWAYS AS IDENTITY", "mysql": "AUTO_INCREMENT"}
KEPT = tuple("extra" if name == "eventextra" else name for name in COLUMNS if name != "userfield")


def table_of(url: str, names: Iterable[str], time: str, as_kept: Callable[[datetime], Any]) -> None:
    """A table as FreePBX has it: no row of an application that dials, local times in whole seconds."""
    engine = create_engine(url)
    signs = ", ".join(f":{name}" for name in KEPT)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS cel"))
        connection.execute(text(FREEPBX.format(serial=SERIAL[engine.dialect.name], time=time)))
        for name in names:
            for row in csv_rows(name):
                told_ = {key: value for key, value in zip(COLUMNS, row, strict=True) if key != "userfield"}
                told_ = {"extra" if key == "eventextra" else key: value for key, value in told_.items()}
                if told_["appname"] == "Dial" and told_["eventtype"].startswith("APP_"):
                    continue
                told_["eventtime"] = as_kept(datetime.fromtimestamp(float(row[1]), UTC))
                connection.execute(
                    text(f"INSERT INTO cel ({', '.join(KEPT)}) VALUES ({signs})"), told_ | {"amaflags": 3}
                )
    engine.dispose()


def local(at: datetime) -> datetime:
    return at.astimezone(TORONTO).replace(tzinfo=None, microsecond=0)


# Each on its own: their ids are of several runs of one exchange.
TABLES = [
    "blind_transfer_1",
    "answered_ring2",
    "busy_all",
    "attended_dtmf",
    "tollfree_answered",
    "queue_second_member",
]


def test_a_table_of_postgresql_is_read_too(tmp_path: Path, postgres_server: str) -> None:
    plain = make_url(postgres_server).set(drivername="postgresql")
    place = plain.render_as_string(hide_password=False)
    table_of(place.replace("postgresql://", "postgresql+psycopg://"), ["attended_dtmf"], "TIMESTAMP", local)
    office = Office(tmp_path, f'\n[exchanges.toronto.cel]\nurl = "{place}"\n')
    assert [concluding(call) for call in office.calls()] == [expected(said) for said in truth("attended_dtmf")]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", ["text", "datetime"])
def test_a_table_laid_out_like_freepbxs_gives_the_truth(tmp_path: Path, name: str, kind: str) -> None:
    place = f"sqlite:///{tmp_path}/cel.db"
    table_of(
        place,
        [name],
        "TEXT" if kind == "text" else "DATETIME",
        lambda at: str(local(at)) if kind == "text" else f"{local(at)}.000000",
    )
    office = Office(tmp_path, f'\n[exchanges.toronto.cel]\nurl = "{place}"\n')
    assert [concluding(call) for call in office.calls()] == [expected(said) for said in truth(name)]
    assert office.calls() == []


def test_of_a_table_only_the_rows_of_the_gaps_calls_are_read(store: Store, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/cel.db"
    table_of(place, ["busy_all", "blind_transfer_1", "tty_voicemail"], "TEXT", lambda at: str(local(at)))
    with sqlite3.connect(tmp_path / "cel.db") as connection:  # the other two are of another day
        connection.execute(
            "UPDATE cel SET eventtime = replace(eventtime, '2026-11-24', '2026-11-20')"
            " WHERE linkedid != 'lab-1795528229.84'"
        )
    settings = sourced(tmp_path, f'url = "{place}"')
    begin, end = at_of("blind_transfer_1")
    read, created = from_source(settings, store, [(begin + timedelta(seconds=7), end)])
    assert (read, created) == (len(csv_rows("blind_transfer_1")) - 2, ["lab-1795528229.84"])


def test_a_table_that_is_no_cel_says_what_it_lacks(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "cel.db") as connection:
        connection.execute("CREATE TABLE cel (id INTEGER, eventtype TEXT)")
    with pytest.raises(Exception, match="the table cel is no CEL: it has no column eventtime"):
        from_source(sourced(tmp_path, f'url = "sqlite:///{tmp_path}/cel.db"'), store, None)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('file = "a"\nurl = "sqlite:///b"', "url: is given beside file; keep one of the two"),
        ('table = "cel"', "file: is missing; name the file or, with url, the database, or leave the table out"),
        (
            'url = "mysql://cel:secret@pbx/asteriskcdrdb"',
            "url: holds a password; put it in a file of its own, and name that as password_file",
        ),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_what_to_do(tmp_path: Path, source: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        sourced(tmp_path, source)
    assert refused.value.sentences == (f"configuration: exchanges.toronto.cel.{sentence}",)


# The daemon, by itself.


async def refilled(settings: Settings, store: Store, *outcomes: Outcome) -> Figures:
    """What the figures get after these outcomes."""
    got: list[Figures] = []
    refills = Refills(lambda: settings, store, got.append)
    for outcome in outcomes:
        assert refills.offer(outcome)
    task = asyncio.create_task(refills.run())
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not refills.backlog() and got:
            break
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return got[0] if got else {}


async def test_after_a_gap_its_calls_are_read_from_the_source_and_counted(store: Store, tmp_path: Path) -> None:
    shutil.copy(cel("blind_transfer_1"), tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    gap = Gap(EXCHANGE, *at_of("blind_transfer_1"))
    added = await refilled(settings, store, Outcome(EXCHANGE, gaps=(gap,)))
    assert added[CALLS.name, "general", "answered", "unknown", "open"] == 1


async def test_when_a_call_ends_of_which_a_part_was_unheard_its_rows_are_read(
    store: Store, tmp_path: Path
) -> None:
    shutil.copy(cel("answered_ring2"), tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    heard = monitor(example(), EXCHANGE).retell(EXCHANGE, half_heard("answered_ring2"))
    assert heard is not None
    wrote(store, heard)
    added = await refilled(settings, store, heard)
    assert added[CORRECTED.name, "reach_a_person", "general", "unknown", "met"] == 1


async def test_without_a_source_nothing_is_done(store: Store, tmp_path: Path) -> None:
    refills = Refills(example, store, lambda figures: None)
    refills.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("vm_message")),)))
    assert refills.backlog() == 0


async def test_a_source_that_is_away_is_tried_again(store: Store, tmp_path: Path) -> None:
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    refills = Refills(lambda: settings, store, lambda figures: None)
    refills.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("vm_message")),)))
    task = asyncio.create_task(refills.run())
    await asyncio.sleep(0.2)
    assert refills.backlog() == 1
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
