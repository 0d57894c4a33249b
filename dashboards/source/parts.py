"""Stacked columns over time: a query for each part, with its words, in the same order and colour on every "
"board."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from callmon.text.labels import label
from dashboards.source.model import (
    COUNT,
    NO_CALL,
    NORMAL,
    OTHER,
    OVER,
    PALE,
    QUIET,
    SOON,
    Column,
    Panel,
    Text,
    over_time,
)

LETTERS = "ABCDEFGHIJ"


class Part(NamedTuple):
    query: str
    said: Text
    colour: str


def stacked(
    title: Text,
    description: Text,
    parts: Iterable[Part],
    every: str,
    *,
    unit: Text = COUNT,
    empty: Text = NO_CALL,
    points: int | None = 120,
) -> Panel:
    shown = tuple(parts)
    queries = tuple(over_time(part.query, part.said, every) for part in shown)
    columns = tuple(
        Column(letter, part.said, unit, colour=part.colour, decimals=0 if unit == COUNT else 1)
        for letter, part in zip(LETTERS, shown, strict=False)
    )
    return Panel("timeseries", title, description, queries, columns, 12, 9, empty, is_stacked=True, points=points)


OUTCOMES = (
    ("answered", Text("✓ personne", "✓ person"), NORMAL),
    ("voicemail_message", Text("message laissé", "left a message"), PALE),
    ("voicemail_no_message|voicemail", Text("messagerie, rien", "voicemail, nothing"), SOON),
    ("abandoned|no_answer", Text("■ abandonné", "■ abandoned"), OVER),
    ("busy|failed|lost", Text("■ non acheminé", "■ not put through"), OTHER),
    ("announcement|unknown", Text("? annonce, autre", "? announcement, other"), QUIET),
)
CAUSES = {
    "nobody_free": SOON,
    "rang_unanswered": OVER,
    "no_phone_reachable": OTHER,
    "sent_to_voicemail_early": PALE,
    "late_hunting": NORMAL,
    "other": QUIET,
}


def outcomes(count: Callable[[str], str]) -> tuple[Part, ...]:
    """`count` makes a query of a matcher of the outcome."""
    return tuple(Part(count(f'outcome=~"{keys}"'), said, colour) for keys, said, colour in OUTCOMES)


def causes(count: Callable[[str], str]) -> tuple[Part, ...]:
    return tuple(
        Part(count(f'cause="{key}"'), Text(label("cause", key, "fr"), label("cause", key, "en")), colour)
        for key, colour in CAUSES.items()
    )
