"""A rate on a page is the rate that the monthly report prints."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

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
