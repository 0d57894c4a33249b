"""Numbers in the database: encrypted, moved to another key, found and corrected for their owner, disposed of."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event, select, text

from callmon.config.settings import Settings, example, example_text, parse
from callmon.core import facts as f
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.monitor import Monitor
from callmon.core.outcome import Outcome
from callmon.errors import ConfigError, StoreError
from callmon.store import key_file, opening
from callmon.store.commands import CALLBACK_QUEUE, queue_callback_command
from callmon.store.database import Database, names_of_needed_keys, open_store, parse_url, upgrade
from callmon.store.encryption import NO_KEYS, KeyMissingError, KeyRing
from callmon.store.privacy import subject_access
from callmon.store.privacy.key_rotation import is_done, rotate
from callmon.store.privacy.retention import Disposal, DisposalTerms, count_due, disposals, purge
from callmon.store.privacy.subject_access import AccessReason
from callmon.store.queries import calls as queries
from callmon.store.tables import NUMBER
from callmon.tools.replay import Replay, chunks
from tests.lab.postgres import dump
from tests.support.store_fixtures import (
    CALLER,
    EXCHANGE,
    RING,
    SOON,
    START,
    answered_call,
    database,
    outcomes,
    rows,
    seconds,
    wrote,
)

RECORDINGS = sorted((Path(__file__).parents[1] / "recordings").glob("*.ami"))
SECOND = "+14165550102"
NEW_KEY = b"n" * 32
BOTH = KeyRing([NEW_KEY, *RING.raw])
NEW = KeyRing([NEW_KEY])
DAYS_400 = timedelta(days=400)


def call_of(number: int, caller: str = CALLER, start: datetime = START) -> list[f.Fact]:
    """A call that lasts a minute, of this caller."""
    arrived, *rest = answered_call(number, start)
    return [msgspec.structs.replace(arrived, caller=caller), *rest]


def kept(store: Database) -> dict[str, str]:
    """The numbers as they are kept, by call."""
    with store.reading() as connection:
        return {row["call"]: row["number"] for row in connection.execute(select(NUMBER)).mappings()}


def numbers(store: Database) -> dict[str, str]:
    return {call: store.ring.decrypt(encrypted) for call, encrypted in kept(store).items()}


def logged(store: Database, *which: list[str]) -> list[tuple[object, ...]]:
    """Each logged access: who asked for what when, and how many calls it found."""
    return [(x.at, x.who, x.purpose, x.command, x.found) for x in subject_access.accesses(store, *which)]


def disposed(store: Database) -> list[tuple[DisposalTerms, Disposal]]:
    return [
        (
            DisposalTerms(x.at, x.unused_since, x.who, x.authority),
            Disposal(x.numbers, x.uses, x.first_use, x.last_use, x.files),
        )
        for x in disposals(store)
    ]


def look(purpose: str = "access request 2026-14") -> AccessReason:
    return AccessReason(START, "M. Roy", purpose, "privacy find")


# In the clear: nowhere.


def everything_that_is_written(store: Database, url: str) -> bytes:
    """The database's files, or what pg_dump gives."""
    if store.path is None:
        return dump(url)
    files = sorted(store.path.parent.glob(f"{store.path.name}*"))
    return b"".join(file.read_bytes() for file in files)


def test_after_real_traffic_no_number_is_anywhere_in_the_database(store: Database, url: str) -> None:
    reported: set[str] = set()
    with database(store) as sink:
        for place, recording in enumerate(RECORDINGS):
            replay = Replay(Monitor(example(), EXCHANGE, token=RING.token), EXCHANGE)
            with recording.open("rb") as source:
                for outcome in replay.connection(chunks(source)):
                    sink.offer(msgspec.structs.replace(outcome, exchange=str(place), gaps=()))
                    reported |= people_in(outcome)
        assert sink.flush(SOON)
        written = everything_that_is_written(store, url)
    assert len(reported) > 50
    assert len(kept(store)) > 70
    assert written.count(b"answer_by_third_ring") > 70  # it is the right file that was read
    assert [number for number in sorted(reported) if number[-10:].encode() in written] == []
    assert reported >= set(numbers(store).values())


def people_in(outcome: Outcome) -> set[str]:
    sources = [*outcome.calls, *(fact for fact in outcome.facts if isinstance(fact, f.Arrived))]
    found = [s.caller for s in sources] + [s.dialled for s in sources if s.direction == "outbound"]
    return {number for number in found if number is not None and len(number) >= 7 and number != f.OUTSIDE}


def test_a_store_without_a_key_keeps_no_number(url: str) -> None:
    without = upgrade(url)
    wrote(without, *outcomes(call_of(0)))
    assert (rows(without)["number"], rows(without)["call"]) == (0, 1)
    without.close()


@pytest.mark.parametrize("at_once", [True, False])
def test_a_number_with_restricted_presentation_is_not_stored(store: Database, at_once: bool) -> None:
    arrived = call_of(0)[0]
    withheld = f.NumberWithheld(arrived.call, START)
    reported = (
        [Outcome(EXCHANGE, (arrived, withheld))]
        if at_once
        else [Outcome(EXCHANGE, (x,)) for x in (arrived, withheld)]
    )
    for item in reported:
        wrote(store, item)
    assert kept(store) == {}


# Keys.


def test_a_database_whose_key_is_missing_is_refused_with_its_name(store: Database, url: str) -> None:
    wrote(store, *outcomes(call_of(0)))
    with pytest.raises(StoreError) as refusal:
        open_store(url, KeyRing([NEW_KEY], "number.key"))
    assert str(refusal.value) == (
        f"the database {store}: numbers are encrypted with the key {RING.name}, which number.key lacks: "
        "restore that key's line below the newest"
    )
    open_store(url, BOTH).close()


def test_a_store_without_a_key_answers_all_but_numbers(store: Database, url: str) -> None:
    wrote(store, *outcomes(call_of(0)))
    without = open_store(url, NO_KEYS)
    (found,) = queries.stored_calls(without, "1795527733.0")
    assert found.account is not None
    with pytest.raises(KeyMissingError):
        queries.stored_calls(without, "1795527733.0", numbers=True)
    without.close()


def configured(url: str, more: str = "") -> Settings:
    """The example, with this database and a line of [privacy]."""
    plain = parse_url(url).set(drivername=url.partition(":")[0].partition("+")[0])
    written = example_text().replace("sqlite:///callmon.db", plain.render_as_string(hide_password=False))
    return parse(written.replace("[privacy]\n", f"[privacy]\n{more}\n"))


def test_a_first_start_makes_its_own_key_and_the_next_one_uses_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    settings = configured(url)
    first = opening.open_for_writing(settings)
    wrote(first, *outcomes(call_of(0)))
    first.close()
    path = opening.key_path(settings)
    assert path == tmp_path / ("callmon.db-key" if first.path else "callmon.key")
    assert path.stat().st_mode & 0o777 == 0o600
    for again in (opening.open_for_writing(settings), opening.open_with_keys(settings)):
        assert numbers(again) == {"1795527733.0": CALLER}
        again.close()


def test_a_key_that_has_gone_missing_is_not_replaced(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    settings = configured(url)
    first = opening.open_for_writing(settings)
    wrote(first, *outcomes(call_of(0)))
    name, path = first.ring.name, opening.key_path(settings)
    path.unlink()
    for use in (opening.open_for_writing, opening.open_with_keys):
        with pytest.raises(ConfigError) as refusal:
            use(settings)
        assert str(refusal.value) == (
            f"no key file at {path}, but the database {first} holds numbers encrypted with the key {name}: "
            "restore the file, or name it as privacy.key_file"
        )
        assert not path.exists()
    first.close()


def test_a_key_file_that_is_named_is_never_made_by_itself(url: str, tmp_path: Path) -> None:
    path = tmp_path / "number.key"
    settings = configured(url, f'key_file = "{path}"')
    with pytest.raises(ConfigError) as refusal:
        opening.open_for_writing(settings)
    assert str(refusal.value) == f"no key file at {path}: create one with `callmon privacy key {path}`"
    key_file.add_new_key(path, START.date())
    opening.open_for_writing(settings).close()


# Another key.


def test_all_numbers_are_moved_in_pieces_and_the_old_key_is_forgotten(store: Database, url: str) -> None:
    wrote(store, *(outcome for n in range(25) for outcome in outcomes(call_of(n, f"+141655501{n:02}"))))
    subject_access.log_access(store, look(), 1, CALLER)
    before = numbers(store)
    both = open_store(url, BOTH)
    assert not is_done(both)
    assert list(rotate(both, chunk=10)) == [10, 10, 5]
    assert (is_done(both), names_of_needed_keys(both), list(rotate(both))) == (True, {NEW.name}, [])
    after = open_store(url, NEW)
    assert numbers(after) == before
    assert logged(after, [CALLER]) == [(*look(), 1)]
    assert len(subject_access.number_uses(after, [CALLER], look())) == 1
    for opened in (both, after):
        opened.close()


def test_while_numbers_are_half_moved_each_is_found_under_both_keys(store: Database, url: str) -> None:
    wrote(store, *(outcome for n in range(20) for outcome in outcomes(call_of(n))))
    both = open_store(url, BOTH)
    assert next(rotate(both, chunk=7)) == 7
    assert len(subject_access.number_uses(both, [CALLER], look())) == 20
    both.close()


def test_numbers_are_moved_while_a_daemon_writes_with_the_old_key(store: Database, url: str) -> None:
    both = open_store(url, BOTH)
    stop = threading.Event()
    calls = [0]

    def write(with_keys: Database) -> None:
        with database(with_keys) as sink:
            while not stop.is_set():
                for item in outcomes(call_of(calls[0])):
                    sink.offer(item)
                calls[0] += 1
                time.sleep(0.005)
            assert sink.flush(SOON)

    for keys in (store, both):
        stop.clear()
        daemon = threading.Thread(target=write, args=(keys,))
        daemon.start()
        goal, end = calls[0] + 60, time.monotonic() + SOON  # it may take its time to begin
        while calls[0] < goal and time.monotonic() < end:
            list(rotate(both, chunk=20))
            time.sleep(0.02)
        stop.set()
        daemon.join()
        assert set(numbers(both).values()) == {CALLER}
        assert found_by_token(both) == len(kept(both)) == calls[0]
    assert calls[0] >= 120
    list(rotate(both))
    assert names_of_needed_keys(both) == {NEW.name}
    assert {encrypted.partition(":")[0] for encrypted in kept(both).values()} == {NEW.name}
    both.close()


def found_by_token(store: Database) -> int:
    with store.reading() as connection:
        return len(connection.execute(select(NUMBER).where(NUMBER.c.token.in_(BOTH.tokens(CALLER)))).all())


def test_a_daemon_with_the_old_key_has_its_name_back_after_it_writes(store: Database, url: str) -> None:
    both = open_store(url, BOTH)
    wrote(store, *outcomes(call_of(0)))
    list(rotate(both))
    assert names_of_needed_keys(both) == {NEW.name}
    wrote(store, *outcomes(call_of(1)))
    assert names_of_needed_keys(both) == {NEW.name, RING.name}
    assert list(rotate(both)) == [1]
    both.close()


# Disposal.


def terms(now: datetime, authority: str = "schedule 12-345") -> DisposalTerms:
    return DisposalTerms(now, now - DAYS_400, "M. Roy", authority)


END = START + seconds(60)  # of call 0


@pytest.mark.parametrize(
    ("after", "gone"),
    [(-seconds(1), 0), (seconds(0), 0), (timedelta(microseconds=1), 1), (seconds(1), 1)],
)
def test_a_number_is_disposed_of_400_days_after_the_end_of_its_last_call(
    store: Database, after: timedelta, gone: int
) -> None:
    wrote(store, *outcomes(call_of(0)))
    now = END + DAYS_400 + after
    assert count_due(store, now - DAYS_400).numbers == gone
    assert purge(store, terms(now)).numbers == gone
    assert len(kept(store)) == 1 - gone


def test_a_later_call_from_the_same_number_keeps_the_earlier_one(store: Database) -> None:
    later = START + timedelta(days=300)
    wrote(store, *outcomes(call_of(0)), *outcomes(call_of(1, start=later)), *outcomes(call_of(2, SECOND)))
    now = START + timedelta(days=401)
    assert purge(store, terms(now)).numbers == 1
    assert numbers(store) == {"1795527733.0": CALLER, "1795527734.1": CALLER}
    assert purge(store, terms(later + DAYS_400 + timedelta(days=1))).uses == 2
    assert kept(store) == {}


def test_a_call_to_the_number_is_a_use_of_it(store: Database) -> None:
    arrived = f.Arrived("9.9", START + timedelta(days=300), "outbound", None, CALLER, "102", None, "PJSIP/102-1")
    back = [arrived, f.Ended("9.9", START + timedelta(days=300, seconds=5), "caller")]
    wrote(store, *outcomes(call_of(0)), *outcomes(back))
    assert count_due(store, END + timedelta(days=1)) == Disposal()


def test_the_number_of_a_call_in_progress_is_stored(store: Database) -> None:
    wrote(store, *(Outcome(EXCHANGE, (fact,)) for fact in call_of(0)[:9]))
    assert count_due(store, START + timedelta(days=4000)) == Disposal()


def test_a_call_without_a_stored_end_is_dated_by_what_was_received(store: Database) -> None:
    facts = call_of(0)
    wrote(store, Outcome(EXCHANGE, (*facts[:3], facts[-1])))  # no account of it
    assert [count_due(store, END + seconds(x)).numbers for x in (0, 1)] == [0, 1]


def test_a_call_without_any_time_is_dated_by_its_name(store: Database) -> None:
    facts = [msgspec.structs.replace(fact, at=None) for fact in call_of(0)]
    wrote(store, *outcomes(facts))
    born = datetime.fromtimestamp(1795527733, START.tzinfo)
    assert [count_due(store, born + seconds(x)).numbers for x in (0, 1)] == [0, 1]


def test_figures_calls_and_findings_stay_as_they_are(store: Database) -> None:
    figures = wrote(store, *outcomes(call_of(0)), *outcomes(call_of(1, SECOND)))
    before = rows(store)
    purge(store, terms(START + timedelta(days=4000)))
    assert queries.counters(store) == figures
    assert rows(store) == before | {"number": 0, "disposal": 1}


def test_the_record_says_what_was_disposed_of_and_nothing_about_anybody(store: Database) -> None:
    wrote(store, *(outcome for n in range(10) for outcome in outcomes(call_of(n, f"+141655501{n // 2:02}"))))
    now = START + timedelta(days=500)
    done = purge(store, terms(now), chunk=2)
    assert done == Disposal(5, 10, END, END + seconds(9), 0)
    assert disposed(store) == [(terms(now), done)]
    purge(store, terms(now))
    assert disposed(store) == [(terms(now), done), (terms(now), Disposal())]
    with store.reading() as connection:
        said = str(connection.execute(text("SELECT * FROM disposal")).all())
    assert re.findall(r"555|\d{10}\.\d", said) == []


def test_what_was_disposed_of_is_not_in_the_file_any_more(sqlite_store: Database) -> None:
    wrote(sqlite_store, *outcomes(call_of(0)))
    assert sqlite_store.path is not None
    encrypted = kept(sqlite_store)["1795527733.0"].encode()
    sqlite_store.close()
    assert sqlite_store.path.read_bytes().count(encrypted) == 1
    purge(sqlite_store, terms(START + timedelta(days=500)))
    left = [file.read_bytes().count(encrypted) for file in sqlite_store.path.parent.glob("callmon.db*")]
    assert sum(left) == 0


def test_the_log_of_accesses_outlives_the_number_without_what_linked_them(store: Database) -> None:
    wrote(store, *outcomes(call_of(0)))
    subject_access.number_uses(store, [CALLER], look())
    purge(store, terms(START + timedelta(days=500)))
    assert logged(store) == [(*look(), 1)]
    assert logged(store, [CALLER]) == []


def test_a_daemon_writes_on_while_numbers_are_disposed_of(store: Database) -> None:
    wrote(store, *(outcome for n in range(60) for outcome in outcomes(call_of(n, f"+141655501{n:02}"))))
    later = START + timedelta(days=450)
    with database(store) as sink:
        for n in range(100, 140):
            for item in outcomes(call_of(n, f"+1416555{n - 100:02}{99:02}"[:12], later)):
                sink.offer(item)
        assert purge(store, terms(START + timedelta(days=500)), chunk=3).numbers == 60
        assert sink.flush(SOON)
    assert len(kept(store)) == 40


def test_nothing_is_disposed_of_while_a_number_may_have_two_tokens(store: Database, url: str) -> None:
    wrote(store, *outcomes(call_of(0)))
    both = open_store(url, BOTH)
    for way in (lambda: count_due(both, START), lambda: purge(both, terms(START))):
        with pytest.raises(StoreError) as refusal:
            way()
        assert str(refusal.value) == "some numbers use an older key: run `callmon privacy rotate` first"
    assert disposed(store) == []
    both.close()


def test_files_are_deleted_and_counted_in_the_same_record(store: Database, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}-expires-2020-01-01.ami" for n in range(3)]
    for file in files:
        file.touch()
    done = purge(store, terms(START), files)
    assert (done, [file.exists() for file in files]) == (Disposal(files=3), [False] * 3)
    assert disposed(store) == [(terms(START), done)]


# One person.


def test_every_call_of_a_number_is_found_and_the_look_is_logged(store: Database) -> None:
    outbound = f.Arrived("9.9", START, "outbound", None, CALLER, "102", None, "PJSIP/102-00000001")
    reported = [outbound, f.Ended("9.9", START + seconds(5), "caller")]
    wrote(store, *outcomes(call_of(0)), *outcomes(call_of(1, SECOND)), *outcomes(reported))
    found = subject_access.number_uses(store, [CALLER], look())
    assert [(use.call, use.role) for use in found] == [("1795527733.0", "caller"), ("9.9", "dialled")]
    assert subject_access.number_uses(store, ["+14165550177"], look("none")) == []
    assert logged(store) == [
        (*look(), 2),
        (*look("none"), 0),
    ]
    assert [access.found for access in subject_access.accesses(store, [CALLER])] == [2]


def test_a_number_is_corrected_in_all_its_calls_or_in_one(store: Database) -> None:
    wrote(store, *(outcome for n in range(3) for outcome in outcomes(call_of(n))))
    assert subject_access.correct_number(store, [CALLER], SECOND, look(), "1795527734.1") == 1
    assert numbers(store) == {"1795527733.0": CALLER, "1795527734.1": SECOND, "1795527735.2": CALLER}
    assert subject_access.correct_number(store, [CALLER], SECOND, look()) == 2
    assert set(numbers(store).values()) == {SECOND}
    assert subject_access.correct_number(store, [CALLER], SECOND, look()) == 0
    assert len(subject_access.number_uses(store, [SECOND], look())) == 3


def test_a_corrected_number_stays_so_when_the_call_ends(store: Database) -> None:
    reported = outcomes(call_of(0))
    wrote(store, *reported[:9])
    subject_access.correct_number(store, [CALLER], SECOND, look())
    wrote(store, *reported[9:])
    assert numbers(store) == {"1795527733.0": SECOND}


def test_what_a_daemon_replaces_is_not_in_the_file_any_more(sqlite_store: Database) -> None:
    secret = "token-of-a-number"

    def as_some_sqlite_is_built(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA secure_delete = OFF")

    sqlite_store.close()
    event.listen(sqlite_store.engine, "connect", as_some_sqlite_is_built, insert=True)
    with sqlite_store.writing() as connection:
        connection.execute(text("INSERT INTO mark VALUES (:name, 1)"), {"name": secret * 20})
    with sqlite_store.writing() as connection:
        connection.execute(text("DELETE FROM mark WHERE name LIKE 'token%'"))
    with sqlite_store.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
    assert sqlite_store.path is not None
    assert sqlite_store.path.read_bytes().count(secret.encode()) == 0


@pytest.mark.parametrize(
    "number",
    ["416 555-0199", "+14165550199", "(416) 555-0199", "555-0199", "4165550199", "416\u00a0555\u20110199"],
)
def test_a_number_that_a_person_typed_into_a_text_is_not_stored(store: Database, number: str) -> None:
    command = CallbackCommand(
        at=START, actor="m", action="reopen", exchange="toronto", obligation="1795527733.7",
        text=f"elle répond au {number} le soir",
    )  # fmt: skip
    queue_callback_command(store, command)
    again = queue_callback_command(store, command)
    with store.reading() as connection:
        (stored,) = CALLBACK_QUEUE.pending(connection)
    assert (stored.text, again.is_new) == ("elle répond au # le soir", False)
