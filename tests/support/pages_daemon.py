"""A site to look at: `callmon run` over a database with calls, callbacks and disruptions; people with roles.

Roles come in headers, as from a reverse proxy. No server listens at the exchange's port, so the pages show the
exchange as unheard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from callmon.config.settings import Settings
from callmon.core import facts as f
from callmon.core.outcome import Outcome
from callmon.store import opening
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.store.sign_off import keep_prepared
from tests.support.fact_builder import CALLER, OTHER, TORONTO, Office
from tests.support.forked_daemon import WarmCallmon
from tests.support.simulated_exchange import SimulatedExchange
from tests.support.store_fixtures import account, answered_call, outcomes, until, wrote
from tests.unit.test_disruptions import well

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ROLES = """
[web.access.proxy]
addresses = ["127.0.0.1"]
header = "X-Remote-User"
groups_header = "X-Remote-Groups"
[web.access.roles]
viewer = ["*"]
agent = ["agents"]
manager = ["managers"]
administrator = ["administrators"]
"""
NUMBERS = (CALLER, OTHER)
SIGNED = {"month": "2026-10", "revision": "1", "file": "callmon-2026-10-r1.json"}  # prepared, by nobody who visits
CSRF = re.compile(r'name="csrf" value="([^"]+)"')
Headers = dict[str, str]


def person(name: str, *groups: str) -> Headers:
    """The proxy's headers for one user."""
    return {"X-Remote-User": name, "X-Remote-Groups": ",".join(groups)}


EVERYTHING = person("m.tremblay", "agents", "managers", "administrators")


def fill(store: Database, now: datetime) -> None:
    """A morning: a dozen calls, one through a gap; callbacks, one of two messages; a disruption."""
    begin = now - 2 * HOUR
    office = Office()
    office.hear(
        office.message(begin, language="fr"),
        office.message(begin + 10 * MINUTE),
        office.message(begin + 20 * MINUTE, OTHER, "poci"),
        office.message(begin + 25 * MINUTE, None, withheld="withheld"),
        office.call_in(begin + 30 * MINUTE, OTHER, "tty"),
    )
    reported = [outcome for number in range(12) for outcome in outcomes(answered_call(number, begin))]
    wrote(store, *reported, *_gapped(begin + 40 * MINUTE), *office.outcomes, *disrupted(now))
    audit_event = AuditRow(at=now, who="g.lavoie", act="")
    keep_prepared(store, SIGNED["month"], 1, [(SIGNED["file"], b"{}")], audit_event)


def _gapped(at: datetime) -> list[Outcome]:
    """A call with a gap in its events."""
    call, channel = "1795500000.1", "PJSIP/trunk-00000099"
    reported: list[f.Fact] = [
        f.Arrived(call, at, "inbound", "general", "4163272422", CALLER, None, channel),
        f.PhoneRang(call, at + timedelta(seconds=1), "101", "PJSIP/101-00000099"),
        f.Unheard(call, at + timedelta(seconds=9), at + timedelta(seconds=40)),
        f.Ended(call, at + timedelta(seconds=50), "caller"),
    ]
    return outcomes(reported)


def disrupted(now: datetime) -> list[Outcome]:
    """The exchange stopped twenty minutes ago."""
    heard: SimulatedExchange = well(now - 20 * MINUTE).shut_down().passes(1)
    return list(heard.outcomes)


class Site(WarmCallmon):
    """The same daemon, with the headers that a browser would send."""

    def __init__(self, place: Path, more: str = ROLES) -> None:
        super().__init__(place, 9, "secret", more=more)
        self.filled_at = datetime.now(UTC).replace(microsecond=0)

    @property
    def month(self) -> str:
        """In which the calls of `fill` begin: in the first two hours of a month, the month before."""
        return f"{(self.filled_at - 2 * HOUR).astimezone(TORONTO):%Y-%m}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def visitor(self, headers: Headers | None = None) -> httpx.Client:
        return httpx.Client(base_url=self.address, headers=EVERYTHING if headers is None else headers, timeout=60)

    def csrf(self, visitor: httpx.Client, path: str = "/fr/rappels") -> str:
        found = CSRF.search(visitor.get(path).text)
        assert found is not None
        return found[1]


@contextmanager
def site(
    place: Path, more: str = ROLES, filled: Callable[[Database, Settings], None] | None = None
) -> Iterator[Site]:
    """A running site, over a filled database."""
    running = Site(place, more)
    settings: Settings = running.settings()
    store = opening.open_for_writing(settings)
    if filled is None:
        fill(store, running.filled_at)
    else:
        filled(store, settings)
    store.close()
    try:
        running.start(until_heard=False)
        assert until(lambda: running.get("/healthz")[0] in (200, 503)), running.log.read_text()
        yield running
        assert "Traceback" not in running.log.read_text(), running.log.read_text()
    finally:
        running.end_everything()


CALL = account(answered_call(0)).call
GAPPED = "1795500000.1"
