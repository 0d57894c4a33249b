"""What each call, finding and gap adds to the figures: a table of boundaries, and what may never be added."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callmon.core.callbacks.entries import CalledBack
from callmon.core.calls.call import OUTCOMES, Call, DurationRange, Transfer, Voicemail, language_label
from callmon.core.statistics.counters import BY_NAME, METRICS, Figure, Figures, LabelValues, figures_of, zeros
from callmon.core.verdicts import CAUSES, VERDICTS, Finding, Gap
from tests.support.store_fixtures import EXCHANGE, STANDARDS, START, account, answered_call, finding, seconds

SIX = timedelta(seconds=6)
SETS = LabelValues({"general": SIX, "tty": timedelta(seconds=5)}, (*STANDARDS, "bilingual_person"), (EXCHANGE,))
CALL = account(answered_call(0))


def changed(**fields: object) -> Call:
    return msgspec.structs.replace(CALL, **fields)


def surprises(added: Figures) -> set[Figure]:
    """What did not exist at 0, although its labels are usual ones, and what is in no closed set."""
    found = set()
    for figure in added.keys() - zeros(SETS).keys():
        metric = BY_NAME[figure[0]]
        labels = dict(zip(metric.labels, figure[1:], strict=False))
        is_usual = all(value in SETS.values_of(label) for label, value in labels.items())
        if is_usual or not SETS.is_valid(metric, tuple(labels.values())):
            found.add(figure)
    return found


def of(*calls: Call, findings: tuple[Finding, ...] = (), gaps: tuple[Gap, ...] = ()) -> Figures:
    return figures_of(calls, findings, gaps)


def test_an_answered_call_adds_one_to_each_of_its_counters() -> None:
    assert of(CALL) == {
        ("callmon_calls_total", "general", "answered", "fr", "open"): 1.0,
        ("callmon_calls_completeness_total", "general", "full"): 1.0,
        ("callmon_rings_before_answer", "general", "fr", "2.0"): 1.0,
        ("callmon_rings_before_answer", "general", "fr", "sum"): 2.0,
        ("callmon_answer_wait_seconds", "general", "fr", "12.0"): 1.0,
        ("callmon_answer_wait_seconds", "general", "fr", "sum"): 8.4,
        ("callmon_transfers_per_call", "general", "0.0"): 1.0,
        ("callmon_transfers_per_call", "general", "sum"): 0.0,
        ("callmon_redirections_per_call", "general", "0.0"): 1.0,
        ("callmon_redirections_per_call", "general", "sum"): 0.0,
        ("callmon_integrity_calls_total", "general", "early_hold"): 1.0,
        ("callmon_early_hold_seconds", "general", "10.0"): 1.0,
        ("callmon_early_hold_seconds", "general", "sum"): 10.0,
    }


@pytest.mark.parametrize(
    ("count", "bucket"), [(0, "0.0"), (1, "1.0"), (2, "2.0"), (3, "3.0"), (4, "5.0"), (5, "5.0"), (6, "+Inf")]
)
def test_transfers_fall_into_the_smallest_bucket_that_holds_them(count: int, bucket: str) -> None:
    transfers = (Transfer("blind", "PJSIP/101-00000001", "104", True),) * count
    figures = of(changed(transfers=transfers))
    assert {key[2:]: value for key, value in figures.items() if key[0] == "callmon_transfers_per_call"} == {
        (bucket,): 1.0,
        ("sum",): count,
    }


def test_a_call_with_a_possible_unreceived_transfer_is_in_no_histogram() -> None:
    figures = of(changed(heard="partly", gaps=((CALL.answered, None),)))
    assert [key for key in figures if key[0] == "callmon_transfers_per_call"] == []


@pytest.mark.parametrize(
    ("rings", "bucket"),
    [
        (1, "1.0"),
        (2, "2.0"),
        (3, "3.0"),
        (4, "4.0"),
        (6, "6.0"),
        (7, "8.0"),
        (9, "10.0"),
        (10, "10.0"),
        (11, "+Inf"),
    ],
)
def test_rings_fall_into_the_smallest_bucket_that_holds_them(rings: int, bucket: str) -> None:
    figures = of(changed(rings=rings))
    assert [key[-1] for key in figures if key[0] == "callmon_rings_before_answer"] == [bucket, "sum"]


@pytest.mark.parametrize(
    ("waited", "cycle", "bucket"),
    [
        (0, 6, "6.0"),
        (17.999999, 6, "18.0"),
        (18, 6, "18.0"),
        (18.000001, 6, "24.0"),
        (60.000001, 6, "+Inf"),
        (4.9, 5, "5.0"),
        (15.1, 5, "20.0"),
    ],
)
def test_waits_fall_into_buckets_that_end_on_the_lines_own_rings(waited: float, cycle: float, bucket: str) -> None:
    span = DurationRange(seconds(waited), seconds(waited))
    figures = of(changed(waited=span, cycle=seconds(cycle)))
    assert [key[-1] for key in figures if key[0] == "callmon_answer_wait_seconds"] == [bucket, "sum"]


def test_a_wait_known_to_a_span_counts_with_its_longer_end() -> None:
    figures = of(changed(waited=DurationRange(seconds(5.5), seconds(6.5)), rings=2))
    assert figures["callmon_answer_wait_seconds", "general", "fr", "sum"] == 6.5


def test_a_call_with_unknown_rings_is_counted_but_in_no_histogram() -> None:
    assert {key[0] for key in of(CALL)} - {key[0] for key in of(changed(rings=None))} == {
        "callmon_rings_before_answer",
        "callmon_answer_wait_seconds",
    }


def test_a_call_that_nobody_answered_is_in_no_histogram_of_answers() -> None:
    gave_up = changed(answered_by=None, outcome="abandoned", rings=2)
    assert list(of(gave_up)) == [
        ("callmon_calls_total", "general", "abandoned", "fr", "open"),
        ("callmon_calls_completeness_total", "general", "full"),
    ]


def test_voicemail_counts_the_rings_before_it_unless_a_person_had_answered() -> None:
    taken = changed(
        answered_by=None, outcome="voicemail_message", voicemail=Voicemail("500", 4, True, False, False)
    )
    assert of(taken) == {
        ("callmon_calls_total", "general", "voicemail_message", "fr", "open"): 1.0,
        ("callmon_calls_completeness_total", "general", "full"): 1.0,
        ("callmon_voicemail_rings", "general", "4.0"): 1.0,
        ("callmon_voicemail_rings", "general", "sum"): 4.0,
    }
    after = changed(voicemail=Voicemail("500", None, True, False, True))
    assert [key for key in of(after) if key[0] == "callmon_voicemail_rings"] == []


@pytest.mark.parametrize(
    "fields", [{"direction": "outbound"}, {"direction": "internal"}, {"line": None}, {"is_ended": False}]
)
def test_no_figure_counts_what_is_not_an_ended_inbound_call_of_a_line(fields: Mapping[str, object]) -> None:
    assert of(changed(**fields)) == {}


@pytest.mark.parametrize(("in_hours", "label"), [(True, "open"), (False, "closed"), (None, "unknown")])
def test_hours_are_open_closed_or_not_known(in_hours: bool | None, label: str) -> None:
    assert next(iter(of(changed(in_hours=in_hours))))[-1] == label


@pytest.mark.parametrize(
    ("language", "label"), [(None, "unknown"), ("fr", "fr"), ("en", "en"), ("other", "other"), ("fr_CA", "other")]
)
def test_a_language_is_one_of_four(language: str | None, label: str) -> None:
    assert language_label(language) == label


def test_a_verdict_counts_once_and_its_cause_only_when_not_met() -> None:
    missed = finding(CALL, verdict="not_met", cause="nobody_free")
    assert of(findings=(missed,)) == {
        ("callmon_verdicts_total", "answer_by_third_ring", "general", "fr", "not_met"): 1.0,
        ("callmon_not_met_cause_total", "answer_by_third_ring", "general", "nobody_free"): 1.0,
    }
    kept = finding(CALL, verdict="met", cause="nobody_free")
    assert of(findings=(kept,)) == {
        ("callmon_verdicts_total", "answer_by_third_ring", "general", "fr", "met"): 1.0
    }


def test_a_gap_adds_its_length_to_its_exchange() -> None:
    gaps = (Gap(EXCHANGE, START, START + seconds(2.5)), Gap("ottawa", START, START + seconds(1)))
    assert of(gaps=gaps) == {
        ("callmon_exchange_unheard_seconds_total", "toronto"): 2.5,
        ("callmon_exchange_unheard_seconds_total", "ottawa"): 1.0,
    }


def test_every_usual_set_of_labels_exists_at_zero() -> None:
    sizes = {metric.name: 0 for metric in METRICS}
    for figure, value in zeros(SETS).items():
        assert value == 0.0
        sizes[figure[0]] += 1
    lines, languages, bounds, outcomes = 2, 2, 10, 7
    assert sizes == {
        "callmon_calls_total": lines * outcomes * languages * 2,
        "callmon_rings_before_answer": lines * languages * bounds,
        "callmon_answer_wait_seconds": lines * languages * bounds,
        "callmon_voicemail_rings": lines * bounds,
        "callmon_transfers_per_call": lines * 7,
        "callmon_verdicts_total": len(SETS.standards) * lines * languages * len(VERDICTS),
        "callmon_verdicts_corrected_total": len(SETS.standards) * lines,  # unknown to met
        "callmon_not_met_cause_total": lines * (6 + 6 + 4 + 1),
        "callmon_exchange_unheard_seconds_total": 1,
        "callmon_redirections_per_call": lines * 7,
        "callmon_french_at_first_answer_total": lines * 3,
        "callmon_surveys_offered_total": lines * 2,
        "callmon_relay_calls_total": lines * outcomes,
        "callmon_relay_calls_ended_early_total": lines,
        "callmon_integrity_calls_total": lines * 3,
        "callmon_early_hold_seconds": lines * 9,
        "callmon_callback_delay_seconds": lines * languages * 11,
        "callmon_disruptions_total": lines * 5,
        "callmon_calls_completeness_total": lines * 3,
        "callmon_disrupted_seconds_total": lines * 5,
        "callmon_disruption_notice_seconds": lines * 10,
    }


@given(
    st.sampled_from(OUTCOMES),
    st.sampled_from([None, "fr", "en", "other", "de"]),
    st.sampled_from([("general", 6), ("tty", 5)]),
    st.booleans(),
    st.integers(0, 200_000_000),
    st.sampled_from(VERDICTS),
    st.sampled_from([None, *CAUSES]),
)
def test_whatever_is_added_existed_at_zero_or_has_a_seldom_label(
    outcome, language, line, in_hours, waited, verdict, cause
) -> None:  # type: ignore[no-untyped-def]
    name, cycle = line
    length = timedelta(microseconds=waited)
    call = changed(
        line=name,
        language=language,
        in_hours=in_hours,
        outcome=outcome,
        cycle=seconds(cycle),
        waited=DurationRange(length, length),
        rings=1 + length // seconds(cycle),
        voicemail=Voicemail("500", 1 + length // seconds(cycle), None, False, False),
    )
    judged = msgspec.structs.replace(finding(call), verdict=verdict, cause=cause)
    assert surprises(of(call, findings=(judged,))) == set()


@given(
    st.sampled_from(OUTCOMES),
    st.sampled_from(["caller", "exchange", "unknown", None]),
    st.sampled_from(["hangup", "stopped", "unheard", None]),
    st.sampled_from([None, "transfer", "dialplan"]),
    st.booleans(),
    st.none() | st.integers(0, 30_000_000),
    st.none() | st.integers(0, 1_000_000_000),
    st.integers(0, 9),
)
def test_counts_beside_the_promises_existed_at_zero_or_are_seldom(  # type: ignore[no-untyped-def]
    outcome, ended_by, how, survey, relay, short, long, count
) -> None:
    brief = None if short is None else timedelta(microseconds=short)
    length = None if long is None else timedelta(microseconds=long)
    call = changed(
        outcome=outcome, ended_by=ended_by, ended_how=how, survey=survey, relay=relay, talked=brief,
        held_after=brief, held_for=length, redirections=count,
    )  # fmt: skip
    added_now = of(call)
    assert surprises(added_now) == set()
    counted = {key[2] for key in added_now if key[0] == "callmon_integrity_calls_total"}
    assert (
        counted == set()
        if outcome != "answered"
        else counted <= {"short_conversation", "early_hold", "ended_by_us"}
    )


@pytest.mark.parametrize(
    ("verdict", "reason", "first"),
    [
        ("met", "french_at_first_answer", "yes"),
        ("met", "french_after_first_answer", "no"),
        ("met", "french_first_answer_unknown", "unknown"),
        ("not_met", "no_french_speaker", "no"),
        ("unknown", "staff_not_listed", None),
        ("exempt", "not_asked_in_french", None),
    ],
)
def test_the_first_answer_is_counted_for_calls_that_were_judged(
    verdict: str, reason: str, first: str | None
) -> None:
    judged = msgspec.structs.replace(
        finding(CALL, "bilingual_person"), verdict=verdict, reason_key=reason, cause=None
    )
    counted = [key[2] for key in of(findings=(judged,)) if key[0] == "callmon_french_at_first_answer_total"]
    assert counted == ([] if first is None else [first])


def test_a_callback_that_another_had_paid_already_adds_no_delay() -> None:
    first = CalledBack(EXCHANGE, "1.0", START, "general", "fr", timedelta(hours=1))
    second = CalledBack(EXCHANGE, "1.0", START, "general", "fr", timedelta(hours=2), again=True)
    assert figures_of(called_back=[first]) == figures_of(called_back=[first, second]) != {}
    assert figures_of(called_back=[second]) == {}
