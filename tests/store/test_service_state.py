"""What alerts ask beside calls: when a line opens, its last day against its target, and the names of standards."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from callmon.ami.call_counts import CallCounts
from callmon.config.settings import Settings
from callmon.config.standards import ALL_STANDARDS, CALL_STANDARDS
from callmon.core.calls.call import Wait
from callmon.core.snapshot import MailboxStatus, ServiceStatus
from callmon.daemon.host_state import ServiceStateTask, last_day, next_change
from callmon.store.database import Database
from callmon.text import labels as words
from tests.support.ami_builders import settings
from tests.support.store_fixtures import STANDARDS, START, Daemon, answered_call, of_calls, outcomes, wrote
from tests.unit.test_metrics import page, read, value

MONDAY_EVENING = datetime(2026, 11, 23, 22, 0, 0, tzinfo=UTC)  # 17:00 in Toronto
OPENS, CLOSES = datetime(2026, 11, 24, 13, 30, tzinfo=UTC), datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
TITLE = 'title_en = "General inquiries, Toronto"'
WITH_TARGET = settings(
    {TITLE: f'{TITLE}\ntarget = {{ reach_a_person = {{ percent = 92.5, since = 2026-11-24, signed_by = "A." }} }}'}
)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MONDAY_EVENING, OPENS),
        (OPENS - timedelta(microseconds=1), OPENS),
        (OPENS, CLOSES),
        (CLOSES - timedelta(microseconds=1), CLOSES),
        (CLOSES, OPENS + timedelta(days=1)),
        (datetime(2026, 11, 27, 23, 0, tzinfo=UTC), OPENS + timedelta(days=6)),
        (datetime(2027, 3, 12, 23, 0, tzinfo=UTC), datetime(2027, 3, 15, 12, 30, tzinfo=UTC)),
    ],
)
def test_a_closed_line_says_when_it_opens_and_an_open_one_when_it_closes(
    now: datetime, expected: datetime
) -> None:
    assert next_change(settings().calendar("general"), now) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 24, 4, 59, 59, tzinfo=UTC), date(2026, 11, 20)),  # Monday, 23:59:59 in Toronto
        (datetime(2026, 11, 24, 5, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 12, 29, 15, 0, tzinfo=UTC), date(2026, 12, 24)),
    ],
)
def test_the_last_day_is_the_last_on_which_the_line_was_open(now: datetime, expected: date) -> None:
    given = settings()
    assert last_day(given, given.lines()["general"], now) == expected


def reported(store: Database, given: Settings, now: datetime) -> ServiceStatus:
    made = ServiceStateTask(store)
    made.read_verdicts(given, now)
    return made.status_at(now, given, {})


def test_the_verdicts_of_the_last_day_are_of_its_calls(sqlite_store: Database) -> None:
    next_day = outcomes(answered_call(5, START + timedelta(days=1)))
    wrote(sqlite_store, *of_calls(2), *next_day)
    given = settings()
    after = given.calendar().local_day(START) + timedelta(days=1)
    morning = datetime(after.year, after.month, after.day, 9, tzinfo=given.timezone)
    on_the_day = reported(sqlite_store, given, morning.astimezone(UTC))
    found = {key: n for key, n in on_the_day.last_day.items() if n}
    assert found == {(standard, "general", "met"): 2 for standard in STANDARDS}
    assert len(on_the_day.last_day) == len(CALL_STANDARDS) * 4 * len(list(given.lines()))
    a_day_later = reported(sqlite_store, given, (morning + timedelta(days=7)).astimezone(UTC))
    assert set(a_day_later.last_day.values()) == {0}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 11, 24, 15, 0, tzinfo=UTC), {}),  # the last day is before the target's first
        (datetime(2026, 11, 25, 15, 0, tzinfo=UTC), {("reach_a_person", "general"): 0.925}),
    ],
)
def test_a_target_is_that_of_the_day_which_is_judged(
    now: datetime, expected: dict[tuple[str, str], float], sqlite_store: Database
) -> None:
    assert dict(reported(sqlite_store, WITH_TARGET, now).targets) == expected


def test_what_is_known_is_on_the_page_and_what_is_not_is_absent() -> None:
    reported = ServiceStatus(
        [MailboxStatus("toronto", "500", 3, 20, 1), MailboxStatus("toronto", "504", 2, None, 0)],
        {"general": START},
        {("reach_a_person", "general", "met"): 19},
        {("reach_a_person", "general"): 0.9},
        {"toronto": CallCounts(41, 7)},
    )
    values = read(page(Daemon(more={"service": reported}), {}))
    box = {"exchange": "toronto", "mailbox": "500"}
    shown = [
        value(values, f"callmon_mailbox_{name}", **box) for name in ("messages", "capacity", "messages_unheard")
    ]
    assert shown == [3, 20, 1]
    assert value(values, "callmon_mailbox_capacity", exchange="toronto", mailbox="504") is None
    assert value(values, "callmon_opening_change_timestamp_seconds", line="general") == START.timestamp()
    assert value(values, "callmon_opening_change_timestamp_seconds", line="tty") is None
    on = {"standard": "reach_a_person", "line": "general"}
    assert value(values, "callmon_last_day_verdicts", verdict="met", **on) == 19
    assert value(values, "callmon_target_ratio", **on) == 0.9
    counted = [
        value(values, f"callmon_exchange_calls_{x}_total", exchange="toronto") for x in ("processed", "heard")
    ]
    assert counted == [41, 7]
    nothing = {name for name, _ in read(page(Daemon(), {}))}
    assert {name for name in nothing if "mailbox" in name or "target" in name or "_calls_heard" in name} == set()


def test_every_standard_has_its_titles_on_the_page() -> None:
    named = {
        dict(labels)["standard"] for name, labels in read(page(Daemon(), {})) if name == "callmon_standard_info"
    }
    assert named == set(ALL_STANDARDS) == set(words.STANDARDS)


def test_the_longest_waits_are_shown_unless_their_start_is_unreceived() -> None:
    cycle = timedelta(seconds=6)
    waits = {
        ("general", "ringing"): Wait(START, timedelta(seconds=12), cycle),
        ("general", "queue"): Wait(START, timedelta(seconds=11.9), cycle),
        ("tty", "ringing"): Wait(None, None, cycle),
    }
    values = read(page(Daemon(more={"waits": waits}), {}))
    shown = {
        (name, dict(labels)["line"], dict(labels)["state"]): value
        for (name, labels), value in values.items()
        if "longest_wait" in name
    }
    assert shown == {
        ("callmon_longest_wait_rings", "general", "ringing"): 3,
        ("callmon_longest_wait_rings", "general", "queue"): 2,
        ("callmon_longest_wait_seconds", "general", "ringing"): 12,
        ("callmon_longest_wait_seconds", "general", "queue"): 11.9,
    }


CHRISTMAS = ("jour de Noël", "Christmas Day")


@pytest.mark.parametrize(
    ("now", "more", "expected"),
    [
        (datetime(2026, 12, 25, 5, 0, tzinfo=UTC), "", CHRISTMAS),
        (datetime(2026, 12, 25, 4, 59, 59, tzinfo=UTC), "", None),
        (datetime(2026, 12, 25, 15, 0, tzinfo=UTC), '2026-12-25 = "10:00-12:00"', None),
    ],
)
def test_a_closed_day_has_its_name_unless_it_has_special_hours(
    now: datetime, more: str, expected: tuple[str, str] | None, sqlite_store: Database
) -> None:
    given = settings({"[calendar.special_hours]": f"[calendar.special_hours]\n{more}"})
    outlook = reported(sqlite_store, given, now)
    assert outlook.closed_days.get("general") == expected
    values = read(page(Daemon(more={"service": outlook}), {}))
    named = [dict(labels) for name, labels in values if name == "callmon_closed_day_info"]
    assert len(named) == (0 if expected is None else len(list(given.lines())))
    services = {dict(labels)["name_fr"] for name, labels in values if name == "callmon_service_info"}
    assert "Renseignements généraux" in services
