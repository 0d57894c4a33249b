"""The chance of a breach: features known before it, and weights fitted to a record."""

from math import exp

import pytest
from msgspec.structs import replace

from callmon.core.replay.draws import uniform
from callmon.core.replay.outlook import (
    PENALTY,
    Forecast,
    HalfHour,
    OpenDay,
    breached,
    fit_weights,
    forecast,
    training_rows,
)


def days(count: int, seed: int = 1) -> list[OpenDay]:
    """Each day is busier or quieter than usual by a factor of its own; phones miss by chance."""
    found = []
    for number in range(count):
        factor, phones = 0.6 + 0.8 * uniform(seed, 1, number), 8 + int(3 * uniform(seed, 2, number))
        slots = {}
        for slot in range(18, 34):
            calls = int(60 * factor * (0.9 + 0.2 * uniform(seed, 3, number, slot)))
            share = 1 / (1 + exp(1.5 * (calls * 240 / 1800 - phones)))
            slots[slot] = HalfHour(calls, int(calls * share), float(phones), 240.0)
        found.append(OpenDay(number % 5, slots))
    return found


def test_a_half_hour_is_breached_below_one_half_from_twenty_calls_on() -> None:
    assert [breached(HalfHour(20, kept, 1, 1)) for kept in (9, 10)] == [True, False]
    assert breached(HalfHour(19, 0, 1, 1)) is None


def test_nothing_later_than_now_is_read() -> None:
    known = days(40)
    poison = HalfHour(10**6, 0, 0.0, 10**6)
    poisoned = replace(
        known[30], slots={slot: cell if slot <= 24 else poison for slot, cell in known[30].slots.items()}
    )
    expected = forecast(known[30], known[:30], 24, 2, 1 / 300, 20.0)
    assert expected is not None
    assert forecast(poisoned, known[:30], 24, 2, 1 / 300, 20.0) == expected


def test_nothing_is_expected_of_half_hours_in_which_nobody_ever_answered() -> None:
    """How long a phone is busy is then not known."""
    unanswered = [OpenDay(n % 5, dict.fromkeys(range(18, 34), HalfHour(50, 0, 9.0, 0.0))) for n in range(40)]
    assert forecast(unanswered[35], unanswered[:35], 24, 2, 1 / 300, 20.0) is None


def test_a_day_as_usual_has_the_usual_volume_and_phones() -> None:
    usual = [OpenDay(n % 5, dict.fromkeys(range(18, 34), HalfHour(50, 40, 9.0, 240.0))) for n in range(40)]
    found = forecast(usual[35], usual[:35], 24, 2, 1 / 300, 20.0)
    assert found is not None
    assert (found.volume, found.phones) == (pytest.approx(50), pytest.approx(9))
    features = found.features
    assert (features["volume"], features["phones"]) == (pytest.approx(0), pytest.approx(0))
    assert features["now"] == features["before"] == features["day"] == features["usual"]


def test_without_five_days_like_it_nothing_is_forecast() -> None:
    known = days(30)
    assert forecast(known[4], known[:4], 24, 2, 1 / 300, 20.0) is None
    assert forecast(replace(known[29], slots={}), known[:29], 24, 2, 1 / 300, 20.0) is None


def test_the_fitted_weights_are_where_the_penalised_likelihood_is_level() -> None:
    rows = training_rows(days(60), 2, 1 / 300, 20.0)
    weights = fit_weights(rows)
    chances = [weights.probability(features) for features, _ in rows]
    missed = [breach - chance for (_, breach), chance in zip(rows, chances, strict=True)]
    assert sum(missed) == pytest.approx(0, abs=1e-6)
    for name, weight in weights.by_feature.items():
        slope = sum(miss * features[name] for miss, (features, _) in zip(missed, rows, strict=True))
        assert slope == pytest.approx(PENALTY * weight, abs=1e-5)


def test_breaches_of_days_to_come_have_the_higher_chance() -> None:
    known = days(120)
    weights = fit_weights(training_rows(known[:80], 2, 1 / 300, 20.0))
    rows = training_rows(known, 2, 1 / 300, 20.0, first=80)
    wrong = sum((weights.probability(features) - breach) ** 2 for features, breach in rows) / len(rows)
    share = sum(breach for _, breach in rows) / len(rows)
    assert wrong < 0.5 * share * (1 - share)


def test_the_reasons_are_those_that_raise_the_chance() -> None:
    level = {"usual": 0.0, "now": 1.0}
    assert Forecast(30.0, 4.0, level | {"volume": 0.3, "phones": -0.5}).reasons() == ["phones", "volume"]
    assert Forecast(30.0, 4.0, level | {"volume": 0.0, "phones": 0.0}).reasons() == []
