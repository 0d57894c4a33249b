"""What the commands of the questions share: a period of days, and one JSON object or lines out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import click
import msgspec

from callmon.cli.common import CommandContext, print_json
from callmon.core.replay.why import rounded_points
from callmon.errors import ConfigError
from callmon.text.formatter import Formatter


def refuse_unless_on(context: CommandContext, question: str) -> None:
    """Raises ConfigError where the site has not switched this question on."""
    if question not in context.settings.configuration.questions:
        raise ConfigError(
            '`callmon {question}` is off: tell the staff first (PRIVACY.md), then add "{question}" to '
            "questions in the configuration.",
            question=question,
        )


def read_period(context: CommandContext, first: str, last: str) -> tuple[date, date]:
    """Both days included. Raises ConfigError for a day to come, and for a period that ends before it begins."""
    begin, end = context.past_day(first, "FROM"), context.past_day(last, "TO")
    if end < begin:
        raise ConfigError("FROM {first} comes after TO {last}; give the first day first.", first=begin, last=end)
    return begin, end


def print_answer(answer: object, lines: Iterable[str], as_json: bool) -> None:
    """One JSON object, whose numbers are not rounded; else the lines."""
    if as_json:
        print_json(msgspec.to_builtins(answer))
    else:
        click.echo("\n".join(lines))


def in_language_of(context: CommandContext, value: float) -> str:
    """One decimal, with the comma of French."""
    return Formatter(context.language).decimal(Decimal(value), 1)


def signed_points(context: CommandContext, shares: list[float]) -> list[str]:
    """Shares in points with one decimal; what is printed adds up, too."""
    tenths = rounded_points(shares)
    return [("+" if value > 0 else "") + in_language_of(context, value / 10) for value in tenths]
