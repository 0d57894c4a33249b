"""The half-hours of a real contact centre, one row a half-hour and queue; callmon does not ship them."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec

from callmon.core.replay.volume import Volumes


class Cell(msgspec.Struct, frozen=True):
    """One half-hour of one queue (0: of all)."""

    offered: int
    answered: int
    abandoned: int
    within_20: int
    talk: float
    seen: int
    present: float


class Day(msgspec.Struct, frozen=True):
    date: int  # 2014-01-01 was a Wednesday: 0 is Monday, 30 December
    weekday: int
    queues: dict[int, dict[int, Cell]]


def days(path: Path) -> list[Day]:
    found: dict[int, Day] = {}
    with path.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            number = int(row["day"])
            day = found.setdefault(number, Day(_date(row), int(row["weekday"]), {}))
            day.queues.setdefault(int(row["queue"]), {})[int(row["half_hour"])] = Cell(
                int(row["offered"]), int(row["answered"]), int(row["abandoned"]), int(row["within_20"]),
                float(row["mean_talk"] or 0), int(row["agents_seen"] or 0), float(row["agents_present"] or 0),
            )  # fmt: skip
    return [found[number] for number in sorted(found)]


def _date(row: dict[str, str]) -> int:
    """The day of the year, so counted that a multiple of seven is a Monday."""
    of_year, weekday = int(row["day_of_year"]), int(row["weekday"])
    return of_year + (weekday - of_year) % 7


def volumes(all_days: list[Day], queue: int = 0) -> list[Volumes]:
    dates = {day.date for day in all_days}
    return [
        Volumes(
            day.date,
            {slot: cell.offered for slot, cell in day.queues.get(queue, {}).items()},
            day is not all_days[0] and _before(day) not in dates,
        )
        for day in all_days
    ]


def _before(day: Day) -> int:
    """The working day before."""
    return day.date - (3 if day.weekday == 0 else 1)
