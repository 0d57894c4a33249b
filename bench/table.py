"""Aligned tables on a terminal of 100 columns."""

from __future__ import annotations

import sys
from collections.abc import Sequence

NAME, COLUMN = 35, 13


def say(text: str = "") -> None:
    """One line out, at once: the whole takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def head(title: str, columns: Sequence[str]) -> None:
    say()
    row(title, columns)
    say("-" * (NAME + COLUMN * len(columns)))


def row(name: str, values: Sequence[str]) -> None:
    say(name.ljust(NAME) + "".join(value.rjust(COLUMN) for value in values))
