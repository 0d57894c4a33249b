"""What a page says of the time where the person is who is called back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from callmon.config.settings import example
from callmon.web.formatter import WebFormatter, local_time

NOW = datetime(2025, 11, 25, 15, 12, tzinfo=UTC)  # 10:12 in Toronto


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        (
            "+14165550101",
            "Heure locale de la personne : la même qu’ici",
            "At the person's place: same time as here",
        ),
        ("+16045550101", "Heure locale de la personne : 7 h 12", "At the person's place: 7:12 a.m."),
        ("101", "", ""),  # an extension
        ("+1", "", ""),
        ("anonyme", "", ""),
        ("", "", ""),
    ],
)
def test_of_what_is_no_number_of_a_place_no_time_is_reported(number: str, french: str, english: str) -> None:
    reported = [local_time(number, WebFormatter(example(), language, NOW)) for language in ("fr", "en")]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in reported] == [french, english]
