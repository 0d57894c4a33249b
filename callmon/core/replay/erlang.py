"""Erlang's queue with impatient callers, for lines whose queue is judged in seconds. Pure.

The busy time is the phone's: until it is free, not until the caller hangs up.
"""

from __future__ import annotations

from bisect import bisect_left
from math import ceil, exp, lgamma, log, sqrt

import msgspec

STEPS = 400  # callers beyond the phones that are taken into account


class Load(msgspec.Struct, frozen=True, gc=False):
    """Calls per second, seconds that a phone is busy with one, and those who give up per second waited."""

    calls: float
    busy: float
    giving_up: float


def level(load: Load, phones: int, within: float) -> float:
    """The share of callers answered within so many seconds (Erlang A; without giving up, Erlang C)."""
    if load.calls <= 0:
        return 1.0
    if phones <= 0 or (load.giving_up <= 0 and load.calls * load.busy >= phones):
        return 0.0
    shares = _shares(load, phones)
    answered = sum(shares[:phones])
    mean = 0.0
    variance = 0.0
    for queued, share in enumerate(shares[phones:]):
        rate = phones / load.busy + queued * load.giving_up
        mean, variance = mean + 1 / rate, variance + 1 / rate**2
        if share > 1e-9:
            stays = exp(-load.giving_up * min(mean, within))
            answered += share * gamma_share(mean**2 / variance, within * mean / variance) * stays
    return answered


def _shares(load: Load, phones: int) -> list[float]:
    """The share of time with k callers in the system, k = 0, 1, …"""
    logs = [0.0]
    offered = log(load.calls)
    for k in range(1, phones + STEPS):
        served = log(min(k, phones) / load.busy + max(0, k - phones) * load.giving_up)
        logs.append(logs[-1] + (offered - served))
        if k > phones and logs[-1] < max(logs[0], logs[phones]) - 25 and logs[-1] < logs[-2]:
            break
    most = max(logs)
    weights = [exp(value - most) for value in logs]
    scale = sum(weights)
    return [weight / scale for weight in weights]


def gamma_share(shape: float, at: float) -> float:
    """The share of a Γ-distribution of scale 1 below `at`, by its series."""
    if at <= 0:
        return 0.0
    if at > shape + 10 * sqrt(shape) + 40:
        return 1.0
    n = shape
    term = total = 1 / shape
    while term > total * 1e-12:
        n += 1
        term *= at / n
        total += term
    return min(1.0, total * exp(shape * log(at) - at - lgamma(shape)))


def least_phones(load: Load, target: float, within: float) -> int:
    """The least number of phones that reaches the target: twice those that are busy, and a few, always do."""
    most = 20 + 2 * ceil(load.calls * load.busy)
    return 1 + bisect_left(range(1, most), target, key=lambda phones: level(load, phones, within))


def level_between(load: Load, phones: float, within: float) -> float:
    """As `level`, for a mean number of phones that is no whole number."""
    below = int(phones)
    share = phones - below
    return (1 - share) * level(load, below, within) + share * (level(load, below + 1, within) if share else 0)
