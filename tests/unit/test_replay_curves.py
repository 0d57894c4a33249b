"""Curves of lengths of which some were cut off, and the draws from them."""

from itertools import product
from math import inf, isclose

import pytest

from callmon.core.replay.curves import RING, Curve, drawn, fit_curve, survival
from callmon.core.replay.draws import uniform, world_salt


def restricted_mean(curve: Curve, until: int) -> float:
    """The area under S up to `until`: the mean of lengths that are cut there."""
    total = 0.0
    last = 0
    level = 1.0
    for at, negative in zip(curve.times, curve.fallen, strict=True):
        if at >= until:
            break
        total = total + level * (at - last)
        last = at
        level = -negative
    return total + level * (until - last)


def samples_of(seed: int, count: int = 60) -> list[tuple[int, bool]]:
    salt = world_salt(seed, 0)
    return [(1 + int(40 * uniform(salt, 1, n)), uniform(salt, 2, n) < 0.6) for n in range(count)]


def test_the_curve_is_the_product_over_all_times_counted_one_by_one() -> None:
    for seed in range(200):
        _compare(samples_of(seed))


def _compare(samples: list[tuple[int, bool]]) -> None:
    curve, product_limit = fit_curve(samples), 1.0
    for at in range(45):
        risk = sum(length >= at for length, _ in samples)
        product_limit *= 1 - sum(length == at and ended for length, ended in samples) / risk if risk else 1
        assert isclose(survival(curve, at), product_limit, abs_tol=1e-12)


def test_the_mean_of_draws_is_the_restricted_mean() -> None:
    curve = fit_curve(samples_of(7, 500))
    salt = world_salt(1, 1)
    lengths = [min(drawn(curve, uniform(salt, 3, n)), 30) for n in range(20000)]
    assert abs(sum(lengths) / len(lengths) - restricted_mean(curve, 30)) < 0.15


def test_a_draw_is_longer_than_what_was_seen_of_it() -> None:
    for seed, after in product(range(20), range(45)):
        assert drawn(fit_curve(samples_of(seed)), uniform(1, 3, after), after) > after


def test_a_curve_without_an_end_never_ends() -> None:
    assert drawn(fit_curve([(5, False), (9, False)]), 0.5, 9) == inf
    assert drawn(fit_curve([]), 0.5) == inf


def test_a_curve_in_which_all_ended_lasts_no_longer() -> None:
    assert drawn(fit_curve([(5, True), (9, True)]), 0.01, 9) == 10


def test_beyond_what_was_seen_the_hazard_of_the_last_ring_goes_on() -> None:
    curve = fit_curve([(RING, True), (2 * RING, False)])  # half end in the first ring, none in the second
    assert curve.tail == 0
    curve = fit_curve([(RING + 1, True), (2 * RING, False)])
    assert drawn(curve, 0.25) == pytest.approx(3 * RING + 1)  # half of the rest in one further ring
    assert drawn(curve, 0.25, factor=0.5) == pytest.approx(4 * RING + 1)


def test_the_hazard_is_halved_with_each_further_ring() -> None:
    curve = fit_curve([(RING + 1, True), (2 * RING, False)])
    assert drawn(curve, 0.25, halved=True) == pytest.approx(3 * RING + 1)
    assert drawn(curve, 0.5 * 2**-1.5, halved=True) == pytest.approx(4 * RING + 1)
    assert drawn(curve, 1e-4, halved=True) == inf


def test_draws_depend_on_their_keys_alone() -> None:
    salt = world_salt(1, 0)
    assert uniform(salt, 1, 5, 6, 7) == uniform(salt, 1, 5, 6, 7)
    keys = product((salt, world_salt(1, 1), world_salt(2, 0)), (1, 2), range(5), range(5), range(5))
    values = [uniform(*key) for key in keys]
    assert len(set(values)) == len(values)
    assert 0.45 < sum(values) / len(values) < 0.55
