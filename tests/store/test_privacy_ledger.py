"""Numbers of open callbacks: known under every key, kept while open, corrected, disposed of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text, update

from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.obligation import Obligation
from callmon.core.monitor import Monitor
from callmon.store.commands import CALLBACK_QUEUE, pending_callback_commands, queue_callback_command
from callmon.store.database import Database, open_store
from callmon.store.encryption import KeyRing
from callmon.store.privacy import subject_access
from callmon.store.privacy.key_rotation import rotate
from callmon.store.privacy.retention import Disposal, count_due, purge
from callmon.store.queries import obligations
from callmon.store.tables import OBLIGATION
from tests.store.test_privacy import BOTH, DAYS_400, NEW, look, terms
from tests.support.fact_builder import CALLER, OTHER, Office, local
from tests.support.store_fixtures import RING, wrote

TUESDAY = local("2026-11-24 10:00")
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(days=1)
NUMBER = "9" + CALLER[2:]


def an_office(ring: KeyRing = RING) -> Office:
    office = Office()
    office.monitor = Monitor(office.settings, "toronto", token=ring.token)
    return office


def owing() -> Office:
    """A message was left on Tuesday."""
    office = an_office()
    return office.hear(office.message(TUESDAY))


def stored(office: Office, into: Database) -> Office:
    """All that it made of what it heard is in the database, and it begins anew with nothing to store."""
    wrote(into, *office.outcomes)
    office.outcomes = []
    return office


def begun_anew(office: Office, after: Database) -> Office:
    """The daemon is started again, with the keys of this store."""
    office.monitor = Monitor(office.settings, "toronto", token=obligations.token_function(after))
    obligations.restore_ledger(after, office.monitor.ledger, ["toronto"], TUESDAY + DAY)
    return office


def tokens(store: Database) -> list[Any]:
    with store.reading() as connection:
        return list(connection.execute(select(OBLIGATION.c.token).order_by(OBLIGATION.c.opened)).scalars())


def stored_obligations(store: Database) -> list[Obligation]:
    return [x.obligation for x in obligations.obligations(store, state=None)]


def done_by_hand(office: Office, store: Database, after: int = 0) -> None:
    """What was asked is done, as the daemon does it."""
    for hand, one in pending_callback_commands(store, after, obligations.token_function(store)):
        office.outcomes += office.monitor.apply_callback_command(hand, one)
    stored(office, store)


# Keys.


def test_what_is_due_is_known_by_the_key_and_by_nothing_in_the_database(store: Database) -> None:
    stored(owing(), store)
    assert tokens(store) == [RING.token(CALLER)]
    with store.reading() as connection:
        assert connection.execute(text("SELECT * FROM obligation")).fetchall() != []
        names = connection.execute(text("SELECT name FROM number_key")).scalars().all()
    assert list(names) == [RING.name]


def test_a_debt_from_before_the_key_was_changed_is_paid_after_it(store: Database, url: str) -> None:
    office = stored(owing(), store)
    both = open_store(url, BOTH)
    begun_anew(office, both).hear(office.call_out(TUESDAY + HOUR, number=NUMBER))
    stored(office, both)
    assert [one.state for one in stored_obligations(both)] == ["paid"]
    assert tokens(both) == [NEW.token(CALLER)]
    both.close()


def test_another_message_after_the_key_was_changed_is_no_second_debt(store: Database, url: str) -> None:
    office = stored(owing(), store)
    both = open_store(url, BOTH)
    stored(begun_anew(office, both).hear(office.message(TUESDAY + HOUR)), both)
    assert [one.count for one in stored_obligations(both)] == [2]
    both.close()


def test_a_debts_token_moves_with_its_number_and_again_after_a_revert(store: Database, url: str) -> None:
    office = an_office()
    stored(office.hear(office.message(TUESDAY), office.message(TUESDAY + HOUR, OTHER)), store)
    both = open_store(url, BOTH)
    list(rotate(both))
    moved = [NEW.token(CALLER), NEW.token(OTHER)]
    assert tokens(both) == moved
    with both.writing() as connection:
        back = update(OBLIGATION).where(OBLIGATION.c.token == moved[0]).values(token=RING.token(CALLER))
        connection.execute(back)
    assert tokens(both)[0] == RING.token(CALLER)
    list(rotate(both))
    assert tokens(both) == moved
    both.close()


def test_another_number_that_was_given_is_encrypted_and_found_again(store: Database, url: str) -> None:
    stored(owing(), store)
    hand = CallbackCommand(
        at=TUESDAY + HOUR,
        actor="m",
        action="mark",
        exchange="toronto",
        obligation="1700000001.0",
        other_number=True,
    )
    queue_callback_command(store, hand, OTHER)
    both = open_store(url, BOTH)
    list(rotate(both))
    ((read, _),) = pending_callback_commands(both, 0, obligations.token_function(both))
    assert read.token == NEW.token(OTHER)
    assert [x.other for x in obligations.obligations(both, numbers=True)] == [OTHER]
    both.close()


# Disposal.


def test_a_number_to_which_a_callback_is_due_is_stored_however_long(store: Database) -> None:
    stored(owing(), store)
    assert count_due(store, TUESDAY + 4000 * DAY) == Disposal()


def test_a_callback_is_a_use_of_the_number(store: Database) -> None:
    office = an_office()
    paid = TUESDAY + 300 * DAY
    stored(office.hear(office.message(TUESDAY), office.call_out(paid, number=NUMBER)), store)
    assert [one.state for one in stored_obligations(store)] == ["paid"]
    assert [count_due(store, paid + x * SECOND).numbers for x in (0, 1)] == [0, 1]
    assert purge(store, terms(paid + DAYS_400)).numbers == 0
    assert purge(store, terms(paid + DAYS_400 + SECOND)).numbers == 1
    assert not [x for x in obligations.obligations(store, state=None, numbers=True) if x.number is not None]


def test_what_was_paid_is_erased_by_the_daemon_and_its_state_stays(store: Database) -> None:
    office = an_office()
    stored(office.hear(office.message(TUESDAY), office.call_out(TUESDAY + HOUR, number=NUMBER)), store)
    now = TUESDAY + 500 * DAY
    assert purge(store, terms(now)).numbers == 3  # as it came, as it was dialled, and the phone that dialled it
    done_by_hand(begun_anew(office, store), store)
    assert [(one.state, one.is_erased, one.token) for one in stored_obligations(store)] == [("paid", True, None)]
    assert tokens(store) == [None]
    assert purge(store, terms(now)) == Disposal()
    assert pending_callback_commands(store, CALLBACK_QUEUE.last_applied(store), str) == []


def test_a_number_is_counted_once_though_its_debt_is_not_erased_yet(store: Database) -> None:
    office = an_office()
    stored(office.hear(office.message(TUESDAY), office.call_out(TUESDAY + HOUR, number=NUMBER)), store)
    now = TUESDAY + 500 * DAY
    assert [purge(store, terms(now)).numbers for _ in range(2)] == [3, 0]


# One person.


def test_what_is_due_to_a_number_is_found_and_a_correction_used(store: Database) -> None:
    office = an_office()
    stored(office.hear(office.message(TUESDAY), office.message(TUESDAY, "+14165550133", "poci")), store)
    assert [x.obligation.line for x in subject_access.obligations_of_number(store, [CALLER])] == ["general"]
    assert subject_access.correct_number(store, [CALLER], OTHER, look()) == 1
    done_by_hand(begun_anew(office, store), store)
    stored(office.hear(office.call_out(TUESDAY + HOUR, number="9" + OTHER[2:])), store)
    assert sorted((one.line, one.state) for one in stored_obligations(store)) == [
        ("general", "paid"),
        ("poci", "open"),
    ]
