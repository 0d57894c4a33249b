"""What pays a debt and what does not: calls out, calls in, and what a person records by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from callmon.core import facts as f
from callmon.core.callbacks import entries as n
from callmon.core.callbacks.commands import Received
from callmon.core.standards import complaint_within_2_business_days
from callmon.core.standards.verdict_rules import Seen, StandardParameters
from callmon.core.verdicts import Judgement
from tests.support.fact_builder import CALLER, OTHER, Office, local, usual

TUESDAY = local("2026-11-24 10:00")
HOUR, SECOND, DAY = timedelta(hours=1), timedelta(seconds=1), timedelta(hours=24)
LATER = TUESDAY + 2 * HOUR
GENERAL = 'numbers = ["416 327-2422"]'
POCI = 'numbers = ["416 327-0374"]'
TTY = 'numbers = ["416 325-0866"]'
SERVING = usual(
    "",
    **{
        GENERAL: GENERAL + '\nextensions = ["101", "102", "109"]',
        POCI: POCI + '\nextensions = ["105", "109"]',
        TTY: TTY + '\nextensions = ["104"]',
    },
)
STAFFED = usual(
    '[[staff]]\nextension = "102"\nlanguages = ["fr", "en"]\n[[staff]]\nextension = "103"\nlanguages = ["en"]'
)


def owing(at: Any = TUESDAY, given: Any = None, **more: Any) -> Office:
    office = Office(given)
    return office.hear(office.message(at, **more))


# ── calls out ──


@pytest.mark.parametrize("number", ["5550101", "95550101", "0101", "96475550101", "+334165550101", "102", "9", ""])
def test_a_number_that_only_ends_alike_pays_nothing(number: str) -> None:
    office = owing()
    office.hear(office.call_out(LATER, number=number))
    assert (office.one().state, office.one().attempts) == ("open", ())


@pytest.mark.parametrize(
    ("talked", "state", "attempts"), [(9.999, "open", 1), (10, "paid", 0), (10.001, "paid", 0), (0, "open", 1)]
)
def test_talk_of_ten_seconds_pays_and_less_is_an_attempt(talked: float, state: str, attempts: int) -> None:
    office = owing()
    office.hear(office.call_out(LATER, talked=talked))
    assert (office.one().state, len(office.one().attempts)) == (state, attempts)


@pytest.mark.parametrize(("rang", "attempts"), [(2, 0), (23.999, 0), (24, 1), (60, 1)])
def test_four_rings_in_vain_are_an_attempt_and_fewer_are_nothing(rang: float, attempts: int) -> None:
    office = owing()
    office.hear(office.call_out(None, rang_at=LATER, rang=rang))
    assert office.one().attempts == (LATER + 24 * SECOND,) * attempts
    assert office.one().is_open


@pytest.mark.parametrize(
    ("late", "verdict"), [(0, ("met", "attempted_in_time")), (0.001, ("not_met", "not_called_back"))]
)
def test_four_rings_that_end_at_the_due_time_are_an_attempt_in_time(late: float, verdict: tuple[str, str]) -> None:
    office = owing()
    rings = office.call_out(None, rang_at=TUESDAY + DAY + (late - 24) * SECOND, rang=30)
    office.hear(rings).tick(TUESDAY + 3 * DAY)
    assert office.verdicts() == [verdict]
    assert [x.satisfies for x in office.entries if isinstance(x, n.Attempted)] == [not late]


@pytest.mark.parametrize(
    ("late", "talked", "verdict"),
    [
        *((0, 60, ("met", "called_back")), (0.001, 60, ("not_met", "called_back_late"))),
        *((0, 5, ("met", "answered_too_short")), (0.001, 5, ("not_met", "not_called_back"))),
    ],
)
def test_an_answer_at_the_due_time_is_in_time(late: float, talked: float, verdict: tuple[str, str]) -> None:
    office = owing()
    office.hear(office.call_out(TUESDAY + DAY + late * SECOND, talked=talked)).tick(TUESDAY + 3 * DAY)
    assert office.verdicts() == [verdict]


def test_the_verdict_waits_for_the_length_of_a_call_at_the_due_time() -> None:
    office = owing()
    *begun, end = office.call_out(TUESDAY + DAY, talked=60)
    office.hear(begun).tick(TUESDAY + DAY + 5 * SECOND)
    assert office.verdicts() == []
    assert office.hear([end]).verdicts() == [("met", "called_back")]


def test_a_call_answered_at_or_before_the_message_settles_nothing() -> None:
    for early in (timedelta(0), SECOND):
        office = owing()
        office.hear(office.call_out(TUESDAY - early, talked=300)).tick(TUESDAY + HOUR)
        assert (office.one().state, office.one().attempts) == ("open", ())


def test_an_outbound_call_ringing_at_the_message_settles_when_answered() -> None:
    office = Office()
    office.hear(office.message(TUESDAY), office.call_out(TUESDAY + SECOND, rang=20))
    assert office.one().state == "paid"
    assert [type(fact).__name__ for fact in office.reported["1700000002.0"]] == ["Arrived", "Answered", "Ended"]


def test_a_message_left_while_the_callback_was_going_on_is_due_anew() -> None:
    office = Office()
    office.hear(
        office.message(TUESDAY), office.call_out(LATER, talked=60), office.message(LATER + 5 * SECOND)
    ).tick(LATER + HOUR)
    assert sorted((one.opened, one.state, one.count) for one in office.kept.values()) == [
        (TUESDAY, "paid", 1), (LATER + 5 * SECOND, "open", 1),
    ]  # fmt: skip


def test_nothing_is_reported_of_unwanted_calls_and_all_of_others() -> None:
    office = owing()
    office.hear(office.call_out(LATER, number="9" + OTHER[2:]), office.call_out(LATER + HOUR))
    assert list(office.reported) == ["1700000001.0", "1700000003.0"]


def test_what_was_received_after_the_answer_settles_before_the_end() -> None:
    office = owing()
    office.hear(office.call_out(LATER, ended=False)).tick(LATER + 9 * SECOND)
    assert office.one().is_open
    office.tick(LATER + 30 * SECOND, {"toronto": LATER + 9 * SECOND})
    assert office.one().is_open
    office.tick(LATER + 30 * SECOND, {"toronto": LATER + 10 * SECOND})
    assert office.story() == ["Owed", "CalledBack"]


@pytest.mark.parametrize(("heard", "state"), [(9, "open"), (10, "paid")])
def test_an_unreceived_end_settles_only_after_a_long_enough_talk(heard: int, state: str) -> None:
    office = owing()
    call = office.call()
    gap = LATER + heard * SECOND
    office.hear(office.call_out(LATER, call=call, ended=False))
    office.hear(
        [(gap + HOUR, f.Unheard(call, gap, gap + HOUR)), (gap + HOUR, f.Ended(call, None, "unknown", "unheard"))]
    )
    assert office.one().state == state


@pytest.mark.parametrize("rang", [5, 30])
@pytest.mark.parametrize(
    ("heard", "gap", "end_heard", "verdict"),
    [
        (5, 4.999, False, ("not_met", "answered_too_short")),
        (5, 5, False, ("unknown", "gap")),
        (1, 9, False, ("unknown", "gap")),
        (5, 4.999, True, ("not_met", "answered_too_short")),
    ],
)
def test_a_talk_with_a_hidden_end_may_or_may_not_be_long_enough(
    heard: float, gap: float, end_heard: bool, verdict: tuple[str, str], rang: float
) -> None:
    office = owing(given=usual("[callbacks]\nattempt_counts = false"))
    call, begun = office.call(), LATER + heard * SECOND
    over = begun + gap * SECOND
    end = f.Ended(call, over, "caller") if end_heard else f.Ended(call, None, "unknown", "unheard")
    office.hear(office.call_out(LATER, call=call, ended=False, rang=rang))
    office.hear([(over, f.Unheard(call, begun, over)), (over, end)]).monitor.ledger.gap("toronto", begun, over)
    assert office.one().is_open
    assert office.restart().tick(TUESDAY + 3 * DAY).verdicts() == [verdict]


@pytest.mark.parametrize(("listed", "state"), [(9, "open"), (10, "paid")])
def test_a_call_that_is_still_listed_after_a_gap_has_talked_until_then(listed: int, state: str) -> None:
    """Its end falls into a later gap: what lies between is known all the same."""
    office = owing()
    call, seen, over = office.call(), LATER + listed * SECOND, LATER + HOUR
    first, later = f.Unheard(call, LATER + SECOND, seen), f.Unheard(call, LATER + SECOND, over)
    office.hear(office.call_out(LATER, call=call, ended=False))
    office.hear([(seen, first), (over, later), (over, f.Ended(call, None, "unknown", "unheard"))])
    assert office.one().state == state


def test_an_attempt_reported_by_time_is_not_reported_after_a_restart() -> None:
    office = owing()
    call = office.call_out(None, rang_at=LATER, rang=60)
    office.hear(call[:3]).tick(LATER + 30 * SECOND).restart().tick(LATER + 40 * SECOND).hear(call[3:])
    assert office.story() == ["Owed", "Attempted"]


# ── which phone pays what ──


@pytest.mark.parametrize(
    ("phone", "paid"),
    [
        ("102", ["general_inquiries"]),
        ("105", ["poci"]),
        ("109", ["general_inquiries", "poci"]),
        ("222", ["general_inquiries", "poci"]),
    ],
)
def test_a_call_settles_its_phones_service_or_all_if_that_is_unclear(phone: str, paid: list[str]) -> None:
    office = Office(SERVING)
    office.hear(office.message(TUESDAY), office.message(TUESDAY, line="poci"), office.call_out(LATER, phone=phone))
    assert sorted(one.service for one in office.kept.values() if one.state == "paid") == paid


@pytest.mark.parametrize(("phone", "state"), [("102", "open"), ("222", "open"), ("104", "paid")])
def test_a_tty_debt_is_never_paid_by_a_voice_phone(phone: str, state: str) -> None:
    office = owing(given=SERVING, line="tty")
    office.hear(office.call_out(LATER, phone=phone))
    assert office.one().state == state


def test_a_tty_debt_is_paid_by_hand_after_a_call_through_the_relay_service() -> None:
    office = owing(given=SERVING, line="tty")
    office.hand("attempt", LATER, result="spoke", text="by 711")
    assert (office.one().state, office.one().by_hand, office.verdicts()) == (
        "paid",
        True,
        [("met", "called_back")],
    )


def test_a_shared_number_has_an_obligation_a_message_settled_by_hand() -> None:
    office = Office(usual('[callbacks]\nshared_numbers = ["416 555-0101"]'))
    office.hear(office.message(TUESDAY), office.message(TUESDAY + HOUR), office.call_out(LATER))
    assert [(one.state, one.shared) for one in office.kept.values()] == [("open", True)] * 2
    office.hand("attempt", LATER + HOUR, "1700000002.0", result="spoke")
    assert [one.state for one in office.kept.values()] == ["open", "paid"]


def test_a_number_with_messages_on_many_days_is_taken_for_shared() -> None:
    office = Office(usual("[callbacks]\nshared_after_days = 2"))
    for day in range(3):
        office.hear(office.message(TUESDAY + day * DAY))
    assert [(one.count, one.shared) for one in office.kept.values()] == [(2, False), (1, True)]
    office.hear(office.call_out(TUESDAY + 3 * DAY))
    assert [one.state for one in office.kept.values()] == ["open", "open"]


# ── calls in ──


def test_a_caller_who_reaches_the_same_service_is_a_row_of_its_own() -> None:
    office = owing()
    office.hear(office.call_in(LATER, line="tty")).tick(TUESDAY + 3 * DAY)
    assert (office.one().state, office.verdicts()) == ("reached_us", [("exempt", "reached_us")])


def test_a_caller_who_reaches_another_service_is_still_due_a_callback() -> None:
    office = owing()
    office.hear(office.call_in(LATER, line="poci"))
    assert office.one().is_open


def test_a_not_met_stays_when_the_caller_reaches_us_or_is_called_back() -> None:
    office = owing().tick(TUESDAY + 2 * DAY)
    office.hear(office.call_in(TUESDAY + 2 * DAY + HOUR))
    assert (office.one().state, office.verdicts()) == ("reached_us", [("not_met", "not_called_back")])


# ── in French ──


@pytest.mark.parametrize(
    ("language", "phone", "verdict"),
    [
        ("fr", "102", ("met", "called_back_in_french")),
        ("fr", "103", ("not_met", "no_french_speaker")),
        ("fr", "199", ("unknown", "staff_not_listed")),
        ("en", "103", ("exempt", "not_asked_in_french")),
        (None, "102", ("unknown", "language_unknown")),
    ],
)
def test_a_french_message_is_to_be_called_back_by_a_french_speaker(
    language: str | None, phone: str, verdict: tuple[str, str]
) -> None:
    office = owing(given=STAFFED, language=language)
    office.hear(office.call_out(LATER, phone=phone)).tick(TUESDAY + 3 * DAY)
    assert office.verdicts("callback_in_french") == [verdict]


@pytest.mark.parametrize(
    ("days", "verdict"), [(0, ("met", "called_back_in_french")), (1, ("not_met", "no_french_speaker"))]
)
def test_the_languages_of_the_day_of_the_call_back_count(days: int, verdict: tuple[str, str]) -> None:
    listed = '[[staff]]\nextension = "102"\nlanguages = ["{}"]\nvalid_{} = 2026-11-{}\n'
    office = owing(given=usual(listed.format("fr", "until", 24) + listed.format("en", "from", 25)), language="fr")
    office.hear(office.call_out(TUESDAY + days * DAY - HOUR if days else LATER)).tick(TUESDAY + 3 * DAY)
    assert office.verdicts("callback_in_french") == [verdict]


# ── by hand ──


def test_closing_asks_for_a_reason_and_the_verdict_follows_when_due() -> None:
    for reason, verdict in (
        ("no_request", ("exempt", "no_request")),
        ("otherwise", ("not_met", "closed_without_callback")),
    ):
        office = owing().hand("close", LATER, reason=reason, text="a wrong number")
        assert (office.one().state, office.verdicts()) == ("closed", [])
        assert office.tick(TUESDAY + 3 * DAY).verdicts() == [verdict]


REFUSED = [
    ("close", {}, "no_reason"),
    ("close", {"reason": "otherwise"}, "no_reason"),
    ("close", {"reason": "unreachable"}, "too_few_attempts"),
    ("close", {"reason": "listened", "text": "heard"}, "is_returnable"),
    ("close", {"reason": "answered", "in_charge": "A. Roy"}, "only_for_complaints"),
    ("reopen", {"text": "why"}, "is_open"),
    ("attempt", {"result": "spoke", "when": TUESDAY}, "not_before_opening"),
    ("attempt", {"result": "spoke", "when": LATER + SECOND}, "not_yet"),
]


@pytest.mark.parametrize(("action", "asked", "why"), REFUSED)
def test_what_cannot_be_done_by_hand_is_refused_with_the_reason(
    action: str, asked: dict[str, Any], why: str
) -> None:
    office = owing().hand(action, LATER, **asked)
    assert [(x.why, x.actor) for x in office.entries[1:]] == [(why, "m.tremblay")]  # type: ignore[attr-defined]
    assert office.one().is_open


def test_unreachable_needs_two_attempts_on_two_days() -> None:
    office = owing().hand("attempt", LATER, result="no_answer").hand("attempt", LATER + HOUR, result="no_answer")
    assert office.hand("close", LATER + HOUR, reason="unreachable").one().is_open
    office.hand("attempt", LATER + DAY, result="no_answer").hand("close", LATER + DAY, reason="unreachable")
    assert (office.one().state, office.one().reason) == ("closed", "unreachable")


def test_what_is_reopened_is_due_from_then_on_with_its_first_clock() -> None:
    office = owing().hand("close", LATER, reason="no_request").hand("reopen", LATER + HOUR, text="it was one")
    office.hear(office.call_out(LATER + HOUR)).tick(LATER + 2 * HOUR)
    assert office.one().is_open
    office.hear(office.call_out(LATER + 3 * HOUR))
    assert (office.one().state, office.one().opened, office.verdicts()) == (
        "paid",
        TUESDAY,
        [("met", "called_back")],
    )


def test_what_was_put_away_long_ago_can_be_reopened() -> None:
    office = owing()
    office.hear(office.call_out(LATER)).tick(TUESDAY + 9 * DAY)
    assert len(office.monitor.ledger.index) == 0
    office.hand("reopen", TUESDAY + 9 * DAY, text="nobody spoke")
    assert office.one().is_open


def test_another_number_is_called_instead() -> None:
    office = owing(caller=None, withheld="withheld")
    office.hand("mark", LATER, token=OTHER, other_number=True)
    office.hear(office.call_out(LATER + HOUR, number="9" + OTHER[2:]))
    assert (office.one().state, office.one().hidden) == ("paid", "withheld")


def test_a_caution_is_stored_for_the_next_message_from_there() -> None:
    office = owing().hand("mark", LATER, cautions=("no_message",))
    office.hear(office.call_out(LATER + HOUR)).hear(office.message(TUESDAY + 2 * DAY))
    assert [one.cautions for one in office.kept.values()] == [("no_message",)] * 2


def test_a_message_on_the_persons_voicemail_counts_and_is_marked() -> None:
    office = owing()
    office.hear(office.call_out(LATER)).hand("attempt", LATER + HOUR, result="message_left")
    assert (office.one().state, office.one().message_left) == ("paid", True)


def test_what_is_erased_is_matched_by_nothing_and_its_figures_stay() -> None:
    office = owing().hand("erase", LATER)
    office.hear(office.call_out(LATER + HOUR)).tick(TUESDAY + 3 * DAY)
    assert (office.one().token, office.one().state, len(office.verdicts())) == (None, "open", 1)


def test_the_cautions_of_an_erased_number_are_not_its_next_messages() -> None:
    office = owing().hand("mark", LATER, cautions=("no_message",)).hand("erase", LATER + HOUR)
    office.hear(office.message(TUESDAY + DAY))
    assert [one.cautions for one in office.kept.values() if not one.is_erased] == [()]


# ── complaints ──


def complained(at: Any = TUESDAY) -> Office:
    office = Office()
    call = office.call_in(at)
    marked = at + 6 * SECOND
    return office.hear([*call, (marked, f.ComplaintMade(call[0][1].call, marked))])


def test_a_complaint_is_acknowledged_by_a_call_and_answered_by_hand() -> None:
    office = complained()
    office.hear(office.call_out(LATER))
    assert (office.one().is_open, office.one().acknowledged, office.one().due.at) == (
        True, LATER, local("2026-12-15 17:00"),
    )  # fmt: skip
    office.hand("close", LATER + DAY, reason="answered").hand(
        "close", LATER + DAY, reason="answered", in_charge="A. Roy"
    )
    assert office.story() == ["Owed", "Acknowledged", "Refused", "ComplaintAnswered"]
    assert office.verdicts("complaint_within_2_business_days") == [("met", "acknowledged")]
    assert office.verdicts("complaint_answered_within_15_business_days") == [("met", "complaint_answered")]


def test_a_complaint_is_acknowledged_by_the_first_of_a_call_and_its_answer() -> None:
    office = complained()
    office.hear(office.call_out(LATER)).hand("close", LATER + 9 * DAY, reason="answered", in_charge="A. Roy")
    one = office.one()
    assert (one.acknowledged, one.settled) == (LATER, LATER + 9 * DAY)
    judged = complaint_within_2_business_days.judge(one, Seen(), StandardParameters())
    assert judged == Judgement("met", "acknowledged")


@pytest.mark.parametrize(("later", "entries"), [(0, ["Owed"]), (0.001, ["Owed", "Acknowledged"])])
def test_only_a_call_after_the_complaint_acknowledges_it(later: float, entries: list[str]) -> None:
    office = complained()
    office.hear(office.call_out(office.one().opened + later * SECOND))
    assert office.story() == entries


def test_a_second_call_to_a_complainant_acknowledges_nothing_more() -> None:
    office = complained()
    office.hear(office.call_out(LATER)).hear(office.call_out(LATER + HOUR))
    assert (office.story(), office.one().acknowledged) == (["Owed", "Acknowledged"], LATER)


def test_a_complaint_that_nobody_answers_is_late_twice() -> None:
    office = complained().tick(local("2026-11-26 17:00"))
    assert office.verdicts("complaint_within_2_business_days") == []
    office.tick(local("2026-11-26 17:00") + SECOND)
    assert office.verdicts("complaint_within_2_business_days") == [("not_met", "too_late")]
    office.tick(local("2026-12-15 17:00"))
    assert office.verdicts("complaint_answered_within_15_business_days") == []
    office.tick(local("2026-12-15 17:00") + SECOND)
    assert office.verdicts("complaint_answered_within_15_business_days") == [("not_met", "too_late")]


def test_a_stored_call_can_be_marked_as_a_complaint_afterwards() -> None:
    office = Office()
    office.hear(office.call_in(TUESDAY))
    received = Received("1700000001.0", TUESDAY, "general", "fr")
    office.hand("complaint", LATER, "1700000001.0-complaint", received=received, token=CALLER)
    assert (office.one().kind, office.one().opened, office.one().opening) == ("complaint", TUESDAY, "command")


# ── what else opens a callback ──


def test_an_abandoned_call_is_called_back_only_where_the_site_wants_it() -> None:
    for given, callbacks_opened in ((usual(), 0), (usual('[callbacks]\nabandoned_after = "20s"'), 1)):
        for waited, times in ((19, 0), (20, callbacks_opened)):
            office = Office(given)
            call, end = office.call(), TUESDAY + waited * SECOND
            phone = f.PhoneRang(call, TUESDAY, "101", "PJSIP/101-00000002")
            office.hear(
                [office.arrival(call, TUESDAY, "general"), (TUESDAY, phone), (end, f.Ended(call, end, "caller"))]
            )
            assert len(office.kept) == times


def test_where_a_message_is_unreceived_a_person_must_look() -> None:
    office = Office()
    call = office.call()
    took = f.VoicemailTook(call, TUESDAY, "500")
    over = f.Ended(call, None, "unknown", "unheard")
    office.hear([office.arrival(call, TUESDAY, "general"), (TUESDAY, took), (TUESDAY + HOUR, over)])
    office.tick(TUESDAY + 3 * DAY)
    assert (office.one().opening, office.one().opened, office.verdicts()) == (
        "unheard", TUESDAY, [("unknown", "message_not_heard")],
    )  # fmt: skip


def test_a_request_may_name_another_number_to_be_called_at() -> None:
    office = Office()
    call = office.call()
    asked = f.CallbackRequested(call, TUESDAY, OTHER, "fr")
    office.hear([office.arrival(call, TUESDAY, "general", None, withheld="withheld"), (TUESDAY, asked)])
    office.hear(office.call_out(LATER, number="9" + OTHER[2:]))
    assert (office.one().opening, office.one().language, office.one().state) == ("request", "fr", "paid")


def test_the_language_that_a_caller_chose_outranks_the_requests() -> None:
    office = Office()
    call = office.call()
    chosen, asked = f.LanguageChosen(call, TUESDAY, "fr"), f.CallbackRequested(call, TUESDAY, OTHER, "en")
    office.hear([office.arrival(call, TUESDAY, "general"), (TUESDAY, chosen), (TUESDAY, asked)])
    assert office.one().language == "fr"


def test_a_number_that_turns_out_to_be_withheld_is_not_matched_any_more() -> None:
    office = Office()
    call = office.message(TUESDAY)
    office.hear([*call[:-1], (TUESDAY, f.NumberWithheld(call[0][1].call, TUESDAY))])
    assert (office.one().hidden, office.one().token) == ("withheld", None)


# ── at one and the same time ──


@pytest.mark.parametrize("heard_first", [True, False])
def test_what_was_received_wins_over_what_was_typed_at_the_same_time(heard_first: bool) -> None:
    office = owing()
    call = office.call_out(LATER, talked=60)
    office.hear(call[:3])
    if heard_first:
        office.hear(call[3:4])
    office.hand("close", LATER, reason="no_request")
    office.hear(call[3 + heard_first :])
    assert (office.one().state, office.one().settled) == ("paid", LATER)


@pytest.mark.parametrize("called_back_first", [True, False])
def test_a_callback_wins_over_the_callers_own_call_at_the_same_time(called_back_first: bool) -> None:
    office = owing()
    calls = [office.call_out(LATER), office.call_in(LATER)]
    office.hear(*(calls if called_back_first else reversed(calls)))
    assert office.one().state == "paid"


def test_a_message_at_the_time_of_the_callback_counts_once_and_is_due() -> None:
    office = owing()
    office.hear(office.message(LATER), office.call_out(LATER))
    assert [(one.state, one.count) for one in office.kept.values()] == [("paid", 1), ("open", 1)]


@pytest.mark.parametrize("closed_first", [True, False])
def test_an_attempt_at_the_time_of_a_closing_is_counted(closed_first: bool) -> None:
    office = owing()
    call, over = office.call_out(None, rang_at=LATER, rang=24), LATER + 24 * SECOND
    office.hear(call if not closed_first else call[:3]).hand("close", over, reason="no_request")
    office.hear(call[3:] if closed_first else [])
    assert (office.one().state, len(office.one().attempts)) == ("closed", 1)
