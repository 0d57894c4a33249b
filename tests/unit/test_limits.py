"""How often somebody may try to sign in: boundaries, and memory that is bounded."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from callmon.web.auth.client import by_address
from callmon.web.auth.service import FORGOTTEN_AFTER, FREE, SignInThrottle

LONGEST = 60.0


def after(tries: int, now: float = 0.0) -> SignInThrottle:
    limit = SignInThrottle(LONGEST)
    for _ in range(tries):
        limit.tried("marie", now)
    return limit


@pytest.mark.parametrize(
    ("tries", "wait"),
    [(0, 0.0), (FREE - 1, 0.0), (FREE, 1.0), (FREE + 1, 2.0), (FREE + 5, 32.0), (FREE + 6, 60.0)],
)
def test_each_try_after_the_free_ones_waits_twice_as_long(tries: int, wait: float) -> None:
    assert after(tries).wait("marie", 0.0) == wait


def test_a_million_tries_wait_no_longer_than_the_longest() -> None:
    assert after(2000).wait("marie", 0.0) == LONGEST


@pytest.mark.parametrize(("now", "wait"), [(1.999, 0.001), (2.0, 0.0), (2.5, 0.0)])
def test_a_wait_is_over_when_it_has_passed(now: float, wait: float) -> None:
    assert after(FREE + 1).wait("marie", now) == pytest.approx(wait)


@pytest.mark.parametrize(("now", "wait"), [(FORGOTTEN_AFTER - 0.001, 1.0), (FORGOTTEN_AFTER, 0.0)])
def test_tries_are_forgotten_an_hour_after_the_last(now: float, wait: float) -> None:
    limit = after(FREE - 1)
    limit.tried("marie", now)
    assert limit.wait("marie", now) == wait


def test_others_need_not_wait() -> None:
    assert after(100).wait("luc", 0.0) == 0.0


def test_a_try_that_succeeded_does_not_count_and_those_before_it_do() -> None:
    limit = after(FREE)
    limit.succeeded("marie")
    limit.tried("marie", 0.0)
    assert limit.wait("marie", 0.0) == 1.0
    limit.forget("marie")
    assert limit.wait("marie", 0.0) == 0.0


def tries_of_the_last(keys: list[str], most: int) -> int:
    """Since so many others were tried that it was forgotten."""
    count, others = 0, set[str]()
    for key in reversed(keys):
        if key != keys[-1]:
            others.add(key)
        elif len(others) < most:
            count, others = count + 1, set()
        else:
            break
    return count


@given(st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=60))
@example(["a"] * (FREE + 5))
@example([*"aaaaaaaaabcdefghijkla"])  # eleven others came between
def test_no_more_is_stored_than_may_be_and_the_latest_is(keys: list[str]) -> None:
    limit = SignInThrottle(LONGEST, most=10)
    for place, key in enumerate(keys):
        limit.tried(key, float(place))
    assert len(limit) == min(10, len(set(keys)))
    tries = tries_of_the_last(keys, 10)
    wait = 0.0 if tries < FREE else min(2.0 ** (tries - FREE), LONGEST)
    assert limit.wait(keys[-1], float(len(keys) - 1)) == wait


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("64:ff9b::192.0.2.7", "192.0.2.7"),
        ("::192.0.2.7", "::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv4_address_is_itself_and_an_ipv6_network_one_address(address: str, counted: str) -> None:
    assert by_address(address) == counted
