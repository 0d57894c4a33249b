"""Needs: the calls of one number within 24 hours, counted one by one and at their edges."""

from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from callmon.core.replay.needs import CallerContact, Needs, count_needs

BEGIN = datetime(2026, 3, 2, 14, tzinfo=UTC)
END = BEGIN + timedelta(days=30)
DAY = timedelta(hours=24)


def counted(*contacts: CallerContact) -> tuple[int, int, int, int]:
    found = count_needs(contacts, BEGIN, END)
    return found.needs, found.met, found.met_at_first, found.tries


def call(hours: float, *, token: str | None = "a", **what: bool) -> CallerContact:
    return CallerContact(token, BEGIN + timedelta(hours=hours), **what)


def by_brute_force(contacts: list[CallerContact]) -> Needs:
    """The definition, read call by call: a need is looked for anew for each call that is in none."""
    known = sorted((one for one in contacts if one.token), key=lambda one: (one.at, one.outbound))
    held: set[int] = set()
    needs = met = first = tries = 0
    for number, one in enumerate(known):
        if number in held or one.outbound or not one.in_hours:
            continue
        mine = [n for n in range(number, len(known)) if known[n].token == one.token and known[n].at < one.at + DAY]
        ends = next((n for n in mine if known[n].spoke), None)
        mine = [n for n in mine if ends is None or n <= ends]
        held |= set(mine)
        own = [n for n in mine if not known[n].outbound]
        needs, tries = needs + 1, tries + len(own)
        met, first = met + (ends is not None), first + (ends is not None and len(own) == 1)
    lost = [n for n, one in enumerate(known) if one.gave_up]
    later = [[x for x in known[n + 1 :] if x.token == known[n].token and x.at < known[n].at + DAY] for n in lost]
    nexts = [[x for x in some if not x.outbound] for some in later]
    waits = [(some[0].at - known[n].at).total_seconds() / 60 for n, some in zip(lost, nexts, strict=True) if some]
    return Needs(
        needs, met, first, tries, sum(one.token is None and one.in_hours and not one.outbound for one in contacts),
        len(lost), len(waits), sum(any(x.spoke for x in some) for some in later), median(waits) if waits else None,
    )  # fmt: skip


def test_a_thousand_callers_are_counted_as_the_definition_says() -> None:
    rng = Random(41)
    contacts = []
    for caller in range(1000):
        for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
            outbound, spoke = rng.random() < 0.1, rng.random() < 0.6
            token = None if rng.random() < 0.05 else str(caller)
            gave_up = not spoke and not outbound and rng.random() < 0.7
            at = BEGIN + timedelta(minutes=rng.randrange(60 * 24 * 5))
            contacts.append(CallerContact(token, at, spoke, gave_up, rng.random() < 0.9, outbound))
    assert count_needs(contacts, BEGIN, END) == by_brute_force(contacts)


def test_a_need_holds_24_hours_from_its_first_call() -> None:
    assert counted(call(0), call(23.99, spoke=True)) == (1, 1, 0, 2)
    assert counted(call(0), call(12), call(24, spoke=True)) == (2, 1, 1, 3)


def test_24_hours_are_24_hours_in_the_night_that_has_25() -> None:
    zone = ZoneInfo("America/Toronto")
    first = datetime(2026, 10, 31, 20, tzinfo=zone)
    begin, end = first.astimezone(UTC) - DAY, first.astimezone(UTC) + 3 * DAY
    for hour, needs in ((18, 1), (19, 2)):
        second = datetime(2026, 11, 1, hour, tzinfo=zone)
        contacts = [CallerContact("a", one.astimezone(UTC)) for one in (first, second)]
        assert count_needs(contacts, begin, end).needs == needs


def test_a_callback_meets_a_need_and_is_no_try_of_the_caller() -> None:
    assert counted(call(0, gave_up=True), call(2, outbound=True, spoke=True)) == (1, 1, 1, 1)
    assert counted(call(0), call(1), call(2, outbound=True, spoke=True)) == (1, 1, 0, 2)


def test_a_need_begins_in_opening_hours_and_then_holds_calls_of_any_hour() -> None:
    assert counted(call(0, in_hours=False)) == (0, 0, 0, 0)
    assert counted(call(0, in_hours=False), call(1), call(2, in_hours=False)) == (1, 0, 0, 2)


def test_a_need_counts_in_the_period_in_which_it_began() -> None:
    assert counted(call(-1), call(1, spoke=True)) == (0, 0, 0, 0)
    assert counted(call(30 * 24 - 1), call(30 * 24 + 1, spoke=True)) == (1, 1, 0, 2)


def test_a_number_purged_between_two_calls_leaves_two_separate_needs() -> None:
    purged = [call(0), replace(call(1, spoke=True), token=None)]
    found = count_needs(purged, BEGIN, END)
    assert (found.needs, found.met, found.unknown_number) == (1, 0, 1)


def test_who_gave_up_and_called_again() -> None:
    contacts = [
        call(0, gave_up=True),
        call(0.5, gave_up=True),
        call(1.5, spoke=True),
        call(0, token="b", gave_up=True),
    ]
    found = count_needs(contacts, BEGIN, END)
    assert (found.gave_up, found.again, found.answered_after, found.median_minutes_to_next) == (3, 2, 2, 45.0)
