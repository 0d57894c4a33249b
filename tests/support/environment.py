"""The variables CALLMON_… that control the tests. callmon would refuse them as unknown settings."""

from __future__ import annotations

import os

GIVEN = {name: value for name, value in os.environ.items() if name.startswith("CALLMON_")}


def remove_given() -> None:
    """The tests, and the processes that they start, have none of them."""
    for name in GIVEN:
        os.environ.pop(name, None)
