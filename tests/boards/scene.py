"""The run itself: a real Asterisk, callmon with its database, a real Prometheus, and the network cut once."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from click.testing import CliRunner
from sqlalchemy.engine import make_url

from callmon.main import main
from callmon.store.database import upgrade
from dashboards.source import PLACE
from dashboards.source.asking import Asked
from tests.boards.day import (
    CAPTURE,
    CUT,
    HEARD_AGAIN,
    RELAY,
    STAFF,
    TODAY,
    WITHIN,
    Happened,
    as_happened,
    before,
    complaints,
)
from tests.lab.exchange import Asterisk
from tests.lab.model import PlayedSituation
from tests.lab.play import Playing
from tests.lab.postgres import Postgres
from tests.lab.prometheus import Prometheus
from tests.lab.proxy import Proxy
from tests.support import year
from tests.support.daemon_process import ROUND_THE_CLOCK, Callmon, round_the_clock
from tests.support.year import TORONTO
from tests.support.year import rows as year_rows

NOTICE = {
    "reason_fr": "panne du fournisseur",
    "reason_en": "carrier failure",
    "alternative_fr": "composez le numéro sans frais",
    "alternative_en": "call the toll-free number",
}
TARGET = 'title_en = "General inquiries, Toronto"'
COUNTED_BEFORE = 20.0  # seconds before the moment, in which what the network carries is counted
SEEN_FOR = 5.0  # seconds that the first disruption lasts: a curve has a point every two seconds
HOLD = 50.0  # seconds after the first call
HELD_UP = 8.0  # seconds for which somebody else holds callmon's tables
INTO_IT = 3.5  # seconds after these began: nothing but heartbeats waits yet
SLACK = 0.5  # seconds from the exchange to callmon, on a busy machine
LASTS = 180.0  # seconds from the first row to the moment that the panels show, at most
HALF_HOUR = 1800.0
# Two days from now the office closes at noon: until then it is open round the clock.
NOON = "00:00-12:00"


Span = tuple[float, float]  # a command began and was over: what it did was done in between


@dataclass
class Scene:
    asked: Asked
    calls: list[Happened]  # that are over
    played: list[PlayedSituation]
    complaints: list[dict[str, str]]  # of the weeks before: standard → verdict
    begun: float  # of the first call, seconds since 1970
    callmon: Callmon
    closes: datetime
    # When a disruption of a line was told of; "LINE over": when it was ended; "cut", "heard again": the network;
    # "held up": the database, and the moment at which the sinks were looked at.
    reported: dict[str, Span]
    memory: float  # bytes of the process that listens
    started: float
    events: tuple[int, int]  # that the network had carried to callmon, at the earliest and at the latest look
    before_prometheus: int  # of these, before its first look
    language: str = "en"  # of the words in which the truth is told

    @property
    def up(self) -> list[Happened]:
        return [call for call in self.calls if not call.is_over]


def configured(callmon: Callmon, now: datetime) -> datetime:
    """The setting that this run needs, on any day; gives when the office closes next. Other days have the shipped
    hours: the last opening day is one of those that `before` tells.
    """
    text = callmon.config.read_text().replace(round_the_clock(), "closed_days_remove = []\n")
    today = now.astimezone(TORONTO).date()
    days = [f'{today + timedelta(days=n)} = "{ROUND_THE_CLOCK}"' for n in (0, 1)]
    days.append(f'{today + timedelta(days=2)} = "{NOON}"')
    target = "{ reach_a_person = { percent = 92.5, since = 2026-01-01, signed_by = 'A. Roy' } }"
    for shipped, here in (
        ('# within = "24h"', f'within = "{WITHIN}s"\n#'),
        ("[calendar.special_hours]", "[calendar.special_hours]\n" + "\n".join(days) + "\n#"),
        ('# survey_extensions = ["750"]', 'survey_extensions = ["620"]\n#'),
        ("# relay_numbers = [", f'relay_numbers = ["{RELAY}"]\n# relay = ['),
        (TARGET, f"{TARGET}\ntarget = {target}"),
        ("# minimum_sample = 20", "minimum_sample = 5 #"),
        ('# login = "md5"', 'ping_every = "1s"'),  # a quiet exchange then has a heartbeat each second
        ('numbers = ["416 327-2422"]', 'numbers = ["416 327-2422"]\nextensions = ["101", "102", "103"]'),
        ('numbers = ["1 800 267-7329"]', 'numbers = ["1 800 267-7329"]\nextensions = ["101", "102", "103"]'),
        ('numbers = ["1 866 853-2137"]', 'numbers = ["1 866 853-2137"]\nextensions = ["104"]'),
        ('numbers = ["1 866 214-6820"]', 'numbers = ["1 866 214-6820"]\nextensions = ["106"]'),
        ('numbers = ["416 325-0866"]', 'numbers = ["416 325-0866"]\nextensions = ["104"]'),
        ('numbers = ["416 327-0374"]', 'numbers = ["416 327-0374"]\nextensions = ["105", "106"]'),
    ):
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    for extension, languages in STAFF.items():
        reported = ", ".join(f'"{language}"' for language in languages.split())
        text += f'\n[[staff]]\nextension = "{extension}"\nlanguages = [{reported}]\n'
    callmon.config.write_text(text)
    noon = today + timedelta(days=2)
    return datetime(noon.year, noon.month, noon.day, 12, tzinfo=TORONTO)


def weeks_before(url: str, now: datetime) -> tuple[list[Happened], list[dict[str, str]]]:
    """The days before, as rows."""
    store, given = upgrade(url), year.settings()
    try:
        reported = list(before(now.astimezone(TORONTO), given))
        made = list(complaints(now, given))
        owings = ((one, findings, None) for one, findings, _ in made)
        year_rows.stored(store, given, reported, owings)  # type: ignore[arg-type]  # its truths are ours
    finally:
        store.close()
    return [as_happened(*one) for one in reported], [verdicts for *_, verdicts in made]


def command(callmon: Callmon, *words: str) -> str:
    """In this process: on a busy machine five more would take longer than the calls last."""
    arguments = ["disruptions", *words, "--json", "--config", str(callmon.config)]
    done = CliRunner().invoke(main, arguments, env={"LAB_SECRET": "x"}, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def wait_for_room() -> None:
    """No half hour ends within the calls, and so no day: one on the edge would be in the one or the other."""
    left = HALF_HOUR - time.time() % HALF_HOUR
    if left < LASTS:
        time.sleep(left + 0.1)


def on_time(at: float) -> None:
    """What calls go through is known by the second."""
    late = time.monotonic() - at
    assert late < 1, f"the machine was too busy: what was to happen during calls came {late:.1f} s too late"


def until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))


@contextmanager
def scene(asterisk: Asterisk, place: Path, is_postgres: bool = False) -> Iterator[Scene]:
    """Everything that has happened, at the moment when the panels are read. The default database is SQLite."""
    with ExitStack() as stack:
        url = stack.enter_context(Postgres()).url if is_postgres else f"sqlite:///{place / 'callmon.db'}"
        wait_for_room()
        calls, old_complaints = weeks_before(url, datetime.now(UTC))
        link = stack.enter_context(Proxy(asterisk.ami_port))
        callmon = Callmon(place, link.port, asterisk.secret, store=url)
        closes = configured(callmon, datetime.now(UTC))
        started = time.time()
        stack.enter_context(callmon)
        prometheus = stack.enter_context(Prometheus(f"127.0.0.1:{callmon.web_port}", []))
        while not prometheus.get("/api/v1/query?query=callmon_exchange_events_total")["data"]["result"]:
            time.sleep(0.1)
        unseen = link.events
        playing = stack.enter_context(Playing(asterisk, [one for one, _ in TODAY], 0.03, "own"))
        begun, start = time.time(), time.monotonic()
        reported = happens(callmon, link, start)
        reader = stack.enter_context(as_reader(url)) if is_postgres else None
        carried = counted(link, start + CAPTURE)
        on_time(start + CAPTURE)
        if reader is not None:
            still(reader)
        moment = time.time()
        asked = Asked(prometheus, reader, moment, moment - 30 * 86_400)
        events = (max(n for at, n in carried if at <= asked.looked - SLACK), link.events)
        calls += of_today(playing.calls)
        memory = float(Path(f"/proc/{callmon.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        yield Scene(
            asked, calls, playing.calls, old_complaints, begun, callmon, closes, reported, memory, started,
            events, unseen,
        )  # fmt: skip


def happens(callmon: Callmon, link: Proxy, start: float) -> dict[str, Span]:
    """What is no call: disruptions that staff tell of, a database that is held up, and the network."""
    reported: dict[str, Span] = {}
    until(start + 8)
    reported["tty"] = announced(callmon, "tty")
    (first,) = [json.loads(line)["id"] for line in command(callmon, "list").splitlines()]
    until(start + 8 + SEEN_FOR)
    began = time.time()
    command(callmon, "end", first, "--by", "m.tremblay")
    reported["tty over"] = began, time.time()
    reported["tty-toll-free"] = announced(callmon, "tty-toll-free")
    texts = [word for key, text in NOTICE.items() for word in (f"--{key.replace('_', '-')}", text)]
    reported["poci"] = announced(callmon, "poci", *texts, "--for", "2h")
    until(start + HOLD)
    on_time(start + HOLD)
    reported["held up"] = held_up(callmon)
    until(start + CUT)
    link.refuse()
    on_time(start + CUT)
    link.cut()
    reported["cut"] = link.last_said - SLACK, link.last_said + SLACK
    until(start + HEARD_AGAIN)
    allowed = time.time()
    link.allow()
    callmon.wait_until_heard()
    reported["heard again"] = allowed, time.time() + SLACK
    return reported


def held_up(callmon: Callmon) -> Span:
    """Somebody else has callmon's tables to themselves, while calls end."""
    if callmon.store.startswith("sqlite"):
        with closing(sqlite3.connect(callmon.store.removeprefix("sqlite:///"), autocommit=True)) as other:
            other.execute("BEGIN IMMEDIATE")
            return _held()
    with psycopg.connect(make_url(callmon.store).set(drivername="postgresql").render_as_string(False)) as other:
        other.execute('LOCK TABLE heartbeat, "call", finding, fact IN ACCESS EXCLUSIVE MODE')
        return _held()


def _held() -> Span:
    begun = time.time()
    time.sleep(HELD_UP)
    return begun, begun + INTO_IT


def announced(callmon: Callmon, line: str, *words: str) -> Span:
    began = time.time()
    command(callmon, "announce", "--line", line, *words, "--by", "m.tremblay")
    return began, time.time()


def still(reader: psycopg.Connection[Any]) -> None:
    """Whatever it asks from now on, and however long that takes, is answered as of this moment: calls go on."""
    reader.execute("SET idle_in_transaction_session_timeout = 0")  # of the role; one transaction serves all tests
    reader.autocommit = False
    reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    reader.execute("SELECT")


def counted(link: Proxy, at: float) -> list[tuple[float, int]]:
    """How many events the network had carried, ten times a second until then."""
    until(at - COUNTED_BEFORE)
    carried: list[tuple[float, int]] = []
    while time.monotonic() < at:
        carried.append((time.time(), link.events))
        time.sleep(0.1)
    return carried


@contextmanager
def as_reader(url: str) -> Iterator[psycopg.Connection[Any]]:
    plain = make_url(url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as owner:
        owner.execute((PLACE / "reader.sql").read_bytes())
    role = plain.set(username="callmon_boards").render_as_string(hide_password=False)
    with psycopg.connect(role, autocommit=True) as reader:
        yield reader


def of_today(played: list[PlayedSituation]) -> list[Happened]:
    """What the script made happen, with the times at which the callers' own side saw it."""
    truths = [happened for situation, happened in TODAY for _ in range(situation.copies)]
    found = []
    for call, happened in zip(played, truths, strict=True):
        if happened is not None:
            arrived, name = datetime.fromtimestamp(call.invited, UTC), call.situation.name
            found.append(replace(happened, arrived=arrived, ended=_at(call.ended), name=name))
    return found


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
