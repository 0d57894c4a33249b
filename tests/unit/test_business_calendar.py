"""The business calendar: opening hours, Ontario's closed days, due dates, changes of the clocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.business_calendar import (
    CLOSED,
    DEFAULT_HOURS,
    Calendar,
    Hours,
    Periods,
    SpecialHours,
    periods,
    wall_time,
)
from callmon.config.closed_days import FIRST_YEAR, LAST_YEAR, ClosedDay, ClosedDays, next_twelve_months, ontario

TORONTO = ZoneInfo("America/Toronto")
OFFICE = Calendar(TORONTO)
SECOND = timedelta(seconds=1)


def at(text: str, fold: int = 0) -> datetime:
    """A time on Toronto's wall, as an instant in UTC: "2026-11-24 13:45"."""
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO, fold=fold).astimezone(UTC)


def local(instant: datetime | None) -> str | None:
    return instant and instant.astimezone(TORONTO).strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00")


def week(every_day: Periods) -> Hours:
    return Hours((every_day,) * 7)


LUNCH = Calendar(TORONTO, week(periods((wall_time(8, 30), wall_time(12)), (wall_time(13), wall_time(17)))))
ALWAYS = Calendar(
    TORONTO, week(periods((wall_time(0), wall_time(24)))), ClosedDays(remove=frozenset(ontario(2026)))
)
NEVER = Calendar(TORONTO, week(CLOSED))
NIGHT = Calendar(TORONTO, week(periods((wall_time(0, 30), wall_time(2, 30)))))

# ── opening hours ──


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-11-24 08:29:59.999999", False),
        ("2026-11-24 08:30", True),
        ("2026-11-24 16:59:59.999999", True),
        ("2026-11-24 17:00", False),
        ("2026-11-21 12:00", False),  # Saturday
        ("2026-12-25 12:00", False),  # Christmas
        ("2026-12-28 12:00", False),  # Boxing Day, observed on Monday
        ("2028-02-29 12:00", True),  # leap day, a Tuesday
        ("2026-03-09 08:30", True),  # the Monday after the clocks went forward
        ("2026-11-02 08:30", True),  # the Monday after they went back
        ("2026-12-31 12:00", True),
        ("2027-01-01 12:00", False),
        ("1955-06-15 12:00", True),
        ("2150-06-15 12:00", True),
    ],
)
def test_the_office_is_open_from_the_opening_to_before_the_closing(when: str, is_open: bool) -> None:
    assert OFFICE.is_open(at(when)) is is_open


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        OFFICE.is_open(datetime(2026, 11, 24, 12))  # noqa: DTZ001  that is what is refused


@pytest.mark.parametrize(
    ("when", "opens"),
    [
        ("2026-11-24 08:00", "2026-11-24 08:30"),
        ("2026-11-24 12:00", "2026-11-24 12:00"),
        ("2026-11-24 17:00", "2026-11-25 08:30"),
        ("2026-11-27 17:00", "2026-11-30 08:30"),  # over a week-end
        ("2026-12-24 17:00", "2026-12-29 08:30"),  # Friday, Saturday, Sunday, Monday closed
        ("2026-12-31 17:00", "2027-01-04 08:30"),
        ("2026-03-06 17:00", "2026-03-09 08:30"),
    ],
)
def test_the_office_opens_next(when: str, opens: str) -> None:
    assert local(OFFICE.opens_next(at(when))) == opens


@pytest.mark.parametrize(
    ("calendar", "when", "closes"),
    [
        (OFFICE, "2026-11-24 08:30", "2026-11-24 17:00"),
        (OFFICE, "2026-11-24 17:00", "2026-11-25 17:00"),
        (OFFICE, "2026-11-27 17:00", "2026-11-30 17:00"),
        (LUNCH, "2026-11-24 09:00", "2026-11-24 12:00"),
        (LUNCH, "2026-11-24 12:30", "2026-11-24 17:00"),
        (ALWAYS, "2026-12-31 12:00", "2027-01-01 00:00"),  # never closes in 2026
    ],
)
def test_the_office_closes_next(calendar: Calendar, when: str, closes: str) -> None:
    assert local(calendar.closes_next(at(when))) == closes


def test_a_line_always_open_has_no_closing_and_a_closed_one_no_opening() -> None:
    always = Calendar(
        TORONTO, ALWAYS.hours, ClosedDays(remove=frozenset(d for y in range(2026, 2031) for d in ontario(y)))
    )
    assert always.closes_next(at("2026-11-24 12:00")) is None
    assert (NEVER.opens_next(at("2026-11-24 12:00")), NEVER.closes_next(at("2026-11-24 12:00"))) == (None, None)


def test_special_hours_win_over_the_week_and_over_closed_days() -> None:
    morning = periods((wall_time(8, 30), wall_time(12)))
    special = Calendar(
        TORONTO,
        special_hours=SpecialHours(
            {date(2026, 12, 24): morning, date(2026, 12, 25): morning, date(2026, 12, 31): CLOSED}
        ),
    )
    asked = ["2026-12-24 11:59", "2026-12-24 12:00", "2026-12-25 09:00", "2026-12-31 09:00"]
    assert [special.is_open(at(when)) for when in asked] == [True, False, True, False]
    days = [date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 31)]
    assert [special.business_day(day) for day in days] == [True, False, False]


# ── changes of the clocks ──


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 2), (date(2026, 11, 1), 3), (date(2026, 11, 3), 2)])
def test_a_period_over_a_change_of_the_clocks_lasts_as_long_as_it_does(day: date, hours: int) -> None:
    # 0:30 to 2:30. There is no 2:30 on the night in March: it closes when the clock shows 3:30.
    [(opens, closes)] = NIGHT.spans(day)
    assert closes - opens == timedelta(hours=hours)


def test_twenty_four_hours_are_24_times_3600_seconds_over_both_changes() -> None:
    spring, autumn = at("2026-03-07 12:00"), at("2026-10-31 12:00")
    day = timedelta(hours=24)
    assert (local(OFFICE.clock_due(spring, day)), local(OFFICE.clock_due(autumn, day))) == (
        "2026-03-08 13:00",
        "2026-11-01 11:00",
    )


def test_a_repeated_hour_is_open_both_times() -> None:
    assert [NIGHT.is_open(at("2026-11-01 01:15", fold)) for fold in (0, 1)] == [True, True]
    two = Calendar(TORONTO, week(periods((wall_time(1, 30), wall_time(1, 45)), (wall_time(1, 50), wall_time(2)))))
    assert two.open_time_between(at("2026-11-01 00:00"), at("2026-11-02 00:00")) == timedelta(minutes=90)


def test_two_periods_that_meet_are_open_without_a_closing_between() -> None:
    halves = periods((wall_time(8, 30), wall_time(12)), (wall_time(12), wall_time(17)))
    assert Calendar(TORONTO, week(halves)).spans(date(2026, 11, 24)) == OFFICE.spans(date(2026, 11, 24))


# ── business days ──


@pytest.mark.parametrize(
    ("received", "days", "due"),
    [
        ("2026-11-24 12:00", 2, "2026-11-26 17:00"),
        ("2026-11-24 07:00", 2, "2026-11-26 17:00"),  # before opening: that day
        ("2026-11-24 16:59:59", 2, "2026-11-26 17:00"),
        ("2026-11-24 17:00", 2, "2026-11-27 17:00"),  # at closing: the next business day
        ("2026-11-27 12:00", 2, "2026-12-01 17:00"),
        ("2026-11-27 18:00", 2, "2026-12-02 17:00"),
        ("2026-11-28 12:00", 2, "2026-12-02 17:00"),  # Saturday: received on Monday
        ("2026-12-23 12:00", 2, "2026-12-29 17:00"),  # Christmas, week-end, Boxing Day observed
        ("2026-12-24 18:00", 2, "2026-12-31 17:00"),
        ("2026-12-31 12:00", 1, "2027-01-04 17:00"),
        ("2026-11-24 12:00", 0, "2026-11-24 17:00"),
        ("2026-11-28 12:00", 0, "2026-11-30 17:00"),
        ("2026-11-24 12:00", 15, "2026-12-15 17:00"),
        ("2028-02-28 12:00", 1, "2028-02-29 17:00"),
        ("2026-03-06 12:00", 1, "2026-03-09 17:00"),
        ("2026-10-30 12:00", 1, "2026-11-02 17:00"),
    ],
)
def test_due_is_the_closing_of_the_nth_business_day_after_receipt(received: str, days: int, due: str) -> None:
    assert local(OFFICE.business_days_after(at(received), days)) == due


def test_lunch_is_not_closing_and_a_saturday_opening_makes_no_business_day() -> None:
    assert local(LUNCH.business_days_after(at("2026-11-24 12:30"), 0)) == "2026-11-24 17:00"
    assert LUNCH.business_day(date(2026, 11, 28)) is False
    assert local(LUNCH.business_days_after(at("2026-11-27 12:00"), 1)) == "2026-11-30 17:00"


def test_a_calendar_without_business_days_says_so_and_does_not_search() -> None:
    with pytest.raises(ValueError, match="no business day"):
        NEVER.business_days_after(at("2026-11-24 12:00"), 1)
    with pytest.raises(ValueError, match="negative"):
        OFFICE.business_days_after(at("2026-11-24 12:00"), -1)


# ── opening time ──


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-24 08:00", "2026-11-24 18:00", 8.5),
        ("2026-11-24 16:00", "2026-11-25 09:30", 2),
        ("2026-11-27 16:00", "2026-11-30 09:30", 2),
        ("2026-11-27 17:00", "2026-11-30 08:30", 0),
        ("2026-11-25 12:00", "2026-11-24 12:00", 0),
        ("2026-10-26 00:00", "2026-11-07 00:00", 85),
    ],
)
def test_only_opening_time_counts(start: str, end: str, hours: float) -> None:
    assert OFFICE.open_time_between(at(start), at(end)) == timedelta(hours=hours)


def test_there_is_no_due_soon_where_it_never_opens() -> None:
    assert NEVER.open_hours_before(at("2026-11-24 12:00"), timedelta(hours=4)) is None


instants = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001  hypothesis wants it without
    max_value=datetime(2030, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize("calendar", [OFFICE, LUNCH, NIGHT, ALWAYS], ids=["office", "lunch", "night", "always"])
@given(start=instants, length=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_opening_time_before_an_instant_is_just_what_was_asked(
    calendar: Calendar, start: datetime, length: timedelta
) -> None:
    since = calendar.open_hours_before(start, length)
    assert since is not None
    assert calendar.open_time_between(since, start) == length


@given(opened=instants, length=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_a_deadline_lies_between_message_and_due_in_opening_hours(opened: datetime, length: timedelta) -> None:
    due = opened + length
    deadline = OFFICE.actionable(due, opened)
    open_time = OFFICE.open_time_between(opened, due)
    assert (deadline is None) == (open_time == timedelta(0))
    if deadline is not None:
        assert opened < deadline <= due
        assert OFFICE.is_open(deadline - timedelta(microseconds=1)) or OFFICE.is_open(deadline)
        assert OFFICE.open_time_between(deadline, due) == timedelta(0)


@given(start=instants)
def test_opening_and_closing_next_are_where_the_answer_changes(start: datetime) -> None:
    opens, closes = OFFICE.opens_next(start), OFFICE.closes_next(start)
    assert opens is not None
    assert closes is not None
    assert (OFFICE.is_open(opens), OFFICE.is_open(closes), OFFICE.is_open(closes - SECOND)) == (True, False, True)


# ── closed days ──


def names(days: Iterable[ClosedDay]) -> list[tuple[str, str, str]]:
    return [(str(day), fr, en) for day, fr, en in days]


def test_ontario_closes_on_thirteen_days_of_2027() -> None:
    assert names(OFFICE.closed_days(date(2027, 1, 1), date(2027, 12, 24))) == [
        ("2027-01-01", "jour de l’An", "New Year's Day"),
        ("2027-02-15", "jour de la Famille", "Family Day"),
        ("2027-03-26", "Vendredi saint", "Good Friday"),
        ("2027-03-29", "lundi de Pâques", "Easter Monday"),
        ("2027-05-24", "fête de la Reine", "Victoria Day"),
        ("2027-07-01", "fête du Canada", "Canada Day"),
        ("2027-08-02", "congé civique", "Civic Holiday"),
        ("2027-09-06", "fête du Travail", "Labour Day"),
        (
            "2027-09-30",
            "Journée nationale de la vérité et de la réconciliation",
            "National Day for Truth and Reconciliation",
        ),
        ("2027-10-11", "Action de grâce", "Thanksgiving Day"),
        ("2027-11-11", "jour du Souvenir", "Remembrance Day"),
    ]
    assert names(OFFICE.closed_days(date(2027, 12, 25), date(2027, 12, 31))) == [
        ("2027-12-25", "jour de Noël", "Christmas Day"),
        ("2027-12-26", "lendemain de Noël", "Boxing Day"),
        ("2027-12-27", "jour de Noël (reporté)", "Christmas Day (observed)"),
        ("2027-12-28", "lendemain de Noël (reporté)", "Boxing Day (observed)"),
    ]


@pytest.mark.parametrize("year", [2021, 2024, 2026, 2028, 2050, 2099])
def test_a_year_has_thirteen_closed_days_beside_those_observed(year: int) -> None:
    named = [closed.name_en for closed in ontario(year).values() if not closed.name_en.endswith(" (observed)")]
    assert len(named) == 13


def test_the_closed_days_of_all_years_are_those_of_the_library() -> None:
    categories = ("public", "government", "optional")
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        import holidays  # a tenth of a second of imports, in every process

        found = holidays.country_holidays("CA", "ON", years=year, categories=categories)
        assert [*ontario(year)] == sorted(day for day in found if day.year == year)


def test_christmas_on_a_sunday_is_observed_after_boxing_day() -> None:
    assert names(OFFICE.closed_days(date(2033, 12, 25), date(2033, 12, 31))) == [
        ("2033-12-25", "jour de Noël", "Christmas Day"),
        ("2033-12-26", "lendemain de Noël", "Boxing Day"),
        ("2033-12-27", "jour de Noël (reporté)", "Christmas Day (observed)"),
    ]


@pytest.mark.parametrize("year", [1, 1982, 2101, 9999])
def test_a_year_that_nobody_has_promised_has_no_closed_days(year: int) -> None:
    assert dict(ontario(year)) == {}


@pytest.mark.parametrize(
    ("today", "last"),
    [
        (date(2026, 11, 24), date(2027, 11, 23)),
        (date(2026, 1, 1), date(2026, 12, 31)),
        (date(2028, 2, 29), date(2029, 2, 28)),
        (date(2027, 3, 1), date(2028, 2, 29)),
    ],
)
def test_twelve_months_end_the_day_before_the_anniversary(today: date, last: date) -> None:
    assert next_twelve_months(today) == (today, last)


def test_the_default_hours_are_those_of_the_counters() -> None:
    assert [DEFAULT_HOURS.on(date(2026, 11, 23) + timedelta(days=n)) for n in range(7)] == [
        *[((timedelta(hours=8, minutes=30), timedelta(hours=17)),)] * 5,
        (),
        (),
    ]


def test_two_calendars_that_say_the_same_are_equal() -> None:
    assert Calendar(TORONTO) == OFFICE
    assert hash(Calendar(TORONTO)) == hash(OFFICE)
