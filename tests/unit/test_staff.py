"""Who speaks what on which day: the days are Toronto's, both included, and what is not listed is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.config.settings import parse
from callmon.config.staff import NOBODY, StaffLanguages, StaffMember, overlaps
from callmon.tools.check import report

TORONTO = ZoneInfo("America/Toronto")
SPRING = StaffMember(
    extension="102", languages=("fr", "en"), valid_from=date(2026, 4, 1), valid_until=date(2026, 9, 30)
)
AUTUMN = StaffMember(extension="102", languages=("en",), valid_from=date(2026, 10, 1))
STAFF = StaffLanguages([SPRING, AUTUMN, StaffMember(extension="103", languages=("fr",))], TORONTO)


def toronto(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TORONTO).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "french"),
    [
        ("2026-03-31T23:59:59.999999", None),
        ("2026-04-01T00:00:00", True),
        ("2026-09-30T23:59:59.999999", True),
        ("2026-10-01T00:00:00", False),
        ("2031-01-01T12:00:00", False),
    ],
)
def test_an_entry_holds_from_its_first_to_its_last_midnight_in_toronto(at: str, french: bool | None) -> None:
    assert STAFF.speaks("102", "fr", toronto(at)) is french


def test_the_day_is_the_ministrys_and_not_utcs() -> None:
    evening = datetime(2026, 10, 1, 3, 59, 59, tzinfo=UTC)  # the last evening of September in Toronto
    assert [STAFF.speaks("102", "fr", evening + timedelta(seconds=x)) for x in (0, 1)] == [True, False]
    in_utc = StaffLanguages([SPRING, AUTUMN], UTC)
    assert in_utc.speaks("102", "fr", evening) is False


def test_what_nobody_listed_is_not_known() -> None:
    now = toronto("2026-05-01T12:00:00")
    assert STAFF.speaks("104", "fr", now) is None
    assert STAFF.speaks("outside", "fr", now) is None
    assert STAFF.speaks("103", "fr", None) is None  # on which day is not known either
    assert [STAFF.speaks("103", x, now) for x in ("fr", "en")] == [True, False]
    assert [STAFF.speaks("102", x, now) for x in ("fr", "en")] == [True, True]
    assert (bool(NOBODY), bool(STAFF)) == (False, True)


DAYS = [date(2026, 4, 1) + timedelta(days=n) for n in range(5)]
DAY = st.none() | st.sampled_from(DAYS)
PERIODS = st.tuples(DAY, DAY).filter(lambda days: not (days[0] and days[1] and days[1] < days[0]))
ENTRIES = st.builds(
    lambda extension, days, exchange: StaffMember(
        extension=extension, languages=("fr",), valid_from=days[0], valid_until=days[1], exchange=exchange
    ),
    st.sampled_from(["102", "103"]),
    PERIODS,
    st.sampled_from([None, "toronto", "ottawa"]),
)


@given(st.lists(ENTRIES))
def test_two_entries_overlap_when_a_day_at_an_exchange_has_both(listed: list[StaffMember]) -> None:
    days = [DAYS[0] - timedelta(days=1), *DAYS, DAYS[-1] + timedelta(days=1)]

    def both(one: StaffMember, other: StaffMember) -> bool:
        places = [x for x in ("toronto", "ottawa") if one.exchange in (None, x) and other.exchange in (None, x)]
        shared = [day for day in days if one.holds_on(day) and other.holds_on(day)]
        return one.extension == other.extension and bool(places) and bool(shared)

    pairs = [(a, b) for b in range(len(listed)) for a in range(b)]
    assert sorted(overlaps(listed)) == sorted(pair for pair in pairs if both(*(listed[x] for x in pair)))


TEXT = """
[exchanges.toronto]
host = "10.0.0.1"
secret_env = "X"
[exchanges.ottawa]
host = "10.0.0.2"
secret_env = "X"
[[staff]]
extension = "1030"
languages = ["en"]
[[staff]]
extension = "102"
languages = ["fr", "en"]
exchange = "toronto"
valid_until = 2026-09-30
[[staff]]
extension = "102"
languages = ["en"]
exchange = "ottawa"
"""


def test_an_exchange_has_its_own_entries_and_those_of_every_exchange() -> None:
    settings, day = parse(TEXT), toronto("2026-09-30T23:59:59")
    known = {
        (exchange, extension): [settings.staff(exchange).speaks(extension, x, day) for x in ("fr", "en")]
        for exchange in ("toronto", "ottawa", "recording")
        for extension in ("102", "1030")
    }
    assert known == {
        ("toronto", "102"): [True, True],
        ("toronto", "1030"): [False, True],
        ("ottawa", "102"): [False, True],
        ("ottawa", "1030"): [False, True],
        ("recording", "102"): [None, None],
        ("recording", "1030"): [False, True],
    }
    after = day + timedelta(seconds=1)
    assert settings.staff("toronto").speaks("102", "fr", after) is None


def test_check_lists_them_by_extension() -> None:
    lines = report(parse(TEXT), date(2026, 11, 24)).splitlines()
    start = lines.index("Languages of the staff") + 2
    assert lines[start : start + 4] == [
        "extension 102, at toronto: French and English until 2026-09-30 included",
        "extension 102, at ottawa: English",
        "extension 1030: English",
        "",
    ]
