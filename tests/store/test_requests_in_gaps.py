"""A callback that the caller asked for by UserEvent: CEL names the step, and a gap does not hide the request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest

from callmon.backfill.cel.rows import CelRow
from callmon.backfill.job import Backfill
from callmon.backfill.merge import merged
from callmon.config.settings import Settings, example, example_text, parse
from callmon.core import facts as f
from callmon.core.callbacks.commands import CallbackCommand
from callmon.core.calls.call import DurationRange
from callmon.core.facts import Fact
from callmon.core.monitor import Monitor
from callmon.store.commands import pending_callback_commands
from callmon.store.database import Database
from callmon.store.queries import obligations
from callmon.store.queries.obligations import WorklistItem
from tests.recordings.test_cel import concluded, reported, rows_of
from tests.recordings.test_traces import TRACES
from tests.support.store_fixtures import EXCHANGE, account, stored_facts, wrote

CALL, CALLER, OTHER = "lab-1795528171.63", "+14165550101", "+14165550152"
ROWS = rows_of(TRACES / "queue_abandon" / "cel.csv")
LEFT = next(row for row in ROWS if row.kind == "APP_END" and row.app == "Queue")
ASKED = "CallmonCallbackRequest,Language: fr"


def asking(data: str = ASKED) -> list[CelRow]:
    """The caller leaves the queue by a key. Behind it the dialplan runs UserEvent; the end is a second later."""
    place = ROWS.index(LEFT) + 1
    steps = [msgspec.structs.replace(LEFT, kind=x, app="UserEvent", data=data) for x in ("APP_START", "APP_END")]
    rest = [msgspec.structs.replace(row, at=row.at + timedelta(seconds=1)) for row in ROWS[place:]]
    return [msgspec.structs.replace(row, n=n) for n, row in enumerate([*ROWS[:place], *steps, *rest])]


def filled(store: Database, rows: Iterable[CelRow], settings: Settings) -> list[CallbackCommand]:
    list(Backfill(settings, store, EXCHANGE).run(rows))
    return [command for command, _ in pending_callback_commands(store, 0, store.ring.token)]


def worklist_item(store: Database, commands: Iterable[CallbackCommand], settings: Settings) -> WorklistItem:
    """The only entry, after the daemon has applied the commands."""
    monitor = Monitor(settings, token=store.ring.token)
    for command in commands:
        wrote(store, *monitor.apply_callback_command(command))
    (one,) = obligations.obligations(store, numbers=True)
    return one


@pytest.mark.parametrize(("number", "called"), [("", CALLER), (",Number: 4165550152", OTHER)])
def test_a_callback_that_was_asked_for_in_a_gap_is_due(store: Database, number: str, called: str) -> None:
    one = worklist_item(store, filled(store, asking(ASKED + number), example()), example())
    entry = one.obligation
    assert (entry.opening, entry.language, entry.opened, entry.hidden) == ("request", "fr", LEFT.at, None)
    assert (one.other or one.number, entry.token) == (called, store.ring.token(called))
    assert "4165550152" not in repr(stored_facts(store))


def test_the_verdict_is_that_of_a_caller_who_asked() -> None:
    reasons = concluded(reported(asking())[CALL])["reasons"]
    assert reasons["answer_by_third_ring"] == reasons["reach_a_person"] == "asked to be called back"


def test_without_the_step_in_cel_nothing_is_due(store: Database) -> None:
    assert filled(store, ROWS, example()) == []


def test_a_keyed_in_number_is_not_stored_where_the_site_wants_none(store: Database) -> None:
    settings = parse(example_text() + '\n[exchanges.toronto.cel]\nfile = "/none.csv"\nnumbers = false\n')
    one = worklist_item(store, filled(store, asking(f"{ASKED},Number: 4165550152"), settings), settings)
    assert (one.obligation.opening, one.obligation.hidden) == ("request", "unknown")
    assert (one.number, one.other) == (None, None)


def heard(asked: f.CallbackRequested | None, lost: timedelta) -> list[Fact]:
    """The call until the connection was lost, so long after the key."""
    facts = [
        x for x in reported(ROWS)[CALL] if x.at is not None and x.at < LEFT.at and not isinstance(x, f.Filled)
    ]
    gap = f.Unheard(CALL, LEFT.at + lost, None)
    return [*facts, *([] if asked is None else [asked]), gap, f.Ended(CALL, None, "unknown", "unheard")]


@pytest.mark.parametrize("was_heard", [True, False])
def test_a_request_is_reported_once_whether_it_was_received_or_not(was_heard: bool) -> None:
    own = f.CallbackRequested(CALL, LEFT.at + timedelta(seconds=0.001), None, "fr")
    given = heard(own, timedelta(seconds=0.1)) if was_heard else heard(None, timedelta(seconds=-0.1))
    (one,) = (x for x in merged(given, reported(asking())[CALL]) if isinstance(x, f.CallbackRequested))
    assert one == (own if was_heard else f.CallbackRequested(CALL, LEFT.at, None, "fr"))


def test_a_request_that_was_received_is_not_due_again(store: Database) -> None:
    own = f.CallbackRequested(CALL, LEFT.at, None, "fr")
    outcome = Monitor(example(), EXCHANGE, token=str).retell(EXCHANGE, heard(own, timedelta(seconds=0.1)))
    assert outcome is not None
    wrote(store, outcome)
    assert filled(store, asking(), example()) == []


def test_voicemail_by_userevent_says_that_no_message_was_left() -> None:
    by_event = reported(asking("CallmonVoicemail,Status: FAILED"))[CALL][1]
    assert isinstance(by_event, f.Filled)
    assert by_event.message is True


@pytest.mark.parametrize(("asked", "waited"), [(12, (7, 10)), (3, (0, 1))])
def test_the_wait_until_the_request_is_a_span_where_its_start_is_one(asked: int, waited: tuple[int, int]) -> None:
    """A phone began to ring in a gap of three seconds."""
    arrival = next(x for x in heard(None, timedelta()) if isinstance(x, f.Arrived))
    assert arrival.at is not None
    rang, key, end = (arrival.at + timedelta(seconds=x) for x in (2, asked, 20))
    phone = f.PhoneRang(CALL, rang, "101", "PJSIP/101-00000001", slack=timedelta(seconds=3))
    call = account([arrival, phone, f.CallbackRequested(CALL, key), f.Ended(CALL, end, "caller")])
    assert call.asked_back == DurationRange(*(timedelta(seconds=x) for x in waited))
