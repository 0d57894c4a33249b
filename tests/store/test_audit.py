"""The record of what people saw and changed: one line each, bounded, and no telephone number."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callmon.store import access
from callmon.store.access import LONGEST, AuditRow
from callmon.store.database import Database

AT = datetime(2026, 11, 24, 13, 42, tzinfo=UTC)


def kept(store: Database, about: str, who: str = "marie") -> tuple[str, str]:
    access.record_event(store, AuditRow(at=AT, who=who, act="callback", about=about))
    (audit_event,) = access.audit_events(store)
    return audit_event.who, audit_event.about


@pytest.mark.parametrize(
    ("about", "reported"),
    [
        ("1795527733.0", "1795527733.0"),
        ("toronto 1795527733.1234", "toronto 1795527733.1234"),
        ("2026-10 3 report.pdf", "2026-10 3 report.pdf"),
        ("marie: agent manager", "marie: agent manager"),
        ("general-1795527733", "general-1795527733"),
        ("trunk-2-1795527733-2", "trunk-2-1795527733-2"),
        ("general-4165550101", "general-#"),
        ("general-14165550101", "general-#"),
        ("1795527733", "#"),
        ("4165550101", "#"),
        ("+14165550101", "#"),
        ("416 555-0101", "#"),
        ("1-416-555-0101", "#"),
        ("call 555-0101 now", "call # now"),
    ],
)
def test_a_possible_telephone_number_is_not_stored_a_calls_name_is(
    sqlite_store: Database, about: str, reported: str
) -> None:
    assert kept(sqlite_store, about) == ("marie", reported)


def test_nobody_writes_a_second_line_or_a_long_one(sqlite_store: Database) -> None:
    assert kept(sqlite_store, "x\n2026-11-24  root  purge\x1b[2J" + "y" * LONGEST, "luc\r\nroot") == (
        "luc??root",
        "x?2026-11-24  root  purge?[2J" + "y" * (LONGEST - 29),
    )


def test_the_newest_are_the_newest_and_come_oldest_first(sqlite_store: Database) -> None:
    for name in ("one", "two", "three"):
        access.record_event(sqlite_store, AuditRow(at=AT, who=name, act="sign in"))
    assert [audit_event.who for audit_event in access.audit_events(sqlite_store, newest=2)] == ["two", "three"]
