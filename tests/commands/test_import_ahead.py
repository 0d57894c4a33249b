"""A long record is read by a second process: what is stored is the same, and no failure of it is hidden."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing import active_children
from pathlib import Path

import pytest

from callmon.backfill.cel.rows import CelReader
from callmon.backfill.imported import job
from callmon.backfill.imported.ahead import read_ahead
from callmon.backfill.imported.queue_log import QueueLogReader
from callmon.core.calls.exchange_profile import ExchangeProfile
from callmon.errors import ConfigError, StoreError
from tests.commands.test_import import EVERYTHING, OF_TORONTO, lab_office, rows
from tests.process.test_import_interrupted import state_of
from tests.recordings.test_imported_records import settings
from tests.store.test_backfill import BackfillOffice
from tests.support.made_queue_log import made

# The workers of pytest have threads; the second process runs none of their code.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
LATER = datetime(2027, 1, 1, tzinfo=UTC)
LOG = made(2, 300)[0].splitlines()


def reader() -> QueueLogReader:
    return QueueLogReader(ExchangeProfile(settings("22", "queue_log"), "toronto"), CelReader(UTC), LATER)


@pytest.mark.parametrize("kind", ["queue_log", "cdr", "cel"])
def test_a_long_record_gives_the_same_rows_and_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    log = made(3, 100, record=kind)[0] + "no line of any record\n"
    found = []
    for long in (job.LONG, 1):
        monkeypatch.setattr(job, "LONG", long)
        (tmp_path / str(long)).mkdir()
        office: BackfillOffice = lab_office(tmp_path / str(long), monkeypatch)
        (tmp_path / kind).write_text(log)
        done = office.run("import", kind, str(tmp_path / kind), *OF_TORONTO)
        stored = [rows(office, f"SELECT count(*) FROM {table}") for table in EVERYTHING]
        calls = rows(office, 'SELECT "call", outcome, line, arrived, answered FROM "call" ORDER BY "call"')
        found.append((done.stdout, done.stderr, stored, calls))
    assert found[0] == found[1]
    assert (len(found[0][3]), active_children()) == (300, [])


def test_what_the_second_process_counted_is_known_in_the_first() -> None:
    lines = [*LOG, "x", "1772460000|1.1|q|NONE|ENTERQUEUE"]
    ahead, alone = reader(), reader()
    assert [*read_ahead(ahead, [lines])] == [*alone.whole_calls([lines])]
    counted = [(x.lines, x.unfinished, x.errors.first, x.without_line) for x in (ahead, alone)]
    assert counted[0] == counted[1]
    assert counted[0][2:] == ([(len(LOG) + 1, "no line of a queue_log")], {"q": 1})


def broken_off(how: str) -> Iterator[str]:
    yield from LOG
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ConfigError("{path}: is cut off or damaged; copy it again from the exchange.", path="log")


@pytest.mark.parametrize(
    ("how", "error", "sentence"),
    [
        ("cut off", ConfigError, "log: is cut off or damaged; copy it again from the exchange."),
        ("killed", StoreError, "The process that reads the record was ended; run the same import again."),
    ],
)
def test_an_import_fails_where_its_second_process_fails(how: str, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error) as failed:
        list(read_ahead(reader(), [broken_off(how)]))
    assert (str(failed.value), active_children()) == (sentence, [])


def test_an_import_fails_where_a_message_of_the_second_process_is_cut() -> None:
    calls = read_ahead(reader(), (LOG for _ in range(10_000)))
    next(calls)
    (second,) = active_children()
    while state_of(second.pid or 0) != "S":  # until it waits for room in the pipe
        time.sleep(0.01)
    second.kill()
    second.join()
    with pytest.raises(StoreError) as failed:
        list(calls)
    assert str(failed.value) == "The process that reads the record was ended; run the same import again."


def test_the_second_process_ends_when_its_calls_are_no_longer_wanted() -> None:
    calls = read_ahead(reader(), (LOG for _ in range(10_000)))
    assert len(next(calls)) > 1
    calls.close()
    assert active_children() == []
