"""The demonstration tells a day at whatever moment it starts: what is due, the day's calls, the signed months."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

from callmon.config.settings import Settings
from callmon.core.statistics.period import month
from callmon.features.calls.search import CallFilter, search_calls
from callmon.features.months.page import month_row
from callmon.features.months.request import ReportRequest, filed
from callmon.features.months.signed import prepare
from callmon.features.now import half_hours
from callmon.features.worklist.page import groups
from callmon.store import sign_off
from callmon.store.access import AuditRow
from callmon.store.database import Database
from callmon.store.opening import open_for_writing
from callmon.store.queries import obligations
from callmon.store.queries.half_hours import half_hour_counts
from callmon.store.queries.months import month_counts
from callmon.store.sign_off import SignOffError
from callmon.tools.demo import demo_settings
from callmon.tools.demo.history import EXCHANGE, seed
from callmon.tools.demo.signed import month_to_sign, sign_months, signed_months
from callmon.tools.demo.worklist import crowded_hour
from callmon.web.formatter import WebFormatter

TORONTO = ZoneInfo("America/Toronto")
MOMENTS = {
    "three in the morning": "2026-03-11 03:00", "breakfast": "2026-03-11 07:59", "opening": "2026-03-11 08:30",
    "noon": "2026-03-11 12:00", "before closing": "2026-03-11 16:29", "closing": "2026-03-11 16:30",
    "evening": "2026-03-11 20:15", "Saturday": "2026-03-14 10:00", "Sunday": "2026-03-15 15:00",
    "first minute of a year": "2026-01-01 00:00", "1 January": "2026-01-01 11:00",
    "last minute of a month": "2026-03-31 23:59", "first minute of a month": "2026-04-01 00:00",
    "second day of a month": "2026-04-02 02:00", "before the hour that is left out": "2026-03-08 01:59",
    "after the hour that is left out": "2026-03-08 03:00", "day after it": "2026-03-09 02:30",
    "before the hour that comes twice": "2025-11-02 00:59", "within it": "2025-11-02 01:30",
    "29 February": "2024-02-29 14:00",
}  # fmt: skip
WORKLIST = {
    "overdue": [("callback", "general", "fr"), ("callback", "poci", "en")],
    "today": [
        ("callback", "general", "fr"), ("callback", "general-toll-free", "en"), ("callback", "poci", "fr"),
        ("callback", "tty", "en"),
    ],
    "later": [("complaint", "general", "fr")],
    "hidden": [("callback", "general", "fr")],
}  # fmt: skip


class Demo(NamedTuple):
    settings: Settings
    store: Database
    now: datetime


@contextmanager
def demo(
    folder: Path, moment: str, first: date | None = None, port: int = 5038, secret: str = "secret"
) -> Iterator[Demo]:
    """As it starts at this local time. `first`: the day from which it has a past; None for all of it."""
    now = datetime.fromisoformat(MOMENTS[moment]).replace(tzinfo=TORONTO).astimezone(UTC)
    settings = demo_settings("127.0.0.1:0", port, secret, folder, now)
    *_, earliest = signed_months(now, settings)
    store = open_for_writing(settings)
    try:
        seed(store, settings, now, first or earliest.first)
        yield Demo(settings, store, now)
    finally:
        store.close()


def days_before(moment: str, days: int) -> date:
    return date.fromisoformat(MOMENTS[moment][:10]) - timedelta(days=days)


@pytest.mark.parametrize("moment", MOMENTS)
def test_each_entry_is_in_its_group_of_the_worklist_and_no_other_entry_is(moment: str, tmp_path: Path) -> None:
    with demo(tmp_path, moment, days_before(moment, 3)) as it:
        found = obligations.worklist(it.store).entries
        grouped = groups(found, WebFormatter(it.settings, "en", it.now))
        reported = {name: sorted((x.kind, x.line, x.language) for x in some) for name, some in grouped.items()}
        cautious = [(x.line, x.cautions) for x in found if x.cautions]
        calendar = it.settings.calendar()
        assert (reported, cautious) == (WORKLIST, [("poci", ("no_message", "not_safe"))])
        assert [x.hidden for x in grouped["hidden"]] == ["withheld"]
        dues = [x.due.actionable for x in grouped["today"] if x.due.actionable]
        closes = calendar.closes_next(it.now)
        assert (calendar.is_open(it.now), len(dues)) == (True, 4)
        assert closes is not None
        assert it.now < min(dues) <= max(dues) <= closes


DAYS = [
    pytest.param(moment, marks=[] if moment in ("noon", "three in the morning") else pytest.mark.long)
    for moment in MOMENTS
]


@pytest.mark.turns(4)
@pytest.mark.parametrize("moment", DAYS)
def test_each_half_hour_has_its_calls_and_a_usual_number(moment: str, tmp_path: Path) -> None:
    with demo(tmp_path, moment, days_before(moment, 57)) as it:
        days = half_hours.days(it.now, it.settings)
        counted = half_hour_counts(it.store, it.settings.timezone, days, it.now)
        assert counted is not None
        today = half_hours.today(counted, {EXCHANGE: None}, it.settings, it.now)
        over = [half for half in today.halves if half.state == "over"]
        assert [half.begin for half in over if not half.is_heard] == []
        assert sum(half.offered > 0 for half in over) >= len(over) - 2  # two do not exist on a day in March
        assert [half.begin for half in today.halves if half.is_open and not half.usual][2:] == []
        begin = crowded_hour(it.now, it.settings.calendar())
        hour = CallFilter(begin, begin + timedelta(hours=1), outcome="busy")
        assert len(search_calls(it.store, hour, None).calls) >= 12


SIGNED = [
    pytest.param(moment, marks=[] if moment == "first minute of a month" else pytest.mark.long)
    for moment in MOMENTS
]


@pytest.mark.turns(4)
@pytest.mark.parametrize("moment", SIGNED)
def test_twelve_months_are_signed_and_a_visitor_can_sign_the_next(moment: str, tmp_path: Path) -> None:
    with demo(tmp_path, moment) as it:
        sign_months(it.store, it.settings, it.now, lambda: False)
        found = sign_off.revisions(it.store)
        assert [x.month for x in found] == sorted(x.name for x in signed_months(it.now, it.settings))
        assert (len(found), {(x.step, x.is_altered, x.number) for x in found}) == (12, {("approved", False, 1)})
        assert {tuple(x.who for x in revision.signatures) for revision in found} == {
            ("D. Roy", "F. Gagnon", "F. Gagnon")
        }
        next_month = month_to_sign(it.now, it.settings)
        assert next_month == month(next_month.name, it.settings.timezone)
        counted = month_counts(it.store, it.settings.timezone, [next_month])
        assert counted is not None
        row = month_row(next_month.first, counted[0], WebFormatter(it.settings, "en", it.now))
        assert (row["state"], row["calls"] > 100) == ("final", True)
        files = filed(it.store, it.settings, ReportRequest(next_month.name, to_sign=True), it.now, lambda _: None)
        roy, gagnon = (AuditRow(at=it.now, who=who, act="") for who in ("D. Roy", "F. Gagnon"))
        prepare(it.store, files, roy)
        with pytest.raises(SignOffError, match="own"):
            sign_off.sign(it.store, next_month.name, 1, "verified", roy)
        for step in ("verified", "approved"):
            sign_off.sign(it.store, next_month.name, 1, step, gagnon)
        checked = [sign_off.check_file(it.store, path.name, data).result for path, data in files]
        assert checked == ["approved"] * 3
