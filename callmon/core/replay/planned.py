"""The half-hours of a day to come: how many calls, how many phones, and how many are usually there. Pure.

Refuses: an estimate from less than eight weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from statistics import median
from typing import Any, NamedTuple

from msgspec.structs import asdict

from callmon.core.replay.curves import RING
from callmon.core.replay.record import SeenDay, tells_rings
from callmon.core.replay.staffing import (
    HALF_HOUR,
    PhonesNeeded,
    learnt_factor,
    phones_in_queue,
    phones_needed,
    queue_load,
)
from callmon.core.replay.volume import Volumes, half_hours, past_residuals

WEEKS = 8
SMALL_DAY = 10  # calls a day below which no middle is given
MONDAY = date(1970, 1, 5).toordinal()


class Wanted(NamedTuple):
    """What is asked: the target and how it is kept, in rings or in seconds."""

    line: str | None
    target: float
    rings: int | None
    within: float | None
    language: str | None = None  # None: all

    @property
    def seconds(self) -> float:
        """Rings as seconds."""
        return self.rings * RING / 1000 if self.rings else self.within or 20.0


def date_number(day: date) -> int:
    """Days since a Monday: a multiple of seven is one."""
    return day.toordinal() - MONDAY


def planned_day(
    day: date,
    ahead: int,
    late: bool,
    volumes: Sequence[Volumes],
    seen: Sequence[SeenDay],
    wanted: Wanted,
    share: float = 1.0,
    factor: float = 1.0,
) -> Iterator[dict[str, Any]]:
    """The half-hours of a day, `late` after a closed one. `share`: of the line's calls, those asked about.

    The phones suffice for `factor` times the forecast.

    Of less than eight weeks nothing is said.
    """
    number = date_number(day)
    common: dict[str, Any] = {"day": day, "line": wanted.line or "all", "language": wanted.language or "all"}
    if not volumes or number - volumes[0].date < 7 * WEEKS:
        yield common | {"slot": None, "said": False}
        return
    residuals = past_residuals(volumes, ahead)
    forecast = {slot: calls * share for slot, calls in half_hours(volumes, number, ahead, late).items()}
    intervals = {slot: residuals.interval(calls) for slot, calls in forecast.items()}
    is_small = sum(forecast.values()) < SMALL_DAY
    asked = {slot: factor * (one.high if is_small else one.middle) for slot, one in intervals.items()}
    needed, usual = _needed(seen, asked, wanted), _usual_phones(seen, day)
    for slot, one in intervals.items():
        yield common | {
            "slot": f"{slot // 2:02}:{slot % 2 * 30:02}",
            "calls": {"low": one.low, "middle": None if is_small else one.middle, "high": one.high},
            "usual_phones": usual.get(slot, 0),
            "factor": factor,
            "said": True,
            **asdict(needed[slot]),
        }


def staffing_factor(volumes: Sequence[Volumes], seen: Sequence[SeenDay], wanted: Wanted, ahead: int) -> float:
    """For how many times the forecast phones are planned: learnt from what past forecasts would have kept.

    1 where phones are found by replay: it was not measured that they are too few.
    """
    if _is_replayed(seen, wanted):
        return 1.0
    loads = queue_load(seen, range(48))
    return learnt_factor(volumes, ahead, loads, wanted.target, wanted.seconds)


def _is_replayed(seen: Sequence[SeenDay], wanted: Wanted) -> bool:
    return bool(wanted.rings) and tells_rings(call for day in seen for call in day.calls)


def _needed(seen: Sequence[SeenDay], asked: dict[int, float], wanted: Wanted) -> dict[int, PhonesNeeded]:
    """A record of answers alone does not tell which phones ring: there, rings are seconds."""
    if _is_replayed(seen, wanted):
        return phones_needed(seen, asked, wanted.target, round(1000 * wanted.seconds))
    loads, within = queue_load(seen, list(asked)), wanted.seconds
    return {slot: phones_in_queue(loads[slot], calls, wanted.target, within) for slot, calls in asked.items()}


def _usual_phones(seen: Sequence[SeenDay], day: date) -> dict[int, int]:
    """By half-hour, the median number of phones there in the last weeks' same weekday."""
    same = [one for one in seen if date.fromisoformat(one.name).weekday() == day.weekday()]
    found = {}
    for slot in range(48 if same else 0):
        at = slot * HALF_HOUR + HALF_HOUR // 2
        found[slot] = round(
            median(sum(any(a <= at < b for a, b in spans) for spans in one.phones.values()) for one in same)
        )
    return found
