"""A rate on a page is the rate that the monthly report prints; opening hours read as people say them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callmon.config.business_calendar import Periods, periods, wall_time
from callmon.config.settings import example
from callmon.web.formatter import WebFormatter

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("part", "whole", "fr", "en"),
    [
        (21, 26, "80,8\u00a0%", "80.8%"),
        (2999, 3000, "99,9\u00a0%", "99.9%"),
        (1, 3000, "0,1\u00a0%", "0.1%"),
        (26, 26, "100\u00a0%", "100%"),
        (0, 26, "0\u00a0%", "0%"),
    ],
)
def test_a_rate_is_to_the_nearest_tenth_and_whole_only_when_it_is(part: int, whole: int, fr: str, en: str) -> None:
    assert [WebFormatter(example(), language, NOW).share(part, whole) for language in ("fr", "en")] == [fr, en]


@pytest.mark.parametrize(
    ("opening", "fr", "en"),
    [
        ((), "fermé", "closed"),
        (periods((wall_time(8, 30), wall_time(17))), "8 h 30 à 17 h", "8:30 a.m. to 5 p.m."),
        (periods((wall_time(0), wall_time(24))), "jour et nuit", "day and night"),
    ],
)
def test_a_line_that_never_closes_is_open_day_and_night(opening: Periods, fr: str, en: str) -> None:
    reported = [WebFormatter(example(), language, NOW).periods(opening) for language in ("fr", "en")]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in reported] == [fr, en]


def test_a_number_in_a_sentence_has_its_thousands_apart() -> None:
    said = [WebFormatter(example(), x, NOW).say("{met} of {judged}", met=871, judged=1094) for x in ("fr", "en")]
    assert said == ["871 sur 1\u00a0094", "871 of 1,094"]


def test_a_percent_sign_and_a_unit_stay_with_their_number() -> None:
    said = WebFormatter(example(), "fr", NOW).say("The report is being made: {percent}%.", percent=40)
    assert said == "Le rapport se prépare\u00a0: 40\u00a0%."
