"""What the questions read of the store: simulated days, written as the daemon writes, are read as they were."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from callmon.core import facts as f
from callmon.core.replay.needs import count_needs
from callmon.core.replay.record import Rule, seen_rule
from callmon.core.replay.run import prepared, replayed
from callmon.core.replay.what_if import what_if
from callmon.core.replay.world import drawn_world, samples_of
from callmon.core.statistics.period import midnight
from callmon.store.database import Database
from callmon.store.queries.contacts import read_contacts, shared_tokens
from callmon.store.queries.seen_days import DayReader
from tests.support.fact_builder import CALLER, TORONTO, Office, local, usual
from tests.support.ringing_site import stored, without_numbers
from tests.support.ringing_world import RingingSite, counts, simulated
from tests.support.store_fixtures import wrote

SITE = RingingSite(seed=1, days=6, calls_a_day=30, phones=3)


def test_the_calls_of_the_store_are_those_that_were_simulated(store: Database) -> None:
    days = simulated(SITE)
    dates = stored(store, days)
    read = DayReader(TORONTO).read_days(store, dates[0], dates[-1])
    assert [day.name for day in read] == [str(day) for day in dates]
    assert without_numbers(read) == without_numbers(days)
    assert seen_rule(read) == SITE.rule
    assert [call.met for day in read for call in day.calls] == [call.met for day in days for call in day.calls]


def test_a_stored_month_under_its_own_rule_is_that_month(store: Database) -> None:
    ringall = RingingSite(seed=2, days=5, calls_a_day=40, rule=Rule(strategy="ringall", voicemail=24_000))
    dates = stored(store, simulated(ringall))
    read = DayReader(TORONTO).read_days(store, dates[0], dates[-1])
    own, world = seen_rule(read), drawn_world([samples_of(day) for day in read], 1, 0)
    for day in read:
        became = [(now.outcome, now.wait) for now in replayed(prepared(day), own, own, world)]
        assert became == [(call.outcome, call.wait) for call in day.calls]
    answer, truth = what_if(read, lambda rule: rule), counts(simulated(ringall))
    assert (answer.own.calls, answer.own.answered) == (truth["calls"], truth["answered"])


def test_calls_of_other_lines_keep_phones_busy_and_are_not_counted(store: Database) -> None:
    dates = stored(store, simulated(SITE), line="poci")
    assert DayReader(TORONTO, "general").read_days(store, dates[0], dates[-1]) == []
    (day, *_) = DayReader(TORONTO, "poci").read_days(store, dates[0], dates[-1])
    assert all(call.counted for call in day.calls)


def test_the_phones_of_a_language_are_those_that_speak_it_on_the_day(store: Database) -> None:
    dates = stored(store, simulated(SITE))
    first = midnight(dates[0], TORONTO)
    reader = DayReader(TORONTO, speaks=lambda exchange, phone, at: (phone, at) == ("101", first))
    one, other = reader.read_days(store, dates[0], dates[1])
    assert (len(one.speaking), one.speaking < one.phones.keys()) == (1, True)
    assert other.speaking == frozenset()


def test_a_day_without_calls_is_no_day(store: Database) -> None:
    dates = stored(store, simulated(SITE))
    assert DayReader(TORONTO).read_days(store, dates[-1] + timedelta(days=1), dates[-1] + timedelta(days=9)) == []
    assert len(DayReader(TORONTO).read_days(store, date(2026, 1, 1), dates[1])) == 2


SPRING, WINTER, AUTUMN = "2026-03-08", "2026-11-24", "2026-11-01"
OPEN_ON_SUNDAYS = "".join(f'\n{day} = "0:00-17:00"' for day in (SPRING, AUTUMN))


@pytest.mark.parametrize(
    ("day", "until", "calls"),
    [
        (WINTER, None, 2),
        (WINTER, time(12), 1),
        (WINTER, time(11), 0),
        (SPRING, time(12), 1),  # eleven hours after midnight
        (AUTUMN, time(12), 3),  # thirteen
        (AUTUMN, time(1, 30), 1),
        (AUTUMN, time(1, 30, fold=1), 2),  # the clocks show it for the second time
    ],
)
def test_a_day_is_read_up_to_a_local_time(store: Database, day: str, until: time | None, calls: int) -> None:
    office = Office(usual(**{"[calendar.special_hours]": f"[calendar.special_hours]{OPEN_ON_SUNDAYS}"}))
    twice = [datetime(2026, 11, 1, hour, 20, tzinfo=UTC) for hour in (5, 6)]
    ends = [local(f"{one} 12:00:0{n}") for one in (SPRING, WINTER, AUTUMN) for n in (0, 1)]
    office.hear(*(office.call_in(at - timedelta(seconds=12)) for at in sorted([*twice, *ends])))
    wrote(store, *office.outcomes)
    with store.reading() as connection:
        found = DayReader(TORONTO).read_day(connection, date.fromisoformat(day), until)
    assert (0 if found is None else len(found.calls)) == calls


def test_a_transfer_frees_the_phone(store: Database) -> None:

    office = Office()
    at = local("2026-11-24 10:00")
    call = office.call_in(at)
    name, sent = call[0][1].call, at + timedelta(seconds=5)
    office.hear(
        [
            *call[:-1],
            (sent, f.SentOff(name, sent, "attended", "PJSIP/101-00000002", "105")),
            (sent, f.Transferred(name, sent, "attended", "PJSIP/101-00000002", "105", True)),
            call[-1],
        ]
    )
    wrote(store, *office.outcomes)
    (day,) = DayReader(TORONTO).read_days(store, date(2026, 11, 24), date(2026, 11, 24))
    assert [seen.talk for seen in day.calls] == [5000]


def test_a_call_in_progress_is_not_read(store: Database) -> None:
    office = Office()
    answered = local("2026-11-24 10:00")
    office.hear(office.call_in(answered)[:-1], office.call_in(answered + timedelta(minutes=1)))
    wrote(store, *office.outcomes)
    (day,) = DayReader(TORONTO).read_days(store, date(2026, 11, 24), date(2026, 11, 24))
    assert [call.at + call.wait for call in day.calls] == [36_060_000]


def test_a_need_of_the_month_before_holds_the_first_call_of_the_month(store: Database) -> None:
    office = Office()
    for hours in (0, 20, 30, 44):  # two needs: the second begins with the call after 30 hours and holds the last
        office.hear(office.message(local("2026-11-23 09:00") + timedelta(hours=hours)))
    wrote(store, *office.outcomes)
    begin = local("2026-11-25 00:00")
    with store.reading() as connection:
        contacts = list(read_contacts(connection, begin, begin + timedelta(days=1), ["general"]))
    assert len(contacts) == 4
    assert count_needs(contacts, begin, begin + timedelta(days=1)).needs == 0


def test_a_shared_number_stands_apart_from_the_needs(store: Database) -> None:
    office = Office()
    at = local("2026-11-24 10:00")
    for number in (CALLER, "+14165550177"):
        office.hear(office.call_in(at, number))
    wrote(store, *office.outcomes)
    begin, end = at - timedelta(hours=1), at + timedelta(hours=1)
    with store.reading() as connection:
        shared = shared_tokens(store.ring, [CALLER])
        found = count_needs(read_contacts(connection, begin, end, ["general"], shared), begin, end)
    assert (found.needs, found.unknown_number) == (1, 1)
