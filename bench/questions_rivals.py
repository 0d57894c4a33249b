"""Rivals of the questions, of packages that callmon does not use: statsforecast's MSTL, lifelines' curves.

``pip install statsforecast lifelines msgspec`` in an environment of their own; what is not installed is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean
from typing import Any

from bench.table import head, row, say
from callmon.core.replay.curves import fit_curve, survival
from callmon.core.replay.draws import uniform, world_salt
from callmon.core.replay.volume import Volumes, half_hours

Forecast = Callable[[list[Volumes], int, int], dict[int, float]]
STEP = 4  # each fourth working day is an origin: a fit takes a second
SLOTS = range(18, 40)
AHEAD = (1, 2, 3, 4, 5, 7, 28)


def measure_mstl(known: list[Volumes], first: int, mean_of_four: Forecast) -> None:
    """Working days so many days after an origin, each method with the days up to the origin."""
    try:
        from statsforecast.models import MSTL  # type: ignore[import-not-found]  # not a dependency
    except ModuleNotFoundError:
        say("\nstatsforecast is not installed: MSTL is left out.")
        return
    by_date = {day.date: day for day in known}
    errors = {ahead: [0.0] * 4 for ahead in AHEAD}
    for origin in [day for day in known[first:] if day.weekday < 5][::STEP]:
        past = [day for day in known if day.date <= origin.date]
        series = _series(past)
        length = len(SLOTS)
        model: Any = MSTL(season_length=[length, 5 * length])
        ahead_of = [origin.date + n for n in range(1, max(AHEAD) + 1) if (origin.date + n) % 7 < 5]
        found = model.forecast(y=series, h=length * len(ahead_of))["mean"]
        for number, date in enumerate(ahead_of):
            ahead, day = date - origin.date, by_date.get(date)
            if ahead in errors and day is not None:
                rival = dict(zip(SLOTS, found[number * length :], strict=False))
                methods = (
                    half_hours(past, date, ahead, day.after_closed), rival, mean_of_four(past, date, ahead),
                )  # fmt: skip
                for place, method in enumerate(methods):
                    errors[ahead][place] += sum(abs(method.get(k, 0) - day.calls.get(k, 0)) for k in SLOTS)
                errors[ahead][3] += sum(day.calls.get(slot, 0) for slot in SLOTS)
    head("Volume: WAPE on the same working days", ("callmon", "MSTL", "mean of four"))
    for ahead, (*wrong, total) in errors.items():
        row(f"{ahead} days ahead", [f"{100 * value / total:.1f} %" for value in wrong])


def _series(past: list[Volumes]) -> Any:
    """Half-hours of all working days; a closed one has the mean of its last four weekdays."""
    import numpy

    by_date, found = {day.date: day.calls for day in past}, list[float]()
    for date in range(past[0].date, past[-1].date + 1):
        if date % 7 < 5:
            same = [day for day in past if day.date < date and day.weekday == date % 7][-4:]
            calls: dict[int, Any] = by_date.get(date) or {
                slot: mean(day.calls.get(slot, 0) for day in same) if same else 0 for slot in SLOTS
            }
            found += [calls.get(slot, 0) for slot in SLOTS]
    return numpy.array(found, dtype=float)


def measure_curves() -> None:
    try:
        from lifelines import KaplanMeierFitter  # type: ignore[import-not-found]  # not a dependency
    except ModuleNotFoundError:
        say("\nlifelines is not installed: its curves are left out.")
        return
    most = 0.0
    for seed in range(200):
        salt = world_salt(seed, 0)
        samples = [(1 + int(40 * uniform(salt, 1, n)), uniform(salt, 2, n) < 0.6) for n in range(60)]
        theirs = KaplanMeierFitter().fit(*zip(*samples, strict=True))
        curve = fit_curve(samples)
        most = max(most, *(abs(float(theirs.predict(at)) - survival(curve, at)) for at in range(45)))
    head("Kaplan and Meier, 200 samples", ("difference", "bar"))
    row("to lifelines, at most", (f"{most:.0e}", "1e-12"))
