"""Parity: rates are compared when both samples are large enough, and else nothing is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_text

from callmon.config.lines import Line
from callmon.core.statistics.counters import VERDICT, Figures
from callmon.core.statistics.parity import Counted, ParityComparison, Side, compare
from callmon.sinks.metrics.exposition import Metrics
from callmon.store.writer.committed import CommittedCounters
from tests.support.store_fixtures import Daemon

A = "answer_by_third_ring"
MODES = {"general": "voice", "poci": "voice", "tty": "tty"}
LINES = [Line(name, "tty" if mode == "tty" else "voice", "s", "T", "T") for name, mode in MODES.items()]


def sample(line: str, met: int, not_met: int, language: str = "en") -> dict[tuple[str, str, str, str], float]:
    counts = {"met": met, "not_met": not_met, "exempt": 7, "unknown": 5}
    return {(A, line, language, verdict): count for verdict, count in counts.items()}


def tty_voice(counted: Counted, minimum: int = 20) -> ParityComparison:
    return next(x for x in compare(counted, MODES, [A], minimum) if x.kind == "tty_voice")


def test_the_minimum_is_a_setting_and_never_compares_with_nobody() -> None:
    counted = sample("tty", 2, 1) | sample("general", 3, 3)
    assert [tty_voice(counted, minimum).is_judged for minimum in (4, 3, 1)] == [False, True, True]
    assert tty_voice(sample("tty", 2, 1), 0).difference is None


def test_the_difference_is_tty_minus_voice_over_all_lines_of_each() -> None:
    found = tty_voice(sample("tty", 15, 15) | sample("general", 60, 20) | sample("poci", 15, 5))
    assert (found.one, found.other) == (Side("tty", 15, 15), Side("voice", 75, 25))
    assert found.difference == -0.25


def test_exempt_and_unknown_calls_are_in_no_sample() -> None:
    counted = {(A, "tty", "en", "exempt"): 100.0, (A, "general", "en", "unknown"): 100.0}
    assert [side.judged for x in compare(counted, MODES, [A], 1) for side in (x.one, x.other)] == [0, 0, 0, 0]


def test_french_is_compared_with_english_and_other_languages_with_none() -> None:
    counted = {
        **sample("general", 18, 6, "fr"),
        **sample("tty", 0, 0, "fr"),
        **sample("general", 30, 0, "en"),
        **sample("poci", 99, 0, "other"),
        **sample("tty", 99, 0, "unknown"),
    }
    (found,) = (x for x in compare(counted, MODES, [A], 20) if x.kind == "french_english")
    assert (found.one, found.other, found.difference) == (Side("fr", 18, 6), Side("en", 30, 0), -0.25)


def test_a_line_that_is_no_longer_configured_is_left_out() -> None:
    assert tty_voice(sample("closed-line", 50, 0) | sample("tty", 50, 0)).other.judged == 0


COUNTS = st.dictionaries(
    st.tuples(
        st.just(A),
        st.sampled_from(sorted(MODES)),
        st.sampled_from(["fr", "en", "unknown"]),
        st.sampled_from(["met", "not_met", "exempt"]),
    ),
    st.integers(0, 50).map(float),
)


@given(COUNTS, st.integers(1, 60))
def test_a_difference_lies_within_one_and_turns_its_sign_with_the_sides(counted: Counted, minimum: int) -> None:
    swapped = {"voice": "tty", "tty": "voice"}
    there = tty_voice(counted, minimum)
    turned = {line: swapped[mode] for line, mode in MODES.items()}
    back = next(x for x in compare(counted, turned, [A], minimum) if x.kind == "tty_voice")
    assert (there.difference is None) == (min(there.one.judged, there.other.judged) < minimum)
    if there.difference is not None:
        assert back.difference == -there.difference
        assert -1.0 <= there.difference <= 1.0


# On /metrics.


def page(counted: Counted, minimum: int) -> dict[tuple[str, str, str, str | None], float]:
    figures: Figures = {(VERDICT.name, *key): value for key, value in counted.items()}
    metrics = Metrics(CommittedCounters(figures), Daemon(), LINES, [A, "feedback_offered"], ["toronto"], minimum)
    text = metrics.render(metrics.read())[0].decode()
    return {
        (s.name, s.labels["comparison"], s.labels["standard"], s.labels.get("side")): s.value
        for family in parse_text(text)
        for s in family.samples
        if s.name.startswith("callmon_parity")
    }


def test_a_difference_that_is_not_judged_is_absent_with_its_samples() -> None:
    counted = sample("tty", 19, 0) | sample("general", 10, 10, "fr") | sample("poci", 20, 0, "en")
    reported = page(counted, 20)
    differences = {key: value for key, value in reported.items() if key[0] == "callmon_parity_difference_ratio"}
    assert differences == {("callmon_parity_difference_ratio", "french_english", A, None): -0.5}
    assert reported["callmon_parity_calls", "tty_voice", A, "tty"] == 19
    assert reported["callmon_parity_calls", "tty_voice", A, "voice"] == 40
    assert reported["callmon_parity_calls", "french_english", "feedback_offered", "fr"] == 0
    assert len(reported) == 1 + 2 * 2 * 2


def test_one_call_more_and_the_difference_appears() -> None:
    reported = page(sample("tty", 20, 0) | sample("general", 20, 20), 20)
    assert reported["callmon_parity_difference_ratio", "tty_voice", A, None] == 0.5
