"""Called back within 24 hours: every boundary, who owes and who pays, from the facts of calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from callmon.core.snapshot import CallbackStatus
from tests.support.fact_builder import CALLER, OTHER, Office, local, usual

TUESDAY = local("2026-11-24 10:00")
HOUR, SECOND, MILLI = timedelta(hours=1), timedelta(seconds=1), timedelta(milliseconds=1)
DAY = 24 * HOUR
BUSINESS = usual(
    **{'mode = "voice"\nlanguage_menu': 'mode = "voice"\ncallback_clock = "business_day"\nlanguage_menu'}
)
EAGER = usual("[callbacks]\nattempt_counts = false")


# ── boundaries ──


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (DAY - MILLI, ("met", "called_back")),
        (DAY, ("met", "called_back")),
        (DAY + MILLI, ("not_met", "not_called_back")),
    ],
)
def test_a_callback_is_in_time_up_to_24_hours_to_the_millisecond(
    after: timedelta, verdict: tuple[str, str]
) -> None:
    office = Office().hear(office_message(TUESDAY))
    answered = TUESDAY + after
    office.hear(office.call_out(answered, ended=False)[:3]).tick(answered)
    office.hear(office.call_out(answered, call="1700000009.9", rang=2)[:-1]).tick(answered + 11 * SECOND)
    assert office.verdicts() == [verdict]
    assert (office.one().state, office.one().settled) == ("paid", answered)


def office_message(at: datetime, **more: Any) -> Any:
    return Office().message(at, **more)


DUES = [
    # message, clock, business day, actionable by the clock, due soon
    ("2026-11-24 10:00", "2026-11-25 10:00", "2026-11-25 17:00", "2026-11-25 10:00", "2026-11-24 14:30"),
    ("2026-11-24 18:00", "2026-11-25 18:00", "2026-11-26 17:00", "2026-11-25 17:00", "2026-11-25 13:00"),
    ("2026-11-24 16:59", "2026-11-25 16:59", "2026-11-25 17:00", "2026-11-25 16:59", "2026-11-25 12:59"),
    ("2026-11-25 03:00", "2026-11-26 03:00", "2026-11-26 17:00", "2026-11-25 17:00", "2026-11-25 13:00"),
    # Friday: in the afternoon there is time until closing; in the evening there is none.
    ("2026-11-27 16:00", "2026-11-28 16:00", "2026-11-30 17:00", "2026-11-27 17:00", "2026-11-27 16:00"),
    ("2026-11-27 17:00", "2026-11-28 17:00", "2026-12-01 17:00", None, None),
    ("2026-11-27 18:00", "2026-11-28 18:00", "2026-12-01 17:00", None, None),
    ("2026-11-28 12:00", "2026-11-29 12:00", "2026-12-01 17:00", None, None),
    # At the very instant of opening nobody has had a moment; a minute later there was one.
    ("2026-11-29 08:30", "2026-11-30 08:30", "2026-12-01 17:00", None, None),
    ("2026-11-29 08:31", "2026-11-30 08:31", "2026-12-01 17:00", "2026-11-30 08:31", "2026-11-30 08:30"),
    # Thanksgiving is a Monday; Remembrance Day a Wednesday.
    ("2026-10-09 16:00", "2026-10-10 16:00", "2026-10-13 17:00", "2026-10-09 17:00", "2026-10-09 16:00"),
    ("2026-10-11 12:00", "2026-10-12 12:00", "2026-10-14 17:00", None, None),
    ("2026-11-10 15:00", "2026-11-11 15:00", "2026-11-12 17:00", "2026-11-10 17:00", "2026-11-10 15:00"),
    # The night of 8 March has 23 hours, that of 1 November 25: 24 hours are 24 times 3,600 seconds.
    ("2026-03-07 12:00", "2026-03-08 13:00", "2026-03-10 17:00", None, None),
    ("2026-10-31 12:00", "2026-11-01 11:00", "2026-11-03 17:00", None, None),
    ("2026-03-06 16:30", "2026-03-07 16:30", "2026-03-09 17:00", "2026-03-06 17:00", "2026-03-06 16:30"),
    # Leap day.
    ("2028-02-28 15:00", "2028-02-29 15:00", "2028-02-29 17:00", "2028-02-29 15:00", "2028-02-29 11:00"),
    ("2028-02-29 16:00", "2028-03-01 16:00", "2028-03-01 17:00", "2028-03-01 16:00", "2028-03-01 12:00"),
]  # fmt: skip


def at(text: str | None) -> datetime | None:
    return None if text is None else local(text)


@pytest.mark.parametrize(("message", "clock", "business", "actionable", "soon"), DUES)
def test_due_times_by_both_clocks_and_until_when_a_person_can_act(
    message: str, clock: str, business: str, actionable: str | None, soon: str | None
) -> None:
    dues = Office().hear(office_message(local(message))).one().dues
    assert (dues.clock, dues.business) == (local(clock), local(business))
    assert (dues.judging.at, dues.judging.actionable, dues.judging.soon) == (
        local(clock),
        at(actionable),
        at(soon),
    )


def test_a_line_may_be_judged_by_the_next_business_day() -> None:
    office = Office(BUSINESS)
    office.hear(office.message(local("2026-11-27 18:00")))
    due = office.one().dues.judging
    assert (due.at, due.actionable, due.soon) == (
        local("2026-12-01 17:00"),
        local("2026-12-01 17:00"),
        local("2026-12-01 13:00"),
    )
    office.tick(local("2026-12-01 17:00")).tick(local("2026-12-01 17:00") + MILLI)
    assert office.verdicts() == [("not_met", "not_called_back")]


# ── time, with nothing arriving ──


def test_due_soon_and_overdue_are_reported_once_each_also_across_restarts() -> None:
    office = Office().hear(office_message(TUESDAY))
    soon = local("2026-11-24 14:30")
    office.tick(soon)
    assert office.story() == ["Owed"]
    office.tick(soon + SECOND).tick(soon + HOUR).restart().tick(soon + 2 * HOUR)
    assert office.story() == ["Owed", "DueSoon"]
    office.tick(TUESDAY + DAY)
    assert not office.one().is_overdue
    office.tick(TUESDAY + DAY + SECOND).restart().tick(TUESDAY + 2 * DAY)
    assert office.story() == ["Owed", "DueSoon", "Overdue", "FellDue"]
    assert office.verdicts() == [("not_met", "not_called_back")]


def test_callmon_down_at_the_due_time_reports_it_later_with_true_times() -> None:
    office = Office().hear(office_message(TUESDAY)).restart().tick(TUESDAY + 40 * HOUR)
    assert [(type(x).__name__, x.at) for x in office.entries] == [
        ("Owed", TUESDAY),
        ("DueSoon", local("2026-11-24 14:30")),
        ("Overdue", TUESDAY + DAY),
        ("FellDue", TUESDAY + DAY),
    ]


def test_what_has_no_open_hour_is_never_overdue_and_late_by_the_clock() -> None:
    friday = local("2026-11-27 18:00")
    office = Office().hear(office_message(friday)).tick(friday + 3 * DAY)
    assert office.story() == ["Owed", "FellDue"]
    assert (office.one().is_overdue, office.verdicts()) == (False, [("not_met", "no_open_hour")])


def test_the_verdict_waits_no_longer_when_that_callback_was_too_short() -> None:
    office = Office(EAGER)
    office.hear(office.message(TUESDAY))
    office.hear(office.call_out(TUESDAY + DAY - 2 * SECOND, talked=5)[:-1]).tick(TUESDAY + DAY + SECOND)
    assert office.verdicts() == []
    office = Office(EAGER)
    office.hear(office.message(TUESDAY))
    call = office.call_out(TUESDAY + DAY - 2 * SECOND, talked=5)
    office.hear(call[:-1]).tick(TUESDAY + DAY + SECOND).hear(call[-1:])
    assert (office.verdicts(), office.one().state) == ([("not_met", "answered_too_short")], "open")


@pytest.mark.parametrize(("lag", "reported"), [(0.0, 1), (0.2, 1), (0.25, 0), (9.0, 0), (60.0, 0)])
def test_a_verdict_waits_for_what_the_exchange_may_still_be_saying(lag: float, reported: int) -> None:
    now = TUESDAY + DAY + 0.25 * SECOND
    office = Office().hear(office_message(TUESDAY)).tick(now, {"toronto": now - lag * SECOND})
    assert len(office.verdicts()) == reported


def test_where_a_whole_callback_fits_into_what_was_unheard_nobody_knows() -> None:
    now = TUESDAY + DAY + 5 * SECOND
    for seconds, verdict in ((10, ("unknown", "gap")), (9, ("not_met", "not_called_back"))):
        office = Office().hear(office_message(TUESDAY))
        office.tick(now, {"toronto": TUESDAY + DAY - seconds * SECOND}, ["toronto"])
        assert office.verdicts() == [verdict]


@pytest.mark.parametrize(
    ("start", "end", "verdict"),
    [
        (5 * HOUR, 5 * HOUR + 9 * SECOND, ("not_met", "not_called_back")),
        (5 * HOUR, 5 * HOUR + 10 * SECOND, ("unknown", "gap")),
        (-HOUR, 9 * SECOND, ("not_met", "not_called_back")),
        (-HOUR, 10 * SECOND, ("unknown", "gap")),
        (DAY - 9 * SECOND, DAY + HOUR, ("not_met", "not_called_back")),
        (DAY - 10 * SECOND, DAY + HOUR, ("unknown", "gap")),
    ],
)
def test_a_gap_counts_for_what_lies_between_the_message_and_the_due_time(
    start: timedelta, end: timedelta, verdict: tuple[str, str]
) -> None:
    office = Office().hear(office_message(TUESDAY))
    office.monitor.ledger.gap("toronto", TUESDAY + start, TUESDAY + end)
    assert office.tick(TUESDAY + 2 * DAY).verdicts() == [verdict]


# ── who owes ──


def test_a_message_opens_an_obligation_with_its_line_service_and_language() -> None:
    office = Office().hear(office_message(TUESDAY, language="fr", line="poci"))
    one = office.one()
    assert (one.kind, one.opening, one.line, one.service, one.language, one.opened, one.token) == (
        "callback", "message", "poci", "poci", "fr", TUESDAY, CALLER,
    )  # fmt: skip


def test_another_service_number_or_kind_is_an_obligation_of_its_own() -> None:
    office = Office()
    office.hear(
        office.message(TUESDAY), office.message(TUESDAY + HOUR, line="poci"), office.message(TUESDAY, OTHER)
    )
    assert sorted((one.token or "", one.service) for one in office.kept.values()) == [
        (CALLER, "general_inquiries"), (CALLER, "poci"), (OTHER, "general_inquiries"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("caller", "more", "hidden"),
    [
        (None, {"withheld": "withheld"}, "withheld"),
        (None, {"withheld": "unknown"}, "unknown"),
        ("+18008550511", {"relay": True}, "relay"),
        ("711", {"relay": True}, "relay"),
        ("sip-user", {}, "unparsable"),
        ("4165", {}, "internal"),
        ("416555", {}, "internal"),
        ("4165550", {}, "unparsable"),
        ("+14163272422", {}, "internal"),
        (CALLER, {}, None),
    ],
)
def test_what_cannot_be_called_back_is_not_in_the_denominator(
    caller: str | None, more: dict[str, Any], hidden: str | None
) -> None:
    office = Office().hear(office_message(TUESDAY, caller=caller, **more)).tick(TUESDAY + 3 * DAY)
    verdict = ("not_met", "not_called_back") if hidden is None else ("exempt", "not_returnable")
    assert (office.one().hidden, office.verdicts(), office.one().is_overdue) == (hidden, [verdict], hidden is None)
    assert office.one().is_open


def test_a_replay_shows_what_is_due_once_its_clock_passed_the_due_time() -> None:
    from tests.support.ami_builders import Exchange

    exchange = Exchange()
    caller = exchange.at(0).call()
    exchange.voicemail(caller)
    exchange.at(20).message(caller)
    exchange.ends(caller)
    exchange.at(86_400 + 30).call()
    replay = exchange.replayed()
    assert [(x.standard, x.verdict) for x in replay.findings[caller.uniqueid]][-1] == (
        "callback_within_24_hours", "not_met",
    )  # fmt: skip


# ── what is shown ──


def test_gauges_follow_what_stands_and_times_are_absent_when_nobody_waits() -> None:
    from callmon.config.settings import example
    from callmon.core.snapshot import DaemonSnapshot
    from callmon.sinks.metrics.exposition import OF_CALLS, families

    lines = tuple(line for line in example().lines() if line.name in ("general", "poci"))

    office = Office()

    def shown() -> dict[tuple[str, ...], float]:
        callbacks = CallbackStatus().updated(office.monitor.ledger.index)
        found = families(OF_CALLS, DaemonSnapshot(TUESDAY, callbacks=callbacks, configured=lines))
        samples = [sample for family in found if "callback" in family.name for sample in family.samples]
        return {(s.name.removeprefix("callmon_"), *s.labels.values()): s.value for s in samples if s.value}

    assert shown() == {}
    office.hear(office.message(TUESDAY, language="fr"), office.message(TUESDAY + HOUR, None, withheld="withheld"))
    office.hear(office.message(local("2026-11-27 18:00"), OTHER, "poci"))
    office.tick(TUESDAY + 2 * DAY)
    assert shown() == {
        ("callbacks_open", "general", "fr"): 1,
        ("callbacks_overdue", "general", "fr"): 1,
        ("callbacks_overdue_untaken", "general", "fr"): 1,
        ("callbacks_open", "poci", "unknown"): 1,
        ("callbacks_no_open_hour", "poci", "unknown"): 1,
        ("callbacks_to_listen_to", "general"): 1,
        ("callback_earliest_opened_timestamp_seconds", "general"): TUESDAY.timestamp(),
        ("callback_earliest_opened_timestamp_seconds", "poci"): local("2026-11-27 18:00").timestamp(),
        ("callback_earliest_due_timestamp_seconds", "general"): (TUESDAY + DAY).timestamp(),
        ("callback_earliest_due_timestamp_seconds", "poci"): local("2026-11-28 18:00").timestamp(),
        ("callback_earliest_actionable_timestamp_seconds", "general"): (TUESDAY + DAY).timestamp(),
        ("callbacks_to_listen_to_due_timestamp_seconds", "general"): local("2026-11-25 17:00").timestamp(),
    }
    office.hear(office.call_out(TUESDAY + 3 * DAY), office.call_in(local("2026-11-30 09:00"), OTHER, "poci"))
    office.hand("close", TUESDAY + 3 * DAY, "1700000002.0", reason="listened", text="no name")
    assert shown() == {}


def test_a_board_is_shown_the_callbacks_that_are_due_and_each_change_once() -> None:
    office = Office()
    shelf = office.monitor.ledger.index
    office.hear(office.message(TUESDAY, language="fr"), office.message(TUESDAY, None, withheld="withheld"))
    first = CallbackStatus().updated(shelf)
    assert first.updated(shelf) is first
    assert [(name, x.state, x.attempts, x.language) for name, x in first.visible.items()] == [
        ("1700000001.0", "open", 0, "fr")
    ]
    office.hand("mark", TUESDAY + HOUR, "1700000001.0", cautions=("no_message",))
    marked = first.updated(shelf)
    assert (marked.revision, marked.visible) == (first.revision, first.visible)
    office.tick(TUESDAY + 2 * DAY)
    overdue = marked.updated(shelf)
    assert (overdue.visible["1700000001.0"].state, overdue.revision > first.revision) == ("overdue", True)
    office.hear(office.call_out(TUESDAY + 3 * DAY))
    paid = overdue.updated(shelf)
    assert (paid.visible, paid.revision > overdue.revision) == ({}, True)
    assert [x.by_line for x in (first, overdue, paid)] == [{"general": (1, 0)}, {"general": (1, 1)}, {}]


@pytest.mark.parametrize(("days", "is_shared"), [(29, True), (30, False)])
def test_a_number_is_shared_by_the_days_of_the_last_thirty(days: int, is_shared: bool) -> None:
    office, first = Office(), TUESDAY.date()
    known, needed = office.monitor.ledger.shared_numbers, office.monitor.ledger.rules.shared_after_days
    for day in (0, *range(days - needed + 1, days + 1)):
        known.record_call(CALLER, first + timedelta(days=day), "general")
    assert known.is_shared(CALLER) is is_shared
