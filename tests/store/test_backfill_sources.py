"""Where CEL is read from: long files by their end, tables by their times, and by the daemon itself after a gap."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from callmon.backfill import tasks
from callmon.backfill.cel.rows import COLUMNS
from callmon.backfill.job import Backfill, engine_of
from callmon.backfill.tasks import GapFiller
from callmon.config.settings import Settings, example, parse
from callmon.config.traces import TraceSettings
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.facts import Arrived
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.core.statistics.counters import CALLS, CORRECTED, Figures
from callmon.core.verdicts import Gap
from callmon.errors import ConfigError, StoreError
from callmon.sinks.traces.sink import Traces
from callmon.store.commands import CALLBACK_QUEUE, pending_callback_commands
from callmon.store.database import Database
from callmon.store.queries import calls, obligations
from callmon.store.rejudge import counter_differences
from tests.recordings.test_cel import TORONTO, heard, rows_of
from tests.recordings.test_traces import TRACES, concluding, expected, recording, truth
from tests.store.test_backfill import EXAMPLE, BackfillOffice, cel, half_heard
from tests.support.collector import Collector, attributes
from tests.support.store_fixtures import EXCHANGE, until, wrote


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
    settings: Settings, store: Database, windows: list[tuple[datetime, datetime]] | None
) -> tuple[int, list[str]]:
    """How many rows were read, and which calls were created."""
    from callmon.backfill.job import rows

    work = Backfill(settings, store, EXCHANGE)
    found = rows(settings.exchanges[EXCHANGE].cel, EXCHANGE, work.reader(), windows)
    created = [change.call.call for filled in work.run(found, windows) for change in filled.changes]
    return work.rows, created


def test_of_a_long_file_only_the_end_is_read_for_the_gaps_calls(store: Database, tmp_path: Path) -> None:
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


def test_rotated_files_are_read_in_the_order_in_which_they_were_written(store: Database, tmp_path: Path) -> None:
    rows = csv_rows("blind_transfer_1")
    write_csv(tmp_path / "Master.csv-20261124", rows[:10])
    write_csv(tmp_path / "Master.csv", rows[10:])
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv*"')
    assert from_source(settings, store, [at_of("blind_transfer_1")])[1] == ["lab-1795528229.84"]


def test_a_file_that_cannot_be_found_says_which_setting_names_it(store: Database, tmp_path: Path) -> None:
    settings = sourced(tmp_path, f'file = "{tmp_path}/nowhere"')
    with pytest.raises(ConfigError) as told_of:
        from_source(settings, store, None)
    where = "exchanges.toronto.cel.file"
    assert str(told_of.value) == f"{where}: no file {tmp_path}/nowhere is readable by callmon's user"


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
                values = {key: value for key, value in zip(COLUMNS, row, strict=True) if key != "userfield"}
                values = {"extra" if key == "eventextra" else key: value for key, value in values.items()}
                if values["appname"] == "Dial" and values["eventtype"].startswith("APP_"):
                    continue
                values["eventtime"] = as_kept(datetime.fromtimestamp(float(row[1]), UTC))
                connection.execute(
                    text(f"INSERT INTO cel ({', '.join(KEPT)}) VALUES ({signs})"), values | {"amaflags": 3}
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
    office = BackfillOffice(tmp_path, f'\n[exchanges.toronto.cel]\nurl = "{place}"\n')
    assert [concluding(call) for call in office.calls()] == [expected(said) for said in truth("attended_dtmf")]


WRITING_VIEW = """
CREATE TABLE reads (n INTEGER);
CREATE FUNCTION counted() RETURNS text LANGUAGE sql AS 'INSERT INTO reads VALUES (1) RETURNING n::text';
CREATE VIEW counting AS
    SELECT counted() AS eventtype, now() AS eventtime, '1.1' AS uniqueid, '1.1' AS linkedid;
"""


def test_a_view_that_writes_when_it_is_read_is_refused_by_postgresql(
    sqlite_store: Database, postgres_server: str
) -> None:
    place = make_url(postgres_server).set(drivername="postgresql")
    engine = create_engine(place.set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(text(WRITING_VIEW))
    source = f'url = "{place.render_as_string(hide_password=False)}"\ntable = "counting"'
    try:
        with pytest.raises(StoreError, match="cannot execute INSERT in a read-only transaction"):
            from_source(sourced(Path(), source), sqlite_store, None)
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP VIEW counting; DROP FUNCTION counted; DROP TABLE reads"))
        engine.dispose()


def test_a_database_of_sqlite_is_opened_for_reading_only(tmp_path: Path) -> None:
    settings = sourced(tmp_path, f'url = "sqlite:///{tmp_path}/cel.db"')
    with (
        engine_of(settings.exchanges[EXCHANGE].cel, EXCHANGE).connect() as connection,
        pytest.raises(OperationalError, match="attempt to write a readonly database"),
    ):
        connection.execute(text("CREATE TABLE cel (id INTEGER)"))


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
    office = BackfillOffice(tmp_path, f'\n[exchanges.toronto.cel]\nurl = "{place}"\n')
    assert [concluding(call) for call in office.calls()] == [expected(said) for said in truth(name)]
    assert office.calls() == []


def test_of_a_table_only_the_rows_of_the_gaps_calls_are_read(store: Database, tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path}/cel.db"
    table_of(place, ["busy_all", "blind_transfer_1", "tty_voicemail"], "TEXT", lambda at: str(local(at)))
    with (
        closing(sqlite3.connect(tmp_path / "cel.db")) as connection,
        connection,
    ):  # the other two are of another day
        connection.execute(
            "UPDATE cel SET eventtime = replace(eventtime, '2026-11-24', '2026-11-20')"
            " WHERE linkedid != 'lab-1795528229.84'"
        )
    settings = sourced(tmp_path, f'url = "{place}"')
    begin, end = at_of("blind_transfer_1")
    read, created = from_source(settings, store, [(begin + timedelta(seconds=7), end)])
    assert (read, created) == (len(csv_rows("blind_transfer_1")) - 2, ["lab-1795528229.84"])


def test_a_table_that_is_no_cel_says_what_it_lacks(store: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "cel.db")) as connection, connection:
        connection.execute("CREATE TABLE cel (id INTEGER, eventtype TEXT)")
    with pytest.raises(Exception, match="the table cel is not CEL: it has no column eventtime"):
        from_source(sourced(tmp_path, f'url = "sqlite:///{tmp_path}/cel.db"'), store, None)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('file = "a"\nurl = "sqlite:///b"', "url: is given beside file; keep one of the two"),
        ('table = "cel"', "file: is missing; name the file, name the database with url, or remove the table"),
        (
            'url = "mysql://cel:secret@pbx/asteriskcdrdb"',
            "url: holds a password; put it in a file, and name that file as password_file",
        ),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_what_to_do(tmp_path: Path, source: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        sourced(tmp_path, source)
    assert refused.value.sentences == (f"configuration: exchanges.toronto.cel.{sentence}",)


# The daemon, by itself.


async def refilled(settings: Settings, store: Database, *outcomes: Outcome, **more: Any) -> Figures:
    """What the figures get after these outcomes."""
    got: list[Figures] = []
    refills = GapFiller(lambda: settings, store, got.append, lambda: False, **more)
    for outcome in outcomes:
        assert refills.offer(outcome)
    task = asyncio.create_task(refills.run())
    assert await asyncio.to_thread(until, lambda: not refills.waiting())  # what was noted has been tried
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return got[0] if got else {}


async def test_after_a_gap_its_calls_are_read_from_the_source_and_counted(store: Database, tmp_path: Path) -> None:
    shutil.copy(cel("blind_transfer_1"), tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    gap = Gap(EXCHANGE, *at_of("blind_transfer_1"))
    added = await refilled(settings, store, Outcome(EXCHANGE, gaps=(gap,)))
    assert added[CALLS.name, "general", "answered", "unknown", "open"] == 1


async def test_when_a_call_ends_of_which_a_part_was_unheard_its_rows_are_read(
    store: Database, tmp_path: Path
) -> None:
    shutil.copy(cel("answered_ring2"), tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    heard = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, half_heard("answered_ring2"))
    assert heard is not None
    wrote(store, heard)
    added = await refilled(settings, store, heard)
    assert added[CORRECTED.name, "reach_a_person", "general", "unknown", "met"] == 1


async def test_the_trace_of_a_call_that_was_completed_is_sent_again(store: Database, tmp_path: Path) -> None:
    shutil.copy(cel("answered_ring2"), tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    heard = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, half_heard("answered_ring2"))
    assert heard is not None
    wrote(store, heard)
    with Collector() as collector:
        on = TraceSettings(endpoint=collector.endpoint)
        traces = Traces(lambda: on, store, lambda: True)
        traces.offer(heard)
        assert traces.send_all()
        assert (collector.names(), traces.backlog()) == ([], 0)  # its end was not heard
        await refilled(settings, store, heard, filled=traces.add)
        assert traces.send_all()
    assert (collector.names(), attributes(collector.spans[0])["callmon.heard"]) == (["call", "talk"], "filled")


def write_callback(path: Path, *before: list[str]) -> None:
    """CEL of a callback in which they talk for long enough, behind other rows."""
    talked = later("callback_answered", 0)
    for row in talked:
        if row[0] in ("BRIDGE_EXIT", "APP_END", "HANGUP", "CHAN_END", "LINKEDID_END"):
            row[1] = f"{float(row[1]) + 10:.6f}"
    write_csv(path, [*before, *talked])


def done_by_hand(store: Database, owing: Monitor) -> list[str]:
    """What the ledger says after what was asked for by hand is done."""
    said = []
    for hand, one in pending_callback_commands(store, CALLBACK_QUEUE.last_applied(store), store.ring.token):
        outcomes = owing.apply_callback_command(hand, one)
        wrote(store, *outcomes)
        said += [type(written.entry).__name__ for outcome in outcomes for written in outcome.ledger]
    return said


async def test_a_callback_that_was_made_in_a_gap_settles_what_is_due(store: Database, tmp_path: Path) -> None:
    write_callback(tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    owing = Monitor(settings, token=store.ring.token)
    facts = tuple(heard(recording("vm_message", "ami-callmon")[0]))
    left = CallbackCommand(
        at=facts[0].at, actor="", action="called", exchange=EXCHANGE, obligation="", facts=facts
    )
    wrote(store, *owing.apply_callback_command(left))
    await refilled(settings, store, Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("callback_answered")),)))
    assert done_by_hand(store, owing) == ["CalledBack"]
    (one,) = obligations.obligations(store, state=None)
    assert (one.obligation.state, one.obligation.opening) == ("paid", "message")
    with store.reading() as connection:
        (call,) = connection.scalars(text('SELECT "call" FROM "number" WHERE role = \'dialled\''))
    (kept,) = calls.stored_calls(store, call, numbers=True)
    arrived = kept.facts[0]
    assert isinstance(arrived, Arrived)
    assert (arrived.direction, arrived.dialled[-10:]) == ("outbound", "4165550101")


def test_a_backfill_opens_what_is_due_and_settles_it_with_its_callback(store: Database, tmp_path: Path) -> None:
    write_callback(tmp_path / "Master.csv", *later("vm_message", 0))
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"')
    for found in (1, 0):  # the second time there is nothing new to tell
        work = Backfill(settings, store, EXCHANGE)
        list(work.run(rows_of(tmp_path / "Master.csv")))
        assert work.called_back == found
    assert done_by_hand(store, Monitor(settings, token=store.ring.token)) == ["Owed", "CalledBack"]
    assert (done_by_hand(store, Monitor(settings, token=store.ring.token)), counter_differences(store)) == ([], [])
    (one,) = obligations.obligations(store, state=None)
    assert (one.obligation.state, one.obligation.opening) == ("paid", "unheard")


def test_of_a_call_out_to_whom_nothing_is_due_a_backfill_stores_nothing(store: Database, tmp_path: Path) -> None:
    write_csv(tmp_path / "Master.csv", later("callback_answered", 0))
    work = Backfill(sourced(tmp_path, f'file = "{tmp_path}/Master.csv"'), store, EXCHANGE)
    assert [filled.changes for filled in work.run(rows_of(tmp_path / "Master.csv"))] == [()]
    with store.reading() as connection:
        kept = [connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in ("number", "hand")]
    assert (work.called_back, kept) == (0, [0, 0])


async def test_who_stands_by_fills_its_gaps_when_it_leads(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "FIRST_PAUSE", 0.01)
    shutil.copy(cel("blind_transfer_1"), tmp_path / "Master.csv")
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    got: list[Figures] = []
    is_led_by_another = True
    refills = GapFiller(lambda: settings, store, got.append, lambda: is_led_by_another)
    refills.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("blind_transfer_1")),)))
    task = asyncio.create_task(refills.run())
    await asyncio.sleep(0.3)
    assert (refills.backlog(), got) == (1, [])
    is_led_by_another = False
    assert await asyncio.to_thread(until, lambda: not refills.waiting())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert (refills.backlog(), len(got)) == (0, 1)


async def test_without_a_source_nothing_is_done(store: Database, tmp_path: Path) -> None:
    refills = GapFiller(example, store, lambda figures: None, lambda: False)
    refills.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("vm_message")),)))
    assert refills.backlog() == 0


async def test_a_source_that_is_away_is_tried_again(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tasks, "FIRST_PAUSE", 0.01)
    settings = sourced(tmp_path, f'file = "{tmp_path}/Master.csv"\nwait = "10ms"')
    got: list[Figures] = []
    refills = GapFiller(lambda: settings, store, got.append, lambda: False)
    refills.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("blind_transfer_1")),)))
    refills.offer(Outcome(EXCHANGE, gaps=(Gap(EXCHANGE, *at_of("vm_message")),)))
    task = asyncio.create_task(refills.run())
    assert await asyncio.to_thread(until, lambda: caplog.messages.count("backfill: failed; retrying") >= 2)
    assert await asyncio.to_thread(until, lambda: refills.backlog() == 2)  # both wait again
    assert (list(refills.waiting()), got) == ([EXCHANGE], [])
    shutil.copy(cel("blind_transfer_1"), tmp_path / "copied")
    (tmp_path / "copied").rename(tmp_path / "Master.csv")
    assert await asyncio.to_thread(until, lambda: not refills.waiting())
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert (refills.backlog(), len(got)) == (0, 1)
