"""The chance that fewer than half of a coming half-hour's calls keep the standard. Pure.

A fitted regression of few features, whose weights are printed. Refuses: a half-hour of fewer than 20 calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from operator import mul

import msgspec

from callmon.core.replay.erlang import Load, level_between
from callmon.core.replay.volume import kind_of

LEAST_CALLS, BREACH = 20, 0.5
SAME_WEEKDAYS = 8
SAME_KIND = 20
LAST_DAYS = 5
LEAST_DAYS = 60
PENALTY = 50.0  # of squared weights: features tell much the same, and 1 fits the chance of past days
Features = Mapping[str, float]


class HalfHour(msgspec.Struct, frozen=True, gc=False):
    """The calls of a half-hour: `phones` there on average, `busy` seconds of a phone with a call."""

    calls: int
    kept: int
    phones: float
    busy: float


class OpenDay(msgspec.Struct, frozen=True):
    """The half-hours of an open day. `weekday` 0 is Monday."""

    weekday: int
    slots: dict[int, HalfHour]


class Forecast(msgspec.Struct, frozen=True):
    """What is expected of a half-hour, and the features from which the chance is computed."""

    volume: float
    phones: float
    features: Features

    def reasons(self) -> list[str]:
        """Of calls, phones and the level now: those that raise the chance, the largest first."""
        below = (self.features["usual"] - self.features["now"]) / 4
        worse = {"volume": self.features["volume"], "phones": -self.features["phones"], "now": below}
        return sorted((name for name in worse if worse[name] > 0.05), key=lambda name: -worse[name])


class Weights(msgspec.Struct, frozen=True):
    constant: float
    by_feature: dict[str, float]

    def probability(self, features: Features) -> float:
        return _logistic(self.constant + sum(w * features[name] for name, w in self.by_feature.items()))


def breached(slot: HalfHour) -> bool | None:
    """None where the calls are too few to say."""
    return None if slot.calls < LEAST_CALLS else slot.kept < BREACH * slot.calls


def forecast(
    today: OpenDay, past: Sequence[OpenDay], now: int, ahead: int, giving_up: float, within: float
) -> Forecast | None:
    """Of the half-hour `now + ahead` at the end of `now`; nothing later is read. None: too little is known."""
    same = [day for day in past if day.weekday == today.weekday][-SAME_WEEKDAYS:]
    kind = [day for day in past if kind_of(day.weekday) == kind_of(today.weekday)][-SAME_KIND:]
    current, at = today.slots.get(now), now + ahead
    if current is None or len(kind) < LAST_DAYS or not same:
        return None
    usual_now, usual_at = _usual(same, now), _usual(same, at)
    if usual_now.calls <= 0 or usual_at.calls <= 0:
        return None
    seen = {slot: cell for slot, cell in today.slots.items() if slot <= now}
    ratio = _ratio(seen, same, now, usual_now.calls)
    volume = ratio * usual_at.calls
    phones_ratio = (current.phones + 1) / (usual_now.phones + 1)
    phones = phones_ratio**0.8 * usual_at.phones
    busy = ((current.busy or usual_at.busy) + usual_at.busy) / 2
    if busy <= 0:
        return None  # nobody answered in such a half-hour: how long a phone is busy is not known
    expected = level_between(Load(volume / 1800, busy, giving_up), phones, within)
    load = volume * busy / 1800 / max(phones, 0.5)
    five = kind[-LAST_DAYS:]
    features = {
        "expected": _logit(expected),
        "now": _logit(_level([current])),
        "before": _logit(_level([today.slots.get(now - 1, current)])),
        "day": _logit(_level(seen.values())),
        "usual": _logit(_level(day.slots[at] for day in kind if at in day.slots)),
        "last_five": _logit(_level(day.slots[at] for day in five if at in day.slots)),
        "five_in_all": _logit(_level(cell for day in five for cell in day.slots.values())),
        "load": 5 * min(0.5, max(-0.5, load - 0.9)),
        "volume": log(ratio),
        "phones": log(phones_ratio),
    }
    return Forecast(volume, phones, features)


class _Usual(msgspec.Struct):
    calls: float = 0.0
    phones: float = 0.0
    busy: float = 0.0


def _usual(days: Sequence[OpenDay], slot: int) -> _Usual:
    cells = [day.slots[slot] for day in days if slot in day.slots]
    calls = sum(cell.calls for cell in cells)
    if not calls:
        return _Usual()
    busy = sum(cell.calls * cell.busy for cell in cells) / calls
    return _Usual(calls / len(days), sum(cell.phones for cell in cells) / len(cells), busy)


def _ratio(seen: Mapping[int, HalfHour], same: Sequence[OpenDay], now: int, usual_now: float) -> float:
    """Today's calls to the usual ones: half of it so far, half of it in the last hour."""
    usual = {
        slot: _usual(same, slot).calls for slot in {slot for day in same for slot in day.slots} if slot <= now
    }
    so_far = sum(cell.calls for cell in seen.values())
    hour = sum(cell.calls for slot, cell in seen.items() if slot > now - 2)
    usual_hour = sum(calls for slot, calls in usual.items() if slot > now - 2)
    day = (so_far + 2 * usual_now) / (sum(usual.values()) + 2 * usual_now)
    return max(0.1, (day + hour / usual_hour) / 2 if usual_hour else day)


def _level(cells: Iterable[HalfHour]) -> float:
    some = list(cells)
    calls = sum(cell.calls for cell in some)
    return sum(cell.kept for cell in some) / calls if calls else 1.0


def _logit(share: float) -> float:
    cut = min(0.98, max(0.02, share))
    return log(cut / (1 - cut))


def _logistic(score: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, score))))


def fit_weights(rows: Sequence[tuple[Features, bool]]) -> Weights:
    """Logistic regression with squared weights penalised, the constant not; by Newton's steps."""
    names = tuple(rows[0][0])
    columns = [[1.0] * len(rows), *([features[name] for features, _ in rows] for name in names)]
    weights = [0.0] * len(columns)
    for _ in range(30):
        scores = (sum(map(mul, weights, row)) for row in zip(*columns, strict=True))
        chances = [_logistic(score) for score in scores]
        wrong = [breach - chance for (_, breach), chance in zip(rows, chances, strict=True)]
        spread = [chance * (1 - chance) for chance in chances]
        curvature = []
        for k, column in enumerate(columns):
            scaled, least = list(map(mul, spread, column)), PENALTY if k else 0.0
            line = [sum(map(mul, scaled, other)) + (least if j == k else 0.0) for j, other in enumerate(columns)]
            curvature.append([*line, sum(map(mul, wrong, column)) - least * weights[k]])
        step = _solved(curvature)
        weights = [w + s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-8:
            break
    return Weights(weights[0], dict(zip(names, weights[1:], strict=True)))


def _solved(rows: list[list[float]]) -> list[float]:
    """The solution of a small symmetric system, whose right side ends each row, by elimination."""
    for k, pivot in enumerate(rows):
        for j, row in enumerate(rows):
            if j != k:
                share = row[k] / (pivot[k] or 1e-12)
                rows[j] = [a - share * b for a, b in zip(row, pivot, strict=True)]
    return [row[-1] / (row[k] or 1e-12) for k, row in enumerate(rows)]


def training_rows(
    days: Sequence[OpenDay], ahead: int, giving_up: float, within: float, first: int = SAME_KIND
) -> list[tuple[Features, bool]]:
    """Of each half-hour with enough calls, the features known before it and whether it was breached."""
    rows = []
    for place in range(first, len(days)):
        for slot, cell in sorted(days[place].slots.items()):
            breach = breached(cell)
            found = forecast(days[place], days[:place], slot - ahead, ahead, giving_up, within)
            if breach is not None and found is not None:
                rows.append((found.features, breach))
    return rows
