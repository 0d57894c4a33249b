"""``python -m bench.questions_half_hours FILE``: forecasts and phones on a real centre's half-hours.

The file is the argument. Each figure stands beside its bar and its rivals. Days 60 to 199 are forecast.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import mean

import msgspec

from bench.half_hours_file import Day, days, volumes
from bench.questions_rivals import measure_curves, measure_mstl
from bench.table import head, row
from callmon.core.replay.erlang import Load, least_phones, level, level_between
from callmon.core.replay.staffing import learnt_factor
from callmon.core.replay.volume import SMALL, Volumes, half_hours, past_residuals

FIRST = 60
CALM = 150  # days 80 to 120 are a summer of surges that no week before announced
# On the kept-back days: the bar, and the error of the mean of four.
BARS = (("next day", 1, 10.9, 12.0), ("a week", 7, 11.8, 12.0), ("four weeks", 28, 12.0, 12.3))
TARGET, WITHIN, WRAP_UP = 0.9, 20.0, 12


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("Give the file of half-hours: nothing was measured.")
    read = days(Path(sys.argv[1]))
    measure_volume(volumes(read))
    measure_mstl(volumes(read), FIRST, mean_of_four)
    measure_curves()
    measure_erlang(read)
    measure_phones(read)


def mean_of_four(known: list[Volumes], date: int, ahead: int) -> dict[int, float]:
    same = [day for day in known if day.date <= date - ahead and day.date % 7 == date % 7][-4:]
    slots = {slot for day in same for slot in day.calls}
    return {slot: mean(day.calls.get(slot, 0) for day in same) for slot in slots}


class VolumeErrors(msgspec.Struct):
    """Of the days from FIRST on: absolute errors of half-hours and of days, and how many intervals held."""

    own: float = 0.0
    rival: float = 0.0  # the mean of four
    daily: float = 0.0
    calls: int = 0
    held: int = 0
    judged: int = 0


def volume_errors(known: list[Volumes], ahead: int) -> VolumeErrors:
    found = VolumeErrors()
    for place in range(FIRST, len(known)):
        day = known[place]
        own = half_hours(known[:place], day.date, ahead, day.after_closed)
        four = mean_of_four(known[:place], day.date, ahead)
        residuals = past_residuals([one for one in known[:place] if one.date <= day.date - ahead], ahead)
        found.daily += abs(sum(own.values()) - day.total)
        for slot in {*own, *day.calls}:
            calls = day.calls.get(slot, 0)
            found.own += abs(own.get(slot, 0) - calls)
            found.rival += abs(four.get(slot, 0) - calls)
            found.calls += calls
            if own.get(slot, 0) >= SMALL:
                interval = residuals.interval(own[slot])
                found.held += interval.low <= calls <= interval.high
                found.judged += 1
    return found


def measure_volume(known: list[Volumes]) -> None:
    """The bars are of 107 days that are kept back, which are easier: they are put to the mean of four."""
    columns = ("callmon", "bar", "mean of four", "of it", "bar of it", "days", "80 % hold")
    head("Volume: half-hours, WAPE", columns)
    for title, ahead, bar, of_four in BARS:
        found = volume_errors(known, ahead)
        shares = (
            found.own / found.calls, bar / 100, found.rival / found.calls, found.own / found.rival, bar / of_four,
            found.daily / found.calls, found.held / found.judged,
        )  # fmt: skip
        row(title, [f"{100 * share:.1f} %" for share in shares])


def measure_erlang(read: list[Day]) -> None:
    """The level within 20 s of each half-hour from its calls, its phones and its busy time."""
    a = c = worst = count = 0.0
    leaving = giving_up(read)
    usual = mean(cell.within_20 / cell.offered for day in read for cell in day.queues[0].values() if cell.offered)
    for day in read[FIRST:]:
        for cell in day.queues[0].values():
            if cell.offered >= 20 and cell.present:
                true = cell.within_20 / cell.offered
                load = Load(cell.offered / 1800, cell.talk + WRAP_UP, leaving)
                a += abs(level_between(load, cell.present, WITHIN) - true)
                c += abs(level_between(Load(load.calls, load.busy, 0.0), cell.present, WITHIN) - true)
                worst += abs(usual - true)
                count += 1
    head("Level in 20 s from calls and phones", ("Erlang A", "Erlang C", "guess"))
    row("mean error in points", [f"{100 * value / count:.1f}" for value in (a, c, worst)])


def giving_up(read: list[Day]) -> float:
    """Those who give up per second waited: the file has no waits, so it is fitted to the first days' levels."""

    def error(rate: float) -> float:
        cells = [cell for day in read[:FIRST:6] for cell in day.queues[0].values() if cell.offered >= 20]
        return sum(
            abs(
                level_between(Load(cell.offered / 1800, cell.talk + WRAP_UP, rate), cell.present, WITHIN)
                - cell.within_20 / cell.offered
            )
            for cell in cells
        )

    return min((1 / seconds for seconds in (100, 200, 300, 500, 800, 1500)), key=error)


def measure_phones(read: list[Day]) -> None:
    """Phones a week ahead for 90 % in 20 s, put to each day's real calls and busy times (by Erlang A)."""
    head("Phones a week ahead, 90 % in 20 s", ("mean of days", "below 85 %", "phone hours"))
    row("bar", ("87-94 %", "20 %", "1.06 x"))
    known, leaving = volumes(read), giving_up(read)
    cases = [
        (f"{name}, from day {first}", rate, first, learns)
        for first in (FIRST, CALM)
        for name, rate, learns in (("A", leaving, False), ("A, with the factor", leaving, True), ("C", 0.0, False))
    ]
    for title, rate, first, learns in cases:
        levels, hours, best = [], 0, 0
        for place in range(first, len(read), 3):  # every weekday
            past = [day for day in read[:place] if day.date <= read[place].date - 7]
            talk = _talk_by_slot(past[-10:])
            kept = calls = 0.0
            forecast = half_hours(known[:place], read[place].date, 7, known[place].after_closed)
            loads = {slot: Load(1.0, talk.get(slot, talk[-1]) + WRAP_UP, rate) for slot in range(48)}
            before = known[: len(past)]
            factor = learnt_factor(before, 7, loads, TARGET, WITHIN) if learns else 1.0
            for slot, cell in read[place].queues[0].items():
                busy = talk.get(slot, talk[-1]) + WRAP_UP
                phones = least_phones(Load(factor * forecast.get(slot, 0) / 1800, busy, rate), TARGET, WITHIN)
                true = Load(cell.offered / 1800, cell.talk + WRAP_UP, leaving)
                kept += cell.offered * level(true, phones, WITHIN)
                calls, hours = calls + cell.offered, hours + phones
                best += least_phones(Load(true.calls, busy, rate), TARGET, WITHIN)
            levels.append(kept / calls)
        low = sum(found < 0.85 for found in levels) / len(levels)
        row(title, (f"{100 * mean(levels):.1f} %", f"{100 * low:.0f} %", f"{hours / best:.2f} x"))


def _talk_by_slot(past: list[Day]) -> dict[int, float]:
    talks: dict[int, list[float]] = {-1: []}
    for day in past:
        for slot, cell in day.queues[0].items():
            for key in (slot, -1):
                talks.setdefault(key, []).append(cell.talk)
    return {slot: mean(found) for slot, found in talks.items()}


if __name__ == "__main__":
    main()
