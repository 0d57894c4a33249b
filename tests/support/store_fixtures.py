"""Databases and outcomes for the tests of the store: SQLite in a folder, a real PostgreSQL if available."""

from __future__ import annotations

import shutil
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url

from callmon.config.lines import Line
from callmon.core import facts as f
from callmon.core.callbacks.entries import CalledBack
from callmon.core.callbacks.index import ObligationIndex
from callmon.core.calls.account import CallAccount
from callmon.core.calls.call import STATES, Call
from callmon.core.outcome import Outcome
from callmon.core.snapshot import CallbackStatus, DaemonSnapshot, ExchangeStatus, LineStatus
from callmon.core.statistics.counters import Figures, figures_of
from callmon.core.verdicts import Cause, Finding, Verdict
from callmon.store.database import Database, open_store, upgrade
from callmon.store.encryption import KeyRing
from callmon.store.queries import calls as queries
from callmon.store.row_mapping import facts_of
from callmon.store.tables import METADATA
from callmon.store.writer.writer import Writer
from tests.lab.needed import needed
from tests.lab.postgres import Postgres
from tests.support.environment import GIVEN

EXCHANGE = "toronto"
CALLER = "+14165550101"
RING = KeyRing([bytes(range(32))])  # the key of every database of a test
START = datetime(2026, 11, 24, 13, 42, 13, 217087, tzinfo=UTC)
SOON = 120.0
STANDARDS = ("answer_by_third_ring", "voicemail_after_fourth_ring", "reach_a_person")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a temporary PostgreSQL, or of the one that CALLMON_TEST_POSTGRES names."""
    if given := GIVEN.get("CALLMON_TEST_POSTGRES"):
        yield given
        return
    server = Postgres()
    with needed("postgresql"):
        server.__enter__()
    try:
        yield server.url
    finally:
        server.__exit__(None, None, None)


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an unused database of each kind; `store` opens the same one, migrated."""
    is_migrated = "store" in request.fixturenames
    if request.param == "sqlite":
        file = tmp_path / "callmon.db"
        if is_migrated:
            copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template") if is_migrated else "template1"
    with postgres_database(server, template) as made:
        yield made


@contextmanager
def postgres_database(server: str, template: str) -> Iterator[str]:
    """A database of its own on that server, dropped at the end."""
    address, name = make_url(server), f"callmon_{uuid4().hex[:12]}"
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield address.set(database=name).render_as_string(hide_password=False)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def copy(template: Path, file: Path) -> None:
    """Copy a migrated SQLite file, readable by its owner only."""
    shutil.copyfile(template, file)
    file.chmod(0o600)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy: a migration takes longer than most tests."""
    file = tmp_path_factory.mktemp("template") / "callmon.db"
    upgrade(f"sqlite:///{file}", RING).close()
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a migrated database, which the server copies."""
    with postgres_database(postgres_server, "template1") as made:
        upgrade(made, RING).close()
        yield make_url(made).database or ""


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    """A database that is ready for use."""
    opened = open_store(url, RING)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A SQLite database, for faults that only a file can have."""
    copy(sqlite_template, tmp_path / "callmon.db")
    opened = open_store(f"sqlite:///{tmp_path}/callmon.db", RING)
    yield opened
    opened.close()


def write_key_file(database: Path) -> None:
    """Writes the key of `RING` to the file beside a database, where a command looks for it."""
    file = Path(f"{database}-key")
    file.touch(0o600)
    file.write_text(urlsafe_b64encode(RING.raw[0]).decode(), encoding="ascii")


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def answered_call(number: int, start: datetime = START) -> list[f.Fact]:
    """Twelve facts: a menu, two phones, an answer by the second after 8.4 s of ringing, a hold, the end."""
    call, at = f"{1795527733 + number}.{number}", start + seconds(number)
    first, second = f"PJSIP/101-{number:08x}", f"PJSIP/102-{number:08x}"
    channel = f"PJSIP/trunk-{number:08x}"
    rang = at + seconds(4)
    return [
        f.Arrived(call, at, "inbound", "general", "4163272422", CALLER, None, channel),
        f.LineOpened(call, at + seconds(0.1)),
        f.LanguageChosen(call, at + seconds(3), "fr"),
        f.PhoneDialled(call, at + seconds(3.5), "101", first),
        f.PhoneRang(call, rang, "101", first),
        f.PhoneStopped(call, at + seconds(8), "101", first, "no_answer", True),
        f.PhoneDialled(call, at + seconds(8.1), "102", second),
        f.PhoneRang(call, at + seconds(8.2), "102", second),
        f.Answered(call, rang + seconds(8.4), "102", second, at + seconds(8.2)),
        f.Held(call, at + seconds(20), "102"),
        f.Resumed(call, at + seconds(30), "102"),
        f.Ended(call, at + seconds(60), "caller"),
    ]


def account(facts: list[f.Fact], in_hours: bool | None = True) -> Call:
    """The account of these facts."""
    arrival = facts[0]
    assert isinstance(arrival, f.Arrived)
    reported = CallAccount(arrival, in_hours=in_hours)
    for fact in facts[1:]:
        reported.record_fact(fact)
    return reported.call()


def finding(
    call: Call, standard: str = STANDARDS[0], verdict: Verdict = "met", cause: Cause | None = None
) -> Finding:
    at, line = call.answered or call.ended, call.line or "general"
    language = call.language or "unknown"
    return Finding(call.call, at, standard, line, language, call.in_hours, verdict, "answered_on_ring", 2, cause)


def outcomes(facts: list[f.Fact], exchange: str = EXCHANGE) -> list[Outcome]:
    """One outcome per fact, as received. The last also has the account of the call, and three findings."""
    call = account(facts)
    found = tuple(finding(call, standard) for standard in STANDARDS)
    return [
        *(Outcome(exchange, (fact,)) for fact in facts[:-1]),
        Outcome(exchange, (facts[-1],), found, (call,)),
    ]


@dataclass
class Daemon:
    """A daemon whose snapshot has these values (`MetricsSource`)."""

    calls: dict[tuple[str, str], int] = field(default_factory=dict)
    phones_by_state: dict[tuple[str, str], int] = field(default_factory=dict)
    heard: list[ExchangeStatus] = field(default_factory=list)
    open: dict[str, bool] = field(default_factory=dict)
    other: dict[str, int] = field(default_factory=dict)
    caught: int = 0
    shelf: ObligationIndex = field(default_factory=ObligationIndex)
    serving: dict[tuple[tuple[str, str], str], int] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)  # other fields of the snapshot
    lines: tuple[Line, ...] = ()
    is_leader: bool = True
    is_standby: bool = False

    def snapshot(self) -> DaemonSnapshot:
        return DaemonSnapshot(
            START,
            tuple(self._line(line.name) for line in self.lines),
            tuple(self.heard),
            CallbackStatus().updated(self.shelf),
            enabled={STANDARDS[0]: True, "feedback_offered": False},
            configured=self.lines,
            service_phones=self.serving,
            calls_other=self.other,
            internal_errors=self.caught,
            **self.more,
        )

    def _line(self, name: str) -> LineStatus:
        states = {state: self.calls.get((name, state), 0) for state in STATES}
        phones = {state: count for (line, state), count in self.phones_by_state.items() if line == name}
        is_open = self.open.get(name, False)
        return LineStatus(name, is_open, True, states, None, None, phones, "2026-11-24", {}, {}, (0, 0))

    def leads(self) -> bool:
        return self.is_leader

    def stands_by(self) -> bool:
        return self.is_standby


@contextmanager
def database(store: Database, max_waiting: int = 100_000) -> Iterator[Writer]:
    """A sink for this database, in groups of 10 ms."""
    sink = Writer(store, timedelta(milliseconds=10), max_waiting)
    try:
        yield sink
    finally:
        sink.close(SOON)


def wrote(store: Database, *items: Outcome, refused: int = 0) -> Figures:
    """A `Writer` commits all but `refused` of these as a batch; returns the figures."""
    sink = Writer(store)
    for item in items:
        sink.offer(item)
    assert sink.flush(SOON)
    sink.close(SOON)
    assert sink.refused() == refused
    return queries.counters(store)


def approve_by_sql(store: Database) -> None:
    """The verified months are approved in every table, by somebody without the key file."""
    with store.writing() as connection:
        for statement in (
            "INSERT INTO sign_off SELECT month, revision, 'approved', name, at + 1, who, sha256, mac "
            "FROM sign_off WHERE step = 'verified'",
            "INSERT INTO audit (at, who, act, about, address) SELECT at + 1, who, 'report approved', about, "
            "address FROM audit WHERE act = 'report verified'",
        ):
            connection.execute(text(statement))


def of_calls(count: int) -> list[Outcome]:
    """The outcomes of `count` calls, one after the other."""
    return [outcome for number in range(count) for outcome in outcomes(answered_call(number))]


def summed(items: list[Outcome]) -> Figures:
    """The figures that these outcomes add, each counted once."""
    total: Figures = {}
    for item in items:
        findings = [*item.findings, *(finding for written in item.ledger for finding in written.findings)]
        called_back = [written.entry for written in item.ledger if isinstance(written.entry, CalledBack)]
        figures = figures_of(item.calls, findings, item.gaps, called_back, item.disruptions)
        for figure, amount in figures.items():
            total[figure] = total.get(figure, 0.0) + amount
    return total


def rows(store: Database) -> dict[str, int]:
    """The number of rows of each table; `fact`: of facts."""
    with store.reading() as connection:
        counted = {
            name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()
            for name in METADATA.tables
        }
    return counted | {"fact": len(stored_facts(store))}


def stored_facts(store: Database) -> list[tuple[str, f.Fact]]:
    """All stored facts in the order of their calls, each with its exchange."""
    with store.reading() as connection:
        return facts_on(connection)


def facts_on(connection: Connection) -> list[tuple[str, f.Fact]]:
    """As `stored_facts`, in the current transaction."""
    question = (
        'SELECT "call", exchange, n, data, NULL FROM fact '
        'UNION ALL SELECT "call", exchange, n, NULL, data FROM open_call ORDER BY 1, 2, 3'
    )
    found = connection.execute(text(question)).all()
    return [(row[1], fact) for row in found for fact in facts_of(row[4] or bytes(row[3]), {})]


def until(condition: Callable[[], bool], seconds: float = SOON) -> bool:
    """Whether the condition becomes true within `seconds`. It may be true for a moment only."""
    end, pause = time.monotonic() + seconds, 0.01
    while not (is_true := condition()) and time.monotonic() < end:
        time.sleep(pause)
        pause = min(0.2, pause * 1.3)  # a condition may request a page from a process
    return is_true


@contextmanager
def plans(store: Database) -> Iterator[list[str]]:
    """How SQLite goes about each question that is asked meanwhile."""
    reported: list[str] = []

    def asked(
        connection: Any, cursor: Any, statement: str, parameters: Any, context: object, many: object
    ) -> None:
        if statement.startswith("SELECT"):
            rows = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            reported.extend(str(row[3]) for row in rows)

    event.listen(store.engine, "before_cursor_execute", asked)
    try:
        yield reported
    finally:
        event.remove(store.engine, "before_cursor_execute", asked)


@contextmanager
def steps(store: Database) -> Iterator[list[int]]:
    """One item for each step of SQLite's virtual machine while questions are asked in this thread."""
    taken: list[int] = []
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: taken.append(1), 1)  # None: go on
    try:
        yield taken
    finally:
        driver.set_progress_handler(None, 1)
