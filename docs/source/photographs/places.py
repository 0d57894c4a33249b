"""The sites that are photographed: the same calls, told by callmon in each state that it can be in."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from callmon.config.settings import Settings
from callmon.store import opening
from callmon.tools.demo.exchange import DemoExchange
from docs.source.photographs.filling import fill
from tests.support.daemon_process import Callmon
from tests.support.pages_daemon import ROLES, Site, disrupted, person
from tests.support.sign_in_app import with_accounts
from tests.support.store_fixtures import database, until

ZONE = ZoneInfo("America/Toronto")
OF_A_REPORT = ("call", "finding")
ACCOUNTS = "\n[web.access]\naccounts = true\n"
TARGETS = """
[lines.general.target.answer_by_third_ring]
percent = 90
since = 2026-01-01
signed_by = "la directrice"
"""
LEAD = person("g.lavoie", "managers")


class Seen(NamedTuple):
    """A site, and the names of what is there by what it shows."""

    site: Site
    names: dict[str, str]


@contextmanager
def exchange() -> Iterator[DemoExchange]:
    """One that plays calls, in a thread of its own, so that something rings."""
    loop, made = asyncio.new_event_loop(), DemoExchange()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.__aenter__(), loop).result(10)
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(made.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def place(folder: Path, name: str, heard: DemoExchange | None, more: str = ROLES, **replaced: str) -> Site:
    """Not running yet."""
    where = folder / name
    where.mkdir(parents=True)
    site = Site(where, more)
    if heard is not None:
        Callmon.__init__(site, where, heard.port, heard.secret, more=more)
    text = site.config.read_text(encoding="utf-8")
    for old, new in replaced.items():
        assert f"{old} = " in text, old
        text = "\n".join(f"{old} = {new}" if line.startswith(f"{old} = ") else line for line in text.split("\n"))
    site.config.write_text(text, encoding="utf-8")
    return site


@contextmanager
def seen(site: Site, is_filled: bool = True, disruption: bool = False) -> Iterator[Seen]:
    """It runs, over its database."""
    settings: Settings = site.settings()
    now = datetime.now(UTC).replace(microsecond=0)
    store = opening.open_for_writing(settings)
    names = fill(store, settings, now) if is_filled else {}
    if settings.web.access.accounts:
        with_accounts(store)
    if disruption:
        with database(store) as sink:
            for outcome in disrupted(now):
                sink.offer(outcome)
            assert sink.flush(20)
    store.close()
    try:
        site.start(until_heard=False)
        assert until(lambda: site.get("/healthz")[0] in (200, 503)), site.log.read_text()
        if not is_never_heard(site):
            site.wait_until_heard()
        yield Seen(site, names)
    finally:
        site.end_everything()


def is_never_heard(site: Site) -> bool:
    """Whether nobody listens at its exchange's port (9)."""
    return "\nport = 9\n" in site.config.read_text(encoding="utf-8")


def announce(seen_: Seen) -> None:
    """What people say of disruptions: one going on, one planned, one over."""
    zone = seen_.site.settings().timezone
    now = datetime.now(zone)

    def field(hours: float) -> str:
        return (now + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")

    words = {
        "reason_fr": "panne d'électricité dans l'édifice", "reason_en": "power failure in the building",
        "alternative_fr": "composez le numéro sans frais", "alternative_en": "call the toll-free number",
    }  # fmt: skip
    work = {"reason_fr": "entretien du système téléphonique", "reason_en": "maintenance of the telephone system"}
    reported = (
        ("going", {"action": "announce", "line": "tty", "start": field(-1.2), "until": field(2)} | words),
        ("planned", {"action": "plan", "line": "poci", "start": field(30), "until": field(33)} | work),
        ("bare", {"action": "announce", "line": "poci-toll-free", "start": field(-0.5)}),
        ("ended", {"action": "announce", "line": "general-toll-free", "start": field(-4)} | words),
    )
    with seen_.site.visitor(LEAD) as visitor:
        token = seen_.site.csrf(visitor, "/fr/perturbations")
        for name, fields in reported:
            made = visitor.post("/fr/perturbations", data={"csrf": token} | fields)
            assert made.status_code == 303, made.text
            path = made.headers["location"].partition("?")[0]
            seen_.names[f"disruption.{name}"] = path.rsplit("/", 1)[1]
        ended = visitor.post(path, data={"csrf": token, "action": "end", "when": field(-2)})
        assert ended.status_code == 303, ended.text


def take_away(site: Site, only: tuple[str, ...] = ()) -> None:
    """The database answers nothing any more, or nothing of these tables."""
    with closing(sqlite3.connect(site.place / "callmon.db", timeout=30)) as connection, connection:
        named = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        for (name,) in named.fetchall():
            if (not only or name in only) and not name.startswith("away_"):
                connection.execute(f'ALTER TABLE "{name}" RENAME TO "away_{name}"')


def hours(now: datetime, is_open: bool) -> str:
    """Each day's: such that `now` lies within them, or not."""
    usual = (8.5, 17.0)
    within = usual if usual[0] < now.hour < usual[1] - 1 else (0.0, 24.0)
    without = (now.hour + 2, 23.5) if now.hour < 12 else (0.5, now.hour - 1)
    opens, closes = within if is_open else without
    reported = "-".join(f"{int(hour):02d}:{int(hour % 1 * 60):02d}" for hour in (opens, closes))
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    return "{ " + ", ".join(f'{day} = "{reported}"' for day in days) + " }"
