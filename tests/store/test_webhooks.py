"""Events of outcomes: in the same transaction, once, in their order; and their delivery by a virtual clock."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest
from sqlmodel import select
from standardwebhooks.webhooks import Webhook

from callmon.config.settings import Settings, example_text, parse
from callmon.core.disruptions.disruption import Notice
from callmon.core.outcome import Heartbeat, Item, Outcome
from callmon.daemon.runtime import Runtime
from callmon.features.webhooks import events, http
from callmon.features.webhooks.delivery import Deliverer
from callmon.site import FEATURES
from callmon.store import database
from callmon.store.database import Database
from callmon.store.instances import found_rows
from callmon.store.queries import webhooks as queries
from callmon.store.queries.months import is_final_month
from callmon.store.rollups import rebuild
from callmon.store.tables.webhooks import WebhookRow
from callmon.store.writer.writer import Writer
from callmon.web.entries import page_table
from tests.store.test_takeover import TakeoverInstance, new, recording, succeed
from tests.support.daemon_process import ROOT
from tests.support.fact_builder import CALLER, OTHER, Office
from tests.support.store_fixtures import SOON, account, answered_call
from tests.support.webhook_receiver import CallerLog, Receiver, Reply
from tests.unit.test_disruptions import well

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FAILS: Reply = (500, {}, b"")


def configured(url: str, more: str = "", name: str = "desk") -> Settings:
    """The example's settings with one webhook."""
    table = f'[webhooks.{name}]\nurl = "{url}"\nallow_private = true\nsecret_env = "HOOK_SECRET"\n{more}\n'
    return parse(example_text() + table)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def messages(count: int = 1, caller: str = CALLER) -> Office:
    """Callers who leave a message, a minute apart."""
    office = Office()
    for n in range(count):
        office.hear(office.message(NOW + n * MINUTE, caller))
    return office


def written(store: Database, settings: Settings, *items: Item) -> None:
    """The writer of a daemon with these settings commits the outcomes."""
    sink = Writer(store, deliveries=lambda rows: events.deliveries(rows, settings, NOW))
    for item in items:
        sink.offer(item)
    assert sink.flush(SOON)
    sink.close(SOON)
    assert sink.refused() == 0


def stored(store: Database) -> list[WebhookRow]:
    with store.reading() as connection:
        return found_rows(connection, select(WebhookRow).order_by(WebhookRow.n, WebhookRow.id))  # type: ignore[arg-type]


def deliverer(store: Database, settings: Settings, leads: bool = True) -> Deliverer:
    return Deliverer(lambda: settings, store, lambda: leads, lambda *_: False)


async def send(sender: Deliverer, now: datetime) -> None:
    """What is due at this moment."""
    while await sender.send_next("desk", now):
        pass


def states(store: Database) -> list[tuple[str, int, str]]:
    return [(row.state, row.tries, row.answer) for row in stored(store)]


# ── what causes an event ──


def test_a_message_causes_its_events_in_the_order_of_the_ledger(store: Database) -> None:
    written(store, configured("http://127.0.0.1:1/"), *messages().outcomes)
    assert [row.event for row in stored(store)] == ["call.missed", "message.left"]
    data = json.loads(stored(store)[0].data)
    assert data == {
        "type": "call.missed",
        "version": 1,
        "timestamp": "2026-11-24T15:00:00Z",
        "data": {
            "exchange": "toronto",
            "call": "1700000001.0",
            "line": "general",
            "arrived": "2026-11-24T14:59:20Z",
            "ended": "2026-11-24T15:00:00Z",
            "outcome": "voicemail_message",
            "url": None,
        },
    }


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_payload_in_the_documentation_is_one_by_the_schema(language: str) -> None:
    text = (ROOT / "docs" / language / "how-to/webhooks.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    payload = msgspec.json.decode(block, type=events.PAYLOADS["call.missed"])
    url = f"https://callmon.ministry.example/{language}/{events.PATHS['call'][language]}/toronto/1795527733.0"
    assert payload.data.url == url  # type: ignore[attr-defined]  # of a class that is made


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_link_leads_to_the_page_that_the_routes_have(language: str) -> None:
    text = example_text().replace("[web]\n", '[web]\naccess = { accounts = true, url = "https://c.example/" }\n')
    settings = parse(text.replace('default_language = "fr"', f'default_language = "{language}"'))
    parts = {"call": ("exchange", "call"), "callback": ("id",), "disruption": ("id",), "month": ("month",)}
    for kind, given in parts.items():
        path = page_table(FEATURES)[kind].address(language, {}, **dict.fromkeys(given, "x"))
        assert events.page_url(settings, kind, "/".join("x" for _ in given)) == f"https://c.example{path}"


def test_a_callback_is_announced_when_due_soon_overdue_and_done(sqlite_store: Database) -> None:
    office = messages().tick(NOW + 20 * HOUR).tick(NOW + 30 * HOUR)
    office.hear(office.call_out(NOW + 31 * HOUR))
    written(sqlite_store, configured("http://127.0.0.1:1/"), *office.outcomes)
    found = [(row.event, json.loads(row.data)["data"]) for row in stored(sqlite_store)][2:]
    assert [(name, data["state"]) for name, data in found] == [
        ("callback.due_soon", "open"),
        ("callback.overdue", "open"),
        ("callback.done", "paid"),
    ]
    assert found[2][1]["calls"] == [{"exchange": "toronto", "call": "1700000001.0"}]


def test_two_messages_of_a_caller_are_named_by_the_callback_that_ends_both(sqlite_store: Database) -> None:
    office = messages(2)
    office.hear(office.call_out(NOW + HOUR))
    written(sqlite_store, configured("http://127.0.0.1:1/", 'events = ["callback.done"]'), *office.outcomes)
    (row,) = stored(sqlite_store)
    calls = [call["call"] for call in json.loads(row.data)["data"]["calls"]]
    assert calls == ["1700000001.0", "1700000002.0"]


def test_a_disruption_begins_and_ends_once(sqlite_store: Database) -> None:
    heard = well().device("101", "UNAVAILABLE").device("102", "UNAVAILABLE").passes(20)
    heard.device("101", "NOT_INUSE").passes(1)
    written(sqlite_store, configured("http://127.0.0.1:1/"), *heard.outcomes)
    found = [(row.event, json.loads(row.data)["data"]["how"]) for row in stored(sqlite_store)]
    assert found == [("disruption.begun", None), ("disruption.ended", "over")]


def test_planned_work_is_no_disruption(sqlite_store: Database) -> None:
    heard = well()
    end = heard.now + 2 * HOUR
    heard.hand("plan", lines=("general",), start=heard.now + HOUR, notice=Notice(until=end)).passes(3 * 3600)
    written(sqlite_store, configured("http://127.0.0.1:1/"), *heard.outcomes)
    assert (heard.story()[:1], stored(sqlite_store)) == (["Planned"], [])


@pytest.mark.parametrize(
    "change",
    [{"test": True}, {"outcome": "unknown"}, {"outcome": "lost"}, {"heard": "cdr"}, {"line": None}],
    ids=str,
)
def test_a_test_call_and_what_is_not_known_cause_no_event(sqlite_store: Database, change: dict[str, Any]) -> None:
    missed = msgspec.structs.replace(account(answered_call(1)), outcome="abandoned")
    settings = configured("http://127.0.0.1:1/")
    written(sqlite_store, settings, Outcome("toronto", calls=(msgspec.structs.replace(missed, **change),)))
    assert stored(sqlite_store) == []
    written(sqlite_store, settings, Outcome("toronto", calls=(msgspec.structs.replace(missed, call="2.0"),)))
    assert [row.event for row in stored(sqlite_store)] == ["call.missed"]


def test_a_webhook_gets_the_events_and_the_lines_that_it_names(sqlite_store: Database) -> None:
    tables = "".join(
        f'[webhooks.{name}]\nurl = "http://127.0.0.1:1/"\nallow_private = true\nformat = "slack"\n{more}\n'
        for name, more in (
            ("a", 'events = ["message.left"]'),
            ("b", 'lines = ["poci"]'),
            ("c", 'lines = ["general"]'),
        )
    )
    written(sqlite_store, parse(example_text() + tables), *messages().outcomes)
    found = sorted((row.webhook, row.event) for row in stored(sqlite_store))
    assert found == [("a", "message.left"), ("c", "call.missed"), ("c", "message.left")]


def test_the_same_outcomes_written_twice_cause_each_event_once(store: Database) -> None:
    office, settings = messages(3), configured("http://127.0.0.1:1/")
    written(store, settings, *office.outcomes)
    before = [row.id for row in stored(store)]
    written(store, settings, *(Outcome("toronto", calls=outcome.calls) for outcome in office.outcomes))
    assert ([row.id for row in stored(store)], len(set(before))) == (before, 6)


@pytest.mark.parametrize("name", ["vm_message", "menu_voicemail_message", "abandon_ring4", "answered_ring4"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8, 0.95])
def test_a_take_over_loses_no_event_and_adds_none(tmp_path: Path, name: str, part: float) -> None:
    whole, settings = recording(name), configured("http://127.0.0.1:1/")
    first = TakeoverInstance().hear(whole)
    alone, shared = new(tmp_path, "alone"), new(tmp_path, "shared")
    written(alone, settings, *first.between(None, None))
    begin, end = first.reported[0][0], first.reported[-1][0]
    died = begin + (end - begin) * part
    written(shared, settings, *first.between(None, died), Heartbeat("toronto", died - SECOND))
    second = TakeoverInstance().hear(whole)
    missing = succeed(shared, second.monitor, second.between(died - 3 * SECOND, None))
    written(shared, settings, *missing)
    events_of = [[(row.id, row.event, row.data) for row in stored(store)] for store in (alone, shared)]
    assert events_of[0] == events_of[1]
    assert len(events_of[0]) == {"abandon_ring4": 1, "answered_ring4": 0}.get(name, 2)
    alone.close()
    shared.close()


def test_an_internal_error_in_the_events_loses_no_outcome(sqlite_store: Database) -> None:
    url = sqlite_store.url.render_as_string()
    settings = parse(example_text().replace("sqlite:///callmon.db", url))
    runtime = Runtime(settings, sqlite_store, FEATURES)
    vars(settings)["webhooks"] = {"desk": None}  # what callmon never has
    for outcome in messages().outcomes:
        runtime.writer.offer(outcome)
    assert runtime.writer.flush(SOON)
    runtime.writer.close(SOON)
    with sqlite_store.reading() as connection:
        calls = connection.exec_driver_sql('SELECT count(*) FROM "call"').scalar_one()
    assert (calls, runtime.internal_errors > 0, runtime.writer.refused()) == (1, True, 0)


# ── delivery ──


async def test_each_event_arrives_once_and_its_signature_is_valid(store: Database, receiver: Receiver) -> None:
    settings = configured(receiver.url)
    written(store, settings, *messages(3).outcomes)
    now = datetime.now(UTC)  # the library refuses an old timestamp
    await send(deliverer(store, settings), now)
    await send(deliverer(store, settings), now)
    verified = [Webhook(SECRET).verify(x.body, x.headers) for x in receiver.received]
    assert [x.id for x in receiver.received] == [row.id for row in stored(store)]
    assert verified == [json.loads(row.data) for row in stored(store)]
    assert states(store) == [("done", 1, "204")] * 6


async def test_a_standby_sends_nothing(sqlite_store: Database, receiver: Receiver) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    await send(deliverer(sqlite_store, settings, leads=False), NOW)
    assert (receiver.received, states(sqlite_store)) == ([], [("waiting", 0, "")] * 2)


async def test_a_failure_holds_up_what_follows_and_the_pause_grows(
    sqlite_store: Database, receiver: Receiver
) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    receiver.answers = [FAILS] * 12
    pauses: list[float] = []
    now = NOW
    sender = deliverer(sqlite_store, settings)
    for _ in range(12):
        await send(sender, now)
        head = stored(sqlite_store)[0]
        pauses.append((head.next - now).total_seconds())
        await send(sender, head.next - SECOND)  # not yet
        now = head.next
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
    assert states(sqlite_store) == [("waiting", 12, "500"), ("waiting", 0, "")]
    await send(sender, now)
    assert states(sqlite_store) == [("done", 13, "204"), ("done", 1, "204")]
    assert [x.id for x in receiver.received] == [stored(sqlite_store)[0].id] * 13 + [stored(sqlite_store)[1].id]


@pytest.mark.parametrize(
    ("asked", "waits"), [("120", 120), ("2", 5), ("999999", 21600), ("soon", 5), ("-5", 5), ("", 5)], ids=str
)
async def test_a_receiver_that_asks_for_a_longer_wait_gets_it(
    sqlite_store: Database, receiver: Receiver, asked: str, waits: float
) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    receiver.answers = [(429, {"Retry-After": asked}, b"")]
    await send(deliverer(sqlite_store, settings), NOW)
    head = stored(sqlite_store)[0]
    assert ((head.next - NOW).total_seconds(), head.answer) == (waits, "429")


async def test_a_wait_until_a_date_is_kept(sqlite_store: Database, receiver: Receiver) -> None:
    settings, now = configured(receiver.url), datetime.now(UTC)
    written(sqlite_store, settings, *messages().outcomes)
    receiver.answers = [(503, {"Retry-After": format_datetime(now + HOUR, usegmt=True)}, b"")]
    await send(deliverer(sqlite_store, settings), now)
    assert 3590 < (stored(sqlite_store)[0].next - now).total_seconds() <= 3600


async def test_a_redirect_is_not_followed(sqlite_store: Database, receiver: Receiver) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    with Receiver() as elsewhere:
        receiver.answers = [(307, {"Location": elsewhere.url}, b"")]
        await send(deliverer(sqlite_store, settings), NOW)
        assert (elsewhere.received, states(sqlite_store)[0]) == ([], ("waiting", 1, "307"))


async def test_a_slow_receiver_is_given_up_in_a_bounded_time(
    sqlite_store: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SECONDS", 0.2)
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    receiver.delay = 1.0
    began = monotonic()
    await send(deliverer(sqlite_store, settings), NOW)
    assert (states(sqlite_store)[0], monotonic() - began < 0.9) == (("waiting", 1, "no_answer"), True)


async def test_a_receiver_that_is_gone_for_an_hour_gets_everything_in_order(
    sqlite_store: Database, receiver: Receiver
) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages(5).outcomes)
    receiver.stop()
    sender, now = deliverer(sqlite_store, settings), NOW
    while now < NOW + HOUR:
        await send(sender, now)
        now += 10 * SECOND
    assert (stored(sqlite_store)[0].answer, receiver.received) == ("no_connection", [])
    receiver.start()
    while now < NOW + HOUR + 20 * MINUTE:
        await send(sender, now)
        now += 10 * SECOND
    assert [x.id for x in receiver.received] == [row.id for row in stored(sqlite_store)]
    assert {row.state for row in stored(sqlite_store)} == {"done"}


async def test_after_three_days_a_delivery_is_dead_and_the_next_goes_on(
    store: Database, receiver: Receiver
) -> None:
    settings = configured(receiver.url)
    written(store, settings, *messages().outcomes)
    receiver.answers = [FAILS] * 2
    sender = deliverer(store, settings)
    await send(sender, NOW + timedelta(days=3) - SECOND)
    assert states(store)[0][0] == "waiting"
    await send(sender, NOW + timedelta(days=3) + 5 * SECOND)
    assert [row.state for row in stored(store)] == ["dead", "done"]
    await sender.keep_house(NOW + timedelta(days=4))
    assert sender.counts == {("desk", "waiting"): 0, ("desk", "dead"): 1}


async def test_a_dead_delivery_sent_again_has_the_same_identifier(store: Database, receiver: Receiver) -> None:
    settings = configured(receiver.url)
    written(store, settings, *messages().outcomes)
    receiver.answers = [FAILS]
    late = NOW + timedelta(days=3)
    await send(deliverer(store, settings), late)
    dead = stored(store)[0]
    assert queries.send_again(store, dead.id, "desk", late)
    assert not queries.send_again(store, dead.id, "desk", late)  # it waits already
    assert not queries.send_again(store, "msg_none", "desk", late)
    await send(deliverer(store, settings), late)
    assert [x.id for x in receiver.received].count(dead.id) == 2
    assert {row.state for row in stored(store)} == {"done"}


async def test_after_35_days_a_delivery_is_deleted(store: Database) -> None:
    settings = configured("http://127.0.0.1:1/")
    written(store, settings, *messages().outcomes)
    for age, left in ((timedelta(days=35), 2), (timedelta(days=35) + SECOND, 0)):
        await deliverer(store, settings).keep_house(NOW + age)
        assert len(stored(store)) == left


async def test_a_month_is_final_once_and_after_what_came_before(store: Database) -> None:
    settings = configured("http://127.0.0.1:1/")
    written(store, settings, *messages().outcomes)
    for _ in range(3):
        sender = Deliverer(lambda: settings, store, lambda: True, lambda *_: True)
        await sender.keep_house(NOW)
    last = stored(store)[-1]
    assert [row.event for row in stored(store)] == ["call.missed", "message.left", "month.final"]
    assert json.loads(last.data)["data"] == {"month": "2026-10", "url": None}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 11, 30, 12, tzinfo=UTC), []),  # October had no call
        (datetime(2026, 12, 1, 12, tzinfo=UTC), []),  # the callback of the last day is not due yet
        (datetime(2026, 12, 3, 12, tzinfo=UTC), ["2026-11"]),
    ],
    ids=str,
)
async def test_a_month_is_final_when_its_last_callback_fell_due(
    sqlite_store: Database, at: datetime, expected: list[str]
) -> None:
    settings = configured("http://127.0.0.1:1/", 'events = ["month.final"]')
    rebuild.ensure_rollups(sqlite_store, settings.timezone)
    list(rebuild.rebuild_rollups(sqlite_store))
    office = Office()
    written(sqlite_store, settings, *office.hear(office.message(datetime(2026, 11, 30, 21, tzinfo=UTC))).outcomes)
    sender = Deliverer(lambda: settings, sqlite_store, lambda: True, is_final_month)
    await sender.keep_house(at)
    assert [json.loads(row.data)["data"]["month"] for row in stored(sqlite_store)] == expected


async def test_an_unreadable_secret_is_an_answer_of_its_own(
    sqlite_store: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    for value in ("whsec_no base64!", ""):
        monkeypatch.setenv("HOOK_SECRET", value)
        await send(deliverer(sqlite_store, settings), NOW + HOUR)
        assert (receiver.received, stored(sqlite_store)[0].answer) == ([], "secret")


# ── Zammad ──


async def test_a_missed_call_is_one_entry_of_zammad_which_the_callback_ends(
    sqlite_store: Database, receiver: Receiver
) -> None:
    log = CallerLog()
    receiver.decide = log
    settings = configured(receiver.url, 'format = "zammad"')
    office = messages(2)
    written(sqlite_store, settings, *office.outcomes)
    sender = deliverer(sqlite_store, settings)
    await send(sender, NOW)
    names = ["toronto-1700000001.0", "toronto-1700000002.0"]
    assert log.entries == {name: ["hangup", False] for name in names}
    before = len(office.outcomes)
    office.hear(office.call_out(NOW + HOUR))
    written(sqlite_store, settings, *office.outcomes[before:])
    await send(sender, NOW + HOUR)
    assert log.entries == {name: ["hangup", True] for name in names}
    assert {row.state for row in stored(sqlite_store)} == {"done"}


async def test_an_event_that_zammad_gets_twice_ends_no_entry_and_makes_none(
    sqlite_store: Database, receiver: Receiver
) -> None:
    log = CallerLog()
    receiver.decide = log
    settings = configured(receiver.url, 'format = "zammad"')
    written(sqlite_store, settings, *messages().outcomes)
    for _ in range(2):
        await send(deliverer(sqlite_store, settings), NOW)
        assert queries.send_again(sqlite_store, stored(sqlite_store)[0].id, "desk", NOW)
    assert log.entries == {"toronto-1700000001.0": ["hangup", False]}


async def test_a_callback_ends_the_entry_that_zammad_has_of_two_calls(
    sqlite_store: Database, receiver: Receiver
) -> None:
    receiver.decide = log = CallerLog()
    log.entries["toronto-1700000002.0"] = ["hangup", False]
    settings = configured(receiver.url, 'format = "zammad"\nevents = ["callback.done"]')
    office = messages(2)
    office.hear(office.call_out(NOW + HOUR))
    written(sqlite_store, settings, *office.outcomes)
    await send(deliverer(sqlite_store, settings), NOW)
    assert (log.entries, states(sqlite_store)) == (
        {"toronto-1700000002.0": ["hangup", True]},
        [("done", 1, "200")],
    )


async def test_words_of_zammad_are_no_answer_of_another_program(
    sqlite_store: Database, receiver: Receiver
) -> None:
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    receiver.answers = [(500, {}, b"x already exists! No such call_id")]
    await send(deliverer(sqlite_store, settings), NOW)
    assert states(sqlite_store)[0] == ("waiting", 1, "500")


async def test_nothing_is_sent_while_the_attempt_cannot_be_stored(
    sqlite_store: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a full disk would repeat an event each second."""
    monkeypatch.setattr(database, "JOB_BUSY_SECONDS", 0.05)
    settings = configured(receiver.url)
    written(sqlite_store, settings, *messages().outcomes)
    with sqlite_store.writing():
        await send(deliverer(sqlite_store, settings), NOW)
        assert receiver.received == []
    await send(deliverer(sqlite_store, settings), NOW)
    assert (len(receiver.received), states(sqlite_store)) == (2, [("done", 1, "204")] * 2)


async def test_a_callback_of_a_call_that_zammad_does_not_have_is_done(
    sqlite_store: Database, receiver: Receiver
) -> None:
    receiver.decide = CallerLog()
    settings = configured(receiver.url, 'format = "zammad"\nevents = ["callback.done"]')
    office = messages()
    office.hear(office.call_out(NOW + HOUR))
    written(sqlite_store, settings, *office.outcomes)
    await send(deliverer(sqlite_store, settings), NOW)
    assert states(sqlite_store) == [("done", 1, "500")]


# ── numbers ──


@pytest.mark.parametrize("form", ["standard", "slack", "teams", "ntfy", "zammad"])
async def test_no_form_has_a_number_or_a_phone(sqlite_store: Database, receiver: Receiver, form: str) -> None:
    settings = configured(receiver.url, f'format = "{form}"')
    office = messages(2)
    office.hear(office.message(NOW + HOUR, OTHER), office.call_out(NOW + 2 * HOUR, phone="102"))
    written(sqlite_store, settings, *office.tick(NOW + 30 * HOUR).outcomes)
    await send(deliverer(sqlite_store, settings), NOW)
    assert len(receiver.received) >= 6
    sent = b" ".join(x.body + str(x.headers).encode() for x in receiver.received).decode()
    digits = re.sub(r"\D", "", sent)
    assert [number for number in (CALLER, OTHER) if number[-7:] in digits] == []
    assert re.findall(r"PJSIP|\b102\b|\b101\b", sent) == []
