"""How many calls a half-hour of a day to come brings: weekdays, level, profile, interval. Pure.

Refuses: to read a day that was not known so many days before. Special days are the reader's factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import sqrt

import msgspec

WEEKS = 12
PROFILE_DAYS = 8
RESIDUAL_DAYS = 60
NORMAL = 1.2816  # of a normal distribution, the size that eight in ten do not exceed
SMALL = 20  # calls of a half-hour below which residuals are taken apart
# By days ahead: δ of the level, λ of the last four
WEIGHTS = {1: (0.75, 0.3), 7: (0.85, 0.6), 28: (0.85, 0.45)}


class Volumes(msgspec.Struct, frozen=True):
    """The calls of an open day by half-hour. `date` counts days; a multiple of seven is a Monday."""

    date: int
    calls: dict[int, int]
    after_closed: bool = False  # the working day before it was closed

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    @property
    def weekday(self) -> int:
        return self.date % 7


class Interval(msgspec.Struct, frozen=True):
    """Eight chances in ten that it lies between low and high."""

    low: float
    middle: float
    high: float


def day_total(known: Sequence[Volumes], date: int, ahead: int, after_closed: bool = False) -> float:
    """The calls of the day `date` from the days known, oldest first."""
    alike = [day for day in known if kind_of(day.weekday) == kind_of(date % 7)]
    usual = [day for day in alike if not day.after_closed] or alike
    if not usual:
        return 0.0
    factors = _weekday_factors(usual)
    same = [day.total for day in usual if day.weekday == date % 7][-4:]
    decay, share = WEIGHTS[horizon(ahead)]
    by_level = _level(usual, factors, decay) * factors.get(date % 7, 1.0)
    total = share * sum(same) / len(same) + (1 - share) * by_level if same else by_level
    return total * (_after_closed(known, ahead) if after_closed else 1.0)


def horizon(ahead: int) -> int:
    """Next day, a week or four weeks, in days: so far ahead a forecast counts as."""
    return 1 if ahead < 4 else 7 if ahead < 18 else 28


def kind_of(weekday: int) -> int:
    """Working days are one kind; Saturdays and Sundays are one each."""
    return max(weekday, 4)


def _weekday_factors(days: Sequence[Volumes]) -> dict[int, float]:
    ratios: dict[int, list[float]] = {}
    recent = (day for day in days if day.date // 7 > days[-1].date // 7 - WEEKS)
    for _, of_week in groupby(recent, lambda day: day.date // 7):
        week = list(of_week)
        mean = sum(day.total for day in week) / len(week)
        for day in week if len(week) >= 4 and mean else ():
            ratios.setdefault(day.weekday, []).append(day.total / mean)
    return {weekday: (sum(found) + 4) / (len(found) + 4) for weekday, found in ratios.items()}


def _level(days: Sequence[Volumes], factors: dict[int, float], decay: float) -> float:
    weighted = weights = 0.0
    for age, day in enumerate(reversed(days[-60:])):
        weighted += decay**age * day.total / factors.get(day.weekday, 1.0)
        weights += decay**age
    return weighted / weights


def _after_closed(known: Sequence[Volumes], ahead: int) -> float:
    """What a day after a closed one brings more than a usual one of its weekday."""
    ratios = []
    for place, day in enumerate(known):
        earlier = known[:place]
        if day.after_closed and sum(one.weekday == day.weekday for one in earlier) >= 2:
            ratios.append(day.total / day_total(earlier, day.date, ahead))
    return (sum(ratios) + 2) / (len(ratios) + 2)


def profile(known: Sequence[Volumes], weekday: int) -> dict[int, float]:
    """The share of each half-hour: of the last same weekdays, and with less weight of all."""
    shares: dict[int, float] = {}
    alike = [day for day in known if kind_of(day.weekday) == kind_of(weekday)][-5 * PROFILE_DAYS :]
    same = [day for day in known if day.weekday == weekday][-PROFILE_DAYS:]
    for some, weight in ((same, 8.0), (alike, 2.0)):
        total = sum(day.total for day in some)
        for day in some if total else ():
            for slot, count in day.calls.items():
                shares[slot] = shares.get(slot, 0) + weight * count / total
    scale = sum(shares.values())
    return {slot: share / scale for slot, share in sorted(shares.items())}


def half_hours(known: Sequence[Volumes], date: int, ahead: int, after_closed: bool = False) -> dict[int, float]:
    """The calls of each half-hour of the day `date`; of `known`, days later than `date - ahead` are not read."""
    read = [day for day in known if day.date <= date - ahead]
    total = day_total(read, date, ahead, after_closed)
    return {slot: total * share for slot, share in profile(read, date % 7).items()}


def spread(forecast: float) -> float:
    return sqrt(forecast + (0.1 * forecast) ** 2 + 1)


class Residuals(msgspec.Struct, frozen=True):
    """The size that eight in ten residuals of past forecasts do not exceed: of small half-hours, of the others.

    To one side and the other alike: a level that has just moved tells nothing of where it moves next.
    """

    small: float = NORMAL
    large: float = NORMAL

    def interval(self, forecast: float) -> Interval:
        around = (self.small if forecast < SMALL else self.large) * spread(forecast)
        return Interval(max(0.0, forecast - around), forecast, forecast + around)


def past_forecasts(known: Sequence[Volumes], ahead: int, days: int) -> Iterator[tuple[Volumes, dict[int, float]]]:
    """Of the last days, those of which four weeks were known so many days before, each with its forecast then."""
    for day in known[-days:]:
        if sum(one.date <= day.date - ahead for one in known) >= 4 * 5:
            yield day, half_hours(known, day.date, ahead, day.after_closed)


def past_residuals(known: Sequence[Volumes], ahead: int) -> Residuals:
    """Of the last 60 days."""
    small: list[float] = []
    large: list[float] = []
    for day, forecasts in past_forecasts(known, ahead, RESIDUAL_DAYS):
        for slot, forecast in forecasts.items():
            size = abs(day.calls.get(slot, 0) - forecast) / spread(forecast)
            (small if forecast < SMALL else large).append(size)
    return Residuals(*(_eight_in_ten(found) for found in (small, large)))


def _eight_in_ten(residuals: list[float]) -> float:
    return sorted(residuals)[len(residuals) * 8 // 10] if len(residuals) >= 50 else NORMAL


def language_share(of_language: int, calls: int, share_of_year: float) -> float:
    """The share of a language in eight weeks, drawn towards its share of the year where calls are few."""
    return (of_language + 5 * share_of_year) / (calls + 5)
