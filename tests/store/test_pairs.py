"""Two pairs of callmon in one PostgreSQL, each in a schema of its own, read each other's contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from callmon.core.outcome import Heartbeat, Outcome
from callmon.core.verdicts import Gap
from callmon.daemon import pairs
from callmon.daemon.pairs import PairReader
from callmon.daemon.tasks import Act
from callmon.store import notices
from callmon.store.database import Database, upgrade
from callmon.store.encryption import KeyRing
from callmon.store.pairs import contacts
from callmon.store.rejudge import counter_differences
from callmon.store.tables import CONTACT
from callmon.store.writer import transaction
from tests.support.fact_builder import CALLER, OTHER, Office
from tests.support.store_fixtures import RING, seconds, until, wrote
from tests.unit.test_contacts import DAY, HOUR, LATER, TUESDAY, pair

pytestmark = pytest.mark.parametrize(
    "url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)

NOW = TUESDAY + 2 * DAY  # when this pair reads


class Reading:
    """This pair: its office, its database, and what it reads of the pair `there`."""

    def __init__(self, store: Database, office: Office, *schemas: str) -> None:
        self.store, self.office = store, office
        self.reader = PairReader(schemas or ("there",), store, lambda: office.monitor, lambda: NOW)

    def read(self) -> Office:
        asyncio.run(self.reader.read(self._do))
        return self.office

    def _do(self, act: Act) -> None:
        for outcome in act(self.office.monitor):
            self.office._keep(outcome)


async def runs_until_paid(here: Reading, after_reading: Callable[[], object]) -> None:
    """The reader's task. `after_reading` is called after the first reading."""
    task = asyncio.create_task(here.reader.run(here._do))
    assert await asyncio.to_thread(until, lambda: here.reader._pairs[0].index is not None)
    await asyncio.to_thread(after_reading)
    assert await asyncio.to_thread(until, lambda: here.office.one().state == "paid")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def in_schema(store: Database, ring: KeyRing = RING) -> Database:
    with store.writing() as connection:
        connection.execute(text("CREATE SCHEMA there"))
    url = store.url.update_query_dict({"options": "-csearch_path=there"})
    return upgrade(url.render_as_string(hide_password=False), ring)


@pytest.fixture
def there(store: Database) -> Iterator[Database]:
    """The other pair's tables."""
    made = in_schema(store)
    yield made
    made.close()


def owing(store: Database) -> Reading:
    office = pair("there")
    return Reading(store, office.hear(office.message(TUESDAY)))


def heard_there(there: Database, *facts: object, office: Office | None = None) -> Office:
    """The other pair hears these calls, and stores what it makes of them."""
    other = office or pair("here")
    before = len(other.outcomes)
    other.hear(*facts)  # type: ignore[arg-type]
    wrote(there, *other.outcomes[before:])
    return other


def test_a_callback_that_the_other_pair_stores_is_read_once_and_pays(store: Database, there: Database) -> None:
    here = owing(store)
    assert here.read().one().state == "open"
    other = pair("here")
    heard_there(there, other.call_out(LATER), office=other)
    assert (here.read().one().state, here.office.one().phone) == ("paid", "there/102")
    reported = here.office.story()
    assert here.read().story() == reported
    wrote(store, *here.office.outcomes)
    assert counter_differences(store) == []


def test_a_commit_with_contacts_wakes_the_other_pair(
    store: Database, there: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "EVERY_SECONDS", 3600.0)
    here, other = owing(store), pair("here")
    asyncio.run(runs_until_paid(here, lambda: after_listening(there, other)))


def after_listening(there: Database, other: Office) -> None:
    """A callback is stored once the other pair listens."""
    question = text("SELECT count(*) FROM pg_stat_activity WHERE query = :it AND datname = current_database()")

    def listens() -> bool:
        with there.reading() as connection:
            return connection.execute(question, {"it": f"LISTEN {notices.CHANNEL}"}).scalar() == 1

    assert until(listens)
    heard_there(there, other.call_out(LATER), office=other)


@pytest.mark.parametrize("lost", ["notice", "session"])
def test_a_notice_that_is_lost_costs_time_only(
    store: Database, there: Database, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setattr(pairs, "EVERY_SECONDS", 0.1)
    if lost == "notice":
        monkeypatch.setattr(transaction, "TELL", "SELECT 1")
    else:
        monkeypatch.setattr(notices, "CHANNEL", "1")  # a syntax error
    here, other = owing(store), pair("here")
    asyncio.run(runs_until_paid(here, lambda: heard_there(there, other.call_out(LATER), office=other)))


def test_what_was_stored_before_the_start_is_read_for_known_obligations(store: Database, there: Database) -> None:
    other = pair("here")
    heard_there(there, other.call_out(LATER), other.call_out(LATER, number="9" + OTHER[2:]), office=other)
    assert owing(store).read().one().state == "paid"


def test_everything_is_read_again_after_the_ledger_was_replaced(store: Database, there: Database) -> None:
    here, other = owing(store), pair("here")
    here.read()
    heard_there(there, other.call_out(LATER), office=other)
    here.read()
    here.office.kept = {key: x for key, x in here.office.kept.items() if x.state == "open"}
    again = Office(here.office.settings)
    again.hear(again.message(TUESDAY))
    here.office = again
    here.reader._monitor = lambda: again.monitor
    assert here.read().one().state == "paid"


def test_more_contacts_than_are_read_at_once_are_all_read(
    store: Database, there: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "MOST_READ", 3)
    here, other = owing(store), pair("here")
    here.read()
    others = [other.call_out(LATER, number=f"9416555{n:04}") for n in range(100, 107)]
    heard_there(there, *(x for x in others if x[0][1].dialled != "94165550101"), office=other)  # type: ignore[attr-defined]
    heard_there(there, other.call_out(LATER), office=other)
    wrote(there, Heartbeat("toronto", LATER + HOUR))
    states, until = [], []
    for _ in range(3):
        states.append(here.read().one().state)
        until.append(here.reader.heard().get("there/toronto"))
    least = here.office.monitor.ledger.rules.talked_for
    assert states == ["open", "open", "paid"]
    assert until == [None, None, LATER + HOUR - least]  # not before all contacts until then are read


def test_a_verdict_waits_for_the_other_pair_and_its_gap_makes_it_unknown(store: Database, there: Database) -> None:
    here, due = owing(store), TUESDAY + DAY
    least = here.office.monitor.ledger.rules.talked_for
    wrote(there, Heartbeat("toronto", due))
    here.read().tick(due + HOUR, here.reader.heard())
    assert here.office.verdicts() == []
    wrote(there, Outcome("toronto", gaps=(Gap("toronto", LATER, LATER + HOUR),)))
    wrote(there, Heartbeat("toronto", due + least + seconds(1)))
    here.read().tick(due + HOUR, here.reader.heard())
    assert here.office.verdicts() == [("unknown", "gap")]


def test_a_pair_that_stores_nothing_is_silent_after_a_minute(
    store: Database, there: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(pairs, "monotonic", lambda: now[0])
    here = owing(store)
    wrote(there, Heartbeat("toronto", datetime.now(UTC)))
    here.read()
    for waits, silent in ((59.0, []), (2.0, ["there/toronto"])):
        now[0] += waits
        here.read()
        assert here.reader.silent() == silent
    wrote(there, Heartbeat("toronto", datetime.now(UTC)))
    here.read()
    assert here.reader.silent() == []


def test_an_exchange_silent_for_a_week_is_no_longer_waited_for(store: Database, there: Database) -> None:
    here, now = owing(store), NOW
    wrote(there, Heartbeat("toronto", now), Heartbeat("kingston", now - timedelta(days=8)))
    here.read()
    assert [*here.reader.heard()] == ["there/toronto"]


def test_a_pair_that_cannot_be_read_is_a_remark_and_keeps_verdicts_open(store: Database) -> None:
    here = owing(store)
    here.read()
    (remark,) = here.reader.remarks()
    assert remark.startswith(f"pair there: the database {store} cannot be used: ")
    assert [*here.reader.heard()] == ["there"]
    made = in_schema(store)
    here.read()
    made.close()
    assert here.reader.remarks() == []


def test_numbers_under_another_key_are_not_compared(store: Database) -> None:
    made = in_schema(store, KeyRing([bytes(range(1, 33))]))
    other = pair("here")
    heard_there(made, other.message(TUESDAY), other.call_out(LATER), office=other)
    here = owing(store)
    assert (here.read().one().state, here.reader.remarks()) == (
        "open",
        ["pair there: it has another key for numbers: both need the same privacy.key_file"],
    )
    made.close()


def stored(store: Database) -> list[str]:
    with store.reading() as connection:
        return list(connection.scalars(select(CONTACT.c.token).order_by(CONTACT.c.n)))


def test_a_contact_is_stored_once_and_deleted_after_thirty_five_days(store: Database) -> None:
    office = pair("there")
    office.hear(office.call_out(LATER), office.call_in(LATER + 35 * DAY, caller=OTHER))
    first, second = (x for x in office.outcomes if x.contacts)
    wrote(store, first)
    wrote(store, first)
    assert stored(store) == [CALLER]
    wrote(store, second)
    assert stored(store) == [CALLER, OTHER]
    office.hear(office.call_in(LATER + 35 * DAY + HOUR, caller=OTHER))
    wrote(store, [x for x in office.outcomes if x.contacts][-1])
    assert stored(store) == [OTHER, OTHER]
