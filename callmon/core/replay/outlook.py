"""The chance that fewer than half of a coming half-hour's calls keep the standard. Pure.

A fitted regression of few features, whose weights are printed. Refuses: a half-hour of fewer than 20 calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp, log

import msgspec

from callmon.core.replay.erlang import Load, level_between

LEAST_CALLS, BREACH = 20, 0.5
SAME_WEEKDAYS = 8
SAME_KIND = 20
LAST_DAYS = 5
LEAST_DAYS = 60
FEATURES = (
    "expected", "now", "before", "day", "usual", "last_five", "five_in_all", "load", "volume", "phones",
)  # fmt: skip
REASONS = ("volume", "phones", "now")


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
    features: tuple[float, ...]


class Weights(msgspec.Struct, frozen=True):
    constant: float
    by_feature: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        return _logistic(self.constant + sum(w * x for w, x in zip(self.by_feature, features, strict=True)))

    def reasons(self, features: Sequence[float]) -> list[str]:
        """Of calls, phones and the level now: those that raise the chance, the largest first."""
        named = dict(zip(FEATURES, features, strict=True))
        worse = {"volume": named["volume"], "phones": -named["phones"], "now": (named["usual"] - named["now"]) / 4}
        return sorted((name for name in REASONS if worse[name] > 0.05), key=lambda name: -worse[name])


def breached(slot: HalfHour, least: int = LEAST_CALLS) -> bool | None:
    """None where the calls are too few to say."""
    return None if slot.calls < least else slot.kept < BREACH * slot.calls


def forecast(
    today: OpenDay, past: Sequence[OpenDay], now: int, ahead: int, giving_up: float, within: float
) -> Forecast | None:
    """Of the half-hour `now + ahead` at the end of `now`; nothing later is read. None: too little is known."""
    same = [day for day in past if day.weekday == today.weekday][-SAME_WEEKDAYS:]
    kind = [day for day in past if max(day.weekday, 4) == max(today.weekday, 4)][-SAME_KIND:]
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
    expected = level_between(Load(volume / 1800, busy, giving_up), phones, within)
    load = volume * busy / 1800 / max(phones, 0.5)
    five = kind[-LAST_DAYS:]
    features = (
        _logit(expected),
        _logit(_level([current])),
        _logit(_level([today.slots.get(now - 1, current)])),
        _logit(_level(seen.values())),
        _logit(_level(day.slots[at] for day in kind if at in day.slots)),
        _logit(_level(day.slots[at] for day in five if at in day.slots)),
        _logit(_level(cell for day in five for cell in day.slots.values())),
        5 * min(0.5, max(-0.5, load - 0.9)),
        log(ratio),
        log(phones_ratio),
    )
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


def fit_weights(rows: Sequence[tuple[Sequence[float], bool]], penalty: float = 1.0) -> Weights:
    """Logistic regression with squared weights penalised, the constant not; by Newton's steps."""
    size = len(rows[0][0]) + 1
    weights = [0.0] * size
    for _ in range(30):
        slope = [-penalty * w if k else 0.0 for k, w in enumerate(weights)]
        curvature = [[penalty if j == k and k else 0.0 for j in range(size)] for k in range(size)]
        for features, breach in rows:
            row = (1.0, *features)
            chance = _logistic(sum(w * x for w, x in zip(weights, row, strict=True)))
            for k, x in enumerate(row):
                slope[k] += (breach - chance) * x
                scaled = chance * (1 - chance) * x
                line = curvature[k]
                for j in range(k + 1):
                    line[j] += scaled * row[j]
        for k in range(size):
            for j in range(k):
                curvature[j][k] = curvature[k][j]
        step = _solved(curvature, slope)
        weights = [w + s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-8:
            break
    return Weights(weights[0], tuple(weights[1:]))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a small symmetric system, by elimination."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for k in range(size):
        pivot = max(range(k, size), key=lambda j: abs(rows[j][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        if abs(rows[k][k]) < 1e-12:
            rows[k][k] = 1e-12
        for j in range(size):
            if j != k:
                share = rows[j][k] / rows[k][k]
                rows[j] = [a - share * b for a, b in zip(rows[j], rows[k], strict=True)]
    return [rows[k][size] / rows[k][k] for k in range(size)]


def training_rows(
    days: Sequence[OpenDay], ahead: int, giving_up: float, within: float, first: int = SAME_KIND
) -> list[tuple[tuple[float, ...], bool]]:
    """Of each half-hour with enough calls, the features known before it and whether it was breached."""
    rows = []
    for place in range(first, len(days)):
        for slot, cell in sorted(days[place].slots.items()):
            breach = breached(cell)
            found = forecast(days[place], days[:place], slot - ahead, ahead, giving_up, within)
            if breach is not None and found is not None:
                rows.append((found.features, breach))
    return rows
