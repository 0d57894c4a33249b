"""The variables CALLMON_… that control the tests. callmon would refuse them as unknown settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

GIVEN = {name: value for name, value in os.environ.items() if name.startswith("CALLMON_")}


QUESTIONS_ON = 'questions = ["what-if", "staffing", "why", "needs"]\n'  # before a configuration
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")


def remove_given() -> None:
    """The tests, and the processes that they start, have none of them, and the locale of a server."""
    for name in (*GIVEN, *LOCALE):
        os.environ.pop(name, None)
    os.environ["LANG"] = "C.UTF-8"


@contextmanager
def reader_of(language: str) -> Iterator[None]:
    """The locale of a person who reads French or English."""
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = f"{language}_CA.UTF-8"
    try:
        yield
    finally:
        os.environ.pop("LC_ALL")
        if before is not None:
            os.environ["LC_ALL"] = before
