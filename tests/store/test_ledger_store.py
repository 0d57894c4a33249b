"""The ledger in the database: each entry once, what people ask for in order, no number where none belongs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import text

from callmon.core import facts as f
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.callbacks.obligation import after, opened
from callmon.store.commands import CALLBACK_QUEUE, pending_callback_commands, queue_callback_command
from callmon.store.database import Database
from callmon.store.encryption import keyed_hash
from callmon.store.queries import calls, obligations
from callmon.store.rejudge import counter_differences
from callmon.store.writer.writer import Writer
from tests.support.fact_builder import CALLER, OTHER, Office, local
from tests.support.store_fixtures import database, wrote

TUESDAY = local("2026-11-24 10:00")
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(hours=24)
THIRD = "+14165550103"
KEY = keyed_hash(b"a key")


def an_office() -> Office:
    """Messages repeated, paid, attempted, closed and late; one with a number of its own; a complaint."""
    office = Office()
    asked = f.CallbackRequested("1700000099.0", TUESDAY, THIRD, "fr")
    office.hear(
        office.message(TUESDAY, language="fr"), office.message(TUESDAY + HOUR), office.message(TUESDAY, OTHER),
        office.message(TUESDAY, None, withheld="withheld"), office.message(TUESDAY, OTHER, "poci"),
        [office.arrival("1700000099.0", TUESDAY, "tty", None, withheld="unknown"), (TUESDAY, asked)],
        office.call_out(TUESDAY + 2 * HOUR), office.call_out(None, rang_at=TUESDAY + HOUR, rang=30),
    )  # fmt: skip
    office.hand("close", TUESDAY + 3 * HOUR, "1700000003.0", reason="no_request")
    office.hand("mark", TUESDAY + 3 * HOUR, "1700000005.0", cautions=("not_safe",))
    return office.tick(TUESDAY + 2 * DAY)


def kept(office: Office, into: Database) -> None:
    wrote(into, *office.outcomes)


def give(office: Office, sink: Writer) -> None:
    for outcome in office.outcomes:
        sink.offer(outcome)
    assert sink.flush(120)


def test_what_stands_is_stored_beside_the_entries_that_make_it(store: Database) -> None:
    office = an_office()
    kept(office, store)
    stored = {x.obligation.key: x.obligation for x in obligations.obligations(store, state=None)}
    assert stored == office.kept
    for key, one in stored.items():
        first, *rest = [x for x in obligations.ledger_entries(store, one.call, key[0]) if x.obligation == one.id]
        made = opened(first, one.token)  # type: ignore[arg-type]
        for entry in rest:
            made = after(made, entry)
        assert msgspec.structs.replace(made, judged=one.judged) == one
    assert [len(obligations.obligations(store)), len(obligations.live_obligations(store))] == [3, 3]
    assert counter_differences(store) == []


def test_verdicts_and_the_delay_are_counted_with_their_rows(store: Database) -> None:
    office = an_office()
    kept(office, store)
    figures = calls.counters(store)
    assert (
        sum(n for key, n in figures.items() if key[:2] == ("callmon_verdicts_total", "callback_within_24_hours"))
        == 5
    )
    assert figures["callmon_callback_delay_seconds", "general", "fr", "sum"] == 2 * 3600.0


def test_no_number_is_anywhere_but_in_its_own_column(store: Database) -> None:
    office = an_office()
    hashed = Office()
    hashed.monitor.ledger.token = KEY
    hashed.hear(hashed.message(TUESDAY, OTHER, call="1700000055.0"))
    office.outcomes = [*hashed.outcomes]
    kept(office, store)
    with store.reading() as connection:
        for table in ("fact", "call", "ledger", "obligation", "hand", "finding"):
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).fetchall()
            assert [row for row in rows if "5550102" in str(tuple(row))] == []
        assert connection.execute(text("SELECT COUNT(*) FROM number")).scalar() == 1


def test_numbers_are_listed_when_asked_for_and_never_one_that_is_hidden(store: Database) -> None:
    kept(an_office(), store)
    found = {
        x.obligation.id: (x.number, x.other) for x in obligations.obligations(store, state=None, numbers=True)
    }
    assert found == {
        "1700000001.0": (CALLER, None), "1700000003.0": (OTHER, None), "1700000004.0": (None, None),
        "1700000005.0": (OTHER, None), "1700000099.0": (None, THIRD),
    }  # fmt: skip
    assert {x.number for x in obligations.obligations(store, state=None)} == {None}


def test_what_people_ask_for_is_read_in_order_and_once(store: Database) -> None:
    office = Office()
    office.hear(office.message(TUESDAY))
    kept(office, store)
    asked: dict[str, Any] = {
        "at": TUESDAY + HOUR,
        "actor": "m",
        "exchange": "toronto",
        "obligation": "1700000001.0",
    }
    hands = [
        CallbackCommand(action="mark", **asked, other_number=True),
        CallbackCommand(action="close", reason="no_request", **asked),
    ]
    assert [queue_callback_command(store, hands[0], OTHER).n, queue_callback_command(store, hands[1]).n] == [1, 2]
    read = pending_callback_commands(store, 0, str)
    assert [(hand.n, hand.action, hand.token) for hand, _ in read] == [(1, "mark", OTHER), (2, "close", None)]
    assert [stored and stored.id for _, stored in read] == ["1700000001.0"] * 2
    assert CALLBACK_QUEUE.last_applied(store) == 0
    wrote(
        store,
        *(outcome for hand, stored in read for outcome in office.monitor.apply_callback_command(hand, stored)),
    )
    assert (CALLBACK_QUEUE.last_applied(store), pending_callback_commands(store, 2, str)) == (2, [])
    assert [x.obligation.state for x in obligations.obligations(store, state=None)] == ["closed"]


def test_a_daemon_takes_up_cautions_and_what_was_seen_of_a_number(store: Database) -> None:
    kept(an_office(), store)
    assert obligations.cautions(store) == [(OTHER, ("not_safe",))]
    seen = sorted(obligations.recent_messages(store, TUESDAY - DAY))
    assert seen == [(CALLER, TUESDAY, "general"), (CALLER, TUESDAY + HOUR, "general"), (OTHER, TUESDAY, "general"),
                    (OTHER, TUESDAY, "poci"), (THIRD, TUESDAY, "tty")]  # fmt: skip
    assert list(obligations.recent_messages(store, TUESDAY + 2 * HOUR)) == []


def test_numbers_are_known_by_the_key_file_and_without_one_by_chance(store: Database) -> None:
    assert obligations.token_function(store)(CALLER) == store.ring.token(CALLER)
    without = Database(store.url)
    assert len({obligations.token_function(without)(CALLER) for _ in range(2)}) == 2


def test_a_number_in_a_request_comes_back_where_it_is_asked_for(store: Database) -> None:
    kept(an_office(), store)
    (reported,) = calls.stored_calls(store, "1700000099.0")
    (with_number,) = calls.stored_calls(store, "1700000099.0", numbers=True)
    numbers = [
        [x.number for x in call.facts if isinstance(x, f.CallbackRequested)] for call in (reported, with_number)
    ]
    assert numbers == [["outside"], [THIRD]]


def test_an_outcome_that_the_database_refuses_takes_no_other_with_it(store: Database) -> None:
    office = an_office()
    bad = msgspec.structs.replace(office.outcomes[0], exchange="\0")
    with database(store) as sink:
        sink.offer(bad)
        give(office, sink)
    assert len(obligations.obligations(store, state=None)) == 5
